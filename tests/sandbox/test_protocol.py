"""Keys, versions, addresses, the process itself and the control API."""

# The SDK declares each field of an error as optional.
# mypy: disable-error-code="union-attr"

import base64
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import stripe

from django_payments_hub.testing.sandbox import SandboxError, SandboxProcess
from tests.sandbox.browser import fetch


@pytest.mark.parametrize("bad", ["sk_test_invalid", "sk_live_0123456789abcdef", "nonsense", "sk_test_"])
def test_a_key_that_opens_nothing_is_401(make_client, sandbox, bad):
    with pytest.raises(stripe.AuthenticationError) as refused:
        make_client(bad).v1.customers.list()
    assert (refused.value.http_status, refused.value.error.type) == (401, "invalid_request_error")
    assert bad not in str(refused.value) or len(bad) < 9
    assert sandbox.calls() == []


def test_no_key_is_401(process):
    refused = fetch(f"{process.url_of('stripe')}/v1/customers")
    assert refused.status == 401
    assert "did not provide an API key" in json.loads(refused.html)["error"]["message"]


@pytest.mark.parametrize(("user", "status"), [("{key}:", 200), ("\xff:", 401), ("", 401)])
def test_basic_authentication_as_curl_does_it(process, key, user, status):
    token = base64.b64encode(user.format(key=key).encode("latin-1")).decode()
    answer = fetch(f"{process.url_of('stripe')}/v1/customers", headers={"Authorization": f"Basic {token}"})
    assert answer.status == status


def test_accounts_know_nothing_of_each_other(client, key, make_client):
    made = client.v1.customers.create({"name": "Ada"})
    with pytest.raises(stripe.InvalidRequestError) as missing:
        make_client(key + "2").v1.customers.retrieve(made.id)
    assert missing.value.http_status == 404
    restricted = make_client(key.replace("sk_", "rk_"))
    assert restricted.v1.customers.retrieve(made.id).name == "Ada"


def test_every_answer_names_its_request_and_version(client):
    first = client.v1.customers.create({"name": "Ada"}).last_response.headers
    second = client.v1.customers.list(options={"stripe_version": "2024-06-20"}).last_response.headers
    assert first["Request-Id"].startswith("req_")
    assert first["Request-Id"] != second["Request-Id"]
    assert (first["Stripe-Version"], second["Stripe-Version"]) == ("2026-10-28.endive", "2024-06-20")
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.list(options={"stripe_version": "yesterday"})


