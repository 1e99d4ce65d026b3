"""A form, then what it says once more, then the deed; the form's token lets it be done once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar
from uuid import UUID

from django import forms
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.http import HttpRequest, HttpResponse

from django_payments_hub.admin import pages
from django_payments_hub.admin.base import HubAdmin
from django_payments_hub.admin.form_tokens import new_token, once

_Form = TypeVar("_Form", bound=forms.Form)

Values = dict[str, str]
OnCommit = Callable[[UUID], None]


@dataclass(frozen=True, kw_only=True)
class Deed(Generic[_Form]):
    """What follows a valid form.

    Args:
        form, page: the form and the page it stands on.
        again: the second look at what the form says: its button, and its lines.
        do: the deed; it says what was done.
    """

    form: _Form
    page: pages.Page
    again: Callable[[Values], tuple[str, list[tuple[object, object]]]]
    do: Callable[[Values, OnCommit], str]


def asked_twice(model_admin: HubAdmin[Any], request: HttpRequest, row: models.Model, deed: Deed[Any]) -> HttpResponse:
    """Lead through the form, the second look and the deed."""
    form: forms.Form = deed.form
    purpose = f"{type(form).__name__}:{row.pk}"
    token = request.POST.get("token") or new_token(request.user.pk, purpose)
    page = replace(deed.page, hidden={"token": token})
    if request.method != "POST" or page.blocked or not form.is_valid():
        return pages.render(model_admin, request, page, row=row, form=None if page.blocked else form)
    values = {name: str(value) for name, value in form.cleaned_data.items()}
    if "confirmed" not in request.POST:
        submit, facts = deed.again(values)
        hidden = {**page.hidden, **values, "confirmed": "yes"}
        page = replace(page, submit=submit, hidden=hidden, intro="", facts=facts)
        return pages.render(model_admin, request, page, row=row, confirming=True)

    def guarded() -> str:
        kind = type(form).__name__[:20]
        on_commit = once(token, user_id=request.user.pk, purpose=purpose, part=row.pk, resource_type=kind)
        return deed.do(values, on_commit)

    return pages.attempt(model_admin, request, row, guarded)


def actor(request: HttpRequest) -> AbstractBaseUser:
    """Who presses the button; the admin lets nobody in who is not logged in."""
    if not isinstance(request.user, AbstractBaseUser):
        raise TypeError("The admin was entered without a user.")
    return request.user
