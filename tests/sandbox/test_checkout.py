"""The hosted checkout, driven by form posts as a browser makes them."""

import time

import pytest
import stripe

from tests.sandbox.browser import visit

SUCCESS = "https://shop.example/thanks?session={CHECKOUT_SESSION_ID}"
ITEM = {
    "price_data": {"currency": "usd", "unit_amount": 1500, "product_data": {"name": "A <b>book</b>"}},
    "quantity": 2,
}
CARD = {"email": "ada@example.com", "expiry": "12 / 40", "cvc": "123", "name": "Ada"}


def form(number: str) -> dict[str, str]:
    return {**CARD, "number": number}


@pytest.fixture
def make(client):
    def do(**more):
        params = {
            "mode": "payment",
            "line_items": [ITEM],
            "success_url": SUCCESS,
            "cancel_url": "https://shop.example/cart",
            **more,
        }
        return client.v1.checkout.sessions.create(params)

    return do


def test_a_customer_pays_on_the_page(client, make, sandbox, receiver, endpoint):
    data = {"metadata": {"payment": "p1"}, "description": "Order 7"}
    session = make(client_reference_id="order-7", metadata={"order": "7"}, payment_intent_data=data)
    assert (session.status, session.payment_status, session.amount_total) == ("open", "unpaid", 3000)
    assert session.payment_intent is None

    page = visit(session.url)
    assert page.status == 200
    assert "$30.00" in page.html
    assert "A &lt;b&gt;book&lt;/b&gt;" in page.html
    assert 'href="https://shop.example/cart"' in page.html

    sent = visit(session.url, form("4242 4242 4242 4242"))
    assert (sent.status, sent.location) == (303, f"https://shop.example/thanks?session={session.id}")
    session = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert (session.status, session.payment_status, session.url) == ("complete", "paid", None)
    assert session.customer_details.email == "ada@example.com"
    intent = session.payment_intent
    assert (intent.amount_received, intent.metadata.to_dict()) == (3000, {"payment": "p1"})
    assert sandbox.ledger()["payments"][intent.id]["captured"] == 3000
    assert sandbox.wait_idle()
    completed = receiver.heard[-1].verified(endpoint.secret)
    assert completed.type == "checkout.session.completed"
    assert completed.data.object.client_reference_id == "order-7"
    assert [i.id for i in client.v1.checkout.sessions.list({"payment_intent": intent.id}).data] == [session.id]


def test_a_decline_is_shown_and_another_card_may_be_tried(client, make, sandbox):
    session = make()
    declined = visit(session.url, form("4000000000009995"))
    assert declined.status == 402
    assert "insufficient funds" in declined.html
    assert "4000000000009995" not in declined.html
    first = client.v1.checkout.sessions.retrieve(session.id)
    assert first.status == "open"
    assert visit(session.url, form("4242424242424242")).status == 303
    again = client.v1.checkout.sessions.retrieve(session.id)
    assert (again.status, again.payment_intent) == ("complete", first.payment_intent)
    assert len(sandbox.ledger()["payments"]) == 1


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"number": "4242424242424241"}, "number is incorrect"),
        ({"expiry": "01/20"}, "expiration year is invalid"),
        ({"expiry": "soon"}, "Invalid integer"),
        ({"cvc": "1"}, "security code"),
    ],
)
def test_a_typing_error_is_shown(make, wrong, text):
    page = visit(make().url, {**form("4242424242424242"), **wrong})
    assert page.status == 402
    assert text in page.html


def test_authentication_on_the_way(client, make):
    session = make()
    step = visit(session.url, form("4000000000003220"))
    assert step.status == 303
    back = visit(step.location, {"outcome": "complete"})
    done = visit(back.location)
    assert done.location == f"https://shop.example/thanks?session={session.id}"
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_failed_authentication_shows_the_form_again(client, make):
    session = make()
    step = visit(session.url, form("4000000000003220"))
    back = visit(step.location, {"outcome": "fail"})
    page = visit(back.location)
    assert page.status == 402
    assert "failed authentication" in page.html
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"
    assert visit(step.location).status == 409


def test_authorise_now_and_capture_later(client, make):
    session = make(payment_intent_data={"capture_method": "manual"})
    visit(session.url, form("4242424242424242"))
    session = client.v1.checkout.sessions.retrieve(session.id)
    assert (session.status, session.payment_status) == ("complete", "unpaid")
    assert client.v1.payment_intents.capture(session.payment_intent).amount_received == 3000


def test_a_session_expires_on_the_clock(client, make, sandbox, receiver, endpoint):
    session = make(expires_at=int(time.time()) + 3600)
    sandbox.advance(3601)
    page = visit(f"{session.url}")
    assert page.status == 410
    assert client.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert sandbox.wait_idle()
    assert receiver.types() == ["checkout.session.expired"]
    assert visit(session.url, form("4242424242424242")).status == 410
    assert sandbox.ledger()["entries"] == []


def test_a_session_is_expired_by_the_shop(client, make):
    session = make()
    assert client.v1.checkout.sessions.expire(session.id).status == "expired"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.expire(session.id)


def test_a_paid_session_is_not_paid_twice(make, sandbox):
    session = make()
    visit(session.url, form("4242424242424242"))
    again = visit(session.url, form("4242424242424242"))
    assert again.location == f"https://shop.example/thanks?session={session.id}"
    assert sandbox.ledger()["totals"] == {"usd": {"captured": 3000, "refunded": 0}}


def test_a_card_is_saved_without_a_payment(client, make, sandbox):
    customer = client.v1.customers.create({"name": "Ada"})
    session = client.v1.checkout.sessions.create({"mode": "setup", "customer": customer.id, "success_url": SUCCESS})
    step = visit(session.url, form("4000002500003155"))
    back = visit(step.location, {"outcome": "complete"})
    assert visit(back.location).status == 303
    saved = client.v1.customers.payment_methods.list(customer.id).data
    assert [method.card.last4 for method in saved] == ["3155"]
    assert sandbox.ledger()["entries"] == []


def test_a_test_may_pay_in_the_customers_place(client, make, sandbox):
    session = make(customer_creation="always")
    sandbox.pay_session(session.id, card="4000000000003220", outcome="succeed")
    session = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["customer"]})
    assert session.payment_status == "paid"
    assert session.customer.id.startswith("cus_")


def test_line_items_are_listed(client, make):
    items = client.v1.checkout.sessions.line_items.list(make().id).data
    assert [(item.description, item.quantity, item.amount_total) for item in items] == [("A <b>book</b>", 2, 3000)]


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"mode": "payment", "line_items": [ITEM]}, "success_url"),
        ({"line_items": [ITEM], "success_url": SUCCESS}, "mode"),
        ({"mode": "payment", "success_url": SUCCESS}, "line_items"),
        ({"mode": "subscription", "success_url": SUCCESS}, "mode"),
        ({"mode": "payment", "line_items": [{"price": "price_1"}], "success_url": SUCCESS}, "line_items[0][price]"),
        ({"mode": "payment", "line_items": [ITEM], "success_url": SUCCESS, "expires_at": 1}, "expires_at"),
    ],
)
def test_a_bad_session_is_refused(client, params, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.create(params)
    assert refused.value.param == param


def test_pages_that_are_not_there(process):
    for path in ("/stripe/pay/cs_test_nothing", "/stripe/authenticate/pi_nothing?secret=x", "/stripe/elsewhere"):
        assert visit(process.url + path).status == 404
