"""One handler's copy of one event."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_payments_hub.domain.statuses import DeliveryState
from django_payments_hub.models.base import HubModel, choices
from django_payments_hub.models.transaction_log import TransactionLog


class EventDelivery(HubModel):
    """Runs one handler of the host for one log entry, at least once, apart from all other handlers (I19)."""

    log = models.ForeignKey(TransactionLog, on_delete=models.PROTECT, related_name="deliveries")
    handler = models.CharField(_("handler"), max_length=200)
    state = models.CharField(
        _("state"), max_length=10, choices=choices(DeliveryState), default=DeliveryState.PENDING.value
    )
    tries = models.PositiveIntegerField(_("tries"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt at"), null=True, blank=True, default=timezone.now)
    error = models.CharField(_("last error"), max_length=200, blank=True)
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)

    class Meta:
        verbose_name = _("event delivery")
        verbose_name_plural = _("event deliveries")
        ordering = ("-id",)
        permissions = [("replay_eventdelivery", _("Can deliver events again"))]
        indexes = [models.Index(fields=["next_attempt_at"], name="payments_hub_delivery_due")]
        constraints = [models.UniqueConstraint(fields=["log", "handler"], name="payments_hub_delivery_once")]

    def __str__(self) -> str:
        return f"{self.handler}: {self.state}"
