"""The form of an account: one field for each key that its provider's `Config` asks for.

Secrets go in and never come out: a field left empty keeps what is stored.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import TYPE_CHECKING, Any, ClassVar, get_type_hints

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.utils.translation import gettext as _

from django_payments_hub.conf import BUILT_IN_PROVIDERS, hub_settings
from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import ConfigurationError
from django_payments_hub.models import ProviderAccount
from django_payments_hub.provider_kit.types import AccountConfig
from django_payments_hub.services import credentials
from django_payments_hub.services.provider_calls import provider_class

PREFIX = "key_"

if TYPE_CHECKING:  # a form is generic for the type checker only
    _ModelForm = forms.ModelForm[ProviderAccount]
else:
    _ModelForm = forms.ModelForm


def installed_providers() -> dict[str, str]:
    """Names and labels of the providers an account can be made for."""
    names = [*BUILT_IN_PROVIDERS, *(str(declared.get("PROVIDER", "")) for declared in hub_settings().accounts.values())]
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = provider_class(name).label
        except ConfigurationError:
            continue  # not shipped, or its SDK's extra is missing
    return found


def key_fields(provider: str) -> dict[str, forms.Field]:
    """A form field for each key, by the name it has in the form."""
    config = provider_class(provider).Config
    hints = get_type_hints(config)
    return {PREFIX + key.name: _form_field(key, hints[key.name]) for key in fields(config)}


def _form_field(key: Field[Any], kind: object) -> forms.Field:
    label = _label(key.name)
    if key.metadata.get("secret"):
        return _secret_field(label, several=_holds_several(kind))
    default = None if key.default is MISSING else key.default
    if kind is bool:
        return forms.BooleanField(label=label, required=False, initial=default)
    if kind is int:
        return forms.IntegerField(label=label, required=False, initial=default)
    shown = " ".join(map(str, default)) if isinstance(default, tuple) else default
    return forms.CharField(label=label, required=False, initial=shown, widget=AdminTextInputWidget())


def _label(name: str) -> str:
    """`api_base` is "API base", `webhook_tolerance_s` is "Webhook tolerance (s)"."""
    text = f"{name.removesuffix('_s')} (s)" if name.endswith("_s") else name
    text = text.replace("_", " ")
    return f"API{text[3:]}" if text.startswith("api") else text[:1].upper() + text[1:]


def _secret_field(label: str, *, several: bool) -> forms.Field:
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField", "spellcheck": "false"})
    help_text = _("Never shown again. Leave it empty to keep what is stored.")
    if several:
        help_text = f"{_('Several are separated by spaces.')} {help_text}"
    return forms.CharField(label=label, required=False, widget=widget, help_text=help_text)


def _holds_several(kind: object) -> bool:
    return kind is tuple or getattr(kind, "__origin__", None) is tuple


class AccountForm(_ModelForm):
    """Base of the forms that `form_for` makes; `values` are the credentials after a successful `clean`."""

    provider_name: ClassVar[str] = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.values: dict[str, object] = {}
        self._stored = stored_values(self.instance) or {}
        for key in fields(provider_class(self.provider_name).Config):
            known = self._stored.get(key.name.upper())
            if known is not None and not key.metadata.get("secret"):
                self.initial[PREFIX + key.name] = " ".join(known) if isinstance(known, list | tuple) else known

    def clean_alias(self) -> str:
        """An account of the settings wins over one of the same alias here."""
        alias = str(self.cleaned_data["alias"])
        if alias in hub_settings().accounts:
            raise forms.ValidationError(_("An account of this alias stands in the settings."))
        return alias

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        mode = cleaned.get("mode") or self.instance.mode
        if self.errors or not mode:
            return cleaned
        self._require_secrets_for_new_address(cleaned, str(mode))
        if self.errors:
            return cleaned
        values = self._values(cleaned)
        alias = str(cleaned.get("alias") or self.instance.alias)
        try:
            provider_class(self.provider_name)(
                AccountConfig(alias=alias, provider=self.provider_name, mode=Mode(mode), values=values)
            )
            credentials.encrypt(values)  # there is a key to encrypt with
        except ConfigurationError as error:
            self.add_error(None, error.message)
        self.values = values
        return cleaned

    def _require_secrets_for_new_address(self, cleaned: dict[str, Any], mode: str) -> None:
        """With another address or mode the stored secrets are not reused: they would be sent there."""
        keys = fields(provider_class(self.provider_name).Config)
        moved = bool(self._stored) and mode != self.instance.mode
        for key in keys:
            if key.metadata.get("address"):
                moved = moved or (bool(self._stored) and self._address(key, cleaned) != self._stored_address(key))
        for key in keys:
            if moved and key.metadata.get("secret") and cleaned.get(PREFIX + key.name) in (None, ""):
                self.add_error(PREFIX + key.name, _("The address or the mode is another one: type this again."))

    def _address(self, key: Field[Any], cleaned: dict[str, Any]) -> str:
        return str(cleaned.get(PREFIX + key.name) or key.default)

    def _stored_address(self, key: Field[Any]) -> str:
        return str(self._stored.get(key.name.upper()) or key.default)

    def _values(self, cleaned: dict[str, Any]) -> dict[str, object]:
        config = provider_class(self.provider_name).Config
        hints = get_type_hints(config)
        found: dict[str, object] = {}
        for key in fields(config):
            given = cleaned.get(PREFIX + key.name)
            if given in (None, ""):
                given = self._stored.get(key.name.upper()) if key.metadata.get("secret") else None
            elif _holds_several(hints[key.name]):
                given = str(given).split()
            if given is not None:
                found[key.name.upper()] = given
        return found


def form_for(provider: str) -> type[AccountForm]:
    """The form of an account at this provider."""
    return type("AccountForm", (AccountForm,), {**key_fields(provider), "provider_name": provider})


def stored_values(row: ProviderAccount) -> dict[str, object] | None:
    """What is stored of a row; None when it cannot be decrypted."""
    try:
        return credentials.decrypt(row.credentials)
    except ConfigurationError:
        return None
