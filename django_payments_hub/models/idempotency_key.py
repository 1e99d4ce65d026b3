"""A client's Idempotency-Key."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_payments_hub.models.base import HubModel, ProviderIdField


class IdempotencyKey(HubModel):
    """One POST of one principal: the answer is a pointer to what it made, authorised and rendered anew.

    While `lease_until` lies ahead the request is in flight; a request that died leaves the key free after it.
    """

    principal = ProviderIdField(max_length=100)
    endpoint = models.CharField(max_length=100)
    key = ProviderIdField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    lease_token = models.UUIDField()
    lease_until = models.DateTimeField(null=True)
    resource_type = models.CharField(max_length=20, blank=True)
    resource_id = models.UUIDField(null=True)
    status_code = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        constraints = [
            models.UniqueConstraint(fields=["principal", "endpoint", "key"], name="payments_hub_idempotency_once"),
        ]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.principal}"
