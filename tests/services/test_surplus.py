"""What came in beyond what was asked for goes back, and the books say when, how much and what proves it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from django_payments_hub.exceptions import HubError, NotAllowed
from django_payments_hub.models import Payment, TransactionLog
from django_payments_hub.services import surplus
from tests.services.by_hand import ago, clerk, last_entry, offer_manual, promise, receive
from tests.services.world import fresh, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def overpaid(hub: Any, settings: Any) -> Payment:
    offer_manual(settings)
    return receive(promise("10.00"), "12.50", accept_difference=True)


def give_back(payment: Payment, amount: str | None = None, *, by: User | None = None, **more: Any) -> Payment:
    told: dict[str, Any] = {"paid_at": ago(hours=1), "note": "transfer 18", **more}
    return surplus.give_back(payment.pk, amount=amount, actor=by or clerk(), **told)


def test_the_mark_goes_with_the_last_of_the_surplus(overpaid: Payment) -> None:
    # when a part goes back
    person, when = clerk(), ago(hours=2)
    payment = fresh(give_back(overpaid, "1.50", by=person, paid_at=when))
    # then the rest still waits
    assert (payment.surplus_minor, payment.attention_code) == (100, "overpaid")
    entry = last_entry(payment, "payment.updated")
    assert (entry.actor, entry.amounts["surplus_minor"]) == (person, 100)
    assert entry.data == {
        "surplus_returned": "1.50",
        "surplus_returned_minor": 150,
        "paid_at": when.isoformat(timespec="seconds"),
        "proof": "transfer 18",
    }
    # and with the rest the mark goes; what was asked for was never touched
    payment = fresh(give_back(overpaid))
    assert (payment.surplus_minor, payment.attention_code, payment.captured_minor) == (0, "", 1000)
    # and the log alone tells what is left of it
    told = TransactionLog.objects.filter(payment=payment).values_list("data", flat=True)
    assert sum(row.get("surplus_minor", 0) - row.get("surplus_returned_minor", 0) for row in told) == 0


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"amount": "2.51"}, "surplus_exceeded"),
        ({"amount": "0"}, "invalid_amount"),
        ({"note": " "}, "proof_required"),
        ({"note": "card 4242 4242 4242 4242"}, "card_number_refused"),
        ({"paid_at": timezone.now() + timedelta(days=1)}, "in_future"),
    ],
)
def test_what_cannot_be_changes_nothing(overpaid: Payment, wrong: dict[str, Any], code: str) -> None:
    with pytest.raises(HubError) as refused:
        give_back(overpaid, **wrong)
    assert refused.value.code == code
    assert fresh(overpaid).surplus_minor == 250


def test_where_nothing_is_left_nothing_goes_back(overpaid: Payment) -> None:
    give_back(overpaid)
    with pytest.raises(HubError) as refused:
        give_back(overpaid, "0.01")
    assert refused.value.code == "no_surplus"


def test_nobody_vouches_for_money_he_got_himself(overpaid: Payment) -> None:
    person = make_user(is_staff=True)
    Payment.objects.filter(pk=overpaid.pk).update(user=person)
    with pytest.raises(NotAllowed):
        give_back(overpaid, by=person)
