"""Refunds that a person makes: reserved as always, left alone by every machine, completed by a proof."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from django_payments_hub import registry, signals
from django_payments_hub.domain.statuses import PaymentStatus, RefundStatus, Source
from django_payments_hub.exceptions import HubError, InvalidInput, NotAllowed, NotFound, RuleViolation, Unsupported
from django_payments_hub.models import Operation, Payment, Refund, TransactionLog
from django_payments_hub.models.base import new_id
from django_payments_hub.services import events, hand_refunds, health, polling, refunds, sweeper
from tests.services.by_hand import ago, clerk, last_entry, offer_manual, promise, receive
from tests.services.world import at_once, fresh, make_user, pay

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def manual(hub: Any, settings: Any) -> None:
    offer_manual(settings)


def requested(amount: str | None = None, **more: Any) -> Refund:
    """A refund of a payment of 10.00 that a clerk received."""
    return refunds.request(receive(promise(**more)).pk, amount=amount, reason="broken", actor=clerk())


def prove(refund: Refund, *, by: User | None = None, **more: Any) -> Refund:
    told: dict[str, Any] = {"note": "transfer 17", "paid_at": ago(hours=1), **more}
    return hand_refunds.record_proof(refund.pk, actor=by or clerk(), **told)


def test_a_refund_waits_for_a_person_with_its_amount_reserved() -> None:
    refund = requested("4.00")
    payment = fresh(refund.payment)
    assert (refund.status, refund.by_hand) == (RefundStatus.PROCESSING, True)
    assert (payment.refund_reserved_minor, payment.refunded_minor, payment.refundable_minor) == (400, 0, 600)
    assert payment.status == PaymentStatus.COMPLETED
    told = TransactionLog.objects.filter(refund=refund).order_by("position").values_list("event", flat=True)
    assert list(told) == ["refund.pending", "refund.processing"]
    assert list(hand_refunds.to_be_paid_out()) == list(health.refunds_for_a_person()) == [refund]


def test_no_machine_touches_it() -> None:
    refund = requested()
    Refund.objects.filter(pk=refund.pk).update(created_at=ago(days=3))
    Payment.objects.filter(pk=refund.payment_id).update(created_at=ago(days=3))
    # when workers and sweepers come by
    assert polling.due(limit=10) == []
    report = sweeper.sweep()
    refunds.execute(refund.pk)
    # then it waits as before
    refund.refresh_from_db()
    assert (report.refunds, report.looked_up, refund.status) == (0, 0, RefundStatus.PROCESSING)
    assert not Operation.objects.filter(refund=refund).exists()


def test_a_proof_completes_it(handlers: None) -> None:
    heard: list[str] = []
    signals.on("*.*", handler_id="ear")(lambda event: heard.append(event.name))
    refund, person, when = requested("4.00"), clerk(), ago(hours=2)
    events.drain()
    heard.clear()
    # when somebody has given the money back and says so
    refund = prove(refund, by=person, paid_at=when, note="transfer 17")
    # then the books are those of any refund
    payment = fresh(refund.payment)
    assert (refund.status, payment.status) == (RefundStatus.COMPLETED, PaymentStatus.PARTIALLY_REFUNDED)
    assert (payment.refunded_minor, payment.refund_reserved_minor) == (400, 400)
    events.drain()
    assert heard == ["refund.completed", "payment.partially_refunded"]
    # and the log holds the proof
    entry = last_entry(payment, "refund.completed")
    assert (entry.refund, entry.actor, entry.source) == (refund, person, Source.OPERATOR)
    assert entry.data == {"paid_at": when.isoformat(timespec="seconds"), "proof": "transfer 17"}
    assert list(hand_refunds.to_be_paid_out()) == []


def test_a_mistaken_receipt_is_put_right_by_a_refund_of_all_of_it() -> None:
    user = make_user()
    refund = prove(requested(user=user))
    payment = fresh(refund.payment)
    assert payment.status == PaymentStatus.REFUNDED
    assert payment.order_ref
    assert payment.order_ref.open_minor == 1000  # the order can be paid again


def test_more_than_was_received_cannot_be_promised_back() -> None:
    payment = requested("7.00").payment
    with pytest.raises(RuleViolation) as refused:
        refunds.request(payment.pk, amount="3.01")
    assert refused.value.code == "refund_exceeds_captured"


@pytest.mark.django_db(transaction=True)
def test_refunds_promised_at_once_never_exceed_what_was_received() -> None:
    payment = receive(promise("10.00"))
    results = at_once([partial(refunds.request, payment.pk, amount="6.00") for _ in range(4)])
    assert sum(isinstance(result, Refund) for result in results) == 1
    assert fresh(payment).refund_reserved_minor == 600


def test_it_can_be_taken_back_until_it_was_made() -> None:
    refund = refunds.cancel(requested("4.00").pk, actor=clerk())
    assert (refund.status, fresh(refund.payment).refundable_minor) == (RefundStatus.CANCELLED, 1000)
    with pytest.raises(RuleViolation) as refused:
        prove(refund)
    assert refused.value.code == "refund_ended"
    made = prove(requested("4.00"))
    with pytest.raises(RuleViolation) as late:
        refunds.cancel(made.pk)
    assert late.value.code == "refund_not_cancellable"


def test_a_proof_is_recorded_once() -> None:
    refund = prove(requested("4.00"))
    with pytest.raises(RuleViolation) as refused:
        prove(refund)
    assert refused.value.code == "refund_already_completed"
    assert fresh(refund.payment).refunded_minor == 400


@pytest.mark.django_db(transaction=True)
def test_a_proof_and_a_cancellation_at_once_end_in_one_of_the_two() -> None:
    for _ in range(5):
        refund, person = requested("4.00"), clerk()
        results = at_once([partial(prove, refund, by=person), partial(refunds.cancel, refund.pk, actor=person)])
        assert sum(isinstance(result, HubError) for result in results) == 1
        refund.refresh_from_db()
        expected = 400 if refund.status == RefundStatus.COMPLETED else 0
        assert fresh(refund.payment).refund_reserved_minor == expected


def test_the_payer_does_not_vouch_for_his_own_refund() -> None:
    buyer = clerk()
    refund = requested(user=buyer)
    with pytest.raises(NotAllowed) as refused:
        prove(refund, by=buyer)
    assert refused.value.code == "own_payment"
    assert Refund.objects.get().status == RefundStatus.PROCESSING


def test_a_proof_says_what_and_when() -> None:
    refund, tomorrow = requested(), timezone.now() + timedelta(days=1)
    with pytest.raises(InvalidInput) as empty:
        prove(refund, note=" ")
    with pytest.raises(InvalidInput) as early:
        prove(refund, paid_at=tomorrow)
    assert (empty.value.code, early.value.code) == ("proof_required", "in_future")
    assert (empty.value.field, early.value.field) == ("note", "paid_at")


def test_a_refund_that_the_provider_makes_takes_no_proof(sandbox: Any) -> None:
    refund = refunds.request(pay().pk, amount="4.00")
    with pytest.raises(RuleViolation) as refused:
        prove(refund)
    assert refused.value.code == "refund_not_by_hand"


def test_a_refund_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        hand_refunds.record_proof(new_id(), note="x", paid_at=ago(hours=1), actor=clerk())


def test_a_provider_without_any_refunds_refuses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    payment = receive(promise())
    kind = registry.provider_class("manual")
    monkeypatch.setattr(kind, "capabilities", replace(kind.capabilities, operator_refunds=False))
    registry.forget()
    with pytest.raises(Unsupported) as refused:
        refunds.request(payment.pk)
    assert refused.value.code == "unsupported_refund"


def test_a_provider_with_refunds_of_its_own_makes_them_itself(monkeypatch: pytest.MonkeyPatch, sandbox: Any) -> None:
    kind = registry.provider_class("stripe")
    monkeypatch.setattr(kind, "capabilities", replace(kind.capabilities, operator_refunds=True))
    refund = refunds.request(pay().pk, amount="4.00")
    assert (refund.by_hand, refund.status) == (False, RefundStatus.PENDING)
