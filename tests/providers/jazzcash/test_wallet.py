"""Wallet calls: what is sent, what each answer means, and an identity card's number that is nowhere to be found."""

from __future__ import annotations

import logging
import traceback
from datetime import UTC, datetime, timedelta

import pytest

from django_payments_hub.domain.statuses import FailureCode, Flow, MethodKind, NextActionKind, Stage
from django_payments_hub.exceptions import InvalidInput, Misconfigured, OutcomeUnknown, ProviderError, Refused
from django_payments_hub.provider_kit.pakistan import from_local_time
from django_payments_hub.provider_kit.types import Payer
from django_payments_hub.providers.jazzcash import Provider
from tests.providers.jazzcash.harness import (
    AMOUNT,
    CNIC,
    MERCHANT,
    OLD_SALT,
    PASSWORD,
    REFERENCE,
    RETURN_URL,
    SALT,
    account,
    hash_of,
    long_ago,
    pay_request,
)

CNIC_TRACES = (CNIC, CNIC.replace("-", ""), "6918273", "182734")
PATHS = {
    "classic": ("/ApplicationAPI/API/Payment/DoTransaction", "/ApplicationAPI/API/2.0/Purchase/DoMWalletTransaction"),
    "pgw": ("/api/payment/DoTransaction", "/api/2.0/purchase/domwallettransaction"),
    "orchestrator": ("/api/v1/rest/payments/m-wallet", "/api/v2/rest/payments/m-wallet"),
}


def answer(code, **more):
    """An answer's fields: the request echoed, and a code."""
    echoed = {"pp_TxnRefNo": REFERENCE, "pp_MerchantID": MERCHANT, "pp_Amount": str(AMOUNT), "pp_TxnCurrency": "PKR"}
    return {**echoed, "pp_ResponseCode": code, "pp_ResponseMessage": "As JazzCash would put it.", **more}


# -- what is sent ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("generation", PATHS)
def test_a_wallet_call_by_number_is_sent_to_its_generations_path(connect, jazzcash_server, generation):
    jazzcash_server.answers_with(**answer("000"))
    connect(GENERATION=generation, SUB_MERCHANT_NAME="Tea House").pay(pay_request())
    sent = jazzcash_server.last
    assert jazzcash_server.paths == [PATHS[generation][0]]
    assert (sent["pp_Version"], sent["pp_TxnType"], sent["ppmpf_1"]) == ("1.1", "MWALLET", "03123456789")
    assert (sent["pp_MerchantID"], sent["pp_Password"], sent["pp_Amount"]) == (MERCHANT, PASSWORD, "1250")
    assert sent["pp_Description"] == "Two cups of tea 50 off"
    assert (sent["pp_SubMerchantName"], sent["pp_ReturnURL"], sent["pp_BankID"]) == ("Tea House", RETURN_URL, "")
    assert sent["pp_SecureHash"] == hash_of(sent, SALT)
    assert "pp_CNIC" not in sent


@pytest.mark.parametrize("generation", PATHS)
def test_a_wallet_call_by_number_and_cnic_has_the_last_six_digits(connect, jazzcash_server, generation):
    jazzcash_server.answers_with(**answer("000"))
    connect(GENERATION=generation, WALLET_VERSION="2.0").pay(pay_request())
    sent = jazzcash_server.last
    assert jazzcash_server.paths == [PATHS[generation][1]]
    assert (sent["pp_MobileNumber"], sent["pp_CNIC"], sent["pp_DiscountedAmount"]) == ("03123456789", "182734", "")
    assert not {"pp_Version", "pp_TxnType"} & set(sent)
    assert sent["pp_SecureHash"] == hash_of(sent, SALT)


