"""How often one may ask (S13)."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.settings import api_settings

from django_payments_hub.api import throttling
from django_payments_hub.conf import parse_rate
from tests.api.client import Api
from tests.services.world import at_once, make_order

DECLINED = "pm_card_chargeDeclined"
NO_LIMIT = {"payments_read": "", "payments_write": "", "payments_order": "", "payments_anonymous": ""}


@pytest.fixture
def limit(change: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set rates; nothing else is limited, and the throttles' clock stands still in the middle of a window."""
    clock = SimpleNamespace(now=1_700_000_000.0)
    monkeypatch.setattr(throttling, "time", SimpleNamespace(time=lambda: clock.now))

    def apply(**rates: str) -> None:
        change(THROTTLES={**NO_LIMIT, **rates})

    apply.clock = clock  # type: ignore[attr-defined]
    return apply


def statuses(ask: Callable[[], Any], times: int) -> list[int]:
    return [ask().status for _ in range(times)]


def test_one_too_many_is_429_with_retry_after(api, limit) -> None:
    limit(payments_read="3/hour")
    assert statuses(api.get, 4) == [200, 200, 200, 429]
    result = api.get()
    assert (result.code, result.body["error_message"]) == ("throttled", "That was too often. Please wait a moment.")
    assert 0 < int(result.headers["Retry-After"]) <= 3600
    # and when the time has come it is open again
    limit.clock.now += int(result.headers["Retry-After"])
    assert api.get().status == 200


def test_everybody_is_counted_for_himself(api, other, limit) -> None:
    limit(payments_read="2/hour")
    assert statuses(api.get, 3)[-1] == 429
    assert Api(other).get().status == 200


def test_reading_and_writing_are_counted_apart(api, limit) -> None:
    limit(payments_write="2/hour")
    assert statuses(lambda: api.post(body={}), 3) == [400, 400, 429]
    assert api.get().status == 200


def test_a_thief_who_tries_cards_on_one_order_is_stopped_before_the_provider(api, customer, limit, sandbox) -> None:
    limit(payments_order="5/hour")
    order = str(make_order(user=customer).pk)
    tries = statuses(lambda: api.post(body={"order_id": order, "payment_method_token": DECLINED}), 30)
    assert tries == [402] * 5 + [429] * 25
    assert len(sandbox.calls("payment_intents.confirm")) + len(sandbox.calls("payment_intents.create")) <= 10
    # another order is another matter
    fresh = str(make_order(user=customer).pk)
    assert api.post(body={"order_id": fresh, "payment_method_token": "pm_card_visa"}).status == 201


def test_tries_to_confirm_count_for_the_order_too(api, customer, limit) -> None:
    limit(payments_order="3/hour")
    order = str(make_order(user=customer).pk)
    made = api.post(body={"order_id": order, "flow": "client"}).body["id"]
    tries = statuses(lambda: api.post(f"{made}/confirm/", {"payment_method_token": DECLINED}), 3)
    assert tries == [402, 402, 429]


def test_nobody_uses_up_the_tries_of_somebody_elses_order(api, customer, other, limit) -> None:
    limit(payments_order="1/hour")
    order = str(make_order(user=customer).pk)
    assert statuses(lambda: Api(other).post(body={"order_id": order}), 5) == [404] * 5
    assert api.post(body={"order_id": order, "payment_method_token": "pm_card_visa"}).status == 201


def test_a_replay_is_no_further_try(api, customer, limit) -> None:
    limit(payments_order="1/hour")
    body = {"order_id": str(make_order(user=customer).pk), "payment_method_token": DECLINED}
    assert statuses(lambda: api.post(body=body, key="k"), 4) == [402] * 4


def test_guests_are_counted_by_address_and_cannot_choose_it(world, limit) -> None:
    limit(payments_anonymous="3/hour")
    tries = [Api(token=f"t{n}").post(body={}, **{"X-Forwarded-For": f"10.0.0.{n}"}).status for n in range(5)]
    assert tries == [400, 400, 400, 429, 429]


def test_behind_a_proxy_that_is_declared_the_address_it_saw_counts(world, limit, monkeypatch) -> None:
    limit(payments_anonymous="2/hour")
    monkeypatch.setattr(api_settings, "NUM_PROXIES", 1)
    spoofed = [Api(token="t").post(body={}, **{"X-Forwarded-For": f"1.1.1.{n}, 10.0.0.1"}).status for n in range(3)]
    assert spoofed == [400, 400, 429]
    assert Api(token="t").post(body={}, **{"X-Forwarded-For": "1.1.1.1, 10.0.0.2"}).status == 400


def test_many_at_once_are_counted_one_by_one(world, limit) -> None:
    limit(payments_order="7/hour")
    results = at_once([lambda: throttling.count("payments_order", "one") for _ in range(40)])
    assert sum(result is None for result in results) == 7


def test_a_rate_that_is_none_fails_closed(api, limit) -> None:
    limit(payments_read="often")
    assert (api.get().status, api.get().code) == (502, "configuration_error")


def test_rates_are_written_as_in_drf() -> None:
    assert parse_rate("20/hour") == (20, 3600)
    assert parse_rate("5/min") == (5, 60)
    assert parse_rate("") is None


def test_the_default_limits_are_on(api: Api, customer: User, settings: Any) -> None:
    order = str(make_order(user=customer).pk)
    tries = statuses(lambda: api.post(body={"order_id": order, "account": "stripe", "amount": "0.01"}), 22)
    assert 429 in tries
