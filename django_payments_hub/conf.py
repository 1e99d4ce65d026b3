"""The settings of the hub, typed, read when used.

Everything lives in one dictionary, `PAYMENTS_HUB`, in the project's settings. An unknown key is an error that names the
nearest known one; the system checks report it, and so does the first use.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import TypedDict, TypeVar

from django.conf import settings as django_settings
from django.core.signals import setting_changed

from django_payments_hub.domain.masking import Masked
from django_payments_hub.exceptions import ConfigurationError

SETTING = "PAYMENTS_HUB"

BUILT_IN_PROVIDERS: Mapping[str, str] = MappingProxyType(
    {
        name: f"django_payments_hub.providers.{name}"
        for name in ("stripe", "paypal", "square", "manual", "jazzcash", "easypaisa")
    }
)
"""Short names of the shipped providers; a third party's is named by its dotted path."""

DEFAULT_THROTTLES: Mapping[str, str] = MappingProxyType(
    {
        "payments_read": "300/min",
        "payments_write": "60/min",
        "payments_order": "20/hour",
        "payments_method": "20/hour",
        "payments_anonymous": "30/min",
        "payments_address": "1200/min",
        "payments_logins": "20/min",
        "payments_declines": "10/hour",
    }
)

_PERIOD_S: Mapping[str, int] = MappingProxyType({"s": 1, "m": 60, "h": 3600, "d": 86400})


@lru_cache(maxsize=32)
def parse_rate(text: str) -> tuple[int, int] | None:
    """A rate of `THROTTLES`: `20/hour` as (20, 3600), requests and seconds; None for no limit.

    Raises:
        ConfigurationError: `invalid_rate`. The grammar is DRF's: of the period only the first letter counts.
    """
    if not text:
        return None
    number, _, period = text.partition("/")
    if not (number.isascii() and number.isdecimal()) or period[:1] not in _PERIOD_S:
        raise ConfigurationError(f"THROTTLES has {text!r}; a rate looks like '20/hour'.", code="invalid_rate")
    return int(number), _PERIOD_S[period[0]]


_Value = TypeVar("_Value")


def _setting(default: _Value, help_text: str, *, secret: bool = False) -> _Value:
    return field(default_factory=lambda: default, metadata={"help": help_text}, repr=not secret)


@dataclass(frozen=True, kw_only=True)
class HubSettings:
    """One field per key of `PAYMENTS_HUB`, in upper case there; times in seconds, sizes in bytes."""

    accounts: Mapping[str, Mapping[str, object]] = _setting(
        MappingProxyType({}),
        "Merchant accounts by alias, in the grammar of DATABASES: PROVIDER, MODE (`test` or `live`), ACTIVE, LABEL, "
        "and the keys the provider needs.",
        secret=True,
    )
    order_model: str = _setting("", "The host's order model as `app.Model`; it implements the payable protocol.")
    access_policy: str = _setting(
        "django_payments_hub.api.permissions.DefaultAccessPolicy",
        "Dotted path of the class that says who sees and does what.",
    )
    public_url: str = _setting(
        "", "Scheme and host under which the project is reached from outside, for return and webhook addresses."
    )
    return_hosts: tuple[str, ...] = _setting(
        (), "Hosts (with port where not the default) a `return_url` or `cancel_url` may lead to."
    )
    encryption_keys: tuple[str, ...] = _setting(
        (), "Fernet keys for credentials kept in the database: the first encrypts, all decrypt.", secret=True
    )
    idempotency_key_required: bool = _setting(False, "Refuse POSTs that move money without an Idempotency-Key.")
    idempotency_lease_s: int = _setting(90, "After so long a request that died no longer blocks its Idempotency-Key.")
    idempotency_retention_s: int = _setting(7 * 86400, "How long an Idempotency-Key is remembered.")
    payment_expiry_s: int = _setting(86400, "An unpaid payment is withdrawn at its provider after so long.")
    pay_retry_s: int = _setting(
        300, "A payment that provably never reached its provider is tried again for so long, then it has failed."
    )
    account_cache_s: int = _setting(30, "How long a changed or disabled account may go on being used.")
    webhook_max_bytes: int = _setting(512 * 1024, "Largest notification that is read.")
    api_max_bytes: int = _setting(64 * 1024, "Largest request body of the API that is read.")
    api_page_size: int = _setting(25, "Rows on one page of a list.")
    throttles: Mapping[str, str] = _setting(DEFAULT_THROTTLES, "Rates by scope, in DRF's grammar.")
    lease_margin_s: int = _setting(5, "Added to a provider's call deadline to make the lease of an operation.")
    operation_max_tries: int = _setting(20, "After so many tries an operation without an answer waits for a person.")
    inbox_max_tries: int = _setting(10, "After so many tries a notification that cannot be applied waits for a person.")
    delivery_max_tries: int = _setting(10, "After so many tries a handler's delivery waits for a person.")
    retry_base_s: float = _setting(2.0, "First pause before something is tried again; doubles, with jitter.")
    retry_max_s: float = _setting(900.0, "Longest pause before something is tried again.")
    sweep_interval_s: int = _setting(20, "How often the sweeper looks for what was left; at most 60.")
    wake_interval_s: float = _setting(0.1, "At most one wake-up message in this time, per process and queue.")
    task_queue: str = _setting("", "Celery queue of the hub's tasks; empty for the project's default queue.")
    test_failpoints: bool = _setting(False, "For crash tests only: obey HUB_FAILPOINT in the environment.")


