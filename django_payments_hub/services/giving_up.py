"""Giving up a payment whose form was never posted as far as the provider knows: asked about, it ends here.

For providers without a call that withdraws one. The form may still be posted: what is paid then is told by a notice, a
return or a look-up, and counts (I8).
"""

from __future__ import annotations

from uuid import UUID

from django_payments_hub.domain.statuses import NextActionKind, Source, Stage, Verdict
from django_payments_hub.exceptions import Conflict, RuleViolation
from django_payments_hub.models import Payment
from django_payments_hub.provider_kit.deadlines import deadline
from django_payments_hub.services import forms, provider_calls
from django_payments_hub.services.books import Books, Told, open_books
from django_payments_hub.services.locking import read_payment
from django_payments_hub.services.new_payments import ABANDONABLE, IN_PROGRESS, OnCommit

_ASKING_S = 15.0
"""A customer who cancels waits no longer for the provider's answer."""


def can_be_given_up(payment: Payment) -> bool:
    """Whether it waits for its form, at a provider that withdraws nothing itself."""
    if (payment.next_action or {}).get("type") != NextActionKind.FORM_POST:
        return False
    capabilities = provider_calls.provider_of(payment.account).capabilities
    return capabilities.form_posts and not capabilities.cancel


def give_up(
    payment_id: UUID, stage: Stage, told: Told, *, reason: str = "", on_commit: OnCommit | None = None
) -> Payment:
    """Ask the provider, and end the payment in this stage unless it knows better.

    Raises:
        Conflict: `payment_in_progress`, the customer was led to the till just now.
        RuleViolation: `contradicted`, what the provider says does not fit; `not_cancellable`, the payment went on.
        ProviderError: it could not be asked.
    """
    payment = read_payment(payment_id)
    _check_not_led_on(payment)
    with deadline(_ASKING_S):
        verdict = provider_calls.ask(payment, source=Source.LOOK_UP)
    if verdict is Verdict.MISMATCH:
        raise RuleViolation("The provider says something else of this payment.", code="contradicted")
    with open_books(payment_id, told, durable=True) as books:
        if on_commit is not None:
            on_commit(payment_id)
        _end(books, stage, reason)
    return books.payment


def _end(books: Books, stage: Stage, reason: str) -> None:
    payment = books.payment
    _check_not_led_on(payment)
    waits = (payment.next_action or {}).get("type") == NextActionKind.FORM_POST
    if payment.status not in ABANDONABLE or not waits or books.operations:
        raise RuleViolation("The payment can no longer be cancelled.", code="not_cancellable")
    payment.cancel_reason = reason
    books.end(stage)


def _check_not_led_on(payment: Payment) -> None:
    if forms.is_led_on(payment):
        raise Conflict("The customer is paying just now.", code=IN_PROGRESS)
