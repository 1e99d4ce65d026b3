"""Users with exactly the permissions a test names, rows of every model, and the admin's addresses."""

from __future__ import annotations

from itertools import count
from typing import Any

from django.contrib.admin import site
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from django_payments_hub.domain.statuses import CaptureMethod, DisputeStatus, Flow, InboxState, OperationKind
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
from django_payments_hub.services import accounts, payments

LEDGER = (
    Payment,
    Refund,
    Operation,
    WebhookEvent,
    TransactionLog,
    EventDelivery,
    Dispute,
    Customer,
    PaymentMethod,
    OrderRef,
)
SHOWN = (*LEDGER, ProviderAccount)
VIEW_ALL = tuple(f"view_{model._meta.model_name}" for model in SHOWN)

_number = count(1)


def staff(*permissions: str, **more: Any) -> User:
    user = get_user_model().objects.create_user(f"staff{next(_number)}", password="x", is_staff=True, **more)
    found = Permission.objects.filter(content_type__app_label="payments_hub", codename__in=permissions)
    assert found.count() == len(set(permissions)), permissions
    user.user_permissions.set(found)
    return user


def browser(*permissions: str, user: User | None = None) -> Any:
    """A browser logged in as somebody with exactly these permissions of the hub."""
    client = Client()
    client.force_login(user or staff(*permissions))
    return client


def address(model: Any, name: str, *args: object) -> str:
    return reverse(f"admin:payments_hub_{model._meta.model_name}_{name}", args=args)


def admin_of(model: Any) -> Any:
    return site._registry[model]


def messages_of(response: Any) -> str:
    return " | ".join(str(message) for message in response.context["messages"])


def pay(amount: str = "100.00", **more: Any) -> Payment:
    """A completed payment at the sandbox."""
    return payments.create(
        payments.NewPayment(
            account="stripe", amount=amount, currency="USD", flow=Flow.TOKEN, method_token="pm_card_visa", **more
        )
    )


def hold(amount: str = "100.00") -> Payment:
    """An authorised payment at the sandbox."""
    return pay(amount, capture_method=CaptureMethod.MANUAL)


def booked(captured_minor: int = 10000, **more: Any) -> Payment:
    """A row as it stands after a payment, without any provider."""
    payment = Payment(
        mode="test",
        currency="USD",
        flow=Flow.TOKEN.value,
        **{
            "account": more.get("account") or accounts.get("stripe").row,
            "amount_minor": 10000,
            "authorized_minor": 10000,
            "captured_minor": captured_minor,
            "stage": "captured",
            "status": "completed",
            **more,
        },
    )
    payment.reference = payment.reference or str(payment.pk)
    payment.save(force_insert=True)
    return payment


def one_of_each(text: str = "") -> dict[Any, Any]:
    """A row of every model, with `text` in every field that takes it."""
    account = accounts.get("stripe").row
    user = get_user_model().objects.create_user(f"payer{next(_number)}", first_name=text[:100])
    from django.contrib.contenttypes.models import ContentType

    order_ref = OrderRef.objects.create(
        content_type=ContentType.objects.get_for_model(User),
        object_id=f"{text[:40]}{next(_number)}",
        user=user,
        currency="USD",
        total_minor=10000,
        active_minor=10000,
    )
    customer = Customer.objects.create(user=user, account=account, provider_customer_id=f"{text}cus{next(_number)}")
    method = PaymentMethod.objects.create(
        user=user,
        account=account,
        customer=customer,
        kind="credit_card",
        mode="test",
        status="active",
        provider_method_id=f"{text}pmx{next(_number)}",
        fingerprint=text,
        brand=text[:40],
        last4="4242",
        consent={"by": text},
        failure_code=text[:40],
        failure_provider_code=text[:100],
        error_code=text[:60],
        next_action={"type": text, "url": text, "fields": {text: text}},
        parameters={"method_token": text},
        provider_setup_id=text[:255],
        metadata={text: text},
    )
    payment = booked(
        order_ref=order_ref,
        user=user,
        customer=customer,
        payment_method=method,
        provider_payment_id=f"{text}pi{next(_number)}",
        provider_session_id=f"{text}cs{next(_number)}",
        description=text,
        failure_code=text[:40],
        failure_provider_code=text[:100],
        attention_code=text[:60],
        cancel_reason=text[:200],
        method_details={"brand": text, "last4": text[:30]},
        next_action={"type": text, "url": text, "fields": {text: text}},
        metadata={text: text},
        payer={"name": text},
        return_url=text,
        cancel_url=text,
        refund_reserved_minor=2500,
    )
    refund = Refund(
        payment=payment,
        account=account,
        amount_minor=2500,
        currency="USD",
        reason=text[:200],
        provider_refund_id=f"{text}re{next(_number)}",
        failure_code=text[:40],
        failure_provider_code=text[:100],
        attention_code=text[:60],
        requested_by=user,
    )
    refund.save(force_insert=True)
    operation = Operation.objects.create(
        payment=payment,
        refund=refund,
        kind=OperationKind.REFUND.value,
        amount_minor=2500,
        currency="USD",
        parameters={"method_token": text, "note": text},
        error_code=text[:60],
        provider_code=text[:100],
        attention_code=text[:60],
    )
    event = WebhookEvent.objects.create(
        account=account,
        event_id=f"{text}evt{next(_number)}",
        event_type=text[:120],
        body=text,
        state=InboxState.QUARANTINED.value,
        error_code=text[:60],
    )
    dispute = Dispute.objects.create(
        payment=payment,
        account=account,
        provider_dispute_id=f"{text}dp{next(_number)}",
        status=DisputeStatus.NEEDS_RESPONSE.value,
        amount_minor=2500,
        currency="USD",
        reason=text[:100],
    )
    log = TransactionLog.objects.create(
        id=new_id(),
        payment=payment,
        position=1,
        event=text[:60] or "payment.completed",
        from_status=text[:20],
        to_status="completed",
        refund=refund,
        dispute=dispute,
        operation=operation,
        webhook_event=event,
        amounts={"captured_minor": 10000, text: 1},
        source="call",
        actor=user,
        data={"reason": text},
    )
    delivery = EventDelivery.objects.create(log=log, handler=f"{text[:150]}h", state="failed", error=text[:200])
    rows = (payment, refund, operation, event, log, delivery, dispute, customer, method, order_ref, account)
    return {type(row): row for row in rows}
