"""I7: what is not proven is unknown, never failed; F1-F14: every fault converges to exactly one effect.

Each kind of call meets each fault, before and after its effect at the sandbox. Then time passes, and the sweeper alone
has to find out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import pytest
from django.utils import timezone

from django_payments_hub.domain.statuses import MethodStatus, OperationState, PaymentStatus, RefundStatus
from django_payments_hub.models import Operation, Payment, PaymentMethod, Refund
from django_payments_hub.services import payments, refunds, sweeper
from django_payments_hub.testing.sandbox import SandboxClient
from tests.services import saved, world

pytestmark = pytest.mark.django_db(transaction=True)

UNPROVEN: dict[str, dict[str, Any]] = {
    "500": {"kind": "status", "status": 500},
    "502": {"kind": "status", "status": 502},
    "503": {"kind": "status", "status": 503, "headers": {"Retry-After": "1"}},
    "504": {"kind": "status", "status": 504},
    "409": {"kind": "status", "status": 409},
    "424": {"kind": "status", "status": 424},
    "reset": {"kind": "reset"},
    "close": {"kind": "close"},
    "truncate": {"kind": "truncate"},
    "garbage": {"kind": "garbage"},
    "html": {"kind": "html"},
    "empty": {"kind": "empty"},
    "huge": {"kind": "huge"},
    "redirect": {"kind": "redirect"},
}
DISTORTED: dict[str, dict[str, Any]] = {
    "missing id": {"kind": "missing_id"},
    "unknown status": {"kind": "unknown_status"},
}
SLOW: dict[str, dict[str, Any]] = {
    "hang": {"kind": "hang", "seconds": 30},
    "drip": {"kind": "drip", "seconds": 30},
}
FAULTS = [
    *((f"{name} before", {**fault, "when": "before"}) for name, fault in UNPROVEN.items()),
    *((f"{name} after", {**fault, "when": "after"}) for name, fault in {**UNPROVEN, **DISTORTED}.items()),
]
QUICK = ("500", "reset")
SLOW_FAULTS = [
    (f"{name} {when}", {**fault, "when": when}) for name, fault in SLOW.items() for when in ("before", "after")
]


@dataclass(frozen=True)
class Case:
    """One kind of operation: how it is prepared and done, and what the sandbox's books say when it was done once."""

    kind: str
    call: str
    prepare: Callable[[], Payment | None]
    act: Callable[[Payment | None], Payment]
    books: dict[str, int]
    status: PaymentStatus


def _capture(payment: Payment | None) -> Payment:
    assert payment is not None
    return payments.capture(payment.pk, amount="7.00")


def _cancel(payment: Payment | None) -> Payment:
    assert payment is not None
    return payments.cancel(payment.pk)


def _refund(payment: Payment | None) -> Payment:
    assert payment is not None
    refunds.execute(refunds.request(payment.pk, amount="4.00").pk)
    return world.fresh(payment)


NOTHING = {"authorized": 0, "captured": 0, "released": 0, "refunded": 0, "disputed": 0}
PAID = {**NOTHING, "authorized": 1000, "captured": 1000}
CASES = {
    "pay, creating": Case(
        "pay", "payment_intents.create", lambda: None, lambda _: world.pay(), PAID, PaymentStatus.COMPLETED
    ),
    "pay, confirming": Case(
        "pay", "payment_intents.confirm", lambda: None, lambda _: world.pay(), PAID, PaymentStatus.COMPLETED
    ),
    "capture": Case(
        "capture",
        "payment_intents.capture",
        world.authorize,
        _capture,
        {**NOTHING, "authorized": 1000, "captured": 700, "released": 300},
        PaymentStatus.COMPLETED,
    ),
    "cancel": Case(
        "cancel",
        "payment_intents.cancel",
        world.authorize,
        _cancel,
        {**NOTHING, "authorized": 1000, "released": 1000},
        PaymentStatus.CANCELLED,
    ),
    "refund": Case(
        "refund", "refunds.create", world.pay, _refund, {**PAID, "refunded": 400}, PaymentStatus.PARTIALLY_REFUNDED
    ),
}


