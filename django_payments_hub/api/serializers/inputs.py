"""What clients send."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from django_payments_hub.api.return_urls import MAX_LENGTH
from django_payments_hub.api.serializers.fields import (
    AmountField,
    FlagField,
    IdField,
    MetadataField,
    OrderIdField,
    StrictSerializer,
    TextField,
    TokenField,
    WordField,
)
from django_payments_hub.domain.statuses import CaptureMethod, Flow, MethodKind


class PayerInput(StrictSerializer):
    """Who pays, as far as the provider wants to know."""

    name = TextField(max_length=200, required=False, allow_blank=True)
    email = serializers.EmailField(max_length=254, required=False, allow_blank=True)
    phone = TextField(max_length=30, required=False, allow_blank=True)
    national_id = TextField(
        max_length=30, required=False, allow_blank=True, help_text=_("Passed on to wallets that need it, never stored.")
    )


class CheckoutInput(StrictSerializer):
    """A hosted checkout."""

    order_id = OrderIdField(help_text=_("The shop's own id of the order to pay."))
    account = TokenField(required=False, help_text=_("Alias of the account; see the gateways."))
    provider = TokenField(required=False, help_text=_("Instead of the account, when only one account is of this kind."))
    amount = AmountField(required=False, help_text=_("In major units; all that is open of the order when left out."))
    currency = TokenField(required=False, help_text=_("If sent, it must be the order's."))
    capture_method = WordField(CaptureMethod, default=CaptureMethod.AUTOMATIC)
    method_kind = WordField(
        MethodKind, required=False, help_text=_("What to pay with, where an account offers several.")
    )
    payer = PayerInput(required=False)
    description = TextField(max_length=500, required=False, allow_blank=True)
    metadata = MetadataField(required=False)
    return_url = serializers.CharField(max_length=MAX_LENGTH, required=False, trim_whitespace=False)
    cancel_url = serializers.CharField(max_length=MAX_LENGTH, required=False, trim_whitespace=False)
    save_payment_method = FlagField(default=False)


class PaymentInput(CheckoutInput):
    """A new payment. Staff may leave the order out, and then names amount and currency."""

    order_id = OrderIdField(required=False, help_text=_("The shop's own id of the order to pay."))
    flow = WordField(
        Flow,
        required=False,
        help_text=_("`token` when a token is given, else the first the account has of `hosted`, `direct`, `client`."),
    )
    payment_method_token = TokenField(required=False, help_text=_("The provider's token of the method; token flow."))
    payment_method = IdField(required=False, help_text=_("A saved method to pay with; needs no token."))
    off_session = FlagField(
        default=False, help_text=_("For staff: the customer is not there; what needs him is declined.")
    )
    defer = FlagField(default=False, help_text=_("Only record it; `process` starts it."))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = "payment_method_token" in attrs
        if given and (attrs.get("flow", Flow.TOKEN) is not Flow.TOKEN or attrs["defer"]):
            raise serializers.ValidationError(
                {"payment_method_token": _("A token goes with the token flow, and not with `defer`.")}
            )
        if "payment_method" in attrs and (given or attrs.get("flow", Flow.TOKEN) is not Flow.TOKEN):
            raise serializers.ValidationError(
                {"payment_method": _("A saved method goes with the token flow, and with no token.")}
            )
        return attrs


class StartInput(StrictSerializer):
    """To process or to confirm."""

    payment_method_token = TokenField(required=False, help_text=_("The provider's token of the method."))


class CaptureInput(StrictSerializer):
    """How much to capture."""

    amount = AmountField(required=False, help_text=_("In major units; all that is held when left out."))
    final = FlagField(default=True, help_text=_("Release what is not captured."))


class CancelInput(StrictSerializer):
    """Why."""

    reason = TextField(max_length=200, required=False, allow_blank=True, default="")


class RefundActionInput(StrictSerializer):
    """How much to give back, and why."""

    amount = AmountField(required=False, help_text=_("In major units; all that is left when left out."))
    reason = TextField(max_length=200, required=False, allow_blank=True, default="")


class RefundInput(RefundActionInput):
    """A new refund."""

    payment_id = IdField()


class NothingInput(StrictSerializer):
    """An action without details."""
