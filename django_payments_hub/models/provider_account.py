"""A merchant account at a provider."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_payments_hub.models.base import LedgerModel, mode_field


class ProviderAccount(LedgerModel):
    """One account: the row everything else points at, whether it comes from settings or from the admin.

    `credentials` is the encrypted JSON of an account kept in the database; accounts from settings keep none here.
    """

    class Origin(models.TextChoices):
        SETTINGS = "settings", _("settings")
        DATABASE = "database", _("database")

    alias = models.SlugField(_("alias"), max_length=50, unique=True)
    provider = models.CharField(_("provider"), max_length=120)
    mode = mode_field()
    origin = models.CharField(_("origin"), max_length=10, choices=Origin.choices, default=Origin.DATABASE)
    label = models.CharField(_("label"), max_length=100, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    credentials = models.TextField(_("credentials"), blank=True, editable=False)
    paused_until = models.DateTimeField(_("paused until"), null=True, blank=True, editable=False)
    unhealthy_since = models.DateTimeField(_("unhealthy since"), null=True, blank=True, editable=False)
    unhealthy_code = models.CharField(_("unhealthy because"), max_length=60, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        verbose_name = _("provider account")
        verbose_name_plural = _("provider accounts")
        ordering = ("alias",)

    def __str__(self) -> str:
        return f"{self.alias} ({self.mode})"
