"""Query parameters of lists: an unknown one is an error, not ignored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import QueryDict
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as _

from django_payments_hub.domain.statuses import MethodKind, MethodStatus, PaymentStatus, RefundStatus
from django_payments_hub.exceptions import InvalidInput

_Row = TypeVar("_Row", bound=Model)

CURSOR = "cursor"


@dataclass(frozen=True, kw_only=True)
class Filter:
    """One query parameter: the lookup it stands for, how its text is read, and what the documentation says."""

    name: str
    lookup: str
    read: Callable[[str], object]
    help: object = ""
    words: type[StrEnum] | None = None


def _text(value: str) -> str:
    if not value.isprintable() or not 0 < len(value) <= 64:
        raise ValueError
    return value


def read_moment(value: str) -> datetime:
    """A moment, or a day, in ISO 8601; in UTC unless it says more. Raises ValueError or OverflowError."""
    found = parse_datetime(value)
    if found is None and (day := parse_date(value)) is not None:
        found = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if found is None:
        raise ValueError
    # In UTC already here: at the ends of the calendar the step leaves it, which is an OverflowError.
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _id(value: str) -> UUID:
    return UUID(value)


def _word(words: type[StrEnum]) -> Callable[[str], object]:
    return lambda value: words(value).value


def _is_null(value: str) -> bool:
    """For a flag that is a column which is set."""
    return {"true": False, "false": True}[value]


_CREATED = (
    Filter(
        name="created_after", lookup="created_at__gt", read=read_moment, help=_("ISO 8601; UTC unless it says more.")
    ),
    Filter(
        name="created_before", lookup="created_at__lt", read=read_moment, help=_("ISO 8601; UTC unless it says more.")
    ),
)
PAYMENT_FILTERS = (
    Filter(name="status", lookup="status", read=_word(PaymentStatus), words=PaymentStatus),
    Filter(name="account", lookup="account__alias", read=_text, help=_("Alias of the account.")),
    Filter(name="order_id", lookup="order_ref__object_id", read=_text, help=_("The shop's own id of the order.")),
    *_CREATED,
)
REFUND_FILTERS = (
    Filter(name="status", lookup="status", read=_word(RefundStatus), words=RefundStatus),
    Filter(name="payment_id", lookup="payment_id", read=_id),
    *_CREATED,
)


METHOD_FILTERS = (
    Filter(
        name="status",
        lookup="status",
        read=_word(MethodStatus),
        words=MethodStatus,
        help=_("`active` when left out."),
    ),
    Filter(name="account", lookup="account__alias", read=_text, help=_("Alias of the account.")),
    Filter(name="kind", lookup="kind", read=_word(MethodKind), words=MethodKind),
    Filter(name="is_default", lookup="default_key__isnull", read=_is_null, help=_("`true` or `false`.")),
    *_CREATED,
)


def filtered(rows: QuerySet[_Row], query: QueryDict, filters: tuple[Filter, ...]) -> QuerySet[_Row]:
    """The rows a query asks for.

    Raises:
        InvalidInput: `unknown_filter`, `invalid_filter`.
    """
    known: Mapping[str, Filter] = {item.name: item for item in filters}
    for name, values in query.lists():
        if name == CURSOR:
            continue
        if name not in known:
            raise InvalidInput("There is no such filter.", field=name[:60], code="unknown_filter")
        rows = rows.filter(**{known[name].lookup: _value(known[name], values)})
    return rows


def _value(item: Filter, values: list[str]) -> object:
    try:
        (value,) = values
        return item.read(value)
    except (ValueError, KeyError, OverflowError):
        raise InvalidInput("The value cannot be read.", field=item.name, code="invalid_filter") from None


def refuse_filters(query: QueryDict) -> None:
    """For endpoints that have none."""
    for name in query:
        raise InvalidInput("There is no such parameter.", field=name[:60], code="unknown_filter")
