"""The sandbox's clock: real time until a test moves it."""

import threading
from datetime import UTC, datetime, timedelta


class Clock:
    """Wall time plus a settable offset. Objects, key retention and expiries follow it; signatures do not."""

    def __init__(self, start: str | None = None) -> None:
        self._lock = threading.Lock()
        self._offset = timedelta(0)
        if start:
            self.set(start)

    def now(self) -> datetime:
        """The sandbox's present, in UTC."""
        return datetime.now(UTC) + self._offset

    def timestamp(self) -> int:
        """The sandbox's present in whole seconds since 1970, as Stripe writes times."""
        return int(self.now().timestamp())

    def set(self, iso: str) -> None:
        """Jump to an ISO 8601 time (UTC when it names no zone). Raises ValueError for anything else."""
        moment = datetime.fromisoformat(iso)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        with self._lock:
            self._offset = moment - datetime.now(UTC)

    def advance(self, seconds: float) -> None:
        """Move forward (or, with a negative number, back)."""
        with self._lock:
            self._offset += timedelta(seconds=seconds)

    def reset(self) -> None:
        """Back to real time."""
        with self._lock:
            self._offset = timedelta(0)
