"""Fixtures that several folders share. None of them sets anything up by itself: a folder's own conftest.py does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery import current_app
from django.db import connection

from django_payments_hub import registry
from django_payments_hub.services import accounts
from django_payments_hub.testing.sandbox import SandboxClient, SandboxProcess


@pytest.fixture(scope="session", autouse=True)
def _quick_flush() -> Iterator[None]:
    """After each test PostgreSQL empties its few rows with DELETE: TRUNCATE writes every table's file anew."""

    def sql_flush(self: Any, style: Any, tables: list[str], **_: object) -> list[str]:
        return [f"DELETE FROM {self.quote_name(table)}" for table in tables]  # foreign keys are checked at the commit

    with pytest.MonkeyPatch.context() as patch:
        if connection.vendor == "postgresql":
            patch.setattr(type(connection.ops), "sql_flush", sql_flush)
        yield


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[SandboxProcess]:
    """One sandbox for each process of the test run."""
    with SandboxProcess() as process:
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
    account = {**known["ACCOUNTS"]["stripe"], "API_BASE": sandbox_process.stripe_url}
    settings.PAYMENTS_HUB = {**known, "ACCOUNTS": {"stripe": account}, "RETRY_BASE_S": 0.05, "WAKE_INTERVAL_S": 0.0}
    accounts.forget()
    yield settings.PAYMENTS_HUB
    accounts.forget()
    for _, provider in registry._built.values():
        provider.close()
    registry.forget()
