"""What JazzCash says of a payment, and what that proves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from django_payments_hub.domain.statuses import FailureCode, Flow, MethodKind, NextActionKind, RefundStatus, Stage
from django_payments_hub.exceptions import Misconfigured, OutcomeUnknown, Refused
from tests.providers.jazzcash.harness import (
    AMOUNT,
    MERCHANT,
    PASSWORD,
    REFERENCE,
    SALT,
    hash_of,
    long_ago,
    look_up_request,
)

HOSTED = {"flow": Flow.HOSTED, "method_kind": None}


@pytest.fixture
def ask(jazzcash, jazzcash_server):
    """Looks the payment up while JazzCash answers with these fields to a question it understood."""

    def ask(code=None, status=None, request=None, **more):
        said = {"pp_PaymentResponseCode": code, "pp_Status": status, **more}
        jazzcash_server.answers_with(**{"pp_ResponseCode": "000", "pp_ResponseMessage": "OK", **said})
        return jazzcash.look_up(request or look_up_request())

    return ask


def test_a_question_names_the_payment_and_is_signed(ask, jazzcash_server):
    ask("121", "Completed")
    sent = jazzcash_server.last
    assert set(sent) == {"pp_TxnRefNo", "pp_MerchantID", "pp_Password", "pp_SecureHash"}
    assert (sent["pp_TxnRefNo"], sent["pp_MerchantID"], sent["pp_Password"]) == (REFERENCE, MERCHANT, PASSWORD)
    assert sent["pp_SecureHash"] == hash_of(sent, SALT)
    assert jazzcash_server.paths == ["/ApplicationAPI/API/PaymentInquiry/Inquire"]


@pytest.mark.parametrize("status", ["Completed", "COMPLETED", "", None])
def test_121_is_paid(ask, status):
    fact = ask("121", status)
    assert (fact.stage, fact.captured_minor, fact.amount_minor) == (Stage.CAPTURED, AMOUNT, None)
    assert (fact.provider_payment_id, fact.provider_session_id) == (REFERENCE, REFERENCE)
    assert fact.refunds == ()


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("121", "Pending"),
        ("121", "Reversed"),
        ("121", "Failed"),
        ("121", "word_of_the_future"),
        *(
            (code, status)
            for code in ("199", "134", "058", "118")
            for status in ("Pending", "Reversed", "Completed", "")
        ),
        ("999", "Completed"),
        ("000", "Completed"),
        ("000", ""),
        ("004", "Completed"),
        ("004", "Pending"),
        ("157", "Completed"),
        ("124", "Failed"),
        ("131", "Pending"),
        ("122", "Completed"),
        ("", "Completed"),
        ("", ""),
        ("200", ""),
        ("777", "Failed"),
        ("777", "Completed"),
    ],
)
def test_what_does_not_fit_together_decides_nothing(ask, code, status):
    with pytest.raises(OutcomeUnknown) as caught:
        ask(code, status)
    assert caught.value.code == "contradictory_answer"


@pytest.mark.parametrize(
    ("code", "status", "failure"),
    [
        ("004", "Failed", FailureCode.INSUFFICIENT_FUNDS),
        ("004", "", FailureCode.INSUFFICIENT_FUNDS),
        ("112", "Failed", FailureCode.CANCELLED_BY_CUSTOMER),
        ("129", "Dropped", FailureCode.EXPIRED),
        ("199", "Failed", FailureCode.PROCESSING_ERROR),
        ("134", "Failed", FailureCode.PROCESSING_ERROR),
        ("999", "Failed", FailureCode.PROCESSING_ERROR),
        ("", "Failed", FailureCode.PROCESSING_ERROR),
        ("122", "Reversed", FailureCode.PROCESSING_ERROR),
    ],
)
def test_a_question_that_went_well_about_a_payment_that_did_not_is_a_failure(ask, code, status, failure):
    fact = ask(code, status)
    assert (fact.stage, fact.captured_minor, fact.refunds) == (Stage.FAILED, 0, ())
    assert (fact.failure.code, fact.failure.provider_code) == (failure, code)


@pytest.mark.parametrize(("code", "status"), [("157", "Pending"), ("157", ""), ("210", "Pending"), ("", "Pending")])
def test_a_wallet_that_is_being_asked_waits(ask, code, status):
    fact = ask(code, status)
    assert (fact.stage, fact.captured_minor) == (Stage.REQUIRES_ACTION, 0)
    assert fact.next_action.kind is NextActionKind.WAIT


@pytest.mark.parametrize("key", ["pp_RetrievalReferenceNo", "pp_RetreivalReferenceNo"])
def test_a_voucher_says_its_number_however_that_is_spelt(ask, key):
    fact = ask("124", "Pending", look_up_request(**HOSTED), **{key: "240418718258"})
    assert fact.stage is Stage.REQUIRES_ACTION
    assert fact.next_action.kind is NextActionKind.INSTRUCTIONS
    assert fact.next_action.fields == {"method": "voucher", "voucher_number": "240418718258"}


def test_what_waits_past_its_expiry_and_a_while_has_expired(ask):
    ended = datetime.now(UTC)
    for code, early, late in (("157", 5, 20), ("124", 60, 25 * 60)):
        just = look_up_request(expires_at=ended - timedelta(minutes=early))
        long = look_up_request(expires_at=ended - timedelta(minutes=late))
        assert ask(code, "Pending", just).stage is Stage.REQUIRES_ACTION
        assert ask(code, "Pending", long).stage is Stage.EXPIRED


def test_money_that_comes_after_the_expiry_is_money(ask):
    assert ask("121", "Completed", look_up_request(expires_at=long_ago())).captured_minor == AMOUNT


# -- money that goes back ----------------------------------------------------------------------------------------------


def test_a_reversal_of_what_was_never_captured_is_no_payment(ask):
    assert ask("122", "Reversed").stage is Stage.FAILED
    for code in ("119", "126", "128"):
        with pytest.raises(OutcomeUnknown):
            ask(code, "Completed")


def test_what_awaits_its_reversal_is_still_here(ask):
    captured = look_up_request(captured_minor=AMOUNT)
    for code in ("119", "126"):
        fact = ask(code, "", captured)
        assert (fact.stage, fact.captured_minor, fact.refunds) == (Stage.CAPTURED, AMOUNT, ())


@pytest.mark.parametrize(
    ("code", "status", "captured"), [("131", "Refunded", 0), ("131", "", AMOUNT), ("122", "", AMOUNT)]
)
def test_what_was_given_back_behind_the_hubs_back_is_a_refund_of_the_whole(ask, code, status, captured):
    fact = ask(code, status, look_up_request(captured_minor=captured))
    assert (fact.stage, fact.captured_minor) == (Stage.CAPTURED, AMOUNT)
    (refund,) = fact.refunds
    assert (refund.status, refund.amount_minor, refund.reference) == (RefundStatus.COMPLETED, AMOUNT, "")
    assert refund.payment_reference == REFERENCE


def test_what_the_hub_knows_of_is_not_told_a_second_time(ask):
    fact = ask("131", "Refunded", look_up_request(captured_minor=AMOUNT, refunded_minor=AMOUNT))
    assert (fact.captured_minor, fact.refunds) == (AMOUNT, ())
    (rest,) = ask("131", "Refunded", look_up_request(captured_minor=AMOUNT, refunded_minor=1)).refunds
    assert rest.whole


# -- amounts, names, kinds ---------------------------------------------------------------------------------------------


def test_an_amount_or_a_currency_that_is_said_is_told(ask):
    assert ask("121", pp_Amount="1250").amount_minor == AMOUNT
    assert ask("121", pp_Amount=1250).amount_minor == AMOUNT
    other = ask("121", pp_Amount="1", pp_TxnCurrency="USD")
    assert (other.captured_minor, other.amount_minor, other.currency) == (1, 1, "USD")
    assert ask("157", "Pending", pp_Amount="99").amount_minor == 99


@pytest.mark.parametrize("spoiled", [{"pp_Amount": "x"}, {"pp_Amount": []}, {"pp_TxnCurrency": 1}, {"pp_Status": 1}])
def test_what_cannot_be_read_decides_nothing(ask, spoiled):
    with pytest.raises(OutcomeUnknown):
        ask("121", **spoiled)


@pytest.mark.parametrize("spoiled", [{"pp_TxnRefNo": "T1"}, {"pp_MerchantID": "MC1"}, {"pp_PaymentResponseCode": "ok"}])
def test_an_answer_about_something_else_decides_nothing(ask, spoiled):
    with pytest.raises(OutcomeUnknown):
        ask("121", "Completed", **spoiled)


@pytest.mark.parametrize(
    ("said", "kind"),
    [("MPAY", MethodKind.CREDIT_CARD), ("MWALLET", MethodKind.WALLET), ("OTC", MethodKind.VOUCHER), ("", None)],
)
def test_what_was_paid_with_is_learned_where_jazzcash_says_it(ask, said, kind):
    method = ask("121", "", look_up_request(**HOSTED), pp_TxnType=said).method
    assert (method.kind if method else None) is kind


# -- absent ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def absent(jazzcash, jazzcash_server):
    """Looks a payment up that JazzCash does not know."""

    def absent(**changes):
        jazzcash_server.answers_with(pp_ResponseCode="109", pp_ResponseMessage="Transaction does not exist")
        return jazzcash.look_up(look_up_request(**changes))

    return absent


def test_a_payment_nobody_made_is_not_found(absent):
    assert absent(provider_session_id="") is None


def test_a_form_that_nobody_has_posted_yet_waits_and_then_expires(absent):
    fact = absent(**HOSTED)
    assert (fact.stage, fact.next_action.kind) == (Stage.OPEN, NextActionKind.FORM_POST)
    assert absent(**HOSTED, provider_session_id="").stage is Stage.OPEN
    assert absent(**HOSTED, expires_at=datetime.now(UTC)).stage is Stage.OPEN
    assert absent(**HOSTED, expires_at=long_ago()).stage is Stage.EXPIRED


def test_a_wallet_call_that_is_not_there_may_still_come_until_it_cannot(absent):
    early = datetime.now(UTC) - timedelta(minutes=5)
    with pytest.raises(OutcomeUnknown) as caught:
        absent(provider_session_id="", may_arrive_until=early)
    assert caught.value.code == "too_early"
    fact = absent(provider_session_id="", may_arrive_until=long_ago())
    assert (fact.stage, fact.failure.code) == (Stage.FAILED, FailureCode.PROVIDER_UNAVAILABLE)


def test_a_wallet_payment_that_was_there_once_is_not_taken_for_absent(absent):
    with pytest.raises(OutcomeUnknown):
        absent()
    assert absent(expires_at=long_ago()).stage is Stage.EXPIRED


@pytest.mark.parametrize(("code", "raised"), [("101", Misconfigured), ("115", Misconfigured), ("110", Refused)])
def test_a_refused_question_is_told_as_that(jazzcash, jazzcash_server, code, raised):
    jazzcash_server.answers_with(pp_ResponseCode=code)
    with pytest.raises(raised):
        jazzcash.look_up(look_up_request())


@pytest.mark.parametrize("code", ["199", "999", "118", "121", "777", "", None])
def test_a_question_that_went_wrong_is_no_answer(jazzcash, jazzcash_server, code):
    jazzcash_server.answers_with(pp_ResponseCode=code, pp_PaymentResponseCode="121", pp_Status="Completed")
    with pytest.raises(OutcomeUnknown):
        jazzcash.look_up(look_up_request())
