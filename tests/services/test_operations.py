"""I5, I6: committed before the first byte, no transaction open during the call. Bugs and kills leave it unknown."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError, connection

from django_payments_hub import registry
from django_payments_hub.domain.statuses import OperationKind, OperationState, PaymentStatus, RefundStatus
from django_payments_hub.exceptions import ConfigurationError
from django_payments_hub.models import Operation, Payment, Refund
from django_payments_hub.services import answers, operations, payments, proofs, refunds, sweeper
from django_payments_hub.testing.sandbox import SandboxClient
from tests.services import world
from tests.services.test_outcomes import CASES, Case

pytestmark = pytest.mark.django_db(transaction=True)


class Witness:
    """Is called by the sandbox while it holds a call of the hub's, and looks into the hub's database meanwhile."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        witness = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                witness.look(told)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def look(self, told: dict[str, Any]) -> None:
        key = UUID(told["idempotency_key"].removesuffix("-create"))
        try:
            operation = Operation.objects.filter(pk=key).first()
            began = time.monotonic()
            # writes to the very payment the call is about: nobody may hold its lock
            Payment.objects.filter(operations__pk=key).update(description="seen")
            self.seen.append(
                {"state": operation and operation.state, "waited": time.monotonic() - began, "key": str(key)}
            )
        finally:
            connection.close()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def witness() -> Iterator[Witness]:
    running = Witness()
    yield running
    running.close()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_operation_is_committed_before_the_call_and_no_lock_is_held_during_it(
    sandbox: SandboxClient, witness: Witness, case: Case
) -> None:
    prepared = case.prepare()
    sandbox.fault("callback", operation=case.call, url=witness.url)
    payment = case.act(prepared)
    [seen] = witness.seen
    assert seen["state"] == OperationState.SENT
    assert seen["key"] == str(world.only_operation(payment, case.kind).pk), "its id is the key at the provider"
    assert seen["waited"] < 1
    assert world.fresh(payment).status == case.status


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_try_carries_the_same_key(sandbox: SandboxClient, case: Case) -> None:
    prepared = case.prepare()
    sandbox.fault("reset", operation=case.call, when="before", times=2)
    payment = case.act(prepared)
    world.converge()
    keys = {call["idempotency_key"] for call in sandbox.calls(case.call)}
    suffix = "-create" if case.call == "payment_intents.create" else ""
    assert keys == {f"{world.only_operation(payment, case.kind).pk}{suffix}"}
    assert len(sandbox.calls(case.call)) == 3


# -- bugs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_bug_in_the_providers_code_leaves_the_outcome_unknown(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    """It may have struck after the call was made."""
    prepared = case.prepare()
    provider = registry.provider_class("stripe")
    whole = getattr(provider, case.kind)

    def done_and_then_broken(*args: Any) -> None:
        whole(*args)
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(provider, case.kind, done_and_then_broken)
        payment = case.act(prepared)
    operation = world.only_operation(payment, case.kind)
    assert (operation.state, operation.error_code) == (OperationState.UNKNOWN, "provider_bug")
    world.converge()
    assert world.fresh(payment).status == case.status
    assert world.books_of(sandbox, payment) == case.books


