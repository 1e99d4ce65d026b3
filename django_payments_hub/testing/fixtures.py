"""pytest fixtures for a host project's own tests: `pytest_plugins = ["django_payments_hub.testing.fixtures"]`.

Needs the extra `[sandbox]`, pytest and pytest-django.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, Protocol

import pytest

from django_payments_hub.domain.statuses import Mode
from django_payments_hub.services import accounts
from django_payments_hub.services.provider_calls import provider_class
from django_payments_hub.testing.sandbox import SandboxClient, SandboxProcess


class _Settings(Protocol):
    """What pytest-django's fixture `settings` is here, under whatever name its class has."""

    PAYMENTS_HUB: dict[str, Any]


@pytest.fixture(scope="session")
def payments_sandbox_process() -> Iterator[SandboxProcess]:
    """One sandbox process for each process of the test run; ended with it."""
    with SandboxProcess() as process:
        yield process


@pytest.fixture
def payments_sandbox(payments_sandbox_process: SandboxProcess, settings: _Settings) -> Iterator[SandboxClient]:
    """The control API of an empty sandbox, with every account that connects somewhere pointed at it for the test.

    Accounts keep their keys and webhook secrets; only where they connect to changes. Where a provider wants its calls
    signed with keys of its own making, they become those of a merchant of the sandbox's.
    """
    client = payments_sandbox_process.client
    client.reset()
    known = settings.PAYMENTS_HUB
    pointed = {alias: _pointed(declared, client) for alias, declared in known.get("ACCOUNTS", {}).items()}
    settings.PAYMENTS_HUB = {**known, "ACCOUNTS": pointed}
    accounts.forget()
    yield client
    accounts.forget()


def _pointed(declared: dict[str, Any], client: SandboxClient) -> dict[str, Any]:
    """The account with its `API_BASE` at the sandbox; as it is where its provider has no such key."""
    name = declared["PROVIDER"]
    if "api_base" not in {field.name for field in fields(provider_class(name).Config)}:
        return declared
    return {**declared, **client.settings(name), "MODE": Mode.TEST.value}
