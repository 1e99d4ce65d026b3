"""The accounts of a mount, and what is done to one outside of API calls; the same for all providers."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from django_payments_hub.sandbox.delivery import Notice
from django_payments_hub.sandbox.pipeline import World
from django_payments_hub.sandbox.wire import Json, copy_object


class AnyAccount(Protocol):
    """What every provider's account can do."""

    def find(self, kind: str, object_id: str) -> Json | None:
        """An object, or None."""


AccountT = TypeVar("AccountT", bound=AnyAccount)


class Accounts(Generic[AccountT]):
    """Accounts by id, each made when it is first named. ``make`` makes an empty one."""

    def __init__(self, world: World, make: Callable[[str], AccountT]) -> None:
        self._world, self._make = world, make
        self._known: dict[str, AccountT] = {}

    def get(self, account_id: str) -> AccountT:
        """The account of this id."""
        with self._world.lock:
            if account_id not in self._known:
                self._known[account_id] = self._make(account_id)
            return self._known[account_id]

    def owner(self, object_id: str, *kinds: str) -> tuple[AccountT, str, Json]:
        """The account that has an object of one of the kinds, with the kind. Raises LookupError."""
        with self._world.lock:
            for account in self._known.values():
                for kind in kinds:
                    found = account.find(kind, object_id)
                    if found is not None:
                        return account, kind, found
        raise LookupError(f"no {' or '.join(kinds)} {object_id}")

    def notices(self, event_id: str, read: Callable[[AccountT, Json], list[Notice]]) -> list[Notice]:
        """What a renewed sending of an event has to send; empty when no account has it."""
        try:
            account, _, event = self.owner(event_id, "event")
        except LookupError:
            return []
        with self._world.lock:
            return read(account, event)

    def all(self) -> list[AccountT]:
        """Every account there is now."""
        with self._world.lock:
            return list(self._known.values())

    def clear(self) -> None:
        """Forget them all."""
        with self._world.lock:
            self._known.clear()


def act(
    world: World,
    work: Callable[[], Json],
    *,
    outgoing: Callable[[], list[Notice]],
    failure: type[Exception],
) -> Json:
    """Do something to an account outside the API (a customer on a page, a test), then send its events.

    Raises what ``failure`` is; what happened before it (a decline, say) is announced too.
    """
    with world.lock:
        error: Exception | None = None
        result: Json = {}
        try:
            result = copy_object(work())
        except failure as raised:
            error = raised
        sent = outgoing()
    world.deliveries.announce(sent)
    if error is not None:
        raise error
    return result
