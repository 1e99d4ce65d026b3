"""Saved payment methods, in and out: the provider's tokens go in, and never come out."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from django_payments_hub.api.permissions import Actor, DefaultAccessPolicy
from django_payments_hub.api.return_urls import MAX_LENGTH
from django_payments_hub.api.serializers.fields import (
    FlagField,
    MetadataField,
    MomentField,
    OrderIdField,
    StrictSerializer,
    TextField,
    TokenField,
    WordField,
)
from django_payments_hub.api.serializers.outputs import ErrorOutput, FailureOutput, NextActionOutput
from django_payments_hub.domain.statuses import MethodKind, MethodStatus, Mode
from django_payments_hub.models import PaymentMethod


class ConsentInput(StrictSerializer):
    """That the customer agreed, as he told staff."""

    text = TextField(max_length=1000, help_text=_("What he agreed to."))
    given_at = MomentField(help_text=_("When; not in the future."))
    how = TextField(max_length=60, help_text=_("By telephone, in a letter, ..."))


class SavedMethodInput(StrictSerializer):
    """A method to save: with the provider's token, or without one to begin on its page or in its browser SDK."""

    account = TokenField(required=False, help_text=_("Alias of the account; see the gateways."))
    provider = TokenField(required=False, help_text=_("Instead of the account, when only one account is of this kind."))
    payment_method_token = TokenField(required=False, help_text=_("The provider's token of the method."))
    is_default = FlagField(default=False, help_text=_("Make it the default; the first one is that anyway."))
    metadata = MetadataField(required=False)
    return_url = serializers.CharField(max_length=MAX_LENGTH, required=False, trim_whitespace=False)
    cancel_url = serializers.CharField(max_length=MAX_LENGTH, required=False, trim_whitespace=False)
    customer_id = OrderIdField(required=False, help_text=_("For staff: the user it is saved for."))
    consent = ConsentInput(required=False, help_text=_("With `customer_id`."))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("customer_id" in attrs) is not ("consent" in attrs):
            lacking = "consent" if "customer_id" in attrs else "customer_id"
            raise serializers.ValidationError({lacking: _("The two go together.")}, code="required")
        return attrs


class SavedMethodChangeInput(StrictSerializer):
    """All that can be changed of a saved method."""

    is_default = FlagField(help_text=_("Whether it is the default of its account."))
    metadata = MetadataField()


class SavedMethodPatchInput(StrictSerializer):
    """What is to be changed of a saved method; the rest stays."""

    is_default = FlagField(required=False, help_text=_("Whether it is the default of its account."))
    metadata = MetadataField(required=False)


class ConsentOutput(serializers.Serializer[Any]):
    """Who agreed to the saving, how and when."""

    by = serializers.CharField()
    how = serializers.CharField()
    given_at = serializers.CharField()
    text = serializers.CharField(required=False)
    payment = serializers.CharField(required=False, help_text=_("The payment it was saved with."))


class SavedMethodOutput(serializers.Serializer[Any]):
    """A saved payment method."""

    id = serializers.UUIDField(read_only=True)
    status = WordField(MethodStatus, read_only=True)
    account = serializers.CharField(source="account.alias", read_only=True)
    provider = serializers.CharField(source="account.provider", read_only=True)
    mode = WordField(Mode, read_only=True)
    kind = WordField(MethodKind, required=False, help_text=_("Once it is saved."))
    brand = serializers.CharField(read_only=True)
    last4 = serializers.CharField(read_only=True)
    expiry_month = serializers.IntegerField(read_only=True, allow_null=True)
    expiry_year = serializers.IntegerField(read_only=True, allow_null=True)
    is_expired = serializers.BooleanField(read_only=True)
    is_default = serializers.BooleanField(read_only=True)
    metadata = serializers.DictField(
        child=serializers.CharField(), required=False, help_text=_("Only for its customer.")
    )
    next_action = NextActionOutput(allow_null=True, required=False, help_text=_("Only for its customer."))
    failure = FailureOutput(source="*", read_only=True, allow_null=True)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)
    customer = serializers.CharField(source="user", required=False, help_text=_("For staff."))
    consent = ConsentOutput(required=False, help_text=_("For staff."))
    attention_code = serializers.CharField(required=False, help_text=_("For staff: why a person is needed."))

    def to_representation(self, instance: PaymentMethod) -> dict[str, Any]:
        policy, actor = self.context["policy"], self.context["actor"]
        if not isinstance(policy, DefaultAccessPolicy) or not isinstance(actor, Actor):
            raise TypeError("policy and actor belong into the context")
        hidden = policy.hidden_method_fields(actor, instance)
        if not instance.kind:
            hidden |= {"kind"}
        found = super().to_representation(instance)
        shown = {name: value for name, value in found.items() if name not in hidden}
        if isinstance(shown["failure"], dict) and "attention_code" in hidden:
            shown["failure"].pop("provider_code", None)
        if "consent" in shown:
            shown["consent"] = {name: value for name, value in shown["consent"].items() if value != ""}
        return shown


class SavedMethodErrorOutput(ErrorOutput):
    """A method that was declined or could not be saved: the error and the method."""

    payment_method = SavedMethodOutput(required=False)
