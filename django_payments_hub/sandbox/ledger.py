"""The sandbox's own books: what money really moved, whatever any answer or webhook said about it."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Literal

Kind = Literal[
    "authorize", "capture", "release", "refund", "refund_reversal", "dispute", "dispute_reversal",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One movement; ``amount_minor`` is always positive, ``kind`` gives it its direction."""

    seq: int
    provider: str
    account: str
    kind: Kind
    payment: str
    object_id: str
    amount_minor: int
    currency: str
    at: str
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Sums:
    """What the entries of one payment add up to, in minor units."""

    currency: str
    authorized: int = 0
    captured: int = 0
    released: int = 0
    refunded: int = 0
    disputed: int = 0

    def add(self, entry: Entry) -> None:
        """Count one more entry."""
        match entry.kind:
            case "authorize":
                self.authorized += entry.amount_minor
            case "capture":
                self.captured += entry.amount_minor
            case "release":
                self.released += entry.amount_minor
            case "refund":
                self.refunded += entry.amount_minor
            case "refund_reversal":
                self.refunded -= entry.amount_minor
            case "dispute":
                self.disputed += entry.amount_minor
            case "dispute_reversal":
                self.disputed -= entry.amount_minor


class Ledger:
    """Append-only; callers hold the sandbox's state lock."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def append(
        self,
        *,
        provider: str,
        account: str,
        kind: Kind,
        payment: str,
        object_id: str,
        amount_minor: int,
        currency: str,
        at: str,
        metadata: dict[str, str] | None = None,
    ) -> None:
        """Book one movement. Raises ValueError unless the amount is a positive integer."""
        if amount_minor <= 0:
            raise ValueError(f"a ledger entry needs a positive amount, not {amount_minor}")
        entry = Entry(
            seq=len(self._entries) + 1,
            provider=provider,
            account=account,
            kind=kind,
            payment=payment,
            object_id=object_id,
            amount_minor=amount_minor,
            currency=currency,
            at=at,
            metadata=dict(metadata or {}),
        )
        self._entries.append(entry)

    def __len__(self) -> int:
        return len(self._entries)

    def entries(self, *, provider: str | None = None, account: str | None = None) -> Iterator[Entry]:
        """The entries in the order they were booked, optionally of one provider or account."""
        for entry in self._entries:
            if provider in (None, entry.provider) and account in (None, entry.account):
                yield entry

    def payments(self, *, provider: str | None = None, account: str | None = None) -> dict[str, Sums]:
        """Sums by payment id."""
        sums: dict[str, Sums] = {}
        for entry in self.entries(provider=provider, account=account):
            sums.setdefault(entry.payment, Sums(currency=entry.currency)).add(entry)
        return sums

    def totals(self, *, provider: str | None = None, account: str | None = None) -> dict[str, dict[str, int]]:
        """Captured and refunded by currency."""
        totals: dict[str, dict[str, int]] = defaultdict(lambda: {"captured": 0, "refunded": 0})
        for sums in self.payments(provider=provider, account=account).values():
            totals[sums.currency]["captured"] += sums.captured
            totals[sums.currency]["refunded"] += sums.refunded
        return dict(totals)

    def clear(self) -> None:
        """Forget everything (a reset between tests)."""
        self._entries.clear()


def as_json(entry: Entry) -> dict[str, object]:
    """An entry as the control API shows it."""
    return asdict(entry)
