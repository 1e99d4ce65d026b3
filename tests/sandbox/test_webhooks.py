"""Webhooks: what is sent, how it is signed, and what happens to it on the way."""

import json
import time

import pytest
import stripe

from django_payments_hub.testing.sandbox import SandboxError
from tests.sandbox.receiver import Receiver, wait_until


def test_events_are_signed_and_verified_by_the_sdk(client, pay, receiver, endpoint, sandbox):
    intent = pay(metadata={"order": "7"})
    assert sandbox.wait_idle()
    assert receiver.types() == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
    event = receiver.heard[2].verified(endpoint.secret)
    assert (event.data.object.id, event.data.object.status) == (intent.id, "succeeded")
    assert (event.livemode, event.object, event.api_version) == (False, "event", "2026-10-28.endive")
    assert event.request.id == intent.last_response.headers["Request-Id"]
    stored = client.v1.events.retrieve(event.id)
    assert stored.data.object.metadata["order"] == "7"
    assert stored.pending_webhooks == 0
    with pytest.raises(stripe.SignatureVerificationError):
        receiver.heard[2].verified("whsec_wrong")


def test_an_event_shows_the_object_as_it_was(client, pay, receiver, endpoint, sandbox):
    pay()
    assert sandbox.wait_idle()
    assert receiver.heard[0].event["data"]["object"]["status"] == "requires_confirmation"


def test_each_step_has_its_event(client, pay, receiver, endpoint, sandbox):
    intent = pay("pm_card_threeDSecure2Required", capture_method="manual")
    sandbox.complete_action(intent.id)
    client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 400})
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 100})
    with pytest.raises(stripe.CardError):
        pay("pm_card_visa_chargeDeclined")
    cancelled = pay(capture_method="manual")
    client.v1.payment_intents.cancel(cancelled.id)
    assert sandbox.wait_idle()
    assert receiver.types() == [
        "payment_intent.created",
        "payment_intent.requires_action",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
        "charge.refunded",
        "refund.created",
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
        "charge.refunded",
        "payment_intent.canceled",
    ]


def test_an_endpoint_hears_what_it_asked_for(client, pay, receiver, sandbox):
    wanted = {"url": receiver.url, "enabled_events": ["payment_intent.succeeded"], "api_version": "2025-09-30.clover"}
    made = client.v1.webhook_endpoints.create(wanted)
    pay()
    assert sandbox.wait_idle()
    assert receiver.types() == ["payment_intent.succeeded"]
    assert receiver.heard[0].event["api_version"] == "2025-09-30.clover"
    client.v1.webhook_endpoints.update(made.id, {"disabled": True})
    pay()
    assert sandbox.wait_idle()
    assert len(receiver.heard) == 1


def test_endpoints_are_managed_over_the_api(client, receiver):
    made = client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"], "metadata": {"a": "b"}})
    assert made.secret.startswith("whsec_")
    seen = client.v1.webhook_endpoints.retrieve(made.id)
    assert (seen.url, seen.status, "secret" in seen.to_dict()) == (receiver.url, "enabled", False)
    changed = client.v1.webhook_endpoints.update(made.id, {"enabled_events": ["charge.refunded"]})
    assert changed.enabled_events == ["charge.refunded"]
    assert [e.id for e in client.v1.webhook_endpoints.list().data] == [made.id]
    assert client.v1.webhook_endpoints.delete(made.id).deleted
    assert client.v1.webhook_endpoints.list().data == []
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.webhook_endpoints.create({"url": "shop.example", "enabled_events": ["*"]})
    assert refused.value.param == "url"


def test_accounts_do_not_hear_each_other(key, make_client, pay, receiver, sandbox):
    other = make_client(key + "2")
    other.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
    pay()
    assert sandbox.wait_idle()
    assert receiver.heard == []


def test_a_refused_delivery_is_retried_signed_anew(client, receiver, endpoint, sandbox):
    sandbox.policy(retry_scale=0.01)
    receiver.answers = [500, 302, 200]
    receiver.headers = {"Location": "/elsewhere"}
    client.v1.customers.create({"name": "Ada"})
    heard = receiver.wait_for(3)
    assert sandbox.wait_idle()
    assert len(receiver.heard) == 3
    assert {item.path for item in heard} == {"/hook"}
    assert len({item.event["id"] for item in heard}) == 1
    assert [d["status"] for d in sandbox.deliveries()] == [500, 302, 200]
    assert [d["attempt"] for d in sandbox.deliveries()] == [1, 2, 3]
    for item in heard:
        item.verified(endpoint.secret)


def test_deliveries_to_nobody_end_after_the_last_attempt(client, sandbox):
    closed = Receiver()
    closed.close()
    client.v1.webhook_endpoints.create({"url": closed.url, "enabled_events": ["*"]})
    sandbox.policy(retry_scale=0.0, max_attempts=3)
    made = client.v1.customers.create({"name": "Ada"})
    assert sandbox.wait_idle()
    tries = sandbox.deliveries()
    assert [(t["attempt"], t["status"]) for t in tries] == [(1, None), (2, None), (3, None)]
    assert "Refused" in tries[0]["error"]
    event = client.v1.events.list({"type": "customer.created"}).data[0]
    assert (event.data.object.id, event.pending_webhooks) == (made.id, 1)


def test_held_events_are_flushed_in_any_order(pay, receiver, endpoint, sandbox):
    sandbox.policy(hold=True)
    pay()
    assert sandbox.wait_idle()
    assert receiver.heard == []
    held = [item["event_id"] for item in sandbox.held()]
    assert sandbox.flush(ids=[held[2]]) == 1
    assert sandbox.flush(order="reversed") == 2
    assert sandbox.wait_idle()
    assert [item.event["id"] for item in receiver.heard] == [held[2], held[1], held[0]]


