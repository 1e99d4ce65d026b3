"""A refund."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from moneyed import Money

from django_payments_hub.domain.money import from_minor
from django_payments_hub.domain.statuses import RefundOrigin, RefundStatus
from django_payments_hub.models.base import LedgerModel, ProviderIdField, choices, human_number, minor_field
from django_payments_hub.models.payment import Payment
from django_payments_hub.models.provider_account import ProviderAccount


class Refund(LedgerModel):
    """Money on its way back. While its status reserves, its amount is not available to another refund (I1).

    One made `by_hand` has no operation: it is `processing` until a person has recorded the proof.
    """

    number = models.CharField(_("number"), max_length=16, unique=True, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    account = models.ForeignKey(ProviderAccount, on_delete=models.PROTECT, related_name="refunds")
    amount_minor = minor_field(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    status = models.CharField(
        _("status"), max_length=20, choices=choices(RefundStatus), default=RefundStatus.PENDING.value
    )
    origin = models.CharField(_("origin"), max_length=10, choices=choices(RefundOrigin), default=RefundOrigin.HUB.value)
    by_hand = models.BooleanField(
        _("by hand"), default=False, help_text=_("A person gives the money back, and records the proof.")
    )
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    provider_refund_id = ProviderIdField(_("provider's refund id"), max_length=255, null=True, blank=True)
    failure_code = models.CharField(_("failure"), max_length=40, blank=True)
    failure_provider_code = models.CharField(_("provider's failure code"), max_length=100, blank=True)
    attention_code = models.CharField(_("needs a person"), max_length=60, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        ordering = ("-id",)
        permissions = [
            ("approve_refund", _("Can approve refunds")),
            ("prove_refund", _("Can record refunds made by hand")),
        ]
        indexes = [models.Index(fields=["status", "id"], name="payments_hub_refund_status")]
        constraints = [
            models.UniqueConstraint(fields=["account", "provider_refund_id"], name="payments_hub_refund_provider_id"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payments_hub_refund_positive"),
        ]

    def __str__(self) -> str:
        return self.number

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.number:
            self.number = human_number("R", self.id)
        super().save(*args, **kwargs)

    @property
    def amount(self) -> Money:
        """What is given back."""
        return from_minor(self.amount_minor, self.currency)
