"""The one door to providers: finds them, calls them with no transaction open, asks them how things stand.

Whatever a provider's code raises comes out as a `ProviderError`; nothing here writes a row but through a fact.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar, assert_never
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
from django_payments_hub.models import Customer, Operation, Payment, PaymentMethod, ProviderAccount, Refund
from django_payments_hub.provider_kit.asking import said
from django_payments_hub.provider_kit.method_types import MethodResult
from django_payments_hub.provider_kit.types import (
    LookUp,
    MethodFact,
    PaymentFact,
    PaymentRequest,
    PaymentResult,
    PayRequest,
    RefundFact,
    RefundResult,
    ReturnVisit,
)
from django_payments_hub.registry import AnyProvider
from django_payments_hub.services import accounts, facts, method_requests, provider_requests
from django_payments_hub.services.books import Told
from django_payments_hub.services.claims import backoff_s

logger = logging.getLogger("django_payments_hub.provider_calls")

_Answer = TypeVar("_Answer")
_Request = TypeVar("_Request", bound=PayRequest | PaymentRequest)


def provider_of(row: ProviderAccount) -> AnyProvider:
    """The provider of an account's row, built from its decrypted configuration."""
    return registry.build(accounts.of(row).config)


def provider_class(name: str) -> type[AnyProvider]:
    """The class of a provider, to see what an account of it needs; raises ConfigurationError(`unknown_provider`)."""
    return registry.provider_class(name)


def lease_s(row: ProviderAccount) -> float:
    """How long an operation of this account is held: longer than its provider's worst call (I17)."""
    return provider_of(row).capabilities.call_deadline_s + hub_settings().lease_margin_s


def may_call(row: ProviderAccount) -> bool:
    """Whether the provider may be called at all: not while it asked for a pause."""
    return row.paused_until is None or row.paused_until <= timezone.now()


def may_send_now(row: ProviderAccount, *, at_once: bool = False) -> bool:
    """Whether a request may call this account itself: the worker does for slow providers and paused accounts.

    `at_once`: the provider answers this one without a call.
    """
    return at_once or (may_call(row) and not provider_of(row).capabilities.runs_in_worker)


def call(operation: Operation) -> PaymentResult | RefundResult:
    """Send a claimed operation. No transaction may be open.

    Raises:
        ProviderError: what is known without an answer. A bug in the provider's code leaves the outcome unknown.
    """
    _outside_transactions()
    _same_mode(operation.payment.account, operation.payment.mode)
    with _only_provider_errors(operation.pk):
        return _call(provider_of(operation.payment.account), operation)


@contextmanager
def _only_provider_errors(about: UUID) -> Iterator[None]:
    try:
        yield
    except ProviderError:
        raise
    except (ConfigurationError, Unsupported) as error:
        raise Misconfigured(error.message, code=error.code) from error
    except Exception as error:
        logger.exception("The provider's code failed at %s.", about)
        raise OutcomeUnknown(f"{type(error).__name__} in the provider's code.", code="provider_bug") from error


def _call(provider: AnyProvider, operation: Operation) -> PaymentResult | RefundResult:
    payment, kind = operation.payment, OperationKind(operation.kind)
    if kind is OperationKind.PAY:
        return provider.pay(_bounded(provider_requests.pay(payment, operation), operation))
    if kind is OperationKind.CONFIRM:
        return provider.confirm(_bounded(provider_requests.confirm(payment, operation), operation))
    if kind is OperationKind.CAPTURE:
        return provider.capture(_bounded(provider_requests.capture(payment, operation), operation))
    if kind is OperationKind.CANCEL:
        return provider.cancel(_bounded(provider_requests.cancel(payment, operation), operation))
    if kind is OperationKind.REFUND:
        return provider.refund(_bounded(provider_requests.refund(payment, operation, refund_of(operation)), operation))
    assert_never(kind)


def _bounded(request: _Request, operation: Operation) -> _Request:
    """The request with the moment after which the operation's first try cannot arrive any more (I7).

    Whoever made it may have been stopped, and have sent it with the last moment of his lease; then his call ended.
    """
    if operation.first_sent_at is None:
        return request
    account = operation.payment.account
    longest_s = lease_s(account) + provider_of(account).capabilities.call_deadline_s
    return replace(request, may_arrive_until=operation.first_sent_at + timedelta(seconds=longest_s))


def _outside_transactions() -> None:
    """Raises RuntimeError inside a transaction: locks would be held while the provider thinks, and a rollback would
    forget a call that was made (I6).
    """
    if any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
        raise RuntimeError(
            "A provider is never called inside a transaction. Call the hub's services outside transaction.atomic(), "
            "and mark the view with @transaction.non_atomic_requests where ATOMIC_REQUESTS is on."
        )


def _same_mode(account: ProviderAccount, mode: str) -> None:
    if accounts.of(account).config.mode != mode:
        raise Misconfigured("The account has changed its mode since this was begun.", code="mode_mismatch")


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
            asked = _bounded(provider_requests.look_up_refund(payment, refund_of(operation)), operation)
            return provider.look_up_refund(asked)
        return provider.look_up(_bounded(provider_requests.look_up(payment), operation))
    except Refused as error:
        raise OutcomeUnknown(error.message, code="look_up_refused", provider_code=error.provider_code) from error