def test_the_expiry_is_the_payments_own_by_pakistans_clock(jazzcash, jazzcash_server):
    jazzcash_server.answers_with(**answer("157"))
    jazzcash.pay(pay_request(expires_at=datetime.now(UTC) + timedelta(minutes=30)))
    sent = jazzcash_server.last
    begun, ends = from_local_time(sent["pp_TxnDateTime"]), from_local_time(sent["pp_TxnExpiryDateTime"])
    assert begun is not None
    assert ends is not None
    assert abs(begun - datetime.now(UTC)) < timedelta(minutes=1)
    assert timedelta(minutes=29) < ends - begun <= timedelta(minutes=31)


@pytest.mark.parametrize("phone", ["", "0312345678", "03123456789x", "+1 202 555 0100", "٠٣١٢٣٤٥٦٧٨٩", "021-1234567"])
def test_a_number_that_is_none_is_refused_before_any_call(jazzcash, jazzcash_server, phone):
    with pytest.raises(Refused) as caught:
        jazzcash.pay(pay_request(payer=Payer(phone=phone)))
    with pytest.raises(InvalidInput) as early:
        jazzcash.check_payer(Payer(phone=phone), flow=Flow.DIRECT, method_kind=MethodKind.WALLET)
    assert caught.value.code == early.value.code == "invalid_phone"
    assert jazzcash_server.asked == []


@pytest.mark.parametrize("national_id", ["", "12345", "1234567", "42201-6918273", "4220169182734x", "abcdef"])
def test_a_cnic_that_is_none_is_refused_before_any_call_and_not_repeated(connect, jazzcash_server, national_id):
    provider, payer = connect(WALLET_VERSION="2.0"), Payer(phone="03123456789", national_id=national_id)
    with pytest.raises(Refused) as caught:
        provider.pay(pay_request(payer=payer))
    with pytest.raises(InvalidInput) as early:
        provider.check_payer(payer, flow=Flow.DIRECT, method_kind=None)
    assert caught.value.code == early.value.code == "invalid_national_id"
    assert not national_id or national_id not in str(caught.value)
    assert jazzcash_server.asked == []


def test_on_the_hosted_page_nobody_has_to_say_who_he_is():
    Provider(account(WALLET_VERSION="2.0")).check_payer(Payer(), flow=Flow.HOSTED, method_kind=MethodKind.WALLET)
    Provider(account()).check_payer(Payer(phone="0300 1234567"), flow=Flow.DIRECT, method_kind=None)


def test_the_owner_of_the_wallet_is_told_to_wait_while_the_call_is_made(jazzcash):
    action = jazzcash.meanwhile(flow=Flow.DIRECT, method_kind=MethodKind.WALLET)
    assert action is not None
    assert action.kind is NextActionKind.WAIT
    assert jazzcash.meanwhile(flow=Flow.HOSTED, method_kind=None) is None


# -- what is answered --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["000", "121"])
def test_an_approved_payment_is_captured(jazzcash, jazzcash_server, code):
    jazzcash_server.answers_with(**answer(code))
    result = jazzcash.pay(pay_request())
    fact = result.fact
    assert result.failure is None
    assert (fact.stage, fact.captured_minor, fact.amount_minor, fact.currency) == (
        Stage.CAPTURED,
        AMOUNT,
        AMOUNT,
        "PKR",
    )
    assert (fact.reference, fact.provider_payment_id) == (REFERENCE, REFERENCE)
    assert fact.method is not None
    assert fact.method.kind is MethodKind.WALLET


