"""F1-F12 for customers and saved methods: every fault converges to one customer, one method, or none."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import pytest
from django.utils import timezone

from django_payments_hub import registry
from django_payments_hub.domain.statuses import InboxState, MethodKind, MethodStatus
from django_payments_hub.exceptions import OutcomeUnknown, Refused
from django_payments_hub.models import Customer, PaymentMethod, ProviderAccount
from django_payments_hub.provider_kit.method_types import CustomerRequest, MethodResult
from django_payments_hub.provider_kit.types import MethodFact
from django_payments_hub.services import (
    accounts,
    customers,
    method_answers,
    method_calls,
    method_requests,
    methods,
    provider_calls,
    sweeper,
)
from django_payments_hub.testing.sandbox import SandboxClient
from tests.services import world
from tests.services.saved import ASKS_ALWAYS, MASTERCARD, converge, fresh, kept, make_due, save
from tests.services.test_outcomes import DISTORTED, UNPROVEN

pytestmark = pytest.mark.django_db(transaction=True)

TWO_DAYS_S = 2 * 86_400

BEFORE = {f"{name} before": {**fault, "when": "before"} for name, fault in UNPROVEN.items()}
AFTER = {f"{name} after": {**fault, "when": "after"} for name, fault in {**UNPROVEN, **DISTORTED}.items()}
_QUICK = ("500 before", "reset before", "500 after", "reset after", "garbage after", "unknown status after")
FAULTS = [
    pytest.param(fault, id=name, marks=[] if name in _QUICK else pytest.mark.slow)
    for name, fault in {**BEFORE, **AFTER}.items()
]
REFUSING = {
    "401": {"kind": "status", "status": 401},
    "403": {"kind": "status", "status": 403},
    "429": {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}},
}


def settle() -> None:
    for _ in range(8):
        ProviderAccount.objects.update(paused_until=None)
        accounts.forget()
        make_due()
        sweeper.sweep()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", ["customers.create", "setup_intents.create", "setup_intents.confirm"])
def test_a_lost_answer_of_saving_is_one_customer_and_one_method(
    sandbox: SandboxClient, call: str, fault: dict[str, Any]
) -> None:
    sandbox.fault(operation=call, **fault)
    method = save(world.make_user(email="ada@example.com"))
    assert method.status != MethodStatus.FAILED
    settle()
    after = fresh(method)
    assert (after.status, after.attention_code, after.error_code) == (MethodStatus.ACTIVE, "", "")
    assert kept(after.customer) == [after.provider_method_id]
    assert world.effects(sandbox, "customers.create") == 1
    assert world.effects(sandbox, "setup_intents.create") == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_a_lost_answer_of_letting_go_is_let_go(sandbox: SandboxClient, fault: dict[str, Any]) -> None:
    method = save(world.make_user())
    sandbox.fault(operation="payment_methods.detach", **fault)
    assert methods.detach(method.pk).status in (MethodStatus.DETACHING, MethodStatus.DETACHED)
    settle()
    assert (fresh(method).status, fresh(method).attention_code) == (MethodStatus.DETACHED, "")
    assert kept(method.customer) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_lost_look_at_what_waits_changes_nothing(sandbox: SandboxClient, fault: dict[str, Any]) -> None:
    method = save(world.make_user(), ASKS_ALWAYS)
    sandbox.fault(operation="setup_intents.retrieve", **fault)
    assert methods.confirm(method.pk).status == MethodStatus.PENDING
    sandbox.complete_setup(method.provider_setup_id)
    settle()
    assert fresh(method).status == MethodStatus.ACTIVE


@pytest.mark.parametrize("fault", REFUSING.values(), ids=REFUSING)
@pytest.mark.parametrize("call", ["customers.create", "setup_intents.create", "setup_intents.confirm"])
def test_what_the_account_is_refused_is_no_ones_failure(
    sandbox: SandboxClient, call: str, fault: dict[str, Any]
) -> None:
    sandbox.fault(operation=call, **fault)
    method = save(world.make_user())
    assert (method.status, method.in_doubt) == (MethodStatus.PENDING, False)
    row = ProviderAccount.objects.get()
    assert (row.paused_until is not None) == (fault["status"] == 429)
    assert (row.unhealthy_since is not None) == (fault["status"] != 429)
    settle()
    assert fresh(method).status == MethodStatus.ACTIVE
    assert ProviderAccount.objects.get().unhealthy_since is None


def test_tries_end_and_then_a_person_looks(sandbox: SandboxClient, settings: Any, hub: dict[str, Any]) -> None:
    settings.PAYMENTS_HUB = {**hub, "OPERATION_MAX_TRIES": 3}
    sandbox.fault("status", operation="setup_intents.create", status=503, times=99)
    method = save(world.make_user())
    settle()
    after = fresh(method)
    assert (after.status, after.attention_code, after.next_attempt_at) == (
        MethodStatus.PENDING,
        "tries_exhausted",
        None,
    )
    sent = len(sandbox.calls())
    settle()
    assert len(sandbox.calls()) == sent


def test_one_who_died_while_saving_is_found_out(sandbox: SandboxClient) -> None:
    """The effect is there, and nobody wrote it down."""
    user = world.make_user()
    customer = customers.ensure(user, accounts.get("stripe"))
    sandbox.fault("reset", operation="setup_intents.confirm", when="after")
    method = save(user)
    PaymentMethod.objects.update(in_doubt=False, lease_until=timezone.now() - timedelta(seconds=1))
    settle()
    assert fresh(method).status == MethodStatus.ACTIVE
    assert kept(customer) == [fresh(method).provider_method_id]


def test_a_held_row_is_nobody_elses(sandbox: SandboxClient) -> None:
    sandbox.fault("reset", operation="setup_intents.create", when="before")
    method = save(world.make_user())
    make_due()
    held = method_calls.claim(method.pk)
    assert held
    assert method_calls.claim(method.pk, asked=True) is None
    # its holder was stopped past his lease: he sends nothing any more, and his late error changes nothing
    make_due()
    other = method_calls.resume(method.pk)
    assert other
    assert other.status == MethodStatus.ACTIVE
    held.lease_until = timezone.now() - timedelta(seconds=1)
    before = len(sandbox.calls())
    method_calls.save(held)
    assert len(sandbox.calls()) == before
    assert fresh(method).status == MethodStatus.ACTIVE


# -- without the key --------------------------------------------------------------------------------------------------


class Forgetful:
    """A provider that honours no key for methods, and marks nothing: saving again would save twice."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.saved = 0
        provider = registry.provider_class("stripe")
        declared = replace(provider.capabilities, method_key_window_s=0, finds_savings=False)
        monkeypatch.setattr(provider, "capabilities", declared)
        monkeypatch.setattr(provider, "save_method", lambda _, request: self.save())

    def save(self) -> MethodResult:
        self.saved += 1
        raise OutcomeUnknown


