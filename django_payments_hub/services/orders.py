"""The host's orders: what they cost, whose they are, and telling them of their payments."""

from __future__ import annotations

import hashlib
import hmac
import logging
from dataclasses import dataclass

from django.apps import apps
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models.deletion import ProtectedError
from django.db.models.signals import pre_delete

from django_payments_hub.conf import SETTING, hub_settings
from django_payments_hub.domain.money import to_minor
from django_payments_hub.domain.payable import Payable
from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import ConfigurationError, NotFound, RuleViolation
from django_payments_hub.models import OrderRef, Payment

logger = logging.getLogger("django_payments_hub.orders")


@dataclass(frozen=True, kw_only=True)
class Terms:
    """An order that may be paid now, with its price in minor units."""

    content_type_id: int
    object_id: str
    payable: Payable
    total_minor: int
    currency: str

    @property
    def guest_token_hash(self) -> str:
        """What is kept of the guest's token."""
        return hash_guest_token(self.payable.guest_token)


def order_model() -> type[models.Model]:
    """The host's order model; raises ConfigurationError(`order_model_missing`)."""
    path = hub_settings().order_model
    try:
        return apps.get_model(path)
    except (LookupError, ValueError):
        raise ConfigurationError(
            f"{SETTING}['ORDER_MODEL'] is {path!r}, which is no installed model; name it as 'app.Model'.",
            code="order_model_missing",
        ) from None


def find_order(order_id: str) -> models.Model:
    """The order of this id; raises NotFound(`unknown_order`)."""
    try:
        return order_model()._default_manager.get(pk=order_id)
    except (ObjectDoesNotExist, ValueError, TypeError, ValidationError, OverflowError):
        raise NotFound("There is no such order.", code="unknown_order") from None


def terms_of(order: models.Model, user: AbstractBaseUser | None, *, guest_token: str = "") -> Terms:
    """What this user or guest is to pay for the order.

    Raises:
        NotFound: `unknown_order`, for an order that is not this person's to pay: it looks like one that is not there.
        RuleViolation: `order_not_payable` when its price is zero.
    """
    payable = order.payable(user)  # type: ignore[attr-defined]
    if payable is None or (user is None and not guest_token_fits(guest_token, hash_guest_token(payable.guest_token))):
        raise NotFound("There is no such order.", code="unknown_order")
    if payable.amount.amount <= 0:
        raise RuleViolation("There is nothing to pay for this order.", code="order_not_payable")
    currency = payable.amount.currency.code
    return Terms(
        content_type_id=ContentType.objects.get_for_model(order).pk,
        object_id=str(order.pk),
        payable=payable,
        total_minor=to_minor(payable.amount, currency),
        currency=currency,
    )


def hash_guest_token(token: str) -> str:
    """SHA-256 in hex; "" for no token."""
    return hashlib.sha256(token.encode()).hexdigest() if token else ""


def guest_token_fits(token: str, token_hash: str) -> bool:
    """Whether a guest's token is the order's; an order without a token is closed to guests."""
    if not token or not token_hash:
        return False
    return hmac.compare_digest(hash_guest_token(token).encode(), token_hash.encode())


def locked_ref(terms: Terms, mode: Mode) -> tuple[OrderRef, bool]:
    """The order's OrderRef under lock and whether it was made now; what the order says is brought up to date in it.

    The caller writes it. Inside a transaction.
    """
    known = _locked(terms)
    found = known or _made(terms, mode) or _locked(terms)
    if found is None:
        raise NotFound("There is no such order.", code="unknown_order")
    if found.active_minor and found.currency != terms.currency:
        raise RuleViolation("The order has payments in another currency.", code="currency_mismatch")
    if found.active_minor and found.mode != mode:
        raise RuleViolation("The order has payments of the other mode.", code="order_mode_mismatch")
    found.currency, found.total_minor, found.mode = terms.currency, terms.total_minor, mode.value
    found.user_id, found.guest_token_hash = terms.payable.owner_id, terms.guest_token_hash  # type: ignore[assignment]
    return found, known is None


