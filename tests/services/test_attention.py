"""A payment that needed a person, and does not any more."""

from __future__ import annotations

from typing import Any

import pytest

from django_payments_hub.domain.statuses import RefundStatus, Source
from django_payments_hub.exceptions import HubError, NotAllowed, RuleViolation
from django_payments_hub.models import Payment
from django_payments_hub.services import attention, facts, health, payments
from django_payments_hub.services.books import Told
from tests.services.by_hand import clerk, last_entry, offer_manual, promise, receive
from tests.services.world import account, fresh, pay, refund_fact

pytestmark = pytest.mark.django_db


@pytest.fixture
def marked(hub: Any, settings: Any) -> Payment:
    """Paid after it was withdrawn."""
    offer_manual(settings)
    return receive(payments.cancel(promise("10.00").pk), late=True)


def test_a_mark_is_taken_away_and_the_log_says_by_whom_and_why(marked: Payment) -> None:
    person = clerk()
    assert list(health.payments_for_a_person()) == [marked]
    payment = attention.settle(marked.pk, note="sent back, transfer 18", actor=person)
    assert fresh(payment).attention_code == ""
    assert list(health.payments_for_a_person()) == []
    entry = last_entry(payment, "payment.updated")
    assert (entry.actor, entry.data) == (person, {"settled": "received_late", "proof": "sent back, transfer 18"})
    assert entry.amounts["captured_minor"] == fresh(payment).captured_minor == 1000


def test_what_is_not_marked_is_not_settled(marked: Payment) -> None:
    attention.settle(marked.pk, note="sent back", actor=clerk())
    with pytest.raises(RuleViolation) as refused:
        attention.settle(marked.pk, note="sent back", actor=clerk())
    assert refused.value.code == "no_attention"


def test_it_takes_words(marked: Payment) -> None:
    with pytest.raises(HubError) as refused:
        attention.settle(marked.pk, note="  ", actor=clerk())
    assert refused.value.code == "proof_required"
    assert fresh(marked).attention_code == "received_late"


def test_nobody_settles_a_payment_of_his_own(marked: Payment) -> None:
    person = clerk()
    Payment.objects.filter(pk=marked.pk).update(user=person)
    with pytest.raises(NotAllowed):
        attention.settle(marked.pk, note="sent back", actor=person)


def test_a_mark_whose_cause_is_still_there_stays(sandbox: Any) -> None:
    payment = pay()
    for name in ("re_a", "re_b"):
        fact = refund_fact(payment, name, 600, RefundStatus.COMPLETED)
        facts.apply(fact, account(), Told(source=Source.WEBHOOK, account=account()))
    assert fresh(payment).attention_code == "refunded_in_excess"
    with pytest.raises(RuleViolation) as refused:
        attention.settle(payment.pk, note="looked at it", actor=clerk())
    assert refused.value.code == "still_in_excess"


def test_a_surplus_stays_marked_until_it_was_given_back(hub: Any, settings: Any) -> None:
    offer_manual(settings)
    payment = receive(promise("10.00"), "12.50", accept_difference=True)
    with pytest.raises(RuleViolation) as refused:
        attention.settle(payment.pk, note="sent back", actor=clerk())
    assert refused.value.code == "surplus_left"
    assert fresh(payment).attention_code == "overpaid"


def test_a_surplus_under_another_mark_is_marked_when_that_one_is_settled(hub: Any, settings: Any) -> None:
    offer_manual(settings)
    payment = promise("10.00")
    Payment.objects.filter(pk=payment.pk).update(attention_code="expiry_stuck")
    assert receive(payment, "12.50", accept_difference=True).attention_code == "expiry_stuck"
    attention.settle(payment.pk, note="looked at it", actor=clerk())
    assert fresh(payment).attention_code == "overpaid"
