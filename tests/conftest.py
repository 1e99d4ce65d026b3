"""Fixtures that several folders share. None of them sets anything up by itself: a folder's own conftest.py does."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from celery import current_app
from django.db import connection
from django.test import SimpleTestCase

from django_payments_hub import registry
from django_payments_hub.services import accounts
from django_payments_hub.testing.sandbox import SandboxClient, SandboxProcess

_PAGES = {("tests", "admin"), ("tests", "docs"), ("tests", "example"), ("tests", "sandbox")}
# What a request may hold is judged before a database is asked.
_BODIES = {
    "test_bad_input.py",
    "test_card_data.py",
    "test_review_bodies.py",
    "test_review_card_data.py",
    "test_schema.py",
}
_MADE_BY_MIGRATIONS = frozenset({"django_content_type", "auth_permission", "django_migrations"})
_DATABASE_FIXTURES = frozenset({"db", "transactional_db", "django_db_setup", "live_server"})


# Measuring coverage doubles what a test costs. These run in their own process nothing of the package that other tests
# do not run too: SDKs against the sandbox, whose process is measured by itself, and the same lines with more values.
_UNMEASURED = (
    "tests/sandbox",
    "tests/conventions",
    "tests/concurrency",
    "tests/services/test_facts.py",
    "tests/services/test_outcomes.py",
    "tests/services/test_histories.py",
    "tests/admin/test_secrets.py",
)

# Tables of what a provider can say: the fast tests try these many values of each test, the slow ones all.
_TABLES = ("tests/providers", "tests/sandbox")
_VALUES_TRIED = 2


@pytest.hookimpl(tryfirst=True)  # before `-m` is looked at
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Under ONLY_DATABASE_TESTS=1, as in the passes over other databases, leave out what another one cannot change:
    tests that touch none, and those of pages and of bodies.
    """
    tried: Counter[str] = Counter()
    for item in items:
        path = item.path.relative_to(config.rootpath).as_posix()
        if path.startswith(_UNMEASURED):
            item.add_marker(pytest.mark.no_cover)
        test = item.nodeid.partition("[")[0]
        tried[test] += 1
        if path.startswith(_TABLES) and tried[test] > _VALUES_TRIED:
            item.add_marker(pytest.mark.slow)
    if os.environ.get("ONLY_DATABASE_TESTS") != "1":
        return
    left_out = [item for item in items if not _touches_database(item)]
    items[:] = [item for item in items if _touches_database(item)]
    config.hook.pytest_deselected(items=left_out)


def _touches_database(item: pytest.Item) -> bool:
    if item.path.relative_to(item.config.rootpath).parts[:2] in _PAGES or item.path.name in _BODIES:
        return False
    fixtures = set(getattr(item, "fixturenames", ()))
    is_case = issubclass(getattr(item, "cls", None) or object, SimpleTestCase)
    return is_case or item.get_closest_marker("django_db") is not None or bool(fixtures & _DATABASE_FIXTURES)


@pytest.fixture(scope="session", autouse=True)
def _quick_flush() -> Iterator[None]:
    """After each test only the rows that tests make go: content types and permissions stay as the migrations made them,
    and need not be made anew. PostgreSQL empties its few rows with DELETE: TRUNCATE writes every table's file anew.
    """
    operations = type(connection.ops)
    original = operations.sql_flush

    def sql_flush(self: Any, style: Any, tables: list[str], **options: Any) -> list[str]:
        emptied = [table for table in tables if table not in _MADE_BY_MIGRATIONS]
        if connection.vendor == "postgresql":  # foreign keys are checked at the commit
            return [f"DELETE FROM {self.quote_name(table)}" for table in emptied]
        return list(original(self, style, emptied, **options))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "sql_flush", sql_flush)
        patch.setattr("django.core.management.commands.flush.emit_post_migrate_signal", lambda *_args, **_options: None)
        yield


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[SandboxProcess]:
    """One sandbox for each process of the test run; it is measured where it is tested, not here."""
    with SandboxProcess(env={"COVERAGE_PROCESS_CONFIG": ""}) as process:
        yield process


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess) -> SandboxClient:
    """The control API of an empty sandbox."""
    client = sandbox_process.client
    client.reset()
    return client


@pytest.fixture
def no_worker() -> Iterator[None]:
    """Messages go to a broker in this process that nobody reads."""
    conf: Any = current_app.conf
    before = conf.broker_url, conf.broker_transport_options
    conf.broker_url, conf.broker_transport_options = "memory://", {}
    yield
    conf.broker_url, conf.broker_transport_options = before


@pytest.fixture
def hub_on_sandbox(settings: Any, sandbox_process: SandboxProcess) -> Iterator[dict[str, Any]]:
    """`PAYMENTS_HUB` with the account `stripe` pointing at the sandbox; nothing built is left behind."""
    known = settings.PAYMENTS_HUB
    account = {**known["ACCOUNTS"]["stripe"], "API_BASE": sandbox_process.url_of("stripe")}
    settings.PAYMENTS_HUB = {**known, "ACCOUNTS": {"stripe": account}, "RETRY_BASE_S": 0.05, "WAKE_INTERVAL_S": 0.0}
    accounts.forget()
    yield settings.PAYMENTS_HUB
    accounts.forget()
    for _, provider in registry._built.values():
        provider.close()
    registry.forget()
