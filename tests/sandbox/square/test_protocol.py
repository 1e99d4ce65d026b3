"""The protocol itself: tokens, versions, paths, bodies, and what the control API knows of Square."""

import http.client
import json
import urllib.parse

import pytest

from django_payments_hub.testing.sandbox import SandboxError
from tests.sandbox.square.conftest import refusal, usd

PAYMENT = {"source_id": "cnon:card-nonce-ok", "idempotency_key": "key-1", "amount_money": usd(1000)}
BODY = json.dumps(PAYMENT)


@pytest.fixture
def send(process, token):
    """One raw call: (status, headers, the body read as JSON)."""

    def do(method="POST", path="/v2/payments", body=BODY, **headers):
        parts = urllib.parse.urlsplit(process.url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=5)
        given = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, f"/square{path}", body=body, headers=given)
            with connection.getresponse() as response:
                return response.status, response.headers, json.loads(response.read())
        finally:
            connection.close()

    return do


def code(answer):
    error = answer[2]["errors"][0]
    return answer[0], error["category"], error["code"]


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("short", "UNAUTHORIZED"),
        ("sandbox-sq0idb-application-id", "UNAUTHORIZED"),
        ("EAAA-invalid-token", "UNAUTHORIZED"),
        ("EAAAEx123-expired", "ACCESS_TOKEN_EXPIRED"),
        ("EAAAEx123-revoked", "ACCESS_TOKEN_REVOKED"),
    ],
)
def test_a_token_that_opens_nothing_is_refused(make_client, token, reason):
    answer = refusal(make_client(token).payments.create, **PAYMENT)
    assert answer == (401, "AUTHENTICATION_ERROR", reason)


@pytest.mark.parametrize("header", ["", "Basic abc", "Bearer", "EAAAE1234567890"])
def test_a_call_without_a_bearer_token_is_refused(send, header):
    assert code(send(Authorization=header)) == (401, "AUTHENTICATION_ERROR", "UNAUTHORIZED")


def test_the_version_comes_back(send):
    assert send(Square_Version="2025-08-20")[1]["Square-Version"] == "2025-08-20"
    assert code(send(Square_Version="latest"))[2] == "INVALID_SQUARE_VERSION_FORMAT"


def test_unknown_paths_and_verbs_are_refused(send):
    assert code(send(path="/v2/coffees"))[::2] == (404, "NOT_FOUND")
    assert code(send(method="DELETE"))[::2] == (405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize("body", ["", "[]", "{", "null", "[" * 100_000])
def test_a_body_that_is_no_object_is_refused(send, body):
    assert code(send(body=body))[2] in ("EXPECTED_JSON_BODY", "MISSING_REQUIRED_PARAMETER")


def test_a_form_is_refused(send):
    answer = send(body="a=b", Content_Type="application/x-www-form-urlencoded")
    assert code(answer)[::2] == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_unknown_fields_and_parameters_are_named(send):
    answer = send(body=json.dumps({**PAYMENT, "ammount": 1}))
    assert (code(answer)[2], answer[2]["errors"][0]["field"]) == ("UNKNOWN_BODY_PARAMETER", "ammount")
    answer = send(body=json.dumps({**PAYMENT, "amount_money": {**usd(1), "cents": 1}}))
    assert answer[2]["errors"][0]["field"] == "amount_money.cents"
    assert code(send(method="GET", path="/v2/payments?colour=red", body=None))[2] == "UNKNOWN_QUERY_PARAMETER"


def test_locations_and_merchant(client, seller):
    assert client.locations.get("main").location.id == seller["location_id"]
    assert [one.id for one in client.locations.list().locations] == [seller["location_id"]]
    assert client.merchants.get("me").merchant.id == seller["merchant_id"]
    assert refusal(client.locations.get, "LNOWHERE")[0] == 404


def test_a_seller_follows_from_the_token_alone(sandbox, seller, token):
    sandbox.reset()
    assert sandbox.deed("seller", account=token) == {
        **seller,
        "locations": sandbox.deed("seller", account=token)["locations"],
    }
    assert token not in json.dumps(sandbox.deed("seller", account=token))


def test_a_client_is_pointed_here_by_its_settings(sandbox, process):
    assert sandbox.settings("square") == {"API_BASE": process.url_of("square")}


def test_the_log_of_calls_and_the_ledger_name_the_seller_and_never_the_token(pay, sandbox, seller, token):
    pay(reference_id="order-7")
    call = sandbox.calls("payments.create", provider="square")[0]
    assert (call["account"], call["metadata"], call["effect"]) == (
        seller["merchant_id"],
        {"reference_id": "order-7"},
        True,
    )
    books = sandbox.ledger(provider="square", account=seller["merchant_id"])
    assert [entry["kind"] for entry in books["entries"]] == ["authorize", "capture"]
    assert token not in json.dumps([sandbox.calls(), books])


@pytest.mark.parametrize(
    ("deed", "body", "status"),
    [
        ("settle", {"payment": "nothing"}, 404),
        ("pay_session", {"session": "nothing"}, 404),
        ("refund_status", {"refund": "nothing", "status": "failed"}, 404),
        ("roll_secret", {"endpoint": "nothing"}, 404),
        ("location", {"account": "EAAAE12345678", "currency": "KWD"}, 400),
        ("behaviour", {"account": "EAAAE12345678", "refunds": "MAYBE"}, 400),
    ],
)
def test_a_deed_that_cannot_be_done_is_refused(sandbox, deed, body, status):
    with pytest.raises(SandboxError) as refused:
        sandbox.deed(deed, **body)
    assert refused.value.status == status


def test_a_deed_that_square_refuses_says_why(pay, sandbox):
    payment = pay()
    with pytest.raises(SandboxError) as refused:
        sandbox.external_refund(payment.id, amount=1001)
    assert refused.value.body["square"][0]["code"] == "REFUND_AMOUNT_INVALID"
    with pytest.raises(SandboxError):
        sandbox.settle(payment.id)
    with pytest.raises(SandboxError):
        sandbox.deed("dispute", payment=payment.id, status="undecided")