def test_an_unknown_address_is_404(client):
    with pytest.raises(stripe.InvalidRequestError) as missing:
        client.v1.subscriptions.list()
    assert missing.value.http_status == 404
    assert "Unrecognized request URL" in str(missing.value)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.retrieve("../customers")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('{"amount": 1000}', "application/json"),
        ("a[b=1", "application/x-www-form-urlencoded"),
        ("a=1&a[b]=2", "application/x-www-form-urlencoded"),
        ("a" + "[b]" * 50 + "=1", "application/x-www-form-urlencoded"),
        ("metadata=text&amount=1000&currency=usd", "application/x-www-form-urlencoded"),
        ("metadata[a][b]=text&amount=1000&currency=usd", "application/x-www-form-urlencoded"),
        ("payment_method_types=card&amount=1000&currency=usd", "application/x-www-form-urlencoded"),
    ],
)
def test_a_body_that_cannot_be_read_is_400(process, key, body, content_type):
    headers = {"Authorization": f"Bearer {key}", "Content-Type": content_type}
    refused = fetch(f"{process.url_of('stripe')}/v1/payment_intents", body.encode(), headers)
    assert refused.status == 400
    assert json.loads(refused.html)["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 101}, {"starting_after": "cus_nothing"}])
def test_a_bad_page_is_refused(client, params):
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.list(params)


def test_a_connection_is_kept_open_after_any_answer(process, key):
    connection = http.client.HTTPConnection(process.url.removeprefix("http://"), timeout=5)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-www-form-urlencoded"}
    sockets = set()
    for path in ("/v1/customers", "/v1/nothing", "/v1/refunds", "/v1/customers"):
        connection.request("POST", f"/stripe{path}", body="name=Ada", headers=headers)
        with connection.getresponse() as answer:
            answer.read()
        sockets.add(id(connection.sock))
    connection.close()
    assert len(sockets) == 1


def test_a_payment_costs_little(client, pay, process):
    """The budget is 3 ms of CPU; the bound here leaves room for a busy machine and for coverage."""
    budget_ms = 30.0 if "coverage" in sys.modules else 6.0
    pay()
    before = cpu_s(process.pid)
    for _ in range(100):
        pay()
    assert (cpu_s(process.pid) - before) * 1000 / 100 < budget_ms


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# The process ----------------------------------------------------------------------------------------------------------


def test_sigterm_ends_it_cleanly_even_while_a_call_hangs():
    with SandboxProcess(clock="2030-01-01T00:00:00") as running:
        assert running.pid is not None
        assert running.client.now().startswith("2030-01-01T00:00:0")
        running.client.fault("hang", seconds=60)
        connection = http.client.HTTPConnection(running.url.removeprefix("http://"), timeout=5)
        connection.request("GET", "/stripe/v1/customers", headers={"Authorization": "Bearer sk_test_abc"})
        started = time.monotonic()
        os.kill(running.pid, signal.SIGTERM)
        assert running._process.wait(5) == 0
        assert time.monotonic() - started < 3
        connection.close()


def test_it_needs_neither_the_hub_nor_django():
    code = (
        "import sys, django_payments_hub.sandbox.server;"
        "loaded = {name.split('.')[0] for name in sys.modules};"
        "own = {name for name in sys.modules if name.startswith('django_payments_hub.')};"
        "assert not loaded & {'django', 'rest_framework', 'celery', 'stripe', 'httpx'}, loaded;"
        "assert all(name.startswith('django_payments_hub.sandbox') for name in own), own"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=20)


def test_it_binds_beyond_loopback_only_when_told():
    command = [sys.executable, "-m", "django_payments_hub.sandbox", "--host", "0.0.0.0"]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert refused.returncode == 2
    assert "--allow-remote" in refused.stderr


def test_a_sandbox_that_cannot_start_says_so(process):
    with pytest.raises(SandboxError, match="did not listen"):
        SandboxProcess(port=int(process.url.rpartition(":")[2])).start(timeout_s=5)


# The control API ------------------------------------------------------------------------------------------------------


def test_health_and_reset(client, sandbox):
    assert sandbox.health() == {"status": "ok", "mounts": ["easypaisa", "jazzcash", "paypal", "square", "stripe"]}
    client.v1.customers.create({"name": "Ada"})
    sandbox.reset()
    assert client.v1.customers.list().data == []
    assert len(sandbox.calls()) == 1


def test_the_clock_is_set_and_advanced(client, sandbox):
    assert sandbox.set_clock("2031-05-06T07:08:09Z").startswith("2031-05-06T07:08:09")
    sandbox.advance(3600)
    assert client.v1.customers.create({"name": "Ada"}).created // 60 == 1_935_821_289 // 60
    with pytest.raises(SandboxError):
        sandbox.set_clock("soon")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "nothing", None, 404),
        ("POST", "stripe/nothing", {}, 404),
        ("POST", "stripe/dispute", {"payment": "pi_nothing"}, 404),
        ("POST", "stripe/dispute", {}, 404),
        ("POST", "elsewhere/dispute", {}, 404),
    ],
)
def test_a_control_call_that_names_nothing_is_refused(sandbox, method, path, body, status):
    with pytest.raises(SandboxError) as refused:
        sandbox.request(method, path, body)
    assert refused.value.status == status


def test_a_control_action_refused_by_stripe_says_why(pay, sandbox):
    intent = pay()
    with pytest.raises(SandboxError, match="greater than unrefunded") as refused:
        sandbox.external_refund(intent.id, 2000)
    assert refused.value.body["stripe"]["param"] == "amount"
    with pytest.raises(SandboxError, match="nothing to authenticate"):
        sandbox.complete_action(intent.id)
    with pytest.raises(SandboxError, match="not processing"):
        sandbox.settle(intent.id)


def test_the_ledger_is_kept_by_account_and_provider(client, key, make_client, pay, sandbox):
    pay()
    other = make_client(key + "2")
    params = {"amount": 700, "currency": "eur", "payment_method": "pm_card_visa", "payment_method_types": ["card"]}
    other.v1.payment_intents.create({**params, "confirm": True})
    mine = client.v1.accounts.retrieve_current().id
    assert sandbox.ledger(account=mine)["totals"] == {"usd": {"captured": 1000, "refunded": 0}}
    assert sandbox.ledger(provider="paypal")["entries"] == []
    assert [entry["kind"] for entry in sandbox.ledger()["entries"]] == ["authorize", "capture"] * 2


def test_a_control_body_must_be_an_object(process):
    assert fetch(f"{process.url}/_control/faults", b"[1]").status == 400
    assert fetch(f"{process.url}/_control/faults", b"{").status == 400
    assert fetch(f"{process.url}/elsewhere").status == 404
