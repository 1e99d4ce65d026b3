"""Try again: for notices and deliveries alike, one or several."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from django_payments_hub.admin import pages
from django_payments_hub.admin.base import BulkTool, HubAdmin, Tool

_Row = TypeVar("_Row", bound=models.Model)
_Service = Callable[[UUID], None]


def replay_tool(permission: str, service: _Service) -> Tool[Any]:
    """The button."""
    return Tool(name="replay", label=gettext_lazy("Replay"), permission=permission, view=partial(_replay_one, service))


def replay_selected(permission: str, service: _Service, state: Callable[[Any], object]) -> BulkTool[Any]:
    """The list's action; `state(row)` is shown beside each row."""
    return BulkTool(name="replay", permission=permission, view=partial(_replay_rows, service, state))


def _replay_one(service: _Service, model_admin: HubAdmin[_Row], request: HttpRequest, row: _Row) -> HttpResponse:
    page = pages.Page(
        title=_("Replay %(name)s") % {"name": row},
        intro=_intro(),
        submit=_("Replay"),
    )

    def do() -> str:
        service(row.pk)
        return _("It is due again; a worker takes it up.")

    return pages.confirm_and_do(model_admin, request, row, page, do)


def _replay_rows(
    service: _Service,
    state: Callable[[_Row], object],
    model_admin: HubAdmin[_Row],
    request: HttpRequest,
    rows: list[_Row],
) -> HttpResponse:
    if request.method != "POST":
        page = pages.Page(
            title=_("Replay"),
            intro=_intro(),
            columns=(model_admin.opts.verbose_name, _("State")),
            lines=[(str(row), state(row)) for row in rows],
            hidden={"ids": ".".join(str(row.pk) for row in rows)},
            submit=ngettext("Replay %(count)d", "Replay %(count)d", len(rows)) % {"count": len(rows)},
        )
        return pages.render(model_admin, request, page)
    for row in rows:
        service(row.pk)
        model_admin.log_change(request, row, _("It is due again; a worker takes it up."))
    told = ngettext("%(count)d is due again.", "%(count)d are due again.", len(rows)) % {"count": len(rows)}
    model_admin.message_user(request, told)
    return model_admin.back()


def _intro() -> str:
    return _("It becomes due again, whatever became of it before. What was applied already is not applied twice.")
