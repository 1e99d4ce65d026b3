"""Vault v3: wallets saved by a setup token or while paying, and paid with later."""

from typing import Any

import pytest

from tests.sandbox.paypal.conftest import CANCEL_URL, Shop

SAVING: Any = {"attributes": {"vault": {"store_in_vault": "ON_SUCCESS", "usage_type": "MERCHANT"}}}
CONTEXT = {"return_url": "https://shop.example/saved", "cancel_url": CANCEL_URL}


def setup(shop: Shop, **body: Any) -> Any:
    wallet = {"usage_type": "MERCHANT", "description": "For the shop", "experience_context": CONTEXT}
    return shop.post("v3/vault/setup-tokens", {"payment_source": {"paypal": wallet}, **body})


def save(shop: Shop, made: Any) -> Any:
    source = {"payment_source": {"token": {"id": made["id"], "type": "SETUP_TOKEN"}}}
    return shop.post("v3/vault/payment-tokens", source)


def saved(shop: Shop, buyer: str = "pays") -> Any:
    made = setup(shop)
    shop.sandbox.pay_session(made["id"], card=buyer)
    return save(shop, made)


def pay(shop: Shop, token: str, *, intent: str = "CAPTURE", key: str | None = None) -> Any:
    unit = {"amount": {"currency_code": "USD", "value": "10.00"}}
    body = {"intent": intent, "purchase_units": [unit], "payment_source": {"paypal": {"vault_id": token}}}
    return shop.post("v2/checkout/orders", body, key=key)


def test_a_wallet_is_saved_by_a_setup_token(shop, heard):
    made = setup(shop, customer={"id": "customer-1"})
    assert (shop.api.last[0], made["status"], made["customer"]["id"]) == (201, "PAYER_ACTION_REQUIRED", "customer-1")
    assert [link["rel"] for link in made["links"]] == ["self", "approve"]
    assert shop.refused(lambda: save(shop, made)) == "SETUP_TOKEN_NOT_APPROVED"
    sent = shop.sandbox.pay_session(made["id"])
    assert sent["url"].startswith(f"https://shop.example/saved?approval_token_id={made['id']}&approval_session_id=")
    assert shop.get(f"v3/vault/setup-tokens/{made['id']}")["status"] == "APPROVED"

    token = save(shop, made)
    assert (shop.api.last[0], token["customer"]["id"]) == (201, "customer-1")
    assert token["payment_source"]["paypal"]["email_address"] == "pays@buyer.example"
    assert shop.refused(lambda: save(shop, made)) == "TOKEN_ALREADY_USED"
    assert shop.get(f"v3/vault/payment-tokens/{token['id']}") == token
    created = heard()[-1]
    assert (created["event_type"], created["resource_version"]) == ("VAULT.PAYMENT-TOKEN.CREATED", "3.0")
    assert created["resource"]["id"] == token["id"]


def test_a_setup_can_be_completed_or_left_by_deed(shop):
    done, left = setup(shop), setup(shop)
    shop.sandbox.complete_setup(done["id"])
    shop.sandbox.complete_setup(left["id"], "fail")
    assert shop.get(f"v3/vault/setup-tokens/{done['id']}")["status"] == "APPROVED"
    assert shop.get(f"v3/vault/setup-tokens/{left['id']}")["status"] == "PAYER_ACTION_REQUIRED"


def test_a_setup_token_lives_for_three_days(shop):
    made = setup(shop)
    shop.sandbox.advance(3 * 86400 + 1)
    assert shop.refused(lambda: shop.get(f"v3/vault/setup-tokens/{made['id']}"), 404) == "INVALID_RESOURCE_ID"


def test_a_wallet_is_saved_while_paying(shop, heard):
    order = shop.approved(wallet=SAVING)
    vault = shop.take(order)["payment_source"]["paypal"]["attributes"]["vault"]
    assert vault["status"] == "VAULTED"
    assert pay(shop, vault["id"])["status"] == "COMPLETED"
    assert shop.get(f"v3/vault/payment-tokens/{vault['id']}")["customer"] == vault["customer"]
    created = next(event for event in heard() if event["event_type"] == "VAULT.PAYMENT-TOKEN.CREATED")
    assert created["resource"]["metadata"] == {"order_id": order["id"]}


def test_a_wallet_may_be_saved_after_the_answer(shop, heard):
    vault = shop.take(shop.approved("vaults_later", wallet=SAVING))["payment_source"]["paypal"]["attributes"]["vault"]
    assert (vault["status"], "id" in vault) == ("APPROVED", False)
    created = next(event for event in heard() if event["event_type"] == "VAULT.PAYMENT-TOKEN.CREATED")
    assert pay(shop, created["resource"]["id"])["status"] == "COMPLETED"


def test_nothing_is_saved_without_being_asked_or_paid(shop):
    assert "attributes" not in shop.take(shop.approved())["payment_source"]["paypal"]
    declined = shop.take(shop.approved("declined_capture", wallet=SAVING))
    assert "attributes" not in declined["payment_source"]["paypal"]


@pytest.mark.parametrize(
    ("vault", "status", "issue"),
    [
        ({"usage_type": "MERCHANT"}, 422, "VAULT_INSTRUCTION_REQUIRED"),
        ({"store_in_vault": "ON_SUCCESS"}, 400, "MISSING_REQUIRED_PARAMETER"),
        ({"store_in_vault": "ALWAYS", "usage_type": "MERCHANT"}, 400, "INVALID_PARAMETER_VALUE"),
    ],
)
def test_saving_is_asked_for_in_paypals_form(shop, vault, status, issue):
    assert shop.refused(lambda: shop.order(wallet={"attributes": {"vault": vault}}), status) == issue


