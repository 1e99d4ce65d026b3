"""Declines, 3-D Secure and what each documented test card does."""

# The SDK declares each field of an error as optional.
# mypy: disable-error-code="union-attr"

import urllib.parse

import pytest
import stripe

from tests.sandbox.browser import visit

DECLINES = [
    ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
    ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
    ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
    ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
    ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
    ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
    ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
    ("pm_card_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"),
    ("pm_card_radarBlock", "card_declined", "fraudulent"),
]


@pytest.mark.parametrize(("token", "code", "decline_code"), DECLINES)
def test_a_decline_is_402_and_carries_the_payment_back_at_the_start(client, pay, sandbox, token, code, decline_code):
    with pytest.raises(stripe.CardError) as declined:
        pay(token)
    error = declined.value
    assert (error.http_status, error.code, error.error.type) == (402, code, "card_error")
    assert getattr(error.error, "decline_code", None) == decline_code
    intent = error.error.payment_intent
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert intent.last_payment_error.code == code
    charge = client.v1.charges.retrieve(error.error.charge)
    assert (charge.status, charge.failure_code, charge.paid) == ("failed", code, False)
    assert sandbox.ledger()["entries"] == []


def test_a_declined_payment_can_be_paid_with_another_card(client, pay):
    with pytest.raises(stripe.CardError) as declined:
        pay("pm_card_visa_chargeDeclined")
    intent_id = declined.value.error.payment_intent.id
    intent = client.v1.payment_intents.confirm(intent_id, {"payment_method": "pm_card_mastercard"})
    assert (intent.status, intent.last_payment_error) == ("succeeded", None)
    assert len(client.v1.charges.list({"payment_intent": intent_id}).data) == 2


@pytest.mark.parametrize(
    ("token", "brand", "funding", "last4"),
    [
        ("pm_card_visa", "visa", "credit", "4242"),
        ("pm_card_visa_debit", "visa", "debit", "5556"),
        ("pm_card_mastercard", "mastercard", "credit", "4444"),
        ("pm_card_amex", "amex", "credit", "0005"),
    ],
)
def test_a_token_becomes_a_payment_method(client, pay, token, brand, funding, last4):
    intent = pay(token, expand=["payment_method"])
    assert intent.payment_method.id.startswith("pm_")
    assert intent.payment_method.id != token
    card = intent.payment_method.card
    assert (card.brand, card.funding, card.last4) == (brand, funding, last4)
    assert card.fingerprint


def test_a_typed_test_card_and_a_tok_token_pay(client, pay):
    typed = client.v1.payment_methods.create(
        {"type": "card", "card": {"number": "4000000000009995", "exp_month": 12, "exp_year": 2040, "cvc": "123"}}
    )
    with pytest.raises(stripe.CardError) as declined:
        pay(typed.id)
    assert declined.value.error.decline_code == "insufficient_funds"
    token = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    assert pay(token.id).status == "succeeded"
    assert "number" not in token.card.to_dict()


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ({"number": "4242424242424241"}, "incorrect_number"),
        ({"exp_year": 2020}, "invalid_expiry_year"),
        ({"exp_month": 13}, "invalid_expiry_month"),
        ({"cvc": "12"}, "invalid_cvc"),
    ],
)
def test_a_card_that_cannot_be_is_refused_when_typed(client, card, code):
    good = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"}
    with pytest.raises(stripe.CardError) as refused:
        client.v1.payment_methods.create({"type": "card", "card": {**good, **card}})
    assert refused.value.code == code


def test_a_real_card_number_is_declined_in_test_mode(client, pay):
    card = {"number": "4539578763621486", "exp_month": 12, "exp_year": 2040, "cvc": "123"}
    with pytest.raises(stripe.CardError) as declined:
        pay(None, payment_method_data={"type": "card", "card": card})
    assert declined.value.error.decline_code == "test_mode_live_card"


# 3-D Secure -----------------------------------------------------------------------------------------------------------


def press(url: str, outcome: str) -> str:
    """Press a button on the 3-D Secure page; where the browser is sent."""
    page = visit(url)
    assert "Complete authentication" in page.html
    assert "Fail authentication" in page.html
    sent = visit(url, {"outcome": outcome})
    assert sent.status == 303
    assert sent.location is not None
    return sent.location


