"""The states of a PaymentIntent, through the official SDK."""

# The SDK declares each field of an error as optional.
# mypy: disable-error-code="union-attr"

import pytest
import stripe


def test_a_payment_is_created_confirmed_and_succeeds(client, sandbox):
    intent = client.v1.payment_intents.create({"amount": 1999, "currency": "EUR", "metadata": {"order": "7"}})
    assert (intent.status, intent.amount, intent.currency) == ("requires_payment_method", 1999, "eur")
    assert intent.client_secret.startswith(f"{intent.id}_secret_")

    intent = client.v1.payment_intents.update(intent.id, {"payment_method": "pm_card_visa", "description": "A book"})
    assert intent.status == "requires_confirmation"

    intent = client.v1.payment_intents.confirm(intent.id, {"return_url": "https://shop.example/back"})
    assert (intent.status, intent.amount_received, intent.amount_capturable) == ("succeeded", 1999, 0)
    charge = client.v1.charges.retrieve(intent.latest_charge)
    assert (charge.amount, charge.amount_captured, charge.captured, charge.paid) == (1999, 1999, True, True)
    assert charge.metadata["order"] == "7"
    books = sandbox.ledger()["payments"][intent.id]
    assert (books["authorized"], books["captured"], books["status"]) == (1999, 1999, "succeeded")
    assert books["metadata"] == {"order": "7"}


def test_a_full_capture_takes_what_was_authorised(client, pay, sandbox):
    intent = pay(amount=5000, capture_method="manual")
    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("requires_capture", 5000, 0)
    assert sandbox.ledger()["payments"][intent.id]["captured"] == 0

    intent = client.v1.payment_intents.capture(intent.id)
    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("succeeded", 0, 5000)


def test_a_partial_capture_releases_the_rest(client, pay, sandbox):
    intent = pay(amount=5000, capture_method="manual")
    intent = client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 3000})
    assert (intent.status, intent.amount_received) == ("succeeded", 3000)
    books = sandbox.ledger()["payments"][intent.id]
    assert (books["authorized"], books["captured"], books["released"], books["refunded"]) == (5000, 3000, 2000, 0)
    charge = client.v1.charges.retrieve(intent.latest_charge)
    assert (charge.amount_captured, charge.amount_refunded, charge.refunded) == (3000, 2000, False)


def test_capture_takes_no_more_than_is_capturable(client, pay):
    intent = pay(amount=5000, capture_method="manual")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 5001})
    assert refused.value.code == "amount_too_large"
    assert client.v1.payment_intents.retrieve(intent.id).amount_capturable == 5000


def test_several_captures_where_asked_for(client, pay, sandbox):
    options = {"card": {"request_multicapture": "if_available"}}
    intent = pay(amount=5000, capture_method="manual", payment_method_options=options)
    intent = client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1000, "final_capture": False})
    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("requires_capture", 4000, 1000)
    intent = client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 2500})
    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("succeeded", 0, 3500)
    assert sandbox.ledger()["payments"][intent.id]["released"] == 1500


def test_a_capture_that_is_not_final_needs_multicapture(client, pay):
    intent = pay(amount=5000, capture_method="manual")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1000, "final_capture": False})
    assert refused.value.param == "final_capture"


def test_cancel_releases_an_authorisation(client, pay, sandbox):
    intent = pay(amount=5000, capture_method="manual")
    intent = client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "requested_by_customer"})
    assert (intent.status, intent.cancellation_reason, intent.amount_capturable) == (
        "canceled",
        "requested_by_customer",
        0,
    )
    books = sandbox.ledger()["payments"][intent.id]
    assert (books["released"], books["captured"], books["refunded"]) == (5000, 0, 0)


def test_an_authorisation_runs_out_on_the_clock(client, pay, sandbox):
    intent = pay(amount=5000, capture_method="manual")
    sandbox.advance(6 * 86400)
    assert client.v1.payment_intents.retrieve(intent.id).status == "requires_capture"
    sandbox.advance(86400 + 1)
    intent = client.v1.payment_intents.retrieve(intent.id)
    assert (intent.status, intent.cancellation_reason) == ("canceled", "automatic")
    assert sandbox.ledger()["payments"][intent.id]["released"] == 5000


@pytest.mark.parametrize("move", ["confirm", "capture", "cancel"])
def test_a_payment_that_is_done_refuses_other_moves_and_shows_itself(client, pay, move):
    intent = pay()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        getattr(client.v1.payment_intents, move)(intent.id)
    assert refused.value.http_status == 400
    assert refused.value.code == "payment_intent_unexpected_state"
    assert refused.value.error.payment_intent.id == intent.id


