"""Facts: all that is ever learned of a payment, a refund, a dispute or a kept method, and what goes with one.

Amounts are integer minor units of `currency` (upper-case ISO 4217), cumulative for each object of the provider's.
`provider_kit.types` has them too, beside the requests and results.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django_payments_hub.domain.statuses import (
    DisputeStatus,
    FailureCode,
    MethodKind,
    Mode,
    NextActionKind,
    RefundStatus,
    Stage,
)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why it did not happen. `provider_code` is the provider's own word, for support."""

    code: FailureCode
    provider_code: str = ""


@dataclass(frozen=True, kw_only=True)
class NextAction:
    """What the customer has to do. `url` for redirect and form_post, `fields` for form_post, client_secret (the
    provider's own names) and instructions.
    """

    kind: NextActionKind
    url: str = field(default="", repr=False)
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class MethodFact:
    """What is known of the method paid with; never a number, only what a receipt shows.

    `provider_method_id` is the provider's token, `fingerprint` its mark for the same card under another token.
    `reusable`: the provider keeps it for `provider_customer_id`, and it can be paid with again. `keepable`: it does
    not, and can be asked to by a call of its own that names the payment. `customer_by_saving`: the provider makes the
    customer while it saves the method, and of two savings at once, two.
    """

    kind: MethodKind
    provider_method_id: str = ""
    provider_customer_id: str = ""
    brand: str = ""
    last4: str = ""
    expiry_month: int | None = None
    expiry_year: int | None = None
    fingerprint: str = ""
    reusable: bool = False
    keepable: bool = False
    customer_by_saving: bool = False


@dataclass(frozen=True, kw_only=True)
class RefundFact:
    """The state of one refund object at the provider.

    `reference` is the hub's refund id as it came back, "" for a refund made elsewhere. `payment_reference` and
    `provider_payment_id` name the payment; at least one is known. `status` is pending, processing, completed, failed
    or cancelled. `hearsay` as in `PaymentFact`. `whole`: the provider says only that all of the payment was given back:
    of it counts what the hub does not know of already.
    """

    provider_refund_id: str
    status: RefundStatus
    amount_minor: int
    currency: str
    mode: Mode
    reference: str = ""
    payment_reference: str = ""
    provider_payment_id: str = ""
    failure: Failure | None = None
    whole: bool = False
    hearsay: bool = False
    occurred_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class DisputeFact:
    """The state of one dispute at the provider."""

    provider_dispute_id: str
    status: DisputeStatus
    amount_minor: int
    currency: str
    mode: Mode
    reason: str = ""
    payment_reference: str = ""
    provider_payment_id: str = ""
    evidence_due_at: datetime | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PaymentFact:
    """A snapshot of one payment at the provider: cumulative amounts, not differences.

    Args:
        reference: the hub's payment id as it came back with the object, "" when it carries none.
        provider_payment_id: the object that holds the money (a PaymentIntent), "" while there is none.
        provider_session_id: the object the customer is led through (a Checkout Session), "" when there is none.
        amount_minor: what the object is for; None when the provider does not repeat it.
        authorized_minor: highest amount ever authorised. captured_minor: taken so far. capturable_minor: still held.
        refunds: refunds the snapshot carries, each by its own id; missing ones mean nothing.
        awaits_confirm: the customer has approved, and nothing moves until the hub confirms.
        hearsay: told by a notice whose signature leaves room for another body: the provider is asked before it counts
            that money moved, or that anything ended.
    """

    stage: Stage
    currency: str
    mode: Mode
    reference: str = ""
    provider_payment_id: str = ""
    provider_session_id: str = ""
    amount_minor: int | None = None
    authorized_minor: int = 0
    captured_minor: int = 0
    capturable_minor: int = 0
    failure: Failure | None = None
    next_action: NextAction | None = None
    method: MethodFact | None = None
    expires_at: datetime | None = None
    refunds: tuple[RefundFact, ...] = ()
    awaits_confirm: bool = False
    hearsay: bool = False
    occurred_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class LookUp:
    """A notice that proves nothing by itself: ask the provider about this payment, or kept method. One is named."""

    reference: str = ""
    provider_payment_id: str = ""
    provider_session_id: str = ""
    provider_method_id: str = ""


Fact = PaymentFact | RefundFact | DisputeFact | LookUp
