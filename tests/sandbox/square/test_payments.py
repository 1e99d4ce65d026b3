"""Payments: taken at once, held, changed, completed, cancelled, declined."""

import pytest
from square.core.api_error import ApiError

from tests.sandbox.square.conftest import refusal, usd

REFUSED = "PAYMENT_METHOD_ERROR"
INVALID = "INVALID_REQUEST_ERROR"


def books(sandbox, payment_id):
    sums = sandbox.ledger()["payments"][payment_id]
    return {name: sums[name] for name in ("authorized", "captured", "released", "refunded")}


def test_a_payment_is_completed_at_once(pay, client, sandbox, seller):
    payment = pay(reference_id="order-7", note="two books", statement_description_identifier="BOOKS")
    assert (payment.status, payment.source_type, payment.location_id) == ("COMPLETED", "CARD", seller["location_id"])
    assert payment.amount_money == payment.total_money == payment.approved_money
    card = payment.card_details
    assert (card.status, card.cvv_status, card.avs_status) == ("CAPTURED", "CVV_ACCEPTED", "AVS_ACCEPTED")
    assert (card.card.card_brand, card.card.last4) == ("VISA", "1111")
    assert card.card.fingerprint.startswith("sq-1-")
    assert client.payments.get(payment.id).payment == payment
    assert sandbox.ledger()["payments"][payment.id]["metadata"] == {"reference_id": "order-7", "note": "two books"}
    assert books(sandbox, payment.id) == {"authorized": 1000, "captured": 1000, "released": 0, "refunded": 0}


def test_a_held_payment_is_completed(pay, client, sandbox):
    held = pay(autocomplete=False)
    assert (held.status, held.card_details.status) == ("APPROVED", "AUTHORIZED")
    assert "EDIT_AMOUNT_DOWN" in held.capabilities
    done = client.payments.complete(held.id, version_token=held.version_token).payment
    assert (done.status, done.capabilities) == ("COMPLETED", None)
    assert books(sandbox, held.id) == {"authorized": 1000, "captured": 1000, "released": 0, "refunded": 0}


def test_a_lower_amount_is_completed_and_the_rest_given_back(pay, client, sandbox, new_key):
    held = pay(autocomplete=False)
    changed = client.payments.update(held.id, idempotency_key=new_key(), payment={"amount_money": usd(700)}).payment
    assert changed.version_token != held.version_token
    done = client.payments.complete(held.id, version_token=changed.version_token).payment
    assert (done.total_money.amount, done.approved_money.amount) == (700, 1000)
    assert books(sandbox, held.id) == {"authorized": 1000, "captured": 700, "released": 300, "refunded": 0}


def test_a_higher_amount_and_a_tip_are_approved_anew(pay, client, sandbox, new_key):
    held = pay(autocomplete=False)
    payment = {"amount_money": usd(1100), "tip_money": usd(50)}
    changed = client.payments.update(held.id, idempotency_key=new_key(), payment=payment).payment
    assert (changed.total_money.amount, changed.approved_money.amount) == (1150, 1150)
    client.payments.complete(held.id)
    assert books(sandbox, held.id)["captured"] == 1150


def test_a_held_payment_is_cancelled(pay, client, sandbox):
    held = pay(autocomplete=False)
    cancelled = client.payments.cancel(held.id).payment
    assert (cancelled.status, cancelled.card_details.status) == ("CANCELED", "VOIDED")
    assert books(sandbox, held.id) == {"authorized": 1000, "captured": 0, "released": 1000, "refunded": 0}


def test_a_payment_that_is_over_is_neither_completed_nor_cancelled_nor_changed(pay, client, new_key):
    done, gone = pay(), pay(autocomplete=False)
    client.payments.cancel(gone.id)
    for payment, code in ((done, "DELAYED_TRANSACTION_CAPTURED"), (gone, "DELAYED_TRANSACTION_CANCELED")):
        assert refusal(client.payments.complete, payment.id) == (400, INVALID, code)
        assert refusal(client.payments.cancel, payment.id) == (400, INVALID, code)
        change = {"idempotency_key": new_key(), "payment": {"amount_money": usd(1)}}
        assert refusal(client.payments.update, payment.id, **change) == (400, INVALID, code)


