"""Customers and cards on file."""

import pytest

from tests.sandbox.square.conftest import refusal, usd

INVALID = "INVALID_REQUEST_ERROR"


@pytest.fixture
def save(client, customer, new_key):
    def do(source_id="cnon:card-nonce-ok", **more):
        card = {"customer_id": customer.id, **more}
        return client.cards.create(idempotency_key=new_key(), source_id=source_id, card=card).card

    return do


def test_a_card_is_saved_and_charged(save, pay, customer):
    card = save(cardholder_name="Ada Lovelace", reference_id="card-1")
    assert (card.enabled, card.customer_id, card.last4, card.card_brand) == (True, customer.id, "1111", "VISA")
    payment = pay(card.id, customer_id=customer.id)
    details = payment.card_details
    assert (payment.status, details.entry_method, details.card.id) == ("COMPLETED", "ON_FILE", card.id)
    assert details.card.fingerprint == card.fingerprint


def test_a_card_is_saved_from_a_payment_once(save, pay, client, customer, new_key):
    payment = pay()
    card = save(payment.id)
    assert pay(card.id, customer_id=customer.id).status == "COMPLETED"
    again = {"idempotency_key": new_key(), "source_id": payment.id, "card": {"customer_id": customer.id}}
    assert refusal(client.cards.create, **again) == (400, INVALID, "SOURCE_USED")


def test_a_one_time_token_becomes_one_card(save, sandbox, token, client, customer, new_key):
    once = sandbox.deed("tokenize", account=token)["token"]
    save(once)
    again = {"idempotency_key": new_key(), "source_id": once, "card": {"customer_id": customer.id}}
    assert refusal(client.cards.create, **again) == (400, INVALID, "SOURCE_USED")
    charge = {"idempotency_key": new_key(), "source_id": once, "amount_money": usd(1)}
    assert refusal(client.payments.create, **charge) == (400, INVALID, "CARD_TOKEN_USED")


def test_a_card_of_another_customer_is_refused(save, client, new_key):
    card = save()
    other = client.customers.create(idempotency_key=new_key(), given_name="Eve").customer
    charge = {"idempotency_key": new_key(), "source_id": card.id, "amount_money": usd(1)}
    assert refusal(client.payments.create, **charge) == (400, INVALID, "MISSING_REQUIRED_PARAMETER")
    charge = {**charge, "idempotency_key": new_key(), "customer_id": other.id}
    assert refusal(client.payments.create, **charge) == (404, INVALID, "NOT_FOUND")


def test_a_disabled_card_is_not_charged(save, client, customer, new_key):
    card = save()
    assert client.cards.disable(card.id).card.enabled is False
    assert client.cards.disable(card.id).card.version == 2
    charge = {"idempotency_key": new_key(), "source_id": card.id, "amount_money": usd(1), "customer_id": customer.id}
    assert refusal(client.payments.create, **charge) == (400, INVALID, "INVALID_CARD")
    assert list(client.cards.list(customer_id=customer.id)) == []
    assert [one.id for one in client.cards.list(customer_id=customer.id, include_disabled=True)] == [card.id]


def test_a_card_that_saves_may_still_be_declined(save, sandbox, token, client, customer, new_key):
    card = save(sandbox.deed("tokenize", account=token, card="4000000000000010")["token"])
    charge = {"idempotency_key": new_key(), "source_id": card.id, "amount_money": usd(1), "customer_id": customer.id}
    assert refusal(client.payments.create, **charge) == (400, "PAYMENT_METHOD_ERROR", "GENERIC_DECLINE")


@pytest.mark.parametrize("source_id", ["cnon:card-nonce-declined", "cnon:card-nonce-rejected-cvv"])
def test_a_bad_card_is_not_saved_and_square_does_not_say_why(client, customer, new_key, source_id):
    given = {"idempotency_key": new_key(), "source_id": source_id, "card": {"customer_id": customer.id}}
    assert refusal(client.cards.create, **given) == (400, INVALID, "INVALID_CARD_DATA")


def test_a_card_needs_a_customer(client, new_key):
    given = {"idempotency_key": new_key(), "source_id": "cnon:card-nonce-ok"}
    assert refusal(client.cards.create, card={}, **given)[2] == "MISSING_REQUIRED_PARAMETER"
    given["idempotency_key"] = new_key()
    assert refusal(client.cards.create, card={"customer_id": "NOBODY"}, **given)[::2] == (404, "NOT_FOUND")


def test_a_card_that_needs_the_buyer_is_saved_with_a_verification(client, customer, sandbox, token, new_key):
    made = sandbox.deed("tokenize", account=token, card="4310000000201019")
    given = {"source_id": made["token"], "card": {"customer_id": customer.id}}
    refused = refusal(client.cards.create, idempotency_key=new_key(), **given)
    assert refused[2] == "CARD_DECLINED_VERIFICATION_REQUIRED"
    made = sandbox.deed("tokenize", account=token, card="4310000000201019")
    given |= {"source_id": made["token"], "verification_token": made["verification_token"]}
    assert client.cards.create(idempotency_key=new_key(), **given).card.enabled is True


class TestCustomers:
    def test_are_found_by_reference_and_mail(self, client, customer, new_key):
        client.customers.create(idempotency_key=new_key(), email_address="eve@shop.example")
        for condition, count in (
            ({"reference_id": {"exact": "cus-1"}}, 1),
            ({"reference_id": {"exact": "cus"}}, 0),
            ({"reference_id": {"fuzzy": "CUS"}}, 1),
            ({"email_address": {"exact": "eve@shop.example"}}, 1),
        ):
            found = client.customers.search(query={"filter": condition}, count=True)
            assert (found.count, len(found.customers or [])) == (count, count)

    def test_are_changed_and_deleted(self, client, customer, new_key, save):
        card = save()
        changed = client.customers.update(customer.id, family_name="Lovelace", version=0).customer
        assert (changed.family_name, changed.version) == ("Lovelace", 1)
        assert refusal(client.customers.update, customer.id, note="x", version=0)[::2] == (409, "CONFLICT")
        client.customers.delete(customer.id)
        assert refusal(client.customers.get, customer.id)[::2] == (404, "NOT_FOUND")
        assert client.cards.get(card.id).card.enabled is False

    def test_need_a_name_of_some_kind(self, client):
        assert refusal(client.customers.create, reference_id="x")[2] == "BAD_REQUEST"
        assert refusal(client.customers.create, email_address="nobody")[2] == "INVALID_EMAIL_ADDRESS"

    def test_are_listed(self, client, customer, new_key):
        second = client.customers.create(idempotency_key=new_key(), given_name="Eve").customer
        assert [one.id for one in client.customers.list()] == [customer.id, second.id]
        assert [one.id for one in client.customers.list(sort_order="DESC", limit=1).items] == [second.id]

    def test_a_new_one_may_take_a_while_to_be_found(self, client, sandbox, token):
        sandbox.deed("behaviour", account=token, list_lag_s=30)
        client.customers.create(given_name="Ada", reference_id="cus-1")
        query = {"filter": {"reference_id": {"exact": "cus-1"}}}
        assert client.customers.search(query=query).customers is None
        sandbox.advance(30)
        assert len(client.customers.search(query=query).customers) == 1


def test_sellers_do_not_see_each_other(client, make_client, pay, save):
    payment, card = pay(), save()
    stranger = make_client("EAAAEanother-seller")
    assert refusal(stranger.payments.get, payment.id)[0] == 404
    assert refusal(stranger.cards.get, card.id)[0] == 404
    assert list(stranger.payments.list()) == []
