"""The shop in a real browser: its script, under its own content security policy, pays through the hub's API."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect, sync_playwright

from example_project.shop.catalogue import CUSTOMER
from example_project.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.browser]

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT_MS = 30_000


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(var_dir=tmp_path_factory.mktemp("shop")) as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail("Chromium is not installed.")
        pytest.skip("Chromium is not installed.")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(params=[1280, 390])
def page(browser: Browser, stack: Stack, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A new visitor's window, wide or narrow; whatever its script complains about fails the test."""
    context = browser.new_context(viewport={"width": request.param, "height": 844}, base_url=stack.web_url)
    context.set_default_timeout(WAIT_MS)
    opened, complaints = context.new_page(), list[str]()
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda line: complaints.append(line.text) if "Content Security" in line.text else None)
    yield opened
    context.close()
    assert complaints == []


def order(page: Page, product: str) -> None:
    """Walk from the catalogue to the order's page."""
    page.goto("/")
    page.get_by_role("link", name=product).click()
    page.get_by_label("E-mail for the receipt").fill("guest@example.com")
    page.get_by_role("button", name="Buy").click()
    page.wait_for_url("**/orders/*/")


def pay_on_hosted_page(page: Page, number: str) -> None:
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expiry").fill("12 / 34")
    page.get_by_label("CVC").fill("123")
    page.get_by_role("button", name="Pay").click()


def refuse(route: Route) -> None:
    """The hub's answer, as it is while only a refusal is known."""
    told = route.fetch().json()
    failure = {"code": "card_declined", "message": "Declined."}
    route.fulfill(json={**told, "status": "requires_action", "failure": failure})


def assert_fits(page: Page) -> None:
    """Nothing sticks out sideways."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url


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


def test_who_waits_is_told_when_the_status_is_known(page: Page) -> None:
    # given a customer whose browser stands on the page for those who come back, while nothing is paid yet
    order(page, "Stoneware mug")
    order_url = page.url
    page.route("**/stripe/pay/**", lambda route: route.fulfill(status=204))  # the browser stays where it is
    with page.expect_response("**/api/payments/") as answered:
        page.get_by_role("button", name="Pay $24.50").click()
    payment = answered.value.json()
    page.goto(f"{order_url}thanks/?payment_id={payment['id']}")
    expect(page.get_by_role("heading", name="One moment")).to_be_visible()
    expect(page.get_by_role("heading", name="Thank you")).to_be_hidden()
    assert_fits(page)
    # when the payment is made in another window
    other = page.context.new_page()
    other.goto(payment["next_action"]["url"])
    other.get_by_label("Email").fill("guest@example.com")
    pay_on_hosted_page(other, "4242 4242 4242 4242")
    # then the first one finds out by itself
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_role("heading", name="One moment")).to_be_hidden()


def test_a_refusal_that_is_known_first_is_not_the_last_word(page: Page) -> None:
    # given a customer who paid with his second card, while the hub knows of the first alone
    order(page, "Stoneware mug")
    page.route("**/api/payments/*/status/", refuse)
    page.get_by_role("button", name="Pay $24.50").click()
    page.wait_for_url("**/stripe/pay/**")
    page.get_by_label("Email").fill("guest@example.com")
    pay_on_hosted_page(page, "4242 4242 4242 4242")
    page.wait_for_url("**/thanks/**")
    # when that stays so for a while, then he is told
    expect(page.get_by_role("heading", name="Not paid")).to_be_visible(timeout=WAIT_MS)
    # and is told better as soon as the second is known
    page.unroute("**/api/payments/*/status/")
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_role("heading", name="Not paid")).to_be_hidden()


def log_in(page: Page) -> None:
    page.goto("/login/")
    page.get_by_label("Username").fill(CUSTOMER.username)
    page.get_by_label("Password").fill(CUSTOMER.password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: not url.endswith("/login/"))


def order_as_customer(page: Page, product: str) -> None:
    page.goto("/")
    page.get_by_role("link", name=product).click()
    page.get_by_role("button", name="Buy").click()
    page.wait_for_url("**/orders/*/")


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
