"""A browser comes back: it is sent on, a look-up is queued, and nothing changes in the request (I21, S9)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery.signals import before_task_publish
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from django_payments_hub import dispatch
from django_payments_hub.domain.statuses import Flow
from django_payments_hub.models import Payment
from django_payments_hub.services import payments, sweeper
from tests.services.world import fresh, make_order, make_user, pay

HOST_PAGE = "https://shop.example.com/done?basket=7#top"


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[tuple[str, list[str]]]]]:
    """The tasks handed to the broker, with their arguments: Celery's own signal tells of them."""
    monkeypatch.setattr(dispatch, "_current", None)  # a fresh publisher: another test may have opened the breaker
    found: list[tuple[str, list[str]]] = []

    def note(sender: str, body: Any, **_: object) -> None:
        found.append((sender, list(body[0])))

    def so_far() -> list[tuple[str, list[str]]]:
        dispatch.flush(5)
        return list(found)

    before_task_publish.connect(note)
    yield so_far
    dispatch.flush(5)
    before_task_publish.disconnect(note)


@pytest.fixture
def owner(db: None) -> User:
    return make_user()


@pytest.fixture
def waiting(owner: User, sandbox: Any) -> Payment:
    """A hosted payment whose customer is at the provider."""
    return pay(order=make_order(user=owner), user=owner, flow=Flow.HOSTED, token="", return_url=HOST_PAGE)


def url(payment: Payment) -> str:
    return f"/api/payments/return/{payment.pk}/"


def books() -> str:
    rows = {
        # When the sweeper is to look again is no money.
        model._meta.label: sorted(
            str([(name, value) for name, value in row.items() if name != "expiry_attempt_at"])
            for row in model._default_manager.values()
        )
        for model in apps.get_models()
        if model._meta.app_label in ("payments_hub", "shop")
    }
    return hashlib.sha256(json.dumps(rows, sort_keys=True, default=str).encode()).hexdigest()


@pytest.mark.parametrize("verb", ["get", "post"])
def test_the_browser_is_sent_to_the_hosts_page(waiting: Payment, verb: str) -> None:
    response = getattr(Client(enforce_csrf_checks=True), verb)(url(waiting))
    assert response.status_code == 303
    assert response.headers["Location"] == f"https://shop.example.com/done?basket=7&payment_id={waiting.pk}#top"
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.django_db(transaction=True)
def test_a_payment_that_changed_meanwhile_is_asked_about_again_at_once(
    waiting: Payment, published: Callable[[], list[tuple[str, list[str]]]]
) -> None:
    # given a customer who came back, was refused, and comes back again
    def asked() -> int:
        return len([task for task, _ in published() if task == dispatch.SYNC])

    for _ in range(3):
        Client().get(url(waiting))
    assert asked() == 1
    fresh(waiting).save()  # whatever changes it
    Client().get(url(waiting))
    assert asked() == 2


@pytest.mark.parametrize("verb", ["get", "post"])
def test_nothing_it_brings_says_where_to_go_or_that_it_is_paid(waiting: Payment, verb: str, sandbox: Any) -> None:
    calls, before = len(sandbox.calls()), books()
    told = {
        "return_url": "https://evil.com",
        "next": "//evil.com",
        "status": "succeeded",
        "redirect_status": "succeeded",
    }
    response = getattr(Client(), verb)(url(waiting), told)
    assert response.headers["Location"].startswith("https://shop.example.com/done?")
    assert "evil" not in response.headers["Location"]
    assert (books(), len(sandbox.calls())) == (before, calls)
    assert fresh(waiting).status == "requires_action"


def test_no_session_is_begun_or_ended(waiting: Payment, owner: User) -> None:
    # A cross-site POST carries no Lax cookie: a new session would log the shopper out.
    anonymous = Client().post(url(waiting))
    assert not anonymous.cookies
    known = Client()
    known.force_login(owner)
    session = known.cookies["sessionid"].value
    assert not known.post(url(waiting)).cookies
    assert known.cookies["sessionid"].value == session


