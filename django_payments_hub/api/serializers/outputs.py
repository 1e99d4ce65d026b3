"""What clients get. Amounts are decimal strings in major units, quantised to the currency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from django_payments_hub.api.messages import failure_message
from django_payments_hub.api.permissions import Actor, DefaultAccessPolicy
from django_payments_hub.api.serializers.fields import WordField
from django_payments_hub.domain.money import format_minor
from django_payments_hub.domain.statuses import (
    CaptureMethod,
    FailureCode,
    Flow,
    MethodKind,
    Mode,
    NextActionKind,
    OperationKind,
    OperationState,
    PaymentStatus,
    RefundOrigin,
    RefundStatus,
    Source,
)
from django_payments_hub.models import Payment, Refund, TransactionLog
from django_payments_hub.services.books import AMOUNT_FIELDS

_METHOD_FIELDS = ("brand", "last4", "expiry_month", "expiry_year")


class MinorField(serializers.CharField):
    """A column of minor units as a decimal string of the row's currency."""

    def __init__(self, source: str, **kwargs: Any) -> None:
        super().__init__(source=source, **(kwargs or {"read_only": True}))

    def get_attribute(self, instance: object) -> str:
        minor: Any = super().get_attribute(instance)
        return format_minor(minor, getattr(instance, "currency"))  # noqa: B009 - of every row with an amount


class MethodOutput(serializers.Serializer[Any]):
    """What a receipt may show of the method."""

    kind = WordField(MethodKind)
    brand = serializers.CharField(allow_blank=True, required=False)
    last4 = serializers.CharField(allow_blank=True, required=False)
    expiry_month = serializers.IntegerField(required=False)
    expiry_year = serializers.IntegerField(required=False)
    payment_method_id = serializers.UUIDField(required=False, help_text=_("Where it is a saved one."))

    def to_representation(self, instance: Payment) -> dict[str, object] | None:  # type: ignore[override]
        if not instance.method_kind:
            return None
        details: Mapping[str, object] = instance.method_details
        saved = {"payment_method_id": str(instance.payment_method_id)} if instance.payment_method_id else {}
        known = {name: details[name] for name in _METHOD_FIELDS if name in details}
        return {"kind": instance.method_kind, **known, **saved}


class NextActionOutput(serializers.Serializer[Any]):
    """What the customer has to do. `fields` carries what the type needs, a `client_secret` for example."""

    type = WordField(NextActionKind)
    url = serializers.CharField(allow_blank=True)
    # The metaclass takes declared fields off the class, so that these names hide nothing of the serializer's own.
    fields = serializers.DictField(child=serializers.CharField())  # type: ignore[assignment]


class FailureOutput(serializers.Serializer[Any]):
    """Why it did not happen: the code for programs, the message for the customer, the provider's code for staff."""

    code = WordField(FailureCode)
    message = serializers.CharField()
    provider_code = serializers.CharField(required=False, allow_blank=True, help_text=_("For staff."))

    def to_representation(self, instance: Payment | Refund) -> dict[str, object] | None:  # type: ignore[override]
        if not instance.failure_code:
            return None
        return {
            "code": instance.failure_code,
            "message": failure_message(instance.failure_code),
            "provider_code": instance.failure_provider_code,
        }


class _Shown(serializers.Serializer[Any]):
    """Leaves out what the access policy hides from the actor."""

    def hidden(self, instance: object) -> frozenset[str]:
        policy, actor = self.context["policy"], self.context["actor"]
        if not isinstance(policy, DefaultAccessPolicy) or not isinstance(actor, Actor):
            raise TypeError("policy and actor belong into the context")
        payment = instance.payment if isinstance(instance, Refund) else instance
        if not isinstance(payment, Payment):
            raise TypeError("only payments and refunds are shown so")
        return policy.hidden_fields(actor, payment)

    def to_representation(self, instance: object) -> dict[str, Any]:
        hidden = self.hidden(instance)
        shown = {name: value for name, value in super().to_representation(instance).items() if name not in hidden}
        failure = shown.get("failure")
        if isinstance(failure, dict) and "provider_code" in hidden:
            failure.pop("provider_code", None)
        return shown


class PaymentStatusOutput(_Shown):
    """How a payment stands, for pages that ask again and again."""

    id = serializers.UUIDField(read_only=True)
    status = WordField(PaymentStatus, read_only=True)
    amount = MinorField("amount_minor")
    currency = serializers.CharField(read_only=True)
    captured = MinorField("captured_minor")
    refunded = MinorField("refunded_minor")
    next_action = NextActionOutput(allow_null=True, required=False, help_text=_("Only for those who may pay."))
    failure = FailureOutput(source="*", read_only=True, allow_null=True)
    expires_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text=_("An unpaid payment is withdrawn then.")
    )
    updated_at = serializers.DateTimeField(read_only=True)


class PaymentOutput(PaymentStatusOutput):
    """A payment."""

    number = serializers.CharField(read_only=True, help_text=_("Short, to say on the telephone."))
    authorized = MinorField("authorized_minor")
    capturable = MinorField("capturable_minor")
    refundable = MinorField("refundable_minor")
    disputed = MinorField("disputed_minor")
    account = serializers.CharField(source="account.alias", read_only=True)
    provider = serializers.CharField(source="account.provider", read_only=True)
    mode = WordField(Mode, read_only=True)
    order_id = serializers.SerializerMethodField()
    flow = WordField(Flow, read_only=True)
    capture_method = WordField(CaptureMethod, read_only=True)
    method = MethodOutput(source="*", read_only=True, allow_null=True)
    description = serializers.CharField(read_only=True)
    metadata = serializers.DictField(child=serializers.CharField(), read_only=True)
    cancel_reason = serializers.CharField(read_only=True)
    refunds_url = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField(read_only=True)
    provider_payment_id = serializers.CharField(allow_null=True, required=False, help_text=_("For staff."))
    provider_session_id = serializers.CharField(allow_null=True, required=False, help_text=_("For staff."))
    attention_code = serializers.CharField(required=False, help_text=_("For staff: why a person is needed."))
    surplus = MinorField(
        "surplus_minor",
        required=False,
        help_text=_("For staff: what came in beyond what was asked for, to be given back."),
    )
    payer = serializers.DictField(child=serializers.CharField(), required=False, help_text=_("For staff."))

    def get_order_id(self, payment: Payment) -> str | None:
        return payment.order_ref.object_id if payment.order_ref else None

    def get_refunds_url(self, payment: Payment) -> str:
        return f"{reverse('payments_hub:refund-list')}?payment_id={payment.pk}"