def test_what_the_bank_has_not_answered_cannot_be_moved(pay, client):
    pending = pay("bnon:bank-nonce-ok")
    assert refusal(client.payments.complete, pending.id) == (400, INVALID, "BAD_REQUEST")
    assert refusal(client.payments.cancel, pending.id) == (400, INVALID, "BAD_REQUEST")


def test_an_old_version_is_refused(pay, client, new_key):
    held = pay(autocomplete=False)
    client.payments.update(held.id, idempotency_key=new_key(), payment={"amount_money": usd(700)})
    old = held.version_token
    assert refusal(client.payments.complete, held.id, version_token=old) == (409, INVALID, "CONFLICT")
    change = {"idempotency_key": new_key(), "payment": {"amount_money": usd(1), "version_token": old}}
    assert refusal(client.payments.update, held.id, **change) == (409, INVALID, "CONFLICT")


def test_a_held_payment_is_cancelled_after_seven_days(pay, client, sandbox):
    held = pay(autocomplete=False)
    sandbox.advance(7 * 86400 - 60)
    assert client.payments.get(held.id).payment.status == "APPROVED"
    sandbox.advance(61)
    assert client.payments.get(held.id).payment.status == "CANCELED"
    assert refusal(client.payments.complete, held.id) == (400, INVALID, "DELAYED_TRANSACTION_EXPIRED")


def test_a_hold_may_be_shorter_and_end_in_completion(pay, client, sandbox):
    held = pay(autocomplete=False, delay_duration="PT36H", delay_action="COMPLETE")
    assert (held.delay_duration, held.delay_action) == ("PT36H", "COMPLETE")
    sandbox.advance(36 * 3600 + 1)
    assert client.payments.get(held.id).payment.status == "COMPLETED"
    assert books(sandbox, held.id)["captured"] == 1000


@pytest.mark.parametrize(
    ("source_id", "code"),
    [
        ("cnon:card-nonce-declined", "GENERIC_DECLINE"),
        ("cnon:card-nonce-rejected-cvv", "CVV_FAILURE"),
        ("cnon:card-nonce-rejected-postalcode", "ADDRESS_VERIFICATION_FAILURE"),
        ("cnon:card-nonce-rejected-expiration", "INVALID_EXPIRATION"),
        ("cnon:gift-card-nonce-insufficient-funds", "INSUFFICIENT_FUNDS"),
        ("cnon:gift-card-nonce-insufficient-permission", "INSUFFICIENT_PERMISSIONS"),
        ("ccof:customer-card-id-declined", "GENERIC_DECLINE"),
        ("ccof:customer-card-id-requires-verification", "CARD_DECLINED_VERIFICATION_REQUIRED"),
        ("bnon:bank-nonce-insufficient-funds", "INSUFFICIENT_FUNDS"),
    ],
)
def test_a_decline_comes_with_the_failed_payment(pay, client, sandbox, source_id, code):
    with pytest.raises(ApiError) as declined:
        pay(source_id, reference_id="order-7")
    body = declined.value.body
    assert (declined.value.status_code, body["errors"][0]["category"], body["errors"][0]["code"]) == (
        400,
        REFUSED,
        code,
    )
    assert (body["payment"]["status"], body["payment"]["approved_money"]["amount"]) == ("FAILED", 0)
    assert client.payments.get(body["payment"]["id"]).payment.status == "FAILED"
    assert sandbox.ledger()["entries"] == []


def test_a_buyer_who_is_verified_pays(pay, sandbox, token):
    verified = sandbox.deed("tokenize", account=token)["verification_token"]
    assert pay("ccof:customer-card-id-requires-verification", verification_token=verified).status == "COMPLETED"
    made = sandbox.deed("tokenize", account=token, card="4310000000201019", verified=True)
    assert pay(made["token"]).status == "COMPLETED"


def test_a_gift_card_pays_what_it_has(pay, client, sandbox):
    payment = pay("cnon:gift-card-nonce-insufficient-funds", autocomplete=False, accept_partial_authorization=True)
    assert (payment.status, payment.amount_money.amount) == ("APPROVED", 100)
    client.payments.complete(payment.id)
    assert books(sandbox, payment.id) == {"authorized": 100, "captured": 100, "released": 0, "refunded": 0}


