"""Payment links, their page, and the orders behind them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sandbox.browser import visit
from tests.sandbox.square.conftest import refusal, usd

FORM = {"email": "ada@shop.example", "number": "4111 1111 1111 1111", "expiry": "12 / 30", "cvv": "111"}
BACK = {"redirect_url": "https://shop.example/back?order=7"}


def test_a_link_is_paid_on_its_page(link, client, sandbox):
    made = link(payment_note="ref-7", checkout_options=BACK, description="Two books")
    page = visit(made.url)
    assert (page.status, "Pay $12.00" in page.html, "Two books" in page.html) == (200, True, True)
    paid = visit(made.url, FORM)
    assert (paid.status, paid.location) == (
        303,
        f"https://shop.example/back?order=7&transactionId={made.order_id}&orderId={made.order_id}",
    )
    order = client.orders.get(made.order_id).order
    payment = client.payments.get(order.tenders[0].payment_id).payment
    assert (payment.status, payment.order_id, payment.note) == ("COMPLETED", made.order_id, "ref-7")
    assert (payment.amount_money.amount, payment.buyer_email_address) == (1200, "ada@shop.example")
    assert order.net_amount_due_money.amount == 0
    assert sandbox.ledger()["payments"][payment.id]["metadata"] == {"note": "ref-7"}


def test_a_link_is_paid_once(link, sandbox):
    made = link()
    assert visit(made.url, FORM).status == 200
    assert "Thank you" in visit(made.url, FORM).html
    with pytest.raises(Exception, match="paid already"):
        sandbox.pay_session(made.id)
    assert len(sandbox.ledger()["payments"]) == 1


def test_a_test_may_pay_a_link_twice_and_with_another_amount(link, client, sandbox):
    made = link()
    sandbox.pay_session(made.id)
    sandbox.deed("pay_session", session=made.order_id, again=True, amount=700)
    order = client.orders.get(made.order_id).order
    assert [tender.amount_money.amount for tender in order.tenders] == [1200, 700]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"number": "4000000000000002"}, "declined"),
        ({"cvv": "911"}, "security code"),
        ({"postal_code": "99999"}, "postal code"),
        ({"expiry": "01/40"}, "expiry"),
        ({"expiry": "next year"}, "expiry"),
        ({"number": "1234"}, "no card"),
    ],
)
def test_what_is_refused_may_be_tried_again(link, sandbox, change, words):
    made = link()
    refused = visit(made.url, {**FORM, **change})
    assert (refused.status, words in refused.html) == (402, True)
    assert 'value="ada@shop.example"' in refused.html
    assert sandbox.ledger()["payments"] == {}
    assert visit(made.url, FORM).status == 200
    assert len(sandbox.ledger()["payments"]) == 1


def test_a_link_for_an_order_carries_its_reference(client, seller, sandbox, new_key):
    lines = [{"name": "Book", "quantity": "2", "base_price_money": usd(500)}]
    order = {"location_id": seller["location_id"], "reference_id": "order-7", "line_items": lines}
    made = client.checkout.payment_links.create(idempotency_key=new_key(), order=order)
    shown = made.related_resources.orders[0]
    assert (shown.state, shown.reference_id, shown.total_money.amount) == ("DRAFT", "order-7", 1000)
    payment = sandbox.pay_session(made.payment_link.id)
    assert "reference_id" not in payment
    assert sandbox.ledger()["payments"][payment["id"]]["metadata"] == {"order_reference_id": "order-7"}


def test_two_who_pay_at_once_pay_once(link, sandbox):
    made = link()
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda _: visit(made.url, FORM), range(8)))
    assert {page.status for page in pages} == {200}
    assert len(sandbox.ledger()["payments"]) == 1


def test_links_are_listed_changed_and_deleted(link, client):
    first, second = link(), link()
    listed = list(client.checkout.payment_links.list())
    assert [one.id for one in listed] == [second.id, first.id]
    change = {"version": first.version, "description": "New"}
    changed = client.checkout.payment_links.update(first.id, payment_link=change).payment_link
    assert (changed.description, changed.version) == ("New", 2)
    assert refusal(client.checkout.payment_links.update, first.id, payment_link=change)[2] == "CONFLICT"
    assert client.checkout.payment_links.delete(first.id).cancelled_order_id == first.order_id
    assert client.orders.get(first.order_id).order.state == "CANCELED"
    assert refusal(client.checkout.payment_links.get, first.id)[::2] == (404, "NOT_FOUND")
    assert visit(first.url).status == 404


def test_deleting_a_paid_link_leaves_its_order(link, client, sandbox):
    made = link()
    sandbox.pay_session(made.id)
    assert client.checkout.payment_links.delete(made.id).cancelled_order_id is None
    assert client.orders.get(made.order_id).order.state == "OPEN"


def test_the_dashboard_may_take_a_link_back(link, client, sandbox):
    made = link()
    sandbox.expire_session(made.id)
    assert visit(made.url).status == 404
    assert client.orders.get(made.order_id).order.state == "CANCELED"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "BAD_REQUEST"),
        ({"quick_pay": {"name": "x"}}, "MISSING_REQUIRED_PARAMETER"),
        ({"order": {"location_id": "LNOWHERE"}}, "NOT_FOUND"),
        ({"description": "x" * 4097}, "BAD_REQUEST"),
    ],
)
def test_a_link_that_makes_no_sense_is_refused(client, given, code):
    assert refusal(client.checkout.payment_links.create, **given)[2] == code


def test_a_return_address_must_be_one(link, client, seller):
    quick = {"name": "x", "price_money": usd(1), "location_id": seller["location_id"]}
    options = {"redirect_url": "javascript:alert(1)"}
    call = client.checkout.payment_links.create
    assert refusal(call, quick_pay=quick, checkout_options=options)[2] == "INVALID_VALUE"


class TestOrders:
    def make(self, client, seller, amount=500, **more):
        lines = [{"name": "Book", "quantity": "1", "base_price_money": usd(amount)}]
        return client.orders.create(order={"location_id": seller["location_id"], "line_items": lines, **more}).order

    def test_a_payment_pays_an_order(self, client, seller, pay, sandbox):
        order = self.make(client, seller, reference_id="order-7")
        payment = pay(amount=500, order_id=order.id)
        seen = client.orders.get(order.id).order
        assert (seen.state, seen.tenders[0].payment_id) == ("COMPLETED", payment.id)
        assert sandbox.ledger()["payments"][payment.id]["metadata"] == {"order_reference_id": "order-7"}

    def test_an_order_takes_what_is_due_and_no_more(self, client, seller, pay, new_key):
        order = self.make(client, seller)
        given = {"source_id": "cnon:card-nonce-ok", "order_id": order.id, "idempotency_key": new_key()}
        assert refusal(client.payments.create, amount_money=usd(499), **given)[2] == "PAYMENT_AMOUNT_MISMATCH"
        pay(amount=500, order_id=order.id)
        given["idempotency_key"] = new_key()
        assert refusal(client.payments.create, amount_money=usd(500), **given)[2] == "BAD_REQUEST"

    def test_orders_are_found_by_id_and_by_state(self, client, seller, link):
        order, made = self.make(client, seller), link()
        both = client.orders.batch_get(order_ids=[order.id, "NOTHING", made.order_id]).orders
        assert [one.id for one in both] == [order.id, made.order_id]
        query = {"filter": {"state_filter": {"states": ["DRAFT"]}}}
        found = client.orders.search(location_ids=[seller["location_id"]], query=query).orders
        assert [one.id for one in found] == [made.order_id]

    def test_every_payment_has_an_order(self, pay, client):
        payment = pay()
        order = client.orders.get(payment.order_id).order
        assert (order.state, order.tenders[0].payment_id) == ("COMPLETED", payment.id)


def test_receipts_and_other_pages(pay, process):
    assert "$10.00, completed" in visit(pay().receipt_url).html
    assert visit(f"{process.url_of('square')}/receipt/nothing").status == 404
    assert visit(f"{process.url_of('square')}/elsewhere").status == 404
