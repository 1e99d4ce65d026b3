"""The log of every API call received, for tests that count them."""

import threading
from dataclasses import asdict, dataclass

from django_payments_hub.sandbox.wire import Call


@dataclass(kw_only=True)
class CallRecord:
    """One call; ``status`` stays None when no whole answer was sent."""

    seq: int
    provider: str
    operation: str
    account: str
    method: str
    path: str
    idempotency_key: str | None
    metadata: dict[str, str]
    at: str
    replayed: bool = False
    status: int | None = None
    effect: bool = False
    fault: str | None = None


class CallLog:
    """Safe to use from every request thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: list[CallRecord] = []

    def open(self, call: Call, at: str) -> CallRecord:
        """Note a call when it arrives; the caller completes the record."""
        with self._lock:
            record = CallRecord(
                seq=len(self._records) + 1,
                provider=call.provider,
                operation=call.operation,
                account=call.account,
                method=call.method,
                path=call.path,
                idempotency_key=call.idempotency_key,
                metadata=dict(call.metadata),
                at=at,
            )
            self._records.append(record)
            return record

    def list(self, *, provider: str | None = None, operation: str | None = None) -> list[dict[str, object]]:
        """The calls in order of arrival, optionally of one provider or operation."""
        with self._lock:
            records = list(self._records)
        return [
            asdict(record)
            for record in records
            if provider in (None, record.provider) and operation in (None, record.operation)
        ]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._records.clear()
