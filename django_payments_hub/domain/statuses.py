"""The vocabulary: every closed set of words that is stored, sent or compared."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """Whether real money moves."""

    TEST = "test"
    LIVE = "live"


class PaymentStatus(StrEnum):
    """What a payment is to its users; always derived, never set (see `derive.payment_status`)."""

    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    AUTHORIZED = "authorized"
    COMPLETED = "completed"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Stage(StrEnum):
    """How far the payment is at the provider, merged monotonically over all facts.

    `declined` is one attempt refused while the object can still be paid, by another card say; `failed` is final there.
    """

    OPEN = "open"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    DECLINED = "declined"
    FAILED = "failed"
    AUTHORIZED = "authorized"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    CAPTURED = "captured"


class RefundStatus(StrEnum):
    """`requires_approval` to `completed`; `failed` and `cancelled` release the reserved amount."""

    REQUIRES_APPROVAL = "requires_approval"
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


RESERVING_REFUNDS = frozenset(
    {RefundStatus.REQUIRES_APPROVAL, RefundStatus.PENDING, RefundStatus.PROCESSING, RefundStatus.COMPLETED}
)
"""Refunds whose amount is not available to another one."""


class RefundOrigin(StrEnum):
    """Who asked for the refund: the hub, or somebody in the provider's own dashboard."""

    HUB = "hub"
    PROVIDER = "provider"


class OperationKind(StrEnum):
    """What an intended call does at the provider."""

    PAY = "pay"
    CONFIRM = "confirm"
    CAPTURE = "capture"
    CANCEL = "cancel"
    REFUND = "refund"


EXCLUSIVE_KINDS = frozenset({OperationKind.PAY, OperationKind.CONFIRM, OperationKind.CAPTURE, OperationKind.CANCEL})
"""Of these at most one may be open on a payment (I18)."""


class OperationState(StrEnum):
    """`created`: proven not to have happened yet. `unknown`: sent, outcome not proven."""

    CREATED = "created"
    SENT = "sent"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    FAILED = "failed"


OPEN_OPERATIONS = frozenset({OperationState.CREATED, OperationState.SENT, OperationState.UNKNOWN})


class CaptureMethod(StrEnum):
    """Take the money at once, or reserve it and take it later."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


class Flow(StrEnum):
    """Where the customer gives the payment details. `direct`: nowhere; he is told what to do, or asked on his phone."""

    TOKEN = "token"  # noqa: S105 - the name of a flow: a token of the provider's, sent to our server
    CLIENT = "client"
    HOSTED = "hosted"
    DIRECT = "direct"


class MethodKind(StrEnum):
    """What the customer paid with."""

    CREDIT_CARD = "credit_card"
    DEBIT_CARD = "debit_card"
    WALLET = "wallet"
    BANK_TRANSFER = "bank_transfer"
    CASH = "cash"
    CHEQUE = "cheque"
    VOUCHER = "voucher"
    OTHER = "other"


class MethodStatus(StrEnum):
    """A saved method's way: being saved, usable, never saved; let go here, and then at the provider too."""

    PENDING = "pending"
    ACTIVE = "active"
    FAILED = "failed"
    DETACHING = "detaching"
    DETACHED = "detached"


class NextActionKind(StrEnum):
    """What the customer has to do next."""

    REDIRECT = "redirect"
    FORM_POST = "form_post"
    CLIENT_SECRET = "client_secret"  # noqa: S105 - the name of an action
    WAIT = "wait"
    INSTRUCTIONS = "instructions"


class FailureCode(StrEnum):
    """Why a payment or refund did not happen, the same words for every provider."""

    CARD_DECLINED = "card_declined"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    EXPIRED_CARD = "expired_card"
    INCORRECT_CVC = "incorrect_cvc"
    INCORRECT_NUMBER = "incorrect_number"
    AUTHENTICATION_REQUIRED = "authentication_required"
    AUTHENTICATION_FAILED = "authentication_failed"
    FRAUD_SUSPECTED = "fraud_suspected"
    LIMIT_EXCEEDED = "limit_exceeded"
    METHOD_NOT_USABLE = "method_not_usable"
    CANCELLED_BY_CUSTOMER = "cancelled_by_customer"
    EXPIRED = "expired"
    REFUND_REFUSED = "refund_refused"
    INVALID_REQUEST = "invalid_request"
    PROCESSING_ERROR = "processing_error"
    PROVIDER_MISCONFIGURED = "provider_misconfigured"
    PROVIDER_UNAVAILABLE = "provider_unavailable"


class DisputeStatus(StrEnum):
    """A chargeback's way: money is withheld while open, gone when lost, back when won.

    An inquiry, a question of the bank's, withholds nothing; it is over, or becomes a chargeback.
    """

    INQUIRY_NEEDS_RESPONSE = "inquiry_needs_response"
    INQUIRY_UNDER_REVIEW = "inquiry_under_review"
    INQUIRY_CLOSED = "inquiry_closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"


class Verdict(StrEnum):
    """What became of a fact."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    STALE = "stale"
    MISMATCH = "mismatch"
    UNMATCHED = "unmatched"


class Source(StrEnum):
    """Through which door a change came in."""

    CALL = "call"
    WEBHOOK = "webhook"
    RETURN = "return"
    LOOK_UP = "look_up"
    OPERATOR = "operator"
    SYSTEM = "system"


class InboxState(StrEnum):
    """`received` and `unmatched` are tried again; the others are final unless replayed by a person."""

    RECEIVED = "received"
    PROCESSED = "processed"
    IGNORED = "ignored"
    UNMATCHED = "unmatched"
    QUARANTINED = "quarantined"
    FAILED = "failed"


class DeliveryState(StrEnum):
    """One handler's copy of one event."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