def test_a_pending_payment_waits_for_the_phone(jazzcash, jazzcash_server):
    jazzcash_server.answers_with(**answer("157"))
    fact = jazzcash.pay(pay_request()).fact
    assert (fact.stage, fact.captured_minor) == (Stage.REQUIRES_ACTION, 0)
    assert fact.next_action is not None
    assert fact.next_action.kind is NextActionKind.WAIT


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("001", FailureCode.LIMIT_EXCEEDED),
        ("002", FailureCode.METHOD_NOT_USABLE),
        ("003", FailureCode.METHOD_NOT_USABLE),
        ("004", FailureCode.INSUFFICIENT_FUNDS),
        ("024", FailureCode.AUTHENTICATION_FAILED),
        ("060", FailureCode.AUTHENTICATION_FAILED),
        ("095", FailureCode.CARD_DECLINED),
        ("105", FailureCode.LIMIT_EXCEEDED),
        ("112", FailureCode.CANCELLED_BY_CUSTOMER),
        ("116", FailureCode.EXPIRED),
        ("129", FailureCode.EXPIRED),
        ("402", FailureCode.CARD_DECLINED),
        ("405", FailureCode.INSUFFICIENT_FUNDS),
    ],
)
def test_a_decline_is_a_result_in_our_words(jazzcash, jazzcash_server, code, failure):
    jazzcash_server.answers_with(**answer(code))
    result = jazzcash.pay(pay_request())
    assert result.failure is not None
    assert (result.failure.code, result.failure.provider_code) == (failure, code)
    assert (result.fact.stage, result.fact.captured_minor) == (Stage.FAILED, 0)


@pytest.mark.parametrize(
    ("code", "raised"),
    [
        *((code, Misconfigured) for code in ("101", "111", "115", "117")),
        ("110", Refused),
        *((code, OutcomeUnknown) for code in ("058", "118", "127", "134", "199", "999", "403", "422")),
        *((code, OutcomeUnknown) for code in ("109", "119", "122", "126", "131", "200", "777", "013")),
    ],
)
def test_a_code_that_decides_nothing_of_the_payment_is_an_error(jazzcash, jazzcash_server, code, raised):
    jazzcash_server.answers_with(**answer(code))
    with pytest.raises(ProviderError) as caught:
        jazzcash.pay(pay_request())
    assert type(caught.value) is raised
    assert caught.value.provider_code == code


def test_another_amount_or_currency_is_told_as_it_is(jazzcash, jazzcash_server):
    jazzcash_server.answers_with(**answer("000", pp_Amount="1"))
    assert jazzcash.pay(pay_request()).fact.captured_minor == 1
    jazzcash_server.answers_with(**answer("000", pp_TxnCurrency="USD"))
    assert jazzcash.pay(pay_request()).fact.currency == "USD"


@pytest.mark.parametrize("nothing", [None, ""])
def test_an_amount_that_is_not_said_is_the_one_asked_for(jazzcash, jazzcash_server, nothing):
    jazzcash_server.answers_with(**answer("000", pp_Amount=nothing, pp_TxnCurrency=nothing))
    fact = jazzcash.pay(pay_request()).fact
    assert (fact.captured_minor, fact.amount_minor, fact.currency) == (AMOUNT, None, "PKR")


@pytest.mark.parametrize(
    "spoiled",
    [
        {"pp_TxnRefNo": "T1"},
        {"pp_TxnRefNo": ""},
        {"pp_TxnRefNo": None},
        {"pp_TxnRefNo": 5},
        {"pp_MerchantID": "MC1"},
        {"pp_Amount": "12.50"},
        {"pp_Amount": "-1"},
        {"pp_Amount": True},
        {"pp_Amount": "١٢٥٠"},
        {"pp_TxnCurrency": "rupees"},
        {"pp_TxnCurrency": ["PKR"]},
        {"pp_ResponseCode": ""},
        {"pp_ResponseCode": None},
        {"pp_ResponseCode": 0},
        {"pp_ResponseCode": "00"},
        {"pp_ResponseCode": "paid"},
    ],
    ids=str,
)
def test_a_success_about_something_else_or_that_cannot_be_read_decides_nothing(jazzcash, jazzcash_server, spoiled):
    jazzcash_server.answers_with(**{**answer("000"), **spoiled})
    with pytest.raises(OutcomeUnknown):
        jazzcash.pay(pay_request())


