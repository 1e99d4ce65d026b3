"""System checks: what is wrong or doubtful about a project's configuration, under stable ids.

Tag `payments_hub`; `E...` stop the start, `W...` are for `check --deploy`.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug

from django_payments_hub.conf import DEFAULT_THROTTLES, HubSettings, hub_settings, parse_rate
from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import ConfigurationError
from django_payments_hub.services import accounts, orders

TAG = "payments_hub"

_Checks = Iterator[CheckMessage]
_ALIAS_LENGTH = 50  # of ProviderAccount.alias


def register_all() -> None:
    """Register the checks; called when the app is ready."""
    register(check_configuration, TAG)
    register(check_deployment, TAG, deploy=True)


def check_configuration(**_: object) -> list[CheckMessage]:
    """Settings that cannot work."""
    try:
        known = hub_settings()
    except ConfigurationError as error:
        return [Error(error.message, id="payments_hub.E001")]
    return [
        *_check_order_model(known),
        *_check_aliases(known),
        *_check_accounts(known),
        *_check_numbers(known),
        *_check_throttles(known),
        *_check_databases(),
    ]


def check_deployment(**_: object) -> list[CheckMessage]:
    """Settings that work, but not for real customers."""
    try:
        known = hub_settings()
    except ConfigurationError:
        return []  # E001 says it
    return [*_check_addresses(known), *_check_worker(), *_check_provider_advice(known), *_check_modes(known)]


def _check_order_model(known: HubSettings) -> _Checks:
    if not known.order_model:
        return
    try:
        model = orders.order_model()
    except ConfigurationError as error:
        yield Error(error.message, id="payments_hub.E002")
        return
    if not callable(getattr(model, "payable", None)):
        yield Error(
            f"{known.order_model} has no method payable(user).",
            hint="Return a django_payments_hub.domain.payable.Payable with amount and owner.",
            id="payments_hub.E003",
        )


def _check_aliases(known: HubSettings) -> _Checks:
    for alias in known.accounts:
        try:
            validate_slug(alias)
        except ValidationError:
            fits = False
        else:
            fits = len(alias) <= _ALIAS_LENGTH
        if not fits:
            yield Error(
                f"The account alias {alias!r} is no slug of at most {_ALIAS_LENGTH} characters.",
                hint="Letters, digits, hyphens and underscores: it is part of the webhook's address.",
                id="payments_hub.E010",
            )


def _check_accounts(known: HubSettings) -> _Checks:
    from django_payments_hub import registry  # at its first use: most processes run no checks

    for alias in known.accounts:
        try:
            config = accounts.settings_config(alias)
            registry.provider_class(config.provider)(config)
        except ConfigurationError as error:
            yield Error(f"Account {alias!r}: {error.message}", id="payments_hub.E004")


def _check_numbers(known: HubSettings) -> _Checks:
    if not 0 < known.sweep_interval_s <= 60:
        yield Error(
            "SWEEP_INTERVAL_S must be between 1 and 60: the sweeper is what finishes lost work.", id="payments_hub.E005"
        )
    if known.webhook_max_bytes <= 0 or known.api_max_bytes <= 0:
        yield Error("WEBHOOK_MAX_BYTES and API_MAX_BYTES must be positive.", id="payments_hub.E006")


def _check_throttles(known: HubSettings) -> _Checks:
    for scope, rate in known.throttles.items():
        if scope not in DEFAULT_THROTTLES:
            yield Error(
                f"THROTTLES has an unknown scope {scope!r}.",
                hint=f"Known are {', '.join(DEFAULT_THROTTLES)}.",
                id="payments_hub.E009",
            )
        try:
            _rate(rate)
        except ConfigurationError as error:
            yield Error(f"{scope}: {error.message}", id="payments_hub.E008")


def _rate(rate: object) -> None:
    """Raises ConfigurationError for what is no rate; a project's settings hold anything, None being no limit."""
    if rate is not None and not isinstance(rate, str):
        raise ConfigurationError(f"THROTTLES has {rate!r}; a rate looks like '20/hour'.", code="invalid_rate")
    parse_rate(rate or "")


def _check_databases() -> _Checks:
    for alias, database in settings.DATABASES.items():
        options = database.get("OPTIONS", {})
        if database.get("ENGINE", "").endswith("sqlite3") and options.get("transaction_mode") != "IMMEDIATE":
            yield Error(
                f"The SQLite database {alias!r} must use IMMEDIATE transactions: row locks do not exist there.",
                hint='Set DATABASES[...]["OPTIONS"]["transaction_mode"] = "IMMEDIATE".',
                id="payments_hub.E007",
            )


def _check_addresses(known: HubSettings) -> _Checks:
    if not known.public_url:
        yield checks.Warning(
            "PUBLIC_URL is empty: providers cannot send customers back.",
            hint='Set PAYMENTS_HUB["PUBLIC_URL"] to the address the site is reached under.',
            id="payments_hub.W001",
        )
    elif not known.public_url.startswith("https://") and _takes_real_money(known):
        yield checks.Warning("PUBLIC_URL is not https.", id="payments_hub.W002")
    if not known.return_hosts:
        yield checks.Warning("RETURN_HOSTS is empty: no return_url is accepted.", id="payments_hub.W003")


def _takes_real_money(known: HubSettings) -> bool:
    return any(str(declared.get("MODE", "")) == "live" for declared in known.accounts.values())


def _check_worker() -> _Checks:
    from celery import current_app

    if current_app.conf.task_always_eager:
        yield checks.Warning("Celery runs tasks eagerly: refunds then run inside the request.", id="payments_hub.W004")
    scheduled = {entry.get("task") for entry in (current_app.conf.beat_schedule or {}).values()}
    if "django_payments_hub.tasks.sweep" not in scheduled:
        yield checks.Warning(
            "The sweeper is not scheduled.",
            hint="CELERY_BEAT_SCHEDULE = django_payments_hub.conf.beat_schedule(), "
            "or run `manage.py payments_sweep` from cron.",
            id="payments_hub.W005",
        )


def _check_provider_advice(known: HubSettings) -> _Checks:
    from django_payments_hub import registry

    for alias in known.accounts:
        try:
            config = accounts.settings_config(alias)
            provider = registry.build(config)
            advice = provider.check()
        except ConfigurationError:
            continue  # E004 says it
        for sentence in advice:
            yield checks.Warning(f"Account {alias!r}: {sentence}", id="payments_hub.W006")
        if provider.capabilities.national_id and not known.encryption_keys:
            yield checks.Warning(
                f"Account {alias!r}: its payers give a national id, which cannot be kept until the call is made.",
                hint="Set ENCRYPTION_KEYS; without it such a payment is refused.",
                id="payments_hub.W008",
            )


def _check_modes(known: HubSettings) -> _Checks:
    active: dict[str, list[str]] = {}
    for alias, declared in known.accounts.items():
        if declared.get("ACTIVE", True):
            active.setdefault(str(declared.get("MODE", "")), []).append(alias)
    if Mode.LIVE in active and Mode.TEST in active:
        yield checks.Warning(
            f"Beside live accounts these test accounts are active: {', '.join(active[Mode.TEST])}.",
            hint='Customers are refused them: set "ACTIVE": False, or leave them out.',
            id="payments_hub.W007",
        )
