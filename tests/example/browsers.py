"""A real browser before the whole demo shop, for the tests that need one; `conftest` has the fixtures."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from example_project.shop.catalogue import CUSTOMER
from example_project.stack import Stack

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

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
    """The shop, for the tests of a module."""
    with Stack(var_dir=tmp_path_factory.mktemp("shop")) as started:
        yield started


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium, no longer than a module: its event loop would be in the way of tests that use the database."""
    from playwright.sync_api import sync_playwright

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
def page(chromium: Browser, stack: Stack, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A new visitor's window, wide or narrow; whatever its script complains about fails the test."""
    context = chromium.new_context(viewport={"width": request.param, "height": 844}, base_url=stack.web_url)
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


def pay_on_hosted_page(page: Page, number: str, button: str = "Pay") -> None:
    """Type a card."""
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expiry").fill("12 / 34")
    page.get_by_label("CVC").fill("123")
    page.get_by_role("button", name=button).click()


def log_in(page: Page) -> None:
    """As the customer."""
    page.goto("/login/")
    page.get_by_label("Username").fill(CUSTOMER.username)
    page.get_by_label("Password").fill(CUSTOMER.password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: not url.endswith("/login/"))


def order_as_customer(page: Page, product: str) -> None:
    """Walk to the order's page, known to the shop."""
    page.goto("/")
    page.get_by_role("link", name=product).click()
    page.get_by_role("button", name="Buy").click()
    page.wait_for_url("**/orders/*/")


def assert_fits(page: Page) -> None:
    """Nothing sticks out sideways."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url
