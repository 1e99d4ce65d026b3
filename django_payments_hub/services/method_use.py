"""Paying with a saved method, or saving the one paid with: what a new payment needs of its customer."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser

from django_payments_hub.domain.statuses import Flow, MethodStatus
from django_payments_hub.exceptions import InvalidInput, NotFound, RuleViolation, Unsupported
from django_payments_hub.models import Customer, Payment, PaymentMethod
from django_payments_hub.services import customers, provider_calls
from django_payments_hub.services.accounts import Account
from django_payments_hub.services.method_facts import lock_customer


def customer_for(
    account: Account,
    *,
    method: PaymentMethod | None,
    save: bool,
    user: AbstractBaseUser | None,
    method_token: str,
    flow: Flow,
) -> Customer | None:
    """The provider's customer that a new payment is made for; None where no method is kept. No transaction may be open.

    Raises:
        NotFound: `unknown_payment_method`, it is another user's, another account's, or not active.
        InvalidInput: saved and to be saved at once, a token beside it, another flow than `token`; `user_required`.
        Unsupported: `unsupported_saved_methods`; `unsupported_save_flow`, nothing is saved in this flow.
        ProviderError, Conflict: the customer cannot be made now.
    """
    if method is not None:
        if method_token or save or flow is not Flow.TOKEN:
            raise InvalidInput("A saved method is paid with as it is: no token, no other flow.", field="payment_method")
        config = (account.row.pk, account.config.mode)
        if user is None or method.user_id != user.pk or (method.account_id, method.mode) != config:
            raise _unknown()
        return method.customer
    if not save:
        return None
    if user is None:
        raise InvalidInput(
            "Only a user's method can be saved, not a guest's.", field="save_payment_method", code="user_required"
        )
    provider = provider_calls.provider_of(account.row)
    provider.require("saved_methods")
    if flow not in provider.capabilities.save_flows:
        raise Unsupported(f"{provider.label} saves no method in its {flow.value} flow.", code="unsupported_save_flow")
    return customers.ensure(user, account)


def locked_method(wanted: PaymentMethod | None) -> PaymentMethod | None:
    """The method as it is now, under lock, so that it is not let go before the payment is written.

    After the order's lock, never before. Raises NotFound(`unknown_payment_method`) when it is not active any more.
    """
    if wanted is None:
        return None
    lock_customer(wanted.customer_id)
    row = PaymentMethod.objects.select_for_update().filter(pk=wanted.pk, status=MethodStatus.ACTIVE.value).first()
    if row is None:
        raise _unknown()
    return row


def parameters(payment: Payment) -> dict[str, object]:
    """What the call that pays needs of the customer: the saved method's token, or that the method is to be saved."""
    if payment.customer is None:
        return {}
    known: dict[str, object] = {"customer_token": payment.customer.provider_customer_id or ""}
    if payment.payment_method is None:
        return {**known, "save_method": True}
    return {**known, "method_token": payment.payment_method.provider_method_id or "", "saved": True}


def parameters_to_start(payment: Payment, method_token: str) -> dict[str, object]:
    """The same for a payment that was only recorded: its saved method is looked at anew, under the payment's lock.

    Raises:
        InvalidInput: a token beside a saved method. RuleViolation: `method_not_active`.
    """
    if payment.payment_method is None:
        return {"method_token": method_token, **parameters(payment)}
    refuse_token_beside(payment, method_token)
    try:
        payment.payment_method = locked_method(payment.payment_method)
    except NotFound:
        raise RuleViolation("The payment method is not saved any more.", code="method_not_active") from None
    return parameters(payment)


def refuse_token_beside(payment: Payment, method_token: str) -> None:
    """A payment made with a saved method is paid with that one; raises InvalidInput for another one's token."""
    if method_token and payment.payment_method_id is not None:
        raise InvalidInput("The payment is made with a saved method.", field="payment_method_token")


def _unknown() -> NotFound:
    return NotFound("There is no such payment method.", code="unknown_payment_method")
