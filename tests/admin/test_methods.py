"""Saved methods in the admin: masked, read only, let go through a page that asks."""

from __future__ import annotations

import pytest

from django_payments_hub.domain.statuses import MethodStatus
from django_payments_hub.models import Customer, PaymentMethod
from django_payments_hub.testing.sandbox import SandboxClient
from tests.admin.world import address, browser, messages_of
from tests.services.saved import ASKS_ALWAYS, DECLINED, converge, fresh, kept, make_due, save
from tests.services.world import make_user

pytestmark = pytest.mark.django_db(transaction=True)

VIEW, DELETE = "view_paymentmethod", "delete_paymentmethod"


def page(method: PaymentMethod, *permissions: str) -> str:
    return str(browser(*permissions).get(address(PaymentMethod, "change", method.pk)).content.decode())


def test_the_pages_show_what_a_receipt_shows_and_no_token(sandbox: SandboxClient) -> None:
    method = save(make_user(), metadata={"note": "mine"})
    client = browser(VIEW)
    shown = client.get(address(PaymentMethod, "changelist")).content.decode() + page(method, VIEW)
    assert "visa •••• 4242" in shown
    assert str(method.provider_method_id) not in shown
    assert str(method.provider_method_id)[-4:] in shown
    assert method.fingerprint not in shown
    assert "mine" in shown


def test_an_expired_card_is_shown_as_such(sandbox: SandboxClient) -> None:
    method = save(make_user())
    assert "expired" not in page(method, VIEW)
    PaymentMethod.objects.update(expiry_month=1, expiry_year=2020)
    assert "01/2020, expired" in page(method, VIEW)


def test_letting_go_asks_first_and_tells_the_provider(sandbox: SandboxClient) -> None:
    method = save(make_user())
    client, url = browser(VIEW, DELETE), address(PaymentMethod, "detach", method.pk)
    asked = client.get(url).content.decode()
    assert "visa •••• 4242" in asked
    assert fresh(method).is_active
    done = client.post(url)
    assert done.status_code == 302
    assert "let go" in messages_of(client.get(done.url))
    assert fresh(method).status == MethodStatus.DETACHED
    assert kept(method.customer) == []
    # and again: a message, no error
    assert "not_found" in messages_of(client.get(client.post(url).url))


def test_what_the_provider_could_not_be_told_is_said(sandbox: SandboxClient) -> None:
    method = save(make_user())
    sandbox.fault("status", operation="payment_methods.detach", status=503)
    client, url = browser(VIEW, DELETE), address(PaymentMethod, "detach", method.pk)
    assert "as soon as" in messages_of(client.get(client.post(url).url))
    assert fresh(method).status == MethodStatus.DETACHING
    make_due()


def test_the_button_is_there_for_whom_and_what_it_makes_sense(sandbox: SandboxClient) -> None:
    user = make_user()
    method, failed, waiting = save(user), save(user, DECLINED), save(user, ASKS_ALWAYS)
    button = f"{method.pk}/detach/"
    assert button not in page(method, VIEW)
    assert button in page(method, VIEW, DELETE)
    browser(VIEW, DELETE).post(address(PaymentMethod, "detach", method.pk))
    assert button not in page(method, VIEW, DELETE)
    for row in (failed, waiting):
        assert f"{row.pk}/detach/" in page(row, VIEW, DELETE)


def test_those_that_wait_for_a_person_are_found(sandbox: SandboxClient) -> None:
    method = save(make_user())
    client, url = browser(VIEW), address(PaymentMethod, "changelist")
    assert "4242" not in client.get(url, {"attention": "yes"}).content.decode()
    PaymentMethod.objects.filter(pk=method.pk).update(attention_code="key_window_passed")
    assert "key window passed" in client.get(url, {"attention": "yes"}).content.decode()


def test_one_that_waits_for_a_person_is_tried_again(sandbox: SandboxClient) -> None:
    method = save(make_user())
    client, url = browser(VIEW, "resolve_operation"), address(PaymentMethod, "try_again", method.pk)
    assert "method_not_parked" in messages_of(client.get(client.post(url).url))
    PaymentMethod.objects.filter(pk=method.pk).update(
        status="detaching", default_key=None, attention_code="tries_exhausted", tries=20
    )
    assert "tries exhausted" in client.get(url).content.decode()
    assert "detached" in messages_of(client.get(client.post(url).url))
    assert fresh(method).status == MethodStatus.DETACHED
    assert kept(method.customer) == []


def test_one_nobody_can_tell_the_outcome_of_can_be_let_go(sandbox: SandboxClient) -> None:
    sandbox.fault("reset", operation="setup_intents.create", when="before")
    method = save(make_user())
    PaymentMethod.objects.filter(pk=method.pk).update(attention_code="key_window_passed", next_attempt_at=None)
    client, url = browser(VIEW, DELETE), address(PaymentMethod, "detach", method.pk)
    client.post(url)
    assert fresh(method).status == MethodStatus.DETACHING
    converge()
    assert fresh(method).status == MethodStatus.DETACHED
    assert kept(method.customer) == []


def test_a_customer_that_is_not_made_yet_has_a_page(sandbox: SandboxClient) -> None:
    sandbox.fault("status", operation="customers.create", status=503)
    save(make_user())
    row = Customer.objects.get()
    assert row.provider_customer_id is None
    assert browser("view_customer").get(address(Customer, "change", row.pk)).status_code == 200
    assert browser("view_customer").get(address(Customer, "changelist")).status_code == 200
