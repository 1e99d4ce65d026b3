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

_HEADER = ("payment", "account", "at the provider", "status", "", "captured", "in ledger", "refunded", "in ledger", "")


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
    account: str
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


def compare(
    payments: list[dict[str, Any]], ledger: Mapping[str, PaymentSums], by_hand: Mapping[str, Sums] | None = None
) -> list[Line]:
    """Every payment that at least one of the two books knows; `by_hand` is what the bank says of the hub's payments."""
    left = dict(ledger)
    named = [row["provider_payment_id"] for row in payments if row["provider_payment_id"]]
    expect(len(set(named)), len(named), "payments with an id of their own at the provider")
    lines = []
    for row in payments:
        key = _key_in_ledger(row, left)
        told = _ledger_sums(left.pop(key)) if key in left else (by_hand or {}).get(str(row["id"]))
        lines.append(_line(row, key, told))
    return [*lines, *(_unknown(key, told) for key, told in left.items())]


def _key_in_ledger(row: dict[str, Any], ledger: Mapping[str, PaymentSums]) -> str:
    """The name the provider's books have for a payment: one of its ids there, or the one that carries our id."""
    named = str(row["provider_payment_id"] or row.get("provider_session_id") or "")
    carrying = (key for key, sums in ledger.items() if row["id"] in sums["metadata"].values())
    return named if named in ledger else next(carrying, named or str(row["id"]))


def _ledger_sums(told: PaymentSums) -> Sums:
    return Sums(currency=told["currency"].upper(), captured=told["captured"], refunded=told["refunded"])


def _line(row: dict[str, Any], key: str, told: Sums | None) -> Line:
    return Line(
        number=str(row["number"]),
        account=str(row.get("account", "")),
        provider_id=key,
        status=str(row["status"]),
        hub=_hub_sums(row),
        ledger=told,
    )


def _unknown(key: str, told: PaymentSums) -> Line:
    return Line(
        number="unknown",
        account="",
        provider_id=key,
        status=str(told.get("status", "")),
        hub=None,
        ledger=_ledger_sums(told),
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
        _row((line.number, line.account, line.provider_id, line.status), line.hub, line.ledger, agrees=line.agrees)
        for line in lines
    ]
    rows += [
        _row(("total", "", "", ""), hub.get(code), ledger.get(code), agrees=hub.get(code) == ledger.get(code))
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


def _row(named: tuple[str, ...], hub: Sums | None, ledger: Sums | None, *, agrees: bool) -> tuple[str, ...]:
    currency = (hub or ledger or Sums(currency="")).currency
    captured = [format_minor(sums.captured, currency) if sums else "" for sums in (hub, ledger)]
    refunded = [format_minor(sums.refunded, currency) if sums else "" for sums in (hub, ledger)]
    return (*named, currency, *captured, *refunded, "ok" if agrees else "DISAGREES")
