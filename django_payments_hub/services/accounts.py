"""Merchant accounts: from settings or from the database, as rows and as decrypted configuration.

A changed or disabled account takes effect within `ACCOUNT_CACHE_S` in every process.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.core.signals import setting_changed
from django.db import connection
from django.db.models.signals import post_migrate, post_save
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from django_payments_hub.conf import SETTING, hub_settings
from django_payments_hub.domain.masking import Masked
from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import ConfigurationError, NotFound
from django_payments_hub.models import ProviderAccount
from django_payments_hub.services import credentials

if TYPE_CHECKING:  # imported when used: every project that starts loads this module
    from django_payments_hub.provider_kit.types import AccountConfig

_RESERVED = frozenset({"PROVIDER", "MODE", "ACTIVE", "LABEL"})
_cache: dict[str, tuple[float, Account]] = {}
_live_in_database: tuple[float, bool] = (0.0, False)


@dataclass(frozen=True)
class Account:
    """A row together with what it is configured with."""

    row: ProviderAccount
    config: AccountConfig


def get(alias: str, *, active: bool = True) -> Account:
    """The account of this alias.

    Raises:
        NotFound: `unknown_account`, or `inactive_account` when it is disabled and `active` is asked for.
        ConfigurationError: its credentials cannot be decrypted.
    """
    known = _cache.get(alias)
    if known is None or known[0] <= time.monotonic():
        known = (time.monotonic() + hub_settings().account_cache_s, _load(alias))
        if not connection.in_atomic_block:  # a row made in a transaction may yet be rolled back
            _cache[alias] = known
    if active and not known[1].row.is_active:
        raise NotFound(f"The account {alias!r} is not active.", code="inactive_account")
    return known[1]


def of(row: ProviderAccount) -> Account:
    """The account of a row, active or not: what was begun with it must be finished."""
    return get(row.alias, active=False)


def active_accounts() -> list[Account]:
    """Every account that can be used now, in the order of their aliases."""
    sync_settings_accounts()
    aliases = ProviderAccount.objects.filter(is_active=True).order_by("alias").values_list("alias", flat=True)
    return [account for alias in aliases if (account := get(alias, active=False)).row.is_active]


def choose(*, alias: str = "", provider: str = "") -> Account:
    """The account a client names, or the only active one of a provider.

    Raises:
        NotFound: `unknown_account`, `inactive_account`; `ambiguous_account` when a provider has several.
    """
    if alias:
        return get(alias)
    found = [account for account in payable_accounts() if provider in ("", account.row.provider)]
    if not found:
        raise NotFound("There is no such account.", code="unknown_account")
    if len(found) > 1:
        raise NotFound("There are several accounts; name one by its alias.", code="ambiguous_account")
    return found[0]


def takes_real_money() -> bool:
    """Whether an active account is live: then no order may be paid with play money (S23)."""
    declared = hub_settings().accounts.values()
    if any(str(known.get("MODE", "")) == Mode.LIVE and known.get("ACTIVE", True) for known in declared):
        return True
    ends, known_live = _live_in_database
    if ends <= time.monotonic():
        stored = ProviderAccount.objects.filter(origin=ProviderAccount.Origin.DATABASE, mode=Mode.LIVE, is_active=True)
        known_live = stored.exists()
        _remember_live(known_live)
    return known_live


def _remember_live(known_live: bool) -> None:
    global _live_in_database  # noqa: PLW0603 - kept as long as an account
    if not connection.in_atomic_block:
        _live_in_database = (time.monotonic() + hub_settings().account_cache_s, known_live)


def payable_accounts() -> list[Account]:
    """The active accounts an order can be paid with: the live ones as soon as there is one."""
    found = active_accounts()
    live = [account for account in found if account.config.mode is Mode.LIVE]
    return live or found


def refuse_play_money(account: Account) -> None:
    """Raises NotFound(`unknown_account`) for a test account while a live one is active."""
    if account.config.mode is Mode.TEST and takes_real_money():
        raise NotFound(f"The account {account.row.alias!r} takes no real money.", code="unknown_account")


def _load(alias: str) -> Account:
    declared = hub_settings().accounts.get(alias)
    if declared is not None:
        return Account(_settings_row(alias, declared), settings_config(alias))
    return _load_stored(alias)


def _load_stored(alias: str) -> Account:
    from django_payments_hub.provider_kit.types import AccountConfig

    row = ProviderAccount.objects.filter(alias=alias, origin=ProviderAccount.Origin.DATABASE).first()
    if row is None:
        raise NotFound(f"There is no account {alias!r}.", code="unknown_account")
    return Account(
        row,
        AccountConfig(
            alias=alias,
            provider=row.provider,
            mode=Mode(row.mode),
            values=credentials.decrypt(row.credentials),
            webhook_url=webhook_address(alias),
            return_url=return_address(alias),
        ),
    )


def settings_config(alias: str) -> AccountConfig:
    """The configuration of an account that stands in the settings; raises ConfigurationError(`invalid_mode`)."""
    from django_payments_hub.provider_kit.types import AccountConfig

    declared = hub_settings().accounts[alias]
    return AccountConfig(
        alias=alias,
        provider=str(declared.get("PROVIDER", "")),
        mode=_mode(alias, declared),
        values=Masked({key: value for key, value in declared.items() if key not in _RESERVED}),
        webhook_url=webhook_address(alias),
        return_url=return_address(alias),
    )


def webhook_address(alias: str) -> str:
    """Where the account's notifications arrive; "" when the project does not say how it is reached."""
    return _address("payments_hub:webhook", alias)


