"""Idempotency keys, in the body of each call."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from square.core.api_error import ApiError

from tests.sandbox.square.conftest import refusal, usd

PAYMENT = {"source_id": "cnon:card-nonce-ok", "idempotency_key": "key-1", "amount_money": usd(1000)}


def test_a_repeated_call_is_answered_as_the_first(client, sandbox):
    first = client.payments.create(**PAYMENT).payment
    assert client.payments.create(**PAYMENT).payment == first
    assert len(sandbox.ledger()["payments"]) == 1
    assert [call["replayed"] for call in sandbox.calls("payments.create")] == [False, True]


def test_another_body_is_refused(client, sandbox):
    client.payments.create(**PAYMENT)
    other = {**PAYMENT, "amount_money": usd(1001)}
    assert refusal(client.payments.create, **other) == (400, "INVALID_REQUEST_ERROR", "IDEMPOTENCY_KEY_REUSED")
    assert len(sandbox.ledger()["payments"]) == 1


def test_a_decline_is_kept_under_its_key(client):
    given = {**PAYMENT, "source_id": "cnon:card-nonce-declined"}
    bodies = []
    for _ in range(2):
        with pytest.raises(ApiError) as declined:
            client.payments.create(**given)
        bodies.append(declined.value.body)
    assert bodies[0] == bodies[1]
    assert len(list(client.payments.list())) == 1
    assert refusal(client.payments.create, **PAYMENT)[2] == "IDEMPOTENCY_KEY_REUSED"


def test_what_was_refused_before_it_was_done_is_not_kept(client):
    assert refusal(client.payments.create, **{**PAYMENT, "location_id": "LNOWHERE"})[0] == 404
    assert client.payments.create(**PAYMENT).payment.status == "COMPLETED"


def test_a_key_is_forgotten_after_a_day(client, sandbox):
    client.payments.create(**PAYMENT)
    sandbox.advance(86400)
    client.payments.create(**PAYMENT)
    assert len(sandbox.ledger()["payments"]) == 2


def test_fifty_copies_at_once_make_one_payment(make_client, token, sandbox):
    client = make_client(token)

    def call(_):
        try:
            return client.payments.create(**PAYMENT, request_options={"max_retries": 0}).payment.id
        except ApiError as error:
            return error.body["errors"][0]["code"]

    with ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(call, range(50)))
    assert len(sandbox.ledger()["payments"]) == 1
    assert answers - {"CONFLICT"} == set(sandbox.ledger()["payments"])


def test_a_key_counts_within_its_seller(client, make_client, sandbox):
    client.payments.create(**PAYMENT)
    make_client("EAAAEanother-seller").payments.create(**PAYMENT)
    assert len(sandbox.ledger()["payments"]) == 2


def test_refunds_cards_customers_links_and_changes_have_keys(client, pay, seller, sandbox):
    payment, held = pay(), pay(autocomplete=False)
    refund = {"idempotency_key": "r", "payment_id": payment.id, "amount_money": usd(1)}
    assert client.refunds.refund_payment(**refund).refund.id == client.refunds.refund_payment(**refund).refund.id
    one, two = (client.customers.create(idempotency_key="c", given_name="Ada").customer for _ in range(2))
    assert one.id == two.id
    card = {"idempotency_key": "k", "source_id": "cnon:card-nonce-ok", "card": {"customer_id": one.id}}
    assert client.cards.create(**card).card.id == client.cards.create(**card).card.id
    quick = {"name": "x", "price_money": usd(1), "location_id": seller["location_id"]}
    links = [client.checkout.payment_links.create(idempotency_key="l", quick_pay=quick) for _ in range(2)]
    assert links[0].payment_link.id == links[1].payment_link.id
    change = {"idempotency_key": "u", "payment": {"amount_money": usd(5)}}
    assert client.payments.update(held.id, **change).payment == client.payments.update(held.id, **change).payment


def test_links_without_a_key_are_all_new(link, client, seller):
    quick = {"name": "x", "price_money": usd(1), "location_id": seller["location_id"]}
    links = [client.checkout.payment_links.create(quick_pay=quick) for _ in range(2)]
    assert links[0].payment_link.id != links[1].payment_link.id
