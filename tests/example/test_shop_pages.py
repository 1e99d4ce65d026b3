"""The shop's pages: what each visitor sees, and what he does not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from django_payments_hub.domain.statuses import CaptureMethod, PaymentStatus
from django_payments_hub.models import Payment
from django_payments_hub.services import accounts
from django_payments_hub.testing.sandbox import SandboxClient
from example_project.shop.catalogue import CATALOGUE, CUSTOMER, FINANCE, SUPPORT
from example_project.shop.models import Order, Product
from example_project.shop.views import outcome
from tests.example.conftest import Buy, LogIn
from tests.services import world

pytestmark = pytest.mark.django_db(transaction=True)

PAY_FORM = "data-pay"


def page(browser: Client, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode()


def test_the_catalogue_shows_every_product_with_its_price(products: dict[str, Product]) -> None:
    shown = page(Client(), "/")
    for item in CATALOGUE:
        assert f"/products/{item.slug}/" in shown
        assert item.name in shown
    assert "$24.50" in shown
    assert "¥4,800" in shown


def test_a_guest_buys_without_an_account(buy: Buy) -> None:
    # given a visitor whom nobody knows
    browser = Client()
    # when he buys two
    order = buy(browser, "field-notebook", quantity=2)
    # then the order is his by its token, and the page lets him pay it
    shown = page(browser, f"/orders/{order.pk}/")
    assert (order.user_id, order.email, str(order.total.amount)) == (None, "guest@example.com", "25.800")
    assert PAY_FORM in shown
    assert f'data-order-token="{order.guest_token}"' in shown
    assert f'value="{accounts.active_accounts()[0].row.alias}"' in shown


def test_a_customer_buys_for_himself_and_needs_no_token(log_in: LogIn, buy: Buy, people: dict[str, Any]) -> None:
    browser = log_in(CUSTOMER)
    order = buy(browser)
    shown = page(browser, f"/orders/{order.pk}/")
    assert (order.user, order.email) == (people["customer"], "customer@example.com")
    assert PAY_FORM in shown
    assert order.guest_token not in shown


@pytest.mark.parametrize("quantity", ["0", "10", "-1", "x", "", "1.5"])
def test_a_wrong_quantity_orders_nothing(products: dict[str, Product], quantity: str) -> None:
    answer = Client().post("/products/desk-lamp/", {"quantity": quantity, "email": "guest@example.com"})
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()
    assert not Order.objects.exists()


def test_a_guest_has_to_leave_an_address(products: dict[str, Product]) -> None:
    Client().post("/products/desk-lamp/", {"quantity": "1", "email": "nobody"})
    assert not Order.objects.exists()


def test_nobody_sees_the_order_of_another(log_in: LogIn, buy: Buy, django_user_model: Any) -> None:
    # given an order of a customer and one of a guest
    of_customer, of_guest = buy(log_in(CUSTOMER)), buy(Client())
    # when somebody else looks, with or without an account
    other = Client()
    other.force_login(django_user_model.objects.create_user("other"))
    # then both look as if they were not there
    for browser in (Client(), other):
        for order in (of_customer, of_guest):
            assert browser.get(f"/orders/{order.pk}/").status_code == 404
            assert browser.get(f"/orders/{order.pk}/?token=guessed").status_code == 404
            assert str(order.pk) not in page(browser, "/orders/")
        # and the token of a customer's order opens nothing: it is for guests
        assert browser.get(f"/orders/{of_customer.pk}/?token={of_customer.guest_token}").status_code == 404


def test_the_link_with_the_token_opens_a_guests_order_and_leaves_the_address(buy: Buy) -> None:
    order, browser = buy(Client()), Client()
    answer = browser.get(f"/orders/{order.pk}/?token={order.guest_token}")
    assert (answer.status_code, answer["Location"]) == (302, f"/orders/{order.pk}/")
    assert PAY_FORM in page(browser, f"/orders/{order.pk}/")


def test_staff_looks_at_an_order_and_does_not_pay_it(log_in: LogIn, buy: Buy) -> None:
    order = buy(log_in(CUSTOMER))
    shown = page(log_in(SUPPORT), f"/orders/{order.pk}/")
    assert PAY_FORM not in shown
    assert "/admin/" in shown


def test_a_paid_order_shows_its_payment_and_is_not_paid_again(
    sandbox: SandboxClient, log_in: LogIn, buy: Buy, people: dict[str, Any]
) -> None:
    browser = log_in(CUSTOMER)
    order = buy(browser)
    payment = world.pay(order, user=people["customer"])
    shown = page(browser, f"/orders/{order.pk}/")
    assert PAY_FORM not in shown
    assert payment.number in shown
    assert "···· 4242" in shown
    # and staff finds the way to the payment in the back office
    assert f"/payment/{payment.pk}/change/" in page(log_in(FINANCE), f"/orders/{order.pk}/")
    assert "/change/" not in shown


def test_saving_is_offered_where_the_page_of_the_provider_can_save(log_in: LogIn, buy: Buy, settings: Any) -> None:
    settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, "ACCOUNTS": settings.ALL_ACCOUNTS}
    accounts.forget()
    browser = log_in(CUSTOMER)
    shown = page(browser, f"/orders/{buy(browser).pk}/")
    ways = dict(re.findall(r'name="account" value="(\w+)"([^>]*)>', shown))
    assert {name for name in ways if "data-can-save" in ways[name]} == {"stripe", "paypal", "square"}
    assert len(ways) > 3


@pytest.mark.parametrize(
    ("token", "capture", "shown"),
    [
        ("pm_card_visa", CaptureMethod.AUTOMATIC, "paid"),
        ("pm_card_visa", CaptureMethod.MANUAL, "paid"),
        ("pm_card_chargeDeclined", CaptureMethod.AUTOMATIC, "failed"),
        ("pm_card_threeDSecure2Required", CaptureMethod.AUTOMATIC, "waiting"),
    ],
)
def test_who_comes_back_is_told_how_the_payment_stands(
    sandbox: SandboxClient, buy: Buy, token: str, capture: CaptureMethod, shown: str
) -> None:
    browser = Client()
    order = buy(browser)
    payment = world.pay(order, token=token, capture_method=capture, return_url="https://shop.example.com/")
    found = page(browser, f"/orders/{order.pk}/thanks/?payment_id={payment.pk}")
    visible = re.findall(r'data-when="(\w+)"(?! hidden)', found)
    assert visible == [shown]
    assert f"/api/payments/{payment.pk}/status/" in found


def test_the_page_of_one_order_says_nothing_of_the_payment_of_another(sandbox: SandboxClient, buy: Buy) -> None:
    browser = Client()
    order, other = buy(browser), buy(browser)
    payment = world.pay(other)
    for named in (payment.pk, "", "1", "x' or 1=1"):
        answer = browser.get(f"/orders/{order.pk}/thanks/", {"payment_id": str(named)})
        assert answer.status_code == 404


def test_every_status_means_something_to_who_waits() -> None:
    meaning = {status: outcome(Payment(status=status)) for status in PaymentStatus}
    assert [status for status, word in meaning.items() if word == "waiting"] == [
        "pending",
        "requires_action",
        "processing",
    ]
    assert [status for status, word in meaning.items() if word == "failed"] == ["failed", "cancelled", "expired"]
    # Another card may have paid since.
    assert outcome(Payment(status=PaymentStatus.REQUIRES_ACTION, failure_code="card_declined")) == "waiting"


def test_the_script_reads_statuses_as_the_page_does() -> None:
    from django.contrib.staticfiles import finders

    path = finders.find("shop/shop.js")
    assert path
    script = Path(path).read_text(encoding="utf-8")
    table = dict(re.findall(r"^  (\w+): \"(paid|failed)\",$", script, re.MULTILINE))
    meaning = {status.value: outcome(Payment(status=status)) for status in PaymentStatus}
    assert table == {status: word for status, word in meaning.items() if word != "waiting"}


def test_pages_load_nothing_from_elsewhere_and_nothing_inline(
    sandbox: SandboxClient, log_in: LogIn, buy: Buy, people: dict[str, Any]
) -> None:
    browser = log_in(CUSTOMER)
    open_order, paid = buy(browser), buy(browser)
    payment = world.pay(paid, user=people["customer"])
    paths = ["/", "/login/", "/orders/", "/products/desk-lamp/", f"/orders/{open_order.pk}/", f"/orders/{paid.pk}/"]
    for path in [*paths, f"/orders/{paid.pk}/thanks/?payment_id={payment.pk}"]:
        answer = browser.get(path)
        shown = answer.content.decode()
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|javascript:", shown), path
        assert not re.search(r'(?:src|href)="(?:https?:)?//', shown), path


def test_looking_changes_nothing(sandbox: SandboxClient, log_in: LogIn, buy: Buy, people: dict[str, Any]) -> None:
    browser = log_in(CUSTOMER)
    order = buy(browser)
    payment = world.pay(order, user=people["customer"])
    before = (Order.objects.count(), world.amounts(payment), len(sandbox.calls()))
    for path in ("/", "/orders/", f"/orders/{order.pk}/", f"/orders/{order.pk}/thanks/?payment_id={payment.pk}"):
        page(browser, path)
    assert (Order.objects.count(), world.amounts(payment), len(sandbox.calls())) == before


def test_forms_refuse_who_brings_no_csrf_token(products: dict[str, Product]) -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/products/desk-lamp/", {"quantity": "1", "email": "guest@example.com"})
    assert answer.status_code == 403
    assert not Order.objects.exists()


def test_logging_in_and_out(people: dict[str, Any]) -> None:
    browser = Client()
    answer = browser.post("/login/", {"username": CUSTOMER.username, "password": CUSTOMER.password})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert 'Log out <span class="who">Chris</span>' in page(browser, "/")
    browser.post("/logout/")
    assert "Log in" in page(browser, "/")
