"""The one function that applies what is learned: in any order, and never a stranger's (I8, I10-I12, F16, F17)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from django.utils import timezone

from django_payments_hub.domain.statuses import (
    CaptureMethod,
    DisputeStatus,
    FailureCode,
    Flow,
    MethodKind,
    Mode,
    NextActionKind,
    PaymentStatus,
    RefundStatus,
    Stage,
    Verdict,
)
from django_payments_hub.domain.transitions import PAYMENT_MOVES, is_legal
from django_payments_hub.models import Dispute, Payment, ProviderAccount, Refund, TransactionLog
from django_payments_hub.provider_kit.types import DisputeFact, Failure, MethodFact, NextAction, PaymentFact
from django_payments_hub.services import facts
from django_payments_hub.services.facts import ToldFact
from tests.services import world
from tests.services.world import authorized_fact, by_webhook, captured_fact, dispute_fact, payment_fact, refund_fact

pytestmark = pytest.mark.django_db

MakeFact = Callable[[Payment], ToldFact]


def tell(payment: Payment, *told: ToldFact) -> list[Verdict]:
    return [facts.apply(fact, payment.account, by_webhook(payment.account)) for fact in told]


def state(payment: Payment) -> dict[str, Any]:
    """All that money depends on: the payment's columns, its refunds and its disputes, its order's sum."""
    row = world.fresh(payment)
    return {
        **world.amounts(payment),
        "status": row.status,
        "stage": row.stage,
        "failure": row.failure_code,
        "attention": row.attention_code,
        "refunds": sorted((str(r.provider_refund_id)[:4], r.amount_minor, r.status) for r in row.refunds.all()),
        "disputes": sorted((d.provider_dispute_id[:4], d.amount_minor, d.status) for d in row.disputes.all()),
        "order": row.order_ref.active_minor if row.order_ref else None,
    }


# -- order does not matter --------------------------------------------------------------------------------------------

DECLINED = Failure(code=FailureCode.CARD_DECLINED, provider_code="generic_decline")

PAYMENT_FACTS: dict[str, MakeFact] = {
    "open": lambda p: payment_fact(p, Stage.OPEN),
    "action": lambda p: payment_fact(p, Stage.REQUIRES_ACTION),
    "processing": lambda p: payment_fact(p, Stage.PROCESSING),
    "declined": lambda p: payment_fact(p, Stage.DECLINED, failure=DECLINED),
    "authorized": authorized_fact,
    "captured part": lambda p: captured_fact(p, 600, authorized_minor=1000),
    "captured": captured_fact,
    "cancelled": lambda p: payment_fact(p, Stage.CANCELLED, authorized_minor=1000),
    "expired": lambda p: payment_fact(p, Stage.EXPIRED),
    "refund pending": lambda p: refund_fact(p, f"re_1-{p.reference}", 400, RefundStatus.PENDING),
    "refund done": lambda p: refund_fact(p, f"re_1-{p.reference}", 400, RefundStatus.COMPLETED),
    "refund failed": lambda p: refund_fact(p, f"re_1-{p.reference}", 400, RefundStatus.FAILED),
    "other refund": lambda p: refund_fact(p, f"re_2-{p.reference}", 600, RefundStatus.COMPLETED),
    "dispute open": lambda p: dispute_fact(p, f"dp_1-{p.reference}", 1000, DisputeStatus.NEEDS_RESPONSE),
    "dispute review": lambda p: dispute_fact(p, f"dp_1-{p.reference}", 700, DisputeStatus.UNDER_REVIEW),
    "dispute won": lambda p: dispute_fact(p, f"dp_1-{p.reference}", 700, DisputeStatus.WON),
    "dispute lost": lambda p: dispute_fact(p, f"dp_1-{p.reference}", 700, DisputeStatus.LOST),
}

# What one payment can really be told; every order of each three is tried.
HISTORIES: list[tuple[str, ...]] = [
    ("open", "action", "captured"),
    ("action", "processing", "captured"),
    ("declined", "action", "captured"),
    ("processing", "declined", "captured"),
    ("authorized", "captured part", "refund done"),
    ("authorized", "cancelled", "action"),
    ("authorized", "captured", "cancelled"),
    ("authorized", "expired", "cancelled"),
    ("declined", "cancelled", "open"),
    ("declined", "authorized", "captured"),
    ("captured", "refund pending", "refund done"),
    ("captured", "refund done", "refund failed"),
    ("refund pending", "refund done", "refund failed"),
    ("captured", "refund done", "other refund"),
    ("captured part", "captured", "other refund"),
    ("captured", "dispute open", "dispute won"),
    ("captured", "dispute open", "dispute lost"),
    ("dispute open", "dispute review", "dispute won"),
    ("dispute open", "dispute review", "dispute lost"),
    ("captured", "refund done", "dispute open"),
]


@pytest.mark.parametrize("names", HISTORIES, ids="-".join)
@pytest.mark.parametrize("flow", [Flow.TOKEN, pytest.param(Flow.HOSTED, marks=pytest.mark.slow)])
def test_three_facts_in_any_order_end_in_the_same_state(names: Sequence[str], flow: Flow) -> None:
    ends = {}
    for order in permutations(names):
        payment = world.recorded(order=world.make_order(), flow=flow)
        tell(payment, *(PAYMENT_FACTS[name](payment) for name in order))
        ends[order] = state(payment)
    first = ends[tuple(names)]
    assert {order: end for order, end in ends.items() if end != first} == {}, first


@pytest.mark.parametrize("name", PAYMENT_FACTS)
def test_a_fact_told_twice_changes_nothing_the_second_time(name: str) -> None:
    payment = world.recorded(order=world.make_order())
    first = tell(payment, PAYMENT_FACTS[name](payment))
    end, entries = state(payment), payment.log.count()
    again = tell(payment, PAYMENT_FACTS[name](payment))
    assert state(payment) == end
    assert payment.log.count() == entries
    assert again == [Verdict.DUPLICATE]
    assert first in ([Verdict.APPLIED], [Verdict.DUPLICATE])


@pytest.mark.parametrize("flow", [Flow.TOKEN, Flow.HOSTED])
@pytest.mark.parametrize("first", Stage)
def test_every_pair_of_stages_moves_along_declared_edges_or_not_at_all(first: Stage, flow: Flow) -> None:
    for second in Stage:
        payment = world.recorded(flow=flow)
        tell(payment, _whole(payment, first))
        before = world.fresh(payment)
        [verdict] = tell(payment, _whole(payment, second))
        _moved_legally(before, verdict)


def _moved_legally(before: Payment, verdict: Verdict) -> None:
    after, entry = world.fresh(before), before.log.first()
    assert entry is not None
    old, new = PaymentStatus(before.status), PaymentStatus(after.status)
    assert is_legal(PAYMENT_MOVES, old, new)
    if old is not new:
        assert (entry.from_status, entry.to_status) == (old.value, new.value), "the change has its audit row"
    if verdict is Verdict.MISMATCH:
        assert entry.event == "payment.quarantined"
        assert world.amounts(after) == {name: getattr(before, name) for name in world.AMOUNTS}
    if before.captured_minor:
        assert after.captured_minor == before.captured_minor, "success is not overwritten by older news"


def _whole(payment: Payment, stage: Stage) -> PaymentFact:
    if stage is Stage.AUTHORIZED:
        return authorized_fact(payment)
    return captured_fact(payment) if stage is Stage.CAPTURED else payment_fact(payment, stage)


def test_a_step_that_is_not_declared_is_quarantined() -> None:
    """I8: captured, says the provider of what it had cancelled, and names no amount."""
    payment = world.recorded()
    tell(payment, payment_fact(payment, Stage.CANCELLED))
    before = world.amounts(payment)
    [verdict] = tell(payment, payment_fact(payment, Stage.CAPTURED))
    assert verdict is Verdict.MISMATCH
    row = world.fresh(payment)
    assert (row.status, row.stage, row.attention_code) == ("cancelled", "cancelled", "mismatch_illegal_transition")
    assert world.amounts(payment) == before
    # with an amount it is money, which is never refused
    assert tell(payment, captured_fact(payment)) == [Verdict.APPLIED]


def test_a_stale_fact_does_not_bring_back_what_was_released() -> None:
    payment = world.recorded(capture_method=CaptureMethod.MANUAL)
    tell(payment, authorized_fact(payment), captured_fact(payment, 300, authorized_minor=1000))
    [verdict] = tell(payment, authorized_fact(payment))
    assert verdict is Verdict.STALE
    row = world.fresh(payment)
    assert (row.captured_minor, row.capturable_minor, row.authorized_minor) == (300, 0, 1000)


# -- refunds and disputes ---------------------------------------------------------------------------------------------


def test_a_refund_from_the_dashboard_is_recorded_and_reserved() -> None:
    """F17."""
    payment = world.recorded()
    tell(payment, captured_fact(payment), refund_fact(payment, "re_1", 400, RefundStatus.PENDING))
    row = world.fresh(payment)
    assert (row.refund_reserved_minor, row.refunded_minor, row.refundable_minor) == (400, 0, 600)
    refund = Refund.objects.get()
    assert (refund.origin, refund.status, refund.provider_refund_id) == ("provider", "pending", "re_1")


def test_a_refund_that_comes_back_releases_its_amount() -> None:
    """F16."""
    payment = world.recorded()
    tell(payment, captured_fact(payment), refund_fact(payment, "re_1", 1000, RefundStatus.COMPLETED))
    assert world.fresh(payment).status == PaymentStatus.REFUNDED
    failure = Failure(code=FailureCode.REFUND_REFUSED, provider_code="lost_or_stolen_card")
    tell(payment, refund_fact(payment, "re_1", 1000, RefundStatus.FAILED, failure=failure))
    row = world.fresh(payment)
    assert (row.status, row.refunded_minor, row.refundable_minor) == (PaymentStatus.COMPLETED, 0, 1000)
    assert Refund.objects.get().failure_provider_code == "lost_or_stolen_card"


def test_a_refund_waiting_for_funds_stays_reserved() -> None:
    """F16."""
    payment = world.recorded()
    tell(payment, captured_fact(payment), refund_fact(payment, "re_1", 1000, RefundStatus.PENDING))
    assert world.fresh(payment).refundable_minor == 0
    assert world.fresh(payment).status == PaymentStatus.COMPLETED


def test_more_refunded_than_captured_is_written_down_and_shown_to_a_person() -> None:
    payment = world.recorded()
    tell(
        payment,
        captured_fact(payment, 500, authorized_minor=1000),
        refund_fact(payment, "re_1", 500, RefundStatus.COMPLETED),
        refund_fact(payment, "re_2", 500, RefundStatus.COMPLETED),
    )
    row = world.fresh(payment)
    assert (row.refunded_minor, row.excess_minor, row.attention_code) == (1000, 500, "refunded_in_excess")
    assert row.status == PaymentStatus.REFUNDED


def test_refunds_in_a_snapshot_are_recorded_each_by_its_own_id() -> None:
    payment = world.recorded()
    told = tuple(refund_fact(payment, f"re_{n}", 100, RefundStatus.COMPLETED) for n in range(3))
    tell(payment, captured_fact(payment, refunds=told), captured_fact(payment, refunds=told[:1]))
    assert Refund.objects.count() == 3
    assert world.fresh(payment).refunded_minor == 300


@pytest.mark.parametrize(
    ("status", "withheld"),
    [
        (DisputeStatus.INQUIRY_NEEDS_RESPONSE, 0),
        (DisputeStatus.INQUIRY_UNDER_REVIEW, 0),
        (DisputeStatus.INQUIRY_CLOSED, 0),
        (DisputeStatus.NEEDS_RESPONSE, 1000),
        (DisputeStatus.UNDER_REVIEW, 1000),
        (DisputeStatus.LOST, 1000),
        (DisputeStatus.WON, 0),
        (DisputeStatus.CLOSED, 0),
    ],
)
def test_a_dispute_withholds_its_amount_while_open_and_when_lost(status: DisputeStatus, withheld: int) -> None:
    payment = world.recorded()
    tell(payment, captured_fact(payment), dispute_fact(payment, "dp_1", 1000, status))
    row = world.fresh(payment)
    assert (row.disputed_minor, row.status) == (withheld, PaymentStatus.COMPLETED)
    assert Dispute.objects.get().status == status


@pytest.mark.parametrize("asked", [DisputeStatus.INQUIRY_UNDER_REVIEW, DisputeStatus.INQUIRY_CLOSED])
def test_an_inquiry_that_becomes_a_chargeback_is_told_with_its_own_date(asked: DisputeStatus) -> None:
    # given an inquiry that was answered, or was over
    payment, soon, later = world.recorded(), timezone.now() + timedelta(days=2), timezone.now() + timedelta(days=9)
    tell(payment, captured_fact(payment), dispute_fact(payment, "dp_1", 1000, asked, evidence_due_at=soon))
    # when the bank takes the money all the same, and tells of the inquiry once more
    told = dispute_fact(payment, "dp_1", 1000, DisputeStatus.NEEDS_RESPONSE, evidence_due_at=later)
    verdicts = tell(payment, told, dispute_fact(payment, "dp_1", 1000, asked, evidence_due_at=soon))
    # then it is a dispute with a new date
    assert verdicts == [Verdict.APPLIED, Verdict.STALE]
    dispute = Dispute.objects.get()
    assert (dispute.status, dispute.evidence_due_at) == (DisputeStatus.NEEDS_RESPONSE, later)
    assert world.fresh(payment).disputed_minor == 1000
    assert payment.log.filter(event="dispute.needs_response").count() == 1


@pytest.mark.parametrize(
    ("asking", "answered"),
    [
        (DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW),
        (DisputeStatus.INQUIRY_NEEDS_RESPONSE, DisputeStatus.INQUIRY_UNDER_REVIEW),
    ],
)
def test_an_open_dispute_stands_as_it_was_told_last(asking: DisputeStatus, answered: DisputeStatus) -> None:
    # given a dispute that waits for the merchant, then for the others, and then for the merchant again
    days = [timezone.now() + timedelta(days=n) for n in range(5)]
    for order in permutations([(asking, 0, 1), (answered, 1, None), (asking, 2, 4)]):
        payment = world.recorded()
        # when that is told in any order
        for status, at, due in order:
            due_at = None if due is None else days[due]
            told = dispute_fact(payment, f"dp-{payment.pk}", 9, status, occurred_at=days[at], evidence_due_at=due_at)
            tell(payment, captured_fact(payment), told)
        # then it waits for the merchant, until the later date
        dispute = payment.disputes.get()
        assert (dispute.status, dispute.evidence_due_at) == (asking, days[4]), order


@pytest.mark.parametrize("clock", [True, False])
def test_a_later_date_for_the_answer_is_booked_under_the_same_status(clock: bool) -> None:
    # given a dispute with a date for the answer
    payment, now = world.recorded(), timezone.now()

    def told(days: int) -> DisputeFact:
        at = now + timedelta(minutes=days) if clock else None
        due = now + timedelta(days=days)
        return dispute_fact(payment, "dp_1", 9, DisputeStatus.NEEDS_RESPONSE, occurred_at=at, evidence_due_at=due)

    tell(payment, captured_fact(payment), told(2))
    # when the date is put off, and that is told twice, and the old date once more
    verdicts = tell(payment, told(5), told(5), told(2))
    # then the later date holds, and was announced once
    assert verdicts == [Verdict.APPLIED, Verdict.DUPLICATE, Verdict.STALE if clock else Verdict.DUPLICATE]
    assert Dispute.objects.get().evidence_due_at == now + timedelta(days=5)
    assert payment.log.filter(event="dispute.needs_response").count() == 2


def test_an_older_notice_of_a_dispute_does_not_change_its_amount() -> None:
    payment = world.recorded()
    tell(payment, captured_fact(payment), dispute_fact(payment, "dp_1", 700, DisputeStatus.LOST))
    [verdict] = tell(payment, dispute_fact(payment, "dp_1", 1000, DisputeStatus.NEEDS_RESPONSE))
    assert verdict is Verdict.STALE
    assert world.fresh(payment).disputed_minor == 700


# -- quarantine -------------------------------------------------------------------------------------------------------

MUTATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "mode": ("mode", {"mode": Mode.LIVE}),
    "currency": ("currency", {"currency": "EUR"}),
    "amount": ("amount", {"amount_minor": 999}),
    "less captured at once than asked": (
        "amount",
        {"captured_minor": 700, "authorized_minor": 700, "amount_minor": None},
    ),
    "more captured than asked": ("amount", {"captured_minor": 1001, "authorized_minor": 1001, "amount_minor": None}),
    "more held than asked": ("amount", {"capturable_minor": 1, "amount_minor": None}),
    "object": ("provider_payment_id", {"provider_payment_id": "pi_other"}),
    "session": ("provider_session_id", {"provider_session_id": "cs_other"}),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_fact_with_one_wrong_field_is_quarantined_and_moves_no_money(name: str) -> None:
    """I12, F13, F46: everything about the fact fits but one field."""
    code, change = MUTATIONS[name]
    payment = world.recorded(order=world.make_order())
    tell(payment, payment_fact(payment, Stage.OPEN, provider_payment_id="pi_1", provider_session_id="cs_1"))
    payment.refresh_from_db()
    before = state(payment)
    [verdict] = tell(payment, replace(captured_fact(payment), **change))
    assert verdict is Verdict.MISMATCH
    assert state(payment) == {**before, "attention": f"mismatch_{code}"}
    entry = payment.log.first()
    assert entry is not None
    assert (entry.event, entry.data) == ("payment.quarantined", {"code": code})


def test_the_reference_of_another_payment_is_quarantined() -> None:
    payment, other = world.recorded(), world.recorded()
    tell(payment, payment_fact(payment, Stage.OPEN, provider_payment_id="pi_1"))
    [verdict] = tell(payment, replace(captured_fact(payment), reference=other.reference, provider_payment_id="pi_1"))
    assert verdict is Verdict.MISMATCH
    assert world.amounts(payment)["captured_minor"] == world.amounts(other)["captured_minor"] == 0


def test_a_fact_from_another_account_does_not_reach_the_payment() -> None:
    payment = world.recorded()
    other = ProviderAccount.objects.create(alias="other", provider="stripe", mode="test")
    before = state(payment)
    assert facts.apply(captured_fact(payment), other, by_webhook(other)) is Verdict.UNMATCHED
    assert state(payment) == before


@pytest.mark.parametrize(
    "change",
    [{"amount_minor": 401}, {"currency": "EUR"}, {"mode": Mode.LIVE}, {"provider_payment_id": "pi_other"}],
    ids=lambda change: next(iter(change)),
)
def test_a_refund_fact_with_one_wrong_field_is_quarantined(change: dict[str, Any]) -> None:
    payment = world.recorded()
    tell(payment, captured_fact(payment), refund_fact(payment, "re_1", 400, RefundStatus.PENDING))
    before = world.amounts(payment)
    [verdict] = tell(payment, replace(refund_fact(payment, "re_1", 400, RefundStatus.COMPLETED), **change))
    assert verdict is Verdict.MISMATCH
    assert world.amounts(payment) == before
    assert Refund.objects.get().status == RefundStatus.PENDING


@pytest.mark.parametrize(
    "change",
    [{"currency": "EUR"}, {"mode": Mode.LIVE}, {"provider_payment_id": "pi_other"}],
    ids=lambda change: next(iter(change)),
)
def test_a_dispute_fact_with_one_wrong_field_is_quarantined(change: dict[str, Any]) -> None:
    payment = world.recorded()
    tell(payment, captured_fact(payment))
    [verdict] = tell(payment, replace(dispute_fact(payment, "dp_1", 400, DisputeStatus.LOST), **change))
    assert verdict is Verdict.MISMATCH
    assert (Dispute.objects.count(), world.fresh(payment).disputed_minor) == (0, 0)


def test_a_mismatch_does_not_hide_the_first_one() -> None:
    payment = world.recorded()
    tell(payment, replace(captured_fact(payment), currency="EUR"), replace(captured_fact(payment), amount_minor=1))
    assert world.fresh(payment).attention_code == "mismatch_currency"


def test_after_a_quarantine_the_true_fact_is_still_applied() -> None:
    payment = world.recorded()
    tell(payment, replace(captured_fact(payment), amount_minor=1))
    assert tell(payment, captured_fact(payment)) == [Verdict.APPLIED]
    assert world.fresh(payment).status == PaymentStatus.COMPLETED


# -- matching ---------------------------------------------------------------------------------------------------------


def test_a_fact_about_nothing_known_is_unmatched() -> None:
    payment = world.recorded()
    stranger = replace(captured_fact(payment), reference="nobody", provider_payment_id="pi_nobody")
    assert tell(payment, stranger, replace(stranger, reference="", provider_payment_id="")) == [Verdict.UNMATCHED] * 2
    assert TransactionLog.objects.count() == 1


@pytest.mark.parametrize("name", ["reference", "provider_payment_id", "provider_session_id"])
def test_any_one_name_is_enough_to_find_the_payment(name: str) -> None:
    payment = world.recorded()
    tell(payment, payment_fact(payment, Stage.OPEN, provider_payment_id="pi_1", provider_session_id="cs_1"))
    names = {"reference": payment.reference, "provider_payment_id": "pi_1", "provider_session_id": "cs_1"}
    only: dict[str, Any] = {key: value if key == name else "" for key, value in names.items()}
    assert tell(payment, captured_fact(payment, **only)) == [Verdict.APPLIED]


# -- details ----------------------------------------------------------------------------------------------------------


def test_what_lets_the_customer_pay_is_kept_only_while_he_may() -> None:
    payment = world.recorded()
    action = NextAction(kind=NextActionKind.REDIRECT, url="https://pay.example.com/x")
    tell(payment, payment_fact(payment, Stage.REQUIRES_ACTION, next_action=action))
    assert world.fresh(payment).next_action == {"type": "redirect", "url": "https://pay.example.com/x", "fields": {}}
    tell(payment, captured_fact(payment))
    assert world.fresh(payment).next_action is None


def test_a_late_success_clears_the_failure() -> None:
    payment = world.recorded()
    tell(payment, payment_fact(payment, Stage.DECLINED, failure=DECLINED))
    assert (world.fresh(payment).status, world.fresh(payment).failure_code) == ("failed", "card_declined")
    tell(payment, captured_fact(payment, method=MethodFact(kind=MethodKind.CREDIT_CARD, brand="visa", last4="4242")))
    row = world.fresh(payment)
    assert (row.status, row.failure_code, row.failure_provider_code) == ("completed", "", "")
    assert row.method_details == {"brand": "visa", "last4": "4242"}


def test_an_order_is_moved_with_its_payments() -> None:
    payment = world.recorded(order=world.make_order("10.00"))
    assert payment.order_ref is not None
    active = lambda: world.fresh(payment).order_ref.active_minor  # type: ignore[union-attr]  # noqa: E731
    assert active() == 1000
    tell(payment, payment_fact(payment, Stage.DECLINED))
    assert active() == 0
    tell(payment, captured_fact(payment))
    assert active() == 1000
    tell(payment, refund_fact(payment, "re_1", 400, RefundStatus.COMPLETED))
    assert active() == 600
