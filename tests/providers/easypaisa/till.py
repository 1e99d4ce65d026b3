"""Payments by EasyPaisa in the hub, and the customer's browser that posts both forms."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from django.test import Client

from django_payments_hub.domain.statuses import Flow
from django_payments_hub.models import Payment
from django_payments_hub.services import operations, payments
from django_payments_hub.testing.sandbox import SandboxClient
from tests.services.world import fresh, only_operation

PENDING = "03459990001"
HOST_PAGE = "https://shop.example.com/done"


def begin(flow: Flow = Flow.HOSTED, *, phone: str = PENDING, **more: Any) -> Payment:
    if more.get("terms") is None:
        more |= {"amount": "1500.00", "currency": "PKR"}
    payer = {"phone": phone, "email": "ann@example.com"} if flow is Flow.DIRECT else {}
    wish = payments.NewPayment(account="easypaisa", flow=flow, payer=payer, return_url=HOST_PAGE, **more)
    return payments.create(wish)


def called(phone: str = PENDING, **more: Any) -> Payment:
    """A payment by phone after the worker's call."""
    payment = begin(Flow.DIRECT, phone=phone, **more)
    operations.resume(only_operation(payment, "pay").pk)
    return fresh(payment)


def path_of(url: str) -> str:
    return url.removeprefix("http://testserver")


def form_on(response: Any) -> tuple[str, dict[str, str]]:
    html = response.content.decode()
    (target,) = re.findall(r'<form method="post" action="([^"]*)"', html)
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', html)
    return unescape(target), {name: unescape(value) for name, value in fields}


def submit(form: tuple[str, dict[str, str]], **changes: str) -> httpx.Response:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return httpx.post(form[0], content=urlencode({**form[1], **changes}), headers=headers, follow_redirects=False)


def page_of(payment: Payment) -> Any:
    assert payment.next_action is not None
    return Client().get(path_of(str(payment.next_action["url"])))


def at_the_till(payment: Payment, sandbox: SandboxClient, outcome: str = "succeed") -> tuple[str, dict[str, str]]:
    """The second form, for a customer who has chosen on EasyPaisa's page."""
    submit(form_on(page_of(payment)))
    led = sandbox.deed("pay_session", session=payment.reference, outcome=outcome, confirm=False)
    back = Client().get(path_of(led["return"]["url"]), led["return"]["fields"])
    return form_on(back)


def check_out(payment: Payment, sandbox: SandboxClient, outcome: str = "succeed") -> Any:
    """All of it: how the browser's last step answers."""
    landed = submit(at_the_till(payment, sandbox, outcome)).headers["Location"]
    parts = urlsplit(landed)
    return Client().get(parts.path, dict(parse_qsl(parts.query)))
