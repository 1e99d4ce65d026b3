"""The audit trail, from which the host's handlers are run."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from django_payments_hub.domain.statuses import Source
from django_payments_hub.models.base import AppendOnlyModel, choices
from django_payments_hub.models.dispute import Dispute
from django_payments_hub.models.operation import Operation
from django_payments_hub.models.payment import Payment
from django_payments_hub.models.refund import Refund
from django_payments_hub.models.webhook_event import WebhookEvent


class TransactionLog(AppendOnlyModel):
    """One change of state, written in the transaction that made it; never changed, never deleted (I15).

    `position` counts within the payment. `amounts` holds the payment's amount columns after the change, so that
    replaying the rows rebuilds the payment. `data` holds what else is worth knowing, without secrets.
    """

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="log")
    position = models.PositiveIntegerField(_("position"))
    event = models.CharField(_("event"), max_length=60)
    refund = models.ForeignKey(Refund, on_delete=models.PROTECT, null=True, blank=True, related_name="log")
    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, null=True, blank=True, related_name="log")
    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, null=True, blank=True, related_name="log")
    webhook_event = models.ForeignKey(WebhookEvent, on_delete=models.PROTECT, null=True, blank=True, related_name="log")
    from_status = models.CharField(_("from"), max_length=30, blank=True)
    to_status = models.CharField(_("to"), max_length=30, blank=True)
    amounts = models.JSONField(_("amounts"), default=dict)
    source = models.CharField(_("source"), max_length=10, choices=choices(Source))
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    data = models.JSONField(_("data"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("transaction log entry")
        verbose_name_plural = _("transaction log")
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(fields=["payment", "position"], name="payments_hub_log_position"),
        ]

    def __str__(self) -> str:
        return f"{self.event} #{self.position}"
