"""The frozen values of customers and saved methods, beside those of payments in `types`."""

from __future__ import annotations

from dataclasses import dataclass, field

from django_payments_hub.provider_kit.types import Failure, MethodFact, NextAction, Payer


@dataclass(frozen=True, kw_only=True)
class CustomerRequest:
    """Make the provider's customer of one user.

    Args:
        idempotency_key: the same on every try, so that a race or a lost answer makes one customer.
        reference: the hub's id of the customer; kept at the provider where it has a place for it.
        recovering: an earlier try may have reached the provider: look before sending where that is possible.
    """

    idempotency_key: str
    reference: str
    payer: Payer = field(default_factory=Payer)
    recovering: bool = False


@dataclass(frozen=True, kw_only=True)
class SaveMethodRequest:
    """Keep a method for a customer without paying.

    Args:
        reference: the hub's id of the method.
        customer_token: the provider's customer; "" where the provider makes it while saving.
        method_token: the provider's one-time token; "" when the customer gives the method on the provider's page or in
            its browser SDK.
        payment_token: the provider's id of a payment that is paid, whose method is to be kept; instead of the token.
        return_url, cancel_url: where a page leads back to.
    """

    idempotency_key: str
    reference: str
    customer_token: str = ""
    method_token: str = field(default="", repr=False)
    payment_token: str = ""
    return_url: str = ""
    cancel_url: str = ""
    recovering: bool = False


@dataclass(frozen=True, kw_only=True)
class FinishMethodRequest:
    """See how the saving of a method stands, and finish it where the customer has done his part; or give it up.

    `provider_setup_id` is "" where its answer was lost: then it is found by `reference`, or not at all.
    """

    idempotency_key: str
    reference: str
    provider_setup_id: str
    customer_token: str = ""


@dataclass(frozen=True, kw_only=True)
class DetachMethodRequest:
    """Let the provider forget a method; one it does not know any more is a success."""

    idempotency_key: str
    provider_method_id: str
    customer_token: str = ""


@dataclass(frozen=True, kw_only=True)
class MethodResult:
    """How the saving stands: saved (`method`, reusable), waiting for the customer (`next_action`), or `failure`.

    `provider_setup_id` names the attempt at the provider while it is not over ("" where saving is one step);
    `provider_customer_id` the customer where saving made one.
    """

    method: MethodFact | None = None
    next_action: NextAction | None = None
    failure: Failure | None = None
    provider_setup_id: str = ""
    provider_customer_id: str = ""
