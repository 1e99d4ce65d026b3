"""Giving money back: of the capture, whichever object the payment is known by."""

from __future__ import annotations

import pytest

from django_payments_hub.domain.statuses import RefundStatus
from django_payments_hub.exceptions import OutcomeUnknown, Refused
from tests.providers.paypal.harness import (
    capture_request,
    look_up_request,
    recovering,
    refund_look_up,
    refund_request,
)


def test_a_refund_is_made_once_and_carries_our_references(bench):
    paid = bench.paid()
    request = refund_request(paid, 500, reason="one cup broken\r\nand so on")
    fact = bench.provider.refund(request).fact
    assert (fact.status, fact.amount_minor, fact.currency) == (RefundStatus.COMPLETED, 500, "USD")
    assert (fact.reference, fact.payment_reference) == (request.refund_reference, paid.reference)
    assert bench.provider.refund(recovering(request)).fact.provider_refund_id == fact.provider_refund_id
    assert bench.books()["refunded"] == 500
    assert len(bench.sandbox.calls("captures.refund")) == 1


def test_a_refund_of_an_authorised_payment_finds_its_capture(bench):
    held = bench.held()
    bench.provider.capture(capture_request(held, 1000))
    fact = bench.provider.refund(refund_request(held, 400)).fact
    assert fact.status is RefundStatus.COMPLETED
    seen = bench.provider.look_up(look_up_request(held))
    assert (seen.captured_minor, [r.amount_minor for r in seen.refunds]) == (1000, [400])


def test_a_refunded_payment_stays_captured_in_full(bench):
    paid = bench.paid()
    first, second = refund_request(paid, 500), refund_request(paid, 750)
    for request in (first, second):
        bench.provider.refund(request)
        assert bench.provider.look_up(look_up_request(paid)).captured_minor == 1250
    seen = bench.provider.look_up(look_up_request(paid))
    assert {r.reference for r in seen.refunds} == {first.refund_reference, second.refund_reference}


def test_a_pending_refund_is_under_way_until_paypal_knows(bench):
    paid = bench.paid("refund_pending")
    request = refund_request(paid, 500)
    fact = bench.provider.refund(request).fact
    assert fact.status is RefundStatus.PROCESSING
    bench.sandbox.refund_status(fact.provider_refund_id, "succeeded")
    by_id = bench.provider.look_up_refund(refund_look_up(request, provider_refund_id=fact.provider_refund_id))
    assert by_id.status is RefundStatus.COMPLETED
    assert (by_id.reference, by_id.payment_reference) == (request.refund_reference, paid.reference)


def test_a_refund_that_fails_says_so(bench):
    paid = bench.paid("refund_pending")
    request = refund_request(paid, 500)
    fact = bench.provider.refund(request).fact
    bench.sandbox.refund_status(fact.provider_refund_id, "failed")
    found = bench.provider.look_up_refund(refund_look_up(request))
    assert found.status is RefundStatus.FAILED
    assert found.failure is not None


def test_a_refund_is_found_by_our_reference(bench):
    paid = bench.paid()
    request = refund_request(paid, 500)
    assert bench.provider.look_up_refund(refund_look_up(request)) is None
    made = bench.provider.refund(request).fact
    assert bench.provider.look_up_refund(refund_look_up(request)) == made
    assert bench.provider.look_up_refund(refund_look_up(request, provider_session_id="")) == made
    assert bench.provider.look_up_refund(refund_look_up(request, provider_refund_id="NOSUCHREFUND")) is None


def test_a_refund_made_at_paypal_carries_no_reference_of_a_refund(bench):
    paid = bench.paid()
    bench.sandbox.external_refund(paid.provider_payment_id, 300)
    [refund] = bench.provider.look_up(look_up_request(paid)).refunds
    assert (refund.reference, refund.payment_reference, refund.amount_minor) == ("", paid.reference, 300)


def test_more_than_was_captured_is_refused(bench):
    paid = bench.paid()
    bench.sandbox.external_refund(paid.provider_payment_id, 1000)
    with pytest.raises(Refused) as caught:
        bench.provider.refund(refund_request(paid, 500))
    assert caught.value.code == "refund_refused"


def test_where_nothing_was_captured_nothing_is_refunded(bench):
    for fact in (bench.held(), bench.paid("echeck")):
        with pytest.raises(Refused) as caught:
            bench.provider.refund(refund_request(fact, 100))
        assert caught.value.code == "refund_refused"


def test_where_the_order_is_forgotten_its_capture_is_refunded(bench):
    paid = bench.paid()
    gone = {"name": "RESOURCE_NOT_FOUND"}
    bench.sandbox.fault("status", operation="orders.get", status=404, body=gone, times=9)
    request = refund_request(paid, 500)
    assert bench.provider.refund(request).fact.status is RefundStatus.COMPLETED
    assert bench.provider.look_up_refund(refund_look_up(request)) is None


def test_an_invoice_that_paypal_knows_already_is_the_refund_that_was_made(bench):
    paid = bench.paid()
    request = refund_request(paid, 500)
    made = bench.provider.refund(request).fact
    duplicate = {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": "DUPLICATE_INVOICE_ID"}]}
    bench.sandbox.fault("status", operation="captures.refund", status=422, body=duplicate, times=2)
    assert bench.provider.refund(request).fact == made
    with pytest.raises(OutcomeUnknown):
        bench.provider.refund(refund_request(paid, 500))


def test_another_payments_refund_is_no_answer(bench):
    first, second = bench.paid(), bench.paid()
    made = bench.provider.refund(refund_request(first, 500)).fact
    asked = refund_look_up(refund_request(second, 500), provider_refund_id=made.provider_refund_id)
    with pytest.raises(OutcomeUnknown):
        bench.provider.look_up_refund(asked)
