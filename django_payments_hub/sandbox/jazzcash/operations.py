"""The calls of a merchant's server: wallet payments, inquiries and refunds."""

from collections.abc import Callable
from dataclasses import dataclass

from django_payments_hub.sandbox.jazzcash import payments, reading
from django_payments_hub.sandbox.jazzcash.codes import JazzCashError, message, told
from django_payments_hub.sandbox.jazzcash.payments import Context
from django_payments_hub.sandbox.wire import Json

_PINS = 3
Handler = Callable[[Context, Json], Json]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One operation, and where each generation of JazzCash's hosts has it."""

    operation: str
    handler: Handler
    paths: tuple[str, ...]
    effect: bool = True


def echo(request: Json) -> Json:
    """What of a request comes back in its answer."""
    hidden = ("pp_Password", "pp_SecureHash", "pp_ReturnURL", "pp_MerchantMPIN")
    return {name: value for name, value in request.items() if name not in hidden}


def result(payment: Json, code: str) -> Json:
    """The part of an answer that says what came of a payment."""
    return {
        "pp_ResponseCode": code,
        "pp_ResponseMessage": message(code),
        "pp_AuthCode": payment["auth_code"],
        "pp_RetreivalReferenceNo": payment["retrieval"],
    }


def wallet(ctx: Context, fields: Json) -> Json:
    """A wallet payment by version 1.1: the number is in ``ppmpf_1``."""
    reading.check(ctx.merchant, fields, *reading.PAYMENT, "pp_Language", "pp_Version", "pp_TxnType", "ppmpf_1")
    if fields["pp_TxnType"] != "MWALLET":
        raise JazzCashError("110", field="pp_TxnType")
    check_return(ctx, fields)
    return _pay(ctx, fields, payments.wallet_code(fields["ppmpf_1"], None))


def wallet_with_cnic(ctx: Context, fields: Json) -> Json:
    """A wallet payment by version 2.0: the owner's CNIC proves that he is meant."""
    reading.check(ctx.merchant, fields, *reading.PAYMENT, "pp_Language", "pp_MobileNumber", "pp_CNIC")
    return _pay(ctx, fields, payments.wallet_code(fields["pp_MobileNumber"], fields["pp_CNIC"]))


def check_return(ctx: Context, fields: Json) -> None:
    """Raises JazzCashError 999 for a return address other than the registered one."""
    if ctx.merchant.return_url and fields.get("pp_ReturnURL") != ctx.merchant.return_url:
        raise JazzCashError("999")


def _pay(ctx: Context, fields: Json, code: str) -> Json:
    payment = payments.begin(ctx, reading.read_order(ctx.merchant, fields), fields, "MWALLET")
    payments.decide(ctx, payment, code)
    return {**echo(fields), **result(payment, code)}


def inquire(ctx: Context, fields: Json) -> Json:
    """How a payment stands: ``pp_ResponseCode`` is the inquiry's own, ``pp_PaymentResponseCode`` the payment's."""
    reading.check(ctx.merchant, fields, "pp_TxnRefNo")
    payment = ctx.payment(fields["pp_TxnRefNo"])
    code, status = told(payment)
    return {
        "pp_ResponseCode": "000",
        "pp_ResponseMessage": "The requested operation has been performed successfully.",
        "pp_PaymentResponseCode": code,
        "pp_PaymentResponseMessage": message(code),
        "pp_Status": status,
        "pp_RetrievalReferenceNo": payment["retrieval"],
        "pp_SettlementDate": "",
        "pp_SettlementExpiry": "",
        "pp_AuthCode": payment["auth_code"],
        "pp_BankID": payment["request"].get("pp_BankID") or "",
        "pp_ProductID": payment["request"].get("pp_ProductID") or "",
    }


def refund_wallet(ctx: Context, fields: Json) -> Json:
    """Give a wallet's money back; the merchant proves himself by his MPIN."""
    reading.check(ctx.merchant, fields, "pp_TxnRefNo", "pp_Amount", "pp_TxnCurrency", "pp_MerchantMPIN")
    _check_pin(ctx, str(fields["pp_MerchantMPIN"]))
    return _refund(ctx, fields, kinds=("MWALLET",))


def _check_pin(ctx: Context, pin: str) -> None:
    if ctx.merchant.wrong_pins >= _PINS:
        raise JazzCashError("060")
    if pin != ctx.merchant.mpin:
        ctx.merchant.wrong_pins += 1
        raise JazzCashError("024")
    ctx.merchant.wrong_pins = 0


def refund_card(ctx: Context, fields: Json) -> Json:
    """Give a card's money back."""
    reading.check(ctx.merchant, fields, "pp_TxnRefNo", "pp_Amount", "pp_TxnCurrency")
    return _refund(ctx, fields, kinds=("MPAY",))


def _refund(ctx: Context, fields: Json, *, kinds: tuple[str, ...]) -> Json:
    payment = ctx.payment(fields["pp_TxnRefNo"])
    if payment["kind"] not in kinds:
        raise JazzCashError("132")
    payments.refund(ctx, payment, int(fields["pp_Amount"]))
    return {"pp_ResponseCode": "000", "pp_ResponseMessage": "Transaction has been refunded successfully."}


_CLASSIC = "/ApplicationAPI/API"
_ORCHESTRATOR = "/api/v1/rest/payments"
ROUTES = (
    Route(
        operation="wallet.pay",
        handler=wallet,
        paths=(f"{_CLASSIC}/Payment/DoTransaction", "/api/payment/DoTransaction", f"{_ORCHESTRATOR}/m-wallet"),
    ),
    Route(
        operation="wallet.pay",
        handler=wallet_with_cnic,
        paths=(
            f"{_CLASSIC}/2.0/Purchase/DoMWalletTransaction",
            "/api/2.0/purchase/domwallettransaction",
            "/api/v2/rest/payments/m-wallet",
        ),
    ),
    Route(
        operation="inquiry",
        handler=inquire,
        paths=(
            f"{_CLASSIC}/PaymentInquiry/Inquire",
            f"{_ORCHESTRATOR}/status/inquiry",
            "/api/v2/rest/payments/status/inquiry",
        ),
        effect=False,
    ),
    Route(
        operation="refund.wallet",
        handler=refund_wallet,
        paths=(
            f"{_CLASSIC}/Purchase/domwalletrefundtransaction",
            "/api/Purchase/domwalletrefundtransaction",
            f"{_ORCHESTRATOR}/m-wallet/refund",
        ),
    ),
    Route(
        operation="refund.card",
        handler=refund_card,
        paths=(f"{_CLASSIC}/authorize/Refund", f"{_ORCHESTRATOR}/mpgs/v2.0/authorize/refund"),
    ),
)
