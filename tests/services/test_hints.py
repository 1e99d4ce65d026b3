"""Unsigned notices: one only makes the hub ask, and not too often (I14)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from django_payments_hub import dispatch
from django_payments_hub.domain.statuses import PaymentStatus, Stage
from django_payments_hub.exceptions import OutcomeUnknown
from django_payments_hub.models import Payment, ProviderAccount, WebhookEvent
from django_payments_hub.provider_kit.types import LookUpRequest, PaymentFact
from django_payments_hub.services import accounts, hints, payments, sweeper
from tests.services.wallet import Provider, Wallet, begin, offer_wallet, paid
from tests.services.world import fresh, started

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/payments/webhooks/wallet/"


@pytest.fixture(autouse=True)
def wallet(hub: dict[str, Any], settings: Any) -> Wallet:
    cache.clear()
    return offer_wallet(settings)


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    return started(monkeypatch)


def hint(payment: Payment, **more: str) -> int:
    return Client().get(URL, {"order": payment.reference, **more}).status_code


def test_a_hint_queues_one_question_and_is_kept_nowhere(wallet: Wallet, messages: list[tuple[str, ...]]) -> None:
    payment = begin()
    assert [hint(payment, status="PAID") for _ in range(5)] == [200] * 5
    assert messages == [(dispatch.SYNC, str(payment.pk))]
    assert wallet.asked == []
    assert fresh(payment).captured_minor == 0
    assert WebhookEvent.objects.count() == 0


def test_the_sweep_follows_a_hint_whose_message_was_lost(wallet: Wallet, messages: list[tuple[str, ...]]) -> None:
    payment = begin()
    wallet.payments[payment.reference] = Stage.CAPTURED
    hint(payment)
    sweeper.sweep()
    assert fresh(payment).status == PaymentStatus.COMPLETED
    assert fresh(payment).look_up_at is None
    asked = len(wallet.asked)
    sweeper.sweep()
    assert len(wallet.asked) == asked


def test_a_hint_that_is_not_true_changes_nothing(wallet: Wallet) -> None:
    payment = begin()
    hint(payment, status="PAID", url="http://169.254.169.254/")
    sweeper.sweep()
    assert (fresh(payment).status, fresh(payment).look_up_at) == (PaymentStatus.REQUIRES_ACTION, None)


def test_what_was_given_up_is_asked_about_too(wallet: Wallet) -> None:
    payment = begin()
    payments.cancel(payment.pk)
    wallet.payments[payment.reference] = Stage.CAPTURED
    hint(payment)
    sweeper.sweep()
    assert fresh(payment).status == PaymentStatus.COMPLETED


def test_what_is_paid_is_not_asked_about(wallet: Wallet, messages: list[tuple[str, ...]]) -> None:
    payment = paid(begin())
    assert hint(payment) == 200
    assert (dispatch.SYNC, str(payment.pk)) not in messages
    assert fresh(payment).look_up_at is None


def test_a_second_hint_is_not_lost_behind_one_that_came_too_early(wallet: Wallet) -> None:
    # given a payment that was given up, and somebody's hint before it was paid after all
    payment = begin()
    payments.cancel(payment.pk)
    hint(payment)
    sweeper.sweep()
    assert fresh(payment).look_up_at is None
    # when it is paid, and the provider says so once
    wallet.payments[payment.reference] = Stage.CAPTURED
    hint(payment)
    sweeper.sweep()
    assert fresh(payment).status == PaymentStatus.COMPLETED


def test_a_hint_during_a_question_is_asked_about_again(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    payment = begin()
    hint(payment)
    asked = Provider.look_up

    def look_up(provider: Provider, request: LookUpRequest) -> PaymentFact | None:
        found = asked(provider, request)
        if len(wallet.asked) == 1:  # it is paid when the answer is on its way
            wallet.payments[payment.reference] = Stage.CAPTURED
            hint(payment)
        return found

    monkeypatch.setattr(Provider, "look_up", look_up)
    sweeper.sweep()
    assert fresh(payment).look_up_at is not None
    sweeper.sweep()
    assert fresh(payment).status == PaymentStatus.COMPLETED


def test_an_answer_that_could_not_be_written_down_is_asked_for_again(
    wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = begin()
    wallet.payments[payment.reference] = Stage.CAPTURED
    hint(payment)
    with monkeypatch.context() as broken:
        broken.setattr("django_payments_hub.services.facts.apply", raise_error)
        sweeper.sweep()
    assert fresh(payment).look_up_at is not None
    Payment.objects.update(look_up_at=timezone.now())
    sweeper.sweep()
    assert fresh(payment).status == PaymentStatus.COMPLETED


def test_a_cache_that_is_down_loses_no_hint_and_strands_nobody(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    payment = begin()
    wallet.payments[payment.reference] = Stage.CAPTURED
    monkeypatch.setattr(cache, "add", raise_error)
    assert hint(payment) == 200
    assert Client().get(f"/api/payments/return/{payment.pk}/").status_code in (200, 303)
    sweeper.sweep()
    assert fresh(payment).status == PaymentStatus.COMPLETED


def raise_error(*_args: object, **_options: object) -> None:
    raise ConnectionError("down")


def test_an_unknown_order_is_answered_alike(wallet: Wallet, messages: list[tuple[str, ...]]) -> None:
    known, unknown = Client().get(URL, {"order": begin().reference}), Client().get(URL, {"order": "0" * 20})
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content) == (200, b"")
    assert Client().get(URL).status_code == 200
    assert len(messages) == 1


def test_another_verb_is_refused(wallet: Wallet) -> None:
    response = Client().post(URL, {"order": "x"})
    assert (response.status_code, response.headers["Allow"]) == (405, "GET")


def test_an_account_gets_no_more_questions_than_it_could_need(
    wallet: Wallet, messages: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hints, "_PER_MINUTE", 2)
    monkeypatch.setattr("django_payments_hub.services.hints.time.time", lambda: 1_800_000_000.0)
    rows = [begin() for _ in range(4)]
    assert [hint(row) for row in rows] == [200] * 4
    assert len(messages) == 2
    # and no hint is lost: the sweep asks about the others
    assert all(fresh(row).look_up_at is not None for row in rows)


def test_a_paused_account_is_left_alone(wallet: Wallet, messages: list[tuple[str, ...]]) -> None:
    payment = begin()
    ProviderAccount.objects.filter(alias="wallet").update(paused_until=timezone.now() + timedelta(minutes=5))
    accounts.forget()
    hint(payment)
    sweeper.sweep()
    assert (messages, wallet.asked) == ([], [])
    # until its pause is over
    ProviderAccount.objects.filter(alias="wallet").update(paused_until=None)
    accounts.forget()
    sweeper.sweep()
    assert wallet.asked == [payment.reference]


def test_a_question_that_failed_is_asked_again_later_and_not_at_once(wallet: Wallet) -> None:
    payment = begin()
    wallet.error = OutcomeUnknown()
    hint(payment)
    sweeper.sweep()
    sweeper.sweep()
    assert len(wallet.asked) == 1
    wallet.error = None
    wallet.payments[payment.reference] = Stage.CAPTURED
    Payment.objects.filter(pk=payment.pk).update(look_up_at=timezone.now())
    sweeper.sweep()
    assert fresh(payment).status == PaymentStatus.COMPLETED


def test_nobody_asks_for_ever(wallet: Wallet) -> None:
    payment = begin()
    long_ago = timezone.now() - timedelta(days=31)
    Payment.objects.filter(pk=payment.pk).update(created_at=long_ago, look_up_at=long_ago)
    before = len(wallet.asked)
    sweeper.sweep()
    assert (fresh(payment).look_up_at, len(wallet.asked)) == (None, before)


def test_a_browser_back_from_a_payment_that_was_given_up_is_a_hint(wallet: Wallet) -> None:
    payment = begin()
    payments.cancel(payment.pk)
    Client().get(f"/api/payments/return/{payment.pk}/")
    assert fresh(payment).look_up_at is not None
