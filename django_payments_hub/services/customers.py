"""The provider's customer of a user: made once per account and mode, whoever asks, and however often.

The row comes first; its id is the key and the reference at the provider. Whoever holds its lease asks; the others wait
a moment for the answer. No transaction is open while the provider is asked.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from django_payments_hub.exceptions import Conflict, OutcomeUnknown, ProviderError, Refused
from django_payments_hub.failpoints import reach
from django_payments_hub.models import Customer
from django_payments_hub.services import provider_calls
from django_payments_hub.services.accounts import Account

logger = logging.getLogger("django_payments_hub.customers")

_WAIT_S = 8.0
"""How long to wait for somebody else's answer, in seconds."""
_PAUSE_S = 0.05


def ensure(user: AbstractBaseUser, account: Account) -> Customer:
    """The customer of this user, made at the provider where it is not yet. No transaction may be open.

    Raises:
        Unsupported: `unsupported_saved_methods`. ProviderError: it could not be made now.
        Conflict: `customer_in_progress`, somebody else is making it and has no answer yet.
    """
    provider_calls.provider_of(account.row).require("saved_methods")
    return made(recorded(user, account))


def recorded(user: AbstractBaseUser, account: Account) -> Customer:
    """The customer's row, whether its provider has been asked or not."""
    row, _ = Customer.objects.get_or_create(
        user_id=user.pk,
        account=account.row,
        mode=account.config.mode.value,
    )
    row.account = account.row
    return row


def _payer(user: AbstractBaseUser) -> dict[str, object]:
    # A host's user model need not have any of these.
    name = getattr(user, "get_full_name", str)()
    return {key: value for key, value in {"name": name, "email": str(getattr(user, "email", ""))}.items() if value}


def made(row: Customer) -> Customer:
    """The customer, asked for at the provider unless it is known; raises as `ensure`."""
    until = time.monotonic() + _WAIT_S
    while row.made_at is None:
        claimed = _claim(row)
        if claimed:
            return _make(row)
        if time.monotonic() >= until:
            raise Conflict("The customer is being made at the provider.", code="customer_in_progress")
        time.sleep(_PAUSE_S)
        row.refresh_from_db(fields=["made_at", "provider_customer_id", "lease_until", "first_sent_at"])
    return row


def _claim(row: Customer) -> bool:
    now = timezone.now()
    lease_until = now + timedelta(seconds=provider_calls.lease_s(row.account))
    free = Customer.objects.filter(Q(lease_until=None) | Q(lease_until__lte=now), pk=row.pk, made_at=None)
    return bool(free.update(lease_until=lease_until))


def _make(row: Customer) -> Customer:
    """Ask, and write down the answer; the lease is held."""
    row.refresh_from_db(fields=["payer", "first_sent_at"])
    recovering = row.first_sent_at is not None
    if not recovering:  # from here on the same request is made, whatever he changes
        row.payer = {**_payer(row.user), **row.payer}
        Customer.objects.filter(pk=row.pk).update(first_sent_at=timezone.now(), payer=row.payer)
    reach("customer.before_send")
    try:
        provider_customer_id = provider_calls.create_customer(row, recovering=recovering)
    except ProviderError as error:
        Customer.objects.filter(pk=row.pk, made_at=None).update(lease_until=None, **_after_refusal(row, error))
        logger.warning("Customer %s could not be made: %s.", row.pk, error.code)
        raise
    reach("customer.after_answer")
    _answered(row, provider_customer_id)
    row.refresh_from_db(fields=["made_at", "provider_customer_id", "lease_until", "payer"])
    return row


def _after_refusal(row: Customer, error: ProviderError) -> dict[str, object]:
    """One that was certainly not made is asked for anew, with what the user has corrected and under another key."""
    if not isinstance(error, Refused) or error.code == "idempotency_mismatch":
        return {}
    return {"first_sent_at": None, "payer": {"refused": int(row.payer.get("refused", 0)) + 1}}


def _answered(row: Customer, provider_customer_id: str) -> None:
    unanswered = Customer.objects.filter(pk=row.pk, made_at=None)
    try:
        with transaction.atomic():
            first = unanswered.update(
                provider_customer_id=provider_customer_id or None, made_at=timezone.now(), lease_until=None, payer={}
            )
    except IntegrityError:
        Customer.objects.filter(pk=row.pk).update(lease_until=None)
        raise OutcomeUnknown("The provider named another user's customer.") from None
    if not first:
        logger.warning("Customer %s was answered twice; the first answer stands.", row.pk)
