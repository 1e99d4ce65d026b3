"""The two forms of the hosted checkout, and the hash over the first.

Guide, "Easypay plugin": the customer's browser posts the order to `Index.jsf` and is sent back with an `auth_token`;
that it posts to `Confirm.jsf`, which takes the money and sends it back once more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from django_payments_hub.domain.money import format_minor
from django_payments_hub.domain.statuses import MethodKind
from django_payments_hub.exceptions import Refused
from django_payments_hub.provider_kit.aes import aes_ecb_base64
from django_payments_hub.provider_kit.pakistan import PKT, mobile_number_or_none
from django_payments_hub.provider_kit.types import FormRequest, HostedForm, Payer

_INDEX, _CONFIRM = "/easypay/Index.jsf", "/easypay/Confirm.jsf"
_METHODS = {
    MethodKind.WALLET: "MA_PAYMENT_METHOD",
    MethodKind.VOUCHER: "OTC_PAYMENT_METHOD",
    MethodKind.CREDIT_CARD: "CC_PAYMENT_METHOD",
    MethodKind.DEBIT_CARD: "CC_PAYMENT_METHOD",
}
_TOKEN = re.compile(r"[!-~]{1,1000}", re.ASCII)
_MAIL = re.compile(r"[^\s@]+@[^\s@]+", re.ASCII)


def page_amount(minor: int, currency: str) -> str:
    """Rupees with one decimal, as the guide wants them ("10.0"); raises Refused for what has no such form."""
    rupees = format_minor(minor, currency)
    if not rupees.endswith("0"):
        raise Refused("EasyPaisa's page takes whole tenths of a rupee.", code="invalid_request")
    return rupees[:-1]


def expiry(moment: datetime) -> str:
    """A moment in Pakistan as `YYYYMMDD HHMMSS`."""
    return moment.astimezone(PKT).strftime("%Y%m%d %H%M%S")


def merchant_hash(fields: Mapping[str, str], key: str) -> str:
    """`merchantHashedReq`: `name=value` of all fields that are not empty, sorted by name, joined by "&", encrypted."""
    plaintext = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if fields[name])
    return aes_ecb_base64(key.encode(), plaintext.encode())


def index_form(request: FormRequest, *, base: str, store_id: str, hash_key: str) -> HostedForm:
    """The form that leads the customer to the checkout page."""
    fields = {
        "storeId": store_id,
        "amount": page_amount(request.amount_minor, request.currency),
        "postBackURL": request.return_url,
        "orderRefNum": request.reference,
        "expiryDate": expiry(request.expires_at),
        "autoRedirect": "1",
        **_optional(request),
    }
    return HostedForm(url=base + _INDEX, fields={**fields, "merchantHashedReq": merchant_hash(fields, hash_key)})


def _optional(request: FormRequest) -> dict[str, str]:
    """What only spares the customer some typing, as far as it has the form EasyPaisa takes."""
    known = {
        "paymentMethod": _METHODS.get(request.method_kind, "") if request.method_kind else "",
        "emailAddr": mail_of(request.payer),
        "mobileNum": mobile_number_or_none(request.payer.phone),
    }
    return {name: value for name, value in known.items() if value}


def mail_of(payer: Payer) -> str:
    """The payer's mail address; "" where it is not plain."""
    return payer.email if _MAIL.fullmatch(payer.email) else ""


def confirm_form(request: FormRequest, data: Mapping[str, str], *, base: str) -> HostedForm | None:
    """The form that takes the money, for a browser that is back with an `auth_token`."""
    token = data.get("auth_token", "")
    if not _TOKEN.fullmatch(token):
        return None
    return HostedForm(url=base + _CONFIRM, fields={"auth_token": token, "postBackURL": request.return_url})
