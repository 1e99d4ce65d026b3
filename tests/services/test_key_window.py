"""I13, F52: after the provider's key window nothing is sent again by itself; look up, else a person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from django_payments_hub import registry
from django_payments_hub.domain.statuses import OperationState, PaymentStatus
from django_payments_hub.models import Operation
from django_payments_hub.services import payments
from django_payments_hub.testing.sandbox import SandboxClient
from tests.services import world
from tests.services.test_outcomes import CASES, Case

pytestmark = pytest.mark.django_db(transaction=True)

TWO_DAYS_S = 2 * 86_400


def lost_two_days_ago(sandbox: SandboxClient, case: Case, when: str) -> Operation:
    """An operation whose answer was lost, found again after two days: a database restored from a backup, say."""
    prepared = case.prepare()
    sandbox.fault("reset", operation=case.call, when=when)  # type: ignore[arg-type]
    payment = case.act(prepared)
    operation = world.only_operation(payment, case.kind)
    world.age_operation(operation, TWO_DAYS_S)
    sandbox.advance(TWO_DAYS_S)  # the sandbox has forgotten the key by now, too
    return operation


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_did_not_happen_is_not_sent_again_and_waits_for_a_person(sandbox: SandboxClient, case: Case) -> None:
    operation = lost_two_days_ago(sandbox, case, "before")
    sent, asked = len(world.mutating_calls(sandbox)), len(world.lookups(sandbox))
    world.converge(4)
    assert len(world.mutating_calls(sandbox)) == sent
    assert len(world.lookups(sandbox)) > asked
    operation.refresh_from_db()
    assert (operation.state, operation.attention_code) == (OperationState.UNKNOWN, "key_window_passed")
    assert operation.next_attempt_at is None
    assert operation.payment.status not in (PaymentStatus.FAILED, PaymentStatus.CANCELLED)


@pytest.mark.parametrize("name", ["pay, confirming", "capture", "cancel", "refund"])
def test_what_did_happen_is_found_without_sending(sandbox: SandboxClient, name: str) -> None:
    case = CASES[name]
    operation = lost_two_days_ago(sandbox, case, "after")
    sent = len(world.mutating_calls(sandbox))
    world.converge(4)
    assert len(world.mutating_calls(sandbox)) == sent
    operation.refresh_from_db()
    assert (operation.state, operation.attention_code) == (OperationState.SUCCEEDED, "")
    assert operation.payment.status == case.status
    assert world.books_of(sandbox, operation.payment) == case.books


def test_without_a_look_up_nothing_is_sent_twice_where_the_provider_has_no_keys(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = registry.provider_class("stripe")
    monkeypatch.setattr(provider, "capabilities", replace(provider.capabilities, look_up=False, key_window_s=0))
    sandbox.fault("reset", operation="payment_intents.confirm", when="after")
    payment = world.pay()
    calls = len(sandbox.calls())
    world.converge(4)
    assert len(sandbox.calls()) == calls
    operation = world.only_operation(payment, "pay")
    assert operation.attention_code == "key_window_passed"
    assert world.fresh(payment).status == PaymentStatus.PROCESSING


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", ["capture", "cancel", "refund"])
def test_a_provider_that_recovers_by_itself_is_asked_to_whatever_the_age_of_the_key(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch, name: str, when: str
) -> None:
    provider, case = registry.provider_class("stripe"), CASES[name]
    declared = replace(provider.capabilities, look_up=False, key_window_s=0, recovers_itself=True)
    operation = lost_two_days_ago(sandbox, case, when)
    monkeypatch.setattr(provider, "capabilities", declared)
    world.converge()
    operation.refresh_from_db()
    assert (operation.state, operation.attention_code) == (OperationState.SUCCEEDED, "")
    assert world.books_of(sandbox, operation.payment) == case.books
    assert world.effects(sandbox, case.call) == 1


def test_what_was_never_sent_may_be_sent_whenever(sandbox: SandboxClient) -> None:
    """Throttled for two days: provably nothing is at the provider, so the key's age does not matter."""
    payment = world.authorize()
    sandbox.fault("status", operation="payment_intents.capture", status=429, body={"error": {}})
    payments.capture(payment.pk)
    operation = world.only_operation(payment, "capture")
    world.age_operation(operation, TWO_DAYS_S)
    world.converge()
    assert world.fresh(payment).captured_minor == 1000
