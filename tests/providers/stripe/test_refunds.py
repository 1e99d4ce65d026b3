"""Giving money back, through the real SDK against the sandbox over HTTP."""

from __future__ import annotations

from dataclasses import replace

import pytest

from django_payments_hub.domain.statuses import FailureCode, Mode, RefundStatus
from django_payments_hub.exceptions import Refused
from tests.providers.stripe.harness import look_up_request, pay_request, refund_look_up, refund_request


@pytest.fixture
def paid(stripe):
    return stripe.pay(pay_request()).fact


def test_a_part_and_then_the_rest_come_back(stripe, sandbox, paid):
    request = refund_request(paid, 250)
    fact = stripe.refund(request).fact
    assert (fact.status, fact.amount_minor, fact.currency, fact.mode) == (RefundStatus.COMPLETED, 250, "USD", Mode.TEST)
    assert (fact.reference, fact.payment_reference) == (request.refund_reference, paid.reference)
    assert fact.provider_payment_id == paid.provider_payment_id
    stripe.refund(refund_request(paid, 1000, reason="requested_by_customer"))
    assert sandbox.ledger()["payments"][paid.provider_payment_id]["refunded"] == 1250


def test_free_text_is_no_reason_of_stripes(stripe, paid):
    assert stripe.refund(refund_request(paid, 250, reason="Broke on day one")).fact.status is RefundStatus.COMPLETED


def test_more_than_is_left_is_refused(stripe, sandbox, paid):
    stripe.refund(refund_request(paid, 1000))
    with pytest.raises(Refused):
        stripe.refund(refund_request(paid, 251))
    stripe.refund(refund_request(paid, 250))
    with pytest.raises(Refused) as caught:
        stripe.refund(refund_request(paid, 1))
    assert (caught.value.code, caught.value.provider_code) == ("refund_refused", "charge_already_refunded")
    assert sandbox.ledger()["payments"][paid.provider_payment_id]["refunded"] == 1250


def test_the_same_request_again_refunds_once(stripe, sandbox, paid):
    request = refund_request(paid, 250)
    assert stripe.refund(request).fact == stripe.refund(request).fact
    assert stripe.refund(replace(request, recovering=True)).fact.provider_refund_id
    assert sandbox.ledger()["payments"][paid.provider_payment_id]["refunded"] == 250
    assert sandbox.calls()[-1]["operation"] == "refunds.list"


def test_a_refund_that_waits_is_processing_and_may_fail_later(stripe, sandbox):
    paid = stripe.pay(pay_request("pm_card_pendingRefund")).fact
    request = refund_request(paid, 250)
    fact = stripe.refund(request).fact
    assert fact.status is RefundStatus.PROCESSING
    sandbox.refund_status(fact.provider_refund_id, "failed")
    told = stripe.look_up_refund(refund_look_up(request, provider_refund_id=fact.provider_refund_id))
    assert (told.status, told.failure.code) == (RefundStatus.FAILED, FailureCode.REFUND_REFUSED)


def test_a_refund_is_found_by_our_reference_alone(stripe, paid):
    request = refund_request(paid, 250)
    fact = stripe.refund(request).fact
    stripe.refund(refund_request(paid, 100))
    assert stripe.look_up_refund(refund_look_up(request)) == fact
    assert stripe.look_up_refund(refund_look_up(request, provider_payment_id="")) == fact


def test_a_refund_that_stripe_does_not_know_is_certainly_unknown(stripe, paid):
    request = refund_request(paid, 250)
    stripe.refund(refund_request(paid, 100))
    assert stripe.look_up_refund(refund_look_up(request)) is None
    assert stripe.look_up_refund(refund_look_up(request, provider_refund_id="re_nobody")) is None
    assert stripe.look_up_refund(refund_look_up(request, provider_payment_id="", reference="nobody")) is None


def test_a_look_up_of_the_payment_brings_its_refunds_also_those_made_in_the_dashboard(stripe, sandbox, paid):
    ours = stripe.refund(refund_request(paid, 250)).fact
    sandbox.external_refund(paid.provider_payment_id, 100)
    told = stripe.look_up(look_up_request(paid))
    assert told.captured_minor == 1250
    assert sorted((r.amount_minor, r.reference) for r in told.refunds) == [(100, ""), (250, ours.reference)]


@pytest.mark.parametrize("bad", ["re_1/../x", "pi_1", "re_", "re_1?x"])
def test_what_is_no_id_never_enters_a_path(stripe, paid, bad):
    request = refund_request(paid, 250)
    with pytest.raises(Refused) as caught:
        stripe.look_up_refund(refund_look_up(request, provider_refund_id=bad))
    assert caught.value.code == "invalid_object_id"
    with pytest.raises(Refused):
        stripe.refund(refund_request(paid, 250, provider_payment_id=bad.replace("pi_1", "re_1")))
