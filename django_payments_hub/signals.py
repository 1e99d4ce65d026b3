"""The host's side of events: durable handlers by name, and Django signals of the same names.

```python
from django_payments_hub.signals import on

@on("payment.completed")
def send_receipt(event):
    mail(event.payment.user, event.payment.amount)
```

A handler runs outside the transaction that made the event, at least once, retried on its own; `event.id` is stable, so
that a handler can tell a repetition. Put handlers in `payment_handlers.py` of any installed app.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.dispatch import Signal

from django_payments_hub.domain.statuses import DisputeStatus, PaymentStatus, RefundStatus
from django_payments_hub.exceptions import ConfigurationError

if TYPE_CHECKING:
    from django_payments_hub.models import Dispute, Payment, Refund

EVENT_NAMES: tuple[str, ...] = (
    "payment.created",
    "payment.updated",
    "payment.quarantined",
    "payment.method_saved",
    "payment.method_refused",
    "operation.resolved",
    *(f"payment.{status.value}" for status in PaymentStatus),
    *(f"refund.{status.value}" for status in RefundStatus),
    *(f"dispute.{status.value}" for status in DisputeStatus),
)
"""Every event there is."""

SIGNAL_HANDLER = "payments_hub.signals"
"""Id of the built-in handler that sends the Django signals."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One change of state, as a handler sees it. `amounts` are minor units after the change."""

    id: UUID
    name: str
    payment: Payment
    refund: Refund | None
    dispute: Dispute | None
    from_status: str
    to_status: str
    amounts: Mapping[str, int]
    created_at: datetime


Handler = Callable[[Event], object]

SIGNALS: Mapping[str, Signal] = {name: Signal() for name in EVENT_NAMES}
"""Django signals by event name; receivers get `event`."""

_handlers: dict[str, tuple[str, Handler]] = {}


def on(pattern: str, *, handler_id: str = "") -> Callable[[Handler], Handler]:
    """Register a durable handler for an event, or for all that match (`refund.*`).

    Args:
        handler_id: a stable id; the function's dotted path when left out, so give one before moving a function.

    Raises:
        ConfigurationError: `unknown_event`, or `duplicate_handler` when the id is taken by another function.
    """
    if not any(fnmatch.fnmatchcase(name, pattern) for name in EVENT_NAMES):
        raise ConfigurationError(f"No event matches {pattern!r}.", code="unknown_event")

    def register(function: Handler) -> Handler:
        key = handler_id or f"{function.__module__}.{function.__qualname__}"
        known = _handlers.get(key)
        if known is not None and known[1] is not function:
            raise ConfigurationError(f"The handler id {key!r} is taken.", code="duplicate_handler")
        _handlers[key] = (pattern, function)
        return function

    return register


def off(handler_id: str) -> None:
    """Forget a handler; deliveries already made for it wait until it is back."""
    _handlers.pop(handler_id, None)


def handlers_for(name: str) -> list[str]:
    """Ids of the handlers an event goes to."""
    found = [key for key, (pattern, _) in _handlers.items() if fnmatch.fnmatchcase(name, pattern)]
    if SIGNALS[name].has_listeners():
        found.append(SIGNAL_HANDLER)
    return found


def handler(handler_id: str) -> Handler | None:
    """The function behind an id; None when this process does not know it."""
    if handler_id == SIGNAL_HANDLER:
        return _send_signal
    known = _handlers.get(handler_id)
    return known[1] if known else None


def _send_signal(event: Event) -> None:
    """Every receiver is called, whatever one before it raises; the first error is raised then, for another try."""
    answers = SIGNALS[event.name].send_robust(sender=type(event.payment), event=event)
    for _, answer in answers:
        if isinstance(answer, Exception):
            raise answer
