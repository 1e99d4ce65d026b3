"""The doctor's look at what the hub stands on: settings, database, broker, schedule."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from datetime import timedelta

from celery import current_app
from django.core import checks
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from django_payments_hub.management.findings import Finding, advice, ok, wrong

_SWEEP = "django_payments_hub.tasks.sweep"
_APP = "payments_hub"


def settings() -> Iterator[Finding]:
    """What the hub's system checks say, those for deployment included."""
    found = checks.run_checks(tags=[_APP], include_deployment_checks=True)
    for message in found:
        if message.is_silenced():
            continue
        text = f"{message.msg} ({message.id})" + (f" {message.hint}" if message.hint else "")
        yield wrong(text) if message.level >= checks.ERROR else advice(text)
    if not found:
        yield ok("the system checks find nothing")


def database() -> Iterator[Finding]:
    """Vendor and version, migrations, and whether connections are kept."""
    connection.ensure_connection()
    version = ".".join(str(part) for part in connection.get_database_version())
    yield ok(f"{connection.display_name} {version}")
    missing = _unapplied()
    yield wrong(f"migrations not applied: {', '.join(missing)}") if missing else ok("migrations are applied")
    yield from _keeping(connection.vendor, connection.settings_dict)


def _unapplied() -> list[str]:
    executor = MigrationExecutor(connection)
    targets = [key for key in executor.loader.graph.leaf_nodes() if key[0] == _APP]
    return [migration.name for migration, _ in executor.migration_plan(targets) if migration.app_label == _APP]


def _keeping(vendor: str, configured: Mapping[str, object]) -> Iterator[Finding]:
    """A new connection per request costs a multiple of the request itself."""
    if vendor == "sqlite":
        yield advice("SQLite has one writer at a time: good for a demo, not for a shop")
        return
    options = configured.get("OPTIONS")
    if isinstance(options, Mapping) and options.get("pool"):
        yield ok("a connection pool is used")
    elif configured.get("CONN_MAX_AGE") == 0:
        yield advice("CONN_MAX_AGE is 0: every request opens a connection; set it to 60, or use OPTIONS['pool']")
    else:
        yield ok(f"connections are kept (CONN_MAX_AGE {configured.get('CONN_MAX_AGE')})")


def broker(deadline_s: float) -> Iterator[Finding]:
    """Whether the broker answers in time. Without one the sweeper does all the work, only later."""
    if current_app.conf.task_always_eager:
        yield advice("tasks run eagerly, inside the request")
        return
    outcome: list[str] = []
    # In a thread: a transport's own time-outs do not bound name resolution, nor a host that swallows packets.
    asking = threading.Thread(target=_ask_broker, args=(outcome,), daemon=True)
    asking.start()
    asking.join(deadline_s)
    named = current_app.conf.broker_url
    transport = str(named).split("://", 1)[0] if named else "amqp (no CELERY_BROKER_URL: Celery's default is used)"
    if not outcome:
        yield wrong(f"{transport} does not answer within {deadline_s:g} s")
    elif outcome[0]:
        yield wrong(f"{transport} cannot be reached ({outcome[0]})")
    else:
        yield ok(f"{transport} answers") if named else advice(f"{transport} answers")


def _ask_broker(outcome: list[str]) -> None:
    try:
        with current_app.connection_for_write() as link:
            link.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
            link.default_channel  # noqa: B018 - opening a channel is what proves that it answers
    except Exception as error:  # noqa: BLE001 - each transport raises its own; the text may hold a password
        outcome.append(type(error).__name__)
    else:
        outcome.append("")


def sweeper_schedule() -> Iterator[Finding]:
    """Whether beat runs the sweeper often enough; cron may do it instead."""
    entries = [entry for entry in (current_app.conf.beat_schedule or {}).values() if entry.get("task") == _SWEEP]
    if not entries:
        yield advice("not in CELERY_BEAT_SCHEDULE: is `manage.py payments_sweep` run by cron or with --watch?")
    for entry in entries:
        yield _judged(entry.get("schedule"))


def _judged(schedule: object) -> Finding:
    seconds = schedule.total_seconds() if isinstance(schedule, timedelta) else schedule
    if isinstance(seconds, int | float) and seconds > 60:
        return wrong(f"runs every {seconds:g} s; lost work then waits longer than the 60 s that are promised")
    return ok(f"scheduled every {seconds:g} s" if isinstance(seconds, int | float) else f"scheduled: {schedule}")
