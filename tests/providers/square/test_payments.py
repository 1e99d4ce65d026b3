"""Paying, holding, capturing, cancelling, looking up: the SDK over HTTP against the sandbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import uuid6

from django_payments_hub.domain.statuses import FailureCode, NextActionKind, Stage
from django_payments_hub.exceptions import OutcomeUnknown, Refused
from django_payments_hub.provider_kit.types import Failure, Payer
from django_payments_hub.testing.sandbox import SandboxError
from tests.providers.square.harness import (
    LOCATION,
    OTHER_LOCATION,
    RETURN_URL,
    cancel_request,
    capture_request,
    hold_request,
    link_request,
    look_up_request,
    pay_request,
)


def sums(sandbox, fact):
    books = sandbox.ledger(provider="square")["payments"][fact.provider_payment_id]
    return {name: books[name] for name in ("authorized", "captured", "released")}


def known_only_by_reference(fact, **changes):
    since = datetime.now(UTC) - timedelta(minutes=1)
    return look_up_request(fact, **{"provider_payment_id": "", "provider_session_id": "", "since": since, **changes})


# -- token ------------------------------------------------------------------------------------------------------------


def test_a_token_is_charged_at_once(square, sandbox, wire):
    request = pay_request(description="Two cups of tea", payer=Payer(email="a@shop.example"))
    result = square.pay(request)
    fact = result.fact
    assert (fact.stage, fact.captured_minor, result.failure) == (Stage.CAPTURED, 12_50, None)
    assert (fact.reference, fact.amount_minor, fact.currency) == (request.reference, 12_50, "USD")
    assert (fact.method.brand, fact.method.last4) == ("visa", "1111")
    made = wire("GET", f"/v2/payments/{fact.provider_payment_id}")["payment"]
    assert (made["reference_id"], made["note"], made["location_id"]) == (request.reference, "Two cups of tea", LOCATION)
    assert made["buyer_email_address"] == "a@shop.example"
    assert sums(sandbox, fact)["captured"] == 12_50
    (call,) = sandbox.calls("payments.create")
    assert call["idempotency_key"] == request.idempotency_key


@pytest.mark.parametrize(
    ("method", "code", "provider_code"),
    [
        ("cnon:card-nonce-declined", FailureCode.CARD_DECLINED, "GENERIC_DECLINE"),
        ("cnon:card-nonce-rejected-cvv", FailureCode.INCORRECT_CVC, "CVV_FAILURE"),
        ("cnon:card-nonce-rejected-postalcode", FailureCode.CARD_DECLINED, "ADDRESS_VERIFICATION_FAILURE"),
        ("cnon:card-nonce-rejected-expiration", FailureCode.EXPIRED_CARD, "INVALID_EXPIRATION"),
        ("cnon:gift-card-nonce-insufficient-funds", FailureCode.INSUFFICIENT_FUNDS, "INSUFFICIENT_FUNDS"),
        ("cnon:card-nonce-already-used", FailureCode.METHOD_NOT_USABLE, "CARD_TOKEN_USED"),
        ("cnon:never-made", FailureCode.METHOD_NOT_USABLE, "NOT_FOUND"),
        ("ccof:customer-card-id-requires-verification", FailureCode.AUTHENTICATION_REQUIRED, None),
        ("ccof:nobody-s", FailureCode.METHOD_NOT_USABLE, "NOT_FOUND"),
    ],
)
def test_a_decline_is_a_result(square, sandbox, method, code, provider_code):
    request = pay_request(method, saved=method.startswith("ccof:"))
    result = square.pay(request)
    assert (result.fact.stage, result.fact.reference) == (Stage.FAILED, request.reference)
    assert result.failure == result.fact.failure
    assert result.failure.code is code
    assert provider_code in (None, result.failure.provider_code)
    assert sandbox.ledger()["totals"].get("USD", {}).get("captured", 0) == 0


def test_a_token_is_good_for_one_payment(square, nonce):
    token = nonce()
    assert square.pay(pay_request(token)).failure is None
    second = square.pay(pay_request(token))
    assert second.failure == Failure(code=FailureCode.METHOD_NOT_USABLE, provider_code="CARD_TOKEN_USED")


def test_a_token_of_a_verified_buyer_needs_nothing_more(square, nonce):
    strong = "4310000000201019"
    assert square.pay(pay_request(nonce(card=strong))).failure.code is FailureCode.AUTHENTICATION_REQUIRED
    assert square.pay(pay_request(nonce(card=strong, verified=True))).fact.stage is Stage.CAPTURED


def test_a_bank_payment_is_under_way_until_the_bank_answers(square, sandbox):
    fact = square.pay(pay_request("bnon:bank-nonce-ok")).fact
    assert (fact.stage, fact.captured_minor) == (Stage.PROCESSING, 0)
    sandbox.settle(fact.provider_payment_id)
    assert square.look_up(look_up_request(fact)).captured_minor == 12_50


def test_yen_have_no_decimals(connect, sandbox):
    sandbox.deed("location", account="EAAAl_hub_test", id=LOCATION, currency="JPY")
    fact = connect().pay(pay_request(amount_minor=500, currency="JPY")).fact
    assert (fact.captured_minor, fact.currency) == (500, "JPY")
    assert sandbox.ledger()["totals"]["JPY"]["captured"] == 500


def test_a_currency_that_is_not_the_location_s_is_refused(square, sandbox):
    with pytest.raises(Refused):
        square.pay(pay_request(currency="EUR"))
    assert sandbox.ledger()["entries"] == []


def test_a_description_cannot_pass_for_a_link_s_note(square):
    request = pay_request()
    fact = square.pay(replace(request, description=request.reference)).fact
    assert fact.provider_payment_id


# -- hold, capture, cancel --------------------------------------------------------------------------------------------


def test_a_payment_is_held_and_taken_in_full(square, sandbox):
    held = square.pay(hold_request()).fact
    assert (held.stage, held.authorized_minor, held.capturable_minor) == (Stage.AUTHORIZED, 12_50, 12_50)
    taken = square.capture(capture_request(held, 12_50))
    assert (taken.fact.stage, taken.fact.captured_minor, taken.failure) == (Stage.CAPTURED, 12_50, None)
    assert sandbox.calls("payments.update") == []
    assert sums(sandbox, held) == {"authorized": 12_50, "captured": 12_50, "released": 0}


def test_a_part_is_taken_and_the_rest_released(square, sandbox):
    held = square.pay(hold_request()).fact
    fact = square.capture(capture_request(held, 7_00)).fact
    assert (fact.captured_minor, fact.authorized_minor, fact.amount_minor) == (7_00, 12_50, 12_50)
    assert fact.capturable_minor == 0
    assert sums(sandbox, held) == {"authorized": 12_50, "captured": 7_00, "released": 5_50}
    assert square.look_up(look_up_request(held)).captured_minor == 7_00


def test_a_capture_after_one_that_stopped_half_way_takes_its_own_amount(square, sandbox):
    held = square.pay(hold_request()).fact
    sandbox.fault("status", operation="payments.complete", status=400)
    with pytest.raises(Refused):
        square.capture(capture_request(held, 3_00))
    fact = square.capture(capture_request(held, 7_00)).fact
    assert fact.captured_minor == 7_00
    assert sums(sandbox, held) == {"authorized": 12_50, "captured": 7_00, "released": 5_50}


def test_an_amount_that_cannot_be_changed_is_not_taken_in_part(square, sandbox, monkeypatch):
    held = square.pay(hold_request()).fact
    payments = square._payments
    fixed = {**payments.retrieve(held.provider_payment_id), "capabilities": ["EDIT_TIP_AMOUNT_UP"]}
    monkeypatch.setattr(payments, "retrieve", lambda _: fixed)  # payments in some regions are so
    with pytest.raises(Refused) as caught:
        square.capture(capture_request(held, 7_00))
    assert caught.value.code == "unsupported_partial_capture"
    assert sums(sandbox, held)["captured"] == 0


def test_what_is_captured_already_is_no_second_capture(square, sandbox):
    held = square.pay(hold_request()).fact
    for _ in range(2):
        assert square.capture(capture_request(held, 12_50)).fact.captured_minor == 12_50
    assert len(sandbox.calls("payments.complete")) == 1


def test_a_cancelled_payment_is_not_captured(square):
    held = square.pay(hold_request()).fact
    square.cancel(cancel_request(held))
    result = square.capture(capture_request(held, 12_50))
    assert (result.fact.stage, result.failure.code) == (Stage.CANCELLED, FailureCode.INVALID_REQUEST)


def test_somebody_else_s_change_in_between_is_not_overrun(square, sandbox, wire, monkeypatch):
    held = square.pay(hold_request()).fact
    path = f"/v2/payments/{held.provider_payment_id}"
    seen = wire("GET", path)["payment"]
    change = {"idempotency_key": "other", "payment": {"amount_money": {"amount": 5_00, "currency": "USD"}}}
    wire("PUT", path, change)
    monkeypatch.setattr(square._payments, "retrieve", lambda _: seen)
    with pytest.raises(OutcomeUnknown):
        square.capture(capture_request(held, 12_50))
    monkeypatch.undo()
    assert sums(sandbox, held)["captured"] == 0


def test_a_held_payment_is_voided(square, sandbox):
    held = square.pay(hold_request()).fact
    for _ in range(2):
        result = square.cancel(cancel_request(held))
        assert (result.fact.stage, result.failure) == (Stage.CANCELLED, None)
    assert sums(sandbox, held) == {"authorized": 12_50, "captured": 0, "released": 12_50}


def test_a_captured_payment_is_not_voided(square):
    paid = square.pay(pay_request()).fact
    result = square.cancel(cancel_request(paid))
    assert (result.fact.stage, result.failure.code) == (Stage.CAPTURED, FailureCode.INVALID_REQUEST)


def test_an_authorisation_runs_out_after_a_week(square, sandbox):
    held = square.pay(hold_request()).fact
    sandbox.advance(8 * 86_400)
    assert square.look_up(look_up_request(held)).stage is Stage.EXPIRED
    assert square.cancel(cancel_request(held)).failure is None


# -- hosted -----------------------------------------------------------------------------------------------------------


def test_a_payment_link_carries_our_reference_everywhere(square, wire):
    request = link_request(payer=Payer(email="a@shop.example"))
    result = square.pay(request)
    fact = result.fact
    assert (fact.stage, fact.reference, fact.amount_minor) == (Stage.OPEN, request.reference, 12_50)
    assert (fact.next_action.kind, fact.provider_payment_id) == (NextActionKind.REDIRECT, "")
    link = wire("GET", f"/v2/online-checkout/payment-links/{fact.provider_session_id}")["payment_link"]
    assert (link["payment_note"], link["url"]) == (request.reference, fact.next_action.url)
    assert link["checkout_options"]["redirect_url"] == RETURN_URL
    assert link["pre_populated_data"]["buyer_email"] == "a@shop.example"
    order = wire("GET", f"/v2/orders/{link['order_id']}")["order"]
    assert (order["reference_id"], order["total_money"]["amount"]) == (request.reference, 12_50)
    assert order["line_items"][0]["name"] == "Two cups of tea"


def test_a_link_without_a_description_or_a_way_back_shows_the_reference(square, wire):
    request = link_request(description="", return_url="")
    fact = square.pay(request).fact
    link = wire("GET", f"/v2/online-checkout/payment-links/{fact.provider_session_id}")["payment_link"]
    assert "redirect_url" not in link["checkout_options"]
    assert wire("GET", f"/v2/orders/{link['order_id']}")["order"]["line_items"][0]["name"] == request.reference


def test_a_link_is_open_until_it_is_paid(square, sandbox):
    made = square.pay(link_request()).fact
    waiting = square.look_up(look_up_request(made))
    assert (waiting.stage, waiting.next_action) == (Stage.OPEN, made.next_action)
    sandbox.pay_session(made.provider_session_id)
    paid = square.look_up(look_up_request(made))
    assert (paid.stage, paid.captured_minor, paid.amount_minor) == (Stage.CAPTURED, 12_50, 12_50)
    assert (paid.reference, paid.provider_session_id) == (made.reference, made.provider_session_id)
    again = square.look_up(look_up_request(paid))
    assert (again.provider_payment_id, again.provider_session_id) == (
        paid.provider_payment_id,
        made.provider_session_id,
    )


def test_a_declined_attempt_leaves_the_link_open(square, sandbox):
    made = square.pay(link_request()).fact
    with pytest.raises(SandboxError):
        sandbox.pay_session(made.provider_session_id, outcome="fail")
    assert square.look_up(look_up_request(made)).provider_payment_id == ""
    sandbox.pay_session(made.provider_session_id)
    assert square.look_up(look_up_request(made)).captured_minor == 12_50


def test_a_link_paid_with_another_amount_is_seen(square, sandbox):
    made = square.pay(link_request()).fact
    sandbox.deed("pay_session", session=made.provider_session_id, amount=5_00)
    fact = square.look_up(look_up_request(made))
    assert (fact.amount_minor, fact.captured_minor) == (5_00, 5_00)


def test_a_link_is_taken_away(square, sandbox):
    made = square.pay(link_request()).fact
    for _ in range(2):
        result = square.cancel(cancel_request(made))
        assert (result.fact.stage, result.failure) == (Stage.CANCELLED, None)
        assert result.fact.provider_session_id == made.provider_session_id
    assert len(sandbox.calls("payment_links.delete")) == 1
    assert square.look_up(look_up_request(made)).stage is Stage.CANCELLED


def test_a_paid_link_is_not_taken_away(square, sandbox):
    made = square.pay(link_request()).fact
    sandbox.pay_session(made.provider_session_id)
    result = square.cancel(cancel_request(made))
    assert (result.fact.captured_minor, result.failure.code) == (12_50, FailureCode.INVALID_REQUEST)
    assert result.fact.provider_session_id == made.provider_session_id
    assert sandbox.calls("payment_links.delete") == []


def test_a_link_paid_while_it_is_taken_away_is_paid(square, sandbox, monkeypatch):
    made = square.pay(link_request()).fact
    delete = square._links._delete

    def paid_just_before(link_id):
        sandbox.pay_session(made.provider_session_id)
        delete(link_id)

    monkeypatch.setattr(square._links, "_delete", paid_just_before)
    result = square.cancel(cancel_request(made))
    assert (result.fact.captured_minor, result.failure.code) == (12_50, FailureCode.INVALID_REQUEST)


def test_a_link_with_a_bank_payment_under_way_is_taken_away_but_not_called_cancelled(square, sandbox):
    made = square.pay(link_request()).fact
    sandbox.pay_session(made.provider_session_id, "bnon:bank-nonce-ok")
    for _ in range(2):
        result = square.cancel(cancel_request(made))
        assert (result.fact.stage, result.failure.code) == (Stage.PROCESSING, FailureCode.INVALID_REQUEST)
    assert square.look_up(look_up_request(made)).stage is Stage.PROCESSING


def test_a_link_taken_away_after_a_declined_attempt_is_cancelled(square, sandbox):
    made = square.pay(link_request()).fact
    with pytest.raises(SandboxError):
        sandbox.pay_session(made.provider_session_id, outcome="fail")
    assert square.cancel(cancel_request(made)).fact.stage is Stage.CANCELLED
    assert square.look_up(look_up_request(made)).stage is Stage.CANCELLED


def test_a_search_begins_when_our_reference_was_made(square):
    now = square.pay(pay_request(reference=str(uuid6.uuid7()))).fact
    assert square.look_up(known_only_by_reference(now, since=None)).provider_payment_id == now.provider_payment_id
    tomorrow = format(int((datetime.now(UTC) + timedelta(days=1)).timestamp() * 1000), "012x")
    later = square.pay(pay_request(reference=f"{tomorrow[:8]}-{tomorrow[8:]}-7000-8000-00000000cafe")).fact
    assert square.look_up(known_only_by_reference(later, since=None)) is None


def test_a_link_that_was_paid_and_deleted_elsewhere_is_still_found_by_its_payment(square, sandbox):
    made = square.pay(link_request()).fact
    sandbox.pay_session(made.provider_session_id)
    sandbox.expire_session(made.provider_session_id)
    assert square.look_up(look_up_request(made)).captured_minor == 12_50


# -- looking up -------------------------------------------------------------------------------------------------------


def test_a_payment_is_found_by_our_reference_among_many(square, sandbox):
    wanted = square.pay(pay_request()).fact
    for _ in range(101):  # more than a page
        square.pay(pay_request())
    assert square.look_up(known_only_by_reference(wanted)) == square.look_up(look_up_request(wanted))


def test_of_several_payments_of_one_reference_the_one_with_the_money_is_told(square):
    first = square.pay(pay_request()).fact
    square.pay(pay_request("cnon:card-nonce-declined", reference=first.reference))
    assert square.look_up(known_only_by_reference(first)).captured_minor == 12_50


def test_what_square_does_not_know_is_none(square):
    unknown = square.pay(pay_request()).fact
    assert square.look_up(known_only_by_reference(unknown, reference="0198c0de-7a11-7000-8000-00000000cafe")) is None
    assert square.look_up(look_up_request(unknown, provider_payment_id="nosuchpayment")) is None


def test_a_payment_of_another_location_is_no_answer(connect, square):
    elsewhere = connect(LOCATION_ID=OTHER_LOCATION).pay(pay_request()).fact
    with pytest.raises(OutcomeUnknown) as caught:
        square.look_up(look_up_request(elsewhere))
    assert caught.value.code == "unexpected_object"
    assert square.look_up(known_only_by_reference(elsewhere)) is None


@pytest.mark.parametrize("value", ["../../v1/x", "a?b=1", "a/b", "a#b", "a b", "x" * 193, "a\n"])
def test_an_id_that_could_change_the_path_is_refused(square, sandbox, value):
    fact = square.pay(hold_request()).fact
    calls = len(sandbox.calls())
    for call in (
        lambda: square.capture(capture_request(fact, 1, provider_payment_id=value)),
        lambda: square.cancel(cancel_request(fact, provider_payment_id=value)),
        lambda: square.cancel(cancel_request(fact, provider_session_id=value)),
        lambda: square.look_up(look_up_request(fact, provider_payment_id=value)),
        lambda: square.look_up(look_up_request(fact, provider_payment_id="", provider_session_id=value)),
    ):
        with pytest.raises(Refused) as caught:
            call()
        assert caught.value.code == "invalid_object_id"
    assert len(sandbox.calls()) == calls