def hub_settings() -> HubSettings:
    """The settings as they are now.

    Raises:
        ConfigurationError: `unknown_setting` or `invalid_setting`, naming the key.
    """
    return _parsed(_Identity(getattr(django_settings, SETTING, {})))


class _Identity:
    """A dictionary as a cache key: by identity, kept alive so that its id is not given to another."""

    def __init__(self, value: object):
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and self.value is other.value


@lru_cache(maxsize=4)
def _parsed(raw: _Identity) -> HubSettings:
    return parse_settings(raw.value)


def parse_settings(raw: object) -> HubSettings:
    """The typed settings of a `PAYMENTS_HUB` dictionary."""
    if not isinstance(raw, Mapping):
        raise ConfigurationError(f"{SETTING} must be a dictionary.", code="invalid_setting")
    known = {f.name.upper(): f for f in fields(HubSettings)}
    values: dict[str, object] = {}
    for key, value in raw.items():
        if key not in known:
            raise _unknown(str(key), known)
        default = getattr(_DEFAULTS, known[key].name)
        values[known[key].name] = _coerced(str(key), value, default)
    return HubSettings(**values)  # type: ignore[arg-type]


def _unknown(key: str, known: Mapping[str, object]) -> ConfigurationError:
    near = difflib.get_close_matches(key.upper(), known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return ConfigurationError(
        f"{SETTING} has an unknown key {key!r}.{hint}",
        code="unknown_setting",
        details={"key": key, "nearest": near[0] if near else ""},
    )


def _coerced(key: str, value: object, default: object) -> object:
    if isinstance(default, tuple) and isinstance(value, list | tuple):
        return tuple(str(item) for item in value)
    if isinstance(default, Mapping) and isinstance(value, Mapping):
        return _mapping(key, value)
    if isinstance(default, bool) is isinstance(value, bool):
        if isinstance(default, float) and isinstance(value, int | float):
            return float(value)  # seconds, not money
        if isinstance(value, type(default)) and not isinstance(default, Mapping | tuple):
            return value
    raise ConfigurationError(
        f"{SETTING}[{key!r}] must be a {type(default).__name__}, not {type(value).__name__}.", code="invalid_setting"
    )


def _mapping(key: str, value: Mapping[str, object]) -> Mapping[str, object]:
    if key == "THROTTLES":
        return {**DEFAULT_THROTTLES, **value}
    # Accounts hold credentials: an error report may print whatever local name they have somewhere.
    accounts = Masked()
    for alias, known in value.items():
        if not isinstance(known, Mapping):
            raise ConfigurationError(f"{SETTING}[{key!r}][{alias!r}] must be a dictionary.", code="invalid_setting")
        accounts[alias] = Masked(known)
    return accounts


_DEFAULTS = HubSettings()


def _forget(*, setting: str, **_: object) -> None:
    if setting == SETTING:
        _parsed.cache_clear()


setting_changed.connect(_forget, dispatch_uid="payments_hub.conf")


class MessageOptions(TypedDict):
    """How beat sends a task."""

    expires: int


class ScheduleEntry(TypedDict):
    """One line of a Celery beat schedule."""

    task: str
    schedule: timedelta
    options: MessageOptions


def beat_schedule(*, sweep_every_s: int = 20) -> dict[str, ScheduleEntry]:
    """The periodic tasks of the hub, for `CELERY_BEAT_SCHEDULE` in the project's settings.

    A message nobody took before the next one is sent expires: workers that were away do not find a heap of them.
    """
    return {
        "payments-hub-sweep": {
            "task": "django_payments_hub.tasks.sweep",
            "schedule": timedelta(seconds=sweep_every_s),
            "options": {"expires": sweep_every_s},
        }
    }
