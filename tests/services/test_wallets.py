"""Calls that wait for the customer's telephone: made by the worker, once, with a national id that stays nowhere."""

from __future__ import annotations

import io
import json
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from django_payments_hub.domain.statuses import Flow, NextActionKind, OperationState, PaymentStatus, RefundStatus
from django_payments_hub.exceptions import (
    ConfigurationError,
    InvalidInput,
    Misconfigured,
    NotSent,
    OutcomeUnknown,
    Refused,
)
from django_payments_hub.models import Operation, Payment
from django_payments_hub.services import operations, parked, payments, refunds, sweeper
from tests.services.wallet import CNIC, Provider, Wallet, begin, offer_wallet, paid, run_out, wish
from tests.services.world import converge, fresh, make_due, make_order, make_user, only_operation

pytestmark = pytest.mark.django_db(transaction=True)

DIGITS = ("42201-6918273-4", "4220169182734", "6918273", "182734")


@pytest.fixture(autouse=True)
def wallet(hub: dict[str, Any], settings: Any) -> Wallet:
    return offer_wallet(settings)


@pytest.fixture
def asked() -> Payment:
    """A payment as its request leaves it: the worker has still to make the call."""
    return begin(Flow.DIRECT)


def resume(payment: Payment) -> Operation:
    operation = only_operation(payment, "pay")
    operations.resume(operation.pk)
    operation.refresh_from_db()
    return operation


def everything_kept() -> str:
    out = io.StringIO()
    call_command("dumpdata", "payments_hub", stdout=out)
    return out.getvalue()


def test_the_request_sends_nothing_and_tells_the_customer_to_wait(asked: Payment, wallet: Wallet) -> None:
    assert asked.status == PaymentStatus.PENDING
    assert asked.next_action == {"type": "wait", "url": "", "fields": {}}
    assert asked.expires_at is not None
    assert 290 < (asked.expires_at - asked.created_at).total_seconds() < 301
    assert wallet.sent == []


def test_the_worker_makes_the_call_with_all_it_needs(asked: Payment, wallet: Wallet) -> None:
    resume(asked)
    (request,) = wallet.sent
    assert (request.payer.phone, request.payer.national_id) == ("03001234567", CNIC)
    assert (fresh(asked).status, fresh(asked).next_action) == (PaymentStatus.COMPLETED, None)


@pytest.mark.parametrize(
    ("payer", "code"),
    [
        ({"phone": "0300123456", "national_id": CNIC}, "invalid_phone"),
        ({"national_id": CNIC}, "invalid_phone"),
        ({"phone": "03001234567", "national_id": "42201"}, "invalid_national_id"),
        ({"phone": "03001234567"}, "invalid_national_id"),
    ],
)
def test_a_payer_who_cannot_pay_so_is_refused_before_any_work(payer: dict[str, str], code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        begin(Flow.DIRECT, payer=payer)
    assert refused.value.code == code
    assert not Payment.objects.exists()


def test_what_is_only_recorded_keeps_no_national_id() -> None:
    payment = begin(Flow.DIRECT, defer=True)
    assert payment.next_action is None
    with pytest.raises(InvalidInput) as refused:
        payments.process(payment.pk)
    assert refused.value.code == "invalid_national_id"


def test_without_a_key_to_encrypt_it_with_a_national_id_is_not_taken(settings: Any) -> None:
    settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, "ENCRYPTION_KEYS": []}
    with pytest.raises(ConfigurationError) as refused:
        begin(Flow.DIRECT)
    assert refused.value.code == "encryption_keys_missing"
    assert not Payment.objects.exists()


@pytest.mark.parametrize(
    "error", [None, Refused(), OutcomeUnknown(), NotSent(), Misconfigured()], ids=lambda error: type(error).__name__
)
def test_a_national_id_is_kept_nowhere_in_clear(wallet: Wallet, error: Any, caplog: pytest.LogCaptureFixture) -> None:
    wallet.error = error
    with caplog.at_level(logging.DEBUG):
        payment = begin(Flow.DIRECT)
        kept = everything_kept()
        operation = resume(payment)
    for digits in DIGITS:
        assert digits not in kept + everything_kept() + caplog.text + repr(wallet.sent) + repr(wish(Flow.DIRECT))
    # and encrypted only as long as the call may still be made
    assert ("national_id" in operation.parameters) == (operation.state == OperationState.CREATED)


def test_a_call_whose_maker_died_gives_the_national_id_up(asked: Payment, wallet: Wallet) -> None:
    operation = only_operation(asked, "pay")
    assert operations.claim(operation.pk) is not None
    make_due()
    resume(asked)
    operation.refresh_from_db()
    assert "national_id" not in operation.parameters
    assert (operation.state, operation.attention_code) == (OperationState.UNKNOWN, "key_window_passed")
    assert wallet.sent == []


