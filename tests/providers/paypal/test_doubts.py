"""What is read after a call that took effect, or may have, decides nothing by not being there (I7)."""

from __future__ import annotations

import json

import pytest

from django_payments_hub.domain.statuses import CaptureMethod, RefundStatus
from django_payments_hub.exceptions import OutcomeUnknown, Refused
from tests.providers.paypal.harness import (
    cancel_request,
    capture_request,
    confirm_request,
    pay_request,
    recovering,
    refund_request,
)

GONE = {"name": "RESOURCE_NOT_FOUND", "details": [{"issue": "INVALID_RESOURCE_ID"}]}
THROTTLED = {"name": "RATE_LIMIT_REACHED"}
DENIED = {"name": "NOT_AUTHORIZED", "details": [{"issue": "PERMISSION_DENIED"}]}

unseen = pytest.mark.parametrize(("status", "body"), [(404, GONE), (429, THROTTLED), (403, DENIED)], ids=str)


def confirming(bench):
    """Captured; PayPal's answer is the order's least form, so that it has to be asked for the rest."""
    approved = bench.approved()
    least = {"id": approved.provider_session_id, "status": "COMPLETED", "purchase_units": [{"reference_id": "default"}]}
    bench.sandbox.fault("status", operation="orders.capture", when="after", status=201, body=least)
    return bench.provider.confirm, confirm_request(approved), 2


def confirming_one_declined(bench):
    return bench.provider.confirm, confirm_request(bench.approved("declined")), 2


def making_again(bench):
    """Paid with a saved method, the answer lost: the key leads to the order, which is then read as it is now."""
    request = bench.token_request()
    bench.sandbox.fault("reset", operation="orders.create", when="after")
    with pytest.raises(OutcomeUnknown):
        bench.provider.pay(request)
    bench.sandbox.clear_faults()
    return bench.provider.pay, recovering(request), 1


def capturing_what_stays_pending(bench):
    return bench.provider.capture, capture_request(bench.held("echeck"), 1250), 1


def capturing_what_was_voided(bench):
    held = bench.held()
    bench.provider.cancel(cancel_request(held))
    return bench.provider.capture, capture_request(held, 1250), 1


def voiding_what_was_captured(bench):
    held = bench.held()
    over = {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": "PREVIOUSLY_CAPTURED"}]}
    bench.sandbox.fault("status", operation="authorizations.void", status=422, body=over)
    return bench.provider.cancel, cancel_request(held), 2


CALLS = [
    confirming,
    confirming_one_declined,
    making_again,
    capturing_what_stays_pending,
    capturing_what_was_voided,
    voiding_what_was_captured,
]


@unseen
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_not_to_see_the_order_after_a_call_leaves_the_call_in_doubt(bench, call, status, body):
    step, request, nth = call(bench)
    bench.sandbox.fault("status", operation="orders.get", status=status, body=body, nth=nth, times=9)
    for read in ("authorizations.get", "captures.get"):
        bench.sandbox.fault("status", operation=read, status=status, body=body, times=9)
    with pytest.raises(OutcomeUnknown):
        step(request)


@unseen
def test_not_to_see_the_order_before_a_repeated_call_says_nothing_of_the_first(bench, status, body):
    confirm = confirm_request(bench.approved())
    held = bench.held()
    cases = [
        (bench.provider.confirm, confirm),
        (bench.provider.capture, capture_request(held, 1250)),
        (bench.provider.cancel, cancel_request(held)),
        (bench.provider.refund, refund_request(held, 100)),
    ]
    for step, request in cases:
        for read in ("orders.get", "authorizations.get", "captures.get"):
            bench.sandbox.fault("status", operation=read, status=status, body=body, times=9)
        # whatever it then sends is answered the same: those are not this merchant's objects any more
        for sent in ("orders.capture", "authorizations.capture", "authorizations.void", "captures.refund"):
            bench.sandbox.fault("status", operation=sent, status=404, body=GONE, times=9)
        with pytest.raises(OutcomeUnknown):
            step(recovering(request))
        bench.sandbox.clear_faults()
    assert bench.sandbox.calls("captures.refund") == [], "an authorization is no capture"


# -- refunds ----------------------------------------------------------------------------------------------------------


def captured(bench, manual):
    fact = bench.paid() if not manual else bench.held()
    return bench.provider.capture(capture_request(fact, 1250)).fact if manual else fact


def shown(bench, request):
    return json.loads(json.dumps(bench.provider._orders.retrieve(request.provider_session_id)))


def lost_refund(bench, fact, amount):
    """Given back, and the answer lost."""
    request = refund_request(fact, amount)
    bench.sandbox.fault("reset", operation="captures.refund", when="after")
    with pytest.raises(OutcomeUnknown):
        bench.provider.refund(request)
    bench.sandbox.clear_faults()
    return recovering(request)


def test_a_refund_whose_order_is_not_shown_is_never_made_of_an_authorization(bench):
    asked_first = refund_request(captured(bench, manual=True), 500)
    request = lost_refund(bench, captured(bench, manual=True), 500)
    bench.sandbox.fault("status", operation="orders.get", status=404, body=GONE, times=9)
    with pytest.raises(OutcomeUnknown):
        bench.provider.refund(request)
    with pytest.raises(Refused):
        bench.provider.refund(asked_first)
    paths = {call["path"] for call in bench.sandbox.calls("captures.refund")}
    assert len(paths) == 1
    bench.sandbox.clear_faults()
    assert bench.provider.refund(request).fact.status is RefundStatus.COMPLETED
    assert bench.books()["refunded"] == 500


@pytest.mark.parametrize("manual", [False, True])
def test_a_capture_that_is_refunded_in_full_does_not_refuse_the_refund_that_did_it(bench, manual):
    request = lost_refund(bench, captured(bench, manual), 1250)
    seen = shown(bench, request)
    del seen["purchase_units"][0]["payments"]["refunds"]
    bench.sandbox.fault("status", operation="orders.get", status=200, body=seen, times=9)
    fact = bench.provider.refund(request).fact
    assert (fact.status, fact.reference) == (RefundStatus.COMPLETED, request.refund_reference)
    assert bench.books()["refunded"] == 1250


def test_which_of_two_captures_was_refunded_is_not_guessed(bench):
    request = lost_refund(bench, captured(bench, manual=True), 500)
    seen = shown(bench, request)
    payments = seen["purchase_units"][0]["payments"]
    del payments["refunds"]
    payments["captures"].append({**payments["captures"][0], "id": "2GG279541U471931P"})
    bench.sandbox.fault("status", operation="orders.get", status=200, body=seen, times=9)
    with pytest.raises(OutcomeUnknown):
        bench.provider.refund(request)
    assert len(bench.sandbox.calls("captures.refund")) == 1


def test_whose_a_saved_method_is_cannot_undo_the_payment_that_was_made_with_it(bench):
    other = bench.saved("pays")
    request = bench.token_request(save_method=False)
    foreign = recovering(
        pay_request(
            idempotency_key=request.idempotency_key,
            flow=request.flow,
            method_token=other.provider_method_id,
            customer_token="",
            capture_method=CaptureMethod.AUTOMATIC,
        )
    )
    with pytest.raises(OutcomeUnknown):
        bench.provider.pay(foreign)
