"""The ways to pay that the shop offers: told by what the accounts can do, with the fields each of them asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from moneyed import Money

from django_payments_hub.domain.statuses import Flow, MethodKind
from django_payments_hub.models import Payment
from django_payments_hub.services import accounts, payments
from django_payments_hub.services.orders import terms_of
from example_project.shop.models import Order
from example_project.shop.templatetags.shop import money
from example_project.shop.ways import ways_to_pay
from tests.example.conftest import Buy
from tests.services import world

pytestmark = pytest.mark.django_db(transaction=True)

PHONE, CNIC = "0312 5550101", "42201-6918273-4"


@pytest.fixture(autouse=True)
def every_account(hub: dict[str, Any], settings: Any) -> Iterator[dict[str, Any]]:
    """The shop with all its accounts, none of which is called here."""
    settings.PAYMENTS_HUB = {**hub, "ACCOUNTS": settings.ALL_ACCOUNTS}
    accounts.forget()
    yield settings.PAYMENTS_HUB["ACCOUNTS"]
    accounts.forget()
    world.close_providers()


def offered(currency: str) -> list[tuple[str, str, str]]:
    return [(way.account, way.method_kind, " ".join(way.asks)) for way in ways_to_pay(currency, AnonymousUser())]


def begin(order: Order, account: str, kind: MethodKind) -> Payment:
    """As far as the customer's request goes: a worker makes the call."""
    payer = {"phone": PHONE, **({"national_id": CNIC} if account == "jazzcash" else {})}
    terms = terms_of(order, None, guest_token=order.guest_token)
    return payments.create(
        payments.NewPayment(account=account, terms=terms, flow=Flow.DIRECT, method_kind=kind, payer=payer)
    )


def shown(browser: Client, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def visible(found: str) -> list[str]:
    return re.findall(r'data-when="(\w+)"(?! hidden)', found)


def test_rupees_are_paid_on_pages_on_the_phone_by_voucher_and_by_hand() -> None:
    ways = offered("PKR")
    assert [way for way in ways if way[0] in ("jazzcash", "easypaisa")] == [
        ("easypaisa", "", ""),
        ("jazzcash", "", ""),
        ("easypaisa", "wallet", "phone"),
        ("jazzcash", "wallet", "phone national_id"),
        ("easypaisa", "voucher", "phone"),
    ]
    assert ways[-2:] == [("manual", "bank_transfer", ""), ("manual", "cash", "")]


def test_dollars_are_not_paid_with_what_takes_rupees_alone() -> None:
    assert {account for account, _, _ in offered("USD")} == {"stripe", "paypal", "square", "manual"}


def test_a_wallet_that_is_known_by_its_number_alone_asks_for_nothing_else(
    every_account: dict[str, Any], settings: Any
) -> None:
    plain = {**every_account["jazzcash"], "WALLET_VERSION": "1.1"}
    settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, "ACCOUNTS": {"jazzcash": plain}}
    accounts.forget()
    assert offered("PKR") == [("jazzcash", "", ""), ("jazzcash", "wallet", "phone")]


def test_the_page_has_the_fields_that_a_way_asks_for(buy: Buy) -> None:
    browser = Client()
    found = shown(browser, f"/orders/{buy(browser, 'ajrak-shawl').pk}/")
    assert 'value="jazzcash" data-flow="direct" data-asks="phone national_id" data-method-kind="wallet"' in found
    assert re.findall(r'data-asked="(\w+)"( hidden)?', found) == [("phone", " hidden"), ("national_id", " hidden")]
    assert "PKR\N{NO-BREAK SPACE}3,450.00" in found


def test_who_is_asked_on_his_phone_is_told_so_and_begins_nothing_else(buy: Buy) -> None:
    # given a guest whose wallet is to be asked
    browser = Client()
    order = buy(browser, "ajrak-shawl")
    payment = begin(order, "jazzcash", MethodKind.WALLET)
    # when he is on the page for those who come back
    found = shown(browser, f"/orders/{order.pk}/thanks/?payment_id={payment.pk}")
    # then it says what to do
    assert visible(found) == ["phone"]
    assert "JazzCash asks you there" in found
    # and the order's page leads there, and offers nothing beside it
    page = shown(browser, f"/orders/{order.pk}/")
    assert "data-pay" not in page
    assert f"/thanks/?payment_id={payment.pk}" in page
    # and nobody keeps his identity card's number
    assert not re.search("6918273|182734", found + page)


def test_a_voucher_is_shown_where_the_customer_waits_for_it(buy: Buy) -> None:
    # given a voucher that the worker has got
    browser = Client()
    order = buy(browser, "ajrak-shawl")
    payment = begin(order, "easypaisa", MethodKind.VOUCHER)
    assert visible(shown(browser, f"/orders/{order.pk}/thanks/?payment_id={payment.pk}")) == ["waiting"]
    action = {"type": "instructions", "url": "", "fields": {"method": "voucher", "token": "5236366545"}}
    Payment.objects.filter(pk=payment.pk).update(status="requires_action", next_action=action)
    # when the customer looks
    found = shown(browser, f"/orders/{order.pk}/thanks/?payment_id={payment.pk}")
    # then its number is there, and no other payment is offered: nobody can take a voucher back
    assert visible(found) == ["instructed"]
    assert "Voucher number" in found
    assert "5236366545" in found
    page = shown(browser, f"/orders/{order.pk}/")
    assert "data-pay" not in page
    assert "waits for the payment below" in page


def test_a_transfer_that_can_be_withdrawn_leaves_the_other_ways_open(buy: Buy) -> None:
    browser = Client()
    order = buy(browser, "ajrak-shawl")
    payment = payments.create(
        payments.NewPayment(
            account="manual",
            terms=terms_of(order, None, guest_token=order.guest_token),
            flow=Flow.DIRECT,
            method_kind=MethodKind.BANK_TRANSFER,
        )
    )
    page = shown(browser, f"/orders/{order.pk}/")
    assert "data-pay" in page
    assert f"/thanks/?payment_id={payment.pk}" in page


@pytest.mark.parametrize(
    ("amount", "written"),
    [(Money("1250.5", "PKR"), "PKR\N{NO-BREAK SPACE}1,250.50"), (Money(4800, "JPY"), "¥4,800")],
)
def test_a_currency_in_letters_stands_apart_from_its_amount(amount: Money, written: str) -> None:
    assert money(amount) == written
