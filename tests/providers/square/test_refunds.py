"""Refunds: pending first, found again by the reference in their reason, never made twice."""

from __future__ import annotations

import pytest

from django_payments_hub.domain.statuses import RefundStatus
from django_payments_hub.exceptions import OutcomeUnknown, Refused
from tests.providers.square.harness import (
    TOKEN,
    HastyProvider,
    hold_request,
    link_request,
    look_up_request,
    pay_request,
    recovering,
    refund_look_up,
    refund_request,
)


def refunded(sandbox, fact) -> int:
    return int(sandbox.ledger(provider="square")["payments"][fact.provider_payment_id]["refunded"])


def test_a_refund_is_on_its_way_until_a_notice_tells_its_end(square, sandbox, wire):
    paid = square.pay(pay_request()).fact
    request = refund_request(paid, 4_00, reason="One cup\nbroken")
    fact = square.refund(request).fact
    assert (fact.status, fact.amount_minor, fact.currency) == (RefundStatus.PROCESSING, 4_00, "USD")
    assert (fact.reference, fact.provider_payment_id) == (request.refund_reference, paid.provider_payment_id)
    made = wire("GET", f"/v2/refunds/{fact.provider_refund_id}")["refund"]
    assert made["reason"] == f"One cup broken [{request.refund_reference}]"
    assert square.look_up_refund(refund_look_up(request)).status is RefundStatus.COMPLETED
    assert refunded(sandbox, paid) == 4_00


@pytest.mark.parametrize("becomes", ["FAILED", "REJECTED"])
def test_a_refund_that_comes_to_nothing_is_failed(square, sandbox, becomes):
    sandbox.deed("behaviour", account=TOKEN, refunds=becomes)
    paid = square.pay(pay_request()).fact
    request = refund_request(paid, 4_00)
    made = square.refund(request).fact
    found = square.look_up_refund(refund_look_up(request, provider_refund_id=made.provider_refund_id))
    assert (found.status, found.failure.provider_code) == (RefundStatus.FAILED, becomes)
    by_reference = square.look_up_refund(refund_look_up(request))  # the payment does not name it any more
    assert by_reference == found


def test_more_than_is_left_is_refused(square, sandbox):
    paid = square.pay(pay_request()).fact
    square.refund(refund_request(paid, 12_00))
    with pytest.raises(Refused) as caught:
        square.refund(refund_request(paid, 1_00))
    assert (caught.value.code, caught.value.provider_code) == ("refund_refused", "REFUND_AMOUNT_INVALID")
    assert refunded(sandbox, paid) == 12_00


def test_a_payment_that_is_only_held_is_not_refunded(square):
    held = square.pay(hold_request()).fact
    with pytest.raises(Refused) as caught:
        square.refund(refund_request(held, 1_00))
    assert caught.value.provider_code == "REFUND_ERROR_PAYMENT_NEEDS_COMPLETION"


def test_a_disputed_payment_is_not_refunded(square, sandbox):
    paid = square.pay(pay_request()).fact
    sandbox.dispute(paid.provider_payment_id)
    with pytest.raises(Refused) as caught:
        square.refund(refund_request(paid, 1_00))
    assert caught.value.code == "refund_refused"


def test_a_link_s_payment_is_refunded_though_only_the_link_is_known(square, sandbox):
    made = square.pay(link_request()).fact
    with pytest.raises(Refused):
        square.refund(refund_request(made, 1_00))
    with pytest.raises(OutcomeUnknown):
        square.refund(recovering(refund_request(made, 1_00)))
    sandbox.pay_session(made.provider_session_id)
    request = refund_request(made, 1_00)
    assert square.refund(request).fact.amount_minor == 1_00
    assert square.look_up_refund(refund_look_up(request, provider_session_id=made.provider_session_id)) is not None


def test_a_look_up_brings_every_refund_of_the_payment(square, sandbox):
    paid = square.pay(pay_request()).fact
    ours = square.refund(refund_request(paid, 4_00)).fact
    sandbox.external_refund(paid.provider_payment_id, 1_00, "in the dashboard")
    told = {fact.provider_refund_id: fact for fact in square.look_up(look_up_request(paid)).refunds}
    assert told[ours.provider_refund_id].reference == ours.reference
    (theirs,) = (fact for fact in told.values() if fact.provider_refund_id != ours.provider_refund_id)
    assert (theirs.reference, theirs.amount_minor) == ("", 1_00)


