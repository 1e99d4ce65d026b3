"""Saving, finishing, choosing, changing and letting go of methods, over the real sandbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from django.db import IntegrityError, transaction
from django.db.models.deletion import ProtectedError
from django.utils import timezone

from django_payments_hub import registry
from django_payments_hub.domain.statuses import Flow, MethodStatus
from django_payments_hub.exceptions import (
    Conflict,
    HubError,
    InvalidInput,
    NotFound,
    RuleViolation,
    Unsupported,
)
from django_payments_hub.models import Customer, PaymentMethod, ProviderAccount
from django_payments_hub.services import (
    accounts,
    method_answers,
    method_calls,
    method_requests,
    methods,
    provider_calls,
    sweeper,
)
from django_payments_hub.services.methods import Consent
from django_payments_hub.testing.sandbox import SandboxClient, SandboxError
from tests.services import world
from tests.services.saved import (
    ASKS_ALWAYS,
    DEBIT,
    DECLINED,
    MASTERCARD,
    converge,
    fresh,
    kept,
    make_due,
    save,
)

pytestmark = pytest.mark.django_db(transaction=True)


# -- with a token -----------------------------------------------------------------------------------------------------


def test_a_token_is_kept_for_a_customer_that_is_made_once(sandbox: SandboxClient) -> None:
    user = world.make_user(first_name="Ada", last_name="Lovelace", email="ada@example.com")
    first, second = save(user), save(user, DEBIT)
    assert (first.status, first.brand, first.last4) == (MethodStatus.ACTIVE, "visa", "4242")
    assert (first.kind, second.kind) == ("credit_card", "debit_card")
    customer = Customer.objects.get()
    assert kept(customer) == sorted(str(row.provider_method_id) for row in (first, second))
    assert (customer.payer, first.parameters, first.next_action) == ({}, {}, None)
    assert len(sandbox.calls("customers.create")) == 1
    assert (first.consent["by"], first.consent["how"]) == ("customer", "request")


def test_each_user_has_a_customer_of_his_own(sandbox: SandboxClient) -> None:
    ada, bob = world.make_user(), world.make_user()
    save(ada)
    save(bob)
    assert Customer.objects.values("provider_customer_id").distinct().count() == 2
    assert [row.user for row in PaymentMethod.objects.order_by("pk")] == [ada, bob]


def test_a_declined_card_is_not_kept(sandbox: SandboxClient) -> None:
    method = save(world.make_user(), DECLINED)
    assert (method.status, method.failure_code) == (MethodStatus.FAILED, "card_declined")
    assert (method.parameters, method.provider_method_id, method.is_default) == ({}, None, False)
    assert kept(method.customer) == []


def test_a_token_of_another_customer_is_refused(sandbox: SandboxClient) -> None:
    """S26: whatever he knows of it."""
    theirs = save(world.make_user())
    mine = save(world.make_user(), str(theirs.provider_method_id))
    assert (mine.status, mine.failure_code, mine.provider_method_id) == (MethodStatus.FAILED, "invalid_request", None)
    assert kept(theirs.customer) == [theirs.provider_method_id]
    assert kept(mine.customer) == []
    assert fresh(theirs).status == MethodStatus.ACTIVE


def test_a_token_that_was_let_go_cannot_be_kept_again(sandbox: SandboxClient) -> None:
    user = world.make_user()
    first = save(user)
    token = str(first.provider_method_id)
    methods.detach(first.pk)
    again = save(user, token)
    assert (again.status, again.failure_code) == (MethodStatus.FAILED, "invalid_request")


def test_ones_own_token_given_twice_is_the_same_method(sandbox: SandboxClient) -> None:
    user = world.make_user()
    first = save(user)
    second = save(user, str(first.provider_method_id))
    assert second.pk == first.pk
    (tried,) = PaymentMethod.objects.exclude(pk=first.pk)
    assert (tried.status, tried.replaced_by, tried.provider_method_id) == (MethodStatus.DETACHED, first, None)
    converge()
    assert kept(first.customer) == [first.provider_method_id]


# -- the same card ----------------------------------------------------------------------------------------------------


def test_the_same_card_stays_one_method_with_the_newer_token(sandbox: SandboxClient) -> None:
    user = world.make_user()
    first = save(user, metadata={"name": "my Visa"})
    older = first.provider_method_id
    other = save(user, MASTERCARD, make_default=True)
    again = save(user, metadata={"name": "forgotten"})
    assert again.pk == first.pk
    assert (again.metadata, again.status) == ({"name": "my Visa"}, MethodStatus.ACTIVE)
    assert again.provider_method_id != older
    tried = PaymentMethod.objects.get(replaced_by=first)
    assert (tried.status, tried.provider_method_id) == (MethodStatus.DETACHING, older)
    assert (fresh(first).is_default, fresh(other).is_default) == (False, True)
    converge()
    assert fresh(tried).status == MethodStatus.DETACHED
    assert kept(first.customer) == sorted(str(row.provider_method_id) for row in (again, other))


def test_the_same_card_of_another_user_is_another_method(sandbox: SandboxClient) -> None:
    first, second = save(world.make_user()), save(world.make_user())
    assert first.fingerprint == second.fingerprint
    assert (first.status, second.status) == (MethodStatus.ACTIVE, MethodStatus.ACTIVE)


def test_the_same_card_given_anew_as_the_default_becomes_it(sandbox: SandboxClient) -> None:
    user = world.make_user()
    first, other = save(user), save(user, MASTERCARD, make_default=True)
    again = save(user, make_default=True)
    assert (again.pk, fresh(first).is_default, fresh(other).is_default) == (first.pk, True, False)


# -- in steps ---------------------------------------------------------------------------------------------------------


def test_a_card_that_asks_waits_for_its_customer(sandbox: SandboxClient) -> None:
    method = save(world.make_user(), ASKS_ALWAYS, return_url="https://shop.example.com/wallet?tab=2")
    assert (method.status, method.is_default) == (MethodStatus.PENDING, False)
    assert method.next_action
    assert method.next_action["type"] == "redirect"
    assert "method_token" not in method.parameters  # not kept longer than needed
    # when nothing was done yet, looking changes nothing
    assert methods.confirm(method.pk).status == MethodStatus.PENDING
    sandbox.complete_setup(method.provider_setup_id)
    done = methods.confirm(method.pk)
    assert (done.status, done.next_action, done.is_default) == (MethodStatus.ACTIVE, None, True)
    assert kept(method.customer) == [done.provider_method_id]


def test_the_page_leads_back_with_the_methods_id(sandbox: SandboxClient) -> None:
    accounts.pause(world.account(), 3600)  # so that it is not sent yet
    method = save(world.make_user(), return_url="https://shop.example.com/wallet?tab=2")
    asked = method_requests.save(method)
    assert asked.return_url == asked.cancel_url == f"https://shop.example.com/wallet?tab=2&payment_method={method.pk}"


def test_a_customer_who_fails_to_confirm_has_nothing_saved(sandbox: SandboxClient) -> None:
    method = save(world.make_user(), ASKS_ALWAYS)
    sandbox.complete_setup(method.provider_setup_id, "fail")
    done = methods.confirm(method.pk)
    assert (done.status, done.failure_code) == (MethodStatus.FAILED, "authentication_failed")


def test_without_a_token_the_browser_gets_a_client_secret(sandbox: SandboxClient) -> None:
    method = save(world.make_user(), "")
    assert method.status == MethodStatus.PENDING
    assert method.next_action
    assert method.next_action["type"] == "client_secret"
    assert set(method.next_action["fields"]) == {"client_secret", "publishable_key"}


def test_what_the_customer_finished_is_found_without_him(sandbox: SandboxClient) -> None:
    method = save(world.make_user(), ASKS_ALWAYS)
    sandbox.complete_setup(method.provider_setup_id)
    make_due()
    assert sweeper.sweep().methods == 1
    assert fresh(method).status == MethodStatus.ACTIVE


def test_what_nobody_finishes_ends_when_its_time_is_over(sandbox: SandboxClient) -> None:
    method = save(world.make_user(), ASKS_ALWAYS)
    make_due()
    sweeper.sweep()
    assert fresh(method).status == MethodStatus.PENDING
    make_due(expired=True)
    sweeper.sweep()
    assert (fresh(method).status, fresh(method).failure_code) == (MethodStatus.FAILED, "expired")
    # and a customer who comes back then is told so
    assert methods.confirm(method.pk).status == MethodStatus.FAILED


def test_what_waits_for_its_customer_is_looked_at_at_most_hourly(sandbox: SandboxClient) -> None:
    method = save(world.make_user(), ASKS_ALWAYS)
    assert method.next_attempt_at
    assert timedelta(minutes=9) < method.next_attempt_at - timezone.now() <= timedelta(minutes=10)
    PaymentMethod.objects.update(created_at=timezone.now() - timedelta(hours=2))
    make_due()
    sweeper.sweep()
    after = fresh(method)
    assert after.next_attempt_at
    assert timedelta(minutes=59) < after.next_attempt_at - timezone.now() <= timedelta(hours=1)
    assert (after.tries, after.error_code) == (0, "")


# -- for somebody -----------------------------------------------------------------------------------------------------


def test_staff_saves_for_a_customer_and_his_consent_is_recorded(sandbox: SandboxClient) -> None:
    customer, clerk = world.make_user(), world.make_user(is_staff=True)
    given_at = timezone.now() - timedelta(hours=1)
    consent = Consent(text="Keep my card for the subscription.", given_at=given_at, how="phone")
    method = save(customer, actor=clerk, consent=consent)
    assert method.user == customer
    told = {key: value for key, value in method.consent.items() if key != "recorded_at"}
    assert told == {
        "by": "staff",
        "text": "Keep my card for the subscription.",
        "given_at": given_at.isoformat(),
        "how": "phone",
        "recorded_by": str(clerk.pk),
    }


@pytest.mark.parametrize(("consent", "code"), [(None, "required"), (timedelta(hours=1), "in_future")])
def test_staff_saves_nothing_without_a_consent_that_was_given(
    sandbox: SandboxClient, consent: timedelta | None, code: str
) -> None:
    given = consent and Consent(text="yes", given_at=timezone.now() + consent, how="phone")
    with pytest.raises(InvalidInput) as refused:
        save(world.make_user(), actor=world.make_user(is_staff=True), consent=given)
    assert refused.value.code == code
    assert not PaymentMethod.objects.exists()
    assert sandbox.calls() == []


# -- what is not possible ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "token", "code"),
    [
        ({"saved_methods": False}, "pm_card_visa", "unsupported_saved_methods"),
        ({"setup_flows": frozenset({Flow.CLIENT})}, "pm_card_visa", "unsupported_setup_flow"),
        ({"setup_flows": frozenset({Flow.TOKEN})}, "", "invalid_input"),
        ({"setup_flows": frozenset({Flow.HOSTED})}, "", "required"),
    ],
)
def test_what_the_provider_does_not_declare_is_refused_before_any_work(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], token: str, code: str
) -> None:
    provider = registry.provider_class("stripe")
    monkeypatch.setattr(provider, "capabilities", replace(provider.capabilities, **changed))
    with pytest.raises(HubError) as refused:
        save(world.make_user(), token)
    assert refused.value.code == code
    assert isinstance(refused.value, Unsupported | InvalidInput)
    assert not Customer.objects.exists()
    assert sandbox.calls() == []


def test_a_method_is_not_saved_inside_a_transaction(sandbox: SandboxClient) -> None:
    user = world.make_user()
    with transaction.atomic(), pytest.raises(RuntimeError):
        save(user)
    assert sandbox.calls() == []


# -- the default ------------------------------------------------------------------------------------------------------


def test_one_default_at_a_time_and_none_when_it_is_let_go(sandbox: SandboxClient) -> None:
    user = world.make_user()
    first, second = save(user), save(user, MASTERCARD)
    assert methods.set_default(second.pk).is_default
    assert not fresh(first).is_default
    methods.change(second.pk, is_default=False)
    assert not fresh(second).is_default
    methods.set_default(first.pk)
    methods.detach(first.pk)
    assert not PaymentMethod.objects.filter(default_key__isnull=False).exists()


def test_the_database_itself_refuses_a_second_default(sandbox: SandboxClient) -> None:
    user = world.make_user()
    first, second = save(user), save(user, MASTERCARD)
    with pytest.raises(IntegrityError), transaction.atomic():
        PaymentMethod.objects.filter(pk=second.pk).update(default_key=first.default_key)


def test_only_what_is_saved_can_be_the_default(sandbox: SandboxClient) -> None:
    for method in (save(world.make_user(), ASKS_ALWAYS), save(world.make_user(), DECLINED)):
        with pytest.raises(RuleViolation) as refused:
            methods.set_default(method.pk)
        assert refused.value.code == "method_not_active"
        with pytest.raises(IntegrityError), transaction.atomic():
            PaymentMethod.objects.filter(pk=method.pk).update(default_key="x")


def test_metadata_is_replaced_and_the_rest_stays(sandbox: SandboxClient) -> None:
    method = save(world.make_user(), metadata={"a": "1", "b": "2"})
    methods.change(method.pk, metadata={"c": "3"})
    assert (fresh(method).metadata, fresh(method).is_default) == ({"c": "3"}, True)


# -- letting go -------------------------------------------------------------------------------------------------------


def test_what_is_let_go_is_detached_at_the_provider(sandbox: SandboxClient) -> None:
    method = save(world.make_user())
    gone = methods.detach(method.pk)
    assert (gone.status, gone.default_key) == (MethodStatus.DETACHED, None)
    assert gone.detached_at
    assert kept(method.customer) == []
    with pytest.raises(NotFound):
        methods.detach(method.pk)
    with pytest.raises(ProtectedError):
        gone.delete()  # I15: the row is kept


def test_one_the_provider_does_not_know_any_more_is_let_go(sandbox: SandboxClient) -> None:
    method = save(world.make_user())
    provider_calls.provider_of(method.account).detach_method(method_requests.detach(method))
    assert methods.detach(method.pk).status == MethodStatus.DETACHED


def test_a_try_that_is_taken_back_leaves_nothing_at_the_provider(sandbox: SandboxClient) -> None:
    method = save(world.make_user(), ASKS_ALWAYS)
    assert methods.detach(method.pk).status == MethodStatus.DETACHED
    with pytest.raises(NotFound):
        methods.detach(method.pk)
    # the customer cannot finish it any more, on a page he has open
    with pytest.raises(SandboxError):
        sandbox.complete_setup(method.provider_setup_id)
    assert kept(method.customer) == []


def test_a_try_that_is_taken_back_when_it_was_just_finished_is_let_go(sandbox: SandboxClient) -> None:
    method = save(world.make_user(), ASKS_ALWAYS)
    sandbox.complete_setup(method.provider_setup_id)
    assert methods.detach(method.pk).status == MethodStatus.DETACHING
    assert len(kept(method.customer)) == 1
    converge()
    assert fresh(method).status == MethodStatus.DETACHED
    assert kept(method.customer) == []


def test_what_ran_out_cannot_be_finished_later_and_is_not_looked_at_for_ever(sandbox: SandboxClient) -> None:
    # given a client's setup whose time is over
    method = save(world.make_user(), "")
    make_due(expired=True)
    sweeper.sweep()
    assert (fresh(method).status, fresh(method).failure_code) == (MethodStatus.FAILED, "expired")
    # then the page that the customer still has open can finish nothing
    with pytest.raises(SandboxError):
        sandbox.complete_setup(method.provider_setup_id)
    # and when the customer clears the try away, that is the end of it
    methods.detach(method.pk)
    converge(2)
    assert (fresh(method).status, fresh(method).next_attempt_at) == (MethodStatus.DETACHED, None)


def test_a_try_that_is_taken_back_and_never_finished_is_forgotten(sandbox: SandboxClient) -> None:
    method = save(world.make_user(), "")
    methods.detach(method.pk)
    make_due(expired=True)
    sweeper.sweep()
    assert fresh(method).status == MethodStatus.DETACHED


def test_a_failed_try_can_be_cleared_away(sandbox: SandboxClient) -> None:
    method = save(world.make_user(), DECLINED)
    before = len(sandbox.calls())
    assert methods.detach(method.pk).status == MethodStatus.DETACHED
    assert len(sandbox.calls()) == before


def test_what_is_being_saved_at_this_moment_is_not_let_go(sandbox: SandboxClient) -> None:
    sandbox.fault("reset", operation="setup_intents.create", when="before")
    method = save(world.make_user())
    make_due()
    assert method_calls.claim(method.pk)
    with pytest.raises(Conflict) as refused:
        methods.detach(method.pk)
    assert refused.value.code == "operation_in_progress"
    converge()
    assert methods.detach(method.pk).status == MethodStatus.DETACHED


def _died(method: PaymentMethod) -> None:
    """As if whoever sent it had been killed, and his lease had run out, and no sweep came since."""
    past = timezone.now() - timedelta(seconds=1)
    PaymentMethod.objects.filter(pk=method.pk).update(in_doubt=False, lease_until=past, error_code="")


def _given_up(method: PaymentMethod) -> None:
    PaymentMethod.objects.filter(pk=method.pk).update(next_attempt_at=None, attention_code="tries_exhausted")


@pytest.mark.parametrize("since", [None, _died, _given_up])
@pytest.mark.parametrize("when", ["before", "after"])
def test_what_may_have_been_saved_is_let_go_only_when_that_is_found_out(
    sandbox: SandboxClient, when: Literal["before", "after"], since: Callable[[PaymentMethod], None] | None
) -> None:
    # given a saving whose answer was lost
    sandbox.fault("reset", operation="setup_intents.confirm", when=when)
    method = save(world.make_user())
    assert (method.status, method.in_doubt) == (MethodStatus.PENDING, True)
    if since is not None:
        since(method)
    # when its customer takes it back
    methods.detach(method.pk)
    # then it is not said to be detached while the provider keeps it
    assert fresh(method).status == MethodStatus.DETACHING
    sweeper.sweep()
    assert fresh(method).status == MethodStatus.DETACHING  # nor asked about while it may be on its way
    converge()
    assert (fresh(method).status, fresh(method).attention_code) == (MethodStatus.DETACHED, "")
    assert kept(fresh(method).customer) == []


@pytest.mark.parametrize("ended", [MethodStatus.FAILED, MethodStatus.DETACHED])
def test_what_a_late_answer_tells_of_a_try_that_is_over_is_let_go(sandbox: SandboxClient, ended: MethodStatus) -> None:
    """I17: true though late."""
    # given a holder who was stopped with the answer in his hands, and a try that was ended meanwhile
    sandbox.fault("reset", operation="setup_intents.confirm", when="after")
    method = save(world.make_user())
    result = provider_calls.save_method(fresh(method))
    PaymentMethod.objects.filter(pk=method.pk).update(status=ended.value, next_attempt_at=None)
    # when he goes on
    method_answers.settle_result(method, result)
    # then what was kept is let go of, once
    converge()
    assert fresh(method).status == ended
    assert kept(fresh(method).customer) == []
    stray = PaymentMethod.objects.exclude(pk=method.pk).get()
    assert (stray.status, stray.brand) == (MethodStatus.DETACHED, "visa")


def test_while_the_account_is_paused_nothing_is_sent_and_nothing_is_lost(sandbox: SandboxClient) -> None:
    method = save(world.make_user())
    ProviderAccount.objects.update(paused_until=timezone.now() + timedelta(hours=1))
    accounts.forget()
    before = len(sandbox.calls())
    waiting = save(method.user, MASTERCARD)
    assert methods.detach(method.pk).status == MethodStatus.DETACHING
    assert methods.confirm(waiting.pk).status == MethodStatus.PENDING
    sweeper.sweep()
    assert len(sandbox.calls()) == before
    world.make_due()
    converge()
    assert (fresh(method).status, fresh(waiting).status) == (MethodStatus.DETACHED, MethodStatus.ACTIVE)


# -- expiry -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "expired"),
    [
        (datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 12, 1, tzinfo=UTC), True),
        (datetime(2027, 1, 1, tzinfo=UTC), True),
    ],
)
def test_a_card_has_expired_when_its_month_is_over(
    monkeypatch: pytest.MonkeyPatch, now: datetime, expired: bool
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: now)
    assert PaymentMethod(expiry_month=11, expiry_year=2026).is_expired is expired


def test_december_ends_with_the_year_and_a_wallet_never(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert not PaymentMethod(expiry_month=12, expiry_year=2026).is_expired
    assert PaymentMethod(expiry_month=12, expiry_year=2025).is_expired
    assert not PaymentMethod().is_expired
