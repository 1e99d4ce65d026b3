"""Paying, capturing, cancelling and looking up, through the real SDK against the sandbox over HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from django_payments_hub.domain.statuses import CaptureMethod, FailureCode, Flow, MethodKind, NextActionKind, Stage
from django_payments_hub.exceptions import Refused
from django_payments_hub.provider_kit.types import Payer
from tests.providers.stripe.harness import (
    cancel_request,
    capture_request,
    confirm_request,
    look_up_request,
    pay_request,
)

MANUAL = {"capture_method": CaptureMethod.MANUAL}


def operations(sandbox) -> list[str]:
    return [call["operation"] for call in sandbox.calls()]


# -- token flow ------------------------------------------------------------------------------------------------------


def test_a_card_is_charged_in_two_calls_each_with_a_key_of_its_own(stripe, sandbox):
    request = pay_request(description="Order 7", metadata={"shop": "x", "hub_payment": "not mine to set"})
    result = stripe.pay(request)
    assert result.failure is None
    assert (result.fact.stage, result.fact.captured_minor, result.fact.currency) == (Stage.CAPTURED, 1250, "USD")
    assert result.fact.reference == request.reference
    assert (result.fact.method.kind, result.fact.method.last4) == (MethodKind.CREDIT_CARD, "4242")
    assert [(c["operation"], c["idempotency_key"]) for c in sandbox.calls()] == [
        ("payment_intents.create", f"{request.idempotency_key}-create"),
        ("payment_intents.confirm", request.idempotency_key),
    ]
    books = sandbox.ledger()["payments"][result.fact.provider_payment_id]
    assert (books["captured"], books["currency"].lower()) == (1250, "usd")
    assert books["metadata"]["hub_payment"] == request.reference
    assert books["metadata"]["hub_operation"] == request.idempotency_key
    assert books["metadata"]["shop"] == "x"


def test_the_same_request_again_charges_once(stripe, sandbox):
    request = pay_request()
    assert stripe.pay(request).fact == stripe.pay(request).fact
    assert sandbox.ledger()["totals"]["usd"]["captured"] == 1250


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ("pm_card_visa_chargeDeclined", FailureCode.CARD_DECLINED),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", FailureCode.INSUFFICIENT_FUNDS),
        ("pm_card_chargeDeclinedExpiredCard", FailureCode.EXPIRED_CARD),
        ("pm_card_chargeDeclinedIncorrectCvc", FailureCode.INCORRECT_CVC),
        ("pm_card_chargeDeclinedProcessingError", FailureCode.PROCESSING_ERROR),
        ("pm_card_visa_chargeDeclinedStolenCard", FailureCode.FRAUD_SUSPECTED),
    ],
)
def test_a_decline_is_a_result(stripe, sandbox, card, code):
    result = stripe.pay(pay_request(card))
    assert (result.failure.code, result.fact.stage) == (code, Stage.DECLINED)
    assert result.fact.failure == result.failure
    assert result.failure.provider_code
    assert (result.fact.authorized_minor, result.fact.captured_minor) == (0, 0)
    assert not sandbox.ledger()["totals"]


def test_three_d_secure_leads_to_the_banks_page_and_then_to_the_money(stripe, sandbox):
    fact = stripe.pay(pay_request("pm_card_threeDSecure2Required")).fact
    assert (fact.stage, fact.next_action.kind) == (Stage.REQUIRES_ACTION, NextActionKind.REDIRECT)
    assert fact.next_action.url.startswith("http")
    sandbox.complete_action(fact.provider_payment_id)
    assert stripe.look_up(look_up_request(fact)).captured_minor == 1250


def test_a_failed_three_d_secure_is_a_decline(stripe, sandbox):
    fact = stripe.pay(pay_request("pm_card_threeDSecure2Required")).fact
    sandbox.complete_action(fact.provider_payment_id, "fail")
    told = stripe.look_up(look_up_request(fact))
    assert (told.stage, told.failure.code) == (Stage.DECLINED, FailureCode.AUTHENTICATION_FAILED)


def test_without_an_address_to_come_back_to_the_browser_finishes_with_the_client_secret(stripe):
    fact = stripe.pay(pay_request("pm_card_threeDSecure2Required", return_url="")).fact
    assert fact.next_action.kind is NextActionKind.CLIENT_SECRET
    assert fact.next_action.fields["publishable_key"] == "pk_test_hub"
    assert fact.next_action.fields["client_secret"].startswith(f"{fact.provider_payment_id}_secret_")


def test_an_absent_customer_cannot_authenticate(stripe):
    result = stripe.pay(pay_request("pm_card_authenticationRequired", off_session=True))
    assert (result.failure.code, result.fact.stage) == (FailureCode.AUTHENTICATION_REQUIRED, Stage.DECLINED)


def test_a_token_that_does_not_exist_is_refused(stripe, sandbox):
    with pytest.raises(Refused) as caught:
        stripe.pay(pay_request("pm_doesNotExist"))
    assert (caught.value.code, caught.value.provider_code) == ("invalid_request", "resource_missing")
    assert not sandbox.ledger()["payments"]


def test_a_currency_with_its_own_way_of_counting(stripe, sandbox):
    fact = stripe.pay(pay_request(currency="ISK", amount_minor=500)).fact
    assert fact.captured_minor == 500
    assert sandbox.ledger()["payments"][fact.provider_payment_id]["captured"] == 50_000


# -- capture later ---------------------------------------------------------------------------------------------------


def test_money_is_held_and_taken_later(stripe):
    held = stripe.pay(pay_request(**MANUAL)).fact
    assert (held.stage, held.authorized_minor, held.captured_minor) == (Stage.AUTHORIZED, 1250, 0)
    assert held.capturable_minor == 1250
    taken = stripe.capture(capture_request(held, 1250)).fact
    assert (taken.stage, taken.captured_minor, taken.capturable_minor) == (Stage.CAPTURED, 1250, 0)


def test_a_part_is_taken_and_the_rest_released(stripe, sandbox):
    held = stripe.pay(pay_request(**MANUAL)).fact
    taken = stripe.capture(capture_request(held, 400)).fact
    assert (taken.authorized_minor, taken.captured_minor, taken.capturable_minor) == (1250, 400, 0)
    books = sandbox.ledger()["payments"][held.provider_payment_id]
    assert (books["captured"], books["released"]) == (400, 850)


def test_more_than_is_held_cannot_be_taken(stripe):
    held = stripe.pay(pay_request(**MANUAL)).fact
    with pytest.raises(Refused):
        stripe.capture(capture_request(held, 1251))
    assert stripe.look_up(look_up_request(held)).captured_minor == 0


def test_capturing_what_is_captured_tells_how_it_stands(stripe):
    held = stripe.pay(pay_request(**MANUAL)).fact
    stripe.capture(capture_request(held, 400))
    again = stripe.capture(capture_request(held, 1250))
    assert (again.fact.stage, again.fact.captured_minor) == (Stage.CAPTURED, 400)


def test_capturing_what_is_cancelled_fails_with_the_true_state(stripe):
    held = stripe.pay(pay_request(**MANUAL)).fact
    stripe.cancel(cancel_request(held))
    result = stripe.capture(capture_request(held, 1250))
    assert (result.fact.stage, result.fact.captured_minor) == (Stage.CANCELLED, 0)
    assert result.failure is not None


def test_a_capture_asked_for_again_after_an_unknown_outcome_happens_once(stripe, sandbox):
    held = stripe.pay(pay_request(**MANUAL)).fact
    request = capture_request(held, 400)
    first = stripe.capture(request).fact
    recovered = stripe.capture(replace(request, recovering=True)).fact
    assert recovered.captured_minor == first.captured_minor == 400
    assert operations(sandbox)[-1] == "payment_intents.retrieve"


# -- cancel ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["requested_by_customer", "the customer called on Monday", ""])
def test_what_is_held_is_let_go(stripe, sandbox, reason):
    held = stripe.pay(pay_request(**MANUAL)).fact
    result = stripe.cancel(cancel_request(held, reason=reason))
    assert (result.fact.stage, result.fact.capturable_minor, result.failure) == (Stage.CANCELLED, 0, None)
    assert sandbox.ledger()["payments"][held.provider_payment_id]["released"] == 1250


def test_cancelling_twice_is_a_success(stripe):
    held = stripe.pay(pay_request(**MANUAL)).fact
    stripe.cancel(cancel_request(held))
    result = stripe.cancel(cancel_request(held))
    assert (result.fact.stage, result.failure) == (Stage.CANCELLED, None)


def test_what_is_paid_cannot_be_cancelled_and_its_true_state_is_told(stripe):
    paid = stripe.pay(pay_request()).fact
    result = stripe.cancel(cancel_request(paid))
    assert (result.fact.stage, result.fact.captured_minor) == (Stage.CAPTURED, 1250)
    assert result.failure.provider_code == "payment_intent_unexpected_state"


# -- client flow -----------------------------------------------------------------------------------------------------


def test_the_browser_gets_what_stripe_js_needs_and_nothing_is_confirmed(stripe, sandbox):
    fact = stripe.pay(pay_request("", flow=Flow.CLIENT)).fact
    assert (fact.stage, fact.next_action.kind) == (Stage.OPEN, NextActionKind.CLIENT_SECRET)
    assert set(fact.next_action.fields) == {"client_secret", "publishable_key"}
    assert operations(sandbox) == ["payment_intents.create"]


def test_a_waiting_payment_is_confirmed_with_a_token(stripe):
    fact = stripe.pay(pay_request("", flow=Flow.CLIENT)).fact
    assert stripe.confirm(confirm_request(fact, method_token="pm_card_visa")).fact.captured_minor == 1250


def test_after_a_decline_another_card_may_be_tried_on_the_same_payment(stripe):
    fact = stripe.pay(pay_request("", flow=Flow.CLIENT)).fact
    declined = stripe.confirm(confirm_request(fact, method_token="pm_card_visa_chargeDeclined"))
    assert declined.failure.code is FailureCode.CARD_DECLINED
    assert stripe.confirm(confirm_request(fact, method_token="pm_card_mastercard")).fact.stage is Stage.CAPTURED


def test_confirming_what_is_paid_tells_how_it_stands(stripe):
    paid = stripe.pay(pay_request()).fact
    assert stripe.confirm(confirm_request(paid, method_token="pm_card_visa")).fact.stage is Stage.CAPTURED


# -- hosted flow -----------------------------------------------------------------------------------------------------


def hosted(stripe, **changes):
    return stripe.pay(pay_request("", flow=Flow.HOSTED, description="Order 7", **changes)).fact


def test_the_customer_is_led_to_a_page_and_pays_there(stripe, sandbox):
    fact = hosted(stripe, cancel_url="https://shop.example/cart/")
    assert (fact.stage, fact.next_action.kind) == (Stage.OPEN, NextActionKind.REDIRECT)
    assert fact.provider_session_id.startswith("cs_")
    assert fact.provider_payment_id == ""
    session = sandbox.pay_session(fact.provider_session_id)
    told = stripe.look_up(look_up_request(fact))
    assert (told.stage, told.captured_minor, told.reference) == (Stage.CAPTURED, 1250, fact.reference)
    assert told.provider_session_id == fact.provider_session_id
    assert told.provider_payment_id.startswith("pi_")
    # As Stripe documents it, the placeholder is replaced when the browser is sent back.
    back = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
    query = parse_qs(urlsplit(back).query)
    visit = stripe.parse_return({key: values[0] for key, values in query.items()})
    assert visit.provider_session_id == fact.provider_session_id
    assert query["n"] == ["1"]


def test_a_hosted_payment_is_captured_and_refunded_by_its_session_alone(stripe, sandbox):
    fact = hosted(stripe, **MANUAL)
    sandbox.pay_session(fact.provider_session_id)
    assert stripe.look_up(look_up_request(fact)).stage is Stage.AUTHORIZED
    assert stripe.capture(capture_request(fact, 1250)).fact.captured_minor == 1250


def test_a_page_can_be_closed(stripe):
    fact = hosted(stripe)
    result = stripe.cancel(cancel_request(fact))
    assert (result.fact.stage, result.failure, result.fact.next_action) == (Stage.CANCELLED, None, None)
    again = stripe.cancel(cancel_request(fact))
    assert (again.fact.stage, again.failure) == (Stage.CANCELLED, None)


def test_what_was_held_through_a_page_is_let_go(stripe, sandbox):
    fact = hosted(stripe, **MANUAL)
    sandbox.pay_session(fact.provider_session_id)
    result = stripe.cancel(cancel_request(fact))
    assert (result.fact.stage, result.failure) == (Stage.CANCELLED, None)
    assert result.fact.provider_session_id == fact.provider_session_id
    assert sandbox.ledger()["payments"][result.fact.provider_payment_id]["released"] == 1250


def test_what_was_paid_through_a_page_cannot_be_cancelled(stripe, sandbox):
    fact = hosted(stripe)
    sandbox.pay_session(fact.provider_session_id)
    result = stripe.cancel(cancel_request(fact))
    assert (result.fact.stage, result.fact.captured_minor) == (Stage.CAPTURED, 1250)
    assert result.failure is not None


def test_a_page_that_nobody_used_expires(stripe, sandbox):
    fact = hosted(stripe)
    sandbox.expire_session(fact.provider_session_id)
    assert stripe.look_up(look_up_request(fact)).stage is Stage.EXPIRED


# -- look-up ---------------------------------------------------------------------------------------------------------


def test_a_payment_is_found_by_our_reference_alone(stripe):
    stripe.pay(pay_request())
    paid = stripe.pay(pay_request()).fact
    stripe.pay(pay_request())
    since = datetime.now(UTC) - timedelta(minutes=1)
    told = stripe.look_up(look_up_request(paid, provider_payment_id="", since=since))
    assert told == replace(paid, refunds=())


def test_a_payment_is_found_among_more_than_one_page(stripe):
    paid = stripe.pay(pay_request()).fact
    for _ in range(101):
        stripe.pay(pay_request("", flow=Flow.CLIENT))
    assert stripe.look_up(look_up_request(paid, provider_payment_id="")).provider_payment_id == paid.provider_payment_id


def test_of_several_objects_the_one_with_the_money_is_told(stripe):
    request = pay_request()
    paid = stripe.pay(request).fact
    stripe.pay(replace(pay_request("pm_card_visa_chargeDeclined"), reference=request.reference))
    assert stripe.look_up(look_up_request(paid, provider_payment_id="")).stage is Stage.CAPTURED


def test_an_unpaid_page_is_found_by_our_reference_alone(stripe):
    fact = hosted(stripe)
    told = stripe.look_up(look_up_request(fact, provider_session_id="", since=datetime.now(UTC)))
    assert (told.provider_session_id, told.stage) == (fact.provider_session_id, Stage.OPEN)


@pytest.mark.parametrize(
    "names", [{"provider_payment_id": "pi_nobody"}, {"provider_session_id": "cs_test_nobody"}, {}], ids=str
)
def test_what_stripe_does_not_know_is_certainly_unknown(stripe, names):
    fact = stripe.pay(pay_request()).fact
    names = {"provider_payment_id": "", "reference": "nobody", **names}
    assert stripe.look_up(look_up_request(fact, **names)) is None


@pytest.mark.parametrize("bad", ["pi_1/../../v1/refunds", "re_1", "pi_", "pi_1?x=1", "pi_\u0661", "pi_1\n"])
def test_what_is_no_id_never_enters_a_path(stripe, sandbox, bad):
    fact = stripe.pay(pay_request(**MANUAL)).fact
    before = len(sandbox.calls())
    for call, request in (
        (stripe.look_up, look_up_request(fact, provider_payment_id=bad)),
        (stripe.confirm, confirm_request(fact, provider_payment_id=bad)),
        (stripe.capture, capture_request(fact, 1, provider_payment_id=bad)),
        (stripe.cancel, cancel_request(fact, provider_payment_id=bad)),
        (stripe.cancel, cancel_request(fact, provider_session_id=bad)),
    ):
        with pytest.raises(Refused) as caught:
            call(request)
        assert caught.value.code == "invalid_object_id"
    assert len(sandbox.calls()) == before


# -- being a good guest in the process -------------------------------------------------------------------------------


def test_nothing_is_written_to_the_home_folder_and_no_notice_becomes_an_error(sandbox_process, sandbox, tmp_path):
    sandbox.fault("status", status=200, body={"id": "pi_1", "object": "payment_intent"}, headers={"Stripe-Notice": "x"})
    code = f"""
