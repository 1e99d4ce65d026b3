"""Notifications: what is sent, how it is signed, sent again, withheld."""

import json

import pytest

from tests.sandbox.receiver import wait_until
from tests.sandbox.square.conftest import is_signed, refusal


def kinds(receiver):
    return [heard.event["type"] for heard in receiver.heard]


def test_a_payment_is_announced_and_signed(pay, receiver, subscription, seller, sandbox):
    payment = pay(reference_id="order-7")
    sandbox.wait_idle()
    assert kinds(receiver) == ["payment.created", "payment.updated", "order.updated"]
    first, second = receiver.heard[:2]
    assert is_signed(first, subscription["signature_key"], receiver.url)
    event = second.event
    assert (event["merchant_id"], event["data"]["type"], event["data"]["id"]) == (
        seller["merchant_id"],
        "payment",
        payment.id,
    )
    shown = event["data"]["object"]["payment"]
    assert (shown["status"], shown["reference_id"], shown["version"]) == ("COMPLETED", "order-7", 2)
    assert first.event["data"]["object"]["payment"]["status"] == "APPROVED"
    assert first.headers["square-environment"] == "Sandbox"
    assert "square-retry-number" not in first.headers


def test_refunds_and_disputes_are_announced(pay, refund, receiver, subscription, sandbox):
    payment = pay()
    refund(payment.id, 100)
    opened = sandbox.dispute(payment.id, status="lost")
    sandbox.wait_idle()
    by_type = {heard.event["type"]: heard.event for heard in receiver.heard}
    assert by_type["refund.created"]["data"]["object"]["refund"]["status"] == "PENDING"
    assert by_type["refund.updated"]["data"]["object"]["refund"]["status"] == "COMPLETED"
    assert by_type["dispute.created"]["data"]["object"]["dispute"]["state"] == "EVIDENCE_REQUIRED"
    assert by_type["dispute.state.updated"]["data"]["object"]["dispute"]["state"] == "LOST"
    assert by_type["dispute.created"]["location_id"] == opened["location_id"]


def test_a_decline_is_announced(client, receiver, subscription, sandbox, new_key):
    given = {"idempotency_key": new_key(), "amount_money": {"amount": 1, "currency": "USD"}}
    refusal(client.payments.create, source_id="cnon:card-nonce-declined", **given)
    sandbox.wait_idle()
    assert [heard.event["data"]["object"]["payment"]["status"] for heard in receiver.heard] == ["FAILED", "FAILED"]


def test_a_change_of_one_byte_breaks_the_signature(pay, receiver, subscription, sandbox):
    pay()
    heard = receiver.wait_for(1)[0]
    spoilt = type(heard)(heard.path, heard.headers, heard.body.replace(b"APPROVED", b"APPROVEE"))
    assert is_signed(heard, subscription["signature_key"], receiver.url)
    assert not is_signed(spoilt, subscription["signature_key"], receiver.url)
    assert not is_signed(heard, subscription["signature_key"], receiver.url + "/")


def test_the_address_signed_may_differ_from_the_one_sent_to(pay, receiver, sandbox, token):
    public = "https://shop.example/hooks/square/"
    made = sandbox.deed(
        "subscription", account=token, url=receiver.url, notification_url=public, signature_key="k" * 22
    )
    assert made["signature_key"] == "k" * 22
    pay()
    assert is_signed(receiver.wait_for(1)[0], "k" * 22, public)


# Published in square/square-python-sdk, tests of the webhook helper
VECTOR = {
    "url": "https://webhook.site/679a4f3a-dcfa-49ee-bac5-9d0edad886b9",
    "key": "Ibxx_5AKakO-3qeNVR61Dw",
    "signature": "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4=",
    "body": '{"merchant_id":"MLEFBHHSJGVHD","type":"webhooks.test_notification",'
    '"event_id":"ac3ac95b-f97d-458c-a6e6-18981597e05f","created_at":"2022-07-13T20:30:59.037339943Z",'
    '"data":{"type":"webhooks","id":"bc368e64-01aa-407e-b46e-3231809b1129"}}',
}


def test_the_published_signature_is_made():
    from django_payments_hub.sandbox.square.webhooks import signature

    assert signature(VECTOR["key"], VECTOR["url"], VECTOR["body"].encode()) == VECTOR["signature"]


def test_a_forged_notice_is_signed_like_a_true_one(receiver, sandbox):
    sandbox.forge(receiver.url, "some-key", {"type": "payment.updated"}, provider="square")
    assert is_signed(receiver.heard[0], "some-key", receiver.url)


