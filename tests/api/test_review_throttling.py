"""Guessing passwords and sorting stolen cards is counted, and a cache that is down stops no payment (S13)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from rest_framework.settings import api_settings

from django_payments_hub.api import throttling
from django_payments_hub.conf import DEFAULT_THROTTLES
from tests.api.client import ROOT, Answer, Api, answer
from tests.services.saved import save
from tests.services.world import make_order, make_user

DECLINED, VISA = "pm_card_chargeDeclined", "pm_card_visa"


@pytest.fixture
def limit(change: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set rates; nothing else is limited, and no window ends during the test."""
    monkeypatch.setattr(throttling, "time", SimpleNamespace(time=lambda: 1_700_000_000.0))
    return lambda **rates: change(THROTTLES={**dict.fromkeys(DEFAULT_THROTTLES, ""), **rates})


def log_in(username: str, password: str) -> Answer:
    told = base64.b64encode(f"{username}:{password}".encode()).decode()
    return answer(Api(crash=False).client.get(ROOT, headers={"Authorization": f"Basic {told}"}))


def pay(user: User, token: str = DECLINED, **headers: str) -> int:
    body = {"order_id": str(make_order("1.00", user=user).pk), "payment_method_token": token}
    return Api(user).post(body=body, **headers).status


@pytest.fixture
def clerk(customer: User) -> User:
    customer.set_password("right")
    customer.save()
    return customer


def test_guessing_a_password_ends_even_with_the_right_one(clerk, limit) -> None:
    limit(payments_logins="5/hour")
    assert [log_in(clerk.username, f"wrong{n}").status for n in range(7)] == [401] * 5 + [429] * 2
    result = log_in(clerk.username, "right")
    assert (result.status, result.code) == (429, "throttled")
    assert int(result.headers["Retry-After"]) > 0


def test_logins_that_are_right_are_not_counted_as_guesses(clerk, limit) -> None:
    limit(payments_logins="1/hour")
    assert [log_in(clerk.username, "right").status for _ in range(4)] == [200] * 4


def test_a_saved_card_is_charged_only_so_often_whatever_for(customer, limit, sandbox) -> None:
    limit(payments_method="3/hour")
    api, card = Api(customer), str(save(customer).pk)

    def pay_with_it(**more: Any) -> Answer:
        return api.post(body={"order_id": str(make_order(user=customer).pk), "payment_method": card, **more})

    # given a payment that is only recorded
    recorded = pay_with_it(defer=True).body["id"]
    # when a new order is paid each time
    assert [pay_with_it().status for _ in range(4)] == [201, 201, 429, 429]
    # then the recorded one is not charged either, and another card is another matter
    assert api.post(f"{recorded}/process/").status == 429
    card = str(save(customer, "pm_card_mastercard").pk)
    assert pay_with_it().status == 201


def test_guessing_is_limited_by_default(clerk) -> None:
    assert 429 in {log_in(clerk.username, f"wrong{n}").status for n in range(45)}


def test_an_address_is_counted_before_anybody_is_known(clerk, other, limit) -> None:
    limit(payments_address="3/hour")
    found = [Api(clerk).get().status, Api(other).get().status, log_in("nobody", "wrong").status]
    assert found == [200, 200, 401]
    assert [Api(clerk).get().status, log_in("nobody", "wrong").status, Api().get("gateways/").status] == [429] * 3


def test_declined_cards_are_counted_over_many_orders(customer, limit, sandbox) -> None:
    limit(payments_declines="3/hour")
    assert [pay(customer) for _ in range(5)] == [402] * 3 + [429] * 2
    # after which no card is tried any more, a good one neither
    before = len(sandbox.calls("payment_intents.create"))
    assert pay(customer, VISA) == 429
    assert len(sandbox.calls("payment_intents.create")) == before


def test_declined_cards_are_counted_over_the_users_of_one_address(world, limit) -> None:
    limit(payments_declines="3/hour")
    assert [pay(make_user()) for _ in range(5)] == [402] * 3 + [429] * 2


def test_a_user_who_changes_his_address_is_counted_all_the_same(customer, limit, monkeypatch) -> None:
    limit(payments_declines="3/hour")
    monkeypatch.setattr(api_settings, "NUM_PROXIES", 1)
    found = [pay(customer, **{"X-Forwarded-For": f"10.0.0.{n}"}) for n in range(5)]
    assert found == [402] * 3 + [429] * 2
    assert pay(make_user(), **{"X-Forwarded-For": "10.0.0.9"}) == 402


def test_tries_to_confirm_count_as_declines_too(api, customer, limit) -> None:
    limit(payments_declines="2/hour")
    made = api.post(body={"order_id": str(make_order(user=customer).pk), "flow": "client"}).body["id"]
    tries = [api.post(f"{made}/confirm/", {"payment_method_token": DECLINED}).status for _ in range(3)]
    assert tries == [402, 402, 429]


def test_what_is_paid_and_what_is_replayed_is_no_decline(api, customer, limit) -> None:
    limit(payments_declines="2/hour")
    assert [pay(customer, VISA) for _ in range(4)] == [201] * 4
    body = {"order_id": str(make_order(user=customer).pk), "payment_method_token": DECLINED}
    assert [api.post(body=body, key="k").status for _ in range(3)] == [402] * 3
    assert pay(customer, VISA) == 201


@pytest.mark.parametrize("step", ["add", "incr", "get", "everything"])
def test_a_cache_that_is_down_stops_no_payment_and_is_logged(customer, monkeypatch, caplog, step) -> None:
    class Down:
        """A cache, one or all of whose methods fail as Redis clients do: with an error of their own."""

        def __getattr__(self, name: str) -> Any:
            return self.fail if step in (name, "everything") else getattr(real, name)

        def fail(self, *args: object, **kwargs: object) -> None:
            raise RuntimeError("redis://:hunter2@cache is down")

    real = cache
    monkeypatch.setattr(throttling, "cache", Down())
    assert Api(customer).get().status == 200
    assert pay(customer, VISA) == 201
    assert pay(customer) == 402
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert any("The cache does not answer (RuntimeError)" in text for text in warnings)
    assert "hunter2" not in caplog.text


def test_a_counter_that_ran_out_begins_anew(customer, monkeypatch, caplog) -> None:
    monkeypatch.setattr(cache, "add", lambda *args, **kwargs: False, raising=False)
    throttling.count("payments_read", "somebody")
    throttling.count("payments_read", "somebody")
    assert throttling._noted(throttling._window("payments_read", "somebody")) == 2  # type: ignore[arg-type]
