"""Payments past their expiry: how they end, when they are left alone, and when a person is called."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from django_payments_hub.conf import hub_settings
from django_payments_hub.domain.statuses import Flow, OperationKind, PaymentStatus, Stage
from django_payments_hub.exceptions import OutcomeUnknown
from django_payments_hub.models import Operation, Payment, ProviderAccount
from django_payments_hub.services import accounts, books, expiry, facts, payments, sweeper
from django_payments_hub.services.locking import read_payment
from django_payments_hub.testing.sandbox import SandboxClient
from tests.services import world

pytestmark = pytest.mark.django_db(transaction=True)

UNAUTHORIZED = {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided"}}
TOO_MANY = {"error": {"type": "rate_limit_error", "message": "Too many requests"}}


def run_out(payment: Payment, seconds: float = 1) -> None:
    """As if the payment's time had been over for so long."""
    Payment.objects.filter(pk=payment.pk).update(expires_at=timezone.now() - timedelta(seconds=seconds))


def left(flow: Flow = Flow.CLIENT) -> Payment:
    """A payment the customer was given to pay in the browser, and never did."""
    payment = world.pay(flow=flow)
    run_out(payment)
    return payment


def end_pauses() -> None:
    past = timezone.now() - timedelta(seconds=1)
    Payment.objects.filter(expiry_attempt_at__isnull=False).update(expiry_attempt_at=past)


def cancellations(payment: Payment) -> int:
    return Operation.objects.filter(payment=payment, kind=OperationKind.CANCEL.value).count()


