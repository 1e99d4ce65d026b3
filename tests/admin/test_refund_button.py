"""A refund through the admin: form, second look, deed; once, whatever the browser does."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client

from django_payments_hub.admin.form_tokens import new_token
from django_payments_hub.domain.statuses import OperationKind, RefundStatus
from django_payments_hub.models import IdempotencyKey, Operation, Payment, Refund, TransactionLog
from django_payments_hub.services import refunds
from django_payments_hub.testing.sandbox import SandboxClient
from tests.admin.world import address, booked, browser, messages_of, pay, staff
from tests.concurrency.threads import at_once
from tests.services.world import fresh

pytestmark = pytest.mark.django_db

MAY = ("view_payment", "refund_payment")


def url_of(payment: Payment) -> str:
    return address(Payment, "refund", payment.pk)


def hidden(response: Any) -> dict[str, str]:
    """The hidden fields of the page's own form, as a browser sends them back."""
    page = response.content.decode().split('id="content-main"', 1)[1]
    return {
        name: value
        for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
        if name != "csrfmiddlewaretoken"
    }


def ask(client: Any, payment: Payment, amount: str = "60.00", reason: str = "broken") -> dict[str, str]:
    """Fill the form in; the fields of the page that asks once more."""
    token = hidden(client.get(url_of(payment)))
    return hidden(client.post(url_of(payment), {**token, "amount": amount, "reason": reason}))


def test_a_refund_goes_from_the_form_to_the_provider(sandbox: SandboxClient) -> None:
    payment, clerk = pay("100.00"), staff(*MAY)
    client = browser(user=clerk)
    # when the form is filled in and confirmed
    fields = ask(client, payment, "60.00", "broken")
    assert Refund.objects.count() == 0
    response = client.post(url_of(payment), fields, follow=True)
    # then it is requested by this clerk, and the worker carries it out
    refund = Refund.objects.get()
    assert refund.number in messages_of(response)
    assert (refund.amount_minor, refund.reason, refund.requested_by) == (6000, "broken", clerk)
    assert TransactionLog.objects.get(event="refund.pending").actor == clerk
    assert refund.number in LogEntry.objects.get().change_message
    assert refunds.execute(refund.pk).status == RefundStatus.COMPLETED
    assert sandbox.ledger()["payments"][str(payment.provider_payment_id)]["refunded"] == 6000


@pytest.mark.parametrize("button", ["refund", "cancel"])
def test_a_card_number_in_the_reason_is_an_error_of_the_form(button: str) -> None:
    payment, client = booked(), browser(*MAY, "cancel_payment")
    values = {"amount": "60.00", "reason": "back to card 4242 4242 4242 4242 cvc 123"}
    answer = client.post(address(Payment, button, payment.pk), values)
    assert "card_number_refused" in answer.content.decode().partition('class="errorlist"')[2]
    assert not Refund.objects.exists()
    assert fresh(payment).cancel_reason == ""


def test_the_form_begins_with_what_is_left_and_says_so() -> None:
    payment = booked(refund_reserved_minor=2550, refunded_minor=1050)
    page = browser(*MAY).get(url_of(payment)).content.decode()
    assert 'name="amount" value="74.50"' in page
    assert "Refunds under way" in page
    assert "15.00\u00a0USD" in page


@pytest.mark.parametrize("amount", ["", "0", "-1", "100.01", "1e1", "NaN", "1.001", "\uff11\uff12", "abc", "1,50"])
def test_an_amount_that_cannot_be_is_an_error_of_the_form(amount: str) -> None:
    payment, client = booked(), browser(*MAY)
    token = hidden(client.get(url_of(payment)))
    response = client.post(url_of(payment), {**token, "amount": amount, "reason": "x", "confirmed": "yes"})
    assert response.status_code == 200
    assert 'class="errorlist"' in response.content.decode()
    assert Refund.objects.count() == 0


@pytest.mark.parametrize("reason", ["", "   ", "a\x1b[31mb"])
def test_a_reason_is_required_and_printable(reason: str) -> None:
    payment, client = booked(), browser(*MAY)
    token = hidden(client.get(url_of(payment)))
    response = client.post(url_of(payment), {**token, "amount": "1.00", "reason": reason, "confirmed": "yes"})
    assert 'class="errorlist"' in response.content.decode()
    assert Refund.objects.count() == 0


