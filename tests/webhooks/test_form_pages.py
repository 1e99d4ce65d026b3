"""The page that posts a form to a provider, and the second form some providers want when the browser is back."""

from __future__ import annotations

import logging
import re
from html import unescape
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from django_payments_hub.domain.statuses import PaymentStatus, Stage
from django_payments_hub.models import Payment
from django_payments_hub.services import payments
from tests.services.wallet import DOOR, PASSWORD, TILL, Wallet, begin, led_on, offer_wallet, run_out
from tests.services.world import at_once, fresh

pytestmark = pytest.mark.django_db(transaction=True)

HOST_PAGE = "https://shop.example.com/done"


@pytest.fixture(autouse=True)
def wallet(settings: Any, no_worker: None) -> Wallet:
    return offer_wallet(settings)


@pytest.fixture
def waiting(wallet: Wallet) -> Payment:
    """A payment whose customer is to post its form."""
    return begin(return_url=HOST_PAGE)


def page_of(payment: Payment) -> str:
    action = payment.next_action
    assert action is not None
    return str(action["url"]).removeprefix("http://testserver")


def back(payment: Payment) -> str:
    return f"/api/payments/return/{payment.pk}/"


def form_of(response: Any) -> tuple[str, dict[str, str]]:
    """Where the page's form goes, and its hidden fields."""
    html = response.content.decode()
    (target,) = re.findall(r'<form method="post" action="([^"]*)"', html)
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', html)
    return unescape(target), {name: unescape(value) for name, value in fields}


def is_sent_on(response: Any) -> bool:
    return bool(response.status_code == 303 and response.headers["Location"].startswith(HOST_PAGE))


# -- the first form ---------------------------------------------------------------------------------------------------


def test_the_payment_names_the_page_and_nothing_of_the_form(waiting: Payment) -> None:
    assert waiting.status == PaymentStatus.REQUIRES_ACTION
    assert waiting.next_action is not None
    assert (waiting.next_action["type"], waiting.next_action["fields"]) == ("form_post", {})
    assert waiting.next_action["url"].startswith(f"http://testserver/api/payments/pay/{waiting.pk}/")


def test_the_page_posts_the_form_the_provider_made(waiting: Payment) -> None:
    target, fields = form_of(Client().get(page_of(waiting)))
    assert target == DOOR
    assert fields == {
        "order": waiting.reference,
        "password": PASSWORD,
        "back": f"http://testserver/api/payments/return/{waiting.pk}/",
    }