def _check_open(payment: Payment, kind: str) -> None:
    """Nothing claims to be over: neither the operation, nor the payment, nor the refund."""
    operation = world.only_operation(payment, kind)
    assert operation.state == OperationState.UNKNOWN
    assert operation.in_doubt
    assert operation.next_attempt_at is not None
    assert payment.status not in (PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.EXPIRED)
    if kind != "refund":
        assert payment.status == PaymentStatus.PROCESSING
    for refund in Refund.objects.all():
        assert refund.status == RefundStatus.PROCESSING
        assert payment.refund_reserved_minor == 400


def _check_done(sandbox: SandboxClient, payment: Payment, case: Case) -> None:
    """Done exactly once, and both sides know it."""
    row = world.fresh(payment)
    assert (row.status, row.attention_code) == (case.status, "")
    books = world.books_of(sandbox, payment)
    assert books == case.books
    assert (row.captured_minor, row.refunded_minor) == (books["captured"], books["refunded"])
    operation = world.only_operation(payment, case.kind)
    assert (operation.state, operation.next_attempt_at) == (OperationState.SUCCEEDED, None)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize(
    "fault",
    [pytest.param(fault, id=name, marks=() if name.startswith(QUICK) else pytest.mark.slow) for name, fault in FAULTS],
)
def test_a_lost_answer_is_unknown_and_converges_to_one_effect(
    sandbox: SandboxClient, case: Case, fault: dict[str, Any]
) -> None:
    prepared = case.prepare()
    sandbox.fault(operation=case.call, **fault)
    payment = case.act(prepared)
    _check_open(payment, case.kind)
    world.converge()
    _check_done(sandbox, payment, case)


@pytest.mark.parametrize("name", ["pay, confirming", "capture", "cancel"])
def test_an_answer_about_another_object_than_the_one_asked_is_no_answer(sandbox: SandboxClient, name: str) -> None:
    case = CASES[name]
    prepared = case.prepare()
    sandbox.fault("wrong_id", operation=case.call, when="after")
    payment = case.act(prepared)
    _check_open(payment, case.kind)
    world.converge()
    _check_done(sandbox, payment, case)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("fault", [fault for _, fault in SLOW_FAULTS], ids=[name for name, _ in SLOW_FAULTS])
def test_a_call_that_hangs_is_given_up_unknown_and_converges_to_one_effect(
    sandbox: SandboxClient, impatient: None, case: Case, fault: dict[str, Any]
) -> None:
    prepared = case.prepare()
    sandbox.fault(operation=case.call, **fault)
    began = timezone.now()
    payment = case.act(prepared)
    assert (timezone.now() - began).total_seconds() < 5, "the deadline is total, not one per byte (F11)"
    _check_open(payment, case.kind)
    world.converge()
    _check_done(sandbox, payment, case)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("times", [3, 5])
def test_a_provider_that_stays_down_for_several_tries_converges_to_one_effect(
    sandbox: SandboxClient, case: Case, times: int
) -> None:
    prepared = case.prepare()
    sandbox.fault("reset", operation=case.call, when="after", times=times)
    payment = case.act(prepared)
    world.converge()
    _check_done(sandbox, payment, case)