@pytest.mark.parametrize(("outcome", "status", "captured"), [("succeed", "COMPLETED", 1000), ("fail", "FAILED", 0)])
def test_a_bank_answers_later(pay, client, sandbox, outcome, status, captured):
    payment = pay("bnon:bank-nonce-ok")
    assert (payment.status, payment.source_type) == ("PENDING", "BANK_ACCOUNT")
    sandbox.settle(payment.id, outcome)
    assert client.payments.get(payment.id).payment.status == status
    assert sum(sums["captured"] for sums in sandbox.ledger()["payments"].values()) == captured


def test_a_token_of_the_browser_is_good_for_one_payment(pay, sandbox, token, client, new_key):
    once = sandbox.deed("tokenize", account=token)["token"]
    assert pay(once).status == "COMPLETED"
    again = {"source_id": once, "idempotency_key": new_key(), "amount_money": usd(1)}
    assert refusal(client.payments.create, **again) == (400, INVALID, "CARD_TOKEN_USED")
    again |= {"source_id": "cnon:card-nonce-already-used", "idempotency_key": new_key()}
    assert refusal(client.payments.create, **again) == (400, INVALID, "CARD_TOKEN_USED")
    late = sandbox.deed("tokenize", account=token)["token"]
    sandbox.advance(86400)
    assert refusal(client.payments.create, **{**again, "source_id": late, "idempotency_key": new_key()}) == (
        400,
        INVALID,
        "CARD_TOKEN_EXPIRED",
    )


def test_a_token_belongs_to_its_seller(sandbox, client, new_key):
    foreign = sandbox.deed("tokenize", account="EAAAEanother-seller")["token"]
    given = {"source_id": foreign, "idempotency_key": new_key(), "amount_money": usd(1)}
    assert refusal(client.payments.create, **given) == (404, INVALID, "NOT_FOUND")


def test_a_token_may_fail_as_the_test_says(sandbox, token, client, new_key):
    bad = sandbox.deed("tokenize", account=token, decline="TRANSACTION_LIMIT")["token"]
    given = {"source_id": bad, "idempotency_key": new_key(), "amount_money": usd(1)}
    assert refusal(client.payments.create, **given) == (400, REFUSED, "TRANSACTION_LIMIT")


class TestLists:
    def test_newest_first_by_time_and_location(self, pay, client, sandbox, token):
        early = pay()
        sandbox.advance(60)
        since = sandbox.now()
        other = sandbox.deed("location", account=token, currency="USD")
        late = [pay(location_id=other["id"]), pay()]
        assert [p.id for p in client.payments.list()] == [late[1].id, late[0].id, early.id]
        assert [p.id for p in client.payments.list(begin_time=since)] == [late[1].id, late[0].id]
        assert [p.id for p in client.payments.list(end_time=since)] == [early.id]
        assert [p.id for p in client.payments.list(location_id=other["id"])] == [late[0].id]

    def test_in_pages(self, pay, client):
        made = [pay().id for _ in range(5)]
        first = client.payments.list(limit=2, sort_order="ASC")
        assert [p.id for p in first.items] == made[:2]
        assert [p.id for p in first] == made

    def test_a_declined_payment_is_listed_too(self, pay, client):
        with pytest.raises(ApiError):
            pay("cnon:card-nonce-declined", reference_id="order-7")
        assert [(p.status, p.reference_id) for p in client.payments.list()] == [("FAILED", "order-7")]

    def test_a_new_payment_may_take_a_while_to_appear(self, pay, client, sandbox, token):
        sandbox.deed("behaviour", account=token, list_lag_s=5)
        payment = pay()
        assert list(client.payments.list()) == []
        assert client.payments.get(payment.id).payment.status == "COMPLETED"
        sandbox.advance(5)
        assert [p.id for p in client.payments.list()] == [payment.id]

    def test_what_makes_no_sense_is_refused(self, client):
        assert refusal(client.payments.list, cursor="x")[2] == "INVALID_CURSOR"
        assert refusal(client.payments.list, begin_time="yesterday")[2] == "INVALID_TIME"
        assert refusal(client.payments.list, sort_order="UP")[2] == "INVALID_SORT_ORDER"


