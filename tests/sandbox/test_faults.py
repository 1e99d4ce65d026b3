"""Each scripted fault, as a raw client sees it."""

import http.client
import json
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from django_payments_hub.testing.sandbox import SandboxError
from tests.sandbox.receiver import wait_until

PAYMENT = "amount=1000&currency=usd&payment_method=pm_card_visa&payment_method_types[]=card&confirm=true"
CREATE = "payment_intents.create"


@pytest.fixture
def post(process, key):
    """One POST of a payment with the standard library's client: (status, headers, body)."""

    def do(timeout: float = 5, body: str = PAYMENT):
        parts = urllib.parse.urlsplit(process.url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-www-form-urlencoded"}
        try:
            connection.request("POST", "/stripe/v1/payment_intents", body=body, headers=headers)
            with connection.getresponse() as response:
                return response.status, response.headers, response.read()
        finally:
            connection.close()

    return do


def payments(sandbox) -> int:
    return len(sandbox.ledger()["payments"])


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
class TestBeforeAndAfterTheEffect:
    def test_status(self, post, sandbox, when, made):
        body = {"error": {"type": "api_error", "message": "bad gateway"}}
        sandbox.fault("status", operation=CREATE, when=when, status=502, body=body)
        status, _, raw = post()
        assert (status, json.loads(raw)) == (502, body)
        assert payments(sandbox) == made

    def test_hang(self, post, sandbox, when, made):
        sandbox.fault("hang", operation=CREATE, when=when, seconds=30)
        with pytest.raises(TimeoutError):
            post(timeout=0.3)
        assert payments(sandbox) == made

    def test_reset(self, post, sandbox, when, made):
        sandbox.fault("reset", operation=CREATE, when=when)
        with pytest.raises(ConnectionResetError) as reset:
            post()
        assert not isinstance(reset.value, http.client.RemoteDisconnected)
        assert payments(sandbox) == made

    def test_close(self, post, sandbox, when, made):
        sandbox.fault("close", operation=CREATE, when=when)
        with pytest.raises(http.client.RemoteDisconnected):
            post()
        assert payments(sandbox) == made

    def test_truncate(self, post, sandbox, when, made):
        sandbox.fault("truncate", operation=CREATE, when=when)
        with pytest.raises(http.client.IncompleteRead):
            post()
        assert payments(sandbox) == made

    def test_drip(self, post, sandbox, when, made):
        sandbox.fault("drip", operation=CREATE, when=when, seconds=0.4)
        started = time.monotonic()
        with pytest.raises(http.client.IncompleteRead):
            post()
        assert time.monotonic() - started > 0.3
        assert payments(sandbox) == made

    def test_garbage(self, post, sandbox, when, made):
        sandbox.fault("garbage", operation=CREATE, when=when)
        status, _, raw = post()
        assert status == 200
        with pytest.raises(ValueError):
            json.loads(raw)
        assert payments(sandbox) == made

    def test_html(self, post, sandbox, when, made):
        sandbox.fault("html", operation=CREATE, when=when)
        status, headers, raw = post()
        assert (status, headers["Content-Type"]) == (200, "text/html")
        assert b"<html>" in raw
        assert payments(sandbox) == made

    def test_huge(self, post, sandbox, when, made):
        sandbox.fault("huge", operation=CREATE, when=when, size=3_000_000)
        assert len(post()[2]) > 3_000_000
        assert payments(sandbox) == made

    def test_redirect(self, post, sandbox, when, made):
        sandbox.fault("redirect", operation=CREATE, when=when)
        status, headers, _ = post()
        assert (status, headers["Location"]) == (302, "http://169.254.169.254/latest/meta-data/")
        assert payments(sandbox) == made

    def test_empty(self, post, sandbox, when, made):
        sandbox.fault("empty", operation=CREATE, when=when)
        assert post()[::2] == (200, b"")
        assert payments(sandbox) == made

    def test_callback(self, post, sandbox, receiver, when, made):
        seen: list[int] = []
        receiver.on_request = lambda heard: seen.append(payments(sandbox))
        sandbox.fault("callback", operation=CREATE, when=when, url=receiver.url)
        assert post()[0] == 200
        assert seen == [made]
        told = receiver.heard[0].event
        assert (told["operation"], told["when"], told["params"]["amount"]) == (CREATE, when, "1000")


@pytest.mark.parametrize(
    ("kind", "lie"),
    [
        ("wrong_amount", {"amount": 1001, "amount_received": 1001}),
        ("wrong_currency", {"currency": "eur"}),
        ("unknown_status", {"status": "status_of_the_future"}),
        ("extra_fields", {"another_new_field": "value"}),
    ],
)
def test_an_answer_may_lie(post, sandbox, kind, lie):
    sandbox.fault(kind, operation=CREATE, when="after")
    answer = json.loads(post()[2])
    assert {name: answer[name] for name in lie} == lie
    books = sandbox.ledger()["payments"][answer["id"]]
    assert (books["captured"], books["currency"], books["status"]) == (1000, "usd", "succeeded")


def test_an_answer_may_name_another_object_or_none(post, sandbox):
    sandbox.fault("wrong_id", operation=CREATE, when="after")
    assert json.loads(post()[2])["id"] not in sandbox.ledger()["payments"]
    sandbox.fault("missing_id", operation=CREATE, when="after")
    assert "id" not in json.loads(post()[2])


def test_a_fault_strikes_the_nth_call_as_often_as_it_says(post, sandbox):
    sandbox.fault("status", operation=CREATE, nth=2, times=2, status=503)
    assert [post()[0] for _ in range(4)] == [200, 503, 503, 200]
    assert (sandbox.faults()[0]["seen"], sandbox.faults()[0]["hits"]) == (4, 2)


def test_a_fault_may_be_for_one_payment_alone(client, sandbox):
    sandbox.fault("status", status=503, match={"order": "7"})
    one = client.v1.payment_intents.create({"amount": 1000, "currency": "usd", "metadata": {"order": "8"}})
    with pytest.raises(stripe.APIError):
        client.v1.payment_intents.create({"amount": 1000, "currency": "usd", "metadata": {"order": "7"}})
    client.v1.payment_intents.update(one.id, {"metadata": {"order": "7"}})
    sandbox.fault("status", operation="payment_intents.confirm", status=503, match={"order": "7"})
    with pytest.raises(stripe.APIError):
        client.v1.payment_intents.confirm(one.id, {"payment_method": "pm_card_visa"})


def test_while_one_call_hangs_the_others_go_on(client, post, sandbox):
    sandbox.fault("hang", operation=CREATE, seconds=30)
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(post)
        wait_until(lambda: len(sandbox.calls(CREATE)) == 1)
        assert client.v1.customers.create({"name": "Ada"}).name == "Ada"
        assert not hanging.done()
        sandbox.clear_faults()
        with pytest.raises(ConnectionError):
            hanging.result(timeout=4)


def test_a_dropped_call_is_in_the_log_without_a_status(post, sandbox):
    sandbox.fault("close", operation=CREATE, when="after")
    with pytest.raises(http.client.RemoteDisconnected):
        post()
    call = sandbox.calls(CREATE)[0]
    assert (call["status"], call["effect"], call["fault"]) == (None, True, "close")


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "explode"},
        {"kind": "hang", "when": "sometimes"},
        {"kind": "wrong_amount", "when": "before"},
        {"kind": "callback"},
        {"kind": "hang", "minutes": 3},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(sandbox, fault):
    with pytest.raises(SandboxError) as refused:
        sandbox.request("POST", "faults", fault)
    assert refused.value.status == 400
    assert sandbox.faults() == []
