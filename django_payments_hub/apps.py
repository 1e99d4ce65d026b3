"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaymentsHubConfig(AppConfig):
    """Registers checks, the guard of the orders and the host's handlers."""

    name = "django_payments_hub"
    label = "payments_hub"
    verbose_name = _("Payments")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.utils.module_loading import autodiscover_modules

        from django_payments_hub import checks
        from django_payments_hub.services import accounts, orders

        checks.register_all()
        orders.guard_deletion()
        accounts.keep_in_step()
        autodiscover_modules("payment_handlers")
