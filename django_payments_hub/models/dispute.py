"""A dispute (chargeback)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from moneyed import Money

from django_payments_hub.domain.money import from_minor
from django_payments_hub.domain.statuses import DisputeStatus
from django_payments_hub.models.base import LedgerModel, ProviderIdField, choices, minor_field
from django_payments_hub.models.payment import Payment
from django_payments_hub.models.provider_account import ProviderAccount


class Dispute(LedgerModel):
    """A customer's bank takes money back until it is settled who is right."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    account = models.ForeignKey(ProviderAccount, on_delete=models.PROTECT, related_name="disputes")
    provider_dispute_id = ProviderIdField(_("provider's dispute id"), max_length=255)
    status = models.CharField(_("status"), max_length=30, choices=choices(DisputeStatus))
    amount_minor = minor_field(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    reason = models.CharField(_("reason"), max_length=100, blank=True)
    evidence_due_at = models.DateTimeField(_("evidence due at"), null=True, blank=True)
    told_at = models.DateTimeField(_("told at"), null=True, blank=True, editable=False)
    """When the provider told this status, by its own clock."""
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(fields=["account", "provider_dispute_id"], name="payments_hub_dispute_provider_id"),
            models.CheckConstraint(condition=Q(amount_minor__gte=0), name="payments_hub_dispute_not_negative"),
        ]

    def __str__(self) -> str:
        return self.provider_dispute_id

    @property
    def amount(self) -> Money:
        """What is disputed."""
        return from_minor(self.amount_minor, self.currency)
