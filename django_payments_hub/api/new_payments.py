"""From a checked body to what the service is asked for: the order, the account, the addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Model

from django_payments_hub.api import throttling
from django_payments_hub.api.permissions import Actor, DefaultAccessPolicy
from django_payments_hub.api.return_urls import checked_url
from django_payments_hub.domain.money import currency_code
from django_payments_hub.domain.payable import Payable
from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import InvalidInput, NotAllowed, NotFound, RuleViolation
from django_payments_hub.models import PaymentMethod
from django_payments_hub.services import accounts, methods, orders
from django_payments_hub.services.orders import Terms
from django_payments_hub.services.payments import NewPayment


def new_payment(actor: Actor, policy: DefaultAccessPolicy, data: Mapping[str, Any]) -> NewPayment:
    """What an actor asks for, with everything looked up that it names.

    Raises:
        NotFound: `unknown_order`, `unknown_account`, `inactive_account`, `unknown_payment_method`.
        NotAllowed: the actor may know of the order, but not pay it; only staff charges somebody who is not there.
        InvalidInput: `currency_mismatch`, `invalid_currency`, `return_url_not_allowed`, `ambiguous_account`.
    """
    terms = _terms(actor, policy, data.get("order_id"))
    method = _saved_method(actor, data, terms)
    account = chosen_account(data, method)
    mode = account.config.mode
    return_url, cancel_url = (checked_address(data, name, mode) for name in ("return_url", "cancel_url"))
    if data.get("off_session") and not policy.may(actor, "create_without_order"):
        raise NotAllowed("Only staff charges a customer who is not there.")
    throttling.count_order(terms)
    throttling.count_method(method.pk if method is not None else None)
    return NewPayment(
        account=account.row.alias,
        terms=terms,
        amount=data.get("amount"),
        currency=_currency(data, terms),
        user=_payer(actor, terms, method),
        actor=None if terms else actor.user,
        flow=data.get("flow"),
        method_kind=data.get("method_kind"),
        capture_method=data["capture_method"],
        method_token=data.get("payment_method_token", ""),
        payment_method=method,
        save_method=data["save_payment_method"],
        off_session=data.get("off_session", False),
        description=data.get("description", ""),
        metadata=data.get("metadata", {}),
        payer=data.get("payer", {}),
        defer=data.get("defer", False),
        return_url=return_url,
        cancel_url=cancel_url,
    )


def checked_address(data: Mapping[str, Any], name: str, mode: Mode) -> str:
    """The address of this name, "" for none; raises InvalidInput(`return_url_not_allowed`)."""
    return checked_url(data[name], mode, field=name) if data.get(name) else ""


def _saved_method(actor: Actor, data: Mapping[str, Any], terms: Terms | None) -> PaymentMethod | None:
    """One's own; without an order, which only staff may leave out, any customer's."""
    if "payment_method" not in data:
        return None
    if terms is not None and actor.user is None:
        raise NotFound("There is no such payment method.", code="unknown_payment_method")  # guests have none
    return methods.usable(data["payment_method"], user=actor.user if terms is not None else None)


def _payer(actor: Actor, terms: Terms | None, method: PaymentMethod | None) -> AbstractBaseUser | None:
    """Who pays; without an order the customer whose saved method it is, if any."""
    if terms is not None:
        return actor.user
    return method.user if method is not None else None


def _terms(actor: Actor, policy: DefaultAccessPolicy, order_id: str | None) -> Terms | None:
    if order_id is None:
        if not policy.may(actor, "create_without_order"):
            raise InvalidInput("Name the order to pay.", field="order_id", code="required")
        return None
    order = orders.find_order(order_id)
    terms = _terms_for(actor, order)
    if not policy.may_pay_order(actor, terms):
        raise NotAllowed("The order is somebody else's to pay.") if _may_know(actor, terms.payable) else _unknown()
    return terms


def _terms_for(actor: Actor, order: Model) -> Terms:
    """The order as this user's; or, when it is not, as that of the guest whose token he brings."""
    try:
        return orders.terms_of(order, actor.user, guest_token=actor.guest_token)
    except NotFound:
        if actor.user is None or not actor.guest_token:
            raise
        return orders.terms_of(order, None, guest_token=actor.guest_token)
    except RuleViolation:  # that there is nothing to pay is told only to those who may know that there is an order
        payable = order.payable(actor.user)  # type: ignore[attr-defined]
        if payable is not None and _may_know(actor, payable):
            raise
        raise _unknown() from None


def _may_know(actor: Actor, payable: Payable) -> bool:
    """Whether an actor may know that an order exists. A project's `payable()` may look at nobody: then we do."""
    if actor.user is not None and payable.owner_id is not None and str(payable.owner_id) == str(actor.user_id):
        return True
    if actor.user is not None and payable.owner_id is None and not payable.guest_token:
        return True  # anybody who is logged in may pay it
    token_hash = orders.hash_guest_token(payable.guest_token)
    return orders.guest_token_fits(actor.guest_token, token_hash) or actor.has_staff_permission("view_payment")


def _unknown() -> NotFound:
    return NotFound("There is no such order.", code="unknown_order")


def chosen_account(data: Mapping[str, Any], method: PaymentMethod | None = None) -> accounts.Account:
    """The account that is named, by itself, by its provider or by a saved method.

    Raises:
        NotFound: `unknown_account`, `inactive_account`; `ambiguous_account`. InvalidInput: they contradict each other.
    """
    alias, provider = data.get("account", ""), data.get("provider", "")
    if alias and provider:
        raise InvalidInput("Name the account or the provider, not both.", field="provider")
    if method is None:
        return accounts.choose(alias=alias, provider=provider)
    if alias not in ("", method.account.alias) or provider not in ("", method.account.provider):
        raise InvalidInput("The payment method is another account's.", field="payment_method")
    return accounts.get(method.account.alias)


def _currency(data: Mapping[str, Any], terms: Terms | None) -> str:
    if "currency" not in data:
        if terms is None:
            raise InvalidInput("A payment without an order needs a currency.", field="currency", code="required")
        return terms.currency
    wanted = currency_code(data["currency"])
    if terms is not None and wanted != terms.currency:
        raise InvalidInput(f"The order is in {terms.currency}.", field="currency", code="currency_mismatch")
    return wanted
