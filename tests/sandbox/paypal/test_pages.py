"""PayPal's pages, driven by form posts as a browser makes them."""

from typing import Any

import pytest

from tests.sandbox.browser import visit


def page_of(order: Any) -> str:
    return str(next(link["href"] for link in order["links"] if link["rel"] in ("approve", "payer-action")))


def test_a_buyer_logs_in_and_pays(shop):
    context = {"return_url": "https://shop.example/back?n=1", "cancel_url": "https://shop.example/cart"}
    wallet = {"experience_context": {**context, "brand_name": "<b>Books</b>", "user_action": "PAY_NOW"}}
    order = shop.order(description="A book & more", wallet=wallet)
    page = visit(page_of(order))
    assert page.status == 200
    for text in ("Pay 10.00 USD", "&lt;b&gt;Books&lt;/b&gt;", "A book &amp; more", "pays@buyer.example", "Pay now"):
        assert text in page.html
    sent = visit(page_of(order), {"buyer": "pays", "outcome": "approve"})
    back = f"https://shop.example/back?n=1&token={order['id']}&PayerID=QYR5Z8XDVJNXQ"
    assert (sent.status, sent.location) == (303, back)
    assert visit(page_of(order)).location == back
    assert shop.take(order)["status"] == "COMPLETED"
    assert visit(page_of(order)).location == back


def test_a_buyer_cancels_and_may_come_back(shop):
    order = shop.order()
    sent = visit(page_of(order), {"buyer": "pays", "outcome": "cancel"})
    assert (sent.status, sent.location) == (303, f"https://shop.example/cart?token={order['id']}")
    assert visit(page_of(order), {"buyer": "pays", "outcome": "approve"}).status == 303


def test_a_declined_buyer_chooses_another_account(shop):
    order = shop.order()
    visit(page_of(order), {"buyer": "declined", "outcome": "approve"})
    shop.refused(lambda: shop.take(order))
    assert visit(page_of(order)).status == 200
    visit(page_of(order), {"buyer": "pays", "outcome": "approve"})
    assert shop.take(order)["status"] == "COMPLETED"


@pytest.mark.parametrize("form", [{}, {"buyer": "nobody"}])
def test_a_form_without_a_buyer_is_shown_again(shop, form):
    page = visit(page_of(shop.order()), {**form, "outcome": "approve"})
    assert page.status == 400
    assert "no such test buyer" in page.html


def test_an_order_without_addresses_ends_on_paypals_page(shop):
    unit = {"amount": {"currency_code": "USD", "value": "10.00"}, "items": []}
    order = shop.post("v2/checkout/orders", {"intent": "CAPTURE", "purchase_units": [unit]})
    assert "Nothing was approved" in visit(page_of(order), {"outcome": "cancel"}).html
    assert "You may close this window" in visit(page_of(order), {"buyer": "pays", "outcome": "approve"}).html


def test_an_order_that_ran_out_is_not_approved(shop):
    order = shop.order()
    shop.sandbox.expire_session(order["id"])
    page = visit(page_of(order), {"buyer": "pays", "outcome": "approve"})
    assert page.status == 410
    assert "The time to approve it is over" in page.html


def test_a_voided_order_is_not_approved(shop):
    order = shop.order()
    shop.sandbox.deed("void_order", session=order["id"])
    assert visit(page_of(order)).status == 410


@pytest.mark.parametrize("path", ["/checkoutnow", "/checkoutnow?token=5O190127TN364715T", "/somewhere"])
def test_there_is_no_other_page(process, path):
    assert visit(process.url_of("paypal") + path).status == 404


def test_a_wallet_is_saved_on_the_page(shop):
    context = {"return_url": "https://shop.example/saved", "cancel_url": "https://shop.example/cart"}
    body = {"payment_source": {"paypal": {"usage_type": "MERCHANT", "experience_context": context}}}
    setup = shop.post("v3/vault/setup-tokens", body)
    page = visit(page_of(setup))
    assert "Save PayPal for later" in page.html
    sent = visit(page_of(setup), {"buyer": "pays", "outcome": "approve"})
    assert sent.location == (
        f"https://shop.example/saved?approval_token_id={setup['id']}&approval_session_id={setup['id']}"
    )
    shop.sandbox.advance(3 * 86400 + 1)
    assert visit(page_of(setup)).status == 410


def test_the_page_names_every_test_buyer_and_loads_nothing_from_elsewhere(shop):
    html = visit(page_of(shop.order())).html
    assert html.count('type="radio"') == 11
    assert html.count("checked") == 1
    assert not any(word in html for word in ("<script", "<link", "src=", "http://", "https://"))
