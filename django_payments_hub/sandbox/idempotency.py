"""Idempotency keys as the providers document them: first result replayed, other parameters refused, one at a time."""

import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from django_payments_hub.sandbox.clock import Clock
from django_payments_hub.sandbox.wire import Answer


class Claim(Enum):
    """What a key says about a call that carries it."""

    FIRST = "first"
    REPLAY = "replay"
    MISMATCH = "mismatch"
    IN_USE = "in_use"


@dataclass(kw_only=True)
class _Slot:
    fingerprint: str
    since: datetime
    answer: Answer | None = None


class IdempotencyStore:
    """Keys by (provider, account, key), kept for a window on the sandbox's clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._slots: dict[tuple[str, str, str], _Slot] = {}

    def claim(self, scope: tuple[str, str, str], fingerprint: str, window: timedelta) -> tuple[Claim, Answer | None]:
        """Take the key for this call, or say why not; REPLAY comes with the stored answer."""
        with self._lock:
            now = self._clock.now()
            slot = self._slots.get(scope)
            if slot is not None and slot.answer is not None and now - slot.since >= window:
                slot = None
            if slot is None:
                self._slots[scope] = _Slot(fingerprint=fingerprint, since=now)
                return Claim.FIRST, None
            if slot.answer is None:
                return Claim.IN_USE, None
            if slot.fingerprint != fingerprint:
                return Claim.MISMATCH, None
            return Claim.REPLAY, replace(slot.answer, replayed=True)

    def complete(self, scope: tuple[str, str, str], answer: Answer) -> None:
        """Keep the first result for replays."""
        with self._lock:
            if scope in self._slots:
                self._slots[scope].answer = answer

    def release(self, scope: tuple[str, str, str]) -> None:
        """Free a key whose call never began to execute."""
        with self._lock:
            slot = self._slots.get(scope)
            if slot is not None and slot.answer is None:
                del self._slots[scope]

    def forget(self, scope: tuple[str, str, str]) -> None:
        """Free a key whose call has been undone."""
        with self._lock:
            self._slots.pop(scope, None)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._slots.clear()
