"""Reading inquiries, notices and returns: what makes a payment paid, and what never does (I14)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from django_payments_hub.domain.statuses import (
    CaptureMethod,
    FailureCode,
    Flow,
    MethodKind,
    Mode,
    NextActionKind,
    Stage,
)
from django_payments_hub.exceptions import InvalidInput, Misconfigured, OutcomeUnknown, Refused, Unsupported
from django_payments_hub.provider_kit.types import Payer, PaymentFact
from django_payments_hub.providers.easypaisa import Provider
from tests.providers.easypaisa.world import ORDER, answer, pay_request, provider, question

DESCRIBING = ("transactionId", "storeName", "msisdn", "paymentMode", "accountNum")
ODD: tuple[object, ...] = (None, 7.5, ["x"], {"a": 1}, "ÿ")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What EasyPaisa answers, by the call's path."""
    answers: dict[str, Any] = {}

    def call(_self: Provider, path: str, _body: object) -> object:
        return answers[path]

    monkeypatch.setattr(Provider, "_call", call)
    return answers


def look_up(told: dict[str, Any], reply: object, **asked: Any) -> PaymentFact | None:
    told["inquire-transaction"] = reply
    return provider().look_up(question(**asked))


def found(told: dict[str, Any], reply: object, **asked: Any) -> PaymentFact:
    fact = look_up(told, reply, **asked)
    assert fact is not None
    return fact


# -- paid -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", ["12.50", "12.5", 12.5])
def test_paid_is_captured_with_the_amount_that_is_told(told: dict[str, Any], amount: object) -> None:
    fact = found(told, answer(transactionAmount=amount))
    assert (fact.stage, fact.captured_minor, fact.amount_minor) == (Stage.CAPTURED, 1250, 1250)
    assert (fact.reference, fact.provider_payment_id, fact.currency, fact.mode) == (ORDER, ORDER, "PKR", Mode.TEST)
    assert fact.method is not None
    assert fact.method.kind is MethodKind.WALLET


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("storeId", None),
        *product(DESCRIBING, ODD),
    ],
)
def test_what_only_describes_a_payment_does_not_keep_it_from_being_paid(
    told: dict[str, Any], field: str, value: object
) -> None:
    assert found(told, answer(**{field: value})).captured_minor == 1250


def test_an_amount_of_another_size_is_told_as_it_is(told: dict[str, Any]) -> None:
    assert found(told, answer(transactionAmount="1.00")).captured_minor == 100


@pytest.mark.parametrize("amount", [None, "", "twelve", "12.505", "-1", "1e3", True, ["12.50"], "١٢"])
def test_paid_without_an_amount_decides_nothing(told: dict[str, Any], amount: object) -> None:
    with pytest.raises(OutcomeUnknown):
        look_up(told, answer(transactionAmount=amount))


@pytest.mark.parametrize("changes", [{"orderId": "OTHER"}, {"orderId": None}, {"storeId": "10002"}, {"storeId": ["x"]}])
def test_another_order_or_store_is_not_believed(told: dict[str, Any], changes: dict[str, object]) -> None:
    with pytest.raises(OutcomeUnknown) as caught:
        look_up(told, answer(**changes))
    assert caught.value.code == "unexpected_object"


# -- not paid ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("0013", FailureCode.INSUFFICIENT_FUNDS),
        ("0011", FailureCode.AUTHENTICATION_FAILED),
        ("0014", FailureCode.METHOD_NOT_USABLE),
        ("9999", FailureCode.PROCESSING_ERROR),
        (None, FailureCode.PROCESSING_ERROR),
    ],
)
def test_an_inquiry_that_went_well_can_tell_of_a_failure(
    told: dict[str, Any], code: str | None, failure: FailureCode
) -> None:
    fact = found(told, answer(transactionStatus="FAILED", errorCode=code))
    assert fact.failure is not None
    assert (fact.stage, fact.captured_minor, fact.failure.code) == (Stage.FAILED, 0, failure)


@pytest.mark.parametrize("word", [None, "", "SUCCESS", "0000", "COMPLETED", 0, True])
def test_a_word_nobody_knows_decides_nothing(told: dict[str, Any], word: object) -> None:
    with pytest.raises(OutcomeUnknown):
        look_up(told, answer(transactionStatus=word))


def test_a_settlement_that_failed_does_not_unpay_the_customer(told: dict[str, Any]) -> None:
    assert found(told, answer(settlementStatus="FAILED")).captured_minor == 1250


def test_pending_waits_for_the_phone(told: dict[str, Any]) -> None:
    fact = found(told, answer(transactionStatus="PENDING"))
    assert fact.next_action is not None
    assert (fact.stage, fact.next_action.kind) == (Stage.REQUIRES_ACTION, NextActionKind.WAIT)


