"""The core under test: a real sandbox behind the Stripe provider, and a broker that nobody listens to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery import current_app

from django_payments_hub import registry, signals
from django_payments_hub.services import accounts
from django_payments_hub.testing.sandbox import SandboxClient, SandboxProcess


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[SandboxProcess]:
    with SandboxProcess() as process:
        yield process


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess) -> SandboxClient:
    """The control API of an empty sandbox."""
    client = sandbox_process.client
    client.reset()
    return client


@pytest.fixture(autouse=True)
def _no_worker() -> Iterator[None]:
    """Messages go to a broker in this process that nobody reads: whatever happens, the sweeper did it."""
    conf = current_app.conf
    before = conf.broker_url, conf.broker_transport_options
    conf.broker_url, conf.broker_transport_options = "memory://", {}
    yield
    conf.broker_url, conf.broker_transport_options = before


@pytest.fixture(autouse=True)
def hub(settings: Any, request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """`PAYMENTS_HUB` of this test: the account `stripe` points at the sandbox where the test asks for one."""
    changed = {**settings.PAYMENTS_HUB, "RETRY_BASE_S": 0.05, "WAKE_INTERVAL_S": 0.0}
    if "sandbox" in request.fixturenames:
        base = request.getfixturevalue("sandbox_process").stripe_url
        changed["ACCOUNTS"] = {"stripe": {**changed["ACCOUNTS"]["stripe"], "API_BASE": base}}
    settings.PAYMENTS_HUB = changed
    accounts.forget()
    yield changed
    accounts.forget()
    for _, provider in registry._built.values():
        provider.close()
    registry.forget()


@pytest.fixture
def handlers() -> Iterator[None]:
    """Handlers registered in a test are gone after it."""
    before = dict(signals._handlers)
    yield
    signals._handlers.clear()
    signals._handlers.update(before)