import warnings
warnings.simplefilter("error")
from tests.providers.stripe.harness import Provider, account, look_up_request, pay_request
from django_payments_hub.exceptions import OutcomeUnknown
stripe = Provider(account(API_BASE={sandbox_process.url_of("stripe")!r}))
try:
    stripe.pay(pay_request())
except OutcomeUnknown:
    pass
assert stripe.pay(pay_request()).fact.captured_minor == 1250
stripe.close()
"""
    env = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "PYTHONPATH": str(Path.cwd())}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=env)
    assert list(tmp_path.iterdir()) == []


# -- everything that can be asked for along with it ------------------------------------------------------------------


def last_metadata(sandbox) -> dict[str, str]:
    """The metadata that came with the last call."""
    kept: dict[str, str] = sandbox.calls()[-1]["metadata"]
    return kept


@pytest.mark.parametrize("flow", [Flow.TOKEN, Flow.CLIENT, Flow.HOSTED])
@pytest.mark.parametrize("customer", ["", "cus_nobody"])
def test_wishes_are_passed_on_in_every_flow(stripe, sandbox, flow, customer):
    request = pay_request(
        "pm_card_visa" if flow is Flow.TOKEN else "",
        flow=flow,
        description="Order 7",
        save_method=True,
        customer_token=customer,
        payer=Payer(email="a@example.com"),
        cancel_url="https://shop.example/cart/",
        expires_at=datetime.now(UTC) + timedelta(hours=2),
        metadata={"shop": "x"},
    )
    if customer:
        # That Stripe looks for the customer shows that it was named.
        with pytest.raises(Refused) as caught:
            stripe.pay(request)
        assert caught.value.provider_code == "resource_missing"
        return
    assert stripe.pay(request).failure is None
    assert last_metadata(sandbox)["shop"] == "x"


def test_a_page_expires_when_it_was_asked_to(stripe):
    ends = (datetime.now(UTC) + timedelta(hours=2)).replace(microsecond=0)
    assert hosted(stripe, expires_at=ends).expires_at == ends


def test_a_browser_payment_that_was_made_meanwhile_is_told_as_paid(stripe):
    request = pay_request("", flow=Flow.CLIENT)
    fact = stripe.pay(request).fact
    stripe.confirm(confirm_request(fact, method_token="pm_card_visa"))
    again = stripe.pay(replace(request, recovering=True, first_sent_at=datetime.now(UTC))).fact
    assert (again.captured_minor, again.next_action) == (1250, None)


def test_another_capture_is_announced_to_stripe(stripe, sandbox):
    held = stripe.pay(pay_request(**MANUAL)).fact
    sandbox.fault("status", operation="payment_intents.capture", status=400, body={"error": {"type": "x"}})
    with pytest.raises(Refused):
        stripe.capture(capture_request(held, 400, final=False))
    assert stripe.look_up(look_up_request(held)).capturable_minor == 1250


def test_a_payment_without_any_object_cannot_be_captured(stripe):
    with pytest.raises(Refused) as caught:
        stripe.capture(capture_request(hosted(stripe, **MANUAL), 1))
    assert caught.value.code == "invalid_object_id"