@pytest.mark.django_db(transaction=True)
def test_a_look_up_is_queued_and_finds_what_was_paid(waiting: Payment, published: Any, sandbox: Any) -> None:
    sandbox.pay_session(str(waiting.provider_session_id))
    before = published()
    Client().get(url(waiting))
    assert published()[len(before) :] == [("django_payments_hub.tasks.sync_payment", [str(waiting.pk)])]
    payments.sync(waiting.pk)
    assert fresh(waiting).status == "completed"


@pytest.mark.django_db(transaction=True)
def test_without_a_worker_the_next_sweep_finds_what_was_paid(waiting: Payment, sandbox: Any) -> None:
    # given a customer who paid, just now, and whose notice is lost
    sandbox.policy(drop=True)
    sandbox.pay_session(str(waiting.provider_session_id))
    assert sweeper.sweep().looked_up == 0
    # when he comes back, and no worker reads the message
    Client().get(url(waiting))
    # then the sweeper asks the provider at once, and once
    assert (sweeper.sweep().looked_up, fresh(waiting).status) == (1, "completed")
    assert sweeper.sweep().looked_up == 0


@pytest.mark.django_db(transaction=True)
def test_nobody_shortens_the_pauses_of_withdrawing_a_payment_by_coming_back(waiting: Payment, sandbox: Any) -> None:
    # given a payment past its expiry that could not be withdrawn, and is tried again later
    now = timezone.now()
    later = now + timedelta(minutes=30)
    Payment.objects.filter(pk=waiting.pk).update(expires_at=now, expiry_attempt_at=later, expiry_tries=3)
    # when the browser comes back
    Client().get(url(waiting))
    # then it waits as long as before
    assert fresh(waiting).expiry_attempt_at == later


@pytest.mark.django_db(transaction=True)
def test_a_payment_that_is_over_is_not_looked_up(owner: User, published: Any, sandbox: Any) -> None:
    paid = pay(order=make_order(user=owner), user=owner, return_url=HOST_PAGE)
    before = published()
    assert Client().get(url(paid)).status_code == 303
    assert published() == before


def test_without_a_page_of_the_hosts_the_id_is_all_there_is(owner: User, sandbox: Any) -> None:
    payment = pay(order=make_order(user=owner), user=owner)
    response = Client().get(url(payment))
    assert (response.status_code, response.json()) == (200, {"payment_id": str(payment.pk)})


def test_a_payment_that_is_not_there(waiting: Payment) -> None:
    assert Client().get("/api/payments/return/01900000-0000-7000-8000-000000000000/").status_code == 404


# -- by account -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["get", "post"])
def test_the_providers_own_data_names_the_payment(waiting: Payment, verb: str) -> None:
    response = getattr(Client(enforce_csrf_checks=True), verb)(
        "/api/payments/return/stripe/", {"session_id": str(waiting.provider_session_id)}
    )
    assert response.status_code == 303
    assert response.headers["Location"].startswith("https://shop.example.com/done?")


@pytest.mark.parametrize("data", [{}, {"session_id": "cs_nobody"}, {"session_id": "'; --"}, {"payment_intent": "\x00"}])
def test_data_that_names_nothing(waiting: Payment, data: dict[str, str]) -> None:
    assert Client().get("/api/payments/return/stripe/", data).status_code == 404


def test_a_payment_is_not_found_through_another_account(waiting: Payment, settings: Any) -> None:
    known = settings.PAYMENTS_HUB["ACCOUNTS"]["stripe"]
    settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, "ACCOUNTS": {"stripe": known, "other": known}}
    data = {"session_id": str(waiting.provider_session_id)}
    assert Client().get("/api/payments/return/other/", data).status_code == 404
    assert Client().get("/api/payments/return/nobody/", data).status_code == 404