class TestCancelByIdempotencyKey:
    def test_a_held_payment_is_cancelled_and_may_be_taken_anew(self, client, sandbox):
        given = {"source_id": "cnon:card-nonce-ok", "idempotency_key": "key-1", "amount_money": usd(1000)}
        held = client.payments.create(**given, autocomplete=False).payment
        client.payments.cancel_by_idempotency_key(idempotency_key="key-1")
        assert client.payments.get(held.id).payment.status == "CANCELED"
        again = client.payments.create(**given, autocomplete=False).payment
        assert (again.status, again.id != held.id) == ("APPROVED", True)

    def test_nothing_happens_where_there_is_no_payment(self, client, sandbox):
        assert client.payments.cancel_by_idempotency_key(idempotency_key="never-used").errors is None
        assert sandbox.ledger()["entries"] == []

    def test_a_completed_payment_stands(self, client, pay, sandbox):
        payment = pay(idempotency_key="key-1")
        answer = refusal(client.payments.cancel_by_idempotency_key, idempotency_key="key-1")
        assert answer == (400, INVALID, "DELAYED_TRANSACTION_CAPTURED")
        assert books(sandbox, payment.id)["captured"] == 1000


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"amount_money": {"amount": 1000, "currency": "EUR"}}, 400, "INVALID_VALUE"),
        ({"amount_money": {"amount": "1000", "currency": "USD"}}, 400, "EXPECTED_INTEGER"),
        ({"amount_money": {"amount": 0, "currency": "USD"}}, 400, "VALUE_TOO_LOW"),
        ({"amount_money": {"amount": 5_000_001, "currency": "USD"}}, 400, "AMOUNT_TOO_HIGH"),
        ({"amount_money": {"currency": "USD"}}, 400, "MISSING_REQUIRED_PARAMETER"),
        ({"source_id": ""}, 400, "VALUE_EMPTY"),
        ({"source_id": "cnon:no-such-token"}, 404, "NOT_FOUND"),
        ({"source_id": "CASH"}, 400, "SANDBOX_NOT_SUPPORTED"),
        ({"reference_id": "x" * 41}, 400, "VALUE_TOO_LONG"),
        ({"note": "x" * 501}, 400, "VALUE_TOO_LONG"),
        ({"idempotency_key": "x" * 46}, 400, "VALUE_TOO_LONG"),
        ({"idempotency_key": ""}, 400, "VALUE_EMPTY"),
        ({"location_id": "LNOWHERE"}, 404, "NOT_FOUND"),
        ({"customer_id": "NOBODY"}, 404, "NOT_FOUND"),
        ({"order_id": "NOTHING"}, 404, "NOT_FOUND"),
        ({"delay_duration": "P1D"}, 400, "CONFLICTING_PARAMETERS"),
        ({"delay_duration": "P8D", "autocomplete": False}, 400, "INVALID_VALUE"),
        ({"delay_action": "WAIT", "autocomplete": False}, 400, "INVALID_ENUM_VALUE"),
        ({"accept_partial_authorization": True}, 400, "CONFLICTING_PARAMETERS"),
    ],
)
def test_bad_input_is_refused_and_moves_nothing(client, sandbox, change, status, code):
    given = {"source_id": "cnon:card-nonce-ok", "idempotency_key": "key-1", "amount_money": usd(1000), **change}
    assert refusal(client.payments.create, **given) == (status, INVALID, code)
    assert sandbox.ledger()["entries"] == []


def test_other_currencies_have_a_location_of_their_own(client, sandbox, token, new_key):
    yen = sandbox.deed("location", account=token, id="LTOKYO", currency="JPY")
    assert client.locations.get("LTOKYO").location.currency == yen["currency"] == "JPY"
    given = {"source_id": "cnon:card-nonce-ok", "idempotency_key": new_key(), "location_id": "LTOKYO"}
    payment = client.payments.create(**given, amount_money={"amount": 500, "currency": "JPY"}).payment
    assert sandbox.ledger()["totals"] == {"JPY": {"captured": 500, "refunded": 0}}
    assert payment.location_id == "LTOKYO"
