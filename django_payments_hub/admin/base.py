"""What the hub's admin pages share: read-only books, lists by key, exact search, and buttons that call services."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin import ShowFacets
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise

from django_payments_hub.admin.changelist import CursorChangeList

_Row = TypeVar("_Row", bound=models.Model)

if TYPE_CHECKING:  # generic for the type checker only
    _ModelAdmin = admin.ModelAdmin
    _TabularInline = admin.TabularInline[Any, Any]
else:

    class _ModelAdmin(admin.ModelAdmin, Generic[_Row]):
        pass

    _TabularInline = admin.TabularInline


MAX_FOUND = 100
"""Related rows a search follows."""

MAX_SELECTED = 50
"""Rows one bulk action takes: as many as a page of the list shows."""


@dataclass(frozen=True, kw_only=True)
class Tool(Generic[_Row]):
    """A button on an object's page: a GET shows what would happen, a POST does it.

    Args:
        name: part of the address. permission: codename in the hub.
        view: answers both verbs. offered: whether the button makes sense for this row; the service decides in the end.
    """

    name: str
    label: Promise | str
    permission: str
    view: Callable[[HubAdmin[_Row], HttpRequest, _Row], HttpResponse]
    offered: Callable[[_Row], bool] = lambda _row: True


@dataclass(frozen=True, kw_only=True)
class BulkTool(Generic[_Row]):
    """The page an action of the list leads to: the selected rows, and a POST that does it to each."""

    name: str
    permission: str
    view: Callable[[HubAdmin[_Row], HttpRequest, list[_Row]], HttpResponse]


class HubAdmin(_ModelAdmin[_Row]):
    """Base of the hub's pages."""

    list_per_page = MAX_SELECTED
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # facets count
    sortable_by = ()
    tools: tuple[Tool[Any], ...] = ()
    bulk_tools: tuple[BulkTool[Any], ...] = ()

    class Media:
        css = {"all": ("payments_hub/admin.css",)}

    # -- lists -------------------------------------------------------------------------------------------------------

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CursorChangeList]:
        return CursorChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[_Row], search_term: str
    ) -> tuple[models.QuerySet[_Row], bool]:
        """Exact matches only: an id is copied, not guessed, and an index finds it."""
        term = search_term.strip()
        if not term:
            return queryset, False
        wanted = Q()
        for name in self.get_search_fields(request):
            wanted |= Q(**{str(name): term.upper() if str(name).endswith("number") else term})
        key = _as_uuid(term)
        if key is not None:
            wanted |= Q(pk=key)
        return queryset.filter(wanted | self.search_also(term)), False

    def search_also(self, term: str) -> Q:
        """Further ways to find a row, for a subclass."""
        return Q()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only the filters that are offered: Django lets any own column be probed, hashes and ciphertext too (S25)."""
        offered = [_filter_name(item) for item in self.list_filter]
        return any(lookup == name or lookup.startswith(f"{name}__") for name in offered)

    def response_action(
        self, request: HttpRequest, queryset: models.QuerySet[_Row], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Actions work on what was ticked, never on all that a search finds."""
        if request.POST.get("select_across", "0") != "0":
            raise PermissionDenied
        return super().response_action(request, queryset, *args, **kwargs)

    # -- buttons -----------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        own = [
            self._url(f"<uuid:object_id>/{tool.name}/", tool.name, partial(_tool_view, self, tool))
            for tool in self.tools
        ]
        own += [
            self._url(f"selected/{bulk.name}/", f"selected_{bulk.name}", partial(_bulk_view, self, bulk))
            for bulk in self.bulk_tools
        ]
        return [*own, *super().get_urls()]

    def _url(self, route: str, name: str, view: Callable[..., HttpResponse]) -> URLPattern:
        # Services commit before they call a provider: ATOMIC_REQUESTS must not wrap them.
        guarded = transaction.non_atomic_requests(self.admin_site.admin_view(view))
        return path(route, guarded, name=f"{self.opts.app_label}_{self.opts.model_name}_{name}")

    def url(self, name: str, *args: object) -> str:
        """The address of one of this model's pages."""
        return reverse(
            f"admin:{self.opts.app_label}_{self.opts.model_name}_{name}", args=args, current_app=self.admin_site.name
        )

    def may(self, request: HttpRequest, permission: str) -> bool:
        """Whether the user has this permission of the hub."""
        return bool(request.user.has_perm(f"{self.opts.app_label}.{permission}"))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row: _Row | None = context.get("original")
        if row is not None:
            context["hub_tools"] = [
                {"url": self.url(tool.name, row.pk), "label": tool.label, "name": tool.name}
                for tool in self.tools
                if self.may(request, tool.permission) and tool.offered(row)
            ]
        return super().render_change_form(request, context, *args, **kwargs)

    def to_selected(self, request: HttpRequest, queryset: models.QuerySet[_Row], name: str) -> HttpResponse:
        """From the list to the page of a bulk tool."""
        keys = [str(key) for key in queryset.values_list("pk", flat=True)[:MAX_SELECTED]]
        return HttpResponseRedirect(f"{self.url(f'selected_{name}')}?ids={'.'.join(keys)}")

    def back(self, row: _Row | None = None) -> HttpResponseRedirect:
        """To the object's page, or to the list."""
        return HttpResponseRedirect(self.url("change", row.pk) if row is not None else self.url("changelist"))

    def done(self, request: HttpRequest, row: _Row, message: str, *, level: int = messages.SUCCESS) -> None:
        """Tell the user, and keep in the object's history what was done."""
        self.log_change(request, row, message)
        self.message_user(request, message, level)

    def page_context(self, request: HttpRequest, **more: object) -> dict[str, Any]:
        """What every page of the admin needs."""
        return {**self.admin_site.each_context(request), "opts": self.opts, "media": self.media, **more}


class LedgerAdmin(HubAdmin[_Row]):
    """Books: nobody adds, changes or deletes here, whatever his permissions (I15)."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: _Row | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: _Row | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: _Row | None = None) -> bool:
        return self.may(request, f"view_{self.opts.model_name}")


class LedgerInline(_TabularInline):
    """Rows of the books on another row's page."""

    extra = 0
    max_num = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return bool(request.user.has_perm(f"{self.opts.app_label}.view_{self.opts.model_name}"))


def _tool_view(model_admin: HubAdmin[_Row], tool: Tool[_Row], request: HttpRequest, object_id: UUID) -> HttpResponse:
    _require(model_admin, request, tool.permission)
    row = model_admin.get_object(request, str(object_id))
    if row is None:
        raise Http404
    return tool.view(model_admin, request, row)


def _bulk_view(model_admin: HubAdmin[_Row], bulk: BulkTool[_Row], request: HttpRequest) -> HttpResponse:
    _require(model_admin, request, bulk.permission)
    given = request.POST.get("ids") or request.GET.get("ids") or ""
    keys = [key for text in given.split(".")[:MAX_SELECTED] if (key := _as_uuid(text)) is not None]
    rows = list(model_admin.get_queryset(request).filter(pk__in=keys).order_by("-pk"))
    return bulk.view(model_admin, request, rows) if rows else model_admin.back()


def _require(model_admin: HubAdmin[_Row], request: HttpRequest, permission: str) -> None:
    if not (model_admin.has_view_permission(request) and model_admin.may(request, permission)):
        raise PermissionDenied


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _filter_name(item: object) -> str:
    if isinstance(item, str):
        return item
    return str(item[0] if isinstance(item, list | tuple) else getattr(item, "parameter_name", ""))
