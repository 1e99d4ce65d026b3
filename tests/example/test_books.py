"""The demo's comparison of the books: it can fail."""

from __future__ import annotations

from typing import Any, cast

import pytest

from django_payments_hub.testing.sandbox import PaymentSums
from example_project.demo.books import compare, show
from example_project.demo.pages import form_with, forms
from example_project.demo.report import DemoFailed


def hub_row(provider_id: str | None = "pi_1", **more: str) -> dict[str, Any]:
    row = {"id": "1", "number": "P-1", "provider_payment_id": provider_id, "status": "completed", "currency": "USD"}
    return {**row, "captured": "24.50", "refunded": "4.50", **more}


def ledger_row(**more: Any) -> PaymentSums:
    row: dict[str, Any] = {"currency": "usd", "captured": 2450, "refunded": 450, "status": "succeeded"}
    row |= {"authorized": 2450, "released": 0, "disputed": 0, "metadata": {}, **more}
    return cast("PaymentSums", row)


def test_equal_books_agree(capsys: pytest.CaptureFixture[str]) -> None:
    yen = hub_row("pi_2", currency="JPY", captured="9600", refunded="0")
    lines = compare(
        [hub_row(), yen, hub_row("pi_3", captured="0.00", refunded="0.00")],
        {"pi_1": ledger_row(), "pi_2": ledger_row(currency="jpy", captured=9600, refunded=0)},
    )
    assert show(lines)
    assert capsys.readouterr().out.count("total") == 2


@pytest.mark.parametrize(
    ("rows", "ledger"),
    [
        ([hub_row(captured="24.51")], {"pi_1": ledger_row()}),
        ([hub_row(refunded="4.49")], {"pi_1": ledger_row()}),
        ([hub_row(currency="EUR")], {"pi_1": ledger_row()}),
        ([hub_row()], {}),
        ([], {"pi_1": ledger_row()}),
        ([hub_row(None)], {"pi_1": ledger_row()}),
        # two errors that cancel out in the total
        (
            [hub_row(), hub_row("pi_2", captured="10.00")],
            {"pi_1": ledger_row(captured=1000), "pi_2": ledger_row(captured=2450)},
        ),
    ],
)
def test_any_difference_is_seen(
    rows: list[dict[str, Any]], ledger: dict[str, PaymentSums], capsys: pytest.CaptureFixture[str]
) -> None:
    assert not show(compare(rows, ledger))
    assert "DISAGREES" in capsys.readouterr().out


def test_one_provider_object_booked_for_two_payments_is_an_error() -> None:
    with pytest.raises(DemoFailed):
        compare([hub_row(), hub_row()], {"pi_1": ledger_row()})


def test_forms_are_read_as_a_browser_reads_them() -> None:
    page = """<form action="/a"><input name="x" value="1"><input type="radio" name="r" value="no">
    <input type="radio" name="r" value="yes" checked></form><input name="stray" value="2">
    <form data-pay data-token="t"><input name="y"></form>"""
    assert [found.values for found in forms(page)] == [{"x": "1", "r": "yes"}, {"y": ""}]
    assert form_with(page, "data-pay").attributes["data-token"] == "t"
    with pytest.raises(LookupError):
        form_with(page, "stray")
