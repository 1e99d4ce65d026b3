"""Refunds made by hand: the amount is reserved as always, a person gives the money back, and the proof is recorded.

Nothing here is about one provider: a refund is made by hand where the provider has none over its API.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet

from django_payments_hub.domain.statuses import Mode, RefundStatus
from django_payments_hub.exceptions import NotFound, RuleViolation
from django_payments_hub.models import Refund
from django_payments_hub.provider_kit.types import RefundFact
from django_payments_hub.services import facts
from django_payments_hub.services.books import open_books
from django_payments_hub.services.new_payments import OnCommit, told_by
from django_payments_hub.services.vouching import checked_moment, checked_note, refuse_own


def record_proof(
    refund_id: UUID, *, note: str, paid_at: datetime, actor: AbstractBaseUser, on_commit: OnCommit | None = None
) -> Refund:
    """Complete a refund that was made by hand.

    Args:
        note: what proves that the customer has the money. paid_at: when it was given back.

    Raises:
        NotAllowed: `own_payment`. RuleViolation: `refund_not_by_hand`, `refund_already_completed`, `refund_ended`.
        InvalidInput: `in_future`, `proof_required`.
    """
    proof, moment = checked_note(note), checked_moment(paid_at, field="paid_at")
    payment_id = Refund.objects.filter(pk=refund_id).values_list("payment_id", flat=True).first()
    if payment_id is None:
        raise NotFound("There is no such refund.")
    with open_books(payment_id, told_by(actor)) as books:
        refund = Refund.objects.select_for_update().get(pk=refund_id)
        refuse_own(books.payment, actor)
        _require_under_way(refund)
        books.vouched = {"paid_at": moment.isoformat(timespec="seconds"), "proof": proof}
        fact = RefundFact(
            provider_refund_id=str(refund.pk),  # nobody else names it
            status=RefundStatus.COMPLETED,
            amount_minor=refund.amount_minor,
            currency=refund.currency,
            mode=Mode(books.payment.mode),
            reference=str(refund.pk),
            payment_reference=books.payment.reference,
            occurred_at=moment,
        )
        facts.merge(books, fact, books.payment.account)
        if on_commit is not None:
            on_commit(refund.pk)
    return Refund.objects.select_related("payment__account").get(pk=refund_id)


def _require_under_way(refund: Refund) -> None:
    if not refund.by_hand:
        raise RuleViolation("The provider makes this refund, and tells of it.", code="refund_not_by_hand")
    if refund.status == RefundStatus.COMPLETED:
        raise RuleViolation("The refund is completed.", code="refund_already_completed")
    if refund.status != RefundStatus.PROCESSING:
        raise RuleViolation("The refund has ended without being made.", code="refund_ended")


def to_be_paid_out() -> QuerySet[Refund]:
    """Refunds that wait for somebody to give the money back."""
    return Refund.objects.filter(by_hand=True, status=RefundStatus.PROCESSING.value)
