"""A merchant of JazzCash's as his server and his customers' browsers talk to the sandbox."""

import hashlib
import hmac
import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Any

import httpx
import pytest

from django_payments_hub.testing.sandbox import SandboxClient, SandboxProcess
from tests.sandbox.browser import Page, visit

PKT = timezone(timedelta(hours=5))
MERCHANT, BACK = "MC55555", "https://shop.example/back?order=7"
PAYS, POOR, UNDECIDED = "03123456789", "03120000004", "03001234567"
CLASSIC = "/ApplicationAPI/API"
WALLET = f"{CLASSIC}/Payment/DoTransaction"
WALLET_CNIC = f"{CLASSIC}/2.0/Purchase/DoMWalletTransaction"
INQUIRY = f"{CLASSIC}/PaymentInquiry/Inquire"
REFUND_WALLET = f"{CLASSIC}/Purchase/domwalletrefundtransaction"
REFUND_CARD = f"{CLASSIC}/authorize/Refund"
FORM = "/CustomerPortal/transactionmanagement/merchantform/"


def secure_hash(salt: str, fields: dict[str, Any]) -> str:
    """Written down from the hashing scheme's page, apart from the sandbox's own."""
    named = [(name, str(value)) for name, value in fields.items() if value not in (None, "")]
    values = [value for name, value in sorted(named) if name.startswith("pp") and name != "pp_SecureHash"]
    return hmac.new(salt.encode(), "&".join([salt, *values]).encode(), hashlib.sha256).hexdigest()


def pakistan(moment: datetime) -> str:
    return moment.astimezone(PKT).strftime("%Y%m%d%H%M%S")


@dataclass
class Shop:
    """``known``: the merchant's credentials, as the control API gives them."""

    http: httpx.Client
    base: str
    sandbox: SandboxClient
    known: dict[str, Any]
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def salt(self) -> str:
        return str(self.known["integrity_salt"])

    def now(self) -> datetime:
        return datetime.fromisoformat(self.sandbox.now())

    def signed(self, **fields: Any) -> dict[str, Any]:
        """The fields with the credentials and the hash; None leaves one out."""
        given = {"pp_MerchantID": self.known["merchant_id"], "pp_Password": self.known["password"], **fields}
        given = {name: value for name, value in given.items() if value is not None}
        return {"pp_SecureHash": secure_hash(self.salt, given), **given}

    def call(self, path: str, fields: dict[str, Any]) -> dict[str, Any]:
        """The answer's fields, whose hash has been checked."""
        response = self.http.post(self.base + path, json=fields)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        assert answer["pp_SecureHash"].lower() == secure_hash(self.salt, answer)
        return answer

    def order(self, **more: Any) -> dict[str, Any]:
        """What every payment has."""
        reference = f"T{next(self.numbers):06d}"
        return {
            "pp_Language": "EN",
            "pp_TxnRefNo": reference,
            "pp_Amount": "125000",
            "pp_TxnCurrency": "PKR",
            "pp_TxnDateTime": pakistan(self.now()),
            "pp_TxnExpiryDateTime": pakistan(self.now() + timedelta(days=1)),
            "pp_BillReference": f"bill{reference}",
            "pp_Description": "Two books",
            "pp_SubMerchantID": "",
            **more,
        }

    def wallet(self, mobile: str = PAYS, path: str = WALLET, **more: Any) -> dict[str, Any]:
        own = {"pp_Version": "1.1", "pp_TxnType": "MWALLET", "pp_ReturnURL": BACK, "ppmpf_1": mobile}
        return self.call(path, self.signed(**self.order(**{**own, **more})))

    def wallet_cnic(self, mobile: str = PAYS, cnic: str = "345678", path: str = WALLET_CNIC, **more: Any) -> Any:
        return self.call(path, self.signed(**self.order(pp_MobileNumber=mobile, pp_CNIC=cnic, **more)))

    def inquire(self, reference: str, path: str = INQUIRY) -> dict[str, Any]:
        return self.call(path, self.signed(pp_TxnRefNo=reference))

    def stands(self, reference: str) -> tuple[str, str]:
        """The payment's code and status."""
        answer = self.inquire(reference)
        assert answer["pp_ResponseCode"] == "000"
        return answer["pp_PaymentResponseCode"], answer["pp_Status"]

    def refund(self, reference: str, amount: int, path: str = REFUND_WALLET, **more: Any) -> str:
        """The code of the answer."""
        fields = {"pp_TxnRefNo": reference, "pp_Amount": str(amount), "pp_TxnCurrency": "PKR", **more}
        if "authorize" not in path:
            fields.setdefault("pp_MerchantMPIN", self.known["mpin"])
        return str(self.call(path, self.signed(**fields))["pp_ResponseCode"])

    # The hosted page --------------------------------------------------------------------------------------------------

    def form(self, kind: str = "MPAY", **more: Any) -> dict[str, str]:
        own = {"pp_Version": "1.1", "pp_TxnType": kind, "pp_ReturnURL": BACK}
        return self.signed(**self.order(**{**own, **more}))

    def post(self, form: dict[str, str], path: str = FORM) -> Page:
        return visit(self.base + path, form)

    def open(self, form: dict[str, str]) -> str:
        """The address of the page that a form leads to."""
        page = self.post(form)
        assert (page.status, bool(page.location)) == (303, True), page.html
        return self.base.removesuffix("/jazzcash") + str(page.location)

    def back(self, page: Page) -> tuple[str, dict[str, str]]:
        """Where a page sends the browser, and with which fields, whose hash has been checked."""
        action = re.search(r'<form method="post" action="([^"]+)" id="return">', page.html)
        assert action, page.html
        found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.html)
        fields = {html.unescape(name): html.unescape(value) for name, value in found}
        assert fields["pp_SecureHash"].lower() == secure_hash(self.salt, fields)
        return html.unescape(action[1]), fields

    def pay(self, form: dict[str, str], **choice: str) -> dict[str, str]:
        """Open the page, do something on it; the fields that the browser comes back with."""
        return self.back(visit(self.open(form), {"outcome": "pay", **choice}))[1]

    def books(self, reference: str) -> Any:
        return self.sandbox.ledger(provider="jazzcash")["payments"].get(reference)

    def acknowledge(self, _heard: object) -> bytes:
        """What JazzCash wants to hear."""
        fields: dict[str, Any] = {"pp_ResponseCode": "000", "pp_ResponseMessage": "Success"}
        return json.dumps({**fields, "pp_SecureHash": secure_hash(self.salt, fields)}).encode()


@pytest.fixture
def shop(process: SandboxProcess, sandbox: SandboxClient) -> Iterator[Shop]:
    with httpx.Client(timeout=10) as http:
        known = sandbox.deed("merchant", account=MERCHANT)
        yield Shop(http=http, base=process.url_of("jazzcash"), sandbox=sandbox, known=known)
