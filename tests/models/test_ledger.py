"""The database keeps the books: amounts that contradict each other are refused, rows are never lost (I1, I15)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, IntegrityError, connection, models, transaction
from django.db.models.deletion import ProtectedError

from django_payments_hub.domain.statuses import DisputeStatus, OperationKind, RefundStatus, Source
from django_payments_hub.models import (
    Customer,
    Dispute,
    EventDelivery,
    Operation,
    OrderRef,
    Payment,
    PaymentMethod,
    ProviderAccount,
    Refund,
    TransactionLog,
    WebhookEvent,
)
from django_payments_hub.models.base import new_id
from example_project.shop.models import Order

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(django_user_model: Any) -> dict[str, Any]:
    """One row of each kind, all hanging together, with 10.00 of 10.00 captured and 6.00 refunded."""
    user = django_user_model.objects.create_user("payer")
    order = Order.objects.create(user=user)
    account = ProviderAccount.objects.create(alias="acct", provider="stripe", mode="test")
    order_ref = OrderRef.objects.create(
        content_type=ContentType.objects.get_for_model(Order),
        object_id=str(order.pk),
        user=user,
        currency="USD",
        total_minor=1000,
    )
    customer = Customer.objects.create(user=user, account=account, provider_customer_id="cus_1")
    method = PaymentMethod.objects.create(
        user=user, account=account, customer=customer, kind="credit_card", provider_method_id="pm_1"
    )
    payment = Payment.objects.create(
        account=account,
        mode="test",
        order_ref=order_ref,
        user=user,
        customer=customer,
        payment_method=method,
        currency="USD",
        amount_minor=1000,
        authorized_minor=1000,
        captured_minor=1000,
        refunded_minor=600,
        refund_reserved_minor=600,
        flow="token",
        reference="ref-1",
    )
    refund = Refund.objects.create(
        payment=payment, account=account, amount_minor=600, currency="USD", status=RefundStatus.COMPLETED
    )
    operation = Operation.objects.create(
        payment=payment, refund=refund, kind=OperationKind.REFUND, amount_minor=600, currency="USD"
    )
    dispute = Dispute.objects.create(
        payment=payment,
        account=account,
        provider_dispute_id="dp_1",
        status=DisputeStatus.NEEDS_RESPONSE,
        amount_minor=1,
        currency="USD",
    )
    event = WebhookEvent.objects.create(account=account, event_id="evt_1", body="{}")
    log = TransactionLog.objects.create(
        payment=payment,
        position=1,
        event="refund.completed",
        refund=refund,
        dispute=dispute,
        operation=operation,
        webhook_event=event,
        source=Source.CALL,
        actor=user,
    )
    EventDelivery.objects.create(log=log, handler="shop.mail")
    return {
        "user": user,
        "order": order,
        "account": account,
        "order_ref": order_ref,
        "customer": customer,
        "method": method,
        "payment": payment,
        "refund": refund,
        "operation": operation,
        "dispute": dispute,
        "webhook_event": event,
        "log": log,
    }


def raw_update(payment: Payment, assignment: str) -> None:
    key = payment.pk if connection.features.has_native_uuid_field else payment.pk.hex
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE payments_hub_payment SET {assignment} WHERE id = %s", [key])
        assert cursor.rowcount == 1


@pytest.mark.parametrize(
    "assignment",
    [
        "refund_reserved_minor = 1001",
        "refund_reserved_minor = refund_reserved_minor + 401",
        "captured_minor = 599",
        "excess_minor = -1",
        "surplus_minor = -1",
        "refunded_minor = 601",
        "refunded_minor = -1",
        "captured_minor = 1001",
        "capturable_minor = 1",
        "capturable_minor = -1",
        "authorized_minor = 999",
        "disputed_minor = -1",
        "amount_minor = 0",
        "amount_minor = -1000",
    ],
)
def test_sql_past_the_hub_cannot_make_the_amounts_contradict_each_other(rows: dict[str, Any], assignment: str) -> None:
    with pytest.raises(DatabaseError):
        raw_update(rows["payment"], assignment)


def test_sql_within_the_rules_is_taken(rows: dict[str, Any]) -> None:
    """Lest the test above pass because nothing can be written at all."""
    raw_update(rows["payment"], "refund_reserved_minor = 1000")
    raw_update(rows["payment"], "refund_reserved_minor = 1500, excess_minor = 500")


def test_sums_of_an_order_are_never_negative(rows: dict[str, Any]) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        OrderRef.objects.filter(pk=rows["order_ref"].pk).update(active_minor=-1)


@pytest.mark.parametrize("amount", [0, -1])
def test_a_refund_is_of_a_positive_amount(rows: dict[str, Any], amount: int) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        Refund.objects.create(
            payment=rows["payment"],
            account=rows["account"],
            amount_minor=amount,
            currency="USD",
            provider_refund_id="r",
        )


LEDGER = ["order_ref", "customer", "method", "payment", "refund", "operation", "dispute", "webhook_event", "log"]


@pytest.mark.parametrize("name", [*LEDGER, "account"])
def test_a_row_of_the_books_cannot_be_deleted(rows: dict[str, Any], name: str) -> None:
    row = rows[name]
    with pytest.raises(ProtectedError), transaction.atomic():
        row.delete()
    with pytest.raises(ProtectedError), transaction.atomic():
        type(row).objects.filter(pk=row.pk).delete()
    assert type(row).objects.filter(pk=row.pk).exists()


def test_related_rows_cannot_be_deleted_through_their_parent(rows: dict[str, Any]) -> None:
    payment = rows["payment"]
    for related in (payment.log, payment.operations, payment.refunds, payment.disputes):
        with pytest.raises(ProtectedError), transaction.atomic():
            related.all().delete()
        assert related.exists()


@pytest.mark.parametrize("name", ["user", "order"])
def test_what_the_books_speak_of_cannot_be_deleted(rows: dict[str, Any], name: str) -> None:
    with pytest.raises(ProtectedError), transaction.atomic():
        rows[name].delete()
    with pytest.raises(ProtectedError), transaction.atomic():
        type(rows[name]).objects.filter(pk=rows[name].pk).delete()


def test_an_order_without_payments_can_be_deleted() -> None:
    order = Order.objects.create()
    order.delete()
    assert not Order.objects.filter(pk=order.pk).exists()


def test_a_log_entry_is_written_once(rows: dict[str, Any]) -> None:
    log = rows["log"]
    log.event = "payment.completed"
    with pytest.raises(ProtectedError), transaction.atomic():
        log.save()
    with pytest.raises(ProtectedError), transaction.atomic():
        TransactionLog.objects.filter(pk=log.pk).update(event="payment.completed")
    with pytest.raises(ProtectedError), transaction.atomic():
        TransactionLog.objects.bulk_update([log], ["event"])
    assert TransactionLog.objects.get(pk=log.pk).event == "refund.completed"


def test_nothing_of_the_books_cascades() -> None:
    hub = {model for model in ProviderAccount._meta.apps.get_models() if model._meta.app_label == "payments_hub"}
    relations = [
        field
        for model in hub
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey | models.OneToOneField)
    ]
    assert len(relations) > 20
    assert [field for field in relations if field.remote_field.on_delete is not models.PROTECT] == []


@pytest.mark.parametrize(
    ("model", "twin"),
    [
        (Payment, {"provider_payment_id": "pi_1"}),
        (Payment, {"reference": "ref-1"}),
        (Refund, {"provider_refund_id": "re_1"}),
        (Dispute, {"provider_dispute_id": "dp_1"}),
        (WebhookEvent, {"event_id": "evt_1"}),
        (TransactionLog, {"position": 1}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else next(iter(value)),
)
def test_names_that_guard_money_are_unique(
    rows: dict[str, Any], model: type[models.Model], twin: dict[str, Any]
) -> None:
    names: dict[type[models.Model], str] = {
        Payment: "payment",
        Refund: "refund",
        Dispute: "dispute",
        WebhookEvent: "webhook_event",
        TransactionLog: "log",
    }
    row = rows[names[model]]
    if model is not TransactionLog:
        model._default_manager.filter(pk=row.pk).update(**twin)
    values = {field.attname: getattr(row, field.attname) for field in model._meta.concrete_fields}
    copy = model(**{**values, "reference": "ref-2", **twin} if model is Payment else {**values, **twin})
    copy.pk = new_id()
    if hasattr(copy, "number"):
        copy.number = ""
    with pytest.raises(IntegrityError), transaction.atomic():
        copy.save(force_insert=True)


def test_ids_that_differ_in_case_are_two(rows: dict[str, Any]) -> None:
    """MariaDB's default collation takes them for one and would lose a notice."""
    WebhookEvent.objects.create(account=rows["account"], event_id="EVT_1", body="{}")
    assert WebhookEvent.objects.filter(event_id="evt_1").count() == 1


def test_keys_are_uuid7_and_sort_by_age() -> None:
    keys = [new_id() for _ in range(100)]
    assert {key.version for key in keys} == {7}
    assert keys == sorted(keys)
    assert abs((keys[0].int >> 80) / 1000 - datetime.now(UTC).timestamp()) < 60
    assert isinstance(keys[0], uuid.UUID)


def test_payment_and_refund_carry_a_number_to_say_on_the_telephone(rows: dict[str, Any]) -> None:
    assert rows["payment"].number.startswith("P-")
    assert rows["refund"].number.startswith("R-")
    assert len(rows["payment"].number) == 13
    assert not set("ILOU") & set(rows["payment"].number[2:])