def test_a_pending_voucher_says_its_number_again(told: dict[str, Any]) -> None:
    fact = found(told, answer(transactionStatus="PENDING", paymentMode="OTC", paymentToken="55120033"))
    assert fact.next_action is not None
    assert fact.next_action.fields == {"method": "voucher", "token": "55120033"}


@pytest.mark.parametrize("mode", ["OTC", None])
@pytest.mark.parametrize("token", [None, "", "no number", ["x"]])
def test_a_pending_voucher_without_a_number_tells_the_customer_nothing_new(
    told: dict[str, Any], mode: str | None, token: object
) -> None:
    reply = answer(transactionStatus="PENDING", paymentMode=mode, paymentToken=token)
    fact = found(told, reply, method_kind=MethodKind.VOUCHER)
    assert (fact.stage, fact.next_action) == (Stage.REQUIRES_ACTION, None)


def test_a_pending_voucher_of_the_page_is_no_longer_a_form_to_post(told: dict[str, Any]) -> None:
    fact = found(told, answer(transactionStatus="PENDING", paymentMode="OTC"), flow=Flow.HOSTED)
    assert fact.next_action is not None
    assert fact.next_action.kind is NextActionKind.WAIT


@pytest.mark.parametrize(
    ("mode", "ago", "stage"),
    [
        ("MA", timedelta(minutes=14), Stage.REQUIRES_ACTION),
        ("MA", timedelta(minutes=16), Stage.EXPIRED),
        ("OTC", timedelta(minutes=16), Stage.REQUIRES_ACTION),
        ("OTC", timedelta(hours=25), Stage.EXPIRED),
    ],
)
def test_what_is_pending_long_after_its_time_has_run_out(
    told: dict[str, Any], mode: str, ago: timedelta, stage: Stage
) -> None:
    fact = found(told, answer(transactionStatus="PENDING", paymentMode=mode), expires_at=datetime.now(UTC) - ago)
    assert fact.stage is stage


@pytest.mark.parametrize(
    ("ago", "stage"), [(timedelta(minutes=16), Stage.REQUIRES_ACTION), (timedelta(hours=25), Stage.EXPIRED)]
)
def test_a_voucher_has_its_time_also_where_the_answer_does_not_say_that_it_is_one(
    told: dict[str, Any], ago: timedelta, stage: Stage
) -> None:
    asked = {"method_kind": MethodKind.VOUCHER, "expires_at": datetime.now(UTC) - ago}
    assert found(told, answer(transactionStatus="PENDING", paymentMode=None), **asked).stage is stage


def test_paid_after_its_time_is_paid(told: dict[str, Any]) -> None:
    assert found(told, answer(), expires_at=datetime.now(UTC) - timedelta(days=9)).captured_minor == 1250


def test_reversed_is_a_refund_of_what_was_captured(told: dict[str, Any]) -> None:
    fact = found(told, answer(transactionStatus="REVERSED"), captured_minor=1250)
    assert [refund.amount_minor for refund in fact.refunds] == [1250]
    assert fact.captured_minor == 1250


def test_reversed_is_all_of_it_also_where_a_refund_is_under_way(told: dict[str, Any]) -> None:
    fact = found(told, answer(transactionStatus="REVERSED"), captured_minor=1250, refunded_minor=100)
    assert [(refund.amount_minor, refund.whole) for refund in fact.refunds] == [(1250, True)]


def test_reversed_before_the_hub_knew_is_not_paid(told: dict[str, Any]) -> None:
    fact = found(told, answer(transactionStatus="REVERSED"))
    assert (fact.stage, fact.captured_minor, fact.refunds) == (Stage.FAILED, 0, ())


# -- what the inquiry says of itself -----------------------------------------------------------------------------------


def test_an_order_that_is_not_known_is_none(told: dict[str, Any]) -> None:
    assert look_up(told, {"responseCode": "0003"}) is None


@pytest.mark.parametrize("flow", list(Flow))
def test_a_call_in_doubt_is_given_up_when_it_can_no_longer_arrive(told: dict[str, Any], flow: Flow) -> None:
    now = datetime.now(UTC)
    asked = {"flow": flow, "recovering": True}
    if flow is not Flow.DIRECT:
        assert look_up(told, {"responseCode": "0003"}, **asked, may_arrive_until=now - timedelta(hours=1)) is None
        return
    with pytest.raises(OutcomeUnknown):
        look_up(told, {"responseCode": "0003"}, **asked, may_arrive_until=now - timedelta(minutes=9))
    fact = found(told, {"responseCode": "0003"}, **asked, may_arrive_until=now - timedelta(minutes=11))
    assert fact.stage is Stage.FAILED


@pytest.mark.parametrize("code", ["0010", "0006", "0004"])
def test_a_store_that_is_not_accepted_is_misconfigured(told: dict[str, Any], code: str) -> None:
    with pytest.raises(Misconfigured):
        look_up(told, {"responseCode": code})


