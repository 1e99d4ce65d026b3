"""Scripted faults at Square: its own error bodies, lies in its own fields, calls singled out by its own marks."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from square.core.api_error import ApiError

from tests.sandbox.receiver import wait_until
from tests.sandbox.square.conftest import refusal, usd

PAYMENT = {"source_id": "cnon:card-nonce-ok", "idempotency_key": "key-1", "amount_money": usd(1000)}
ONCE = {"max_retries": 0}


def payments(sandbox):
    return len(sandbox.ledger()["payments"])


@pytest.mark.parametrize(
    ("status", "category", "code"),
    [
        (400, "INVALID_REQUEST_ERROR", "BAD_REQUEST"),
        (401, "AUTHENTICATION_ERROR", "UNAUTHORIZED"),
        (403, "AUTHENTICATION_ERROR", "FORBIDDEN"),
        (404, "INVALID_REQUEST_ERROR", "NOT_FOUND"),
        (409, "INVALID_REQUEST_ERROR", "CONFLICT"),
        (429, "RATE_LIMIT_ERROR", "RATE_LIMITED"),
        (500, "API_ERROR", "INTERNAL_SERVER_ERROR"),
        (502, "API_ERROR", "BAD_GATEWAY"),
        (503, "API_ERROR", "SERVICE_UNAVAILABLE"),
        (504, "API_ERROR", "GATEWAY_TIMEOUT"),
    ],
)
def test_an_error_has_the_body_that_square_gives_it(client, sandbox, status, category, code):
    sandbox.fault("status", operation="payments.create", status=status)
    assert refusal(client.payments.create, **PAYMENT) == (status, category, code)
    assert payments(sandbox) == 0


def test_the_sdk_sends_a_failed_call_again_and_pays_once(client, sandbox):
    sandbox.fault("status", operation="payments.create", status=500, when="after", headers={"Retry-After": "0"})
    assert client.payments.create(**PAYMENT).payment.status == "COMPLETED"
    assert payments(sandbox) == 1
    assert [call["replayed"] for call in sandbox.calls("payments.create")] == [False, True]


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("kind", ["hang", "reset", "close", "truncate", "drip"])
def test_an_answer_may_not_come(client, sandbox, kind, when, made):
    sandbox.fault(kind, operation="payments.create", when=when, seconds=0.4 if kind == "drip" else 30)
    with pytest.raises(httpx.TransportError):
        client.payments.create(**PAYMENT, request_options={**ONCE, "timeout_in_seconds": 0.5})
    assert payments(sandbox) == made


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("kind", ["garbage", "html", "empty"])
def test_an_answer_may_be_no_answer(client, sandbox, kind, when, made):
    sandbox.fault(kind, operation="payments.create", when=when)
    with pytest.raises((ApiError, UnicodeDecodeError)):
        client.payments.create(**PAYMENT, request_options=ONCE)
    assert payments(sandbox) == made


class TestLies:
    def test_about_the_amount(self, client, sandbox):
        sandbox.fault("wrong_amount", operation="payments.create", when="after")
        payment = client.payments.create(**PAYMENT).payment
        assert payment.amount_money.amount == 1001
        assert sandbox.ledger()["payments"][payment.id]["captured"] == 1000

    def test_about_the_currency(self, client, sandbox):
        sandbox.fault("wrong_currency", operation="payments.create", when="after")
        payment = client.payments.create(**PAYMENT).payment
        assert (payment.amount_money.currency, payment.total_money.currency) == ("EUR", "EUR")

    def test_about_the_status(self, client, sandbox):
        sandbox.fault("unknown_status", operation="payments.create", when="after")
        assert client.payments.create(**PAYMENT).payment.status == "status_of_the_future"

    def test_about_the_state_of_a_dispute(self, client, sandbox, pay):
        dispute = sandbox.dispute(pay().id)["id"]
        sandbox.fault("unknown_status", operation="disputes.get", when="after")
        assert client.disputes.get(dispute).dispute.state == "status_of_the_future"

    def test_about_the_id(self, client, sandbox):
        sandbox.fault("wrong_id", operation="payments.create", when="after")
        assert client.payments.create(**PAYMENT).payment.id not in sandbox.ledger()["payments"]
        sandbox.fault("missing_id", operation="payments.create", when="after")
        assert client.payments.create(**PAYMENT).payment.id is None

    def test_by_fields_that_nobody_knows(self, client, sandbox):
        sandbox.fault("extra_fields", operation="payments.create", when="after")
        payment = client.payments.create(**PAYMENT).payment
        assert payment.another_new_field == "value"

    def test_in_a_list(self, client, sandbox, pay):
        pay()
        sandbox.fault("wrong_amount", operation="payments.list", when="after")
        assert [payment.amount_money.amount for payment in client.payments.list()] == [1001]

    def test_never_in_the_errors_of_a_decline(self, client, sandbox):
        sandbox.fault("wrong_amount", operation="payments.create", when="after")
        with pytest.raises(ApiError) as declined:
            client.payments.create(**{**PAYMENT, "source_id": "cnon:card-nonce-declined"})
        body = declined.value.body
        assert (body["errors"][0]["code"], body["payment"]["amount_money"]["amount"]) == ("GENERIC_DECLINE", 1001)


class TestOneCallAlone:
    def test_by_the_reference_of_a_payment(self, client, sandbox, pay):
        sandbox.fault("status", match={"reference_id": "order-7"}, times=9)
        assert refusal(client.payments.create, **PAYMENT, reference_id="order-7")[0] == 500
        held = pay(autocomplete=False, reference_id="order-8")
        assert client.payments.get(held.id).payment.status == "APPROVED"

    def test_by_the_reference_of_the_payment_that_it_is_about(self, client, sandbox, pay, refund):
        held = pay(autocomplete=False, reference_id="order-7")
        sandbox.fault("status", match={"reference_id": "order-7"}, operation="payments.complete")
        assert refusal(client.payments.complete, held.id)[0] == 500
        client.payments.complete(held.id)
        made = refund(held.id, 1, reason="r-1")
        sandbox.fault("status", match={"reason": "r-1"}, operation="refunds.get")
        assert refusal(client.refunds.get, made.id)[0] == 500

    def test_by_the_note_of_a_link(self, client, sandbox, link):
        made = link(payment_note="order-7")
        sandbox.fault("status", match={"payment_note": "order-7"}, times=2)
        assert refusal(client.checkout.payment_links.get, made.id)[0] == 500
        assert refusal(client.orders.get, made.order_id)[0] == 500


def test_a_call_sent_again_while_the_first_still_hangs_waits_for_it(client, sandbox):
    sandbox.fault("hang", operation="payments.create", when="before", seconds=30)
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(client.payments.create, **PAYMENT, request_options=ONCE)
        wait_until(lambda: len(sandbox.calls("payments.create")) == 1)
        assert refusal(client.payments.create, **PAYMENT) == (409, "INVALID_REQUEST_ERROR", "CONFLICT")
        sandbox.clear_faults()
        with pytest.raises(httpx.TransportError):
            hanging.result(timeout=4)
    assert client.payments.create(**PAYMENT).payment.status == "COMPLETED"
    assert payments(sandbox) == 1
