"""The official command-line client against the sandbox: STRIPE_CLI names the program, else it is looked for on PATH."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import stripe

pytestmark = pytest.mark.services


@pytest.fixture(scope="session")
def program() -> str:
    found = os.environ.get("STRIPE_CLI") or shutil.which("stripe")
    if found:
        return found
    message = "the official command line is not installed: set STRIPE_CLI or put `stripe` on PATH"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def environment(key, tmp_path) -> dict[str, str]:
    """A home of its own: the program writes a configuration file."""
    own = {"STRIPE_API_KEY": key, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    return {**os.environ, **own, "STRIPE_CLI_TELEMETRY_OPTOUT": "1", "NO_COLOR": "1"}


@pytest.fixture
def run(program, environment, process) -> Callable[..., str]:
    def do(*arguments: str) -> str:
        command = [program, *arguments, "--api-base", process.url]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return do


def test_resource_commands(run, sandbox):
    data = ["-d", "payment_method=pm_card_visa", "-d", "payment_method_types[]=card", "-d", "metadata[order]=7"]
    paid = json.loads(
        run("payment_intents", "create", "--amount", "2000", "--currency", "usd", *data, "--confirm=true")
    )
    assert (paid["status"], paid["metadata"]) == ("succeeded", {"order": "7"})
    refund = json.loads(run("refunds", "create", "--payment-intent", paid["id"], "--amount", "500"))
    assert refund["status"] == "succeeded"
    assert json.loads(run("payment_intents", "retrieve", paid["id"]))["amount_received"] == 2000
    assert [item["id"] for item in json.loads(run("events", "list", "--limit", "3"))["data"]]
    assert sandbox.ledger()["payments"][paid["id"]]["refunded"] == 500


def test_raw_commands(run):
    made = json.loads(run("post", "/v1/customers", "-d", "name=Ada"))
    assert json.loads(run("get", f"/v1/customers/{made['id']}"))["name"] == "Ada"


def test_a_declined_payment_shows_the_error(run):
    data = ["-d", "payment_method=pm_card_visa_chargeDeclined", "-d", "payment_method_types[]=card"]
    answer = run("payment_intents", "create", "--amount", "2000", "--currency", "usd", *data, "--confirm=true")
    assert json.loads(answer)["error"]["code"] == "card_declined"


@pytest.mark.parametrize(
    "event", ["payment_intent.succeeded", "payment_intent.payment_failed", "charge.refunded", "customer.created"]
)
def test_trigger(run, client, event):
    run("trigger", event)
    assert client.v1.events.list({"type": event}).data


@contextmanager
def listening(command: list[str], environment: dict[str, str]) -> Iterator[str]:
    """``stripe listen`` for a while; gives its signing secret."""
    # Its own process group: what npm installs is a script that starts the program proper
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as listener:
        try:
            assert listener.stdout is not None
            for line in listener.stdout:
                if "whsec_" in line:
                    yield next(word for word in line.split() if word.startswith("whsec_"))
                    break
            else:
                pytest.fail("stripe listen ended before it was ready")
        finally:
            os.killpg(listener.pid, signal.SIGKILL)
            listener.communicate(timeout=10)


@pytest.mark.slow
def test_listen_forwards_signed_events_and_resend_sends_them_again(
    run, program, environment, process, client, pay, receiver, sandbox
):
    command = [program, "listen", "--all-snapshot", "--skip-update", "--forward-to", receiver.url]
    with listening([*command, "--api-base", process.url], environment) as secret:
        pay(metadata={"order": "7"})
        for heard in receiver.wait_for(3, timeout_s=10):
            heard.verified(secret)
        assert sorted(receiver.types()) == ["charge.succeeded", "payment_intent.created", "payment_intent.succeeded"]
        event = client.v1.events.list({"type": "payment_intent.succeeded"}).data[0]
        run("events", "resend", event.id)
        assert receiver.wait_for(4, timeout_s=10)[3].verified(secret).id == event.id
    assert {delivery["status"] for delivery in sandbox.deliveries()} == {200}


def test_resend_to_an_endpoint(run, client, receiver, endpoint, sandbox):
    client.v1.customers.create({"name": "Ada"})
    event_id = receiver.wait_for(1)[0].event["id"]
    run("events", "resend", event_id, "--webhook-endpoint", endpoint.id)
    assert receiver.wait_for(2)[1].verified(endpoint.secret).id == event_id


def test_resend_needs_somebody_to_send_to(client):
    event = client.raw_request("post", "/v1/customers", name="Ada")
    assert event.code == 200
    event_id = client.v1.events.list().data[0].id
    with pytest.raises(stripe.InvalidRequestError):
        client.raw_request("post", f"/v1/events/{event_id}/retry", for_stripecli="true")