class RefundOutput(_Shown):
    """A refund."""

    id = serializers.UUIDField(read_only=True)
    number = serializers.CharField(read_only=True)
    payment_id = serializers.UUIDField(read_only=True)
    status = WordField(RefundStatus, read_only=True)
    amount = MinorField("amount_minor")
    currency = serializers.CharField(read_only=True)
    origin = WordField(RefundOrigin, read_only=True)
    by_hand = serializers.BooleanField(read_only=True, help_text=_("A person makes it, and records the proof."))
    reason = serializers.CharField(read_only=True)
    failure = FailureOutput(source="*", read_only=True, allow_null=True)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)
    provider_refund_id = serializers.CharField(allow_null=True, required=False, help_text=_("For staff."))
    attention_code = serializers.CharField(required=False, help_text=_("For staff: why a person is needed."))


class LogOutput(serializers.Serializer[Any]):
    """One line of the audit trail; amounts as they stood after it."""

    id = serializers.UUIDField(read_only=True)
    position = serializers.IntegerField(read_only=True)
    event = serializers.CharField(read_only=True)
    from_status = serializers.CharField(read_only=True)
    to_status = serializers.CharField(read_only=True)
    amounts = serializers.SerializerMethodField()
    source = WordField(Source, read_only=True)  # type: ignore[assignment]
    actor = serializers.SerializerMethodField()
    refund_id = serializers.UUIDField(read_only=True, allow_null=True)
    operation_id = serializers.UUIDField(read_only=True, allow_null=True)
    webhook_event_id = serializers.UUIDField(read_only=True, allow_null=True)
    data = serializers.DictField(read_only=True, help_text=_("What else is known, such as the proof of a receipt."))  # type: ignore[assignment]
    created_at = serializers.DateTimeField(read_only=True)

    def get_amounts(self, row: TransactionLog) -> dict[str, str]:
        names = ("amount_minor", *AMOUNT_FIELDS)
        currency = row.payment.currency
        return {name.removesuffix("_minor"): format_minor(row.amounts.get(name, 0), currency) for name in names}

    def get_actor(self, row: TransactionLog) -> str:
        return str(row.actor) if row.actor else ""


class OperationOutput(serializers.Serializer[Any]):
    """One call to the provider that is not over."""

    id = serializers.UUIDField(read_only=True)
    kind = WordField(OperationKind, read_only=True)
    state = WordField(OperationState, read_only=True)
    amount = MinorField("amount_minor")
    currency = serializers.CharField(read_only=True)
    tries = serializers.IntegerField(read_only=True)
    next_attempt_at = serializers.DateTimeField(read_only=True, allow_null=True)
    error_code = serializers.CharField(read_only=True)
    attention_code = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)


class ExplanationOutput(serializers.Serializer[Any]):
    """Why a payment stands where it stands, and what happens next."""

    id = serializers.UUIDField()
    status = WordField(PaymentStatus)
    explanation = serializers.CharField()
    next = serializers.CharField()
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    attention_code = serializers.CharField(required=False, help_text=_("For staff: why a person is needed."))
    operations = OperationOutput(many=True, required=False, help_text=_("For staff: calls that are not over."))


class GatewayOutput(serializers.Serializer[Any]):
    """An account a customer can pay with now."""

    account = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    provider = serializers.CharField()
    mode = WordField(Mode)
    available = serializers.BooleanField(help_text=_("False while the provider refuses or slows down our calls."))
    flows = serializers.ListField(child=serializers.CharField())
    save_flows = serializers.ListField(
        child=serializers.CharField(), help_text=_("The flows in which the method paid with can be saved.")
    )
    setup_flows = serializers.ListField(
        child=serializers.CharField(), help_text=_("Ways to save a method without paying.")
    )
    method_kinds = serializers.ListField(child=serializers.CharField())
    currencies = serializers.ListField(child=serializers.CharField(), help_text=_("Empty: every currency."))
    capabilities = serializers.ListField(child=serializers.CharField())
    public_values = serializers.DictField(
        child=serializers.CharField(), help_text=_("Values meant for browsers, such as a publishable key.")
    )


class FieldErrorOutput(serializers.Serializer[Any]):
    """One thing wrong with one field."""

    error_code = serializers.CharField()
    detail = serializers.CharField()


class ErrorOutput(serializers.Serializer[Any]):
    """An error: `detail` for the developer, `error_message` for the customer, `error_code` for programs."""

    detail = serializers.CharField()
    error_code = serializers.CharField()
    error_message = serializers.CharField()
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=FieldErrorOutput()), required=False, help_text=_("By field of the body.")
    )


class PaymentErrorOutput(ErrorOutput):
    """A payment that was declined or could not be sent: the error and the payment."""

    payment = PaymentOutput(required=False)


class RefundErrorOutput(ErrorOutput):
    """A refund that was refused: the error and the refund."""

    refund = RefundOutput(required=False)
