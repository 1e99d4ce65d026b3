"""The fields of a transaction, and the hosted page's form ("HTTP POST (Page Redirection)").

The form is posted by the customer's browser and carries the merchant's password: that is how JazzCash has it. So it is
made each time the hub's own page is shown, and kept nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django_payments_hub.domain.statuses import MethodKind
from django_payments_hub.provider_kit.pakistan import local_time, mobile_number_or_none
from django_payments_hub.provider_kit.types import FormRequest, HostedForm
from django_payments_hub.providers.jazzcash import references
from django_payments_hub.providers.jazzcash.api import Api
from django_payments_hub.providers.jazzcash.config import CARD_REGISTERED, Config

TXN_TYPES: Mapping[MethodKind, str] = {
    MethodKind.CREDIT_CARD: "MPAY",
    MethodKind.DEBIT_CARD: "MPAY",
    MethodKind.WALLET: "MWALLET",
    MethodKind.VOUCHER: "OTC",
}
KINDS: Mapping[str, MethodKind] = {
    "MPAY": MethodKind.CREDIT_CARD,
    "MIGS": MethodKind.CREDIT_CARD,
    "MWALLET": MethodKind.WALLET,
    "OTC": MethodKind.VOUCHER,
}
_CARD = TXN_TYPES[MethodKind.CREDIT_CARD]
_OWN_FIELDS = {f"ppmpf_{number}": "" for number in range(1, 6)}


def transaction(
    *, reference: str, amount_minor: int, description: str, now: datetime, expires_at: datetime, currency: str = "PKR"
) -> dict[str, str]:
    """What every form and wallet call says of a payment: paisa, and Pakistan's time."""
    return {
        "pp_Language": "EN",
        "pp_SubMerchantID": "",
        "pp_TxnRefNo": references.reference(reference),
        "pp_Amount": str(amount_minor),
        "pp_TxnCurrency": currency,
        "pp_TxnDateTime": local_time(now),
        "pp_TxnExpiryDateTime": local_time(expires_at),
        "pp_BillReference": reference,
        "pp_Description": references.description(description, f"Payment {reference}"),
        **_OWN_FIELDS,
    }


def hosted(api: Api, request: FormRequest, return_url: str) -> HostedForm:
    """The form that leads to JazzCash's page; without a kind the customer chooses there."""
    config = api.config
    kind = TXN_TYPES.get(request.method_kind, "") if request.method_kind else ""
    of_cards = _registered(request) if kind == _CARD and config.card_version == CARD_REGISTERED else {}
    fields = {
        **transaction(
            reference=request.reference,
            amount_minor=request.amount_minor,
            description=request.description,
            now=request.now,
            expires_at=request.expires_at,
            currency=request.currency,
        ),
        "pp_Version": config.card_version if kind == _CARD else "1.1",
        "pp_TxnType": kind,
        "pp_BankID": config.bank_id,
        "pp_ProductID": config.product_id,
        "pp_ReturnURL": return_url,
        **of_cards,
    }
    return HostedForm(url=api.at.form_url, fields=api.signed(fields))


def wallet(config: Config, fields: Mapping[str, str], return_url: str, mobile: str) -> dict[str, str]:
    """The fields of the wallet call 1.1: the mobile number alone."""
    named = {"pp_SubMerchantName": config.sub_merchant_name} if config.sub_merchant_name else {}
    return {
        **fields,
        **named,
        "pp_Version": "1.1",
        "pp_TxnType": TXN_TYPES[MethodKind.WALLET],
        "pp_BankID": config.bank_id,
        "pp_ProductID": config.product_id,
        "pp_ReturnURL": return_url,
        "ppmpf_1": mobile,
    }


def wallet_with_cnic(fields: Mapping[str, str], mobile: str, cnic: str) -> dict[str, str]:
    """The fields of the wallet call 2.0: number and the last six digits of the identity card."""
    return {**fields, "pp_DiscountedAmount": "", "pp_MobileNumber": mobile, "pp_CNIC": cnic}


def _registered(request: FormRequest) -> dict[str, str]:
    """What version 2.0 of the card page asks of the customer; his card is not kept there."""
    return {
        "pp_IsRegisteredCustomer": "No",
        "pp_TokenizedCardNumber": "",
        "pp_CustomerID": "",
        "pp_CustomerEmail": request.payer.email,
        "pp_CustomerMobile": mobile_number_or_none(request.payer.phone),
    }