def test_authentication_redirects_back_and_pays(client, pay, sandbox):
    intent = pay("pm_card_threeDSecure2Required", return_url="https://shop.example/back?order=7")
    assert (intent.status, intent.next_action.type) == ("requires_action", "redirect_to_url")
    assert sandbox.ledger()["entries"] == []

    location = press(intent.next_action.redirect_to_url.url, "complete")
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(location).query))
    assert location.startswith("https://shop.example/back?")
    assert query == {
        "order": "7",
        "payment_intent": intent.id,
        "payment_intent_client_secret": intent.client_secret,
        "redirect_status": "succeeded",
    }
    intent = client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert (intent.status, intent.next_action) == ("succeeded", None)
    assert intent.latest_charge.payment_method_details.card.three_d_secure.result == "authenticated"


def test_failed_authentication_leaves_the_payment_unpaid(client, pay, sandbox):
    intent = pay("pm_card_authenticationRequired", return_url="https://shop.example/back")
    location = press(intent.next_action.redirect_to_url.url, "fail")
    assert "redirect_status=failed" in location
    intent = client.v1.payment_intents.retrieve(intent.id)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error.code == "payment_intent_authentication_failure"
    assert sandbox.ledger()["entries"] == []


def test_the_page_opens_only_with_the_client_secret(pay):
    intent = pay("pm_card_authenticationRequired", return_url="https://shop.example/back")
    url = intent.next_action.redirect_to_url.url
    assert visit(url[:-3] + "xxx").status == 404


def test_without_a_return_url_the_action_is_for_stripe_js(client, pay, sandbox):
    intent = pay("pm_card_threeDSecure2Required")
    assert intent.next_action.type == "use_stripe_sdk"
    sandbox.complete_action(intent.id)
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_manual_confirmation_confirms_again_after_the_action(client, pay, sandbox):
    intent = pay("pm_card_threeDSecure2Required", confirmation_method="manual")
    sandbox.complete_action(intent.id)
    assert client.v1.payment_intents.retrieve(intent.id).status == "requires_confirmation"
    assert client.v1.payment_intents.confirm(intent.id).status == "succeeded"


def test_authentication_then_a_decline(client, pay, sandbox):
    intent = pay("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds")
    sandbox.complete_action(intent.id)
    intent = client.v1.payment_intents.retrieve(intent.id)
    assert intent.last_payment_error.decline_code == "insufficient_funds"


def test_authentication_then_a_capture(client, pay, sandbox):
    intent = pay("pm_card_threeDSecure2Required", capture_method="manual")
    sandbox.complete_action(intent.id)
    assert client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 400}).amount_received == 400


def test_a_call_may_refuse_to_wait_for_an_action(pay):
    with pytest.raises(stripe.CardError) as declined:
        pay("pm_card_threeDSecure2Required", error_on_requires_action=True)
    assert declined.value.code == "authentication_required"


def test_stripe_js_confirms_and_looks_with_the_publishable_key(client, key, make_client):
    intent = client.v1.payment_intents.create({"amount": 1000, "currency": "usd"})
    browser = make_client(key.replace("sk_", "pk_"))
    secret = {"client_secret": intent.client_secret}
    paid = browser.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa", **secret})
    assert paid.status == "succeeded"
    assert browser.v1.payment_intents.retrieve(intent.id, secret).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError):
        browser.v1.payment_intents.retrieve(intent.id, {"client_secret": "wrong"})
    with pytest.raises(stripe.InvalidRequestError):
        browser.v1.payment_intents.retrieve(intent.id)
    with pytest.raises(stripe.AuthenticationError):
        browser.v1.payment_intents.list()


def test_stripe_js_sends_its_key_in_the_form(process, client, key):
    intent = client.v1.payment_intents.create({"amount": 1000, "currency": "usd"})
    query = urllib.parse.urlencode({"key": key.replace("sk_", "pk_"), "client_secret": intent.client_secret})
    assert visit(f"{process.url_of('stripe')}/v1/payment_intents/{intent.id}?{query}").status == 200
