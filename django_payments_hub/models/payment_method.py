"""A saved payment method: the provider's token and what a receipt may show, never a number."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from django_payments_hub.domain.statuses import MethodKind
from django_payments_hub.models.base import LedgerModel, ProviderIdField, choices
from django_payments_hub.models.customer import Customer
from django_payments_hub.models.provider_account import ProviderAccount


class PaymentMethod(LedgerModel):
    """One way a user can pay again. `default_key` is set on the default only, and unique: one per user and account."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="payments_hub_methods")
    account = models.ForeignKey(ProviderAccount, on_delete=models.PROTECT, related_name="methods")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="methods")
    kind = models.CharField(_("kind"), max_length=20, choices=choices(MethodKind))
    provider_method_id = ProviderIdField(_("provider's method id"), max_length=255)
    fingerprint = ProviderIdField(_("fingerprint"), max_length=255, blank=True)
    brand = models.CharField(_("brand"), max_length=40, blank=True)
    last4 = models.CharField(_("last four digits"), max_length=4, blank=True)
    expiry_month = models.PositiveSmallIntegerField(_("expiry month"), null=True, blank=True)
    expiry_year = models.PositiveSmallIntegerField(_("expiry year"), null=True, blank=True)
    default_key = models.CharField(max_length=80, null=True, unique=True, editable=False)  # noqa: DJ001 - NULLs may repeat
    is_active = models.BooleanField(_("active"), default=True)
    consent = models.JSONField(_("consent"), default=dict, blank=True)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("payment method")
        verbose_name_plural = _("payment methods")
        constraints = [
            models.UniqueConstraint(fields=["account", "provider_method_id"], name="payments_hub_method_provider_id"),
        ]

    def __str__(self) -> str:
        return f"{self.brand} {self.last4}".strip() or self.kind

    @property
    def is_default(self) -> bool:
        """Whether this is the user's default at this account."""
        return self.default_key is not None
