"""What the tests of the hub over JazzCash are made of: payments, browsers, notices as JazzCash signs them, time."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from typing import Any

import httpx
from django.db.models import F
from django.test import Client
from django.utils import timezone

from django_payments_hub.domain.statuses import Flow, OperationState, Source
from django_payments_hub.models import Operation, Payment, Refund
from django_payments_hub.services import inbox, operations, payments, provider_calls, refunds, sweeper
from django_payments_hub.services.payments import NewPayment
from django_payments_hub.testing.sandbox import SandboxClient
from tests.providers.jazzcash.harness import sign
from tests.services import world

HOOK, BACK = "/api/payments/webhooks/jazzcash/", "/api/payments/return/jazzcash/"
PENDING, PAYS = "03009990001", "03123456789"
_FIELD = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)"')


def wish(**more: Any) -> NewPayment:
    """12.50 rupees from a wallet that stays pending, unless told otherwise."""
    wanted: dict[str, Any] = {"amount": "12.50", "currency": "PKR", "flow": Flow.DIRECT, "payer": {"phone": PENDING}}
    return NewPayment(account="jazzcash", **{**wanted, **more})


def ask_wallet(phone: str = PENDING, **more: Any) -> Payment:
    """A wallet payment, after the worker has made its call."""
    payment = payments.create(wish(**{"payer": {"phone": phone}, **more}))
    for operation in Operation.objects.filter(payment=payment, state=OperationState.CREATED.value):
        operations.resume(operation.pk)
    return world.fresh(payment)


def begin_hosted(**more: Any) -> Payment:
    return payments.create(wish(flow=Flow.HOSTED, payer={}, return_url="https://shop.example.com/thanks", **more))


def form_of(payment: Payment) -> tuple[str, dict[str, str], str]:
    """The form that the hub's page posts: its address, its fields, and the page."""
    page = Client().get(str((payment.next_action or {})["url"])).content.decode()
    found = re.search(r'action="([^"]*)"', page)
    assert found
    fields = {html.unescape(name): html.unescape(value) for name, value in _FIELD.findall(page)}
    return html.unescape(found[1]), fields, page


def pay_on_page(sandbox: SandboxClient, payment: Payment, outcome: str = "succeed") -> dict[str, str]:
    """Post the form and pay; the form that the browser is sent back with."""
    url, fields, _ = form_of(payment)
    assert httpx.post(url, data=fields).status_code == 303
    back: dict[str, str] = sandbox.deed("pay_session", session=payment.reference, outcome=outcome)["return"]["fields"]
    return back


def paid(sandbox: SandboxClient, **more: Any) -> Payment:
    payment = ask_wallet(**more)
    sandbox.deed("settle", payment=payment.reference)
    return payments.sync(payment.pk)


def notice(payment: Payment, salt: str, code: str = "121", **more: Any) -> dict[str, Any]:
    """What JazzCash would send of this payment, signed."""
    fields = {
        "pp_Version": "2.0",
        "pp_TxnType": "MWALLET",
        "pp_BankID": "",
        "pp_ProductID": None,
        "pp_Password": "password-in-clear",
        "pp_TxnRefNo": payment.reference,
        "pp_TxnDateTime": "20240418145702",
        "pp_ResponseCode": code,
        "pp_ResponseMessage": "As JazzCash would put it.",
        "pp_AuthCode": "060935465981",
        "pp_SettlementExpiry": None,
        "pp_RetreivalReferenceNo": "240418718258",
        **more,
    }
    return sign(fields, salt)


def send(body: dict[str, Any]) -> Any:
    """Deliver a notice as it came, and work through the inbox."""
    answer = Client().post(HOOK, json.dumps(body), content_type="application/json")
    inbox.drain()
    return answer


def come_back(form: dict[str, str]) -> Any:
    return Client().post(BACK, form)


def refund(payment: Payment, amount: str | None = None) -> Refund:
    return refunds.execute(refunds.request(payment.pk, amount=amount, reason="broken cup").pk)


def converge() -> None:
    """An hour passes, and the sweeper alone has to find out."""
    for _ in range(4):
        open_ones = Operation.objects.exclude(next_attempt_at=None)
        if not open_ones.exists():
            return
        open_ones.update(first_sent_at=F("first_sent_at") - timedelta(hours=1))
        open_ones.exclude(lease_until=None).update(lease_until=timezone.now() - timedelta(seconds=1))
        open_ones.update(next_attempt_at=timezone.now() - timedelta(seconds=1))
        sweeper.sweep()


def look(payment: Payment) -> Payment:
    provider_calls.ask(payment, source=Source.LOOK_UP)
    return world.fresh(payment)
