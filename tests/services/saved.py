"""What the tests of saved methods are made of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from django_payments_hub.models import Customer, PaymentMethod
from django_payments_hub.services import methods, provider_calls, sweeper
from django_payments_hub.services.methods import NewMethod

VISA, MASTERCARD, DEBIT = "pm_card_visa", "pm_card_mastercard", "pm_card_visa_debit"
ASKS_ALWAYS = "pm_card_threeDSecure2Required"
ASKS_ONCE = "pm_card_authenticationRequiredOnSetup"
DECLINED = "pm_card_chargeDeclined"


def save(user: User, token: str = VISA, **more: Any) -> PaymentMethod:
    """Save a method by its token, or begin to without one."""
    return methods.save(NewMethod(account="stripe", user=user, method_token=token, **more))


def fresh(method: PaymentMethod) -> PaymentMethod:
    return PaymentMethod.objects.get(pk=method.pk)


def make_due(*, expired: bool = False) -> None:
    """Let every pause and lease of methods and customers end, and where wanted the time to save, too."""
    past = timezone.now() - timedelta(seconds=1)
    PaymentMethod.objects.filter(lease_until__isnull=False).update(lease_until=past)
    PaymentMethod.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=past)
    Customer.objects.filter(lease_until__isnull=False).update(lease_until=past)
    if expired:
        PaymentMethod.objects.filter(expires_at__isnull=False).update(expires_at=past)


def converge(rounds: int = 6) -> None:
    """Sweep until nothing is due any more."""
    for _ in range(rounds):
        make_due()
        sweeper.sweep()


def kept(customer: Customer) -> list[str]:
    """The tokens that the provider keeps for a customer, as it lists them."""
    return sorted(fact.provider_method_id for fact in provider_calls.list_methods(customer))
