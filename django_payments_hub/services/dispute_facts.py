"""Disputes as the provider tells them."""

from __future__ import annotations

from datetime import datetime

from django_payments_hub.domain import derive
from django_payments_hub.domain.statuses import DisputeStatus, Verdict
from django_payments_hub.models import Dispute
from django_payments_hub.provider_kit.types import DisputeFact
from django_payments_hub.services.books import Books, Mismatch


def merge(books: Books, fact: DisputeFact) -> Verdict:
    """Merge one dispute; what it withholds follows when the books close."""
    payment = books.payment
    dispute = Dispute.objects.filter(
        account_id=payment.account_id, provider_dispute_id=fact.provider_dispute_id
    ).first()
    if dispute is None:
        return _open_dispute(books, fact)
    if dispute.payment_id != payment.pk:
        raise Mismatch("The dispute belongs to another payment.", code="dispute_payment")
    known, told = (DisputeStatus(dispute.status), dispute.told_at), (fact.status, fact.occurred_at)
    if derive.merge_dispute(told, known) != told:
        return Verdict.STALE
    before = (dispute.status, dispute.amount_minor, dispute.evidence_due_at)
    dispute.amount_minor, dispute.evidence_due_at = _terms(dispute, fact, again=known == told)
    dispute.status, dispute.told_at = fact.status.value, fact.occurred_at
    dispute.save()
    if before == (dispute.status, dispute.amount_minor, dispute.evidence_due_at):
        return Verdict.DUPLICATE
    books.disputes_changed = True
    books.note(f"dispute.{dispute.status}", dispute=dispute, from_status=before[0], to_status=dispute.status)
    return Verdict.APPLIED


def _terms(dispute: Dispute, fact: DisputeFact, *, again: bool) -> tuple[int, datetime | None]:
    """The amount, and the date for the answer: as told last; of those told at one time the larger, in whatever order
    they come.
    """
    due = fact.evidence_due_at or dispute.evidence_due_at
    if not again:
        return fact.amount_minor, due
    if due is not None and dispute.evidence_due_at is not None:
        due = max(due, dispute.evidence_due_at)
    return max(fact.amount_minor, dispute.amount_minor), due


def _open_dispute(books: Books, fact: DisputeFact) -> Verdict:
    payment = books.payment
    dispute = Dispute.objects.create(
        payment=payment,
        account_id=payment.account_id,
        provider_dispute_id=fact.provider_dispute_id,
        status=fact.status.value,
        amount_minor=fact.amount_minor,
        currency=fact.currency,
        reason=fact.reason[:100],
        evidence_due_at=fact.evidence_due_at,
        told_at=fact.occurred_at,
    )
    books.disputes_changed = True
    books.note(f"dispute.{dispute.status}", dispute=dispute, to_status=dispute.status)
    return Verdict.APPLIED
