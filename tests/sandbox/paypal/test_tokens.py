"""Access tokens, and who is let in."""

import base64
import json
from typing import Any

import pytest

from tests.sandbox.browser import fetch

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def basic(client: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client}:{secret}".encode()).decode()}


@pytest.fixture
def ask(process):
    def do(path: str, data: bytes | None = None, **headers: str) -> tuple[int, Any]:
        answer = fetch(process.url_of("paypal") + path, data, {k.replace("_", "-"): v for k, v in headers.items()})
        return answer.status, json.loads(answer.html) if answer.html else None

    return do


def token(ask: Any, client: str = "client-of-this-test") -> Any:
    headers = {**FORM, **basic(client, "its-secret")}
    return ask("/v1/oauth2/token", b"grant_type=client_credentials", **headers)


def test_client_id_and_secret_are_worth_a_token(ask, sandbox):
    status, granted = token(ask)
    assert (status, granted["token_type"], granted["expires_in"]) == (200, "Bearer", 32400)
    assert {"scope", "access_token", "app_id", "nonce"} <= set(granted)
    status, body = ask("/v1/notifications/webhooks", Authorization=f"Bearer {granted['access_token']}")
    assert (status, body) == (200, {"webhooks": []})
    assert [(c["operation"], c["account"]) for c in sandbox.calls()] == [
        ("oauth2.token", "client-of-this-test"),
        ("webhooks.list", "client-of-this-test"),
    ]


@pytest.mark.parametrize(
    ("headers", "data", "status", "error"),
    [
        ({}, b"grant_type=client_credentials", 401, "invalid_client"),
        (basic("client-of-this-test", ""), b"grant_type=client_credentials", 401, "invalid_client"),
        (basic("a client", "its-secret"), b"grant_type=client_credentials", 401, "invalid_client"),
        ({"Authorization": "Basic !"}, b"grant_type=client_credentials", 401, "invalid_client"),
        (basic("client-of-this-test", "its-secret"), b"", 400, "unsupported_grant_type"),
        (basic("client-of-this-test", "its-secret"), b"grant_type=password", 400, "unsupported_grant_type"),
    ],
)
def test_what_is_not_worth_a_token(ask, headers, data, status, error):
    found, body = ask("/v1/oauth2/token", data, **FORM, **headers)
    assert (found, body["error"]) == (status, error)
    assert body["error_description"] or error


def test_a_token_request_as_json_is_refused(ask):
    headers = {**basic("client-of-this-test", "its-secret"), "Content-Type": "application/json"}
    assert ask("/v1/oauth2/token", b"{}", **headers)[1]["error"] == "invalid_request"


def test_a_token_runs_out_by_the_clock(ask, sandbox):
    granted = token(ask)[1]
    sandbox.advance(32399)
    assert ask("/v1/notifications/webhooks", Authorization=f"Bearer {granted['access_token']}")[0] == 200
    sandbox.advance(2)
    status, body = ask("/v1/notifications/webhooks", Authorization=f"Bearer {granted['access_token']}")
    assert (status, body["error"]) == (401, "invalid_token")


def test_the_tokens_of_one_client_can_be_voided(ask, sandbox):
    mine, others = token(ask)[1]["access_token"], token(ask, "another-client")[1]["access_token"]
    sandbox.deed("expire_tokens", account="client-of-this-test")
    assert ask("/v1/notifications/webhooks", Authorization=f"Bearer {mine}")[0] == 401
    assert ask("/v1/notifications/webhooks", Authorization=f"Bearer {others}")[0] == 200
    again = token(ask)[1]["access_token"]
    assert ask("/v1/notifications/webhooks", Authorization=f"Bearer {again}")[0] == 200


def test_the_lifetime_of_tokens_can_be_set_until_the_next_reset(ask, sandbox):
    sandbox.deed("token_lifetime", seconds=5)
    assert token(ask)[1]["expires_in"] == 5
    sandbox.reset()
    assert token(ask)[1]["expires_in"] == 32400


@pytest.mark.parametrize("given", ["Bearer", "Bearer nonsense", "Bearer A21AAabcd", "Bearer A21AA" + "x" * 200])
def test_a_token_that_is_none_is_refused(ask, given):
    status, body = ask("/v1/notifications/webhooks", Authorization=given)
    assert status == 401
    assert body.get("error") == "invalid_token" or body["name"] == "AUTHENTICATION_FAILURE"


def test_a_call_without_authorization_is_refused_as_paypal_does(ask):
    status, body = ask("/v2/checkout/orders/5O190127TN364715T")
    assert (status, body["name"]) == (401, "AUTHENTICATION_FAILURE")
    assert body["debug_id"]


def test_client_id_and_secret_open_the_api_without_a_token_too(ask):
    assert ask("/v1/notifications/webhooks", **basic("client-of-this-test", "its-secret"))[0] == 200


def test_the_accounts_of_two_clients_do_not_see_each_other(make_shop):
    one, other = make_shop("first-client"), make_shop("second-client")
    order = one.order()
    assert other.refused(lambda: other.get(f"v2/checkout/orders/{order['id']}"), 404) == "INVALID_RESOURCE_ID"


@pytest.mark.parametrize(
    ("path", "data", "headers", "status", "name"),
    [
        ("/v2/checkout/orders", b"{", {"Content-Type": "application/json"}, 400, "INVALID_REQUEST"),
        ("/v2/checkout/orders", b"[]", {"Content-Type": "application/json"}, 400, "INVALID_REQUEST"),
        ("/v2/checkout/orders", b"[" * 100_000, {"Content-Type": "application/json"}, 400, "INVALID_REQUEST"),
        ("/v2/checkout/orders", b"a=b", FORM, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("/v2/checkout/nothing", b"{}", {"Content-Type": "application/json"}, 404, "RESOURCE_NOT_FOUND"),
        ("/v2/payments/refunds/1", b"{}", {"Content-Type": "application/json"}, 405, "METHOD_NOT_SUPPORTED"),
        ("/v2/checkout/orders/a%20b", None, {}, 404, "RESOURCE_NOT_FOUND"),
    ],
)
def test_a_request_out_of_form_is_refused_in_paypals_words(ask, path, data, headers, status, name):
    found, body = ask(path, data, **headers, **basic("client-of-this-test", "its-secret"))
    assert (found, body["name"]) == (status, name)
    assert body["message"]