def test_it_works_without_scripts_and_runs_none_but_its_own(waiting: Payment) -> None:
    response = Client().get(page_of(waiting))
    html = response.content.decode()
    assert '<button type="submit">' in html
    assert re.findall(r"<script[^>]*>(.*?)</script>", html, re.DOTALL) == [""]
    assert not re.findall(r"<[^>]* on[a-z]+=", html)
    assert "style" not in html
    policy = dict(part.strip().split(" ", 1) for part in response.headers["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "form-action": "https://wallet.example http://testserver https://shop.example.com",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }


def test_nothing_keeps_the_page(waiting: Payment) -> None:
    response = Client().get(page_of(waiting))
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "strict-origin"
    assert not response.cookies


def test_what_is_no_plain_host_stays_out_of_the_policy(waiting: Payment) -> None:
    Payment.objects.filter(pk=waiting.pk).update(return_url="https://shop.example.com;script-src/x")
    policy = Client().get(page_of(waiting)).headers["Content-Security-Policy"]
    assert "form-action https://wallet.example http://testserver;" in policy


@pytest.mark.parametrize("change", [lambda url: url[:-3] + "xx/", lambda url: url.rsplit("/", 2)[0] + "/x/"])
def test_a_payments_id_alone_does_not_lead_there(waiting: Payment, change: Any) -> None:
    assert Client().get(change(page_of(waiting))).status_code == 404


def test_anothers_signature_does_not_lead_there(waiting: Payment) -> None:
    other = begin()
    signature = page_of(other).rstrip("/").rsplit("/", 1)[1]
    assert Client().get(f"/api/payments/pay/{waiting.pk}/{signature}/").status_code == 404


def test_only_get_is_answered(waiting: Payment) -> None:
    assert Client().post(page_of(waiting)).status_code == 405


def test_values_cannot_break_out_of_the_form(waiting: Payment) -> None:
    evil = '"><script>alert(1)</script>'
    Payment.objects.filter(pk=waiting.pk).update(reference=evil)
    response = Client().get(page_of(waiting))
    assert b"<script>alert" not in response.content
    assert form_of(response)[1]["order"] == evil


def test_whoever_comes_too_late_is_sent_on(waiting: Payment) -> None:
    url = page_of(waiting)
    run_out(waiting)
    assert is_sent_on(Client().get(url))


def test_whoever_has_paid_is_sent_on(waiting: Payment, wallet: Wallet) -> None:
    url = page_of(waiting)
    wallet.payments[waiting.reference] = Stage.CAPTURED
    payments.sync(waiting.pk)
    assert is_sent_on(Client().get(url))


def test_an_account_that_is_broken_is_told(waiting: Payment, settings: Any) -> None:
    hub = settings.PAYMENTS_HUB
    broken = {**hub["ACCOUNTS"]["wallet"], "PASSWORD": ""}
    settings.PAYMENTS_HUB = {**hub, "ACCOUNTS": {**hub["ACCOUNTS"], "wallet": broken}}
    offered = Client().get(page_of(waiting))
    assert offered.status_code == 503
    assert PASSWORD not in offered.content.decode()


# -- the second form --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["get", "post"])
def test_a_browser_that_is_back_posts_the_next_form(waiting: Payment, verb: str) -> None:
    response = getattr(Client(enforce_csrf_checks=True), verb)(back(waiting), {"auth_token": "a/b+c="})
    assert form_of(response) == (TILL, {"auth_token": "a/b+c="})
    assert "form-action https://till.wallet.example " in response.headers["Content-Security-Policy"]
    assert fresh(waiting).led_on_at is not None
    assert fresh(waiting).status == PaymentStatus.REQUIRES_ACTION


def test_it_works_at_the_accounts_address_too(waiting: Payment) -> None:
    data = {"auth_token": "t", "order": waiting.reference}
    assert form_of(Client().get("/api/payments/return/wallet/", data))[0] == TILL


def test_the_second_form_is_given_out_once_in_a_while(waiting: Payment) -> None:
    Client().get(back(waiting), {"auth_token": "one"})
    first = fresh(waiting).led_on_at
    # when he comes again
    assert is_sent_on(Client().get(back(waiting), {"auth_token": "two"}))
    assert is_sent_on(Client().get(page_of(waiting)))
    assert fresh(waiting).led_on_at == first
    # and when that is long past
    led_on(waiting, 121)
    assert form_of(Client().get(back(waiting), {"auth_token": "two"}))[0] == TILL


def test_nobody_is_led_on_to_a_payment_that_is_over(waiting: Payment) -> None:
    payments.cancel(waiting.pk)
    assert is_sent_on(Client().get(back(waiting), {"auth_token": "t"}))
    assert fresh(waiting).led_on_at is None


def test_a_return_without_a_token_is_sent_on(waiting: Payment, wallet: Wallet) -> None:
    response = Client().get(back(waiting), {"status": "0000", "desc": "PAID", "orderRefNumber": waiting.reference})
    assert is_sent_on(response)
    assert fresh(waiting).captured_minor == 0
    assert wallet.asked == []  # in the worker, not in the request


# -- secrets ----------------------------------------------------------------------------------------------------------


def test_the_forms_secrets_stay_on_the_page(
    waiting: Payment, settings: Any, caplog: pytest.LogCaptureFixture, tmp_path: Any
) -> None:
    with caplog.at_level(logging.DEBUG):
        page = Client().get(page_of(waiting))
        Client().get(back(waiting), {"auth_token": "t"})
    assert PASSWORD in page.content.decode()
    assert PASSWORD not in caplog.text
    call_command("dumpdata", "payments_hub", output=str(tmp_path / "dump.json"))
    assert PASSWORD not in (tmp_path / "dump.json").read_text()


# -- races ------------------------------------------------------------------------------------------------------------


def test_of_several_visits_at_once_one_is_led_on(waiting: Payment) -> None:
    answers = at_once([lambda: Client().get(back(waiting), {"auth_token": "t"})] * 6)
    assert sorted(answer.status_code for answer in answers) == [200, 303, 303, 303, 303, 303]  # type: ignore[attr-defined]


@pytest.mark.parametrize("turn", range(8))
def test_a_payment_is_led_on_or_given_up_and_never_both(wallet: Wallet, turn: int) -> None:
    payment = begin(return_url=HOST_PAGE)
    led, ended = at_once(
        [lambda: Client().get(back(payment), {"auth_token": "t"}), lambda: payments.cancel(payment.pk)]
    )
    given_out = getattr(led, "status_code", 0) == 200
    given_up = fresh(payment).status == PaymentStatus.CANCELLED
    assert given_out != given_up, (led, ended)
