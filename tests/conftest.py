"""Fixtures that several folders share. None is automatic: a folder's own conftest.py says what its tests run in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery import current_app

from django_payments_hub import registry
from django_payments_hub.services import accounts
from django_payments_hub.testing.sandbox import SandboxClient, SandboxProcess


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