def return_address(alias: str) -> str:
    """Where browsers come back to from a provider that knows one address per account; "" as above."""
    return _address("payments_hub:return-account", alias)


def _address(name: str, alias: str) -> str:
    base = hub_settings().public_url.rstrip("/")
    if not base:
        return ""
    try:
        return base + reverse(name, kwargs={"account": alias})
    except NoReverseMatch:
        return ""


def _mode(alias: str, declared: Mapping[str, object]) -> Mode:
    try:
        return Mode(str(declared.get("MODE", "")))
    except ValueError:
        raise ConfigurationError(
            f"{SETTING}['ACCOUNTS'][{alias!r}]['MODE'] must be 'test' or 'live'.", code="invalid_mode"
        ) from None


def _settings_row(alias: str, declared: Mapping[str, object]) -> ProviderAccount:
    wanted: dict[str, object] = {
        "provider": str(declared.get("PROVIDER", "")),
        "mode": _mode(alias, declared).value,
        "origin": ProviderAccount.Origin.SETTINGS.value,
        "label": str(declared.get("LABEL", "")),
        "is_active": bool(declared.get("ACTIVE", True)),
    }
    row, created = ProviderAccount.objects.get_or_create(alias=alias, defaults=wanted)
    if row.origin == ProviderAccount.Origin.DATABASE:
        # Payments hang on the row: it may not come to mean another merchant's account.
        raise ConfigurationError(
            f"The account {alias!r} stands in the database; give the one in the settings another alias.",
            code="duplicate_alias",
        )
    changed = [name for name, value in wanted.items() if getattr(row, name) != value]
    if changed and not created:
        for name in changed:
            setattr(row, name, wanted[name])
        row.save(update_fields=[*changed, "updated_at"])
    return row


def sync_settings_accounts() -> None:
    """Make or update the row of every account that stands in the settings; disable rows that no longer do."""
    declared = hub_settings().accounts
    for alias in declared:
        get(alias, active=False)
    gone = ProviderAccount.objects.filter(origin=ProviderAccount.Origin.SETTINGS, is_active=True).exclude(
        alias__in=list(declared)
    )
    if gone.exists():
        gone.update(is_active=False)


# -- health -----------------------------------------------------------------------------------------------------------


def pause(row: ProviderAccount, seconds: float) -> None:
    """Send nothing to this account for so long: the provider asked for it (F8)."""
    until = timezone.now() + timedelta(seconds=seconds)
    ProviderAccount.objects.filter(pk=row.pk).update(paused_until=until)
    _cache.pop(row.alias, None)


def mark_unhealthy(row: ProviderAccount, code: str) -> None:
    """Record that the provider refuses the account's credentials (F9)."""
    ProviderAccount.objects.filter(pk=row.pk, unhealthy_since=None).update(
        unhealthy_since=timezone.now(), unhealthy_code=code
    )
    _cache.pop(row.alias, None)


def mark_healthy(row: ProviderAccount) -> None:
    """Forget an earlier refusal; costs a statement only when there was one."""
    if row.unhealthy_since is None:
        return
    ProviderAccount.objects.filter(pk=row.pk).update(unhealthy_since=None, unhealthy_code="")
    _cache.pop(row.alias, None)


# -- keeping in step --------------------------------------------------------------------------------------------------


def forget(aliases: Iterable[str] = ()) -> None:
    """Drop what is cached of these accounts, of all when none is named."""
    global _live_in_database  # noqa: PLW0603 - may have changed with any of them
    _live_in_database = (0.0, False)
    for alias in list(aliases) or list(_cache):
        _cache.pop(alias, None)


def keep_in_step() -> None:
    """Connect the cache to changes of settings and rows, and make the rows after each migration."""
    setting_changed.connect(_on_setting, dispatch_uid="payments_hub.accounts.setting")
    post_save.connect(_on_save, sender=ProviderAccount, dispatch_uid="payments_hub.accounts.save")
    post_migrate.connect(_on_migrate, dispatch_uid="payments_hub.accounts.migrate")


def _on_setting(*, setting: str, **_: object) -> None:
    if setting == SETTING:
        forget()


def _on_save(*, instance: ProviderAccount, **_: object) -> None:
    forget([instance.alias])


def _on_migrate(*, app_config: object, **_: object) -> None:
    if getattr(app_config, "label", "") == "payments_hub" and "payments_hub_provideraccount" in (
        connection.introspection.table_names()
    ):
        sync_settings_accounts()
