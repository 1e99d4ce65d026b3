"""What the provider answers: instructions, an approval, a cancellation; and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from django_payments_hub.domain.statuses import CaptureMethod, Flow, MethodKind, Mode, NextActionKind, Stage
from django_payments_hub.exceptions import ConfigurationError, InvalidInput, Unsupported
from django_payments_hub.provider_kit.types import (
    AccountConfig,
    CancelRequest,
    CaptureRequest,
    ConfirmRequest,
    LookUpRequest,
    PayRequest,
    RefundLookUpRequest,
    RefundRequest,
)
from django_payments_hub.providers.manual import Provider

REFERENCE = "RF18539007547034"
BANK = {"account_holder": "Tea Ltd", "iban": "DE89 3704 0044 0532 0130 00"}


def manual(*, mode: Mode = Mode.TEST, **values: object) -> Provider:
    given: dict[str, object] = {
        "METHODS": ["cash", "bank_transfer", "cheque"],
        "BANK_DETAILS": BANK,
        "CHEQUE_DETAILS": "Payable to Tea Ltd\n1 Leaf Road",
        **values,
    }
    kept = {name: value for name, value in given.items() if value is not None}
    return Provider(AccountConfig(alias="manual", provider="manual", mode=mode, values=kept))


def pay_request(kind: MethodKind | None = MethodKind.BANK_TRANSFER, **changes: Any) -> PayRequest:
    request = PayRequest(
        idempotency_key="k",
        reference=REFERENCE,
        amount_minor=12_50,
        currency="USD",
        flow=Flow.DIRECT,
        capture_method=CaptureMethod.AUTOMATIC,
        method_kind=kind,
        expires_at=datetime(2026, 12, 5, 10, 0, tzinfo=UTC),
    )
    return replace(request, **changes)


ABOUT: dict[str, Any] = {
    "idempotency_key": "k",
    "reference": REFERENCE,
    "amount_minor": 12_50,
    "currency": "USD",
    "provider_payment_id": REFERENCE,
}


def test_the_customer_is_told_where_to_send_the_money() -> None:
    fact = manual().pay(pay_request()).fact
    assert (fact.stage, fact.captured_minor, fact.amount_minor, fact.currency) == (
        Stage.REQUIRES_ACTION,
        0,
        12_50,
        "USD",
    )
    assert (fact.reference, fact.provider_payment_id) == (REFERENCE, REFERENCE)
    assert fact.method
    assert fact.method.kind is MethodKind.BANK_TRANSFER
    assert fact.next_action
    assert fact.next_action.kind is NextActionKind.INSTRUCTIONS
    assert fact.next_action.fields == {
        **BANK,
        "method": "bank_transfer",
        "reference": "RF18 5390 0754 7034",
        "amount": "12.50",
        "currency": "USD",
        "pay_before": "2026-12-05T10:00:00+00:00",
    }


@pytest.mark.parametrize(("currency", "shown"), [("JPY", "1250"), ("USD", "12.50"), ("KWD", "1.250")])
def test_the_amount_is_written_with_the_decimals_of_its_currency(currency: str, shown: str) -> None:
    action = manual().pay(pay_request(currency=currency)).fact.next_action
    assert action
    assert action.fields["amount"] == shown


def test_details_may_be_a_text_and_those_of_cash_may_be_left_out() -> None:
    cheque = manual().pay(pay_request(MethodKind.CHEQUE, expires_at=None)).fact.next_action
    cash = manual().pay(pay_request(MethodKind.CASH)).fact.next_action
    assert cheque
    assert cash
    assert cheque.fields["details"] == "Payable to Tea Ltd\n1 Leaf Road"
    assert "pay_before" not in cheque.fields
    assert set(cash.fields) == {"method", "reference", "amount", "currency", "pay_before"}


def test_the_same_request_has_the_same_answer_whenever_it_is_made() -> None:
    provider = manual()
    assert provider.pay(pay_request()) == provider.pay(pay_request(recovering=True))
    assert provider.capabilities.key_window_s > 50 * 365 * 86_400


@pytest.mark.parametrize("approved", [["cash"], "cash", ("cash",)])
def test_what_is_approved_automatically_is_paid_and_the_rest_is_not(approved: object) -> None:
    provider = manual(AUTO_APPROVE=approved)
    paid = provider.pay(pay_request(MethodKind.CASH)).fact
    assert (paid.stage, paid.captured_minor, paid.authorized_minor, paid.next_action) == (
        Stage.CAPTURED,
        12_50,
        12_50,
        None,
    )
    assert provider.pay(pay_request(MethodKind.CHEQUE)).fact.stage is Stage.REQUIRES_ACTION
    (advice,) = provider.check()
    assert "cash" in advice


def test_automatic_approval_of_everything_and_of_nothing() -> None:
    everything, nothing = manual(AUTO_APPROVE=True), manual(AUTO_APPROVE=False)
    for kind in everything.capabilities.method_kinds:
        assert everything.pay(pay_request(kind)).fact.stage is Stage.CAPTURED
        assert nothing.pay(pay_request(kind)).fact.stage is Stage.REQUIRES_ACTION
        assert manual().pay(pay_request(kind)).fact.stage is Stage.REQUIRES_ACTION
    assert nothing.check() == manual().check() == []


def test_a_cancellation_is_a_fact_about_the_same_payment() -> None:
    assert manual().make_reference("01900000-0000-7000-8000-000000000001").startswith("RF")
    fact = manual().cancel(CancelRequest(**ABOUT)).fact
    assert (fact.stage, fact.reference, fact.provider_payment_id) == (Stage.CANCELLED, REFERENCE, REFERENCE)


def test_its_payments_live_for_days() -> None:
    assert manual().payment_expiry_s == 14 * 86_400
    assert manual(EXPIRES_AFTER_DAYS=3).payment_expiry_s == 3 * 86_400


# -- what is offered --------------------------------------------------------------------------------------------------


def test_an_account_declares_what_it_offers_and_no_more() -> None:
    provider = manual(METHODS=["cash"])
    assert provider.capabilities.method_kinds == {MethodKind.CASH}
    assert Provider.capabilities.method_kinds == {MethodKind.CASH, MethodKind.BANK_TRANSFER, MethodKind.CHEQUE}
    assert manual().capabilities.method_kinds == Provider.capabilities.method_kinds  # nothing stuck


def supports(provider: Provider, **changes: Any) -> None:
    asked: dict[str, Any] = {
        "flow": Flow.DIRECT,
        "currency": "USD",
        "capture_method": CaptureMethod.AUTOMATIC,
        "method_kind": MethodKind.CASH,
        **changes,
    }
    provider.supports(**asked)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"flow": Flow.HOSTED}, "unsupported_flow"),
        ({"flow": Flow.TOKEN}, "unsupported_flow"),
        ({"capture_method": CaptureMethod.MANUAL}, "unsupported_capture_method"),
        ({"method_kind": MethodKind.CREDIT_CARD}, "unsupported_method_kind"),
        ({"method_kind": MethodKind.CHEQUE}, "unsupported_method_kind"),
    ],
)
def test_what_is_not_declared_is_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Unsupported) as refused:
        supports(manual(METHODS=["cash", "bank_transfer"]), **changes)
    assert refused.value.code == code


def test_one_kind_needs_no_word_and_several_do() -> None:
    supports(manual(METHODS=["cash"]), method_kind=None)
    assert manual(METHODS=["cash"]).pay(pay_request(None)).fact.method
    for ask in (lambda: supports(manual(), method_kind=None), lambda: manual().pay(pay_request(None))):
        with pytest.raises(InvalidInput) as refused:
            ask()
        assert (refused.value.code, refused.value.field) == ("method_kind_required", "method_kind")
    with pytest.raises(Unsupported):
        manual(METHODS=["cash"]).pay(pay_request(MethodKind.CHEQUE))


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda p: p.confirm(ConfirmRequest(**ABOUT)), "unsupported_confirm"),
        (lambda p: p.capture(CaptureRequest(**ABOUT, capture_minor=1)), "unsupported_capture"),
        (lambda p: p.refund(RefundRequest(**ABOUT, refund_reference="r", refund_minor=1)), "unsupported_refund"),
        (lambda p: p.look_up(LookUpRequest(**ABOUT)), "unsupported_look_up"),
        (lambda p: p.look_up_refund(RefundLookUpRequest(**ABOUT, refund_reference="r")), "unsupported_look_up"),
        (lambda p: p.verify_webhook(b"{}", {}, now=0.0), "unsupported_webhooks"),
        (lambda p: p.parse_webhook({}), "unsupported_webhooks"),
    ],
)
def test_there_is_nobody_to_call(call: Any, code: str) -> None:
    with pytest.raises(Unsupported) as refused:
        call(manual())
    assert refused.value.code == code


# -- configuration ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "code", "named"),
    [
        ({"METHODS": None}, "missing_account_key", "METHODS"),
        ({"METHODS": []}, "invalid_account_value", "METHODS"),
        ({"METHODS": ["barter"]}, "invalid_account_value", "METHODS"),
        ({"METHODS": ["credit_card"]}, "invalid_account_value", "METHODS"),
        ({"METHODS": 7}, "invalid_account_value", "METHODS"),
        ({"METHODS": [["cash"]]}, "invalid_account_value", "METHODS"),
        ({"BANK_DETAILS": None}, "invalid_account_value", "BANK_DETAILS"),
        ({"BANK_DETAILS": {}}, "invalid_account_value", "BANK_DETAILS"),
        ({"BANK_DETAILS": 7}, "invalid_account_value", "BANK_DETAILS"),
        ({"BANK_DETAILS": {"bic": 7}}, "invalid_account_value", "BANK_DETAILS"),
        ({"BANK_DETAILS": {"": "x"}}, "invalid_account_value", "BANK_DETAILS"),
        ({"BANK_DETAILS": {"IBAN": "DE89 3704 0044 0532 0130 01"}}, "invalid_account_value", "IBAN"),
        ({"BANK_DETAILS": {"reference": "always the same"}}, "invalid_account_value", "reference"),
        ({"CHEQUE_DETAILS": ""}, "invalid_account_value", "CHEQUE_DETAILS"),
        ({"CASH_DETAILS": ["door"]}, "invalid_account_value", "CASH_DETAILS"),
        ({"AUTO_APPROVE": ["barter"]}, "invalid_account_value", "AUTO_APPROVE"),
        ({"AUTO_APPROVE": 1}, "invalid_account_value", "AUTO_APPROVE"),
        ({"METHODS": ["cash"], "AUTO_APPROVE": ["cheque"]}, "invalid_account_value", "AUTO_APPROVE"),
        ({"EXPIRES_AFTER_DAYS": 0}, "invalid_account_value", "EXPIRES_AFTER_DAYS"),
        ({"EXPIRES_AFTER_DAYS": True}, "invalid_account_value", "EXPIRES_AFTER_DAYS"),
        ({"EXPIRES_AFTER_DAYS": "14"}, "invalid_account_value", "EXPIRES_AFTER_DAYS"),
        ({"EXPIRES_AFTER_DAYS": 1000}, "invalid_account_value", "EXPIRES_AFTER_DAYS"),
        ({"API_BASE": "https://example.com"}, "unknown_account_key", "API_BASE"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(values: dict[str, object], code: str, named: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        manual(**values)  # type: ignore[arg-type]  # none of the values is `mode`
    assert refused.value.code == code
    assert named in refused.value.message


def test_details_of_what_is_not_offered_may_be_left_out() -> None:
    provider = manual(METHODS=["cash"], BANK_DETAILS=None, CHEQUE_DETAILS=None, CASH_DETAILS="To the driver")
    action = provider.pay(pay_request(MethodKind.CASH)).fact.next_action
    assert action
    assert action.fields["details"] == "To the driver"
