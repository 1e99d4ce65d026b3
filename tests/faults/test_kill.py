"""F18: the process dies by kill -9 at each named place; the sweeper converges to one effect, at every provider."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from django_payments_hub.domain.statuses import OperationKind, OperationState, PaymentStatus, RefundStatus
from django_payments_hub.models import Operation, Payment
from django_payments_hub.services import refunds, sweeper
from django_payments_hub.testing.sandbox import SandboxClient
from tests.merchant_fixtures import only
from tests.merchants import HOLDING, REFUNDING, Merchant

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.postgres, pytest.mark.mariadb]

Die = Callable[..., None]

PLACES = ["operation.before_send", "operation.after_answer", "operation.after_commit"]


def let_leases_end() -> None:
    """The time until the lease of the dead process ends, and until nothing of its is still on its way."""
    past = timezone.now() - timedelta(seconds=1)
    left = Operation.objects.exclude(next_attempt_at=None)
    left.exclude(lease_until=None).update(lease_until=past)
    left.update(next_attempt_at=past, first_sent_at=F("first_sent_at") - timedelta(minutes=5))


def converge() -> None:
    for _ in range(3):
        let_leases_end()
        sweeper.sweep()


def given_up(merchant: Merchant, sandbox: SandboxClient, payment: Payment) -> None:
    """A payment that certainly never happened: failed, and nothing was charged."""
    assert (payment.status, payment.failure_code) == (PaymentStatus.FAILED, "provider_unavailable")
    assert merchant.entries(sandbox) == []


@pytest.mark.parametrize("place", PLACES)
def test_a_payment_is_charged_at_most_once(place: str, merchant: Merchant, sandbox: SandboxClient, die: Die) -> None:
    # given a process that died while it started a payment, and another one that died while it confirmed it
    die(place, "pay")
    converge()
    payment = Payment.objects.get()
    if place == "operation.before_send" and not merchant.sends_again:
        given_up(merchant, sandbox, payment)
        return
    if merchant.buyer:
        assert payment.status == PaymentStatus.REQUIRES_ACTION
        merchant.approve(sandbox, payment)
        die(place, "confirm", payment.pk)
        converge()
    # then it is charged once, in both books
    payment.refresh_from_db()
    assert (payment.status, payment.captured_minor) == (PaymentStatus.COMPLETED, 10_000)
    (entry,) = merchant.entries(sandbox)
    assert entry["captured"] == 10_000
    states = set(Operation.objects.values_list("state", flat=True))
    assert states == {OperationState.SUCCEEDED}


@pytest.mark.parametrize("place", PLACES)
def test_a_decline_stays_a_decline(place: str, merchant: Merchant, sandbox: SandboxClient, die: Die) -> None:
    if merchant.buyer:
        payment = merchant.begin(declines=True)
        merchant.approve(sandbox, payment, declines=True)
        die(place, "confirm", payment.pk)
    else:
        die(place, "decline")
    converge()
    payment = Payment.objects.get()
    if place == "operation.before_send" and not merchant.sends_again:
        given_up(merchant, sandbox, payment)
        return
    assert (payment.status, payment.failure_code) == (merchant.declined_status, "card_declined")
    last = Operation.objects.filter(kind__in=[OperationKind.PAY, OperationKind.CONFIRM]).order_by("pk").last()
    assert last is not None
    assert last.state == OperationState.DECLINED
    assert [entry for entry in merchant.entries(sandbox) if entry["captured"]] == []


@only(HOLDING)
@pytest.mark.parametrize("place", PLACES)
def test_a_part_is_captured_once(place: str, merchant: Merchant, sandbox: SandboxClient, die: Die) -> None:
    payment = merchant.pay(sandbox, manual=True)
    die(place, "capture", payment.pk)
    converge()
    payment.refresh_from_db()
    assert (payment.status, payment.captured_minor, payment.capturable_minor) == (PaymentStatus.COMPLETED, 7_000, 0)
    assert merchant.entry(sandbox, payment)["captured"] == 7_000


@only(HOLDING)
@pytest.mark.parametrize("place", PLACES)
def test_an_authorisation_is_cancelled(place: str, merchant: Merchant, sandbox: SandboxClient, die: Die) -> None:
    payment = merchant.pay(sandbox, manual=True)
    die(place, "cancel", payment.pk)
    converge()
    payment.refresh_from_db()
    assert (payment.status, payment.captured_minor) == (PaymentStatus.CANCELLED, 0)
    assert merchant.entry(sandbox, payment)["captured"] == 0


@only(REFUNDING)
@pytest.mark.parametrize("place", PLACES)
def test_a_refund_is_made_once(place: str, merchant: Merchant, sandbox: SandboxClient, die: Die) -> None:
    payment = merchant.pay(sandbox)
    refund = refunds.request(payment.pk, amount="40.00")
    die(place, "refund", refund.pk)
    converge()
    merchant.settle_refunds(sandbox)
    refund.refresh_from_db()
    payment.refresh_from_db()
    if not merchant.finds_refunds and place != "operation.after_commit":
        # Sent or not, nobody can see: it is not sent again, and its amount stays reserved for a person to decide.
        operation = Operation.objects.get(refund=refund)
        assert (operation.state, operation.attention_code) == (OperationState.UNKNOWN, "key_window_passed")
        assert (payment.refunded_minor, payment.refund_reserved_minor) == (0, 4_000)
        sent = 0 if place == "operation.before_send" else 4_000
        assert merchant.entry(sandbox, payment)["refunded"] == sent
        return
    assert refund.status == RefundStatus.COMPLETED
    assert (payment.refunded_minor, payment.refund_reserved_minor) == (4_000, 4_000)
    assert merchant.entry(sandbox, payment)["refunded"] == 4_000
