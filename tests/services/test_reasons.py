"""Why something is done: kept in the books, and passed on to the provider."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from django_payments_hub.exceptions import RuleViolation
from django_payments_hub.models import Payment, Refund
from django_payments_hub.models.base import new_id
from django_payments_hub.services import parked, payments, refunds
from tests.services.world import fresh, pay

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda payment, reason: refunds.request(payment.pk, reason=reason), id="refund"),
        pytest.param(lambda payment, reason: payments.cancel(payment.pk, reason=reason), id="cancel"),
        pytest.param(lambda payment, reason: parked.declare_not_happened(new_id(), reason=reason), id="not-happened"),
    ],
)
def test_a_card_number_in_a_reason_is_refused_and_nothing_is_done(
    sandbox: object, act: Callable[[Payment, str], object]
) -> None:
    payment = pay()
    # when somebody writes the card down, past the part that is kept
    with pytest.raises(RuleViolation) as refused:
        act(payment, "x" * 195 + " back to card 4242 4242 4242 4242 cvc 123")
    # then it is neither kept nor sent
    assert refused.value.code == "card_number_refused"
    assert not Refund.objects.exists()
    assert fresh(payment).cancel_reason == ""


def test_a_reason_is_kept_in_one_line(sandbox: object) -> None:
    assert refunds.request(pay().pk, reason=" broken\ncup ").reason == "broken cup"
