"""The frozen values that cross the border between services and providers.

All amounts are integer minor units of `currency` (upper-case ISO 4217). All values are normalised: a provider never
checks them again, and a service never looks into a provider's raw data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django_payments_hub.domain.statuses import (
    CaptureMethod,
    DisputeStatus,
    FailureCode,
    Flow,
    MethodKind,
    Mode,
    NextActionKind,
    RefundStatus,
    Stage,
)


@dataclass(frozen=True, kw_only=True)
class AccountConfig:
    """One merchant account, decrypted: what a provider is built from.

    `values` holds the keys its `Config` asks for; they never show in a repr.
    """

    alias: str
    provider: str
    mode: Mode
    values: Mapping[str, object] = field(repr=False)


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
    """

    kind: MethodKind
    provider_method_id: str = ""
    provider_customer_id: str = ""
    brand: str = ""
    last4: str = ""
    expiry_month: int | None = None
    expiry_year: int | None = None
    fingerprint: str = ""


@dataclass(frozen=True, kw_only=True)
class RefundFact:
    """The state of one refund object at the provider.

    `reference` is the hub's refund id as it came back, "" for a refund made elsewhere. `payment_reference` and
    `provider_payment_id` name the payment; at least one is known. `status` is pending, processing, completed, failed
    or cancelled.
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
    occurred_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class LookUp:
    """A notice that proves nothing by itself: ask the provider about this payment. At least one name is known."""

    reference: str = ""
    provider_payment_id: str = ""
    provider_session_id: str = ""


Fact = PaymentFact | RefundFact | DisputeFact | LookUp


@dataclass(frozen=True, kw_only=True)
class NoticeId:
    """Enough of a notification to file it: its id at the provider, its type, its mode where it says one."""

    event_id: str
    event_type: str
    mode: Mode | None = None


@dataclass(frozen=True, kw_only=True)
class Acknowledgement:
    """The body and content type that the provider expects as the answer to a notification."""

    body: bytes = b""
    content_type: str = "text/plain"
    status: int = 200


@dataclass(frozen=True, kw_only=True)
class ReturnVisit:
    """What a browser's return says: which payment, and at most a signed fact. Never proof of payment by itself."""

    reference: str = ""
    provider_payment_id: str = ""
    provider_session_id: str = ""
    fact: PaymentFact | None = None


@dataclass(frozen=True, kw_only=True)
class Payer:
    """Who pays, as far as the provider wants to know."""

    name: str = ""
    email: str = ""
    phone: str = ""
    national_id: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class PayRequest:
    """Start a payment.

    Args:
        idempotency_key: the operation's id, the same on every try.
        reference: the payment's id; comes back in every fact. Shaped by `make_reference` where a provider needs it.
        method_token: the provider's token, for the token flow. customer_token: the provider's customer.
        return_url: the hub's own address the browser comes back to. cancel_url: where a hosted page leads on cancel.
        recovering: an earlier try may have reached the provider: look before sending where that is possible.
        first_sent_at: when the first try was sent; None on the first.
    """

    idempotency_key: str
    reference: str
    amount_minor: int
    currency: str
    flow: Flow
    capture_method: CaptureMethod
    method_token: str = field(default="", repr=False)
    customer_token: str = ""
    save_method: bool = False
    off_session: bool = False
    description: str = ""
    payer: Payer = Payer()
    return_url: str = ""
    cancel_url: str = ""
    expires_at: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    recovering: bool = False
    first_sent_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PaymentRequest:
    """Names an existing payment at the provider; base of the requests that work on one.

    `captured_minor`, `refunded_minor` say what the hub knows, for providers that answer with differences.
    """

    idempotency_key: str = ""
    reference: str
    amount_minor: int
    currency: str
    provider_payment_id: str = ""
    provider_session_id: str = ""
    captured_minor: int = 0
    capturable_minor: int = 0
    recovering: bool = False
    first_sent_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ConfirmRequest(PaymentRequest):
    """Try a payment that exists and waits: with a token given now, or with the one it has."""

    method_token: str = field(default="", repr=False)
    return_url: str = ""


@dataclass(frozen=True, kw_only=True)
class CaptureRequest(PaymentRequest):
    """Take `capture_minor` of what is held. `final`: release the rest."""

    capture_minor: int
    final: bool = True


@dataclass(frozen=True, kw_only=True)
class CancelRequest(PaymentRequest):
    """Void what is held, or withdraw what was never paid. `reason` is free text for the provider."""

    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class RefundRequest(PaymentRequest):
    """Give back `refund_minor`. `refund_reference` is the refund's id and comes back in its facts."""

    refund_reference: str
    refund_minor: int
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class LookUpRequest(PaymentRequest):
    """Ask what the provider knows of this payment. `since`: when the hub first heard of it, to bound a search."""

    since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class RefundLookUpRequest(PaymentRequest):
    """Ask what the provider knows of this refund, by its id or, while that is unknown, by our reference."""

    refund_reference: str
    provider_refund_id: str = ""
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PaymentResult:
    """The answer to a call on a payment: the fact tells how it stands; `failure` is set when this call was declined."""

    fact: PaymentFact
    failure: Failure | None = None


@dataclass(frozen=True, kw_only=True)
class RefundResult:
    """The answer to a refund call. A refusal by the provider is a fact of status failed with its failure."""

    fact: RefundFact
