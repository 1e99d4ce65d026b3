"""At the end of the day: what the hub says of every payment beside what the sandbox's own ledger says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django_payments_hub.domain.money import exponent, format_minor
from django_payments_hub.testing.sandbox import PaymentSums
from example_project.demo.people import Staff
from example_project.demo.report import expect, say, table

_HEADER = ("payment", "at the provider", "status", "", "captured", "in ledger", "refunded", "in ledger", "")


@dataclass(frozen=True, kw_only=True)
class Sums:
    """What was taken and given back, in minor units of a currency."""

    currency: str
    captured: int = 0
    refunded: int = 0


@dataclass(frozen=True, kw_only=True)
class Line:
    """One payment in both books; None on the side that does not know it."""

    number: str
    provider_id: str
    status: str
    hub: Sums | None
    ledger: Sums | None

    @property
    def agrees(self) -> bool:
        """Whether both books say the same. What never moved money need not stand in the ledger."""
        return self.hub == self.ledger or (self.ledger is None and self.hub is not None and _is_nothing(self.hub))


def payments_of_hub(clerk: Staff, since: str) -> Iterator[dict[str, Any]]:
    """All payments made since then, page by page."""
    answer = clerk.get("", created_after=since)
    while True:
        expect(answer.status, 200, "the list of payments")
        yield from answer.body["results"]
        if not answer.body["next"]:
            return
        answer = clerk.get(answer.body["next"])


def compare(payments: list[dict[str, Any]], ledger: Mapping[str, PaymentSums]) -> list[Line]:
    """Every payment that at least one of the two books knows."""
    known = {str(row["provider_payment_id"] or row["id"]): row for row in payments}
    expect(len(known), len(payments), "payments with an id of their own at the provider")
    return [_line(key, known.get(key), ledger.get(key)) for key in [*known, *(set(ledger) - known.keys())]]


def _line(key: str, row: dict[str, Any] | None, told: PaymentSums | None) -> Line:
    return Line(
        number=str(row["number"]) if row else "unknown",
        provider_id=key,
        status=str(row["status"]) if row else str(told["status"] if told else ""),
        hub=_hub_sums(row) if row else None,
        ledger=Sums(currency=told["currency"].upper(), captured=told["captured"], refunded=told["refunded"])
        if told
        else None,
    )


def _hub_sums(row: dict[str, Any]) -> Sums:
    currency = str(row["currency"])
    return Sums(
        currency=currency, captured=_minor(row["captured"], currency), refunded=_minor(row["refunded"], currency)
    )


def _minor(amount: str, currency: str) -> int:
    return int(Decimal(amount).scaleb(exponent(currency)))


def _is_nothing(sums: Sums) -> bool:
    return sums.captured == 0 and sums.refunded == 0


def show(lines: list[Line]) -> bool:
    """Print the lines and the totals; whether everything agrees to the last unit."""
    hub, ledger = _totals(line.hub for line in lines), _totals(line.ledger for line in lines)
    rows = [
        _row(line.number, line.provider_id, line.status, line.hub, line.ledger, agrees=line.agrees) for line in lines
    ]
    rows += [
        _row("total", "", "", hub.get(code), ledger.get(code), agrees=hub.get(code) == ledger.get(code))
        for code in sorted(hub.keys() | ledger.keys())
    ]
    table(_HEADER, rows)
    wrong = [line for line in lines if not line.agrees]
    for line in wrong:
        say(f"   DISAGREES: {line.number} {line.provider_id}: hub {line.hub}, ledger {line.ledger}")
    return not wrong and hub == ledger


def _totals(every: Iterator[Sums | None]) -> dict[str, Sums]:
    captured: dict[str, int] = defaultdict(int)
    refunded: dict[str, int] = defaultdict(int)
    for sums in every:
        if sums is not None and not _is_nothing(sums):
            captured[sums.currency] += sums.captured
            refunded[sums.currency] += sums.refunded
    return {code: Sums(currency=code, captured=captured[code], refunded=refunded[code]) for code in captured}


def _row(
    number: str, provider_id: str, status: str, hub: Sums | None, ledger: Sums | None, *, agrees: bool
) -> tuple[str, ...]:
    currency = (hub or ledger or Sums(currency="")).currency
    captured = [format_minor(sums.captured, currency) if sums else "" for sums in (hub, ledger)]
    refunded = [format_minor(sums.refunded, currency) if sums else "" for sums in (hub, ledger)]
    return (number, provider_id, status, currency, *captured, *refunded, "ok" if agrees else "DISAGREES")