def test_a_reason_stays_on_one_line() -> None:
    payment, client = booked(), browser(*MAY)
    client.post(url_of(payment), ask(client, payment, reason="a\r\nINFO forged"))
    assert Refund.objects.get().reason == "a INFO forged"


def test_the_same_form_sent_again_refunds_nothing_more() -> None:
    payment, client = booked(), browser(*MAY)
    fields = ask(client, payment, "10.00")
    client.post(url_of(payment), fields)
    response = client.post(url_of(payment), fields, follow=True)
    assert "form_already_used" in messages_of(response)
    assert Refund.objects.count() == 1
    # while a new form is a new decision
    client.post(url_of(payment), ask(client, payment, "10.00"))
    assert Refund.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_posts_of_one_form_at_once_refund_once() -> None:
    payment, clerk = booked(), staff(*MAY)
    clients = [browser(user=clerk) for _ in range(4)]
    fields = ask(clients[0], payment, "10.00")  # four times ten would fit: only the form's token stops it
    answers = at_once([partial(client.post, url_of(payment), fields) for client in clients])
    assert [getattr(answer, "status_code", answer) for answer in answers] == [302] * 4
    payment.refresh_from_db()
    assert (Refund.objects.count(), payment.refund_reserved_minor) == (1, 1000)


def test_a_form_that_was_refused_may_be_sent_again() -> None:
    payment, client = booked(), browser(*MAY)
    busy = Operation.objects.create(
        payment=payment, kind=OperationKind.CAPTURE.value, amount_minor=1, currency="USD", exclusive_key=payment.pk
    )
    fields = ask(client, payment)
    response = client.post(url_of(payment), fields, follow=True)
    assert "operation_in_progress" in messages_of(response)
    assert (Refund.objects.count(), IdempotencyKey.objects.count()) == (0, 0)
    # when the other operation has ended
    busy.state, busy.exclusive_key = "succeeded", None
    busy.save()
    client.post(url_of(payment), fields)
    assert Refund.objects.count() == 1


@pytest.mark.parametrize("whose", ["another user's", "another payment's", "forged", "missing"])
def test_a_token_fits_one_user_and_one_payment(whose: str) -> None:
    payment, clerk = booked(), staff(*MAY)
    tokens = {
        "another user's": new_token(staff().pk, f"RefundForm:{payment.pk}"),
        "another payment's": new_token(clerk.pk, f"RefundForm:{booked().pk}"),
        "forged": "a.b.c",
        "missing": "",
    }
    fields = {"amount": "1.00", "reason": "x", "confirmed": "yes", "token": tokens[whose]}
    response = browser(user=clerk).post(url_of(payment), fields, follow=True)
    if whose == "missing":  # it is given one: the browser never had a form to send twice
        assert Refund.objects.count() == 1
        return
    assert "form_expired" in messages_of(response)
    assert Refund.objects.count() == 0


def test_a_form_runs_out_before_its_use_would_be_forgotten(settings: Any) -> None:
    payment, client = booked(), browser(*MAY)
    fields = ask(client, payment)
    settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, "IDEMPOTENCY_RETENTION_S": 0}
    response = client.post(url_of(payment), fields, follow=True)
    assert "form_expired" in messages_of(response)
    assert Refund.objects.count() == 0


def test_nothing_left_is_said_and_nothing_is_asked() -> None:
    payment, client = booked(refund_reserved_minor=10000), browser(*MAY)
    page = client.get(url_of(payment)).content.decode()
    assert "Nothing of this payment is left to refund." in page
    assert 'name="amount"' not in page
    client.post(url_of(payment), {"amount": "1.00", "reason": "x", "confirmed": "yes"})
    assert Refund.objects.count() == 0


def test_a_get_asks_and_never_does() -> None:
    payment, client = booked(), browser(*MAY)
    client.get(url_of(payment), {"amount": "1.00", "reason": "x", "confirmed": "yes"})
    assert Refund.objects.count() == 0


def test_a_post_needs_the_csrf_token() -> None:
    payment = booked()
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff(*MAY))
    assert client.post(url_of(payment), {"amount": "1.00", "reason": "x", "confirmed": "yes"}).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_it_works_where_requests_run_in_a_transaction() -> None:
    payment, client = booked(), browser(*MAY)
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        response = client.post(url_of(payment), ask(client, payment), follow=True)
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False
    assert "is requested" in messages_of(response)
    assert Refund.objects.count() == 1