def knows_key(operation: Operation) -> bool:
    """Whether the provider still honours the operation's key; without a key window nothing is sent twice (I13)."""
    if operation.first_sent_at is None:
        return False
    window_s = provider_of(operation.payment.account).capabilities.key_window_s
    return timezone.now() - operation.first_sent_at < timedelta(seconds=window_s)


def ask(
    payment: Payment, *, source: Source, webhook_event_id: UUID | None = None, named: LookUp | None = None
) -> Verdict:
    """Look a payment up and apply what the provider says. No transaction may be open.

    Args:
        named: by which names a notice tells of it, for those that are not known yet.

    Raises:
        Unsupported: the provider has no look-up. ProviderError: it could not be asked.
    """
    _outside_transactions()
    provider = provider_of(payment.account)
    provider.require("look_up")
    with _heeding(payment.account):
        found = provider.look_up(provider_requests.look_up(payment, named))
    told = Told(source=source, account=payment.account, webhook_event_id=webhook_event_id)
    verdict = Verdict.UNMATCHED if found is None else facts.apply(found, payment.account, told)
    if payment.look_up_at is not None:  # what was hinted has been asked, and the answer is in the books
        Payment.objects.filter(pk=payment.pk, look_up_at=payment.look_up_at).update(look_up_at=None)
    return verdict


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
    except ProviderError as error:
        answer = said(error)
        if isinstance(answer, Throttled):
            accounts.pause(account, answer.retry_after_s or backoff_s(1))
        if isinstance(answer, Misconfigured):
            accounts.mark_unhealthy(account, answer.code)
        raise


def ask_by_name(account: ProviderAccount, notice: LookUp, *, source: Source, webhook_event_id: UUID) -> Verdict | None:
    """Look up the payment a notice names; unmatched when the hub does not know it, None when it is none of the hub's.

    Raises:
        ProviderError: it could not be asked.
    """
    payment = payment_named(account, notice)
    if payment is None:
        named = resolve(account, notice)
        if named is None:
            return None
        payment = payment_named(account, named)
    if payment is None:
        return Verdict.UNMATCHED
    return ask(payment, source=source, webhook_event_id=webhook_event_id, named=notice)


def resolve(account: ProviderAccount, named: LookUp) -> LookUp | None:
    """By which names the hub may know what a notice names by an object it does not; None: it is none of the hub's."""
    _outside_transactions()
    with _heeding(account):
        return provider_of(account).resolve(named)


def payment_named(account: ProviderAccount, named: LookUp | ReturnVisit) -> Payment | None:
    """The payment of this account that a notice or a returning browser names."""
    return facts.find_by_names(
        account,
        reference=named.reference,
        provider_payment_id=named.provider_payment_id,
        provider_session_id=named.provider_session_id,
    )


# -- customers and saved methods --------------------------------------------------------------------------------------


def create_customer(row: Customer, *, recovering: bool) -> str:
    """Make the provider's customer; its id, "" where the provider makes it while a method is saved."""
    request = method_requests.customer(row, recovering=recovering)
    return _asked(row, lambda provider: provider.create_customer(request))


def save_method(row: PaymentMethod) -> MethodResult:
    """Keep a claimed method, or begin to."""
    return _asked(row, lambda provider: provider.save_method(method_requests.save(row)))


def finish_method(row: PaymentMethod) -> MethodResult:
    """How the saving of a claimed method stands."""
    return _asked(row, lambda provider: provider.finish_method(method_requests.finish(row)))


def find_method(row: PaymentMethod) -> MethodResult:
    """What the provider knows of a saving by our reference alone; a refused question says nothing about it (I7)."""
    try:
        return finish_method(row)
    except Refused as error:
        raise OutcomeUnknown(error.message, code="look_up_refused", provider_code=error.provider_code) from error


def cancel_setup(row: PaymentMethod) -> MethodResult:
    """Give up the saving of a claimed method; how it stands then."""
    return _asked(row, lambda provider: provider.cancel_setup(method_requests.finish(row)))


def list_methods(row: Customer) -> tuple[MethodFact, ...]:
    """Every method the provider keeps for this customer; none for one it has not made."""
    token = row.provider_customer_id
    return _asked(row, lambda provider: provider.list_methods(token)) if token else ()


def detach_method(row: PaymentMethod) -> None:
    """Let the provider forget a claimed method."""
    _asked(row, lambda provider: provider.detach_method(method_requests.detach(row)))


def _asked(row: Customer | PaymentMethod, step: Callable[[AnyProvider], _Answer]) -> _Answer:
    """Call a provider about a row of this account. No transaction may be open.

    Raises:
        ProviderError: what is known without an answer; what it says of the whole account counts for that.
    """
    _outside_transactions()
    _same_mode(row.account, row.mode)
    with _heeding(row.account), _only_provider_errors(row.pk):
        return step(provider_of(row.account))
