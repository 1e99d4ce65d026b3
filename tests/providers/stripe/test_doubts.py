"""What is read around a call that took effect, or may have, decides nothing by not being there (I7)."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from django_payments_hub.domain.statuses import CaptureMethod, Flow
from django_payments_hub.exceptions import OutcomeUnknown
from django_payments_hub.provider_kit.method_types import (
    CustomerRequest,
    DetachMethodRequest,
    FinishMethodRequest,
    SaveMethodRequest,
)
from tests.providers.stripe.harness import (
    cancel_request,
    capture_request,
    confirm_request,
    pay_request,
    refund_request,
)

INTENT, SESSION, SETUP = "payment_intents.retrieve", "checkout.sessions.retrieve", "setup_intents.retrieve"


def error(code, type_="invalid_request_error"):
    return {"error": {"type": type_, "code": code, "message": "told by the sandbox"}}


unseen = pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 404, "body": error("resource_missing")},
        {"kind": "status", "status": 429, "body": error("rate_limit")},
        {"kind": "status", "status": 401, "body": error("api_key_expired")},
        {"kind": "reset"},
    ],
    ids=["404", "429", "401", "reset"],
)


def again(request):
    return replace(request, recovering=True, first_sent_at=datetime.now(UTC))


def held(stripe):
    return stripe.pay(pay_request(capture_method=CaptureMethod.MANUAL)).fact


def save_request(stripe):
    customer = stripe.create_customer(CustomerRequest(idempotency_key=str(uuid.uuid4()), reference="user"))
    return SaveMethodRequest(
        idempotency_key=str(uuid.uuid4()), reference="method", customer_token=customer, method_token="pm_card_visa"
    )


# -- after a call -----------------------------------------------------------------------------------------------------


def confirming_one_declined(stripe, sandbox):
    sandbox.fault("status", operation="payment_intents.confirm", status=402, body=error("card_declined", "card_error"))
    return stripe.pay, pay_request(), INTENT, 1


def withdrawing_what_failed_at_stripe(stripe, sandbox):
    request = pay_request()
    sandbox.fault("status", operation="payment_intents.confirm", status=500, store=True)
    with pytest.raises(OutcomeUnknown):
        stripe.pay(request)
    return stripe.pay, request, INTENT, 1


def capturing_what_is_captured(stripe, sandbox):
    body = error("payment_intent_unexpected_state")
    sandbox.fault("status", operation="payment_intents.capture", status=400, body=body)
    return stripe.capture, capture_request(held(stripe), 1000), INTENT, 1


def making_a_page_again(stripe, sandbox):
    request = pay_request("", flow=Flow.HOSTED)
    stripe.pay(request)
    return stripe.pay, again(request), SESSION, 1


def closing_a_page_that_was_paid(stripe, sandbox):
    page = stripe.pay(pay_request("", flow=Flow.HOSTED)).fact
    sandbox.pay_session(page.provider_session_id)
    return stripe.cancel, cancel_request(page), SESSION, 1


def saving_what_is_saved(stripe, sandbox):
    body = error("setup_intent_unexpected_state")
    sandbox.fault("status", operation="setup_intents.confirm", status=400, body=body)
    return stripe.save_method, save_request(stripe), SETUP, 1


CALLS = [
    confirming_one_declined,
    withdrawing_what_failed_at_stripe,
    capturing_what_is_captured,
    making_a_page_again,
    closing_a_page_that_was_paid,
    saving_what_is_saved,
]


@unseen
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_not_to_see_the_object_after_a_call_leaves_the_call_in_doubt(stripe, sandbox, call, fault):
    # given a call whose answer does not tell how the object stands
    step, request, read, nth = call(stripe, sandbox)
    # when the question that follows is not answered
    sandbox.fault(**fault, operation=read, nth=nth, times=9)
    with pytest.raises(OutcomeUnknown):
        step(request)
    # then it was that question
    assert sandbox.calls(read)


@pytest.mark.parametrize("status", [404, 429])
def test_what_cannot_be_withdrawn_is_in_doubt(stripe, sandbox, status):
    step, request, *_ = withdrawing_what_failed_at_stripe(stripe, sandbox)
    sandbox.fault("status", operation="payment_intents.cancel", status=status, body=error("resource_missing"))
    with pytest.raises(OutcomeUnknown):
        step(request)


@pytest.mark.parametrize("status", [429, 401])
def test_not_to_see_the_method_after_it_was_let_go_leaves_that_in_doubt(stripe, sandbox, status):
    kept = stripe.save_method(save_request(stripe)).method
    sandbox.fault("status", operation="payment_methods.detach", status=400, body=error("payment_method_unattached"))
    sandbox.fault("status", operation="payment_methods.retrieve", status=status, body=error("api_key_expired"))
    with pytest.raises(OutcomeUnknown):
        stripe.detach_method(DetachMethodRequest(idempotency_key="x", provider_method_id=kept.provider_method_id))


# -- before a repeated one --------------------------------------------------------------------------------------------


@unseen
def test_not_to_see_the_object_before_a_repeated_call_says_nothing_of_the_first(stripe, sandbox, fault):
    # given calls that were made, and are to be repeated because nobody knows
    paying, authorised, paid = pay_request(), held(stripe), stripe.pay(pay_request()).fact
    stripe.pay(paying)
    waiting = stripe.pay(pay_request("", flow=Flow.CLIENT)).fact
    page = stripe.pay(pay_request("", flow=Flow.HOSTED)).fact
    sandbox.pay_session(page.provider_session_id)
    saving = save_request(stripe)
    stripe.save_method(saving)
    customer = CustomerRequest(idempotency_key="again", reference="user")
    sought = FinishMethodRequest(
        idempotency_key="find",
        reference=saving.reference,
        customer_token=saving.customer_token,
        provider_setup_id="",
    )
    cases = [
        (stripe.pay, again(paying), "payment_intents.list"),
        (stripe.pay, again(paying), INTENT),
        (stripe.confirm, again(confirm_request(waiting, method_token="pm_card_visa")), INTENT),
        (stripe.capture, again(capture_request(authorised, 1000)), INTENT),
        (stripe.refund, again(refund_request(paid, 100)), "refunds.list"),
        (stripe.refund, again(refund_request(page, 100, provider_payment_id="")), SESSION),
        (stripe.create_customer, replace(customer, recovering=True), "customers.list"),
        (stripe.save_method, replace(saving, recovering=True), "setup_intents.list"),
        (stripe.finish_method, sought, "setup_intents.list"),
        (stripe.finish_method, sought, SETUP),
    ]
    for step, request, read in cases:
        # when the provider does not show what there is
        sandbox.fault(**fault, operation=read, times=9)
        # then the doubt stays
        with pytest.raises(OutcomeUnknown):
            step(request)
        sandbox.clear_faults()
