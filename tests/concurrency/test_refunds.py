"""I1: however many ask at once, refunds never exceed what was captured; not here, and not at the provider."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.db.models import F

from django_payments_hub.domain.statuses import Flow, RefundStatus
from django_payments_hub.exceptions import RuleViolation
from django_payments_hub.models import Payment, Refund
from django_payments_hub.services import payments, refunds
from django_payments_hub.testing.sandbox import SandboxClient
from tests.concurrency.threads import at_once

pytestmark = [pytest.mark.django_db(transaction=True)]


def pay_100(_: int = 0) -> Payment:
    """A completed payment of 100.00."""
    try:
        return payments.create(
            payments.NewPayment(
                account="stripe", amount="100.00", currency="USD", flow=Flow.TOKEN, method_token="pm_card_visa"
            )
        )
    finally:
        connections.close_all()


def ask_60_ten_times(payment: Payment) -> list[Refund | BaseException]:
    return at_once([partial(refunds.request, payment.pk, amount="60.00")] * 10)


def judge(sandbox: SandboxClient, paid: list[Payment]) -> None:
    """Every payment has exactly one refund of 60, in the books and at the provider."""
    for payment in paid:
        answers = ask_60_ten_times(payment)
        made = [answer for answer in answers if isinstance(answer, Refund)]
        refused = [answer for answer in answers if isinstance(answer, RuleViolation)]
        assert (len(made), len(refused)) == (1, 9), answers
        assert refunds.execute(made[0].pk).status == RefundStatus.COMPLETED
    books = {row.provider_payment_id: row for row in Payment.objects.filter(pk__in=[payment.pk for payment in paid])}
    ledger = sandbox.ledger(provider="stripe")["payments"]
    assert len(books) == len(paid)
    for provider_id, row in books.items():
        assert (row.refund_reserved_minor, row.refunded_minor, row.excess_minor) == (6000, 6000, 0)
        assert ledger[str(provider_id)]["refunded"] == 6000


def test_ten_threads_each_refunding_60_of_100_refund_it_once(sandbox: SandboxClient) -> None:
    judge(sandbox, [pay_100() for _ in range(5)])


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.mariadb
def test_of_200_payments_none_is_refunded_too_much(sandbox: SandboxClient) -> None:
    with ThreadPoolExecutor(4) as pool:
        paid = list(pool.map(pay_100, range(200)))
    judge(sandbox, paid)


def test_the_database_itself_refuses_to_reserve_more_than_was_captured(sandbox: SandboxClient) -> None:
    payment = pay_100()
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(refund_reserved_minor=F("captured_minor") + 1)
    table = connection.ops.quote_name(Payment._meta.db_table)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET refund_reserved_minor = captured_minor + 1")
