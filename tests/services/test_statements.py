"""How many SQL statements a use case costs, step by step. BEGIN, COMMIT and SAVEPOINT are counted apart."""

from __future__ import annotations

import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_payments_hub.domain.statuses import InboxState
from django_payments_hub.models import Payment, WebhookEvent
from django_payments_hub.services import accounts, inbox, payments
from django_payments_hub.testing.sandbox import SandboxClient
from tests.services import world

pytestmark = pytest.mark.django_db(transaction=True)

_FRAME = re.compile(r"BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE SAVEPOINT", re.IGNORECASE)
_SHAPE = re.compile(r"(SELECT|INSERT|UPDATE|DELETE)\b.*?[\"`](payments_hub_\w+|shop_\w+|django_\w+)[\"`]", re.DOTALL)

# What each step of a payment created costs: 13 statements of the hub's own, 4 of the example shop's.
CREATED = {
    "look for the order's OrderRef under lock; make it on first use": 2,
    "insert the payment": 1,
    "move the order's sum": 1,
    "append the log": 1,
    "insert the operation": 1,
    "after the answer: lock OrderRef, payment and open operations": 3,
    "close the operation": 1,
    "write the payment": 1,
    "tell the order that it is paid: lock it; the shop reads its lines and other payments, and writes it": 4,
    "append the log and one delivery for the shop's handler": 2,
}
FILED = {"insert the notice": 1}
APPLIED = {
    "claim the due notices: lock, lease and read them": 3,
    "find the payment by its names": 1,
    "lock OrderRef, payment and open operations": 3,
    "find the refund by its names": 1,
    "file the notice under its verdict": 1,
}


def count(step: Callable[[], object]) -> tuple[list[str], list[str]]:
    """The statements of a step as "VERB table", and apart from them those that frame transactions."""
    with CaptureQueriesContext(connection) as captured:
        step()
    statements = [query["sql"] for query in captured.captured_queries]
    frame = [sql.split('"')[0].split("`")[0].strip() for sql in statements if _FRAME.match(sql)]
    work = [shape(sql) for sql in statements if not _FRAME.match(sql)]
    if report := os.environ.get("STATEMENTS_REPORT"):
        with Path(report).open("a") as file:
            file.write(json.dumps({"work": work, "frame": frame}) + "\n")
    return work, frame


def shape(sql: str) -> str:
    match = _SHAPE.match(sql)
    assert match, sql
    return f"{match[1]} {match[2]}"


def test_a_payment_created_stays_within_its_budget(sandbox: SandboxClient) -> None:
    # given a process that has paid before (its caches are warm), and a logged-in customer with an order
    user = world.make_user()
    world.pay(world.make_order(user=user), user=user)
    wanted = world.wanted(world.make_order(user=user), user=user)
    # when the order is paid with a token
    work, frame = count(lambda: payments.create(wanted))
    # then no step costs more than its budget, in two transactions
    assert Payment.objects.filter(status="completed").count() == 2
    assert len(work) <= sum(CREATED.values()), Counter(work)
    assert sum(word.startswith("COMMIT") for word in frame) == 2


def test_a_notice_filed_and_applied_stays_within_its_budget(sandbox: SandboxClient) -> None:
    # given a refund at the provider, and its notice
    payment = world.pay(world.make_order())
    refund = sandbox.external_refund(payment.provider_payment_id or "", 100)
    account = accounts.get("stripe")
    news = _refund_of(payment, refund)
    bodies = [world.notice("charge.refund.updated", news, event_id=f"evt_{n}") for n in range(2)]
    inbox.receive(account, bodies[0], world.signed(bodies[0]))
    inbox.drain()
    # when the same news comes as another event
    filing, _ = count(lambda: inbox.receive(account, bodies[1], world.signed(bodies[1])))
    applying, _ = count(inbox.process_due)
    # then filing is one INSERT, and applying stays within its budget
    assert WebhookEvent.objects.filter(state=InboxState.PROCESSED).count() == 2
    assert filing == ["INSERT payments_hub_webhookevent"] * sum(FILED.values())
    assert len(applying) <= sum(APPLIED.values()), Counter(applying)


def _refund_of(payment: Payment, refund: dict[str, object]) -> dict[str, object]:
    return {
        "id": refund["id"],
        "object": "refund",
        "amount": 100,
        "currency": "usd",
        "status": "succeeded",
        "balance_transaction": refund["balance_transaction"],
        "payment_intent": payment.provider_payment_id,
        "created": int(time.time()),
        "metadata": {},
    }
