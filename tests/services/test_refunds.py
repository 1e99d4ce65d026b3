"""Refunds: reserved, carried out once, heard of from two sides, never more than was captured (I1, I11, F16, F17)."""

from __future__ import annotations

from typing import Any

import pytest
from moneyed import Money

from django_payments_hub.domain.statuses import OperationState, PaymentStatus, RefundStatus, Verdict
from django_payments_hub.exceptions import InvalidInput, NotFound, RuleViolation, Unsupported
from django_payments_hub.models import Operation, Payment, Refund
from django_payments_hub.models.base import new_id
from django_payments_hub.services import facts, operations, payments, refunds, sweeper
from django_payments_hub.testing.sandbox import SandboxClient
from tests.services import world

pytestmark = pytest.mark.django_db(transaction=True)


def done(payment: Payment, amount: str | None = None) -> Refund:
    return refunds.execute(refunds.request(payment.pk, amount=amount).pk)


def test_all_of_a_payment_is_given_back(sandbox: SandboxClient) -> None:
    clerk = world.make_user()
    payment = world.pay(world.make_order())
    refund = refunds.request(payment.pk, reason="too small", actor=clerk)
    assert (refund.status, world.fresh(payment).refundable_minor) == (RefundStatus.PENDING, 0)
    assert sandbox.calls("refunds.create") == [], "a worker carries it out"
    refund = refunds.execute(refund.pk)
    assert (refund.status, refund.amount, refund.requested_by) == (RefundStatus.COMPLETED, Money("10", "USD"), clerk)
    row = world.fresh(payment)
    assert (row.status, row.refunded_minor, row.refundable_minor) == (PaymentStatus.REFUNDED, 1000, 0)
    assert world.books_of(sandbox, payment)["refunded"] == 1000


def test_parts_add_up_to_the_whole_and_no_further(sandbox: SandboxClient) -> None:
    payment = world.pay()
    done(payment, "3.00")
    assert world.fresh(payment).status == PaymentStatus.PARTIALLY_REFUNDED
    with pytest.raises(RuleViolation) as error:
        refunds.request(payment.pk, amount="7.01")
    assert error.value.code == "refund_exceeds_captured"
    done(payment, "7.00")
    assert world.fresh(payment).status == PaymentStatus.REFUNDED
    with pytest.raises(RuleViolation) as error:
        refunds.request(payment.pk)
    assert error.value.code == "not_refundable"
    assert world.books_of(sandbox, payment)["refunded"] == 1000


def test_what_is_requested_is_reserved_before_anything_is_sent(sandbox: SandboxClient) -> None:
    payment = world.pay()
    refunds.request(payment.pk, amount="6.00")
    with pytest.raises(RuleViolation):
        refunds.request(payment.pk, amount="6.00")
    assert Refund.objects.count() == 1


@pytest.mark.parametrize("amount", ["0", "-1", "1e1", "0.001", "NaN", 1.5])
def test_unsound_amounts_are_refused(sandbox: SandboxClient, amount: Any) -> None:
    payment = world.pay()
    with pytest.raises(InvalidInput) as error:
        refunds.request(payment.pk, amount=amount)
    assert error.value.code == "invalid_amount"
    with pytest.raises(InvalidInput) as error:
        refunds.request(payment.pk, amount=Money("1", "EUR"))
    assert error.value.code == "currency_mismatch"
    assert not Refund.objects.exists()


def test_what_was_only_held_is_not_refunded(sandbox: SandboxClient) -> None:
    with pytest.raises(RuleViolation) as error:
        refunds.request(world.authorize().pk)
    assert error.value.code == "not_refundable"


