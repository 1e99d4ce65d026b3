"""What a handler works with: the seller, the body, the query and the books."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django_payments_hub.sandbox.ledger import Kind
from django_payments_hub.sandbox.pipeline import World
from django_payments_hub.sandbox.square.account import Account
from django_payments_hub.sandbox.square.errors import SquareError
from django_payments_hub.sandbox.square.fields import Fields, Query
from django_payments_hub.sandbox.wire import Json, copy_object

PAGE = 100


@dataclass(kw_only=True)
class Context:
    """One unit of work on one seller; the state lock is held."""

    world: World
    account: Account
    base_url: str
    body: Fields = field(default_factory=lambda: Fields({}))
    query: Query = field(default_factory=lambda: Query({}))
    args: dict[str, str] = field(default_factory=dict)

    def book(self, kind: Kind, payment: Json, object_id: str, amount: int) -> None:
        """Write one movement of a payment into the ledger; nothing for an amount of 0."""
        if amount <= 0:
            return
        self.world.ledger.append(
            provider="square",
            account=self.account.id,
            kind=kind,
            payment=payment["id"],
            object_id=object_id,
            amount_minor=amount,
            currency=payment["total_money"]["currency"],
            at=self.world.clock.now().isoformat(),
            metadata=marks(self.account, payment),
        )


def marks(account: Account, payment: Json) -> dict[str, str]:
    """What the merchant has written on a payment, and on its order."""
    found = {name: payment[name] for name in ("reference_id", "note") if payment.get(name)}
    order = account.find("order", payment.get("order_id") or "")
    if order is not None and order.get("reference_id"):
        found["order_reference_id"] = order["reference_id"]
    return found


Handler = Callable[[Context], Json]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One operation: the fields and query parameters it knows, and the limit of its idempotency key.

    ``key`` is None where the body carries no key; ``key_required`` refuses a body without one.
    """

    method: str
    path: str
    operation: str
    handler: Handler
    body: frozenset[str] = frozenset()
    query: frozenset[str] = frozenset()
    key: int | None = None
    key_required: bool = True

    @property
    def fields(self) -> frozenset[str]:
        """All that may stand in the body."""
        return self.body | {"idempotency_key"} if self.key else self.body


def words(text: str) -> frozenset[str]:
    """Names, blank-separated."""
    return frozenset(text.split())


def parse_time(text: str) -> datetime:
    """A time that Square wrote."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def settled(ctx: Context, obj: Json) -> bool:
    """Whether lists and searches show an object yet: Square's are eventually consistent."""
    return parse_time(obj["created_at"]) + timedelta(seconds=ctx.account.list_lag_s) <= ctx.account.clock.now()


@dataclass(frozen=True, kw_only=True)
class Period:
    """From ``begin`` on and before ``end``, where they are given."""

    begin: datetime | None
    end: datetime | None

    def holds(self, obj: Json) -> bool:
        """Whether an object was created in it."""
        created = parse_time(obj["created_at"])
        return (self.begin is None or created >= self.begin) and (self.end is None or created < self.end)


def read_period(ctx: Context) -> Period:
    """``begin_time`` and ``end_time`` of a list. Raises SquareError."""
    begin, end = ctx.query.moment("begin_time"), ctx.query.moment("end_time")
    if begin and end and begin > end:
        raise SquareError("INVALID_TIME_RANGE", "`begin_time` is after `end_time`.", field="begin_time")
    return Period(begin=begin, end=end)


def page(name: str, found: list[Json], limit: int, cursor: str | None) -> Json:
    """A page of objects under ``name``, with the cursor of the next. Raises SquareError for a cursor of no page."""
    start = _start(found, cursor)
    shown = found[start : start + limit]
    answer: Json = {name: [copy_object(obj) for obj in shown]} if shown else {}
    if len(found) > start + limit:
        answer["cursor"] = base64.urlsafe_b64encode(shown[-1]["id"].encode()).decode()
    return answer


def _start(found: list[Json], cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        last = base64.urlsafe_b64decode(cursor).decode()
    except (binascii.Error, UnicodeDecodeError):
        last = ""
    for position, obj in enumerate(found):
        if obj["id"] == last:
            return position + 1
    raise SquareError("INVALID_CURSOR", "The provided cursor is not valid.", field="cursor")


def listing(ctx: Context, name: str, found: list[Json], limit: int = PAGE) -> Json:
    """A page as the query asks for it."""
    return page(name, found, ctx.query.number("limit", limit) or limit, ctx.query.text("cursor"))


def oldest_first(ctx: Context, default: str) -> bool:
    """The ``sort_order`` of a list."""
    order = ctx.query.text("sort_order") or default
    if order not in ("ASC", "DESC"):
        raise SquareError("INVALID_SORT_ORDER", "Sort order must be ASC or DESC.", field="sort_order")
    return order == "ASC"
