"""Lists by key: newest first, one query a page, no COUNT, the thousandth page as fast as the first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

OLDER, NEWER = "_older", "_newer"
_CURSORS = (OLDER, NEWER)


class CursorChangeList(ChangeList):
    """A change list that pages by primary key; keys are UUIDv7, so that their order is that of time."""

    newer_link: str | None
    older_link: str | None

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        found = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name not in _CURSORS}

    def get_query_string(self, new_params: dict[str, Any] | None = None, remove: Iterable[str] | None = None) -> str:
        """Another filter begins on the first page."""
        return super().get_query_string(new_params, [*(remove or ()), *_CURSORS])

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        return ["-pk"]

    def get_results(self, request: HttpRequest) -> None:
        newer_than, older_than = _cursor(request, NEWER), _cursor(request, OLDER)
        rows, before, after = self._page(newer_than, older_than)
        self.newer_link = self.get_query_string({NEWER: rows[0].pk}) if before and rows else None
        self.older_link = self.get_query_string({OLDER: rows[-1].pk}) if after and rows else None
        self.result_list = rows
        self.result_count = self.full_result_count = len(rows)
        self.show_full_result_count = False
        self.show_admin_actions = bool(rows)
        self.can_show_all = self.multi_page = False
        self.paginator = None

    def _page(self, newer_than: UUID | None, older_than: UUID | None) -> tuple[list[Any], bool, bool]:
        """The rows, and whether there are newer and older ones."""
        wanted = self.list_per_page + 1
        if newer_than is not None:
            found = list(self.queryset.filter(pk__gt=newer_than).order_by("pk")[:wanted])
            return found[: self.list_per_page][::-1], len(found) == wanted, True
        rows = self.queryset if older_than is None else self.queryset.filter(pk__lt=older_than)
        found = list(rows[:wanted])
        return found[: self.list_per_page], older_than is not None, len(found) == wanted


def _cursor(request: HttpRequest, name: str) -> UUID | None:
    text = request.GET.get(name)
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise IncorrectLookupParameters from error


def first_id_at(moment: datetime) -> UUID:
    """The smallest UUIDv7 of this moment (RFC 9562: 48 bits of milliseconds, then version and variant)."""
    milliseconds = int(moment.timestamp()) * 1000
    return UUID(int=(milliseconds << 80) | (7 << 76) | (2 << 62))


class CreatedFilter(SimpleListFilter):
    """By age, through the key: no index on a date is needed."""

    title = _("created")
    parameter_name = "created"
    _DAYS = {"today": 0, "7": 7, "30": 30, "90": 90}

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:
        return [
            ("today", _("Today")),
            ("7", _("Past 7 days")),
            ("30", _("Past 30 days")),
            ("90", _("Past 90 days")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        days = self._DAYS.get(self.value() or "")
        if days is None:
            return queryset
        midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        return queryset.filter(pk__gte=first_id_at(midnight - timedelta(days=days)))


class AttentionFilter(SimpleListFilter):
    """Those that wait for a person, as `rows()` of the subclass says."""

    title = _("needs a person")
    parameter_name = "attention"

    def rows(self) -> QuerySet[Any]:
        """The rows that wait."""
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:
        return [("yes", _("Yes"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(pk__in=self.rows().order_by().values("pk")) if self.value() == "yes" else queryset


def attention_filter(
    rows: Callable[[], QuerySet[Any]], *, title: Promise | str = AttentionFilter.title, parameter: str = "attention"
) -> type[AttentionFilter]:
    """A filter for the rows that `rows()` finds."""
    names = {"rows": lambda _self: rows(), "title": title, "parameter_name": parameter}
    return type("Filter", (AttentionFilter,), names)