def test_an_unknown_refund_is_none(square):
    paid = square.pay(pay_request()).fact
    request = refund_request(paid, 1_00)
    assert square.look_up_refund(refund_look_up(request)) is None
    assert square.look_up_refund(refund_look_up(request, provider_refund_id="nosuch")) is None
    assert square.look_up_refund(refund_look_up(request, provider_payment_id="nosuch")) is None


@pytest.mark.parametrize("value", ["../x", "a?b", "x" * 256])
def test_an_id_that_could_change_the_path_is_refused(square, value):
    paid = square.pay(pay_request()).fact
    with pytest.raises(Refused) as caught:
        square.look_up_refund(refund_look_up(refund_request(paid, 1_00), provider_refund_id=value))
    assert caught.value.code == "invalid_object_id"


# -- in doubt ---------------------------------------------------------------------------------------------------------


def test_a_refund_that_was_made_is_found_and_not_made_again(square, sandbox):
    paid = square.pay(pay_request()).fact
    request = refund_request(paid, 4_00)
    sandbox.fault("reset", operation="refunds.create", when="after")
    with pytest.raises(OutcomeUnknown):
        square.refund(request)
    assert square.refund(recovering(request)).fact.reference == request.refund_reference
    assert len(sandbox.calls("refunds.create")) == 1


def test_a_refund_that_was_not_made_is_made_once_nothing_can_be_on_its_way(connect, sandbox):
    square, hasty = connect(), connect(HastyProvider)
    paid = square.pay(pay_request()).fact
    request = refund_request(paid, 4_00)
    sandbox.fault("reset", operation="refunds.create", when="before")
    with pytest.raises(OutcomeUnknown):
        square.refund(request)
    with pytest.raises(OutcomeUnknown) as caught:
        square.refund(recovering(request))
    assert caught.value.code == "too_early"
    assert hasty.refund(recovering(request)).fact.reference == request.refund_reference
    assert square.refund(recovering(request, arrived_s_ago=16)).fact.reference == request.refund_reference
    assert refunded(sandbox, paid) == 4_00


def test_one_that_arrives_while_it_is_looked_for_is_not_made_twice(hasty, sandbox, monkeypatch):
    paid = hasty.pay(pay_request()).fact
    request = refund_request(paid, 4_00)
    look = hasty._refunds._of

    def arrives_after_the_look(*args):
        found = look(*args)
        hasty._refunds._made(request, paid.provider_payment_id, version=None)
        return found

    monkeypatch.setattr(hasty._refunds, "_of", arrives_after_the_look)
    with pytest.raises(OutcomeUnknown):
        hasty.refund(recovering(request))
    monkeypatch.undo()
    assert hasty.refund(recovering(request)).fact.reference == request.refund_reference
    assert refunded(sandbox, paid) == 4_00


def test_another_s_refund_in_between_stops_it_too(hasty, sandbox, monkeypatch):
    """Its key is new to Square: the version of the payment alone protects here."""
    paid = hasty.pay(pay_request()).fact
    look = hasty._refunds._of

    def changed_after_the_look(*args):
        found = look(*args)
        sandbox.external_refund(paid.provider_payment_id, 1_00)
        return found

    monkeypatch.setattr(hasty._refunds, "_of", changed_after_the_look)
    with pytest.raises(OutcomeUnknown):
        hasty.refund(recovering(refund_request(paid, 4_00)))
    assert refunded(sandbox, paid) == 1_00


def test_a_refund_that_the_payment_names_and_that_cannot_be_read_is_not_made_again(square, sandbox):
    paid = square.pay(pay_request()).fact
    request = refund_request(paid, 4_00)
    square.refund(request)
    missing = {"errors": [{"category": "INVALID_REQUEST_ERROR", "code": "NOT_FOUND"}]}
    sandbox.fault("status", operation="refunds.get", status=404, body=missing, times=9)
    sandbox.fault("status", operation="refunds.list", status=200, body={"refunds": []}, times=9)  # which lags
    with pytest.raises(OutcomeUnknown) as caught:
        square.refund(recovering(request, arrived_s_ago=16))
    assert caught.value.code == "look_up_incomplete"
    assert len(sandbox.calls("refunds.create")) == 1
