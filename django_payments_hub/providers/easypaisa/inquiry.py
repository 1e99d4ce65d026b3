"""Reading the answer to an inquiry: the only thing that makes a payment paid.

`responseCode` speaks of the inquiry, `transactionStatus` of the payment: an answer can be 0000 and FAILED. What names
the payment has to be there and right; what only describes it may be missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django_payments_hub.domain.money import to_minor
from django_payments_hub.domain.statuses import (
    FailureCode,
    Flow,
    MethodKind,
    Mode,
    NextActionKind,
    RefundStatus,
    Stage,
)
from django_payments_hub.exceptions import InvalidInput
from django_payments_hub.provider_kit.ids import unexpected
from django_payments_hub.provider_kit.reading import Json, Unreadable
from django_payments_hub.provider_kit.types import (
    Failure,
    LookUpRequest,
    MethodFact,
    NextAction,
    PaymentFact,
    RefundFact,
)
from django_payments_hub.providers.easypaisa.codes import failure_of

CURRENCY = "PKR"
_GRACE = {True: timedelta(minutes=15), False: timedelta(days=1)}
"""So long after its expiry a payment still counts as pending: one asked for on the phone, and any other."""

_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?", re.ASCII)
_CODE = re.compile(r"[0-9A-Za-z]{1,20}", re.ASCII)
_VOUCHER = re.compile(r"[0-9A-Za-z-]{1,40}", re.ASCII)
_KINDS = {
    "MA": MethodKind.WALLET,
    "OTC": MethodKind.VOUCHER,
    "CC": MethodKind.CREDIT_CARD,
}


def check_about(answer: Json, reference: str, store_id: str) -> None:
    """Refuse an answer about another order or another store; raises OutcomeUnknown(`unexpected_object`)."""
    if _plain(answer, "orderId") != reference:
        raise unexpected("EasyPaisa answered about another order.")
    if answer.get("storeId") is not None and _plain(answer, "storeId") != store_id:
        raise unexpected("EasyPaisa answered about another store.")


def payment_fact(answer: Json, request: LookUpRequest, mode: Mode) -> PaymentFact:
    """How the payment stands; raises Unreadable for words nobody knows."""
    word = _plain(answer, "transactionStatus").upper()
    read = _READERS.get(word)
    if read is None:
        raise Unreadable("transactionStatus is not a known word")
    return read(answer, request, mode)


def _paid(answer: Json, request: LookUpRequest, mode: Mode) -> PaymentFact:
    amount = amount_of(answer)
    if amount is None:
        raise Unreadable("transactionAmount is not an amount")
    return _fact(request, mode, Stage.CAPTURED, amount_minor=amount, method=_method(answer))


def _failed(answer: Json, request: LookUpRequest, mode: Mode) -> PaymentFact:
    failure = failure_of(_code(answer, "errorCode"))
    return _fact(request, mode, Stage.FAILED, amount_minor=amount_of(answer), failure=failure)


def _expired(answer: Json, request: LookUpRequest, mode: Mode) -> PaymentFact:
    return _fact(request, mode, Stage.EXPIRED, amount_minor=amount_of(answer))


def _pending(answer: Json, request: LookUpRequest, mode: Mode) -> PaymentFact:
    is_voucher = _plain(answer, "paymentMode").upper() == "OTC" or request.method_kind is MethodKind.VOUCHER
    if request.expires_at is not None and datetime.now(UTC) > request.expires_at + _GRACE[not is_voucher]:
        return _expired(answer, request, mode)
    action = _what_to_do(_plain(answer, "paymentToken"), request, is_voucher=is_voucher)
    return _fact(request, mode, Stage.REQUIRES_ACTION, amount_minor=amount_of(answer), next_action=action)


def _what_to_do(token: str, request: LookUpRequest, *, is_voucher: bool) -> NextAction | None:
    """None leaves the customer what he was told before: the number of a voucher that a call of the hub's made.

    After a form it is `wait` all the same: the order is known now, and a payment that waits for its form can be given
    up.
    """
    if is_voucher and _VOUCHER.fullmatch(token):
        return voucher(token)
    return None if is_voucher and is_direct(request) else NextAction(kind=NextActionKind.WAIT)


def _reversed(_answer: Json, request: LookUpRequest, mode: Mode) -> PaymentFact:
    """Money that came and went back: all of it is refunded, of which the hub books what it has not yet."""
    if not request.captured_minor:
        return _fact(request, mode, Stage.FAILED, failure=Failure(code=FailureCode.PROCESSING_ERROR))
    refund = RefundFact(
        provider_refund_id=f"{request.reference}-reversed",
        status=RefundStatus.COMPLETED,
        amount_minor=request.captured_minor,
        currency=CURRENCY,
        mode=mode,
        payment_reference=request.reference,
        provider_payment_id=request.reference,
        whole=True,
    )
    return _fact(request, mode, Stage.CAPTURED, amount_minor=request.captured_minor, refunds=(refund,))


def _fact(
    request: LookUpRequest,
    mode: Mode,
    stage: Stage,
    *,
    amount_minor: int | None = None,
    failure: Failure | None = None,
    next_action: NextAction | None = None,
    method: MethodFact | None = None,
    refunds: tuple[RefundFact, ...] = (),
) -> PaymentFact:
    taken = (amount_minor or 0) if stage is Stage.CAPTURED else 0
    return PaymentFact(
        stage=stage,
        currency=CURRENCY,
        mode=mode,
        reference=request.reference,
        provider_session_id=request.reference,
        # The order is what EasyPaisa knows a payment by: its transaction id is told by some answers only.
        provider_payment_id=request.reference if taken else "",
        amount_minor=amount_minor,
        authorized_minor=taken,
        captured_minor=taken,
        failure=failure,
        next_action=next_action,
        method=method,
        refunds=refunds,
    )


_READERS: dict[str, Callable[[Json, LookUpRequest, Mode], PaymentFact]] = {
    "PAID": _paid,
    "FAILED": _failed,
    "EXPIRED": _expired,
    "REVERSED": _reversed,
    "PENDING": _pending,
}


def voucher(token: str) -> NextAction:
    """What the customer takes to a shop."""
    return NextAction(kind=NextActionKind.INSTRUCTIONS, fields={"method": MethodKind.VOUCHER.value, "token": token})


def token_of(answer: Json) -> str:
    """The number of a voucher; raises Unreadable where there is none."""
    token = _plain(answer, "paymentToken")
    if not _VOUCHER.fullmatch(token):
        raise Unreadable("paymentToken is not a voucher's number")
    return token


def amount_of(answer: Json) -> int | None:
    """`transactionAmount` in paisa, a text or a number of rupees; None where there is none that can be read."""
    text = _plain(answer, "transactionAmount")
    if not _AMOUNT.fullmatch(text):
        return None
    try:
        return to_minor(text, CURRENCY)
    except InvalidInput:  # nothing at all
        return None


def _code(answer: Json, key: str) -> str:
    code = _plain(answer, key)
    return code if _CODE.fullmatch(code) else ""


def _plain(answer: Json, key: str) -> str:
    """A text or a number as text; "" for anything else."""
    value = answer.get(key)
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _method(answer: Json) -> MethodFact | None:
    kind = _KINDS.get(_plain(answer, "paymentMode").upper())
    return MethodFact(kind=kind) if kind is not None else None


def never_arrived(request: LookUpRequest, mode: Mode) -> PaymentFact:
    """A payment whose call can no longer arrive, and did not."""
    return _fact(request, mode, Stage.FAILED, failure=Failure(code=FailureCode.PROVIDER_UNAVAILABLE))


def is_direct(request: LookUpRequest) -> bool:
    """Whether a call of the hub's makes the payment, not a form."""
    return request.flow is Flow.DIRECT
