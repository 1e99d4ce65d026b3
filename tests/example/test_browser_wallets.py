"""Paying in rupees in a real browser: forms that lead away, phones that are asked, vouchers."""

from __future__ import annotations

import time

import httpx
import pytest
from playwright.sync_api import Page, expect

from example_project.shop.catalogue import SUPPORT
from example_project.stack import Stack
from tests.example.browsers import WAIT_MS, assert_fits, order, pay_on_hosted_page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

PAY = "Pay PKR 3,450.00"


def wait_for_heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", name=text)).to_be_visible(timeout=WAIT_MS)
    assert_fits(page)


def name_at_provider(stack: Stack, page: Page) -> str:
    """What the payment of the page is known as at its provider, once it is known there."""
    payment_id = page.url.partition("payment_id=")[2]
    deadline = time.monotonic() + WAIT_MS / 1000
    with httpx.Client(
        base_url=stack.web_url, auth=(SUPPORT.username, SUPPORT.password), timeout=30, trust_env=False
    ) as clerk:
        while not (name := clerk.get(f"/api/payments/{payment_id}/").json()["provider_session_id"]):
            assert time.monotonic() < deadline, "never known there"
            time.sleep(0.2)
    return str(name)


def test_a_guest_pays_by_card_on_jazzcash_s_page(page: Page) -> None:
    # given a guest who is led by the hub's form to JazzCash's page
    order(page, "Ajrak shawl")
    page.get_by_label("on the secure page of JazzCash").check()
    assert_fits(page)
    page.get_by_role("button", name=PAY).click()
    page.wait_for_url("**/jazzcash/CustomerPortal/pay/**")
    # when he pays there, and JazzCash's form leads him back
    pay_on_hosted_page(page, "5123 4567 8901 2346", button="Pay Rs. 3,450.00")
    # then the shop says thank you
    page.wait_for_url("**/thanks/**")
    wait_for_heading(page, "Thank you")


def test_who_turns_back_at_jazzcash_pays_in_another_way(page: Page) -> None:
    order(page, "Ajrak shawl")
    page.get_by_label("on the secure page of JazzCash").check()
    page.get_by_role("button", name=PAY).click()
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_url("**/thanks/**")
    wait_for_heading(page, "Not paid")
    page.get_by_role("link", name="To the order").click()
    page.get_by_label("on the secure page of EasyPaisa").check()
    page.get_by_role("button", name=PAY).click()
    page.wait_for_url("**/easypaisa/easypay/pay/**")


def test_a_guest_pays_on_easypaisa_s_page_which_has_him_confirm(page: Page) -> None:
    # given a guest who is led to EasyPaisa's page
    order(page, "Blue bowl from Multan")
    page.get_by_label("on the secure page of EasyPaisa").check()
    page.get_by_role("button", name="Pay PKR 1,250.50").click()
    page.wait_for_url("**/easypaisa/easypay/pay/**")
    # when he chooses his account, comes back with a token, and is led on by the hub's second form
    page.get_by_label("Mobile number").fill("03451234567")
    page.get_by_role("button", name="Continue").click()
    # then he ends at the shop, which says thank you
    page.wait_for_url("**/thanks/**")
    wait_for_heading(page, "Thank you")
    page.get_by_role("link", name="To the order").click()
    expect(page.locator(".heading .badge")).to_have_text("paid")


def test_who_turns_back_at_easypaisa_goes_on_where_he_left(page: Page) -> None:
    # given a guest who comes back without having paid
    order(page, "Ajrak shawl")
    page.get_by_label("on the secure page of EasyPaisa").check()
    page.get_by_role("button", name=PAY).click()
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_url("**/thanks/**")
    # when nothing is heard of a payment for a while, then he is told, and led there again
    wait_for_heading(page, "Not paid yet")
    page.get_by_role("link", name="Go on paying").click()
    page.wait_for_url("**/easypaisa/easypay/pay/**")
    page.get_by_label("Mobile number").fill("03451234567")
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/thanks/**")
    wait_for_heading(page, "Thank you")


def test_a_guest_approves_on_his_phone(page: Page, stack: Stack) -> None:
    # given a guest who mistypes his number first
    order(page, "Ajrak shawl")
    page.get_by_label("JazzCash on your phone").check()
    page.get_by_label("Mobile number").fill("0312")
    page.get_by_label("Identity card").fill("42201-6918273-4")
    page.get_by_role("button", name=PAY).click()
    expect(page.get_by_role("alert")).to_contain_text("eleven digits")
    assert_fits(page)
    page.get_by_label("Mobile number").fill("0312 5550101")
    page.get_by_role("button", name=PAY).click()
    # when he is asked, and goes to his order meanwhile
    page.wait_for_url("**/thanks/**")
    wait_for_heading(page, "Approve it on your phone")
    name = name_at_provider(stack, page)
    page.get_by_role("link", name="To the order").click()
    expect(page.get_by_role("button", name="Pay")).to_have_count(0)
    page.get_by_role("link", name="Approve it on your phone").click()
    # and types his PIN on the phone
    stack.sandbox.settle(name)
    # then the page knows by itself
    wait_for_heading(page, "Thank you")
    expect(page.get_by_role("heading", name="Approve it")).to_be_hidden()


def test_a_guest_gets_a_voucher_and_pays_it_at_a_shop(page: Page, stack: Stack) -> None:
    # given a guest who wants to pay in cash
    order(page, "Ajrak shawl")
    page.get_by_label("EasyPaisa voucher").check()
    expect(page.get_by_label("Identity card")).to_be_hidden()
    page.get_by_label("Mobile number").fill("0345 5550101")
    page.get_by_role("button", name=PAY).click()
    # when the worker has got the number, then the page shows it
    page.wait_for_url("**/thanks/**")
    wait_for_heading(page, "Your order waits for your payment")
    expect(page.locator(".instructions")).to_contain_text("Voucher number")
    # and when it is paid, the order is
    stack.sandbox.settle(name_at_provider(stack, page))
    page.get_by_role("link", name="To the order").click()
    deadline = time.monotonic() + WAIT_MS / 1000
    while page.locator(".heading .badge").inner_text() != "paid":
        assert time.monotonic() < deadline, "never paid"
        page.reload()


def test_a_voucher_taken_on_a_page_is_shown_in_the_shop(page: Page) -> None:
    order(page, "Ajrak shawl")
    page.get_by_label("on the secure page of JazzCash").check()
    page.get_by_role("button", name=PAY).click()
    page.wait_for_url("**/jazzcash/CustomerPortal/pay/**")  # the shop's page has a voucher, too
    page.get_by_label("Voucher").check()
    page.get_by_role("button", name="Pay Rs.").click()
    page.wait_for_url("**/thanks/**")
    wait_for_heading(page, "Your order waits for your payment")
    expect(page.locator(".instructions")).to_contain_text("Voucher number")