def test_a_refused_notice_comes_again_and_says_so(pay, receiver, subscription, sandbox):
    sandbox.policy(retry_scale=0.01)
    receiver.answers = [500, 500]
    pay()
    wait_until(lambda: len(receiver.heard) >= 5)
    tries = [heard for heard in receiver.heard if heard.event["type"] == "payment.created"]
    assert "square-retry-number" not in tries[0].headers
    again = [heard for heard in receiver.heard if "square-retry-number" in heard.headers]
    assert {heard.headers["square-retry-reason"] for heard in again} == {"http_error"}
    assert {heard.headers["square-retry-number"] for heard in again} <= {"1", "2"}
    ids = {heard.event["event_id"] for heard in again}
    assert ids <= {heard.event["event_id"] for heard in receiver.heard if heard not in again}


def test_a_notice_can_be_sent_again_to_all(pay, receiver, subscription, sandbox):
    pay()
    event_id = receiver.wait_for(1)[0].event["event_id"]
    assert sandbox.send(event_id, times=2) == [200, 200]
    assert [heard.event["event_id"] for heard in receiver.heard].count(event_id) == 3


def test_notices_are_held_and_reordered(pay, receiver, subscription, sandbox):
    sandbox.policy(hold=True)
    pay()
    assert [held["type"] for held in sandbox.held()] == ["payment.created", "payment.updated", "order.updated"]
    sandbox.flush(order="reversed")
    receiver.wait_for(3)
    assert kinds(receiver) == ["order.updated", "payment.updated", "payment.created"]


class TestSubscriptions:
    @pytest.fixture
    def made(self, client, receiver):
        wanted = {"name": "shop", "event_types": ["refund.created"], "notification_url": receiver.url}
        return client.webhooks.subscriptions.create(subscription=wanted).subscription

    def test_only_what_was_asked_for_is_sent(self, made, pay, refund, receiver, sandbox):
        refund(pay().id, 100)
        sandbox.wait_idle()
        assert kinds(receiver) == ["refund.created"]
        assert is_signed(receiver.heard[0], made.signature_key, receiver.url)

    def test_are_listed_changed_and_deleted(self, made, client):
        calls = client.webhooks.subscriptions
        assert calls.get(made.id).subscription == made
        assert [one.id for one in calls.list()] == [made.id]
        changed = calls.update(made.id, subscription={"enabled": False}).subscription
        assert changed.enabled is False
        assert list(calls.list()) == []
        assert [one.id for one in calls.list(include_disabled=True)] == [made.id]
        calls.delete(made.id)
        assert refusal(calls.get, made.id)[0] == 404

    def test_a_disabled_one_hears_nothing(self, made, client, pay, refund, receiver, sandbox):
        client.webhooks.subscriptions.update(made.id, subscription={"enabled": False})
        refund(pay().id, 100)
        sandbox.wait_idle()
        assert receiver.heard == []

    def test_a_new_key_signs_alone(self, made, client, pay, refund, receiver, sandbox):
        key = client.webhooks.subscriptions.update_signature_key(made.id).signature_key
        assert key != made.signature_key
        refund(pay().id, 100)
        heard = receiver.wait_for(1)[0]
        assert is_signed(heard, key, receiver.url)
        assert not is_signed(heard, made.signature_key, receiver.url)
        rolled = sandbox.roll_secret(made.id)
        assert client.webhooks.subscriptions.get(made.id).subscription.signature_key == rolled

    def test_a_test_event_is_sent(self, made, client, receiver):
        result = client.webhooks.subscriptions.test(made.id).subscription_test_result
        heard = receiver.wait_for(1)[0]
        assert json.loads(result.payload) == heard.event
        assert is_signed(heard, made.signature_key, receiver.url)

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"notification_url": "ftp://x"}, "INVALID_VALUE"),
            ({"event_types": ["coffee.ready"]}, "INVALID_ARRAY_VALUE"),
            ({"event_types": []}, "ARRAY_EMPTY"),
            ({"name": "x" * 65}, "VALUE_TOO_LONG"),
        ],
    )
    def test_one_that_makes_no_sense_is_refused(self, client, receiver, change, code):
        wanted = {"name": "shop", "event_types": ["refund.created"], "notification_url": receiver.url, **change}
        assert refusal(client.webhooks.subscriptions.create, subscription=wanted)[2] == code

    def test_the_types_are_published(self, client):
        assert "payment.updated" in client.webhooks.event_types.list().event_types
