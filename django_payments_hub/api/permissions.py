"""Who sees which payments, and what he may do with them.

A project changes this by naming a subclass in `PAYMENTS_HUB["ACCESS_POLICY"]`. A marketplace, for example:

```python
class SellerPolicy(DefaultAccessPolicy):
    def visible_payments(self, actor):
        own = super().visible_payments(actor)
        if actor.user is None:
            return own
        sold = [str(pk) for pk in Order.objects.filter(seller=actor.user).values_list("pk", flat=True)]
        return own | Payment.objects.filter(order_ref__object_id__in=sold)

    def may(self, actor, action, payment=None):
        if action in {"capture", "refund"} and payment and self.is_seller(actor, payment):
            return True
        return super().may(actor, action, payment)

    def hidden_fields(self, actor, payment):
        hidden = super().hidden_fields(actor, payment)
        return hidden | {"method"} if self.is_seller(actor, payment) else hidden

    def is_seller(self, actor, payment):
        if actor.user is None or payment.order_ref is None:
            return False
        return Order.objects.filter(pk=payment.order_ref.object_id, seller=actor.user).exists()
```

Ask the project's own rows who may do what, such as the order. Never the payment's `metadata`, `description` or payer:
the one who pays writes them, and would write himself the right to a refund.

What an actor does not see is answered like what is not there (404); what he sees but may not do with 403.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Q, QuerySet
from django.utils.module_loading import import_string

from django_payments_hub.conf import hub_settings
from django_payments_hub.exceptions import ConfigurationError
from django_payments_hub.models import Payment, PaymentMethod, Refund
from django_payments_hub.services import orders

OWNER_ACTIONS = frozenset({"view", "process", "confirm", "sync", "explain"})
"""What a customer, or a guest with the order's token, may do with his own payment."""

STARTING_ACTIONS = frozenset({"process", "confirm"})
"""Those of them that charge somebody."""

STAFF_ACTIONS = {
    "view": "view_payment",
    "explain": "view_payment",
    "logs": "view_transactionlog",
    "process": "add_payment",
    "confirm": "add_payment",
    "sync": "sync_payment",
    "capture": "capture_payment",
    "cancel": "cancel_payment",
    "refund": "refund_payment",
    "receipt": "receive_payment",
    "proof": "prove_refund",
    "surplus": "prove_refund",
    "create_without_order": "add_payment",
}
"""The permission of `payments_hub` that staff needs for each action."""

METHOD_STAFF_ACTIONS = {
    "view": "view_paymentmethod",
    "delete": "delete_paymentmethod",
    "save_for_customer": "add_paymentmethod",
}
"""The permission of `payments_hub` that staff needs for each action on a customer's saved method."""

STAFF_FIELDS = frozenset(
    {
        "provider_payment_id",
        "provider_session_id",
        "provider_refund_id",
        "provider_code",
        "attention_code",
        "surplus",
        "payer",
        "operations",
    }
)
"""Fields of answers that only staff sees."""


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who asks: a user, a guest with an order's token, or both."""

    user: AbstractBaseUser | None = None
    guest_token: str = field(default="", repr=False)

    @property
    def user_id(self) -> object | None:
        """The user's primary key; None for a guest."""
        return self.user.pk if self.user else None

    @property
    def is_known(self) -> bool:
        """Whether there is anything to go by."""
        return self.user is not None or bool(self.guest_token)

    @property
    def guest_token_hash(self) -> str:
        """What is kept of the guest's token."""
        return orders.hash_guest_token(self.guest_token)

    def has_staff_permission(self, name: str) -> bool:
        """Whether this is a member of staff with a permission of `payments_hub`."""
        # A host's user model need not have Django's permissions.
        has_perm = getattr(self.user, "has_perm", None)
        return bool(getattr(self.user, "is_staff", False) and has_perm and has_perm(f"payments_hub.{name}"))