def _made(terms: Terms, mode: Mode) -> OrderRef | None:
    """A new row, which nobody else can see or lock before the commit; None when somebody was faster."""
    try:
        with transaction.atomic():
            return OrderRef.objects.create(
                content_type_id=terms.content_type_id,
                object_id=terms.object_id,
                user_id=terms.payable.owner_id,  # type: ignore[misc]  # a host's user may have a UUID key
                guest_token_hash=terms.guest_token_hash,
                mode=mode.value,
                currency=terms.currency,
                total_minor=terms.total_minor,
            )
    except IntegrityError:
        return None


def _locked(terms: Terms) -> OrderRef | None:
    return (
        OrderRef.objects.select_for_update()
        .filter(content_type_id=terms.content_type_id, object_id=terms.object_id)
        .first()
    )


def tell_order(payment: Payment) -> bool:
    """Call the order's `on_payment_update(payment)` in a savepoint, the order locked. Inside the transaction.

    Returns False when it raised: the fact stands, and the call is to be repeated by a durable event.
    """
    if payment.order_ref is None:
        return True
    try:
        with transaction.atomic():
            call_order(payment)
    except Exception:
        logger.exception("on_payment_update failed for payment %s; it will be repeated.", payment.pk)
        return False
    return True


def call_order(payment: Payment) -> None:
    """Call the order's hook where it has one; whatever it raises goes through."""
    if payment.order_ref is None:
        return
    model = ContentType.objects.get_for_id(payment.order_ref.content_type_id).model_class()
    if model is None or not hasattr(model, "on_payment_update"):
        return
    order = model._default_manager.select_for_update().get(pk=payment.order_ref.object_id)
    order.on_payment_update(payment)


def payments_of(order: models.Model) -> models.QuerySet[Payment]:
    """All payments of an order, newest first."""
    return Payment.objects.filter(
        order_ref__content_type=ContentType.objects.get_for_model(order), order_ref__object_id=str(order.pk)
    )


def guard_deletion() -> None:
    """Refuse to delete an order that has payments (I15)."""
    path = hub_settings().order_model
    if path:
        apps.lazy_model_operation(_guard, tuple(path.lower().split(".", 1)))


def _guard(model: type[models.Model]) -> None:
    pre_delete.connect(_refuse_deletion, sender=model, dispatch_uid=f"payments_hub.guard.{model._meta.label}")


def _refuse_deletion(*, instance: models.Model, **_: object) -> None:
    kept: set[models.Model] = set(payments_of(instance)[:10])
    if kept:
        raise ProtectedError(f"{instance} has payments: it is kept.", kept)


def owner_filter(user_id: object) -> models.Q:
    """Payments a user owns: his own, and those of his orders."""
    return models.Q(user_id=user_id) | models.Q(owner_id=user_id)


def require_unchanged(payment: Payment) -> None:
    """Refuse to go on with a payment whose order is no longer what it was made for (F51).

    Raises:
        RuleViolation: `order_changed`, another price or currency; `order_not_payable`, no longer his to pay.
    """
    order_ref = payment.order_ref
    if order_ref is None:
        return
    model = ContentType.objects.get_for_id(order_ref.content_type_id).model_class()
    order = model._default_manager.filter(pk=order_ref.object_id).first() if model else None
    payable = _payable_of(order, payment) if order is not None else None
    if payable is None:
        raise RuleViolation("The order can no longer be paid.", code="order_not_payable")
    currency = payable.amount.currency.code
    if currency != order_ref.currency or to_minor(payable.amount, currency) != order_ref.total_minor:
        raise RuleViolation("The order has changed since; make a new payment.", code="order_changed")


def _payable_of(order: models.Model, payment: Payment) -> Payable | None:
    """As its payer may pay it; who brought a guest's token when he had logged in pays as that guest."""
    own: Payable | None = order.payable(payment.user)  # type: ignore[attr-defined]
    if own is not None or payment.user is None or payment.order_ref is None:
        return own
    as_guest: Payable | None = order.payable(None)  # type: ignore[attr-defined]
    token_hash = payment.order_ref.guest_token_hash
    is_his = as_guest is not None and guest_token_fits(as_guest.guest_token, token_hash)
    return as_guest if is_his else None
