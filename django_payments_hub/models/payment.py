"""A payment."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from moneyed import Money

from django_payments_hub.domain.derive import Standing
from django_payments_hub.domain.money import from_minor
from django_payments_hub.domain.statuses import CaptureMethod, Flow, MethodKind, PaymentStatus, Stage
from django_payments_hub.models.base import (
    LedgerModel,
    ProviderIdField,
    choices,
    human_number,
    minor_field,
    mode_field,
)
from django_payments_hub.models.customer import Customer
from django_payments_hub.models.order_ref import OrderRef
from django_payments_hub.models.payment_method import PaymentMethod
from django_payments_hub.models.provider_account import ProviderAccount


class Payment(LedgerModel):
    """Money on its way from a customer to an account.

    `status` is derived (`domain.derive`) from the stage, the amounts and the open operations, and written only where
    facts are applied. The database itself refuses amounts that contradict each other (I1, I2).
    `expiry_attempt_at` says when the sweeper may next look at it, once it is past its expiry or the provider has it in
    hand; `expiry_tries` counts the tries to withdraw it. With tries, but no next attempt, it waits for a person.
    `led_on_at` is when its customer was last given the form that ends at the provider's till; `look_up_at` when
    somebody unproven hinted that it may have been paid.
    """

    number = models.CharField(_("number"), max_length=16, unique=True, editable=False)
    account = models.ForeignKey(ProviderAccount, on_delete=models.PROTECT, related_name="payments")
    mode = mode_field()
    order_ref = models.ForeignKey(OrderRef, on_delete=models.PROTECT, null=True, blank=True, related_name="payments")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="payments_hub_payments",
        verbose_name=_("payer"),
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("owner of the order"),
        help_text=_("Copied from the order, so that the payments one may see are found by one index each."),
    )
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, null=True, blank=True, related_name="payments")
    payment_method = models.ForeignKey(
        PaymentMethod, on_delete=models.PROTECT, null=True, blank=True, related_name="payments"
    )

    status = models.CharField(
        _("status"), max_length=20, choices=choices(PaymentStatus), default=PaymentStatus.PENDING.value
    )
    stage = models.CharField(
        _("stage at the provider"), max_length=20, choices=choices(Stage), default=Stage.OPEN.value
    )
    outcome_unknown = models.BooleanField(_("outcome unknown"), default=False)
    attention_code = models.CharField(_("needs a person"), max_length=60, blank=True)
    failure_code = models.CharField(_("failure"), max_length=40, blank=True)
    failure_provider_code = models.CharField(_("provider's failure code"), max_length=100, blank=True)

    currency = models.CharField(_("currency"), max_length=3)
    amount_minor = minor_field(_("amount"))
    authorized_minor = minor_field(_("authorised"))
    captured_minor = minor_field(_("captured"))
    capturable_minor = minor_field(_("still capturable"))
    refunded_minor = minor_field(_("refunded"))
    refund_reserved_minor = minor_field(_("reserved for refunds"))
    disputed_minor = minor_field(_("disputed"))
    excess_minor = minor_field(_("refunded in excess"))
    surplus_minor = minor_field(_("surplus to give back"))

    flow = models.CharField(_("flow"), max_length=10, choices=choices(Flow))
    capture_method = models.CharField(
        _("capture method"), max_length=10, choices=choices(CaptureMethod), default=CaptureMethod.AUTOMATIC.value
    )
    method_kind = models.CharField(_("paid with"), max_length=20, choices=choices(MethodKind), blank=True)
    method_details = models.JSONField(_("method"), default=dict, blank=True)
    next_action = models.JSONField(_("next action"), null=True, blank=True, editable=False)

    reference = ProviderIdField(_("our reference"), max_length=64)
    provider_payment_id = ProviderIdField(_("provider's payment id"), max_length=255, null=True, blank=True)
    provider_session_id = ProviderIdField(_("provider's session id"), max_length=255, null=True, blank=True)

    description = models.CharField(_("description"), max_length=500, blank=True)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    payer = models.JSONField(_("payer"), default=dict, blank=True)
    cancel_reason = models.CharField(_("reason of the cancellation"), max_length=200, blank=True)
    return_url = models.URLField(_("return address"), max_length=1000, blank=True)
    cancel_url = models.URLField(_("cancel address"), max_length=1000, blank=True)

    log_position = models.PositiveIntegerField(default=0, editable=False)
    led_on_at = models.DateTimeField(null=True, blank=True, editable=False)
    look_up_at = models.DateTimeField(null=True, blank=True, editable=False)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    expiry_attempt_at = models.DateTimeField(null=True, blank=True, editable=False)
    expiry_tries = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ("-id",)
        permissions = [
            ("capture_payment", _("Can capture payments")),
            ("cancel_payment", _("Can cancel payments")),
            ("refund_payment", _("Can request refunds")),
            ("sync_payment", _("Can ask the provider about payments")),
            ("receive_payment", _("Can record money that came in")),
            ("settle_payment", _("Can settle what needed a person")),
        ]
        indexes = [
            models.Index(fields=["user", "id"], name="payments_hub_payment_user"),
            models.Index(fields=["owner", "id"], name="payments_hub_payment_owner"),
            models.Index(fields=["status", "expires_at"], name="payments_hub_payment_expiry"),
            models.Index(fields=["look_up_at"], name="payments_hub_payment_hinted"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["account", "reference"], name="payments_hub_payment_reference"),
            models.UniqueConstraint(fields=["account", "provider_payment_id"], name="payments_hub_payment_provider_id"),
            models.UniqueConstraint(fields=["account", "provider_session_id"], name="payments_hub_payment_session_id"),
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0)
                & Q(authorized_minor__gte=0)
                & Q(captured_minor__gte=0)
                & Q(capturable_minor__gte=0)
                & Q(disputed_minor__gte=0)
                & Q(excess_minor__gte=0)
                & Q(surplus_minor__gte=0),
                name="payments_hub_payment_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(authorized_minor__gte=F("captured_minor") + F("capturable_minor")),
                name="payments_hub_captured_within_authorized",
            ),
            models.CheckConstraint(
                condition=Q(refunded_minor__gte=0) & Q(refund_reserved_minor__gte=F("refunded_minor")),
                name="payments_hub_refunded_within_reserved",
            ),
            models.CheckConstraint(
                condition=Q(refund_reserved_minor__lte=F("captured_minor") + F("excess_minor")),
                name="payments_hub_reserved_within_captured",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.number:
            self.number = human_number("P", self.id)
        super().save(*args, **kwargs)

    def money(self, minor: int) -> Money:
        """So many minor units in the payment's currency."""
        return from_minor(minor, self.currency)

    @property
    def amount(self) -> Money:
        """What was asked for."""
        return self.money(self.amount_minor)

    @property
    def authorized(self) -> Money:
        """The highest amount ever authorised."""
        return self.money(self.authorized_minor)

    @property
    def captured(self) -> Money:
        """What was taken."""
        return self.money(self.captured_minor)

    @property
    def capturable(self) -> Money:
        """What is held and can still be taken."""
        return self.money(self.capturable_minor)

    @property
    def refunded(self) -> Money:
        """What was given back for certain."""
        return self.money(self.refunded_minor)

    @property
    def refundable_minor(self) -> int:
        """What a new refund may take, in minor units: captured less everything reserved."""
        return max(0, self.captured_minor - self.refund_reserved_minor)

    @property
    def refundable(self) -> Money:
        """What a new refund may take."""
        return self.money(self.refundable_minor)

    @property
    def disputed(self) -> Money:
        """What customers dispute, open or lost."""
        return self.money(self.disputed_minor)

    @property
    def surplus(self) -> Money:
        """What came in beyond what was asked for, and was not given back yet; not part of what was taken."""
        return self.money(self.surplus_minor)

    @property
    def standing(self) -> Standing:
        """What the status is derived from."""
        return Standing(
            stage=Stage(self.stage),
            flow=Flow(self.flow),
            captured_minor=self.captured_minor,
            capturable_minor=self.capturable_minor,
            refunded_minor=self.refunded_minor,
            outcome_unknown=self.outcome_unknown,
        )
