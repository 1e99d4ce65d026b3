"""I1: however many ask at once, refunds never exceed what was captured; not here, and at no provider."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.db.models import F

from django_payments_hub.domain.statuses import RefundStatus
from django_payments_hub.exceptions import RuleViolation
from django_payments_hub.models import Payment, Refund
from django_payments_hub.services import refunds
from django_payments_hub.testing.sandbox import SandboxClient
from tests.concurrency.threads import at_once, in_rounds
from tests.merchant_fixtures import only
from tests.merchants import REFUNDING, Merchant

pytestmark = [pytest.mark.django_db(transaction=True), only(REFUNDING)]

_CARRIED_OUT = {RefundStatus.PROCESSING, RefundStatus.COMPLETED}


def judge(merchant: Merchant, sandbox: SandboxClient, paid: list[Payment]) -> None:
    """Every payment has exactly one refund of 60, in the books and at the provider."""
    rounds = [[partial(refunds.request, payment.pk, amount="60.00")] * 10 for payment in paid]
    for answers in in_rounds(rounds, timeout_s=300):
        made = [answer for answer in answers if isinstance(answer, Refund)]
        refused = [answer for answer in answers if isinstance(answer, RuleViolation)]
        assert (len(made), len(refused)) == (1, 9), answers
        assert refunds.execute(made[0].pk).status in _CARRIED_OUT
    merchant.settle_refunds(sandbox)
    books = list(Payment.objects.filter(pk__in=[payment.pk for payment in paid]))
    assert len(books) == len(paid)
    entries = {mark: entry for entry in merchant.entries(sandbox) for mark in entry["metadata"].values()}
    for row in books:
        assert (row.refund_reserved_minor, row.refunded_minor, row.excess_minor) == (6000, 6000, 0)
        assert entries[row.reference]["refunded"] == 6000


def test_ten_threads_each_refunding_60_of_100_refund_it_once(merchant: Merchant, sandbox: SandboxClient) -> None:
    judge(merchant, sandbox, [merchant.pay(sandbox) for _ in range(5)])


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.mariadb
def test_of_200_payments_none_is_refunded_too_much(merchant: Merchant, sandbox: SandboxClient) -> None:
    def pay(_: int) -> Payment:
        try:
            return merchant.pay(sandbox)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        paid = list(pool.map(pay, range(200)))
    judge(merchant, sandbox, paid)


def test_ten_workers_at_once_carry_a_refund_out_once(merchant: Merchant, sandbox: SandboxClient) -> None:
    payment = merchant.pay(sandbox)
    refund = refunds.request(payment.pk, amount="60.00")
    at_once([partial(refunds.execute, refund.pk)] * 10)
    merchant.settle_refunds(sandbox)
    payment.refresh_from_db()
    assert (payment.refunded_minor, payment.refund_reserved_minor) == (6000, 6000)
    assert merchant.entry(sandbox, payment)["refunded"] == 6000


def test_the_database_itself_refuses_to_reserve_more_than_was_captured(
    merchant: Merchant, sandbox: SandboxClient
) -> None:
    payment = merchant.pay(sandbox)
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(refund_reserved_minor=F("captured_minor") + 1)
    table = connection.ops.quote_name(Payment._meta.db_table)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET refund_reserved_minor = captured_minor + 1")