class DefaultAccessPolicy:
    """Customers and guests their own payments, staff by Django's permissions."""

    def visible_payments(self, actor: Actor) -> QuerySet[Payment]:
        """The payments this actor sees: staff with `view_payment` all, others their own and those of their orders."""
        if actor.has_staff_permission("view_payment"):
            return Payment.objects.all()
        own = Q(pk__in=())
        if actor.user is not None:
            own |= orders.owner_filter(actor.user_id)
        if actor.guest_token:
            own |= Q(order_ref__guest_token_hash=actor.guest_token_hash)
        return Payment.objects.filter(own)

    def visible_refunds(self, actor: Actor) -> QuerySet[Refund]:
        """The refunds of the payments this actor sees."""
        if actor.has_staff_permission("view_payment"):
            return Refund.objects.all()
        return Refund.objects.filter(payment__in=self.visible_payments(actor))

    def may(self, actor: Actor, action: str, payment: Payment | None = None) -> bool:
        """Whether an actor may do this; `payment` is one he sees, None for `create_without_order`."""
        if payment is not None and action in OWNER_ACTIONS:
            is_own = self.may_start if action in STARTING_ACTIONS else self.is_payer
            if is_own(actor, payment):
                return True
        return action in STAFF_ACTIONS and actor.has_staff_permission(STAFF_ACTIONS[action])

    def may_pay_order(self, actor: Actor, terms: orders.Terms) -> bool:
        """Whether an actor may start a payment of an order: its owner, or a guest with its token. Not staff."""
        payable = terms.payable
        if payable.owner_id is not None:
            return str(payable.owner_id) == str(actor.user_id)
        if payable.guest_token:
            return orders.guest_token_fits(actor.guest_token, terms.guest_token_hash)
        return actor.user is not None

    def is_payer(self, actor: Actor, payment: Payment) -> bool:
        """Whether the payment is the actor's own to pay."""
        order_ref = payment.order_ref
        if actor.user is not None and actor.user_id in (payment.user_id, order_ref and order_ref.user_id):
            return True
        return order_ref is not None and orders.guest_token_fits(actor.guest_token, order_ref.guest_token_hash)

    def may_start(self, actor: Actor, payment: Payment) -> bool:
        """Whether the payment is the actor's own to set going.

        With a saved method, or to save the one paid with, only the user it was made for: several may hold an order's
        token, and nobody else charges his card, or leaves one of his own with him.
        """
        if payment.customer_id is not None:
            return actor.user is not None and actor.user_id == payment.user_id
        return self.is_payer(actor, payment)

    def hidden_fields(self, actor: Actor, payment: Payment) -> frozenset[str]:
        """Fields of the answer that this actor is not shown: what lets one pay, and what is for staff."""
        hidden = frozenset() if self.may_start(actor, payment) else frozenset({"next_action"})
        return hidden if actor.has_staff_permission("view_payment") else hidden | STAFF_FIELDS

    # -- saved methods -----------------------------------------------------------------------------------------------

    def visible_methods(self, actor: Actor) -> QuerySet[PaymentMethod]:
        """The saved methods this actor sees: one's own, staff with `view_paymentmethod` all. Guests have none."""
        if actor.has_staff_permission("view_paymentmethod"):
            return PaymentMethod.objects.all()
        return PaymentMethod.objects.filter(user_id=actor.user.pk) if actor.user else PaymentMethod.objects.none()

    def may_with_method(self, actor: Actor, action: str, method: PaymentMethod | None = None) -> bool:
        """Whether an actor may do this; `method` is one he sees, None for `save_for_customer`."""
        if method is not None and self.is_holder(actor, method):
            return True
        return action in METHOD_STAFF_ACTIONS and actor.has_staff_permission(METHOD_STAFF_ACTIONS[action])

    def is_holder(self, actor: Actor, method: PaymentMethod) -> bool:
        """Whether the method is the actor's own."""
        return actor.user is not None and actor.user_id == method.user_id

    def hidden_method_fields(self, actor: Actor, method: PaymentMethod) -> frozenset[str]:
        """Fields of a saved method that this actor is not shown: what lets one finish it, and what is for staff."""
        hidden = frozenset() if self.is_holder(actor, method) else frozenset({"next_action", "metadata"})
        staff = actor.has_staff_permission("view_paymentmethod")
        return hidden if staff else hidden | {"customer", "consent", "attention_code"}


def access_policy() -> DefaultAccessPolicy:
    """The project's policy; raises ConfigurationError(`access_policy_invalid`)."""
    return _policy(hub_settings().access_policy)


@lru_cache(maxsize=4)
def _policy(path: str) -> DefaultAccessPolicy:
    try:
        found = import_string(path)()
    except ImportError as error:
        raise ConfigurationError(
            f"ACCESS_POLICY {path!r} cannot be imported ({error}).", code="access_policy_invalid"
        ) from error
    if not isinstance(found, DefaultAccessPolicy):
        raise ConfigurationError(f"ACCESS_POLICY {path!r} is no DefaultAccessPolicy.", code="access_policy_invalid")
    return found