def test_dropped_events_are_lost_on_the_way(client, pay, receiver, endpoint, sandbox):
    sandbox.policy(drop=2)
    pay()
    assert sandbox.wait_idle()
    assert receiver.types() == ["payment_intent.succeeded"]
    assert len(client.v1.events.list().data) == 3


def test_duplicated_and_reversed_events(pay, receiver, endpoint, sandbox):
    sandbox.policy(duplicate=1, reverse=True)
    pay()
    assert sandbox.wait_idle()
    order = ["payment_intent.succeeded", "charge.succeeded", "payment_intent.created"]
    assert receiver.types() == [kind for kind in order for _ in range(2)]


def test_delayed_events(client, receiver, endpoint, sandbox):
    sandbox.policy(delay_s=0.3)
    client.v1.customers.create({"name": "Ada"})
    started = time.monotonic()
    receiver.wait_for(1)
    assert time.monotonic() - started > 0.2


def test_the_event_may_come_before_the_answer(client, receiver, endpoint, sandbox):
    sandbox.policy(before_answer=True)
    seen: list[str] = []
    receiver.on_request = lambda heard: seen.append(
        client.v1.customers.retrieve(heard.event["data"]["object"]["id"]).id
    )
    made = client.v1.customers.create({"name": "Ada"})
    assert seen == [made.id]


def test_a_policy_may_be_for_one_account(client, key, make_client, receiver, endpoint, sandbox):
    account = client.v1.accounts.retrieve_current().id
    sandbox.policy(account=account, hold=True)
    client.v1.customers.create({"name": "Ada"})
    other = make_client(key + "2")
    other.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
    other.v1.customers.create({"name": "Bob"})
    assert sandbox.wait_idle()
    assert [heard.event["data"]["object"]["name"] for heard in receiver.heard] == ["Bob"]


def test_an_event_is_sent_again_fifty_times_at_once(client, receiver, endpoint, sandbox):
    client.v1.customers.create({"name": "Ada"})
    event_id = receiver.wait_for(1)[0].event["id"]
    assert sandbox.send(event_id, times=50, concurrently=True) == [200] * 50
    assert len(receiver.heard) == 51
    assert {heard.body for heard in receiver.heard[1:]} == {receiver.heard[1].body}
    assert sandbox.send(event_id) == [200]
    assert sandbox.send("evt_nothing") == []


def test_any_payload_can_be_forged(receiver, sandbox):
    answer = sandbox.forge(receiver.url, "whsec_x", {"id": "evt_1", "object": "event"}, provider="stripe")
    assert answer["status"] == 200
    assert receiver.heard[0].verified("whsec_x").id == "evt_1"
    sandbox.forge(receiver.url, "whsec_x", "not json", provider="stripe", timestamp=1_000)
    assert receiver.heard[1].body == b"not json"
    assert receiver.heard[1].signature.startswith("t=1000,v1=")
    with pytest.raises(stripe.SignatureVerificationError, match="tolerance"):
        receiver.heard[1].verified("whsec_x")


def test_a_rolled_secret_overlaps_with_the_old_one(client, receiver, endpoint, sandbox):
    new = sandbox.roll_secret(endpoint.id)
    client.v1.customers.create({"name": "Ada"})
    heard = receiver.wait_for(1)[0]
    assert heard.verified(endpoint.secret).id == heard.verified(new).id
    newest = sandbox.roll_secret(endpoint.id, overlap=False)
    client.v1.customers.create({"name": "Bob"})
    heard = receiver.wait_for(2)[1]
    heard.verified(newest)
    with pytest.raises(stripe.SignatureVerificationError):
        heard.verified(endpoint.secret)


def test_signatures_may_be_skewed(client, receiver, endpoint, sandbox):
    sandbox.policy(skew_s=-3600)
    client.v1.customers.create({"name": "Ada"})
    with pytest.raises(stripe.SignatureVerificationError, match="tolerance"):
        receiver.wait_for(1)[0].verified(endpoint.secret)


def test_events_are_listed_by_type(client, pay):
    pay()
    assert [e.type for e in client.v1.events.list({"type": "charge.*"}).data] == ["charge.succeeded"]
    several = {"types": ["payment_intent.created", "payment_intent.succeeded"]}
    assert len(client.v1.events.list(several).data) == 2
    assert client.v1.events.list({"delivery_success": False}).data == []


def test_a_reset_forgets_what_is_queued(client, receiver, endpoint, sandbox):
    sandbox.policy(delay_s=30)
    client.v1.customers.create({"name": "Ada"})
    assert not sandbox.wait_idle(timeout_s=0.05)
    sandbox.reset()
    assert sandbox.wait_idle()
    assert receiver.heard == []


def test_an_unknown_policy_is_refused(sandbox):
    with pytest.raises(SandboxError) as refused:
        sandbox.policy(colour="red")
    assert refused.value.status == 400


def test_the_raw_body_is_what_is_signed(client, receiver, endpoint, sandbox):
    client.v1.customers.create({"name": "Zo\u00eb"})
    heard = receiver.wait_for(1)[0]
    compact = json.dumps(heard.event, separators=(",", ":")).encode()
    assert compact != heard.body
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(compact, heard.signature, endpoint.secret)
    wait_until(lambda: len(sandbox.deliveries()) == 1)
