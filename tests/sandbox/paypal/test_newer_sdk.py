"""PayPal's newer SDK, unchanged but for its base address, where PAYPAL_NEWER_SDK names a site-packages folder with it.

It is no dependency: the packages that it needs install a top-level package ``tests``, which would stand before ours.
"""

import json
import os
import sys
from typing import Any

import pytest

FULL = "return=representation"


def plain(answer: Any) -> Any:
    return json.loads(answer.text)


@pytest.fixture(scope="module", autouse=True)
def _newer_sdk():
    folder = os.environ.get("PAYPAL_NEWER_SDK")
    if not folder:
        pytest.skip("PAYPAL_NEWER_SDK does not name a folder with paypal-server-sdk")
    with pytest.MonkeyPatch.context() as patch:
        # Last of all, so that nothing of ours is shadowed
        patch.setattr(sys, "path", [*sys.path, folder])
        yield


@pytest.fixture
def client(process, sandbox):
    from paypalserversdk.configuration import Configuration, Server
    from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
    from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient

    class OnSandbox(Configuration):  # type: ignore[misc]
        def get_base_uri(self, server: Any = Server.DEFAULT) -> str:
            return str(process.url_of("paypal"))

    credentials = ClientCredentialsAuthCredentials(o_auth_client_id="newer-client", o_auth_client_secret="its-secret")
    made = PaypalServersdkClient(config=OnSandbox(timeout=20, client_credentials_auth_credentials=credentials))
    yield made
    made.config.http_client.session.close()


def order(intent: str = "CAPTURE") -> Any:
    context = {"return_url": "https://shop.example/back", "cancel_url": "https://shop.example/cart"}
    return {
        "intent": intent,
        "purchase_units": [{"amount": {"currency_code": "USD", "value": "10.00"}, "custom_id": "p1"}],
        "payment_source": {"paypal": {"experience_context": context}},
    }


def test_the_newer_sdk_pays_and_refunds(client, sandbox):
    made = client.orders.create_order({"body": order(), "paypal_request_id": "k1", "prefer": FULL}).body
    sandbox.pay_session(made.id)
    assert client.orders.get_order({"id": made.id}).body.status == "APPROVED"
    paid = client.orders.capture_order({"id": made.id, "paypal_request_id": "k2", "prefer": FULL}).body
    capture = paid.purchase_units[0].payments.captures[0]
    assert (paid.status, capture.status, capture.custom_id) == ("COMPLETED", "COMPLETED", "p1")
    body = {"amount": {"currency_code": "USD", "value": "4.00"}, "custom_id": "r1"}
    options = {"capture_id": capture.id, "body": body, "paypal_request_id": "k3", "prefer": FULL}
    refund = client.payments.refund_captured_payment(options).body
    assert (refund.status, refund.amount.value) == ("COMPLETED", "4.00")
    assert client.payments.get_refund({"refund_id": refund.id}).body.custom_id == "r1"
    assert client.payments.get_captured_payment({"capture_id": capture.id}).body.status == "PARTIALLY_REFUNDED"
    sums = sandbox.ledger()["payments"][capture.id]
    assert (sums["captured"], sums["refunded"]) == (1000, 400)


def test_the_newer_sdk_authorises_captures_and_voids(client, sandbox):
    ids = []
    for number in range(2):
        request = {"body": order("AUTHORIZE"), "paypal_request_id": f"k{number}"}
        made = client.orders.create_order(request).body
        sandbox.pay_session(made.id)
        done = client.orders.authorize_order({"id": made.id, "prefer": FULL}).body
        ids.append(done.purchase_units[0].payments.authorizations[0].id)
    body = {"amount": {"currency_code": "USD", "value": "3.00"}, "final_capture": True}
    options = {"authorization_id": ids[0], "body": body, "prefer": FULL}
    assert client.payments.capture_authorized_payment(options).body.status == "COMPLETED"
    client.payments.void_payment({"authorization_id": ids[1]})
    found = [client.payments.get_authorized_payment({"authorization_id": one}).body.status for one in ids]
    assert found == ["CAPTURED", "VOIDED"]


def test_the_newer_sdk_saves_a_wallet(client, sandbox):
    context = {"return_url": "https://shop.example/back", "cancel_url": "https://shop.example/cart"}
    source = {"paypal": {"usage_type": "MERCHANT", "experience_context": context}}
    options = {"body": {"payment_source": source}, "paypal_request_id": "k1"}
    setup = client.vault.create_setup_token(options).body
    sandbox.complete_setup(setup.id)
    token_source = {"token": {"id": setup.id, "type": "SETUP_TOKEN"}}
    options = {"body": {"payment_source": token_source}, "paypal_request_id": "k2"}
    token = client.vault.create_payment_token(options).body
    listed = client.vault.list_customer_payment_tokens({"customer_id": token.customer.id}).body
    assert [item.id for item in listed.payment_tokens] == [token.id]
    client.vault.delete_payment_token(token.id)
    assert client.vault.list_customer_payment_tokens({"customer_id": token.customer.id}).body.payment_tokens == []


def test_the_newer_sdk_reads_a_refusal(client, sandbox):
    from paypalserversdk.exceptions.error_exception import ErrorException

    made = client.orders.create_order({"body": order(), "paypal_request_id": "k1"}).body
    with pytest.raises(ErrorException) as refused:
        client.orders.capture_order({"id": made.id})
    assert (refused.value.response_code, refused.value.details[0].issue) == (422, "ORDER_NOT_APPROVED")
