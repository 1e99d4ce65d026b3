"""The one door to providers: finds them, calls them with no transaction open, asks them how things stand.

Whatever a provider's code raises comes out as a `ProviderError`; nothing here writes a row but through a fact.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import assert_never
from uuid import UUID

from django.db import connection
from django.utils import timezone

from django_payments_hub import registry
from django_payments_hub.conf import hub_settings
from django_payments_hub.domain.statuses import OperationKind, Source, Verdict
from django_payments_hub.exceptions import (
    ConfigurationError,
    Misconfigured,
    OutcomeUnknown,
    ProviderError,
    Refused,
    Throttled,
    Unsupported,
)
from django_payments_hub.models import Operation, Payment, ProviderAccount, Refund
from django_payments_hub.provider_kit.types import (
    LookUp,
    PaymentFact,
    PaymentResult,
    RefundFact,
    RefundResult,
    ReturnVisit,
)
from django_payments_hub.registry import AnyProvider
from django_payments_hub.services import accounts, facts, provider_requests
from django_payments_hub.services.books import Told
from django_payments_hub.services.claims import backoff_s

logger = logging.getLogger("django_payments_hub.provider_calls")


def provider_of(row: ProviderAccount) -> AnyProvider:
    """The provider of an account's row, built from its decrypted configuration."""
    return registry.build(accounts.of(row).config)


def provider_class(name: str) -> type[AnyProvider]:
    """The class of a provider, to see what an account of it needs; raises ConfigurationError(`unknown_provider`)."""
    return registry.provider_class(name)


def lease_s(row: ProviderAccount) -> float:
    """How long an operation of this account is held: longer than its provider's worst call (I17)."""
    return provider_of(row).capabilities.call_deadline_s + hub_settings().lease_margin_s


def may_send_now(row: ProviderAccount) -> bool:
    """Whether a request may call this account itself: the worker does for slow providers and paused accounts."""
    paused = row.paused_until is not None and row.paused_until > timezone.now()
    return not paused and not provider_of(row).capabilities.runs_in_worker


def call(operation: Operation) -> PaymentResult | RefundResult:
    """Send a claimed operation. No transaction may be open.

    Raises:
        ProviderError: what is known without an answer. A bug in the provider's code leaves the outcome unknown.
    """
    _outside_transactions()
    _same_mode(operation.payment)
    try:
        return _call(provider_of(operation.payment.account), operation)
    except ProviderError:
        raise
    except (ConfigurationError, Unsupported) as error:
        raise Misconfigured(error.message, code=error.code) from error
    except Exception as error:
        logger.exception("The provider's code failed in operation %s.", operation.pk)
        raise OutcomeUnknown(f"{type(error).__name__} in the provider's code.", code="provider_bug") from error


def _call(provider: AnyProvider, operation: Operation) -> PaymentResult | RefundResult:
    payment, kind = operation.payment, OperationKind(operation.kind)
    if kind is OperationKind.PAY:
        return provider.pay(provider_requests.pay(payment, operation))
    if kind is OperationKind.CONFIRM:
        return provider.confirm(provider_requests.confirm(payment, operation))
    if kind is OperationKind.CAPTURE:
        return provider.capture(provider_requests.capture(payment, operation))
    if kind is OperationKind.CANCEL:
        return provider.cancel(provider_requests.cancel(payment, operation))
    if kind is OperationKind.REFUND:
        return provider.refund(provider_requests.refund(payment, operation, refund_of(operation)))
    assert_never(kind)


def _outside_transactions() -> None:
    """Raises RuntimeError inside a transaction: locks would be held while the provider thinks, and a rollback would
    forget a call that was made (I6).
    """
    if any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
        raise RuntimeError(
            "A provider is never called inside a transaction. Call the hub's services outside transaction.atomic(), "
            "and mark the view with @transaction.non_atomic_requests where ATOMIC_REQUESTS is on."
        )


def _same_mode(payment: Payment) -> None:
    if accounts.of(payment.account).config.mode != payment.mode:
        raise Misconfigured("The account has changed its mode since the payment was made.", code="mode_mismatch")


def refund_of(operation: Operation) -> Refund:
    """The refund that a refund operation carries out."""
    return Refund.objects.get(operation=operation)


def find(operation: Operation) -> PaymentFact | RefundFact | None:
    """What the provider knows of an operation's payment or refund; None when it certainly knows nothing.

    Raises:
        ProviderError: it could not be asked. A refused question says nothing about the operation (I7).
    """
    _outside_transactions()
    provider, payment = provider_of(operation.payment.account), operation.payment
    try:
        if operation.kind == OperationKind.REFUND:
            return provider.look_up_refund(provider_requests.look_up_refund(payment, refund_of(operation)))
        return provider.look_up(provider_requests.look_up(payment))
    except Refused as error:
        raise OutcomeUnknown(error.message, code="look_up_refused", provider_code=error.provider_code) from error


def knows_key(operation: Operation) -> bool:
    """Whether the provider still honours the operation's key; without a key window nothing is sent twice (I13)."""
    if operation.first_sent_at is None:
        return False
    window_s = provider_of(operation.payment.account).capabilities.key_window_s
    return timezone.now() - operation.first_sent_at < timedelta(seconds=window_s)


def ask(payment: Payment, *, source: Source, webhook_event_id: UUID | None = None) -> Verdict:
    """Look a payment up and apply what the provider says. No transaction may be open.

    Raises:
        Unsupported: the provider has no look-up. ProviderError: it could not be asked.
    """
    _outside_transactions()
    provider = provider_of(payment.account)
    provider.require("look_up")
    with _heeding(payment.account):
        found = provider.look_up(provider_requests.look_up(payment))
    if found is None:
        return Verdict.UNMATCHED
    told = Told(source=source, account=payment.account, webhook_event_id=webhook_event_id)
    return facts.apply(found, payment.account, told)


def ask_refund(refund: Refund, *, source: Source) -> Verdict:
    """Look a refund up and apply what the provider says; as `ask`."""
    account = refund.payment.account
    provider = provider_of(account)
    provider.require("look_up")
    with _heeding(account):
        found = provider.look_up_refund(provider_requests.look_up_refund(refund.payment, refund))
    if found is None:
        return Verdict.UNMATCHED
    return facts.apply(found, account, Told(source=source, account=account))


@contextmanager
def _heeding(account: ProviderAccount) -> Iterator[None]:
    """What an answer says of the whole account counts for it, as with operations (F8, F9)."""
    try:
        yield
    except Throttled as error:
        accounts.pause(account, error.retry_after_s or backoff_s(1))
        raise
    except Misconfigured as error:
        accounts.mark_unhealthy(account, error.code)
        raise


def ask_by_name(account: ProviderAccount, notice: LookUp, *, source: Source, webhook_event_id: UUID) -> Verdict:
    """Look up the payment a notice names; unmatched when the hub does not know it."""
    payment = payment_named(account, notice)
    if payment is None:
        return Verdict.UNMATCHED
    return ask(payment, source=source, webhook_event_id=webhook_event_id)


def payment_named(account: ProviderAccount, named: LookUp | ReturnVisit) -> Payment | None:
    """The payment of this account that a notice or a returning browser names."""
    return facts.find_by_names(
        account,
        reference=named.reference,
        provider_payment_id=named.provider_payment_id,
        provider_session_id=named.provider_session_id,
    )
