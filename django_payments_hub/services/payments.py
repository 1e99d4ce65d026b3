"""Payments: create, process, confirm, capture, cancel, sync.

Each use case decides under lock, commits, and only then lets `provider_calls` speak to the provider. Each returns the
payment as it then stands; a decline is a payment with status `failed`, an outcome nobody knows one in `processing`.
"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction
from moneyed import Money

from django_payments_hub.conf import hub_settings
from django_payments_hub.domain.money import currency_code, to_minor
from django_payments_hub.domain.statuses import (
    Flow,
    MethodKind,
    OperationKind,
    OperationState,
    PaymentStatus,
    Source,
    Stage,
)
from django_payments_hub.exceptions import (
    ConfigurationError,
    Conflict,
    InvalidInput,
    ProviderError,
    RequestError,
    RuleViolation,
)
from django_payments_hub.models import Operation, Payment
from django_payments_hub.provider_kit.types import Payer
from django_payments_hub.services import accounts, giving_up, method_use, operations, orders, provider_calls
from django_payments_hub.services.books import Books, open_books
from django_payments_hub.services.locking import read_payment
from django_payments_hub.services.new_payments import (
    ABANDONABLE,
    IN_PROGRESS,
    NewPayment,
    NewRecord,
    OnCommit,
    begin,
    key_of,
    open_pay,
    record,
    still_payable,
    told_by,
)
from django_payments_hub.services.orders import Terms
from django_payments_hub.services.proofs import finish
from django_payments_hub.services.vouching import checked_reason

__all__ = ["NewPayment", "OnCommit", "cancel", "capture", "confirm", "create", "process", "sync"]

_ENDED = (PaymentStatus.CANCELLED, PaymentStatus.EXPIRED, PaymentStatus.REFUNDED)


def create(wanted: NewPayment, *, on_commit: OnCommit | None = None) -> Payment:
    """Record a payment and, unless deferred, start it at its provider.

    Raises:
        NotFound: `unknown_account`, `inactive_account`; `unknown_payment_method`, it is not the payer's, or not active.
        Unsupported: what the provider does not declare.
        InvalidInput: `invalid_phone`, `invalid_national_id`: the provider needs to know more of the payer.
        InvalidInput, RuleViolation: an amount that is not the order's, `order_already_paid`.
        Conflict: `payment_in_progress`, another payment of the order is under way.
        ProviderError: the provider's customer, whose method is to be saved, could not be made; nothing is recorded.
    """
    account = accounts.get(wanted.account)
    provider = provider_calls.provider_of(account.row)
    currency = wanted.terms.currency if wanted.terms else currency_code(wanted.currency)
    has_token = bool(wanted.method_token) or wanted.payment_method is not None
    flow = wanted.flow or provider.default_flow(has_token=has_token)
    provider.supports(
        flow=flow, currency=currency, capture_method=wanted.capture_method, method_kind=wanted.method_kind
    )
    provider.check_payer(Payer(**wanted.payer), flow=flow, method_kind=wanted.method_kind)
    if flow is Flow.TOKEN and not has_token and not wanted.defer:
        raise InvalidInput("The token flow needs a payment method's token.", field="payment_method_token")
    if flow is Flow.HOSTED and not hub_settings().public_url:
        raise ConfigurationError("The hosted flow needs PUBLIC_URL to come back to.", code="public_url_missing")
    if wanted.off_session and (wanted.defer or wanted.save_method):
        # Nothing would remember it: the one who starts the payment later could be asked for a customer who is away. And
        # who is away does not ask to keep his method.
        raise InvalidInput("A payment without the customer is started at once, and saves nothing.", field="off_session")
    if wanted.terms:
        accounts.refuse_play_money(account)
    customer = method_use.customer_for(
        account,
        method=wanted.payment_method,
        save=wanted.save_method,
        user=wanted.user,
        method_token=wanted.method_token,
        flow=flow,
    )
    start = NewRecord(
        wanted=wanted,
        account=account,
        provider=provider,
        currency=currency,
        flow=flow,
        customer=customer,
        on_commit=on_commit,
    )
    try:
        payment, operation = record(start)
    except Conflict as conflict:
        if not wanted.terms or conflict.code != IN_PROGRESS:
            raise
        _withdraw_left(wanted.terms)
        payment, operation = record(replace(start, withdrawn=True))
    if operation is None:
        return payment
    return operations.send(operation, actor_id=key_of(wanted.actor or wanted.user))


def process(
    payment_id: UUID,
    *,
    method_token: str = "",
    actor: AbstractBaseUser | None = None,
    on_commit: OnCommit | None = None,
) -> Payment:
    """Start a payment that was only recorded.

    Raises:
        RuleViolation: `not_pending`; `order_changed`, `order_not_payable`. NotFound: `inactive_account`.
        InvalidInput: as `create`; a national id is not kept with what is only recorded.
    """
    payment = read_payment(payment_id)
    provider = provider_calls.provider_of(accounts.get(payment.account.alias).row)
    kind = MethodKind(payment.method_kind) if payment.method_kind else None
    provider.check_payer(Payer(**payment.payer), flow=Flow(payment.flow), method_kind=kind)
    orders.require_unchanged(payment)
    with open_books(payment_id, told_by(actor), durable=True) as books:
        payment = books.payment
        if payment.status != PaymentStatus.PENDING or payment.stage != Stage.OPEN or _was_started(payment):
            raise RuleViolation("The payment has been started already.", code="not_pending")
        if payment.flow == Flow.TOKEN and not method_token and payment.payment_method_id is None:
            raise InvalidInput("The token flow needs a payment method's token.", field="payment_method_token")
        means = method_use.parameters_to_start(payment, method_token)
        begin(payment, provider, kind)
        operation = open_pay(payment, {**means, "method_kind": payment.method_kind})
        if on_commit is not None:
            on_commit(payment.pk)
    return operations.send(operation, actor_id=key_of(actor))


def confirm(
    payment_id: UUID,
    *,
    method_token: str = "",
    actor: AbstractBaseUser | None = None,
    on_commit: OnCommit | None = None,
) -> Payment:
    """Try a payment that waits for a method or for the customer.

    Raises:
        RuleViolation: `not_confirmable`; `order_changed`, `order_not_payable`. Conflict: `operation_in_progress`.
        InvalidInput: a token beside the saved method the payment is made with.
    """
    orders.require_unchanged(read_payment(payment_id))
    with open_books(payment_id, told_by(actor), durable=True) as books:
        payment = books.payment
        if payment.status not in ABANDONABLE or not _can_be_confirmed(payment):
            raise RuleViolation("The payment does not wait for a confirmation.", code="not_confirmable")
        method_use.refuse_token_beside(payment, method_token)
        # What the payment looked like before proves nothing about this try, should its answer be lost.
        parameters: dict[str, object] = {"method_token": method_token, "stage_before": payment.stage}
        operation = _open_exclusive(books, OperationKind.CONFIRM, payment.amount_minor, parameters)
        if on_commit is not None:
            on_commit(payment.pk)
    return operations.send(operation, actor_id=key_of(actor))


def capture(
    payment_id: UUID,
    *,
    amount: Money | str | None = None,
    final: bool = True,
    actor: AbstractBaseUser | None = None,
    on_commit: OnCommit | None = None,
) -> Payment:
    """Take held money, all of it unless an amount is given; the rest is released unless `final` is False.

    Raises:
        RuleViolation: `not_capturable`, `amount_exceeds_capturable`. Unsupported. Conflict: `operation_in_progress`.
    """
    with open_books(payment_id, told_by(actor), durable=True) as books:
        payment = books.payment
        provider = provider_calls.provider_of(payment.account)
        if payment.capturable_minor <= 0:
            raise RuleViolation("Nothing of this payment can be captured.", code="not_capturable")
        minor = payment.capturable_minor if amount is None else to_minor(amount, payment.currency)
        if minor > payment.capturable_minor:
            raise RuleViolation("More than is held cannot be captured.", code="amount_exceeds_capturable")
        if minor < payment.capturable_minor:
            provider.require("partial_capture" if final else "several_captures")
        parameters: dict[str, object] = {"final": final, "captured_after_minor": payment.captured_minor + minor}
        operation = _open_exclusive(books, OperationKind.CAPTURE, minor, parameters)
        if on_commit is not None:
            on_commit(payment.pk)
    return operations.send(operation, actor_id=key_of(actor))


def cancel(
    payment_id: UUID,
    *,
    reason: str = "",
    actor: AbstractBaseUser | None = None,
    on_commit: OnCommit | None = None,
) -> Payment:
    """Void what is held, or withdraw what was never paid. What the provider never heard of is withdrawn here alone.

    Raises:
        RuleViolation: `not_cancellable`, `card_number_refused`. Conflict: `operation_in_progress`;
            `payment_in_progress`, the customer was led to the till just now. ProviderError: what waits for its form is
            asked about first.
    """
    reason = checked_reason(reason)
    if giving_up.can_be_given_up(read_payment(payment_id)):
        return giving_up.give_up(payment_id, Stage.CANCELLED, told_by(actor), reason=reason, on_commit=on_commit)
    with open_books(payment_id, told_by(actor), durable=True) as books:
        operation = _open_cancel(books, reason)
        if on_commit is not None:
            on_commit(books.payment.pk)
    if operation is None:
        return books.payment
    return operations.send(operation, actor_id=key_of(actor))


def _open_cancel(books: Books, reason: str) -> Operation | None:
    """The call that withdraws the payment; None where nothing was ever sent, and it ends here alone."""
    payment = books.payment
    if payment.captured_minor > 0 or payment.status in _ENDED:
        raise RuleViolation("The payment can no longer be cancelled.", code="not_cancellable")
    payment.cancel_reason = reason
    unsent = [row for row in books.operations if row.state == OperationState.CREATED and not row.in_doubt]
    for operation in unsent:
        finish(operation, OperationState.FAILED, error_code="cancelled")
    if not _known_to_provider(payment) and len(unsent) == len(books.operations):
        books.end(Stage.CANCELLED)
        return None
    provider_calls.provider_of(payment.account).require("cancel")
    books.operations[:] = [row for row in books.operations if row not in unsent]
    return _open_exclusive(books, OperationKind.CANCEL, payment.amount_minor, {})


def sync(payment_id: UUID) -> Payment:
    """Ask the provider how the payment stands and apply it; raises Unsupported or ProviderError."""
    payment = read_payment(payment_id)
    if _known_to_provider(payment) or _was_started(payment):
        provider_calls.ask(payment, source=Source.LOOK_UP)
    return read_payment(payment_id)


def _withdraw_left(terms: Terms) -> None:
    """A new try first withdraws what the customer left, at its provider, so that only one can be paid."""
    left = Payment.objects.filter(
        order_ref__content_type_id=terms.content_type_id, order_ref__object_id=terms.object_id
    ).filter(still_payable())
    for payment_id in left.values_list("pk", flat=True):
        try:
            cancel(payment_id, reason="abandoned")
        except (RequestError, ProviderError):
            # It moved on meanwhile, or cannot be withdrawn now; whether there is room is judged under lock.
            continue


# -- operations -------------------------------------------------------------------------------------------------------


def _open_exclusive(books: Books, kind: OperationKind, amount_minor: int, parameters: dict[str, object]) -> Operation:
    if books.operations:
        raise Conflict("Another operation on this payment is under way.", code="operation_in_progress")
    try:
        with transaction.atomic():
            return operations.open_operation(
                books.payment, kind, amount_minor=amount_minor, parameters=parameters, claimed=True
            )
    except IntegrityError:
        raise Conflict("Another operation on this payment is under way.", code="operation_in_progress") from None


def _can_be_confirmed(payment: Payment) -> bool:
    """Whether there is something to try: an object of the provider's, or a page whose approval the hub confirms.

    In the direct flow the customer gives nothing here that could be tried.
    """
    if payment.flow == Flow.DIRECT:
        return False
    if payment.provider_payment_id:
        return True
    return (
        bool(payment.provider_session_id) and provider_calls.provider_of(payment.account).capabilities.confirms_approved
    )


def _known_to_provider(payment: Payment) -> bool:
    return bool(payment.provider_payment_id or payment.provider_session_id)


def _was_started(payment: Payment) -> bool:
    return payment.operations.exists()
