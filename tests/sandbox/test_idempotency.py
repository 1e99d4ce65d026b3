"""Idempotency keys behave as Stripe documents them."""

# The SDK declares each field of an error as optional.
# mypy: disable-error-code="union-attr"

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from tests.sandbox.receiver import wait_until

PAYMENT = {
    "amount": 1000,
    "currency": "usd",
    "payment_method": "pm_card_visa",
    "payment_method_types": ["card"],
    "confirm": True,
}


def test_the_first_result_is_replayed(client, sandbox):
    first = client.v1.payment_intents.create(PAYMENT, {"idempotency_key": "k1"})
    again = client.v1.payment_intents.create(PAYMENT, {"idempotency_key": "k1"})
    assert again.id == first.id
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert again.last_response.headers["Request-Id"] != first.last_response.headers["Request-Id"]
    assert len(sandbox.ledger()["payments"]) == 1
    calls = sandbox.calls("payment_intents.create")
    assert [(call["replayed"], call["effect"]) for call in calls] == [(False, True), (True, False)]


def test_a_decline_is_replayed_too(client, pay, sandbox):
    params = {**PAYMENT, "payment_method": "pm_card_visa_chargeDeclined"}
    seen = set()
    for _ in range(2):
        with pytest.raises(stripe.CardError) as declined:
            client.v1.payment_intents.create(params, {"idempotency_key": "k1"})
        seen.add(declined.value.error.payment_intent.id)
    assert len(seen) == 1


def test_other_parameters_under_the_same_key_are_refused(client, sandbox):
    client.v1.payment_intents.create(PAYMENT, {"idempotency_key": "k1"})
    with pytest.raises(stripe.IdempotencyError) as refused:
        client.v1.payment_intents.create({**PAYMENT, "amount": 1001}, {"idempotency_key": "k1"})
    assert (refused.value.http_status, refused.value.error.type) == (400, "idempotency_error")
    assert len(sandbox.ledger()["payments"]) == 1


def test_a_validation_error_is_not_kept(client):
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.create({"amount": 0, "currency": "usd"}, {"idempotency_key": "k1"})
    assert client.v1.payment_intents.create(PAYMENT, {"idempotency_key": "k1"}).status == "succeeded"


def test_keys_belong_to_an_account(client, key, make_client):
    other = make_client(key + "2")
    first = client.v1.payment_intents.create(PAYMENT, {"idempotency_key": "k1"})
    assert other.v1.payment_intents.create(PAYMENT, {"idempotency_key": "k1"}).id != first.id


def test_a_key_is_forgotten_after_a_day(client, sandbox):
    first = client.v1.payment_intents.create(PAYMENT, {"idempotency_key": "k1"})
    sandbox.advance(24 * 3600 - 60)
    assert client.v1.payment_intents.create(PAYMENT, {"idempotency_key": "k1"}).id == first.id
    sandbox.advance(61)
    assert client.v1.payment_intents.create(PAYMENT, {"idempotency_key": "k1"}).id != first.id
    assert len(sandbox.ledger()["payments"]) == 2


def test_fifty_at_once_with_one_key_make_one_payment(client, sandbox):
    barrier = threading.Barrier(50)

    def create() -> object:
        barrier.wait()
        try:
            return client.v1.payment_intents.create(PAYMENT, {"idempotency_key": "k1"}).id
        except stripe.APIError as busy:
            return busy.http_status

    with ThreadPoolExecutor(50) as pool:
        results = list(pool.map(lambda _: create(), range(50)))
    ids = {result for result in results if result != 409}
    assert len(ids) == 1
    assert len(sandbox.ledger()["payments"]) == 1


def test_a_key_in_use_answers_409_until_the_first_call_is_over(client, sandbox):
    sandbox.fault("hang", operation="payment_intents.create", seconds=30)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.v1.payment_intents.create, PAYMENT, {"idempotency_key": "k1"})
        wait_until(lambda: len(sandbox.calls("payment_intents.create")) == 1)
        with pytest.raises(stripe.APIError) as busy:
            client.v1.payment_intents.create(PAYMENT, {"idempotency_key": "k1"})
        assert (busy.value.http_status, busy.value.error.code) == (409, "idempotency_key_in_use")
        sandbox.clear_faults()
        with pytest.raises(stripe.APIConnectionError):
            first.result()
    assert client.v1.payment_intents.create(PAYMENT, {"idempotency_key": "k1"}).status == "succeeded"


def test_an_executed_500_is_kept_and_replayed(client, sandbox):
    sandbox.fault("status", operation="payment_intents.create", when="after", status=500)
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            client.v1.payment_intents.create(PAYMENT, {"idempotency_key": "k1"})
        assert failed.value.http_status == 500
    assert len(sandbox.ledger()["payments"]) == 1
    assert [call["replayed"] for call in sandbox.calls("payment_intents.create")] == [False, True]


def test_a_429_is_not_kept(client, sandbox):
    sandbox.fault("status", operation="payment_intents.create", status=429, headers={"Retry-After": "7"})
    with pytest.raises(stripe.RateLimitError) as limited:
        client.v1.payment_intents.create(PAYMENT, {"idempotency_key": "k1"})
    assert dict(limited.value.headers or {})["Retry-After"] == "7"
    assert client.v1.payment_intents.create(PAYMENT, {"idempotency_key": "k1"}).status == "succeeded"


def test_a_key_has_at_most_255_characters(client):
    with pytest.raises(stripe.IdempotencyError):
        client.v1.payment_intents.create(PAYMENT, {"idempotency_key": "k" * 256})
