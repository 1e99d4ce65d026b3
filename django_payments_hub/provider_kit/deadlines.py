"""How long a call may take: one end for the whole exchange, carried in the context of the thread that makes it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

_ends_at: ContextVar[float | None] = ContextVar("payments_hub_deadline", default=None)
_exchange: ContextVar[Exchange | None] = ContextVar("payments_hub_exchange", default=None)


@dataclass
class Exchange:
    """One call under way: when it has to be over (monotonic seconds), and whether anything was written."""

    ends_at: float
    sent: bool = False

    def left_s(self) -> float:
        """Seconds left; negative once it is over."""
        return self.ends_at - time.monotonic()


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """All calls made inside end within so many seconds together; inside another one the earlier end counts."""
    token = _ends_at.set(_earliest(seconds))
    try:
        yield
    finally:
        _ends_at.reset(token)


@contextmanager
def exchange(seconds: float) -> Iterator[Exchange]:
    """One exchange of at most so many seconds, and no longer than the surrounding deadline."""
    started = Exchange(ends_at=_earliest(seconds))
    token = _exchange.set(started)
    try:
        yield started
    finally:
        _exchange.reset(token)


def current_exchange() -> Exchange | None:
    """The exchange under way in this thread."""
    return _exchange.get()


def time_left_s(at_most: float) -> float:
    """So long something else than a call may wait, a lock for instance: never past the surrounding deadline."""
    return max(0.0, _earliest(at_most) - time.monotonic())


def _earliest(seconds: float) -> float:
    ends_at, outer = time.monotonic() + seconds, _ends_at.get()
    return ends_at if outer is None else min(outer, ends_at)
