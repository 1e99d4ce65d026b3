"""Recording a new payment: what it may be for, and its row with its first operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone
from moneyed import Money

from django_payments_hub.conf import hub_settings
from django_payments_hub.domain.money import to_minor
from django_payments_hub.domain.payable import UserKey
from django_payments_hub.domain.statuses import (
    CaptureMethod,
    Flow,
    MethodKind,
    Mode,
    OperationKind,
    PaymentStatus,
    Source,
    Stage,
)
from django_payments_hub.exceptions import Conflict, InvalidInput, RuleViolation
from django_payments_hub.models import Customer, Operation, OrderRef, Payment, PaymentMethod
from django_payments_hub.models.base import new_id
from django_payments_hub.provider_kit.base import BaseProvider
from django_payments_hub.services import accounts, credentials, method_use, operations, orders
from django_payments_hub.services.books import Books, Told
from django_payments_hub.services.facts import stored_next_action
from django_payments_hub.services.locking import again_as_victim
from django_payments_hub.services.orders import Terms
from django_payments_hub.services.proofs import NATIONAL_ID

OnCommit = Callable[[UUID], None]
"""Called with the new row's id inside the transaction that makes it; raising undoes the transaction."""

IN_PROGRESS = "payment_in_progress"

ABANDONABLE = (PaymentStatus.PENDING, PaymentStatus.REQUIRES_ACTION)
"""Statuses in which a payment waits for a customer who may never come back."""


@dataclass(frozen=True, kw_only=True)
class NewPayment:
    """What to pay and how.

    Args:
        account: alias of the account.
        terms: the order, from `orders.terms_of`; None for a payment without an order, which then needs `amount`.
        amount: Money or a decimal in the order's currency; None for all that is still open.
        user: who pays; None for a guest. actor: who asks, when that is somebody else (staff).
        flow: None for the provider's own first choice. method_kind: what the customer wants to pay with.
        method_token: the provider's token of the method, for the token flow.
        payment_method: a saved method of the user's to pay with, in the token flow; needs no token.
        save_method: the user asked to keep the method paid with.
        off_session: the customer is not there; what needs him is declined (`authentication_required`).
        defer: only record it; `process` starts it.
    """

    account: str
    terms: Terms | None = None
    amount: Money | str | None = None
    currency: str = ""
    user: AbstractBaseUser | None = None
    actor: AbstractBaseUser | None = None
    flow: Flow | None = None
    method_kind: MethodKind | None = None
    capture_method: CaptureMethod = CaptureMethod.AUTOMATIC
    method_token: str = field(default="", repr=False)
    payment_method: PaymentMethod | None = None
    save_method: bool = False
    off_session: bool = False
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    payer: Mapping[str, str] = field(default_factory=dict, repr=False)
    return_url: str = ""
    cancel_url: str = ""
    defer: bool = False


@dataclass(frozen=True, kw_only=True)
class NewRecord:
    """A new payment with what was looked up for it. `withdrawn`: what could be paid beside it was dealt with."""

    wanted: NewPayment
    account: accounts.Account
    provider: BaseProvider[Any]
    currency: str
    flow: Flow
    customer: Customer | None = None
    on_commit: OnCommit | None = None
    withdrawn: bool = False


def record(new: NewRecord) -> tuple[Payment, Operation | None]:
    """Write the payment and, unless it is deferred, its first operation; commits.

    Raises:
        Conflict: `payment_in_progress`, also where an earlier payment of the order can still be paid at its provider.
        InvalidInput, RuleViolation: the amount is not the order's.
    """
    return again_as_victim(lambda: _commit(new))


def _commit(new: NewRecord) -> tuple[Payment, Operation | None]:
    with transaction.atomic(durable=True):
        payment = _write(new)
        operation = (
            None if new.wanted.defer else open_pay(payment, {**_parameters(new), **method_use.parameters(payment)})
        )
        if new.on_commit is not None:
            new.on_commit(payment.pk)
    return payment, operation


def still_payable() -> Q:
    """Payments that a customer could still pay: those that wait, and declined ones whose object lives on."""
    return Q(status__in=[status.value for status in ABANDONABLE]) | _declined_but_alive()


def _declined_but_alive() -> Q:
    """The order does not count them any more, yet a browser that kept their client secret could pay them."""
    return Q(status=PaymentStatus.FAILED.value, stage=Stage.DECLINED.value, provider_payment_id__isnull=False)


def _write(new: NewRecord) -> Payment:
    wanted, mode = new.wanted, new.account.config.mode
    order_ref = _order_ref(new, mode)
    method = method_use.locked_method(wanted.payment_method)
    payment_id = new_id()
    payment = Payment(
        id=payment_id,
        account=new.account.row,
        mode=mode.value,
        order_ref=order_ref,
        owner_id=order_ref.user_id if order_ref else None,
        customer=new.customer,
        payment_method=method,
        user_id=key_of(wanted.user),  # type: ignore[misc]  # a host's user may have a UUID key
        amount_minor=_amount_minor(wanted, order_ref, new.currency),
        currency=new.currency,
        flow=new.flow.value,
        capture_method=wanted.capture_method.value,
        method_kind=_method_kind(wanted, method),
        reference=new.provider.make_reference(str(payment_id)),
        description=wanted.description or (wanted.terms.payable.description if wanted.terms else ""),
        metadata=dict(wanted.metadata),
        payer=_payer(wanted),
        return_url=wanted.return_url,
        cancel_url=wanted.cancel_url,
        next_action=None if wanted.defer else _meanwhile(new.provider, new.flow, wanted.method_kind),
        expires_at=timezone.now() + timedelta(seconds=_expiry_s(new)),
    )
    books = Books(payment, told_by(wanted.actor or wanted.user), created=True)
    books.close()
    return payment