def test_a_configuration_that_breaks_meanwhile_sends_nothing(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = world.authorize()
    provider = registry.provider_class("stripe")

    def broken(*_: Any) -> None:
        raise ConfigurationError("no", code="no_certificate")

    with monkeypatch.context() as patched:
        patched.setattr(provider, "capture", broken)
        payments.capture(payment.pk)
    operation = world.only_operation(payment, "capture")
    assert (operation.state, operation.error_code, operation.in_doubt) == (
        OperationState.CREATED,
        "no_certificate",
        False,
    )
    assert world.account().unhealthy_code == "no_certificate"
    world.converge()
    assert world.fresh(payment).captured_minor == 1000


def test_a_refund_that_kills_every_process_that_takes_it_is_given_up(
    sandbox: SandboxClient, settings: Any, hub: dict[str, Any]
) -> None:
    """F53: nobody ever comes back to write an error down."""
    settings.PAYMENTS_HUB = {**hub, "OPERATION_MAX_TRIES": 4}
    payment = world.pay()
    refund = refunds.request(payment.pk)
    refunds._operation_of(refund.pk)
    assert killed(payment, "refund") == 4
    sweeper.sweep()
    assert sandbox.calls("refunds.create") == []
    assert Refund.objects.get().status == RefundStatus.PENDING
    assert world.fresh(payment).refund_reserved_minor == 1000


def test_a_payment_that_kills_every_process_that_takes_it_is_given_up_and_shown_as_unknown(
    sandbox: SandboxClient, settings: Any, hub: dict[str, Any]
) -> None:
    settings.PAYMENTS_HUB = {**hub, "OPERATION_MAX_TRIES": 4}
    sandbox.fault("status", operation="payment_intents.create", status=429, body={"error": {}})
    payment = world.pay()
    assert payment.status == PaymentStatus.PENDING
    assert killed(payment, "pay") == 4
    assert world.fresh(payment).status == PaymentStatus.PROCESSING


def killed(payment: Payment, kind: str) -> int:
    """How often the operation was taken by a process that then died, before it was given up."""
    operation, taken = world.only_operation(payment, kind), 0
    for _ in range(10):
        world.make_due()
        taken += operations.claim(operation.pk) is not None
    operation.refresh_from_db()
    assert (operation.state, operation.attention_code) == (OperationState.UNKNOWN, "tries_exhausted")
    assert operation.next_attempt_at is None
    return taken


def test_an_operation_never_sent_is_given_up_as_such(
    sandbox: SandboxClient, settings: Any, hub: dict[str, Any]
) -> None:
    settings.PAYMENTS_HUB = {**hub, "OPERATION_MAX_TRIES": 4}
    payment = world.authorize()
    sandbox.fault("status", operation="payment_intents.capture", status=401, body={"error": {"type": "x"}}, times=99)
    payments.capture(payment.pk)
    world.converge(9)
    operation = world.only_operation(payment, "capture")
    assert (operation.state, operation.attention_code, operation.tries) == (
        OperationState.CREATED,
        "tries_exhausted",
        4,
    )
    assert world.fresh(payment).status == PaymentStatus.AUTHORIZED


def test_a_step_of_the_sweeper_that_fails_does_not_stop_the_others(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.fault("reset", operation="payment_intents.confirm", when="after", times=2)
    first, second = world.pay(), world.pay()
    whole = operations.resume

    def resume(key: UUID) -> Operation | None:
        if key == world.only_operation(first, "pay").pk:
            raise ZeroDivisionError
        return whole(key)

    with monkeypatch.context() as patched:
        patched.setattr(operations, "resume", resume)
        world.make_due()
        sweeper.sweep()
    assert world.fresh(second).status == PaymentStatus.COMPLETED
    assert world.fresh(first).status == PaymentStatus.PROCESSING
    world.converge()
    assert world.fresh(first).status == PaymentStatus.COMPLETED


# -- facts that contradict, found by looking --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["wrong_amount", "wrong_currency"])
def test_a_look_up_that_tells_of_other_money_is_quarantined(sandbox: SandboxClient, kind: str) -> None:
    """F13, on the way of recovery."""
    payment = world.authorize()
    sandbox.fault("reset", operation="payment_intents.capture", when="after")
    payments.capture(payment.pk)
    sandbox.fault(kind, operation="payment_intents.retrieve", when="after")
    world.make_due()
    sweeper.sweep()
    operation = world.only_operation(payment, "capture")
    assert (operation.state, operation.next_attempt_at) == (OperationState.UNKNOWN, None)
    assert operation.attention_code.startswith("mismatch_")
    row = world.fresh(payment)
    assert (row.captured_minor, row.status) == (0, PaymentStatus.PROCESSING)
    assert payments.sync(payment.pk).status == PaymentStatus.COMPLETED


# -- the callback inside the transaction ------------------------------------------------------------------------------


def test_every_use_case_can_write_something_in_its_own_transaction(sandbox: SandboxClient) -> None:
    told: list[tuple[str, UUID, bool]] = []

    def note(name: str, key: UUID) -> None:
        told.append((name, key, connection.in_atomic_block))

    waiting = world.recorded()
    payments.process(waiting.pk, method_token="pm_card_visa", on_commit=partial(note, "process"))
    held, voided = world.authorize(), world.authorize()
    payments.capture(held.pk, on_commit=partial(note, "capture"))
    payments.cancel(voided.pk, on_commit=partial(note, "cancel"))
    client = world.pay(token="pm_card_threeDSecure2Required")
    payments.confirm(client.pk, method_token="pm_card_visa", on_commit=partial(note, "confirm"))
    refund = refunds.request(held.pk, on_commit=partial(note, "request"))
    refunds.cancel(refund.pk, on_commit=partial(note, "take back"))
    expected = [
        ("process", waiting.pk),
        ("capture", held.pk),
        ("cancel", voided.pk),
        ("confirm", client.pk),
        ("request", refund.pk),
        ("take back", refund.pk),
    ]
    assert [(name, key) for name, key, _ in told] == expected
    assert all(inside for _, _, inside in told)


def test_a_confirmation_that_cannot_be_sent_now_waits(sandbox: SandboxClient) -> None:
    payment = world.pay(token="pm_card_threeDSecure2Required")
    sandbox.fault("status", operation="payment_intents.confirm", status=429, body={"error": {}})
    payments.confirm(payment.pk, method_token="pm_card_visa")
    assert world.only_operation(payment, OperationKind.CONFIRM.value).state == OperationState.CREATED
    assert world.fresh(payment).status == PaymentStatus.REQUIRES_ACTION
    world.converge()
    assert world.fresh(payment).status == PaymentStatus.COMPLETED


def test_an_answer_whose_transaction_falls_victim_to_a_deadlock_is_applied_again(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a database that gives the transaction up once: no deadlock can be had at will
    finish, given_up = proofs.finish, iter([True])

    def victim_once(*args: Any, **options: Any) -> None:
        finish(*args, **options)
        if next(given_up, False):
            raise OperationalError(1213, "Deadlock found when trying to get lock; try restarting transaction")

    monkeypatch.setattr(answers, "finish", victim_once)
    # when a customer pays
    payment = world.pay()
    # then the answer is booked, once
    assert payment.status == PaymentStatus.COMPLETED
    assert world.books_of(sandbox, payment)["captured"] == payment.captured_minor == 1000
    assert payment.log.filter(event="payment.completed").count() == 1
