"""Capture, cancel, sync, and refunds of several payments, through the admin's pages."""

from __future__ import annotations

from typing import Any

import pytest

from django_payments_hub.domain.statuses import PaymentStatus
from django_payments_hub.models import Payment, Refund
from django_payments_hub.services import refunds
from django_payments_hub.testing.sandbox import SandboxClient
from tests.admin.test_refund_button import hidden
from tests.admin.world import address, booked, browser, hold, messages_of, pay, staff

pytestmark = pytest.mark.django_db


def press(client: Any, payment: Payment, name: str, **fields: str) -> str:
    """Go through a button's pages to the end; the message that is shown then."""
    url = address(Payment, name, payment.pk)
    sent = {**hidden(client.get(url)), **fields}
    response = client.post(url, sent)
    if response.status_code == 200:
        response = client.post(url, hidden(response))
    assert response.status_code == 302, response.content.decode()
    payment.refresh_from_db()
    return messages_of(client.get(response.url))


def test_capture_takes_a_part_of_what_is_held(sandbox: SandboxClient) -> None:
    payment, client = hold("100.00"), browser("view_payment", "capture_payment")
    told = press(client, payment, "capture", amount="40.00")
    assert payment.number in told
    assert (payment.status, payment.captured_minor) == (PaymentStatus.COMPLETED, 4000)
    assert sandbox.ledger()["payments"][str(payment.provider_payment_id)]["captured"] == 4000


def test_the_same_capture_form_sent_again_captures_nothing_more(sandbox: SandboxClient) -> None:
    payment, client = hold("100.00"), browser("view_payment", "capture_payment")
    url = address(Payment, "capture", payment.pk)
    fields = hidden(client.post(url, {**hidden(client.get(url)), "amount": "40.00"}))
    client.post(url, fields)
    client.post(url, fields)
    assert len(sandbox.calls("payment_intents.capture")) == 1


def test_cancel_releases_what_is_held(sandbox: SandboxClient) -> None:
    payment, client = hold(), browser("view_payment", "cancel_payment")
    press(client, payment, "cancel", reason="changed his mind")
    assert (payment.status, payment.cancel_reason) == (PaymentStatus.CANCELLED, "changed his mind")
    # and again: a message, no error
    assert "not_cancellable" in press(client, payment, "cancel", reason="again")


def test_sync_follows_what_the_provider_knows(sandbox: SandboxClient) -> None:
    payment, client = pay("100.00"), browser("view_payment", "sync_payment")
    sandbox.external_refund(str(payment.provider_payment_id), 2500)
    press(client, payment, "sync")
    assert payment.refunded_minor == 2500


@pytest.mark.parametrize("kind", ["status", "reset", "garbage"])
def test_a_provider_in_trouble_is_a_message(sandbox: SandboxClient, kind: str) -> None:
    payment, client = pay(), browser("view_payment", "sync_payment")
    sandbox.fault(kind, operation="*", times=10, status=500 if kind == "status" else None)
    assert "(" in press(client, payment, "sync")
    assert payment.status == PaymentStatus.COMPLETED


# -- several at once --------------------------------------------------------------------------------------------------

MAY = ("view_payment", "refund_payment")


def selected(*rows: Payment) -> str:
    return f"{address(Payment, 'selected_refund')}?ids={'.'.join(str(row.pk) for row in rows)}"


def test_several_are_refunded_in_full_after_a_page_that_lists_them(sandbox: SandboxClient) -> None:
    rows, clerk = [pay("100.00"), pay("20.00")], staff(*MAY)
    client = browser(user=clerk)
    # when the list's action is chosen
    ticked = {"action": "refund_in_full", "_selected_action": [str(row.pk) for row in rows], "index": "0"}
    page = client.post(address(Payment, "changelist"), ticked, follow=True)
    # then the page names each amount and the sum, and only the POST refunds
    text = page.content.decode()
    assert "120.00\u00a0USD" in text
    assert all(row.number in text for row in rows)
    assert Refund.objects.count() == 0
    response = client.post(selected(*rows), {**hidden(page), "reason": "recall"}, follow=True)
    assert all(row.number in messages_of(response) for row in rows)
    assert sorted(Refund.objects.values_list("amount_minor", flat=True)) == [2000, 10000]
    for refund in Refund.objects.all():
        assert (refund.reason, refund.requested_by) == ("recall", clerk)
        assert refunds.execute(refund.pk).status == "completed"
    assert sandbox.ledger()["totals"]["usd"]["refunded"] == 12000


def test_each_payment_is_judged_again_and_tells_its_own_result() -> None:
    good, spent, changed = booked(), booked(refund_reserved_minor=10000), booked()
    client = browser(*MAY)
    fields = hidden(client.get(selected(good, spent, changed)))
    # given one of which a part was refunded after the page was shown
    Payment.objects.filter(pk=changed.pk).update(refund_reserved_minor=500)
    response = client.post(selected(good, spent, changed), {**fields, "reason": "x"}, follow=True)
    told = messages_of(response)
    assert f"{changed.number}: What can be refunded has changed meanwhile. (amount_changed)" in told
    assert spent.number not in told
    assert Refund.objects.get().payment == good


def test_the_page_for_several_works_once() -> None:
    rows, client = [booked(), booked()], browser(*MAY)
    fields = {**hidden(client.get(selected(*rows))), "reason": "x"}
    client.post(selected(*rows), fields)
    # even when the books would allow it again
    Payment.objects.update(refund_reserved_minor=0)
    response = client.post(selected(*rows), fields, follow=True)
    assert messages_of(response).count("form_already_used") == 2
    assert Refund.objects.count() == 2


def test_the_page_for_several_needs_a_reason() -> None:
    payment, client = booked(), browser(*MAY)
    response = client.post(selected(payment), hidden(client.get(selected(payment))))
    assert 'class="errorlist"' in response.content.decode()
    assert Refund.objects.count() == 0


@pytest.mark.parametrize("ids", ["", "x", "0.1.2", "00000000-0000-0000-0000-000000000000"])
def test_ids_that_name_nothing_lead_back_to_the_list(ids: str) -> None:
    response = browser(*MAY).get(f"{address(Payment, 'selected_refund')}?ids={ids}")
    assert response.url == address(Payment, "changelist")