def test_without_key_and_mark_a_person_looks_and_nobodys_method_is_taken(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = world.make_user()
    save(user, MASTERCARD)
    forgetful = Forgetful(monkeypatch)
    method = save(user)
    settle()
    after = fresh(method)
    assert (after.status, after.attention_code) == (MethodStatus.PENDING, "key_window_passed")
    assert (after.provider_method_id, forgetful.saved) == (None, 1)


def test_without_key_and_mark_a_setup_nobody_was_told_of_was_not_saved(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    Forgetful(monkeypatch)
    method = save(world.make_user(), "")
    settle()
    assert (fresh(method).status, fresh(method).failure_provider_code) == (MethodStatus.FAILED, "never_saved")


def test_a_token_used_up_by_the_lost_try_is_no_refusal(sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a saving that took effect with its answer lost
    sandbox.fault("reset", operation="setup_intents.confirm", when="after")
    method = save(world.make_user())
    # when the call that is repeated is refused
    with monkeypatch.context() as patch:
        patch.setattr(registry.provider_class("stripe"), "save_method", _refuse)
        settle()
    # then what carries our reference tells
    assert fresh(method).status == MethodStatus.ACTIVE
    assert kept(method.customer) == [fresh(method).provider_method_id]


def _refuse(*_: object) -> None:
    raise Refused(code="invalid_request")


def test_an_answer_that_says_nothing_is_no_answer(sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = registry.provider_class("stripe")
    monkeypatch.setattr(provider, "save_method", lambda _, request: MethodResult())
    method = save(world.make_user())
    assert (method.status, method.error_code) == (MethodStatus.PENDING, "outcome_unknown")


def test_a_bug_of_the_provider_leaves_the_outcome_unknown(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = registry.provider_class("stripe")
    monkeypatch.setattr(provider, "save_method", lambda _, request: 1 / 0)
    method = save(world.make_user())
    assert (method.status, method.in_doubt, method.error_code) == (MethodStatus.PENDING, True, "provider_bug")


def test_one_that_is_not_kept_at_all_has_failed(sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = registry.provider_class("stripe")
    fact = MethodFact(kind=MethodKind.WALLET, provider_method_id="x")
    monkeypatch.setattr(provider, "save_method", lambda _, request: MethodResult(method=fact))
    method = save(world.make_user())
    assert (method.status, method.failure_code) == (MethodStatus.FAILED, "method_not_usable")


def test_what_the_provider_will_not_let_go_waits_for_a_person(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = save(world.make_user())

    def refuse(*_: object) -> None:
        raise Refused(code="invalid_request")

    with monkeypatch.context() as patch:
        patch.setattr(registry.provider_class("stripe"), "detach_method", refuse)
        assert methods.detach(method.pk).attention_code == "invalid_request"
    settle()
    assert fresh(method).status == MethodStatus.DETACHING


def test_an_account_of_the_other_mode_is_not_called(sandbox: SandboxClient) -> None:
    method = save(world.make_user())
    PaymentMethod.objects.update(mode="live")
    before = len(sandbox.calls())
    assert methods.detach(method.pk).error_code == "mode_mismatch"
    assert len(sandbox.calls()) == before


# -- providers that make the customer while saving --------------------------------------------------------------------


def test_a_customer_made_while_saving_is_learned(sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = registry.provider_class("stripe")
    asked: list[str] = []

    def nobody(_: object, request: CustomerRequest) -> str:
        asked.append(request.reference)
        return ""

    monkeypatch.setattr(provider, "create_customer", nobody)
    fact = MethodFact(
        kind=MethodKind.WALLET,
        provider_method_id="vault-1",
        provider_customer_id="payer-1",
        reusable=True,
    )
    results = [
        MethodResult(provider_setup_id="setup-1", provider_customer_id="payer-1"),
        MethodResult(method=fact, provider_customer_id="payer-1"),
    ]
    monkeypatch.setattr(provider, "save_method", lambda _, request: results[0])
    monkeypatch.setattr(provider, "finish_method", lambda _, request: results[1])
    user = world.make_user()
    method = save(user, "")
    assert Customer.objects.get().provider_customer_id == "payer-1"
    assert methods.confirm(method.pk).status == MethodStatus.ACTIVE
    assert customers.ensure(user, accounts.get("stripe")).provider_customer_id == "payer-1"
    assert len(asked) == 1
    # and a token that belongs to yet another payer is not his
    results[1] = MethodResult(method=replace(fact, provider_method_id="vault-2", provider_customer_id="payer-2"))
    other = save(user, "")
    assert methods.confirm(other.pk).failure_code == "method_not_usable"


def test_a_customer_whose_id_another_has_is_not_taken(sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch) -> None:
    known = customers.ensure(world.make_user(), accounts.get("stripe"))
    provider = registry.provider_class("stripe")
    monkeypatch.setattr(provider, "create_customer", lambda _, request: known.provider_customer_id)
    with pytest.raises(OutcomeUnknown) as refused:
        customers.ensure(world.make_user(), accounts.get("stripe"))
    assert refused.value.code == "outcome_unknown"
    assert provider_calls.list_methods(Customer.objects.exclude(pk=known.pk).get()) == ()


def test_a_late_answer_that_names_another_users_customer_lets_go_of_nothing(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a user with a customer at the provider
    owner = customers.ensure(world.make_user(), accounts.get("stripe"))
    fact = MethodFact(
        kind=MethodKind.WALLET,
        provider_method_id="his",
        provider_customer_id=owner.provider_customer_id or "",
        reusable=True,
        customer_by_saving=True,
    )
    result = MethodResult(method=fact, provider_customer_id=fact.provider_customer_id)
    monkeypatch.setattr(registry.provider_class("stripe"), "save_method", lambda _, request: result)
    # when the saving of another user is answered with that one's method, and answered again when it is over
    method = save(world.make_user())
    assert (method.status, method.failure_provider_code) == (MethodStatus.FAILED, "customer")
    method_answers.settle_result(method, result)
    # then nobody asks the provider to forget it
    assert [row.status for row in PaymentMethod.objects.all()] == [MethodStatus.FAILED]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_try_long_in_doubt_is_found_by_our_reference_and_nothing_else_is_taken_for_it(
    sandbox: SandboxClient, when: Literal["before", "after"]
) -> None:
    """I13: the key is forgotten; a card that the provider keeps and no row knows is not this one."""
    # given a card at the provider that no row knows, and a saving whose answer was lost two days ago
    user = world.make_user()
    stray = save(user)
    PaymentMethod.objects.filter(pk=stray.pk).update(provider_method_id="pm_another", fingerprint="another")
    sandbox.fault("reset", operation="setup_intents.confirm", when=when)
    method = save(user, MASTERCARD)
    PaymentMethod.objects.filter(pk=method.pk).update(first_sent_at=timezone.now() - timedelta(seconds=TWO_DAYS_S))
    sandbox.advance(TWO_DAYS_S)
    sent = len(world.mutating_calls(sandbox))
    # when it is swept
    converge()
    # then nothing was sent, and it is the card that was asked for, or none
    assert len(world.mutating_calls(sandbox)) == sent
    after = fresh(method)
    wanted = (MethodStatus.ACTIVE, "mastercard") if when == "after" else (MethodStatus.FAILED, "")
    assert (after.status, after.brand) == wanted
    assert stray.provider_method_id in kept(after.customer)


# -- removed at the provider ------------------------------------------------------------------------------------------


def test_what_is_removed_at_the_provider_is_no_method_any_more(sandbox: SandboxClient) -> None:
    method = save(world.make_user())
    named: dict[str, object] = {"id": method.provider_method_id, "object": "payment_method", "customer": None}
    # given a notice that does not prove it: the provider still keeps the method
    assert world.hear("payment_method.detached", named).state == InboxState.PROCESSED
    assert fresh(method).is_active
    # when it was removed in the dashboard
    provider_calls.provider_of(method.account).detach_method(method_requests.detach(method))
    # then it can neither be paid with nor be the default, and nothing is left to do
    assert world.hear("payment_method.detached", named).state == InboxState.PROCESSED
    converge(1)
    after = fresh(method)
    assert (after.status, after.is_default, after.next_attempt_at) == (MethodStatus.DETACHED, False, None)
    # and a notice about a method of somebody else's is none of ours
    assert world.hear("payment_method.detached", {**named, "id": "pm_other"}).state == InboxState.IGNORED


def test_what_a_list_leaves_out_is_let_go_of_at_the_provider(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a method that the provider keeps, and a list that lacks it
    method = save(world.make_user())
    with monkeypatch.context() as patch:
        patch.setattr(registry.provider_class("stripe"), "list_methods", lambda *_: ())
        # when a notice makes the hub look
        world.hear("payment_method.updated", {"id": method.provider_method_id, "object": "payment_method"})
    # then it can be paid with no more, and the provider is told so
    assert not fresh(method).is_active
    converge(1)
    assert fresh(method).status == MethodStatus.DETACHED
    assert kept(method.customer) == []
