"""From a checked body to what the service is asked for: the order, the account, the addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Model

from django_payments_hub.api import throttling
from django_payments_hub.api.permissions import Actor, DefaultAccessPolicy
from django_payments_hub.api.return_urls import checked_url
from django_payments_hub.domain.money import currency_code
from django_payments_hub.domain.payable import Payable
from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import InvalidInput, NotAllowed, NotFound, RuleViolation
from django_payments_hub.services import accounts, orders
from django_payments_hub.services.orders import Terms
from django_payments_hub.services.payments import NewPayment


def new_payment(actor: Actor, policy: DefaultAccessPolicy, data: Mapping[str, Any]) -> NewPayment:
    """What an actor asks for, with everything looked up that it names.

    Raises:
        NotFound: `unknown_order`, `unknown_account`, `inactive_account`.
        NotAllowed: the actor may know of the order, but not pay it.
        InvalidInput: `currency_mismatch`, `invalid_currency`, `return_url_not_allowed`, `ambiguous_account`.
    """
    terms = _terms(actor, policy, data.get("order_id"))
    account = _account(data)
    mode = account.config.mode
    return_url, cancel_url = (_address(data, name, mode) for name in ("return_url", "cancel_url"))
    throttling.count_order(terms)
    return NewPayment(
        account=account.row.alias,
        terms=terms,
        amount=data.get("amount"),
        currency=_currency(data, terms),
        user=actor.user if terms else None,
        actor=None if terms else actor.user,
        flow=data["flow"],
        capture_method=data["capture_method"],
        method_token=data.get("payment_method_token", ""),
        save_method=data["save_payment_method"],
        description=data.get("description", ""),
        metadata=data.get("metadata", {}),
        payer=data.get("payer", {}),
        defer=data.get("defer", False),
        return_url=return_url,
        cancel_url=cancel_url,
    )


def _address(data: Mapping[str, Any], name: str, mode: Mode) -> str:
    return checked_url(data[name], mode, field=name) if data.get(name) else ""


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


def _account(data: Mapping[str, Any]) -> accounts.Account:
    alias, provider = data.get("account", ""), data.get("provider", "")
    if alias and provider:
        raise InvalidInput("Name the account or the provider, not both.", field="provider")
    return accounts.choose(alias=alias, provider=provider)


def _currency(data: Mapping[str, Any], terms: Terms | None) -> str:
    if "currency" not in data:
        if terms is None:
            raise InvalidInput("A payment without an order needs a currency.", field="currency", code="required")
        return terms.currency
    wanted = currency_code(data["currency"])
    if terms is not None and wanted != terms.currency:
        raise InvalidInput(f"The order is in {terms.currency}.", field="currency", code="currency_mismatch")
    return wanted
