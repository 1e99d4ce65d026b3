"""Through the admin: what came in and what was given back by hand; a form, a second look, a deed, once."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from django_payments_hub.domain.statuses import MethodKind, PaymentStatus, RefundStatus
from django_payments_hub.models import Payment, ProviderAccount, Refund, TransactionLog
from django_payments_hub.services import payments, refunds
from tests.admin.test_refund_button import hidden
from tests.admin.world import address, booked, browser, messages_of, staff
from tests.services.by_hand import last_entry, offer_manual, promise, receive
from tests.services.world import fresh, make_user

pytestmark = pytest.mark.django_db

MAY = ("view_payment", "receive_payment")
MAY_PROVE = ("view_refund", "view_payment", "prove_refund")
WHEN = "2026-11-01T09:30"


@pytest.fixture(autouse=True)
def manual(hub: Any, settings: Any) -> None:
    offer_manual(settings)


def url_of(payment: Payment) -> str:
    return address(Payment, "receipt", payment.pk)


def fill_in(client: Any, url: str, **values: str) -> Any:
    """The answer to a filled-in form: the form again, or the page that asks once more."""
    return client.post(url, {**hidden(client.get(url)), "moment": WHEN, "note": "statement 7, line 4", **values})


def test_money_goes_from_the_form_into_the_books() -> None:
    payment, person = promise("10.00"), staff(*MAY, "view_transactionlog")
    client = browser(user=person)
    # when the form is filled in
    second = fill_in(client, url_of(payment), amount="10.00")
    page = second.content.decode()
    assert 'value="Record 10.00\u00a0USD"' in page
    assert "statement 7, line 4" in page
    assert fresh(payment).captured_minor == 0
    # and confirmed
    response = client.post(url_of(payment), hidden(second), follow=True)
    # then it is booked for this person
    assert payment.number in messages_of(response)
    entry = last_entry(payment, "payment.completed")
    assert (entry.actor, entry.data["proof"], entry.data["received_at"]) == (
        person,
        "statement 7, line 4",
        "2026-11-01T09:30:00+00:00",
    )
    assert payment.number in LogEntry.objects.get().change_message
    assert "statement 7, line 4" in response.content.decode()  # in the payment's timeline


def test_the_same_form_sent_again_books_nothing_more() -> None:
    payment, client = promise("10.00"), browser(*MAY)
    fields = hidden(fill_in(client, url_of(payment), amount="10.00"))
    client.post(url_of(payment), fields)
    before = TransactionLog.objects.count()
    # then the page that comes back says why
    assert "does not wait for money" in client.post(url_of(payment), fields).content.decode()
    assert TransactionLog.objects.count() == before


def test_another_amount_has_to_be_ticked() -> None:
    payment, client = promise("10.00"), browser(*MAY)
    page = fill_in(client, url_of(payment), amount="6.00").content.decode()
    assert "Tick this" in page
    second = fill_in(client, url_of(payment), amount="6.00", accept_difference="on")
    assert re.search(r"Stays open</th><td>.*4\.00", second.content.decode())
    client.post(url_of(payment), hidden(second))
    payment = fresh(payment)
    assert (payment.status, payment.captured_minor) == (PaymentStatus.COMPLETED, 600)


def test_money_that_comes_late_has_to_be_ticked() -> None:
    payment, client = payments.cancel(promise("10.00").pk), browser(*MAY)
    assert "hub-tool--receipt" in client.get(address(Payment, "change", payment.pk)).content.decode()
    assert 'class="errorlist"' in fill_in(client, url_of(payment), amount="10.00").content.decode()
    client.post(url_of(payment), hidden(fill_in(client, url_of(payment), amount="10.00", late="on")))
    assert (fresh(payment).status, fresh(payment).attention_code) == (PaymentStatus.COMPLETED, "received_late")
    # and what comes on top of it is a surplus, booked once however often the form is sent
    fields = hidden(fill_in(client, url_of(payment), amount="3.00", late="on"))
    for _ in range(2):
        client.post(url_of(payment), fields)
    assert (fresh(payment).captured_minor, fresh(payment).surplus_minor) == (1000, 300)


def test_a_surplus_goes_back_through_the_form_into_the_books() -> None:
    payment, person = receive(promise("10.00"), "12.50", accept_difference=True), staff("view_payment", "prove_refund")
    client, url = browser(user=person), address(Payment, "surplus", payment.pk)
    assert "hub-tool--surplus" in client.get(address(Payment, "change", payment.pk)).content.decode()
    assert 'class="errorlist"' in fill_in(client, url, amount="2.51").content.decode()
    second = fill_in(client, url, amount="2.50", note="transfer 18")
    assert 'value="Record 2.50\u00a0USD as given back"' in second.content.decode()
    assert "0.00" in messages_of(client.post(url, hidden(second), follow=True))
    assert (fresh(payment).surplus_minor, fresh(payment).attention_code) == (0, "")
    assert last_entry(payment, "payment.updated").actor == person
    assert "Nothing of this payment is a surplus" in client.get(url).content.decode()


def test_a_surplus_is_shown_before_it_is_booked() -> None:
    payment, client = promise("10.00"), browser(*MAY)
    second = fill_in(client, url_of(payment), amount="12.50", accept_difference="on")
    assert re.search(r"Surplus to be given back</th><td>.*2\.50", second.content.decode())
    client.post(url_of(payment), hidden(second))
    assert fresh(payment).attention_code == "overpaid"


@pytest.mark.parametrize(
    "values",
    [
        {"amount": "0"},
        {"amount": "1e1"},
        {"amount": ""},
        {"amount": "10.00", "note": "  "},
        {"amount": "10.00", "note": "a\x1b[31mb"},
        {"amount": "10.00", "note": "4242 4242 4242 4242"},
        {"amount": "10.00", "moment": ""},
        {"amount": "10.00", "moment": "soon"},
        {"amount": "10.00", "moment": (timezone.now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")},
    ],
    ids=lambda values: "-".join(values),
)
def test_what_cannot_be_is_an_error_of_the_form(values: dict[str, str]) -> None:
    payment, client = promise("10.00"), browser(*MAY)
    response = fill_in(client, url_of(payment), **{**values, "confirmed": "yes"})
    assert response.status_code == 200
    assert 'class="errorlist"' in response.content.decode()
    assert fresh(payment).captured_minor == 0


def test_nobody_vouches_for_his_own_payment() -> None:
    person = staff(*MAY)
    payment, client = promise(user=person), browser(user=person)
    assert "own_payment" in client.get(url_of(payment)).content.decode()
    client.post(url_of(payment), {"amount": "10.00", "moment": WHEN, "note": "x", "confirmed": "yes"})
    assert fresh(payment).captured_minor == 0


def test_the_button_is_offered_where_money_is_waited_for() -> None:
    waiting, of_a_card, client = promise(), booked(), browser(*MAY)
    shown = [
        "hub-tool--receipt" in client.get(address(Payment, "change", row.pk)).content.decode()
        for row in (waiting, of_a_card)
    ]
    assert shown == [True, False]
    assert "does not wait for money" in client.get(url_of(of_a_card)).content.decode()


def test_the_list_shows_what_waits_for_money() -> None:
    waiting, withdrawn, client = promise(), promise(), browser(*MAY)
    payments.cancel(withdrawn.pk)
    page = client.get(address(Payment, "changelist"), {"waiting": "yes"}).content.decode()
    assert waiting.number in page
    assert withdrawn.number not in page


@pytest.mark.parametrize("written", [str.lower, str, lambda text: " ".join(text[n : n + 4] for n in (0, 4, 8, 12))])
def test_a_payment_is_found_by_the_reference_as_the_customer_wrote_it(written: Any) -> None:
    payment, other, client = promise(), promise(), browser(*MAY)
    page = client.get(address(Payment, "changelist"), {"q": written(payment.reference)}).content.decode()
    assert payment.number in page
    assert other.number not in page


def test_the_reference_is_shown_as_the_customer_sees_it() -> None:
    payment = promise()
    page = browser(*MAY).get(address(Payment, "change", payment.pk)).content.decode()
    told = (payment.next_action or {})["fields"]["reference"]
    assert " " in told
    assert told in page


# -- refunds ----------------------------------------------------------------------------------------------------------


def test_a_refund_by_hand_is_said_to_be_one() -> None:
    payment, client = receive(promise("10.00")), browser("view_payment", "refund_payment")
    url = address(Payment, "refund", payment.pk)
    second = client.post(url, {**hidden(client.get(url)), "amount": "4.00", "reason": "broken"})
    response = client.post(url, hidden(second), follow=True)
    assert "is to be made by hand" in messages_of(response)
    assert Refund.objects.get().status == RefundStatus.PROCESSING


def test_a_proof_goes_from_the_form_into_the_books() -> None:
    refund = refunds.request(receive(promise("10.00")).pk, amount="4.00", reason="broken")
    person, url = staff(*MAY_PROVE), address(Refund, "proof", refund.pk)
    client = browser(user=person)
    listed = client.get(address(Refund, "changelist"), {"to_make": "yes"}).content.decode()
    assert refund.number in listed
    second = fill_in(client, url, note="transfer 17")
    assert 'value="Record the refund of 4.00\u00a0USD"' in second.content.decode()
    assert Refund.objects.get().status == RefundStatus.PROCESSING
    response = client.post(url, hidden(second), follow=True)
    assert refund.number in messages_of(response)
    assert "transfer 17" in response.content.decode()  # on the refund's page
    refund.refresh_from_db()
    assert (refund.status, last_entry(refund.payment, "refund.completed").actor) == (RefundStatus.COMPLETED, person)
    # and there is nothing left to do
    assert refund.number not in client.get(address(Refund, "changelist"), {"to_make": "yes"}).content.decode()
    assert "does not wait for somebody" in client.get(url).content.decode()


def test_a_refund_by_hand_can_be_cancelled_in_the_admin() -> None:
    refund = refunds.request(receive(promise("10.00")).pk)
    client, url = browser("view_refund", "refund_payment"), address(Refund, "cancel", refund.pk)
    assert "nobody has made it by hand" in client.get(url).content.decode()
    assert "hub-tool--cancel" in client.get(address(Refund, "change", refund.pk)).content.decode()
    client.post(url)
    refund.refresh_from_db()
    assert refund.status == RefundStatus.CANCELLED


def test_the_payer_does_not_prove_his_own_refund() -> None:
    person = staff(*MAY_PROVE)
    refund = refunds.request(receive(promise("10.00", user=person), by=make_user()).pk)
    page = browser(user=person).get(address(Refund, "proof", refund.pk)).content.decode()
    assert "own_payment" in page
    assert 'type="submit" class="default' not in page


# -- the account ------------------------------------------------------------------------------------------------------


def test_an_account_for_manual_payments_is_made_in_the_admin() -> None:
    client = browser("view_provideraccount", "add_provideraccount", "change_provideraccount")
    url = "/admin/payments_hub/provideraccount/add/?provider=manual"
    assert 'name="key_bank_details"' in client.get(url).content.decode()
    fields = {
        "alias": "by-hand",
        "label": "By hand",
        "mode": "test",
        "is_active": "on",
        "key_methods": "cash bank_transfer",
        "key_bank_details": "Tea Ltd, DE89 3704 0044 0532 0130 00",
        "key_cheque_details": "",
        "key_cash_details": "",
        "key_auto_approve": "cash",
        "key_expires_after_days": "30",
    }
    # given something that cannot work
    refused = client.post(url, {**fields, "key_bank_details": ""})
    assert "BANK_DETAILS is empty" in refused.content.decode()
    # when it is put right
    assert client.post(url, fields).status_code == 302
    # then payments are promised with it
    wanted = payments.NewPayment(account="by-hand", amount="1.00", currency="USD", method_kind=MethodKind.BANK_TRANSFER)
    payment = payments.create(wanted)
    assert payment.next_action
    assert payment.next_action["fields"]["details"] == "Tea Ltd, DE89 3704 0044 0532 0130 00"
    # and the form shows what is stored
    page = client.get(address(ProviderAccount, "change", payment.account_id)).content.decode()
    assert 'value="cash bank_transfer"' in page
    assert 'value="cash"' in page


# -- settled ----------------------------------------------------------------------------------------------------------


def test_a_payment_that_needed_a_person_is_settled_with_words() -> None:
    payment = receive(payments.cancel(promise("10.00").pk), late=True)
    url, client = address(Payment, "settle", payment.pk), browser("view_payment", "settle_payment")
    assert "hub-tool--settle" in client.get(address(Payment, "change", payment.pk)).content.decode()
    assert 'class="errorlist"' in client.post(url, {"reason": " "}).content.decode()
    response = client.post(url, {"reason": "sent back"}, follow=True)
    assert "no longer needs a person" in messages_of(response)
    assert (fresh(payment).attention_code, last_entry(payment, "payment.updated").data["proof"]) == (
        "",
        "sent back",
    )
    assert "hub-tool--settle" not in response.content.decode()
    assert 'type="submit" class="default' not in client.get(url).content.decode()