def test_a_saved_wallet_pays_at_once(shop):
    order = pay(shop, saved(shop)["id"])
    assert (shop.api.last[0], order["status"]) == (201, "COMPLETED")
    capture = order["purchase_units"][0]["payments"]["captures"][0]
    assert shop.payment(capture["id"])["captured"] == 1000


def test_a_saved_wallet_authorises_at_once(shop):
    order = pay(shop, saved(shop)["id"], intent="AUTHORIZE")
    assert order["purchase_units"][0]["payments"]["authorizations"][0]["status"] == "CREATED"


def test_a_saved_wallet_that_is_declined_leaves_no_order(shop):
    token = saved(shop, "declined")["id"]
    assert shop.refused(lambda: pay(shop, token)) == "INSTRUMENT_DECLINED"
    assert shop.sandbox.ledger()["entries"] == []


@pytest.mark.parametrize("source", ["paypal", "token"])
def test_an_order_can_be_captured_with_a_saved_wallet(shop, source):
    token = saved(shop)["id"]
    given = {"vault_id": token} if source == "paypal" else {"id": token, "type": "BILLING_AGREEMENT"}
    unit = {"amount": {"currency_code": "USD", "value": "10.00"}}
    order = shop.post("v2/checkout/orders", {"intent": "CAPTURE", "purchase_units": [unit]})
    body = {"payment_source": {source: given}}
    assert shop.post(f"v2/checkout/orders/{order['id']}/capture", body)["status"] == "COMPLETED"


def test_an_order_can_be_confirmed_with_a_saved_wallet(shop):
    unit = {"amount": {"currency_code": "USD", "value": "10.00"}}
    order = shop.post("v2/checkout/orders", {"intent": "CAPTURE", "purchase_units": [unit]})
    body = {"payment_source": {"paypal": {"vault_id": saved(shop)["id"]}}}
    assert shop.post(f"v2/checkout/orders/{order['id']}/confirm-payment-source", body)["status"] == "APPROVED"
    assert shop.take(order)["status"] == "COMPLETED"


def test_the_wallets_of_a_customer_are_listed_and_forgotten(shop, heard):
    made = [setup(shop, customer={"id": "customer-1"}) for _ in range(3)]
    for one in made:
        shop.sandbox.pay_session(one["id"])
    tokens = [save(shop, one)["id"] for one in made]
    listed = shop.get("v3/vault/payment-tokens?customer_id=customer-1&page_size=2&total_required=true")
    assert [token["id"] for token in listed["payment_tokens"]] == tokens[:2]
    assert (listed["total_items"], listed["total_pages"]) == (3, 2)
    second = shop.get("v3/vault/payment-tokens?customer_id=customer-1&page_size=2&page=2")
    assert [token["id"] for token in second["payment_tokens"]] == tokens[2:]

    shop.api.delete(f"v3/vault/payment-tokens/{tokens[0]}")
    assert shop.api.last == (204, None)
    assert shop.refused(lambda: shop.get(f"v3/vault/payment-tokens/{tokens[0]}"), 404) == "INVALID_RESOURCE_ID"
    assert shop.refused(lambda: pay(shop, tokens[0])) == "TOKEN_ID_NOT_FOUND"
    assert heard()[-1]["event_type"] == "VAULT.PAYMENT-TOKEN.DELETED"
    shop.api.delete(f"v3/vault/payment-tokens/{tokens[0]}")
    assert shop.api.last[0] == 204


@pytest.mark.parametrize(
    ("query", "issue"),
    [("", "MISSING_REQUIRED_PARAMETER"), ("?customer_id=a&page_size=21", "INVALID_PARAMETER_VALUE")],
)
def test_a_list_out_of_form_is_refused(shop, query, issue):
    assert shop.refused(lambda: shop.get(f"v3/vault/payment-tokens{query}"), 400) == issue


@pytest.mark.parametrize(
    ("body", "issue"),
    [
        ({}, "MISSING_REQUIRED_PARAMETER"),
        ({"payment_source": {"paypal": {}}}, "MISSING_REQUIRED_PARAMETER"),
        ({"payment_source": {"card": {}}}, "NOT_SUPPORTED"),
        ({"payment_source": {"paypal": {"usage": "x"}}}, "NOT_SUPPORTED"),
    ],
)
def test_a_setup_out_of_form_is_refused(shop, body, issue):
    assert shop.refused(lambda: shop.post("v3/vault/setup-tokens", body), 400) == issue


def test_the_vault_needs_a_request_id(shop):
    refused = shop.refused(lambda: shop.api.post("v3/vault/setup-tokens", {"payment_source": {}}, headers={}), 400)
    assert refused == "MISSING_REQUIRED_PARAMETER"


@pytest.mark.parametrize(
    ("token", "status", "issue"),
    [
        ({"id": "x", "type": "BILLING_AGREEMENT"}, 400, "INVALID_PARAMETER_VALUE"),
        ({"type": "SETUP_TOKEN"}, 400, "MISSING_REQUIRED_PARAMETER"),
        ({"id": "5O190127TN364715T", "type": "SETUP_TOKEN"}, 404, "INVALID_RESOURCE_ID"),
    ],
)
def test_a_payment_token_is_made_of_a_setup_token_alone(shop, token, status, issue):
    body = {"payment_source": {"token": token}}
    assert shop.refused(lambda: shop.post("v3/vault/payment-tokens", body), status) == issue