def test_a_call_that_was_not_sent_is_made_again_with_it(asked: Payment, wallet: Wallet) -> None:
    wallet.error = NotSent()
    resume(asked)
    wallet.error = None
    make_due()
    resume(asked)
    assert [request.payer.national_id for request in wallet.sent] == [CNIC, CNIC]
    assert fresh(asked).status == PaymentStatus.COMPLETED


def test_a_provider_that_takes_none_gets_none_and_none_is_kept(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Provider, "capabilities", replace(Provider.capabilities, national_id=False))
    payment = begin(Flow.DIRECT)
    assert "national_id" not in only_operation(payment, "pay").parameters


# -- sent once --------------------------------------------------------------------------------------------------------


def test_a_payment_in_doubt_is_looked_up_and_never_sent_again(asked: Payment, wallet: Wallet) -> None:
    wallet.error = OutcomeUnknown()
    resume(asked)
    assert fresh(asked).status == PaymentStatus.PROCESSING
    wallet.error = None
    converge()
    assert len(wallet.sent) == 1
    assert only_operation(asked, "pay").attention_code == "key_window_passed"


def test_a_refund_in_doubt_that_the_provider_shows_is_done(wallet: Wallet) -> None:
    payment = paid(begin())
    refund = refunds.request(payment.pk, amount="1500.00")
    wallet.error = OutcomeUnknown()
    refunds.execute(refund.pk)
    wallet.error, wallet.refunds[str(refund.pk)] = None, RefundStatus.COMPLETED
    converge()
    refund.refresh_from_db()
    assert (len(wallet.sent), refund.status) == (1, RefundStatus.COMPLETED)
    assert fresh(payment).status == PaymentStatus.REFUNDED


@pytest.mark.parametrize("rounds", [1, 6])
def test_a_refund_in_doubt_is_never_sent_again_and_waits_for_a_person(wallet: Wallet, rounds: int) -> None:
    payment = paid(begin())
    refund = refunds.request(payment.pk, amount="500.00")
    wallet.error = OutcomeUnknown()
    refunds.execute(refund.pk)
    wallet.error = None
    for _ in range(rounds):
        make_due()
        sweeper.sweep()
    operation = Operation.objects.get(refund=refund)
    assert (len(wallet.sent), operation.state, operation.attention_code) == (
        1,
        OperationState.UNKNOWN,
        "key_window_passed",
    )
    refund.refresh_from_db()
    assert (refund.status, fresh(payment).refund_reserved_minor) == (RefundStatus.PROCESSING, 50_000)
    # and somebody who has asked the provider says that it did not happen
    parked.declare_not_happened(operation.pk, reason="asked on the telephone")
    refund.refresh_from_db()
    assert (refund.status, fresh(payment).refund_reserved_minor) == (RefundStatus.FAILED, 0)


# -- over the API -----------------------------------------------------------------------------------------------------


def test_the_api_says_what_is_wrong_with_the_payer_and_what_to_wait_for(wallet: Wallet) -> None:
    user = make_user()
    order = make_order("1500.00", user=user, currency="PKR")
    client = Client()
    client.force_login(user)

    def post(**payer: str) -> Any:
        body = {"order_id": str(order.pk), "account": "wallet", "flow": "direct", "payer": payer}
        return client.post("/api/payments/", json.dumps(body), content_type="application/json")

    wrong = post(phone="12345", national_id=CNIC)
    assert (wrong.status_code, wrong.json()["error_code"]) == (400, "invalid_phone")
    wrong = post(phone="03001234567", national_id="6918273")
    assert (wrong.status_code, wrong.json()["error_code"]) == (400, "invalid_national_id")
    assert "6918273" not in wrong.content.decode()
    right = post(phone="03001234567", national_id=CNIC)
    assert right.status_code == 202
    status = client.get(f"/api/payments/{right.json()['id']}/status/").json()
    assert status["next_action"] == {"type": "wait", "url": "", "fields": {}}
    assert status["expires_at"] == right.json()["expires_at"]
    assert not [digits for digits in DIGITS if digits in right.content.decode()]


def test_who_pays_later_is_told_what_to_do_and_has_his_time_from_then(
    wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a payment that was only recorded, half an hour ago
    monkeypatch.setattr(Provider, "check_payer", lambda *_args, **_options: None)
    payment = begin(Flow.DIRECT, defer=True)
    assert payment.next_action is None
    run_out(payment)
    # when it is started
    payments.process(payment.pk)
    # then it waits for the phone for as long as one that is started at once
    row = fresh(payment)
    assert (row.next_action or {})["type"] == NextActionKind.WAIT
    assert row.expires_at is not None
    assert timezone.now() < row.expires_at <= timezone.now() + timedelta(seconds=300)
