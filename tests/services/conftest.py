"""The core under test: a real sandbox behind the Stripe provider, and a broker that nobody listens to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from django_payments_hub import registry, signals
from django_payments_hub.services import accounts
from tests.merchant_fixtures import merchant  # noqa: F401 - a fixture
from tests.services import world


@pytest.fixture(autouse=True)
def hub(settings: Any, request: pytest.FixtureRequest, no_worker: None) -> Iterator[dict[str, Any]]:
    """`PAYMENTS_HUB` of this test: the account `stripe` points at the sandbox where the test asks for one."""
    changed = {**settings.PAYMENTS_HUB, "RETRY_BASE_S": 0.05, "WAKE_INTERVAL_S": 0.0}
    if "sandbox" in request.fixturenames:
        base = request.getfixturevalue("sandbox_process").url_of("stripe")
        changed["ACCOUNTS"] = {"stripe": {**changed["ACCOUNTS"]["stripe"], "API_BASE": base}}
    settings.PAYMENTS_HUB = changed
    accounts.forget()
    yield changed
    accounts.forget()
    world.close_providers()


@pytest.fixture
def handlers() -> Iterator[None]:
    """Only the handlers registered in this test; the project's own are back after it."""
    before = dict(signals._handlers)
    signals._handlers.clear()
    yield
    signals._handlers.clear()
    signals._handlers.update(before)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that gives a call up after a second, so that a hanging one does not take half a minute."""
    provider = registry.provider_class("stripe")
    monkeypatch.setattr(provider, "capabilities", replace(provider.capabilities, call_deadline_s=1.5))
