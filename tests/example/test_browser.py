"""The shop in a real browser: its script, under its own content security policy, pays through the hub's API."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.example.browsers import WAIT_MS, assert_fits, log_in, order, order_as_customer, pay_on_hosted_page

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def refuse(route: Route) -> None:
    """The hub's answer, as it is while only a refusal is known."""
    told = route.fetch().json()
    failure = {"code": "card_declined", "message": "Declined."}
    route.fulfill(json={**told, "status": "requires_action", "failure": failure})


def test_a_guest_pays_by_a_card_that_asks_for_3d_secure(page: Page) -> None:
    # given an order, and a card that is declined first
    order(page, "Wool blanket")
    assert_fits(page)
    page.get_by_role("button", name="Pay $149.95").click()
    page.wait_for_url("**/stripe/pay/**")
    pay_on_hosted_page(page, "4000 0000 0000 9995")
    expect(page.get_by_role("alert")).to_be_visible()
    # when another card is used, and the bank's question answered
    pay_on_hosted_page(page, "4000 0000 0000 3220")
    page.get_by_role("button", name="Complete").click()
    # then the shop says thank you, and the order is paid
    page.wait_for_url("**/thanks/**")
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible(timeout=WAIT_MS)
    assert_fits(page)
    page.get_by_role("link", name="To the order").click()
    expect(page.locator(".heading .badge")).to_have_text("paid")
    expect(page.get_by_role("button", name="Pay")).to_have_count(0)
    assert_fits(page)


def test_who_turns_back_at_the_provider_can_pay_after_all(page: Page) -> None:
    # given a guest who went to pay and came back without paying
    order(page, "Desk lamp")
    page.get_by_role("button", name="Pay $89.00").click()
    page.get_by_role("link", name="Back to the shop").click()
    page.wait_for_url("**/orders/*/")
    # when he tries again
    page.get_by_role("button", name="Pay $89.00").click()
    page.wait_for_url("**/stripe/pay/**")
    pay_on_hosted_page(page, "4242 4242 4242 4242")
    # then it is paid
    page.wait_for_url("**/thanks/**")
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible(timeout=WAIT_MS)


def test_a_shop_that_cannot_be_reached_says_so_and_keeps_the_button(page: Page) -> None:
    order(page, "Field notebook")
    page.route("**/api/payments/", lambda route: route.abort())
    button = page.get_by_role("button", name="Pay $12.90")
    button.click()
    expect(page.get_by_role("alert")).to_contain_text("could not be reached")
    expect(button).to_be_enabled()


def wait_on_thanks_page(page: Page) -> str:
    """Stand on the page for those who come back, with nothing paid yet; the address of the provider's page."""
    order(page, "Stoneware mug")
    order_url = page.url
    page.route("**/stripe/pay/**", lambda route: route.fulfill(status=204))  # the browser stays where it is
    with page.expect_response("**/api/payments/") as answered:
        page.get_by_role("button", name="Pay $24.50").click()
    payment = answered.value.json()
    page.goto(f"{order_url}thanks/?payment_id={payment['id']}")
    expect(page.get_by_role("heading", name="One moment")).to_be_visible()
    return str(payment["next_action"]["url"])


def pay_in_another_window(page: Page, url: str) -> None:
    other = page.context.new_page()
    other.goto(url)
    other.get_by_label("Email").fill("guest@example.com")
    pay_on_hosted_page(other, "4242 4242 4242 4242")


def test_who_waits_is_told_when_the_status_is_known(page: Page) -> None:
    # given a customer who waits
    hosted_url = wait_on_thanks_page(page)
    expect(page.get_by_role("heading", name="Thank you")).to_be_hidden()
    assert_fits(page)
    # when the payment is made in another window
    pay_in_another_window(page, hosted_url)
    # then the first one finds out by itself
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_role("heading", name="One moment")).to_be_hidden()


def test_a_refusal_that_is_known_first_is_not_the_last_word(page: Page) -> None:
    # given a customer who waits, of whom the hub knows that his first card was refused
    page.route("**/api/payments/*/status/", refuse)
    hosted_url = wait_on_thanks_page(page)
    # when that stays so for a while, then he is told
    expect(page.get_by_role("heading", name="Not paid", exact=True)).to_be_visible(timeout=WAIT_MS)
    # and is told better as soon as his second card is known
    pay_in_another_window(page, hosted_url)
    page.unroute("**/api/payments/*/status/")
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_role("heading", name="Not paid", exact=True)).to_be_hidden()


def test_a_guest_approves_at_paypal_and_the_hub_captures(page: Page) -> None:
    order(page, "Desk lamp")
    page.get_by_label("PayPal").check()
    page.get_by_role("button", name="Pay $89.00").click()
    page.wait_for_url("**/paypal/checkoutnow**")
    assert_fits(page)
    page.get_by_role("button", name="Pay now").click()
    page.wait_for_url("**/thanks/**")
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible(timeout=WAIT_MS)


def test_a_guest_is_told_how_to_transfer_the_money(page: Page) -> None:
    order(page, "Stoneware mug")
    page.get_by_label("Bank transfer").check()
    page.get_by_role("button", name="Pay $24.50").click()
    page.wait_for_url("**/thanks/**")
    expect(page.get_by_role("heading", name="Your order waits for your payment")).to_be_visible()
    expect(page.locator(".instructions")).to_contain_text("RF")
    expect(page.get_by_role("heading", name="One moment")).to_be_hidden()
    assert_fits(page)
    # and finds it again on the order's page
    page.get_by_role("link", name="To the order").click()
    page.get_by_role("link", name="How to pay").click()
    expect(page.locator(".instructions")).to_contain_text("IBAN")


def wait_until_offered(page: Page, choice: Locator) -> None:
    """Load the page again until the choice is on it: what the provider keeps is written down after the payment is."""
    deadline = time.monotonic() + WAIT_MS / 1000
    while choice.count() == 0:
        assert time.monotonic() < deadline, "never offered"
        page.reload()


def test_a_customer_saves_his_card_and_pays_the_next_order_with_it(page: Page) -> None:
    # given a customer who lets his card be saved on the provider's page
    log_in(page)
    order_as_customer(page, "Field notebook")
    page.get_by_label("on the secure page of Stripe").check()
    page.get_by_label("Keep it for my next order").check()
    page.get_by_role("button", name="Pay $12.90").click()
    page.wait_for_url("**/stripe/pay/**")
    pay_on_hosted_page(page, "4242 4242 4242 4242")
    page.wait_for_url("**/thanks/**")
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible(timeout=WAIT_MS)
    # when he orders again
    order_as_customer(page, "Coffee, 500 g")
    saved = page.get_by_label("visa 4242")
    wait_until_offered(page, saved)
    assert_fits(page)
    saved.first.check()
    page.get_by_role("button", name="Pay $18.75").click()
    # then it is paid without another page
    page.wait_for_url("**/thanks/**")
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible(timeout=WAIT_MS)