def meanwhile(monkeypatch: pytest.MonkeyPatch, deed: Callable[[], object]) -> None:
    """Somebody else does this in the moment before `expire` takes its first lock."""
    real, todo = books.open_books, [deed]

    def late(*args: object, **more: object) -> object:
        if todo:
            todo.pop()()
        return real(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(expiry, "open_books", late)


# -- endings ----------------------------------------------------------------------------------------------------------


def test_what_the_provider_never_heard_of_expires_here(sandbox: SandboxClient) -> None:
    payment = world.pay(defer=True, flow=Flow.HOSTED)
    run_out(payment)

    assert expiry.expire(payment.pk).status == PaymentStatus.EXPIRED
    assert sandbox.calls() == []


def test_what_the_customer_can_still_pay_is_cancelled_at_the_provider(sandbox: SandboxClient) -> None:
    payment = left()

    expired = expiry.expire(payment.pk)

    assert (expired.status, expired.cancel_reason) == (PaymentStatus.CANCELLED, "expired")
    assert world.effects(sandbox, "payment_intents.cancel") == 1


def test_a_page_that_is_open_for_longer_than_was_known_stays_open(sandbox: SandboxClient) -> None:
    payment = left(Flow.HOSTED)

    kept = expiry.expire(payment.pk)

    assert (kept.status, cancellations(payment)) == (PaymentStatus.REQUIRES_ACTION, 0)
    assert kept.expires_at is not None
    assert kept.expires_at > timezone.now()


def test_a_page_that_ran_out_by_itself_expires(sandbox: SandboxClient) -> None:
    payment = left(Flow.HOSTED)
    sandbox.expire_session(str(payment.provider_session_id))

    assert expiry.expire(payment.pk).status == PaymentStatus.EXPIRED
    assert cancellations(payment) == 0


def test_what_was_paid_in_the_last_second_stays_paid(sandbox: SandboxClient) -> None:
    payment = left(Flow.HOSTED)
    sandbox.pay_session(str(payment.provider_session_id))

    assert expiry.expire(payment.pk).status == PaymentStatus.COMPLETED
    assert cancellations(payment) == 0


def test_a_payment_whose_time_is_not_over_is_left_alone(sandbox: SandboxClient) -> None:
    payment = world.pay(flow=Flow.HOSTED)
    before = len(sandbox.calls())

    assert expiry.expire(payment.pk).status == PaymentStatus.REQUIRES_ACTION
    assert len(sandbox.calls()) == before


# -- races ------------------------------------------------------------------------------------------------------------


def test_a_payment_started_meanwhile_is_withdrawn_at_its_provider(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = world.pay(defer=True, flow=Flow.HOSTED)
    run_out(payment)

    def start() -> None:
        Payment.objects.filter(pk=payment.pk).update(expires_at=timezone.now() + timedelta(hours=1))
        payments.process(payment.pk)
        run_out(payment)

    meanwhile(monkeypatch, start)
    expired = expiry.expire(payment.pk)

    assert (expired.status, world.effects(sandbox, "checkout.sessions.expire")) == (PaymentStatus.CANCELLED, 1)


def test_a_payment_given_more_time_meanwhile_goes_on(sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch) -> None:
    payment = world.pay(defer=True, flow=Flow.HOSTED)
    run_out(payment)

    def start() -> None:
        Payment.objects.filter(pk=payment.pk).update(expires_at=timezone.now() + timedelta(hours=1))
        payments.process(payment.pk)

    meanwhile(monkeypatch, start)

    assert expiry.expire(payment.pk).status == PaymentStatus.REQUIRES_ACTION
    assert world.effects(sandbox, "checkout.sessions.expire") == 0


def test_money_held_just_before_the_cancellation_is_not_voided(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = left()
    real = payments.cancel

    def late(payment_id: object, **more: object) -> Payment:
        facts.apply(world.authorized_fact(payment), world.account(), world.by_webhook())
        return real(payment_id, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(payments, "cancel", late)

    assert expiry.expire(payment.pk).status == PaymentStatus.AUTHORIZED
    assert cancellations(payment) == 0


# -- sweeping ---------------------------------------------------------------------------------------------------------


def test_a_payment_the_provider_refuses_to_withdraw_is_tried_less_and_less_and_then_left_to_a_person(
    sandbox: SandboxClient,
) -> None:
    payment = left()
    sandbox.reset()  # the provider no longer knows it
    most = hub_settings().operation_max_tries

    pauses = []
    for tries in range(1, most + 1):
        sweeper.sweep()
        sweeper.sweep()  # not due: no second try
        row = world.fresh(payment)
        assert (row.expiry_tries, cancellations(payment), row.attention_code) == (tries, tries, "")
        assert row.expiry_attempt_at is not None
        pauses.append(round((row.expiry_attempt_at - timezone.now()).total_seconds() / 60))
        end_pauses()
    assert pauses[:8] == [1, 2, 4, 8, 16, 32, 60, 60]

    calls = len(sandbox.calls())
    for _ in range(3):
        sweeper.sweep()
        end_pauses()
    row = world.fresh(payment)
    assert (row.attention_code, row.expiry_attempt_at) == ("expiry_stuck", None)
    assert (cancellations(payment), len(sandbox.calls())) == (most, calls)


@pytest.mark.parametrize("status", [503, 401])  # in doubt, and certain not to have happened
def test_a_cancellation_under_way_is_not_begun_again(sandbox: SandboxClient, status: int) -> None:
    payment = left()
    sandbox.fault("status", operation="payment_intents.cancel", status=status, body=UNAUTHORIZED, times=50)

    for _ in range(3):
        sweeper.sweep()
        end_pauses()
        world.make_due(expired_leases=False)
    assert (cancellations(payment), world.fresh(payment).expiry_tries) == (1, 1)

    sandbox.clear_faults()
    world.converge()
    assert world.fresh(payment).status == PaymentStatus.CANCELLED


def test_a_paused_account_is_not_called(sandbox: SandboxClient) -> None:
    waiting = [left() for _ in range(2)]
    before = len(sandbox.calls())
    accounts.pause(world.account(), 3600)

    sweeper.sweep()

    assert len(sandbox.calls()) == before
    assert {world.fresh(payment).expiry_tries for payment in waiting} == {0}


def test_the_first_refusal_for_haste_pauses_the_account_and_is_not_a_try(sandbox: SandboxClient) -> None:
    waiting = [left() for _ in range(3)]
    before = len(sandbox.calls())
    sandbox.fault(
        "status",
        operation="payment_intents.retrieve",
        status=429,
        headers={"Retry-After": "60"},
        body=TOO_MANY,
        times=9,
    )

    sweeper.sweep()

    assert len(sandbox.calls()) - before == 1
    assert {world.fresh(payment).expiry_tries for payment in waiting} == {0}
    paused_until = ProviderAccount.objects.get().paused_until
    assert paused_until is not None
    assert paused_until > timezone.now() + timedelta(seconds=50)


def test_refused_credentials_show_on_the_account_when_a_payment_is_looked_up(sandbox: SandboxClient) -> None:
    payment = left()
    sandbox.fault("status", operation="payment_intents.retrieve", status=401, body=UNAUTHORIZED)

    sweeper.sweep()

    assert ProviderAccount.objects.get().unhealthy_since is not None
    assert world.fresh(payment).status == PaymentStatus.REQUIRES_ACTION


def test_two_sweeps_that_read_a_payment_at_once_try_it_once(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = left()
    read = [read_payment(payment.pk), read_payment(payment.pk)]
    monkeypatch.setattr(expiry, "read_payment", lambda _: read.pop())
    tried: list[object] = []
    monkeypatch.setattr(expiry, "expire", tried.append)

    expiry.attempt(payment.pk)
    expiry.attempt(payment.pk)

    assert tried == [payment.pk]


@pytest.mark.parametrize("tries", [0, 19, 20])
def test_a_sweep_that_comes_late_leaves_a_payment_to_the_one_before(sandbox: SandboxClient, tries: int) -> None:
    payment = left()
    taken_until = timezone.now() + timedelta(minutes=1)
    Payment.objects.filter(pk=payment.pk).update(expiry_tries=tries, expiry_attempt_at=taken_until)
    before = len(sandbox.calls())

    expiry.attempt(payment.pk)

    row = world.fresh(payment)
    assert (row.expiry_tries, row.expiry_attempt_at, row.attention_code) == (tries, taken_until, "")
    assert len(sandbox.calls()) == before


def test_a_look_up_that_fails_is_tried_again_after_a_pause(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = left()
    sandbox.fault("status", operation="payment_intents.retrieve", status=503, times=50)
    with pytest.raises(OutcomeUnknown):
        expiry.attempt(payment.pk)
    assert expiry.due(limit=10) == []

    sandbox.clear_faults()
    end_pauses()
    sweeper.sweep()

    assert world.fresh(payment).status == PaymentStatus.CANCELLED


def test_a_stage_the_hub_holds_to_be_later_does_not_loop(sandbox: SandboxClient) -> None:
    payment = left()
    facts.apply(world.payment_fact(payment, Stage.DECLINED), world.account(), world.by_webhook())

    for _ in range(4):
        sweeper.sweep()

    assert world.fresh(payment).expiry_tries == 1
