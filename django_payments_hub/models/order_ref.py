"""The hub's own row for each order of the host."""

from __future__ import annotations

from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from moneyed import Money

from django_payments_hub.domain.money import from_minor
from django_payments_hub.models.base import LedgerModel, ProviderIdField, minor_field, mode_field


class OrderRef(LedgerModel):
    """What several payments of one order are summed and locked on.

    `active_minor` is the sum of the payments that may still bring money or have brought it. It caps what the hub
    starts, never what a provider tells. A guest proves himself by the order's token, of which the SHA-256 is kept.
    """

    content_type = models.ForeignKey(ContentType, on_delete=models.PROTECT, related_name="+")
    object_id = ProviderIdField(_("order id"), max_length=64)
    order = GenericForeignKey("content_type", "object_id")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="payments_hub_orders",
        verbose_name=_("owner"),
    )
    mode = mode_field()
    guest_token_hash = models.CharField(max_length=64, blank=True, editable=False)
    currency = models.CharField(_("currency"), max_length=3)
    total_minor = minor_field(_("total"))
    active_minor = minor_field(_("sum of active payments"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("order reference")
        verbose_name_plural = _("order references")
        constraints = [
            models.UniqueConstraint(fields=["content_type", "object_id"], name="payments_hub_order_once"),
            models.CheckConstraint(
                condition=Q(total_minor__gte=0) & Q(active_minor__gte=0), name="payments_hub_order_amounts"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.content_type_id}:{self.object_id}"

    @property
    def total(self) -> Money:
        """What the order costs."""
        return from_minor(self.total_minor, self.currency)

    @property
    def open_minor(self) -> int:
        """What may still be paid for, in minor units."""
        return max(0, self.total_minor - self.active_minor)
