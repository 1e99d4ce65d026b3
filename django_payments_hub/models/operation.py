"""An intended call to a provider."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from django_payments_hub.domain.statuses import OPEN_OPERATIONS, OperationKind, OperationState
from django_payments_hub.models.base import LedgerModel, choices, minor_field
from django_payments_hub.models.payment import Payment
from django_payments_hub.models.refund import Refund


class Operation(LedgerModel):
    """One call that may move money, committed before its first byte is sent (I5); its id is the key at the provider.

    `exclusive_key` is the payment's id while an operation of an exclusive kind is open, and NULL afterwards: at most
    one of pay, confirm, capture and cancel at a time (I18), also on MariaDB, which has no partial unique index.
    `lease_until` and `fence` say who may send, `tries` counts what was sent, `in_doubt` is set for good once an answer
    was lost. An open operation without `next_attempt_at` waits for a person; `attention_code` says why.
    """

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="operations")
    refund = models.OneToOneField(Refund, on_delete=models.PROTECT, null=True, blank=True, related_name="operation")
    kind = models.CharField(_("kind"), max_length=10, choices=choices(OperationKind))
    state = models.CharField(
        _("state"), max_length=10, choices=choices(OperationState), default=OperationState.CREATED.value
    )
    amount_minor = minor_field(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    parameters = models.JSONField(default=dict, editable=False)
    exclusive_key = models.UUIDField(null=True, unique=True, editable=False)
    in_doubt = models.BooleanField(_("may have happened"), default=False)
    tries = models.PositiveIntegerField(_("tries"), default=0)
    fence = models.PositiveIntegerField(default=0, editable=False)
    lease_until = models.DateTimeField(_("leased until"), null=True, blank=True)
    next_attempt_at = models.DateTimeField(_("next attempt at"), null=True, blank=True)
    first_sent_at = models.DateTimeField(_("first sent at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    error_code = models.CharField(_("last error"), max_length=60, blank=True)
    provider_code = models.CharField(_("provider's code"), max_length=100, blank=True)
    attention_code = models.CharField(_("needs a person"), max_length=60, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("operation")
        verbose_name_plural = _("operations")
        ordering = ("-id",)
        permissions = [("resolve_operation", _("Can decide about operations that wait for a person"))]
        indexes = [models.Index(fields=["state", "next_attempt_at"], name="payments_hub_operation_due")]
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gte=0), name="payments_hub_operation_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def is_open(self) -> bool:
        """Whether its outcome is still to come."""
        return OperationState(self.state) in OPEN_OPERATIONS
