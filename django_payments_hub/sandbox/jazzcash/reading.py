"""What a request must look like before JazzCash does anything about it."""

import re
from dataclasses import dataclass
from datetime import datetime

from django_payments_hub.sandbox.jazzcash.account import Merchant
from django_payments_hub.sandbox.jazzcash.codes import JazzCashError
from django_payments_hub.sandbox.pakistan import MOBILE, read_time
from django_payments_hub.sandbox.wire import Json

TIME = "%Y%m%d%H%M%S"
CREDENTIALS = ("pp_MerchantID", "pp_Password")
PAYMENT = (
    "pp_TxnRefNo", "pp_Amount", "pp_TxnCurrency", "pp_TxnDateTime", "pp_BillReference", "pp_Description",
    "pp_TxnExpiryDateTime",
)  # fmt: skip
KINDS = frozenset({"MPAY", "MWALLET", "OTC"})  # by card, by wallet, by voucher
_FORMS = {
    "pp_TxnRefNo": re.compile(r"[A-Za-z0-9]{1,20}"),
    "pp_BillReference": re.compile(r"[A-Za-z0-9]{1,20}"),
    "pp_Amount": re.compile(r"[0-9]{1,13}"),
    "pp_TxnCurrency": re.compile("PKR"),
    "pp_Language": re.compile("EN|UR"),
    "pp_Version": re.compile(r"1\.1|2\.0"),
    "pp_TxnType": re.compile("|".join(sorted(KINDS))),
    "ppmpf_1": MOBILE,
    "pp_MobileNumber": MOBILE,
    "pp_CNIC": re.compile(r"[0-9]{6}"),
    "pp_MerchantMPIN": re.compile(r"[0-9]{4,8}"),
}


@dataclass(frozen=True, kw_only=True)
class Order:
    """The payment that a request asks for; ``amount`` in paisa."""

    reference: str
    amount: int
    expires: datetime


def check(merchant: Merchant, fields: Json, *required: str, checked: tuple[str, ...] = ()) -> None:
    """Credentials, fields and the hash, in this order. Raises JazzCashError 101, 110 or 115.

    ``checked`` are fields that may be left out, but have a form.
    """
    if fields.get("pp_Password") != merchant.password:
        raise JazzCashError("101")
    for name in required:
        if fields.get(name) in (None, ""):
            raise JazzCashError("110", field=name)
    for name in (*required, *checked):
        _check_form(name, fields.get(name))
    if not merchant.knows(fields):
        raise JazzCashError("115")


def _check_form(name: str, value: object) -> None:
    if value in (None, ""):
        return
    form = _FORMS.get(name)
    if not isinstance(value, str) or (form is not None and form.fullmatch(value) is None):
        raise JazzCashError("110", field=name)
    if name == "pp_Amount" and int(value) == 0:
        raise JazzCashError("110", field=name)


def read_order(merchant: Merchant, fields: Json) -> Order:
    """The order of a request that is checked. Raises JazzCashError 110 for its times, 116 when they are over."""
    begun, ends = (read_time(str(fields[name]), TIME) for name in ("pp_TxnDateTime", "pp_TxnExpiryDateTime"))
    if begun is None:
        raise JazzCashError("110", field="pp_TxnDateTime")
    if ends is None or ends <= begun:
        raise JazzCashError("110", field="pp_TxnExpiryDateTime")
    if ends <= merchant.now():
        raise JazzCashError("116")
    return Order(reference=str(fields["pp_TxnRefNo"]), amount=int(fields["pp_Amount"]), expires=ends)