@pytest.mark.parametrize("kind", ["wrong_amount", "wrong_currency"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_answer_about_other_money_is_quarantined_never_success(
    sandbox: SandboxClient, case: Case, kind: str
) -> None:
    """F13."""
    prepared = case.prepare()
    before = world.amounts(prepared) if prepared else None
    # An answer to the first of two calls only names the object: the second decides.
    call = "payment_intents.confirm" if case.kind == "pay" else case.call
    sandbox.fault(kind, operation=call, when="after")
    payment = case.act(prepared)
    assert world.fresh(payment).attention_code.startswith("mismatch_")
    operation = world.only_operation(payment, case.kind)
    assert (operation.state, operation.next_attempt_at) == (OperationState.UNKNOWN, None)
    assert operation.attention_code.startswith("mismatch_")
    money = ("captured_minor", "capturable_minor", "refunded_minor")
    now = world.amounts(payment)
    assert {name: now[name] for name in money} == {name: before[name] if before else 0 for name in money}
    # and nothing is sent again by itself, until the true state is told
    calls = len(world.mutating_calls(sandbox))
    world.converge(3)
    assert len(world.mutating_calls(sandbox)) == calls
    payments.sync(payment.pk)
    row = world.fresh(payment)
    assert (row.status, world.books_of(sandbox, payment)) == (case.status, case.books)


# -- definite answers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_keep_the_operation_and_mark_the_account(
    sandbox: SandboxClient, case: Case, status: int
) -> None:
    """F9."""
    prepared = case.prepare()
    body = {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided"}}
    sandbox.fault("status", operation=case.call, status=status, body=body)
    payment = case.act(prepared)
    operation = world.only_operation(payment, case.kind)
    assert (operation.state, operation.in_doubt) == (OperationState.CREATED, False)
    assert operation.error_code == "provider_misconfigured"
    row = world.account()
    assert row.unhealthy_since is not None
    assert row.unhealthy_code == "provider_misconfigured"
    assert payment.status not in (PaymentStatus.FAILED, PaymentStatus.CANCELLED)
    world.converge()
    _check_done(sandbox, payment, case)
    assert world.account().unhealthy_since is None, "a call that is answered makes it healthy again"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_429_pauses_the_account_for_as_long_as_it_asks_and_is_no_try(sandbox: SandboxClient, case: Case) -> None:
    """F8, I23."""
    prepared = case.prepare()
    sandbox.fault("status", operation=case.call, status=429, headers={"Retry-After": "7"}, body={"error": {}})
    payment = case.act(prepared)
    now = timezone.now()
    operation = world.only_operation(payment, case.kind)
    assert (operation.state, operation.tries, operation.in_doubt) == (OperationState.CREATED, 0, False)
    assert operation.next_attempt_at is not None
    assert 6 < (operation.next_attempt_at - now).total_seconds() < 10
    paused_until = world.account().paused_until
    assert paused_until is not None
    assert 6 < (paused_until - now).total_seconds() < 10
    # while the account is paused nothing goes out, neither of this operation nor of another payment
    calls = len(sandbox.calls())
    Operation.objects.update(next_attempt_at=now)
    sweeper.sweep()
    other = world.pay()
    assert len(sandbox.calls()) == calls
    assert other.status == PaymentStatus.PENDING
    world.converge()
    _check_done(sandbox, payment, case)
    assert world.fresh(other).status == PaymentStatus.COMPLETED


@pytest.mark.parametrize("when", ["first try", "in doubt"])
def test_throttling_never_uses_the_tries_up(sandbox: SandboxClient, hub: dict[str, Any], when: str) -> None:
    if when == "in doubt":
        sandbox.fault("reset", operation="payment_intents.confirm", when="after")
    else:
        sandbox.fault("status", operation="payment_intents.create", status=429, body={"error": {}}, times=50)
    payment = world.pay()
    sandbox.clear_faults()
    sandbox.fault("status", status=429, body={"error": {}}, times=1000)
    world.converge(rounds=25)
    operation = world.only_operation(payment, "pay")
    assert operation.next_attempt_at is not None
    assert operation.attention_code == ""
    sandbox.clear_faults()
    world.converge()
    assert world.fresh(payment).status == PaymentStatus.COMPLETED


@pytest.mark.parametrize(("status", "tries"), [(429, 0), (401, 1)])
def test_what_is_answered_to_a_question_counts_for_the_account_and_leaves_the_call_in_doubt(
    sandbox: SandboxClient, status: int, tries: int
) -> None:
    # given a confirmation whose answer does not tell how the payment stands, and then no answer to that question
    confirm, read = "payment_intents.confirm", "payment_intents.retrieve"
    sandbox.fault("status", operation=confirm, status=402, body={"error": {"type": "card_error"}})
    refusal = {"error": {"type": "invalid_request_error", "message": "no"}}
    sandbox.fault("status", operation=read, status=status, headers={"Retry-After": "7"}, body=refusal)
    # when it is paid
    payment = world.pay()
    # then nobody knows whether it happened
    operation = world.only_operation(payment, "pay")
    assert (operation.state, operation.in_doubt, operation.tries) == (OperationState.UNKNOWN, True, tries)
    assert operation.first_sent_at is not None
    # and the account is left in peace, or shown to a person
    account = world.account()
    assert (account.paused_until is not None, account.unhealthy_since is not None) == (status == 429, status == 401)
    world.converge()
    assert world.fresh(payment).status == PaymentStatus.COMPLETED


@pytest.mark.parametrize(("status", "tries"), [(429, 0), (401, 1)])
@pytest.mark.parametrize("kind", ["customers", "setup_intents"])
def test_what_is_answered_to_a_question_about_a_saving_counts_for_the_account(
    sandbox: SandboxClient, kind: str, status: int, tries: int
) -> None:
    # given a customer, or a saving, whose answer was lost, and then no answer to the question what became of it
    sandbox.fault("reset", operation=f"{kind}.create", when="after")
    method = saved.save(world.make_user())
    PaymentMethod.objects.update(tries=0)
    refusal = {"error": {"type": "invalid_request_error", "message": "no"}}
    asked, headers = f"{kind}.list", {"Retry-After": "7"}
    sandbox.fault("status", operation=asked, status=status, headers=headers, body=refusal, times=9)
    # when it is asked
    saved.make_due()
    sweeper.sweep()
    # then the account is left in peace, or shown to a person, and a pause is no try
    account = world.account()
    assert (account.paused_until is not None, account.unhealthy_since is not None) == (status == 429, status == 401)
    assert (saved.fresh(method).status, saved.fresh(method).tries) == (MethodStatus.PENDING, tries)
    saved.make_due()
    sweeper.sweep()
    assert len(sandbox.calls(asked)) == (1 if status == 429 else 2)
    # and there is one in the end
    sandbox.clear_faults()
    world.make_due()
    saved.converge()
    assert saved.fresh(method).status == MethodStatus.ACTIVE
    assert world.effects(sandbox, f"{kind}.create") == 1


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_provider_that_is_not_there_is_tried_again(
    sandbox: SandboxClient, hub: dict[str, Any], settings: Any, case: Case
) -> None:
    """F3: the port is closed; nothing was sent, so nothing is in doubt."""
    prepared = case.prepare()
    world.configure(settings, hub, API_BASE="http://127.0.0.1:9/stripe")
    payment = case.act(prepared)
    operation = world.only_operation(payment, case.kind)
    assert (operation.state, operation.in_doubt) == (OperationState.CREATED, False)
    world.configure(settings, hub)
    world.converge()
    _check_done(sandbox, payment, case)


def test_a_decline_is_final_with_its_code_and_its_key_is_retired(sandbox: SandboxClient) -> None:
    """F10."""
    payment = world.pay(token="pm_card_visa_chargeDeclinedInsufficientFunds")
    assert (payment.status, payment.failure_code) == (PaymentStatus.FAILED, "insufficient_funds")
    operation = world.only_operation(payment, "pay")
    assert (operation.state, operation.next_attempt_at) == (OperationState.DECLINED, None)
    calls = len(world.mutating_calls(sandbox))
    world.converge()
    assert len(world.mutating_calls(sandbox)) == calls
    assert world.books_of(sandbox, payment)["captured"] == 0


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_decline_whose_answer_was_lost_is_found(sandbox: SandboxClient, when: Literal["before", "after"]) -> None:
    sandbox.fault("reset", operation="payment_intents.confirm", when=when)
    payment = world.pay(token="pm_card_chargeDeclined")
    assert payment.status == PaymentStatus.PROCESSING
    world.converge()
    row = world.fresh(payment)
    assert (row.status, row.failure_code) == (PaymentStatus.FAILED, "card_declined")
    assert world.only_operation(payment, "pay").state == OperationState.DECLINED


@pytest.mark.parametrize("call", ["payment_intents.create", "payment_intents.confirm"])
def test_a_request_that_is_wrong_fails_for_good(sandbox: SandboxClient, call: str) -> None:
    body = {"error": {"type": "invalid_request_error", "code": "parameter_invalid", "message": "No"}}
    sandbox.fault("status", operation=call, status=400, body=body)
    payment = world.pay()
    assert (payment.status, payment.failure_code) == (PaymentStatus.FAILED, "invalid_request")
    assert world.only_operation(payment, "pay").state == OperationState.FAILED


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_key_reused_with_other_parameters_waits_for_a_person(sandbox: SandboxClient, case: Case) -> None:
    """F7."""
    prepared = case.prepare()
    body = {"error": {"type": "idempotency_error", "message": "Keys for idempotent requests can only be used with..."}}
    sandbox.fault("status", operation=case.call, status=400, body=body, times=5)
    payment = case.act(prepared)
    operation = world.only_operation(payment, case.kind)
    assert (operation.state, operation.next_attempt_at) == (OperationState.UNKNOWN, None)
    assert operation.attention_code == "idempotency_mismatch"
    calls = len(sandbox.calls())
    world.converge(3)
    assert len(sandbox.calls()) == calls
    assert world.fresh(payment).status not in (PaymentStatus.FAILED, PaymentStatus.CANCELLED)


@pytest.mark.parametrize("case", [CASES["capture"], CASES["cancel"], CASES["refund"]], ids=lambda case: case.kind)
def test_a_refusal_of_the_look_up_does_not_settle_what_may_have_happened(sandbox: SandboxClient, case: Case) -> None:
    """I7: a 400 to the question is no answer to the operation."""
    prepared = case.prepare()
    sandbox.fault("reset", operation=case.call, when="after")
    payment = case.act(prepared)
    body = {"error": {"type": "invalid_request_error", "code": "parameter_invalid", "message": "No"}}
    for question in ("payment_intents.retrieve", "payment_intents.list", "refunds.list", "refunds.retrieve"):
        sandbox.fault("status", operation=question, status=400, body=body)
    world.make_due()
    sweeper.sweep()
    assert world.only_operation(payment, case.kind).state == OperationState.UNKNOWN
    sandbox.clear_faults()
    world.converge()
    _check_done(sandbox, payment, case)


def test_a_provider_that_answers_nothing_for_ever_is_left_to_a_person(
    sandbox: SandboxClient, hub: dict[str, Any], settings: Any
) -> None:
    """I23: bounded tries, then unknown, never failed and never spinning."""
    settings.PAYMENTS_HUB = {**hub, "OPERATION_MAX_TRIES": 8}
    sandbox.fault("reset", when="after", times=1000)
    payment = world.pay()
    world.converge(rounds=15)
    operation = world.only_operation(payment, "pay")
    assert (operation.state, operation.attention_code) == (OperationState.UNKNOWN, "tries_exhausted")
    assert operation.tries == 8
    assert world.fresh(payment).status == PaymentStatus.PROCESSING


def test_a_payment_that_never_reached_its_provider_fails_after_a_while(
    sandbox: SandboxClient, hub: dict[str, Any], settings: Any
) -> None:
    world.configure(settings, hub, API_BASE="http://127.0.0.1:9/stripe")
    payment = world.pay(world.make_order())
    Operation.objects.update(created_at=timezone.now() - timedelta(seconds=301))
    sweeper.sweep()
    row = world.fresh(payment)
    assert (row.status, row.failure_code) == (PaymentStatus.FAILED, "provider_unavailable")
    assert row.order_ref is not None
    assert row.order_ref.active_minor == 0, "the order can be paid anew"