def test_a_cancelled_payment_cannot_be_confirmed(client):
    intent = client.v1.payment_intents.create({"amount": 1000, "currency": "usd"})
    client.v1.payment_intents.cancel(intent.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert refused.value.code == "payment_intent_unexpected_state"


def test_confirm_needs_a_payment_method(client):
    intent = client.v1.payment_intents.create({"amount": 1000, "currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.confirm(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"


def test_confirm_needs_a_return_url_where_methods_may_redirect(client):
    params = {"amount": 1000, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa"}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create(params)
    assert refused.value.param == "return_url"
    never = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    assert client.v1.payment_intents.create({**params, **never}).status == "succeeded"


def test_a_bank_debit_is_processing_until_the_bank_answers(client, pay, sandbox):
    bank = {"payment_method_types": ["us_bank_account"]}
    intent = pay("pm_usBankAccount_success", **bank)
    assert (intent.status, intent.amount_received) == ("processing", 0)
    assert sandbox.ledger()["entries"] == []
    sandbox.settle(intent.id)
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"

    intent = pay("pm_usBankAccount_insufficientFunds", **bank)
    sandbox.settle(intent.id)
    intent = client.v1.payment_intents.retrieve(intent.id)
    assert (intent.status, intent.last_payment_error.code) == ("requires_payment_method", "insufficient_funds")


def test_a_method_of_another_kind_is_refused(pay):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        pay("pm_usBankAccount_success")
    assert refused.value.param == "payment_method"


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"currency": "usd"}, "parameter_missing", "amount"),
        ({"amount": 1000}, "parameter_missing", "currency"),
        ({"amount": 0, "currency": "usd"}, "parameter_invalid_integer", "amount"),
        ({"amount": -5, "currency": "usd"}, "parameter_invalid_integer", "amount"),
        ({"amount": "10.5", "currency": "usd"}, "parameter_invalid_integer", "amount"),
        ({"amount": "1e3", "currency": "usd"}, "parameter_invalid_integer", "amount"),
        ({"amount": "\uff11\uff10\uff10\uff10", "currency": "usd"}, "parameter_invalid_integer", "amount"),
        ({"amount": 49, "currency": "usd"}, "amount_too_small", "amount"),
        ({"amount": 100_000_000, "currency": "usd"}, "amount_too_large", "amount"),
        ({"amount": 1001, "currency": "kwd"}, "parameter_invalid_integer", "amount"),
        ({"amount": 1000, "currency": "xyz"}, None, "currency"),
        ({"amount": 1000, "currency": "usd", "colour": "red"}, "parameter_unknown", "colour"),
        ({"amount": 1000, "currency": "usd", "customer": "cus_nobody"}, "resource_missing", "customer"),
        ({"amount": 1000, "currency": "usd", "payment_method": "pm_nothing"}, "resource_missing", "payment_method"),
        ({"amount": 1000, "currency": "usd", "capture_method": "later"}, None, "capture_method"),
        ({"amount": 1000, "currency": "usd", "off_session": True}, None, "off_session"),
        ({"amount": 1000, "currency": "usd", "metadata": {"k": "v" * 501}}, None, "metadata"),
    ],
)
def test_bad_parameters_are_refused_by_name(client, sandbox, params, code, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create(params)
    assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, param)
    assert sandbox.ledger()["entries"] == []


@pytest.mark.parametrize(("currency", "amount"), [("jpy", 500), ("kwd", 1230), ("usd", 50), ("pkr", 1)])
def test_amounts_are_minor_units_as_they_are(pay, sandbox, currency, amount):
    intent = pay(amount=amount, currency=currency)
    assert (intent.amount_received, intent.currency) == (amount, currency)
    assert sandbox.ledger()["totals"] == {currency: {"captured": amount, "refunded": 0}}


def test_lists_are_paged_newest_first_and_filtered(client):
    customer = client.v1.customers.create({"name": "Ada"})
    made = [client.v1.payment_intents.create({"amount": 1000 + n, "currency": "usd"}).id for n in range(5)]
    mine = client.v1.payment_intents.create({"amount": 2000, "currency": "usd", "customer": customer.id})

    page = client.v1.payment_intents.list({"limit": 2})
    assert [intent.id for intent in page.data] == [mine.id, made[4]]
    assert page.has_more
    assert [i.id for i in client.v1.payment_intents.list({"limit": 2}).auto_paging_iter()] == [mine.id, *made[::-1]]
    older = client.v1.payment_intents.list({"starting_after": made[1]})
    assert [intent.id for intent in older.data] == [made[0]]
    newer = client.v1.payment_intents.list({"ending_before": made[4]})
    assert [intent.id for intent in newer.data] == [mine.id]
    assert [i.id for i in client.v1.payment_intents.list({"customer": customer.id}).data] == [mine.id]
    assert client.v1.payment_intents.list({"created": {"gt": mine.created}}).data == []
    assert len(client.v1.payment_intents.list({"created": {"gte": mine.created - 60, "lte": mine.created}}).data) == 6


def test_expand_puts_objects_in_the_place_of_ids(client, pay):
    intent = pay(expand=["latest_charge.balance_transaction", "payment_method"])
    assert intent.latest_charge.balance_transaction.net == 1000 - 59
    assert intent.payment_method.card.last4 == "4242"
    listed = client.v1.payment_intents.list({"expand": ["data.latest_charge"]})
    assert listed.data[0].latest_charge.paid
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.retrieve(intent.id, {"expand": ["nonsense"]})


def test_metadata_is_merged_and_unset_key_by_key(client):
    intent = client.v1.payment_intents.create({"amount": 1000, "currency": "usd", "metadata": {"a": "1", "b": "2"}})
    intent = client.v1.payment_intents.update(intent.id, {"metadata": {"a": "", "c": "3"}})
    assert intent.metadata.to_dict() == {"b": "2", "c": "3"}
    assert client.v1.payment_intents.update(intent.id, {"metadata": ""}).metadata.to_dict() == {}


def test_a_paid_intent_keeps_its_amount(client, pay):
    intent = pay()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.update(intent.id, {"amount": 500})
    assert refused.value.code == "payment_intent_unexpected_state"
    assert client.v1.payment_intents.update(intent.id, {"metadata": {"a": "b"}}).amount == 1000
