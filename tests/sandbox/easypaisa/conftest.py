"""A store of EasyPaisa's as its server and its customers' browsers talk to the sandbox."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from django_payments_hub.testing.sandbox import SandboxClient, SandboxProcess
from tests.sandbox.browser import Page, visit

PKT = timezone(timedelta(hours=5))
STORE, BACK, DONE = "55555", "https://shop.example/back?order=7", "https://shop.example/done"
PAYS, POOR, UNDECIDED = "03451234567", "03450000013", "03001234567"
REST = "/easypay-service/rest/v4"


def encrypted(key: str, text: str) -> str:
    """AES, ECB, PKCS5, base64: written down from the guide, apart from the sandbox's own."""
    raw = text.encode()
    missing = 16 - len(raw) % 16
    encryptor = Cipher(algorithms.AES(key.encode()), modes.ECB()).encryptor()
    return base64.b64encode(encryptor.update(raw + bytes([missing] * missing)) + encryptor.finalize()).decode()


def query(url: str | None) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(str(url)).query))


@dataclass
class Shop:
    """``known``: the store's credentials, as the control API gives them."""

    http: httpx.Client
    base: str
    sandbox: SandboxClient
    known: dict[str, Any]
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def credentials(self) -> str:
        return base64.b64encode(f"{self.known['username']}:{self.known['password']}".encode()).decode()

    def send(self, path: str, fields: dict[str, Any]) -> httpx.Response:
        return self.http.post(f"{self.base}{REST}/{path}", json=fields, headers={"Credentials": self.credentials()})

    def call(self, path: str, **fields: Any) -> dict[str, Any]:
        """None leaves a field out."""
        given = {"storeId": self.known["store_id"], **fields}
        response = self.send(path, {name: value for name, value in given.items() if value is not None})
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def order(self, **more: Any) -> dict[str, Any]:
        return {"orderId": f"ORDER-{next(self.numbers):04d}", "transactionAmount": "1250.00", **more}

    def pay(self, mobile: str = PAYS, **more: Any) -> dict[str, Any]:
        own = {"transactionType": "MA", "mobileAccountNo": mobile, "emailAddress": "ada@shop.example"}
        return self.call("initiate-ma-transaction", **self.order(**{**own, **more}))

    def voucher(self, **more: Any) -> dict[str, Any]:
        own = {"transactionType": "OTC", "msisdn": PAYS, "emailAddress": "ada@shop.example"}
        return self.call("initiate-otc-transaction", **self.order(**{**own, **more}))

    def inquire(self, order: str, **more: Any) -> dict[str, Any]:
        given = {"orderId": order, "accountNum": self.known["account_num"], **more}
        return self.call("inquire-transaction", **given)

    def stands(self, order: str) -> str:
        answer = self.inquire(order)
        assert (answer["responseCode"], answer["orderId"]) == ("0000", order), answer
        return str(answer["transactionStatus"])

    def books(self, order: str) -> Any:
        return self.sandbox.ledger(provider="easypaisa")["payments"].get(order)

    def in_pakistan(self, **ahead: float) -> str:
        moment = datetime.fromisoformat(self.sandbox.now()) + timedelta(**ahead)
        return moment.astimezone(PKT).strftime("%Y%m%d %H%M%S")

    # The hosted page --------------------------------------------------------------------------------------------------

    def form(self, **more: str) -> dict[str, str]:
        """A form without a hash."""
        own = {
            "storeId": str(self.known["store_id"]),
            "amount": "1250.0",
            "postBackURL": BACK,
            "orderRefNum": f"ORDER-{next(self.numbers):04d}",
            "autoRedirect": "1",
        }
        return {**own, **more}

    def hashed(self, form: dict[str, str]) -> dict[str, str]:
        text = "&".join(f"{name}={form[name]}" for name in sorted(form))
        return {**form, "merchantHashedReq": encrypted(self.known["hash_key"], text)}

    def post(self, form: dict[str, str]) -> Page:
        return visit(f"{self.base}/easypay/Index.jsf", form)

    def open(self, form: dict[str, str]) -> str:
        """The address of the page that a form leads to."""
        page = self.post(form)
        assert page.status == 303, page.html
        assert str(page.location).startswith("/easypaisa/easypay/pay/"), page.location
        return self.base.removesuffix("/easypaisa") + str(page.location)

    def choose(self, form: dict[str, str], **choice: str) -> str:
        """Do something on the page; the token that the browser comes back with."""
        page = visit(self.open(form), {"outcome": "pay", "method": "MA", "mobile": PAYS, **choice})
        assert (page.status, str(page.location).startswith(f"{BACK}&auth_token=")) == (303, True), page
        return query(page.location)["auth_token"]

    def confirm(self, token: str, url: str = DONE) -> Page:
        return visit(f"{self.base}/easypay/Confirm.jsf", {"auth_token": token, "postBackURL": url})


@pytest.fixture
def shop(process: SandboxProcess, sandbox: SandboxClient) -> Iterator[Shop]:
    with httpx.Client(timeout=10) as http:
        known = sandbox.deed("store", account=STORE)
        yield Shop(http=http, base=process.url_of("easypaisa"), sandbox=sandbox, known=known)
