"""SQL statements of a notice and of a payment, step by step, beside the budget of each step."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks import events, stage
from benchmarks.report import Report

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_FRAME = re.compile(r"(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE SAVEPOINT)\b")


@dataclass(frozen=True)
class Step:
    """What a step may cost: its statements as "VERB table"."""

    name: str
    budget: tuple[str, ...]


NEW_NOTICE = (Step("file the notice", ("INSERT webhookevent",)),)
DUPLICATE = (
    Step("file the notice, refused by its unique index", ("INSERT webhookevent",)),
    Step("confirm that it is there", ("SELECT webhookevent",)),
)
PAYMENT = (
    Step("lock the order's OrderRef; make it on first use", ("SELECT orderref", "INSERT orderref")),
    Step(
        "write the payment, its log and the order's sum",
        ("INSERT payment", "INSERT transactionlog", "UPDATE orderref"),
    ),
    Step("write the operation, before the first byte is sent", ("INSERT operation",)),
    Step(
        "after the answer: lock OrderRef, payment, open operations",
        ("SELECT orderref", "SELECT payment", "SELECT operation"),
    ),
    Step("write the operation and the payment", ("UPDATE operation", "UPDATE payment")),
    Step("the shop's order becomes paid: its own statements", ("SELECT order", "SELECT payment", "UPDATE order")),
    Step("write the log and the deliveries to handlers", ("INSERT transactionlog", "INSERT eventdelivery")),
)
REQUEST = (
    Step("claim the Idempotency-Key", ("INSERT idempotencykey",)),
    Step(
        "the shop's order and its price: its own statements", ("SELECT order", "SELECT orderline", "SELECT orderline")
    ),
    *PAYMENT,
    Step("point the key to the payment, then keep the answer", ("UPDATE idempotencykey", "UPDATE idempotencykey")),
)


def run(report: Report) -> None:
    """Each once, in a process whose caches are warm."""
    with stage.sandbox():
        user = stage.customer("statements")
        _post_notice("evt_warm")
        _create(user)()
        _post_payment(user)()
        report.title("SQL statements, measured / budget; what frames transactions apart")
        _tell(report, "a new notice", NEW_NOTICE, lambda: _post_notice("evt_new"))
        _tell(report, "the same notice again", DUPLICATE, lambda: _post_notice("evt_new"))
        _tell(report, "services.payments.create, token flow, until paid", PAYMENT, _create(user))
        _tell(report, "POST /api/payments/ with an Idempotency-Key", REQUEST, _post_payment(user))


def _post_notice(event_id: str) -> None:
    from django.conf import settings
    from django.test import Client

    body = events.body_of(event_id)
    signature = events.signature(body, settings.WEBHOOK_SECRET)
    answer = Client().post(
        "/api/payments/webhooks/stripe/", body, content_type="application/json", headers={"Stripe-Signature": signature}
    )
    _expect(answer.status_code, 200)


def _create(user: User) -> Callable[[], None]:
    from django_payments_hub.services import payments

    wish = stage.wish(user)
    return lambda: _expect(payments.create(wish).status, "completed")


def _post_payment(user: User) -> Callable[[], None]:
    from rest_framework.test import APIClient

    client, order = APIClient(), stage.order(user)
    client.force_authenticate(user)
    wanted = {
        "order_id": str(order.pk),
        "account": "stripe",
        "flow": "token",
        "payment_method_token": stage.CARD,
    }
    return lambda: _expect(
        client.post("/api/payments/", wanted, format="json", headers={"Idempotency-Key": str(order.pk)}).status_code,
        201,
    )


def _expect(found: object, wanted: object) -> None:
    if found != wanted:
        raise RuntimeError(f"Expected {wanted!r}, not {found!r}.")


def _tell(report: Report, name: str, steps: tuple[Step, ...], action: Callable[[], None]) -> None:
    work, frame = _statements(action)
    left = Counter(work)
    report.line(name, f"{len(work):2d} / {sum(len(step.budget) for step in steps)}")
    for step in steps:
        spent = sum((left & Counter(step.budget)).values())
        left -= Counter(step.budget)
        report.line(f"    {step.name}", f"{spent:2d} / {len(step.budget)}")
    if left:
        report.line("    OVER BUDGET", ", ".join(f"{count} {shape}" for shape, count in left.items()))
    if frame:
        report.line("    apart", ", ".join(f"{count} {word}" for word, count in frame.items()))


def _statements(action: Callable[[], None]) -> tuple[list[str], Counter[str]]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        action()
    frame: Counter[str] = Counter()
    work = []
    for query in captured.captured_queries:
        match = _FRAME.match(query["sql"])
        if match:
            frame[match[1]] += 1
        else:
            work.append(_shape(query["sql"]))
    return work, frame


def _shape(sql: str) -> str:
    """`SELECT payment` of `SELECT ... FROM "payments_hub_payment" ...`."""
    keyword = {"SELECT": " FROM ", "INSERT": "INTO ", "UPDATE": "UPDATE ", "DELETE": "FROM "}
    verb = sql.split(" ", 1)[0]
    table = sql.split(keyword[verb], 1)[1].split('"')[1]
    return f"{verb} {table.removeprefix('payments_hub_').removeprefix('shop_')}"
