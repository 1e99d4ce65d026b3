"""Forms that the customer's browser posts to a provider: the first from the hub's page, the next when it is back.

A form is made anew each time, and never kept. One that was given out can be posted at any later time; after one that
ends at the provider's till (the second, or where there is none the first) the payment is held for a while: it is
neither given up nor replaced.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from django_payments_hub.domain.statuses import Flow, MethodKind, NextActionKind, PaymentStatus
from django_payments_hub.exceptions import HubError
from django_payments_hub.models import Payment
from django_payments_hub.provider_kit.types import FormRequest, HostedForm, Payer
from django_payments_hub.services import provider_calls
from django_payments_hub.services.provider_requests import return_address

logger = logging.getLogger("django_payments_hub.forms")

HOLD_S = 120
"""So long a payment is held after its customer was led on; nobody is given a second form twice within it."""

_FORM = frozenset({NextActionKind.FORM_POST.value})
_BETWEEN_FORMS = _FORM | {NextActionKind.WAIT.value}
"""What a payment on a page can wait for before its last form: a provider that was asked may know of it already."""


def first(payment: Payment) -> HostedForm | None:
    """The form that leads the customer to the provider; None while he was just led on, or has nothing to do there.

    One that leads to the till itself is given out again: whoever loads the page anew would else be stuck.

    Raises:
        HubError: the account cannot be used.
    """
    if not is_waiting(payment):
        return None
    provider = provider_calls.provider_of(payment.account)
    pays = provider.capabilities.first_form_pays
    if is_led_on(payment) and not pays:
        return None
    form = provider.hosted_form(_request(payment))
    return form if not pays or _hold(payment) else None


def following(payment: Payment, data: Mapping[str, str]) -> HostedForm | None:
    """The form to be posted next by a browser that came back with `data`; None for none, or if one was just given out.

    An account that is gone or broken must not strand the customer: then there is none.
    """
    if not is_waiting(payment, _BETWEEN_FORMS if payment.flow == Flow.HOSTED else _FORM):
        return None
    try:
        form = provider_calls.provider_of(payment.account).following_form(_request(payment), data)
    except HubError as error:
        logger.warning("The next form of payment %s cannot be made (%s).", payment.pk, error.code)
        return None
    return form if form is not None and _lead_on(payment) else None


def is_waiting(payment: Payment, kinds: frozenset[str] = _FORM) -> bool:
    """Whether the customer is to post a form, or to do another of these."""
    action = payment.next_action or {}
    begun = payment.status == PaymentStatus.REQUIRES_ACTION and action.get("type") in kinds
    return begun and payment.expires_at is not None and payment.expires_at > timezone.now()


def is_led_on(payment: Payment) -> bool:
    """Whether a form that ends at the till was given out just now."""
    return payment.led_on_at is not None and payment.led_on_at > _hold_began()


def _lead_on(payment: Payment) -> bool:
    """Hold the payment, unless it is held, or has ended since it was read."""
    return _hold(payment, Q(led_on_at=None) | Q(led_on_at__lte=_hold_began()))


def _hold(payment: Payment, *free: Q) -> bool:
    """Hold the payment, unless it has ended since it was read, or is not `free`."""
    waits = Payment.objects.filter(*free, pk=payment.pk, status=PaymentStatus.REQUIRES_ACTION.value)
    return waits.update(led_on_at=timezone.now()) == 1


def _hold_began() -> datetime:
    return timezone.now() - timedelta(seconds=HOLD_S)


def _request(payment: Payment) -> FormRequest:
    now = timezone.now()
    return FormRequest(
        reference=payment.reference,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        method_kind=MethodKind(payment.method_kind) if payment.method_kind else None,
        description=payment.description,
        payer=Payer(**{name: str(value) for name, value in payment.payer.items()}),
        return_url=return_address(payment),
        created_at=payment.created_at,
        expires_at=payment.expires_at or now,
        now=now,
    )