def test_a_provider_without_partial_refunds(sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from django_payments_hub import registry

    payment = world.pay()
    provider = registry.provider_class("stripe")
    monkeypatch.setattr(provider, "capabilities", replace(provider.capabilities, partial_refund=False))
    with pytest.raises(Unsupported):
        refunds.request(payment.pk, amount="1.00")
    assert done(payment).status == RefundStatus.COMPLETED


def test_a_refund_that_is_not_there() -> None:
    for step in (refunds.request, refunds.execute, refunds.cancel):
        with pytest.raises(NotFound):
            step(new_id())


def test_the_sweeper_begins_what_no_worker_heard_of(sandbox: SandboxClient) -> None:
    """F22, F23."""
    payment = world.pay()
    refunds.request(payment.pk, amount="4.00")
    sweeper.sweep()
    assert Refund.objects.get().status == RefundStatus.COMPLETED
    assert world.books_of(sandbox, payment)["refunded"] == 400


def test_a_callback_that_raises_undoes_the_reservation(sandbox: SandboxClient) -> None:
    def fail(_: object) -> None:
        raise KeyError

    payment = world.pay()
    with pytest.raises(KeyError):
        refunds.request(payment.pk, on_commit=fail)
    assert (Refund.objects.count(), world.fresh(payment).refundable_minor) == (0, 1000)


# -- taking back ------------------------------------------------------------------------------------------------------


def test_a_refund_not_yet_sent_is_taken_back(sandbox: SandboxClient) -> None:
    payment = world.pay()
    refund = refunds.request(payment.pk)
    assert refunds.cancel(refund.pk).status == RefundStatus.CANCELLED
    assert world.fresh(payment).refundable_minor == 1000
    assert refunds.execute(refund.pk).status == RefundStatus.CANCELLED
    sweeper.sweep()
    assert sandbox.calls("refunds.create") == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_refund_that_may_have_been_sent_is_not_taken_back(sandbox: SandboxClient, when: Any) -> None:
    payment = world.pay()
    sandbox.fault("reset", operation="refunds.create", when=when)
    refund = done(payment)
    assert refund.status == RefundStatus.PROCESSING
    with pytest.raises(RuleViolation) as error:
        refunds.cancel(refund.pk)
    assert error.value.code == "refund_not_cancellable"
    world.converge()
    assert world.books_of(sandbox, payment)["refunded"] == 1000


def test_a_refund_on_its_way_is_not_taken_back(sandbox: SandboxClient) -> None:
    payment = world.pay()
    refund = refunds.request(payment.pk)
    operation_id = refunds._operation_of(refund.pk)
    assert operation_id is not None
    held = operations.claim(operation_id)  # by a worker that is about to send it
    assert held is not None
    with pytest.raises(RuleViolation):
        refunds.cancel(refund.pk)
    operations.perform(held)
    assert world.fresh(payment).refunded_minor == 1000 == world.books_of(sandbox, payment)["refunded"]


def test_a_refund_throttled_and_unsent_is_taken_back_for_good(sandbox: SandboxClient) -> None:
    payment = world.pay()
    sandbox.fault("status", operation="refunds.create", status=429, body={"error": {}})
    refund = done(payment)
    assert refunds.cancel(refund.pk).status == RefundStatus.CANCELLED
    world.converge()
    assert world.effects(sandbox, "refunds.create") == 0
    assert world.only_operation(payment, "refund").state == OperationState.FAILED


# -- failing, waiting -------------------------------------------------------------------------------------------------


def test_a_refund_the_provider_refuses_releases_its_amount(sandbox: SandboxClient) -> None:
    payment = world.pay()
    body = {"error": {"type": "invalid_request_error", "code": "charge_disputed", "message": "No"}}
    sandbox.fault("status", operation="refunds.create", status=400, body=body)
    refund = done(payment)
    assert (refund.status, refund.failure_code) == (RefundStatus.FAILED, "refund_refused")
    row = world.fresh(payment)
    assert (row.status, row.refundable_minor) == (PaymentStatus.COMPLETED, 1000)
    assert done(payment).status == RefundStatus.COMPLETED


def test_a_refund_that_waits_for_the_bank_stays_reserved_until_it_ends(sandbox: SandboxClient) -> None:
    """F15, F16."""
    payment = world.pay(token="pm_card_pendingRefund")
    refund = done(payment)
    assert refund.status == RefundStatus.PROCESSING
    assert refund.provider_refund_id
    row = world.fresh(payment)
    assert (row.refund_reserved_minor, row.refunded_minor, row.status) == (1000, 0, PaymentStatus.COMPLETED)
    sandbox.refund_status(refund.provider_refund_id, "succeeded")
    payments.sync(payment.pk)
    assert world.fresh(payment).status == PaymentStatus.REFUNDED


def test_a_refund_that_waits_for_the_bank_and_whose_answer_was_lost_is_found(sandbox: SandboxClient) -> None:
    payment = world.pay(token="pm_card_pendingRefund")
    sandbox.fault("reset", operation="refunds.create", when="after")
    refund = done(payment)
    world.converge()
    refund.refresh_from_db()
    assert (refund.status, bool(refund.provider_refund_id)) == (RefundStatus.PROCESSING, True)
    assert world.only_operation(payment, "refund").state == OperationState.SUCCEEDED
    assert world.effects(sandbox, "refunds.create") == 1


def test_a_refund_that_comes_back_days_later(sandbox: SandboxClient) -> None:
    """F16."""
    payment = world.pay()
    refund = done(payment)
    sandbox.refund_status(refund.provider_refund_id or "", "failed")
    payments.sync(payment.pk)
    refund.refresh_from_db()
    row = world.fresh(payment)
    assert (refund.status, row.status, row.refundable_minor) == (RefundStatus.FAILED, PaymentStatus.COMPLETED, 1000)


# -- heard of from two sides ------------------------------------------------------------------------------------------


def refund_notice(sandbox: SandboxClient, payment: Payment, kind: str = "charge.refund.updated") -> dict[str, Any]:
    """The refund of a payment as Stripe would send it, made of what the hub itself sent there."""
    refund = Refund.objects.get(payment=payment)
    entry = next(e for e in reversed(sandbox.ledger()["entries"]) if e["kind"] == "refund")
    return {
        "id": entry["object_id"],
        "object": "refund",
        "balance_transaction": "txn_1",
        "amount": refund.amount_minor,
        "currency": "usd",
        "status": "succeeded",
        "payment_intent": payment.provider_payment_id,
        "metadata": {"hub_refund": str(refund.pk), "hub_payment": payment.reference},
    }


def test_answer_and_notice_are_one_refund_whichever_comes_first(sandbox: SandboxClient) -> None:
    """I11."""
    for notice_first in (True, False):
        payment = world.pay()
        if notice_first:
            sandbox.fault("reset", operation="refunds.create", when="after")
        refund = done(payment, "4.00")
        event = world.hear("charge.refund.updated", refund_notice(sandbox, payment))
        assert event.verdict == (Verdict.APPLIED if notice_first else Verdict.DUPLICATE)
        world.converge()
        assert payment.refunds.count() == 1
        refund.refresh_from_db()
        assert refund.status == RefundStatus.COMPLETED
        assert world.fresh(payment).refunded_minor == 400 == world.books_of(sandbox, payment)["refunded"]


def test_a_refund_in_the_dashboard_is_recorded_and_reserved(sandbox: SandboxClient) -> None:
    """F17."""
    payment = world.pay()
    sandbox.external_refund(payment.provider_payment_id or "", 600)
    payments.sync(payment.pk)
    refund = Refund.objects.get()
    assert (refund.origin, refund.amount_minor, refund.status) == ("provider", 600, RefundStatus.COMPLETED)
    with pytest.raises(RuleViolation):
        refunds.request(payment.pk, amount="4.01")
    assert done(payment, "4.00").status == RefundStatus.COMPLETED
    assert world.fresh(payment).status == PaymentStatus.REFUNDED


def test_a_dashboard_refund_the_hub_had_not_heard_of_makes_its_own_fail_not_double(sandbox: SandboxClient) -> None:
    payment = world.pay()
    sandbox.external_refund(payment.provider_payment_id or "", 600)
    refund = done(payment)  # 10.00, of which 6.00 are gone
    assert refund.status == RefundStatus.FAILED
    payments.sync(payment.pk)
    row = world.fresh(payment)
    assert (row.refunded_minor, row.refundable_minor) == (600, 400)
    assert world.books_of(sandbox, payment)["refunded"] == 600


def test_a_dashboard_refund_told_while_one_of_ours_is_in_doubt_is_kept_and_told_again(sandbox: SandboxClient) -> None:
    """Lest ours be booked twice: it is not known yet whose it is."""
    payment = world.pay()
    sandbox.fault("reset", operation="refunds.create", when="before")
    refund = done(payment, "3.00")
    external = sandbox.external_refund(payment.provider_payment_id or "", 600)
    data = {
        "id": external["id"],
        "object": "refund",
        "balance_transaction": "txn_1",
        "amount": 600,
        "currency": "usd",
        "status": "succeeded",
        "payment_intent": payment.provider_payment_id,
        "metadata": {},
    }
    event = world.hear("charge.refund.updated", data)
    assert (event.state, payment.refunds.count()) == ("unmatched", 1)
    world.converge()
    event.refresh_from_db()
    assert event.state == "processed"
    refund.refresh_from_db()
    assert refund.status == RefundStatus.COMPLETED
    assert world.fresh(payment).refunded_minor == 900 == world.books_of(sandbox, payment)["refunded"]


def test_a_true_answer_after_the_hub_took_the_refund_for_refused_is_booked(sandbox: SandboxClient) -> None:
    """A holder stopped before it sent, and went on after another had been refused."""
    payment = world.pay()
    body = {"error": {"type": "invalid_request_error", "code": "parameter_invalid", "message": "No"}}
    sandbox.fault("status", operation="refunds.create", status=400, body=body)
    refund = done(payment, "4.00")
    assert refund.status == RefundStatus.FAILED
    late = world.refund_fact(payment, "re_late", 400, RefundStatus.COMPLETED, reference=str(refund.pk))
    assert facts.apply(late, payment.account, world.by_webhook()) is Verdict.APPLIED
    refund.refresh_from_db()
    assert refund.status == RefundStatus.COMPLETED
    assert world.fresh(payment).refunded_minor == 400


def test_a_refund_of_another_payment_is_not_taken_for_this_ones(sandbox: SandboxClient) -> None:
    one, other = world.pay(), world.pay()
    refund = done(one, "4.00")
    fact = world.refund_fact(other, refund.provider_refund_id or "", 400, RefundStatus.COMPLETED)
    assert facts.apply(fact, other.account, world.by_webhook()) is Verdict.MISMATCH
    assert world.fresh(other).attention_code == "mismatch_refund_payment"
    assert (world.fresh(other).refunded_minor, Operation.objects.filter(payment=other, kind="refund").count()) == (0, 0)
