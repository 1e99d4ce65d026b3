"""A user as a provider knows him."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from django_payments_hub.models.base import LedgerModel, ProviderIdField
from django_payments_hub.models.provider_account import ProviderAccount


class Customer(LedgerModel):
    """The provider's customer of one user and account; at most one."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="payments_hub_customers")
    account = models.ForeignKey(ProviderAccount, on_delete=models.PROTECT, related_name="customers")
    provider_customer_id = ProviderIdField(_("provider's customer id"), max_length=255)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        constraints = [
            models.UniqueConstraint(fields=["account", "user"], name="payments_hub_customer_once"),
            models.UniqueConstraint(
                fields=["account", "provider_customer_id"], name="payments_hub_customer_provider_id"
            ),
        ]

    def __str__(self) -> str:
        return self.provider_customer_id
