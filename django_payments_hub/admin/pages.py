"""The pages between a button and a service: what would happen, a form, and a second look before money moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import messages
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import Promise

from django_payments_hub.admin.base import HubAdmin
from django_payments_hub.admin.words import sentence
from django_payments_hub.exceptions import HubError

_Text = Promise | str


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page in front of an action.

    Args:
        facts: lines above the form. columns, lines: a table, for several objects.
        hidden: values that come back with the POST. danger: the button is red.
    """

    title: _Text
    submit: _Text
    intro: _Text = ""
    facts: Sequence[tuple[object, object]] = ()
    columns: Sequence[object] = ()
    lines: Sequence[Sequence[object]] = ()
    hidden: dict[str, str] = field(default_factory=dict)
    danger: bool = False
    blocked: bool = False


def render(
    model_admin: HubAdmin[Any],
    request: HttpRequest,
    page: Page,
    *,
    row: models.Model | None = None,
    form: forms.Form | None = None,
    confirming: bool = False,
) -> HttpResponse:
    """The page; with `confirming` the form's values are shown, not asked for."""
    context = model_admin.page_context(
        request,
        title=page.title,
        page=page,
        original=row,
        form=form,
        confirming=confirming,
        back_url=model_admin.url("change", row.pk) if row is not None else model_admin.url("changelist"),
    )
    request.current_app = model_admin.admin_site.name
    return TemplateResponse(request, "payments_hub/admin/action.html", context)


def confirm_and_do(
    model_admin: HubAdmin[Any], request: HttpRequest, row: models.Model, page: Page, do: Callable[[], str]
) -> HttpResponse:
    """A page without fields: GET asks, POST does."""
    if request.method != "POST":
        return render(model_admin, request, page, row=row)
    return attempt(model_admin, request, row, do)


def attempt(model_admin: HubAdmin[Any], request: HttpRequest, row: models.Model, do: Callable[[], str]) -> HttpResponse:
    """Call a service; its success and its refusal both end as a message on the object's page."""
    try:
        message = do()
    except HubError as error:
        model_admin.message_user(request, sentence(error), messages.ERROR)
    else:
        model_admin.done(request, row, message)
    return model_admin.back(row)
