"""PaymentMethods as facts (docs.stripe.com/api/payment_methods/object)."""

from __future__ import annotations

from django_payments_hub.domain.statuses import MethodKind
from django_payments_hub.provider_kit.reading import Json, optional_integer, optional_mapping, optional_text, text
from django_payments_hub.provider_kit.types import MethodFact

_TYPES = {
    MethodKind.WALLET: (
        "alipay amazon_pay cashapp grabpay kakao_pay link mobilepay naver_pay paypal paypay revolut_pay swish "
        "wechat_pay"
    ),
    MethodKind.BANK_TRANSFER: (
        "acss_debit au_becs_debit bacs_debit bancontact blik customer_balance eps fpx giropay ideal nz_bank_account "
        "p24 pay_by_bank sepa_debit sofort twint us_bank_account"
    ),
    MethodKind.VOUCHER: "boleto konbini multibanco oxxo",
}
_KINDS = {type_: kind for kind, types in _TYPES.items() for type_ in types.split()}


def method_of(intent: Json) -> MethodFact | None:
    """The method where it was expanded, or stands in the error of a decline; an id alone tells nothing."""
    method = optional_mapping(intent, "payment_method") or optional_mapping(
        optional_mapping(intent, "last_payment_error"), "payment_method"
    )
    return read_method(method) if method else None


def read_method(method: Json) -> MethodFact:
    """A PaymentMethod."""
    type_ = text(method, "type")
    card = optional_mapping(method, "card")
    return MethodFact(
        kind=_kind(type_, optional_text(card, "funding")),
        provider_method_id=text(method, "id"),
        provider_customer_id=_customer_of(method),
        reusable=bool(_customer_of(method)),
        brand=optional_text(card, "brand") or type_,
        last4=optional_text(card or optional_mapping(method, type_), "last4"),
        expiry_month=optional_integer(card, "exp_month") or None,
        expiry_year=optional_integer(card, "exp_year") or None,
        fingerprint=optional_text(card or optional_mapping(method, type_), "fingerprint"),
    )


def _customer_of(method: Json) -> str:
    customer = optional_mapping(method, "customer")
    return text(customer, "id") if customer else optional_text(method, "customer")


def _kind(type_: str, funding: str) -> MethodKind:
    if type_ == "card":
        return MethodKind.DEBIT_CARD if funding in ("debit", "prepaid") else MethodKind.CREDIT_CARD
    return _KINDS.get(type_, MethodKind.OTHER)
