"""Disputes as the provider tells them."""

from __future__ import annotations

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
    old = DisputeStatus(dispute.status)
    new = derive.merge_dispute(old, fact.status)
    if new is not fact.status:
        return Verdict.STALE
    if new is old and fact.amount_minor <= dispute.amount_minor:
        return Verdict.DUPLICATE  # of two amounts told under one status the larger is kept, in whatever order they come
    dispute.status, dispute.amount_minor = new.value, fact.amount_minor
    dispute.evidence_due_at = fact.evidence_due_at or dispute.evidence_due_at
    dispute.save()
    books.disputes_changed = True
    books.note(f"dispute.{dispute.status}", dispute=dispute, from_status=old.value, to_status=dispute.status)
    return Verdict.APPLIED


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
    )
    books.disputes_changed = True
    books.note(f"dispute.{dispute.status}", dispute=dispute, to_status=dispute.status)
    return Verdict.APPLIED
