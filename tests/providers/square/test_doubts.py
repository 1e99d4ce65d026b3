"""What is read around a call that took effect, or may have, decides nothing by not being there (I7)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from django_payments_hub.exceptions import OutcomeUnknown
from django_payments_hub.provider_kit.method_types import (
    CustomerRequest,
    DetachMethodRequest,
    FinishMethodRequest,
    SaveMethodRequest,
)
from tests.providers.square.harness import (
    OK,
    cancel_request,
    capture_request,
    hold_request,
    link_request,
    pay_request,
    recovering,
    refund_request,
)

PAYMENT = "payments.get"


def errors(code, category="INVALID_REQUEST_ERROR"):
    return {"errors": [{"category": category, "code": code, "detail": "told by the sandbox"}]}


OVER = errors("BAD_REQUEST")

unseen = pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 404, "body": errors("NOT_FOUND")},
        {"kind": "status", "status": 429, "body": errors("RATE_LIMITED", "RATE_LIMIT_ERROR")},
        {"kind": "status", "status": 401, "body": errors("UNAUTHORIZED", "AUTHENTICATION_ERROR")},
        {"kind": "reset"},
    ],
    ids=["404", "429", "401", "reset"],
)


def save_request(square):
    customer = square.create_customer(CustomerRequest(idempotency_key="customer", reference="user"))
    return SaveMethodRequest(idempotency_key="method", reference="method", customer_token=customer, method_token=OK)


# -- after a call -----------------------------------------------------------------------------------------------------


def capturing_what_is_captured(square, sandbox):
    held = square.pay(hold_request()).fact
    sandbox.fault("status", operation="payments.complete", status=400, body=OVER)
    return square.capture, capture_request(held, 1250), PAYMENT, 2


def voiding_what_is_captured(square, sandbox):
    return square.cancel, cancel_request(square.pay(pay_request()).fact), PAYMENT, 1


def taking_a_page_away(square, sandbox):
    page = square.pay(link_request()).fact
    return square.cancel, cancel_request(page), "orders.get", 2


CALLS = [capturing_what_is_captured, voiding_what_is_captured, taking_a_page_away]


@unseen
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_not_to_see_the_object_after_a_call_leaves_the_call_in_doubt(square, sandbox, call, fault):
    # given a call whose answer does not tell how the object stands
    step, request, read, nth = call(square, sandbox)
    # when the question that follows is not answered
    sandbox.fault(**fault, operation=read, nth=nth, times=9)
    sandbox.fault(**fault, operation="payments.list", times=9)
    # then nobody knows
    with pytest.raises(OutcomeUnknown):
        step(request)


@pytest.mark.parametrize("status", [429, 401])
def test_not_to_see_the_card_after_it_was_let_go_leaves_that_in_doubt(square, sandbox, status):
    kept = square.save_method(save_request(square)).method
    sandbox.fault("status", operation="cards.disable", status=400, body=OVER)
    sandbox.fault("status", operation="cards.get", status=status, body=errors("UNAUTHORIZED", "AUTHENTICATION_ERROR"))
    with pytest.raises(OutcomeUnknown):
        square.detach_method(DetachMethodRequest(idempotency_key="x", provider_method_id=kept.provider_method_id))


# -- before a repeated one --------------------------------------------------------------------------------------------


@unseen
def test_not_to_see_the_object_before_a_repeated_call_says_nothing_of_the_first(square, sandbox, fault):
    # given calls that were made, and are to be repeated because nobody knows
    paying, held, paid = pay_request(), square.pay(hold_request()).fact, square.pay(pay_request()).fact
    square.pay(paying)
    page, saving = square.pay(link_request()).fact, save_request(square)
    square.save_method(saving)
    customer = CustomerRequest(idempotency_key="again", reference="user", recovering=True)
    sought = FinishMethodRequest(
        idempotency_key="find",
        reference=saving.reference,
        customer_token=saving.customer_token,
        provider_setup_id="",
    )
    cases = [
        (square.pay, recovering(paying), "payments.list"),
        (square.capture, recovering(capture_request(held, 1250)), PAYMENT),
        (square.refund, recovering(refund_request(paid, 100)), PAYMENT),
        (square.refund, recovering(refund_request(paid, 100)), "refunds.list"),
        (square.refund, recovering(refund_request(page, 100, provider_payment_id="")), "payment_links.get"),
        (square.create_customer, customer, "customers.search"),
        (square.save_method, replace(saving, recovering=True), "cards.list"),
        (square.finish_method, sought, "cards.list"),
    ]
    for step, request, read in cases:
        # when the provider does not show what there is
        sandbox.fault(**fault, operation=read, times=9)
        # then the doubt stays
        with pytest.raises(OutcomeUnknown):
            step(request)
        sandbox.clear_faults()