def test_an_answer_signed_by_somebody_else_decides_nothing(jazzcash, jazzcash_server):
    jazzcash_server.answers_with(salt="another", **answer("000"))
    with pytest.raises(OutcomeUnknown) as caught:
        jazzcash.pay(pay_request())
    assert caught.value.code == "unproven_answer"
    jazzcash_server.answers_with(salt=OLD_SALT, **answer("000"))
    assert jazzcash.pay(pay_request()).fact.captured_minor == AMOUNT


# -- a call in doubt ---------------------------------------------------------------------------------------------------


def recovering(**changes):
    return pay_request(recovering=True, first_sent_at=long_ago(), may_arrive_until=long_ago(), **changes)


@pytest.mark.parametrize(
    ("code", "stage"), [("121", Stage.CAPTURED), ("157", Stage.REQUIRES_ACTION), ("004", Stage.FAILED)]
)
def test_a_call_in_doubt_is_asked_for_and_never_made_again(jazzcash, jazzcash_server, code, stage):
    jazzcash_server.answers_with(pp_ResponseCode="000", pp_PaymentResponseCode=code)
    result = jazzcash.pay(recovering())
    assert result.fact.stage is stage
    assert (result.failure is not None) is (stage is Stage.FAILED)
    assert [path for path in jazzcash_server.paths if "Inquire" not in path] == []


def test_a_call_that_never_arrived_comes_to_nothing_once_it_cannot_arrive_any_more(jazzcash, jazzcash_server):
    jazzcash_server.answers_with(pp_ResponseCode="109")
    with pytest.raises(OutcomeUnknown) as caught:
        jazzcash.pay(pay_request(recovering=True, may_arrive_until=datetime.now(UTC) - timedelta(minutes=5)))
    assert caught.value.code == "too_early"
    jazzcash_server.answers_with(pp_ResponseCode="109")
    with pytest.raises(Refused) as refused:
        jazzcash.pay(recovering())
    assert refused.value.code == "provider_unavailable"
    assert len(jazzcash_server.asked) == 2


def test_a_question_that_is_refused_says_nothing_of_the_call(jazzcash, jazzcash_server):
    for code in ("101", "110", "199"):
        jazzcash_server.answers_with(pp_ResponseCode=code)
        with pytest.raises(OutcomeUnknown):
            jazzcash.pay(recovering())


# -- secrecy -----------------------------------------------------------------------------------------------------------


def _loses_the_answer(server):
    server.breaks_off()


def _answers_html(server):
    server.answers_raw(b"<html>Request Rejected</html>")


def _echoes_under_another_salt(server):
    server.answers_with(salt="x", **answer("000", pp_CNIC="182734", pp_Password=PASSWORD))


def _echoes_another_payment(server):
    server.answers_with(**answer("000", pp_TxnRefNo="T1", pp_CNIC="182734", pp_Password=PASSWORD))


def _echoes_an_unknown_code(server):
    server.answers_with(**answer("777", pp_CNIC="182734", pp_Password=PASSWORD))


@pytest.mark.parametrize(
    "trouble",
    [_loses_the_answer, _answers_html, _echoes_under_another_salt, _echoes_another_payment, _echoes_an_unknown_code],
)
def test_the_cnic_and_the_password_are_in_no_error_log_or_frame(connect, jazzcash_server, caplog, trouble):
    caplog.set_level(logging.DEBUG)
    trouble(jazzcash_server)
    with pytest.raises(OutcomeUnknown) as caught:
        connect(WALLET_VERSION="2.0").pay(pay_request())
    frames = [
        repr(frame.f_locals)
        for error in _chain(caught.value)
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if "tests/" not in frame.f_code.co_filename and "/http/server" not in frame.f_code.co_filename
    ]
    shown = [str(caught.value), repr(caught.value), repr(caught.value.details), *caplog.messages, *frames]
    for secret in (*CNIC_TRACES, PASSWORD, SALT):
        assert not [text for text in shown if secret in text], secret


def _chain(error):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def test_a_request_shows_no_cnic():
    assert not [trace for trace in CNIC_TRACES if trace in repr(pay_request())]
