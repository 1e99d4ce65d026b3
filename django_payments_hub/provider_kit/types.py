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
    Flow,
    MethodKind,
    Mode,
)
from django_payments_hub.provider_kit.facts import (
    DisputeFact,
    Fact,
    Failure,
    LookUp,
    MethodFact,
    NextAction,
    PaymentFact,
    RefundFact,
)

__all__ = [
    "AccountConfig",
    "Acknowledgement",
    "CancelRequest",
    "CaptureRequest",
    "ConfirmRequest",
    "DisputeFact",
    "Fact",
    "Failure",
    "FormRequest",
    "HostedForm",
    "LookUp",
    "LookUpRequest",
    "MethodFact",
    "NextAction",
    "NoticeId",
    "PayRequest",
    "Payer",
    "PaymentFact",
    "PaymentRequest",
    "PaymentResult",
    "RefundFact",
    "RefundLookUpRequest",
    "RefundRequest",
    "RefundResult",
    "ReturnVisit",
]


@dataclass(frozen=True, kw_only=True)
class AccountConfig:
    """One merchant account, decrypted: what a provider is built from.

    `values` holds the keys its `Config` asks for; they never show in a repr.
    """

    alias: str
    provider: str
    mode: Mode
    values: Mapping[str, object] = field(repr=False)
    webhook_url: str = ""
    """Where the account's notifications arrive, as the provider was told it; "" while the project has no PUBLIC_URL."""
    return_url: str = ""
    """Where browsers come back to from a provider that knows one address per account; "" as above."""


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
        method_token: the provider's token, for the token flow; `saved`: one it keeps for `customer_token`.
        customer_token: the provider's customer. method_kind: what the customer wants to pay with, where he said so.
        return_url: the hub's own address the browser comes back to. cancel_url: where a hosted page leads on cancel.
        recovering: an earlier try may have reached the provider: look before sending where that is possible.
        first_sent_at: when the first try was sent; None on the first.
        may_arrive_until: until when that first try may still reach the provider, however long its sender was held up.
            What the provider does not show after that (and after the time its lists lag) will never come of that try.
            It says nothing of one sent again since: whoever sends again does so under what the provider takes once.
    """

    idempotency_key: str
    reference: str
    amount_minor: int
    currency: str
    flow: Flow
    capture_method: CaptureMethod
    method_token: str = field(default="", repr=False)
    customer_token: str = ""
    saved: bool = False
    method_kind: MethodKind | None = None
    save_method: bool = False
    off_session: bool = False
    description: str = ""
    payer: Payer = Payer()
    return_url: str = ""
    cancel_url: str = ""
    created_at: datetime | None = None
    expires_at: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    recovering: bool = False
    first_sent_at: datetime | None = None
    may_arrive_until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class FormRequest:
    """Make a form that leads the customer to the provider; asked for each time the hub's page is shown.

    Args:
        payer: as far as it is kept: never with a national id.
        return_url: the payment's own return address at the hub; `AccountConfig.return_url` is the account's.
        created_at, expires_at: of the payment. now: the moment the page is shown.
    """

    reference: str
    amount_minor: int
    currency: str
    now: datetime
    created_at: datetime
    expires_at: datetime
    method_kind: MethodKind | None = None
    description: str = ""
    payer: Payer = Payer()
    return_url: str = ""


@dataclass(frozen=True, kw_only=True)
class HostedForm:
    """A form the customer's browser posts to the provider. The fields may be secret: shown on the hub's own page only,
    never stored, never in JSON, never logged.
    """

    url: str
    fields: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class PaymentRequest:
    """Names an existing payment at the provider; base of the requests that work on one.

    `captured_minor`, `refunded_minor` say what the hub knows, with refunds under way, for providers that answer with
    differences or in a word. `recovering`, `first_sent_at` and `may_arrive_until` as in `PayRequest`; the last one
    bounds the search of a look-up, too.
    """

    idempotency_key: str = ""
    reference: str
    amount_minor: int
    currency: str
    provider_payment_id: str = ""
    provider_session_id: str = ""
    captured_minor: int = 0
    capturable_minor: int = 0
    refunded_minor: int = 0
    flow: Flow | None = None
    method_kind: MethodKind | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    recovering: bool = False
    first_sent_at: datetime | None = None
    may_arrive_until: datetime | None = None


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
    """Ask what the provider knows of this refund, by its id or, while that is unknown, by our reference.

    `refund_minor`: what it was to give back; 0 where that is not said.
    """

    refund_reference: str
    provider_refund_id: str = ""
    refund_minor: int = 0
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
