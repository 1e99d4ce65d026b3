"""Pages by cursor: newest first, one query each, no COUNT, as fast on the thousandth page as on the first."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from django_payments_hub.api.filters import CURSOR
from django_payments_hub.conf import hub_settings
from django_payments_hub.exceptions import InvalidInput

_Row = TypeVar("_Row", bound=Model)


def page(request: Request, rows: QuerySet[_Row], render: Callable[[Sequence[_Row]], object]) -> Response:
    """One page of rows by descending id: `{"results", "next", "next_cursor"}`.

    Raises:
        InvalidInput: `invalid_cursor`.
    """
    size = max(1, hub_settings().api_page_size)
    cursors = request.query_params.getlist(CURSOR)
    if cursors:
        rows = rows.filter(pk__lt=_position(cursors))
    found = list(rows.order_by("-pk")[: size + 1])
    following = _cursor(found[size - 1].pk) if len(found) > size else None
    return Response({"results": render(found[:size]), "next": _address(request, following), "next_cursor": following})


def _cursor(key: UUID) -> str:
    return base64.urlsafe_b64encode(key.bytes).decode().rstrip("=")


def _position(cursors: list[str]) -> UUID:
    try:
        (cursor,) = cursors
        found: UUID | None = UUID(bytes=base64.urlsafe_b64decode(cursor + "=="))
    except (ValueError, binascii.Error):
        found = None
    if found is None or _cursor(found) != cursors[0]:
        raise InvalidInput("The cursor is not one of ours.", field=CURSOR, code="invalid_cursor")
    return found


def _address(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    query = request.query_params.copy()
    query[CURSOR] = cursor
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
