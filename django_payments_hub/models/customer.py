"""A user as a provider knows him."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from django_payments_hub.models.base import LedgerModel, ProviderIdField, mode_field
from django_payments_hub.models.provider_account import ProviderAccount


class Customer(LedgerModel):
    """The provider's customer of one user, account and mode; at most one, its id the key and the reference there.

    `provider_customer_id` is NULL until the provider has answered, and where it makes the customer only while a method
    is saved; `made_at` says that it was asked. `lease_until` says that somebody is asking now; `payer` holds what is
    asked with from the first try on, until the provider refuses it, and is emptied afterwards.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="payments_hub_customers")
    account = models.ForeignKey(ProviderAccount, on_delete=models.PROTECT, related_name="customers")
    mode = mode_field()
    provider_customer_id = ProviderIdField(_("provider's customer id"), max_length=255, null=True, blank=True)
    payer = models.JSONField(default=dict, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    first_sent_at = models.DateTimeField(null=True, blank=True, editable=False)
    made_at = models.DateTimeField(_("made at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        constraints = [
            models.UniqueConstraint(fields=["account", "user", "mode"], name="payments_hub_customer_once"),
            models.UniqueConstraint(
                fields=["account", "provider_customer_id"], name="payments_hub_customer_provider_id"
            ),
        ]

    def __str__(self) -> str:
        return self.provider_customer_id or str(self.id)