def _method_kind(wanted: NewPayment, method: PaymentMethod | None) -> str:
    if method is not None:
        return method.kind
    return wanted.method_kind.value if wanted.method_kind else ""


def _expiry_s(new: NewRecord) -> int:
    own = new.provider.expiry_s(flow=new.flow, method_kind=new.wanted.method_kind)
    return hub_settings().payment_expiry_s if own is None else own


def begin(payment: Payment, provider: BaseProvider[Any], method_kind: MethodKind | None) -> None:
    """What a payment that was only recorded gets when it is started: its next action, and the time there is for it."""
    flow = Flow(payment.flow)
    payment.next_action = _meanwhile(provider, flow, method_kind)
    own_s = provider.expiry_s(flow=flow, method_kind=method_kind)
    if own_s is not None:
        payment.expires_at = timezone.now() + timedelta(seconds=own_s)


def _meanwhile(provider: BaseProvider[Any], flow: Flow, method_kind: MethodKind | None) -> dict[str, object] | None:
    """What the customer has to do while the worker makes the call: approve on his phone."""
    action = provider.meanwhile(flow=flow, method_kind=method_kind)
    return stored_next_action(action) if action is not None else None


def _order_ref(new: NewRecord, mode: Mode) -> OrderRef | None:
    if new.wanted.terms is None:
        return None
    order_ref, made_now = orders.locked_ref(new.wanted.terms, mode)
    if not made_now and not new.withdrawn and order_ref.payments.filter(_declined_but_alive()).exists():
        raise _in_progress()
    return order_ref


def _payer(wanted: NewPayment) -> dict[str, str]:
    """The payer as it is kept: a national id goes with the operation, and goes when that is over."""
    payer = {name: value for name, value in wanted.payer.items() if name != NATIONAL_ID and value}
    if wanted.terms and wanted.terms.payable.email:
        payer.setdefault("email", wanted.terms.payable.email)
    return payer


def _amount_minor(wanted: NewPayment, order_ref: OrderRef | None, currency: str) -> int:
    given = None if wanted.amount is None else to_minor(wanted.amount, currency)
    if order_ref is None or wanted.terms is None:
        if given is None:
            raise InvalidInput("A payment without an order needs an amount.", field="amount", code="invalid_amount")
        return given
    due_minor = order_ref.total_minor - order_ref.active_minor + _waiting_minor(order_ref)
    if due_minor <= 0:
        raise RuleViolation("The order is paid.", code="order_already_paid")
    wanted_minor = _judged(given, due_minor, order_ref.open_minor, partial=wanted.terms.payable.allow_partial)
    if wanted_minor > order_ref.open_minor:
        raise _in_progress()
    return wanted_minor


def _judged(given: int | None, due_minor: int, open_minor: int, *, partial: bool) -> int:
    """The amount to pay of an order. Judged by what is due, so that a wrong one withdraws nothing."""
    if given is None:
        return open_minor if partial and open_minor else due_minor
    if given > due_minor:
        raise RuleViolation("The amount is more than is due of the order.", code="amount_exceeds_order")
    if given != due_minor and not partial:
        raise RuleViolation("The amount is not the order's.", code="amount_mismatch")
    return given


def _waiting_minor(order_ref: OrderRef) -> int:
    """What payments take up of the order that have brought nothing yet: due, but not open while they can be paid."""
    if not order_ref.active_minor:
        return 0
    waiting = [*(status.value for status in ABANDONABLE), PaymentStatus.PROCESSING.value]
    return order_ref.payments.filter(status__in=waiting).aggregate(total=Sum("amount_minor"))["total"] or 0


def _in_progress() -> Conflict:
    return Conflict("Another payment of this order is under way.", code=IN_PROGRESS)


def open_pay(payment: Payment, parameters: dict[str, object]) -> Operation:
    return operations.open_operation(
        payment, OperationKind.PAY, amount_minor=payment.amount_minor, parameters=parameters, claimed=True
    )


def _parameters(new: NewRecord) -> dict[str, object]:
    """What the call needs beyond the payment's row; the secret part is dropped when the operation is over.

    A national id is kept where a call takes one, and encrypted.
    """
    wanted = new.wanted
    national_id = wanted.payer.get(NATIONAL_ID, "") if new.provider.capabilities.national_id else ""
    return {
        **({NATIONAL_ID: credentials.seal(national_id)} if national_id else {}),
        "method_token": wanted.method_token,
        "method_kind": wanted.method_kind.value if wanted.method_kind else "",
        "off_session": wanted.off_session,
    }


def key_of(person: AbstractBaseUser | None) -> UserKey:
    return person.pk if person is not None else None


def told_by(actor: AbstractBaseUser | None) -> Told:
    return Told(source=Source.OPERATOR if actor is not None else Source.SYSTEM, actor_id=key_of(actor))
