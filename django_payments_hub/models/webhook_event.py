"""The inbox."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_payments_hub.domain.statuses import InboxState, Verdict
from django_payments_hub.models.base import LedgerModel, ProviderIdField, choices
from django_payments_hub.models.provider_account import ProviderAccount


class WebhookEvent(LedgerModel):
    """One notification, verified and filed before it is answered (I9), unique per account for ever (I10).

    `body` is the text as received with secrets blanked. `next_attempt_at` is NULL once nothing more is to be done.
    """

    account = models.ForeignKey(ProviderAccount, on_delete=models.PROTECT, related_name="webhook_events")
    event_id = ProviderIdField(_("event id"), max_length=255)
    event_type = models.CharField(_("type"), max_length=120, blank=True)
    body = models.TextField(_("body"))
    state = models.CharField(_("state"), max_length=12, choices=choices(InboxState), default=InboxState.RECEIVED.value)
    verdict = models.CharField(_("verdict"), max_length=12, choices=choices(Verdict), blank=True)
    tries = models.PositiveIntegerField(_("tries"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt at"), null=True, blank=True, default=timezone.now)
    error_code = models.CharField(_("last error"), max_length=60, blank=True)
    received_at = models.DateTimeField(_("received at"), default=timezone.now)
    processed_at = models.DateTimeField(_("processed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("webhook event")
        verbose_name_plural = _("webhook events")
        ordering = ("-id",)
        permissions = [("replay_webhookevent", _("Can process webhook events again"))]
        indexes = [models.Index(fields=["next_attempt_at"], name="payments_hub_inbox_due")]
        constraints = [
            models.UniqueConstraint(fields=["account", "event_id"], name="payments_hub_event_once"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}".strip()