@pytest.mark.parametrize("code", ["0001", "7777", None, "", 0, "é", "0" * 30])
def test_any_other_code_decides_nothing(told: dict[str, Any], code: object) -> None:
    with pytest.raises(OutcomeUnknown):
        look_up(told, {"responseCode": code, "transactionStatus": "PAID"})


# -- asking the phone, making a voucher --------------------------------------------------------------------------------


def test_a_mobile_account_is_paid_when_the_inquiry_says_so(told: dict[str, Any]) -> None:
    told["initiate-ma-transaction"] = answer(transactionStatus=None)
    told["inquire-transaction"] = answer()
    assert provider().pay(pay_request(Flow.DIRECT)).fact.captured_minor == 1250


@pytest.mark.parametrize("reply", [{"responseCode": "0001"}, {}, {"responseCode": "0003"}, answer(orderId="OTHER")])
def test_accepted_is_not_paid(told: dict[str, Any], reply: dict[str, object]) -> None:
    told["initiate-ma-transaction"] = answer(transactionStatus="PAID")
    told["inquire-transaction"] = reply
    fact = provider().pay(pay_request(Flow.DIRECT)).fact
    assert fact.next_action is not None
    assert (fact.stage, fact.captured_minor) == (Stage.REQUIRES_ACTION, 0)
    assert fact.next_action.kind is NextActionKind.WAIT


def test_accepted_and_yet_failed_is_a_decline(told: dict[str, Any]) -> None:
    told["initiate-ma-transaction"] = answer(transactionStatus=None)
    told["inquire-transaction"] = answer(transactionStatus="FAILED", errorCode="0013")
    result = provider().pay(pay_request(Flow.DIRECT))
    assert result.failure is not None
    assert (result.failure.code, result.fact.stage) == (FailureCode.INSUFFICIENT_FUNDS, Stage.FAILED)


def test_a_wrong_pin_is_a_decline(told: dict[str, Any]) -> None:
    told["initiate-ma-transaction"] = {"responseCode": "0011"}
    result = provider().pay(pay_request(Flow.DIRECT))
    assert result.failure is not None
    assert (result.failure.provider_code, result.fact.stage) == ("0011", Stage.FAILED)


@pytest.mark.parametrize("code", ["0001", "0003", "8888"])
def test_what_may_have_happened_is_unknown(told: dict[str, Any], code: str) -> None:
    told["initiate-ma-transaction"] = {"responseCode": code}
    with pytest.raises(OutcomeUnknown):
        provider().pay(pay_request(Flow.DIRECT))


def test_a_request_easypaisa_does_not_take_is_refused(told: dict[str, Any]) -> None:
    told["initiate-ma-transaction"] = {"responseCode": "0028"}
    with pytest.raises(Refused):
        provider().pay(pay_request(Flow.DIRECT))


def test_a_voucher_is_told_to_the_customer(told: dict[str, Any]) -> None:
    told["initiate-otc-transaction"] = answer(paymentToken="55120033", transactionStatus=None)
    fact = provider().pay(pay_request(Flow.DIRECT, method_kind=MethodKind.VOUCHER)).fact
    assert fact.next_action is not None
    assert fact.next_action.kind is NextActionKind.INSTRUCTIONS
    assert fact.next_action.fields["token"] == "55120033"


def test_a_voucher_without_a_number_is_unknown(told: dict[str, Any]) -> None:
    told["initiate-otc-transaction"] = answer(transactionStatus=None)
    with pytest.raises(OutcomeUnknown):
        provider().pay(pay_request(Flow.DIRECT, method_kind=MethodKind.VOUCHER))


# -- who may pay how --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phone", ["", "0345123456", "+493012345678", "0345-123456x", "٠٣٤٥١٢٣٤٥٦٧"])
def test_a_number_that_is_no_mobile_is_refused(phone: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        provider().check_payer(Payer(phone=phone), flow=Flow.DIRECT, method_kind=MethodKind.WALLET)
    assert caught.value.code == "invalid_phone"
    assert not phone or phone not in caught.value.message


def test_the_page_asks_for_the_number_itself() -> None:
    provider().check_payer(Payer(), flow=Flow.HOSTED, method_kind=MethodKind.WALLET)


def test_cards_are_for_the_page_and_rupees_for_all() -> None:
    for flow, kind, currency in ((Flow.DIRECT, MethodKind.CREDIT_CARD, "PKR"), (Flow.HOSTED, None, "USD")):
        with pytest.raises(Unsupported):
            provider().supports(flow=flow, currency=currency, capture_method=CaptureMethod.AUTOMATIC, method_kind=kind)


def test_a_wallet_has_minutes_and_a_voucher_days() -> None:
    one = provider(WALLET_EXPIRY_S=120)
    assert one.expiry_s(flow=Flow.DIRECT, method_kind=None) == 120
    assert one.expiry_s(flow=Flow.DIRECT, method_kind=MethodKind.VOUCHER) == 72 * 3600
    assert one.expiry_s(flow=Flow.HOSTED, method_kind=MethodKind.VOUCHER) is None
