"""A saved payment method: the provider's token and what a receipt may show, never a number."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_payments_hub.domain.statuses import MethodKind, MethodStatus
from django_payments_hub.models.base import LedgerModel, ProviderIdField, choices, mode_field
from django_payments_hub.models.customer import Customer
from django_payments_hub.models.provider_account import ProviderAccount


class PaymentMethod(LedgerModel):
    """One way a user can pay again, from the try to save it to its end at the provider.

    A row stands for one try to save; its id is the reference and the key at the provider. `pending` goes to `active` or
    `failed`; `active` goes to `detaching`, when it is let go here, and `detached`, when the provider has let go too.
    `default_key` is set on the default only, and unique: one per user and account. `replaced_by` leads from a try that
    turned out to be a method kept already to that method. `lease_until` and `fence` say who may call the provider,
    `in_doubt` is set once an answer was lost; a row to be worked on without `next_attempt_at` waits for a person, and
    `attention_code` says why.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="payments_hub_methods")
    account = models.ForeignKey(ProviderAccount, on_delete=models.PROTECT, related_name="methods")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="methods")
    mode = mode_field()
    status = models.CharField(
        _("status"), max_length=10, choices=choices(MethodStatus), default=MethodStatus.PENDING.value
    )
    kind = models.CharField(_("kind"), max_length=20, choices=choices(MethodKind), blank=True)
    provider_method_id = ProviderIdField(_("provider's method id"), max_length=255, null=True, blank=True)
    provider_setup_id = ProviderIdField(_("provider's setup id"), max_length=255, blank=True)
    fingerprint = ProviderIdField(_("fingerprint"), max_length=255, blank=True)
    brand = models.CharField(_("brand"), max_length=40, blank=True)
    last4 = models.CharField(_("last four digits"), max_length=4, blank=True)
    expiry_month = models.PositiveSmallIntegerField(_("expiry month"), null=True, blank=True)
    expiry_year = models.PositiveSmallIntegerField(_("expiry year"), null=True, blank=True)
    default_key = models.CharField(max_length=80, null=True, unique=True, editable=False)  # noqa: DJ001 - NULLs may repeat
    replaced_by = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="replaces", verbose_name=_("replaced by")
    )
    consent = models.JSONField(_("consent"), default=dict, blank=True)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)

    parameters = models.JSONField(default=dict, blank=True, editable=False)
    next_action = models.JSONField(_("next action"), null=True, blank=True, editable=False)
    failure_code = models.CharField(_("failure"), max_length=40, blank=True)
    failure_provider_code = models.CharField(_("provider's failure code"), max_length=100, blank=True)
    error_code = models.CharField(_("last error"), max_length=60, blank=True)
    attention_code = models.CharField(_("needs a person"), max_length=60, blank=True)
    in_doubt = models.BooleanField(_("may have happened"), default=False)
    tries = models.PositiveIntegerField(_("tries"), default=0)
    fence = models.PositiveIntegerField(default=0, editable=False)
    lease_until = models.DateTimeField(_("leased until"), null=True, blank=True)
    next_attempt_at = models.DateTimeField(_("next attempt at"), null=True, blank=True)
    first_sent_at = models.DateTimeField(_("first sent at"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    detached_at = models.DateTimeField(_("detached at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        verbose_name = _("payment method")
        verbose_name_plural = _("payment methods")
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["user", "id"], name="payments_hub_method_user"),
            models.Index(fields=["next_attempt_at"], name="payments_hub_method_due"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["account", "provider_method_id"], name="payments_hub_method_provider_id"),
            models.CheckConstraint(
                condition=~Q(status=MethodStatus.ACTIVE.value) | Q(provider_method_id__isnull=False),
                name="payments_hub_active_method_has_token",
            ),
            models.CheckConstraint(
                condition=Q(default_key__isnull=True) | Q(status=MethodStatus.ACTIVE.value),
                name="payments_hub_default_method_is_active",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.brand} {self.last4}".strip() or self.kind or str(self.id)[-12:]

    @property
    def is_active(self) -> bool:
        """Whether it can be paid with."""
        return self.status == MethodStatus.ACTIVE

    @property
    def is_default(self) -> bool:
        """Whether this is the user's default at this account."""
        return self.default_key is not None

    @property
    def is_expired(self) -> bool:
        """Whether the month printed on the card is over, in UTC; False where nothing expires."""
        if not self.expiry_month or not self.expiry_year:
            return False
        year, month = divmod(self.expiry_year * 12 + self.expiry_month, 12)  # the month after it
        return timezone.now() >= datetime(year, month + 1, 1, tzinfo=UTC)
