"""Merchant accounts: those of the settings to look at, those of the database to edit."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from django_payments_hub.admin import display
from django_payments_hub.admin.account_form import AccountForm, form_for, installed_providers, key_fields, stored_values
from django_payments_hub.admin.base import HubAdmin
from django_payments_hub.admin.changelist import attention_filter
from django_payments_hub.conf import hub_settings
from django_payments_hub.exceptions import HubError
from django_payments_hub.models import ProviderAccount
from django_payments_hub.services import accounts, credentials, health
from django_payments_hub.services.provider_calls import provider_of


@admin.register(ProviderAccount)
class ProviderAccountAdmin(HubAdmin[ProviderAccount]):
    """Accounts. None is ever deleted: payments point at them."""

    list_display = ("alias", "provider", "mode_badge", "label", "origin", "is_active", "health")
    list_filter = (attention_filter(health.accounts_for_a_person), "provider", "mode", "origin", "is_active")
    search_fields = ("alias", "provider")
    search_help_text = _("The alias, or the provider's name.")

    def has_delete_permission(self, request: HttpRequest, obj: ProviderAccount | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ProviderAccount | None = None) -> bool:
        """Accounts of the settings are changed there."""
        if obj is not None and obj.origin == ProviderAccount.Origin.SETTINGS:
            return False
        return super().has_change_permission(request, obj)

    # -- the form ----------------------------------------------------------------------------------------------------

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """First which provider, then what it needs."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        providers = installed_providers()
        if request.GET.get("provider") not in providers:
            context = self.page_context(request, title=_now("Which provider?"), providers=providers)
            return TemplateResponse(request, "payments_hub/admin/choose_provider.html", context)
        return super().add_view(request, form_url, extra_context)

    # The values of a form must not show on an error page or in an error mail (S11).
    @method_decorator(sensitive_post_parameters())
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(request, *args, **kwargs)

    def get_form(
        self, request: HttpRequest, obj: ProviderAccount | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[ProviderAccount]]:
        kwargs["form"] = form_for(_provider(request, obj))
        return super().get_form(request, obj, change=change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: ProviderAccount | None = None) -> tuple[str, ...]:
        shown = ("provider_label", "origin", "public_keys", "webhook_address", "health", "created_at", "updated_at")
        if obj is None:
            return shown
        # The alias is part of the webhook's address; a row's mode is that of its payments.
        fixed = ("alias", "mode") if obj.payments.exists() else ("alias",)
        return (*shown, *fixed)

    def get_fieldsets(self, request: HttpRequest, obj: ProviderAccount | None = None) -> list[tuple[Any, Any]]:
        provider = _provider(request, obj)
        main = ["provider_label", "alias", "label", "mode", "is_active"]
        if obj is None:
            return [(None, {"fields": main}), (_("Keys"), {"fields": list(key_fields(provider))})]
        state = ["origin", "health", "webhook_address", "public_keys", "created_at", "updated_at"]
        if not self.has_change_permission(request, obj):
            return [(None, {"fields": main}), (_("State"), {"fields": state})]
        keys: dict[str, Any] = {"fields": list(key_fields(provider))}
        if stored_values(obj) is None:
            keys["description"] = _(
                "What is stored cannot be decrypted: is an old key missing? Saving replaces all of it."
            )
        return [(None, {"fields": main}), (_("Keys"), keys), (_("State"), {"fields": state})]

    def save_model(self, request: HttpRequest, obj: ProviderAccount, form: object, change: bool) -> None:
        """Encrypt and keep; the account takes effect elsewhere within ACCOUNT_CACHE_S."""
        if not isinstance(form, AccountForm):
            raise TypeError("Not the form of an account.")
        obj.provider, obj.origin = form.provider_name, ProviderAccount.Origin.DATABASE.value
        credentials.store(obj, form.values)
        transaction.on_commit(partial(accounts.forget, [obj.alias]))

    # -- columns -----------------------------------------------------------------------------------------------------

    @admin.display(description=_("provider"))
    def provider_label(self, row: ProviderAccount) -> str:
        return row.provider

    @admin.display(description=_("mode"))
    def mode_badge(self, row: ProviderAccount) -> SafeString:
        return display.badge(row.mode, row.get_mode_display())

    @admin.display(description=_("health"))
    def health(self, row: ProviderAccount) -> SafeString | str:
        if row.unhealthy_since is not None:
            return display.attention(row.unhealthy_code or "unhealthy")
        if row.paused_until is not None:
            return _now("no calls before %(time)s") % {"time": f"{row.paused_until:%Y-%m-%d %H:%M:%S} UTC"}
        return display.NOTHING

    @admin.display(description=_("public keys"))
    def public_keys(self, row: ProviderAccount) -> SafeString | str:
        try:
            return display.preformatted("\n".join(f"{k}: {v}" for k, v in provider_of(row).public_values().items()))
        except HubError as error:
            return display.badge("failed", error.message)

    @admin.display(description=_("webhook address"))
    def webhook_address(self, row: ProviderAccount) -> SafeString | str:
        try:
            return display.code(hub_settings().public_url + reverse("payments_hub:webhook", args=[row.alias]))
        except NoReverseMatch:
            return _now("the hub's addresses are not in the URLconf")


def _provider(request: HttpRequest, row: ProviderAccount | None) -> str:
    return row.provider if row is not None else str(request.GET.get("provider", ""))
