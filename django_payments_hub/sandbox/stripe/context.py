"""What a handler works with: the account, the parameters and the books."""

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from django_payments_hub.sandbox.ledger import Kind
from django_payments_hub.sandbox.pipeline import World
from django_payments_hub.sandbox.stripe.account import Account
from django_payments_hub.sandbox.stripe.errors import StripeError, not_found
from django_payments_hub.sandbox.stripe.forms import Params
from django_payments_hub.sandbox.wire import Json, copy_object

EXPAND = frozenset({"expand"})
COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
LIST = frozenset({"limit", "starting_after", "ending_before", "created", "expand"})


@dataclass(kw_only=True)
class Context:
    """One unit of work on one account; the state lock is held. ``public`` marks a call with a publishable key."""

    world: World
    account: Account
    base_url: str
    params: Params = field(default_factory=lambda: Params({}))
    args: dict[str, str] = field(default_factory=dict)
    public: bool = False

    def book(self, kind: Kind, intent: Json, object_id: str, amount: int) -> None:
        """Write one movement of a payment into the ledger; nothing for an amount of 0."""
        if amount <= 0:
            return
        self.world.ledger.append(
            provider="stripe",
            account=self.account.id,
            kind=kind,
            payment=intent["id"],
            object_id=object_id,
            amount_minor=amount,
            currency=intent["currency"],
            at=self.world.clock.now().isoformat(),
            metadata=intent["metadata"],
        )

    def named(self, kind: str, param: str) -> Json | None:
        """The object that a parameter names, or None when the parameter is absent."""
        object_id = self.params.text(param)
        return None if object_id is None else self.account.get(kind, object_id, self.params.name(param))


Handler = Callable[[Context], Json]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One operation: ``params`` are all the parameters it knows, ``public`` opens it to publishable keys."""

    method: str
    path: str
    operation: str
    handler: Handler
    params: frozenset[str] = EXPAND
    public: bool = False


def words(text: str) -> frozenset[str]:
    """Parameter names, blank-separated, with ``expand`` which every operation knows."""
    return frozenset(text.split()) | EXPAND


def listing(ctx: Context, kind: str, url: str, wanted: Callable[[Json], bool] = lambda _: True) -> Json:
    """A page of objects, newest first, by Stripe's cursors. Raises StripeError for a cursor that names nothing."""
    limit = ctx.params.positive("limit") or 10
    if limit > 100:
        raise StripeError("Invalid integer: limit must be at most 100", code="parameter_invalid_integer", param="limit")
    found = [obj for obj in ctx.account.newest(kind) if wanted(obj) and _created_in(ctx.params, obj)]
    after, before = ctx.params.text("starting_after"), ctx.params.text("ending_before")
    if after:
        found = found[_position(found, after, kind, "starting_after") + 1 :]
    if before:
        found = found[: _position(found, before, kind, "ending_before")]
        page, more = found[-limit:], len(found) > limit
    else:
        page, more = found[:limit], len(found) > limit
    return {"object": "list", "url": url, "has_more": more, "data": [copy_object(obj) for obj in page]}


def _position(found: list[Json], object_id: str, kind: str, param: str) -> int:
    for position, obj in enumerate(found):
        if obj["id"] == object_id:
            return position
    raise not_found(kind, object_id, param, in_path=False)


def _created_in(params: Params, obj: Json) -> bool:
    if "created" not in params:
        return True
    if isinstance(params.data["created"], str):
        return bool(obj["created"] == params.integer("created"))
    bounds = params.child("created")
    bounds.only(frozenset(COMPARISONS))
    return all(
        compare(obj["created"], bound)
        for name, compare in COMPARISONS.items()
        if (bound := bounds.integer(name)) is not None
    )


def equals(ctx: Context, *names: str) -> Callable[[Json], bool]:
    """A filter on those of the named fields that the call gives."""
    wanted = {name: value for name in names if (value := ctx.params.text(name)) is not None}
    return lambda obj: all(obj.get(name) == value for name, value in wanted.items())


# Expansion ------------------------------------------------------------------------------------------------------------

_EXPANDABLE = {
    "pi_": "payment_intent",
    "ch_": "charge",
    "cus_": "customer",
    "pm_": "payment_method",
    "txn_": "balance_transaction",
    "re_": "refund",
    "seti_": "setup_intent",
    "du_": "dispute",
}


def expand(ctx: Context, answer: Json) -> Json:
    """The answer with the objects that ``expand`` asks for in the place of their ids (at most four levels)."""
    for path in ctx.params.texts("expand"):
        parts = path.split(".")
        if len(parts) > 4:
            raise StripeError("You cannot expand more than 4 levels of a property", param="expand")
        _expand(ctx, answer, parts, path)
    return answer


def _expand(ctx: Context, node: Json, parts: list[str], path: str) -> None:
    if parts[0] not in node:
        raise StripeError(f"This property cannot be expanded ({path}).", param="expand")
    for child in _children(ctx, node, parts[0]):
        if parts[1:]:
            _expand(ctx, child, parts[1:], path)


def _children(ctx: Context, node: Json, name: str) -> Iterator[Json]:
    value = node[name]
    if isinstance(value, str):
        kind = next((kind for prefix, kind in _EXPANDABLE.items() if value.startswith(prefix)), None)
        found = ctx.account.find(kind, value) if kind else None
        if found is not None:
            value = node[name] = copy_object(found)
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))
