from __future__ import annotations

from pathlib import Path

import pytest

from django_payments_hub.providers.stripe import Provider
from tests.providers.stripe.harness import HastyProvider, account


@pytest.hookimpl(tryfirst=True)  # before `-m` is looked at
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of the contract the fast tests have one value of each test."""
    seen = set()
    for item in items:
        if item.path.name == "test_contract.py" and item.path.parent == Path(__file__).parent:
            test = (item.cls, item.originalname)  # type: ignore[attr-defined]
            if test in seen:
                item.add_marker(pytest.mark.slow)
            seen.add(test)


@pytest.fixture
def sandbox(sandbox_process):
    """The sandbox's control client, the sandbox being empty."""
    client = sandbox_process.client
    client.reset()
    return client


@pytest.fixture
def connect(sandbox_process, sandbox):
    """Builds providers on the sandbox, closed at the end."""
    made = []

    def connect(kind: type[Provider] = Provider, **values: object) -> Provider:
        made.append(kind(account(**{"API_BASE": sandbox_process.url_of("stripe"), **values})))
        return made[-1]

    yield connect
    for provider in made:
        provider.close()


@pytest.fixture
def stripe(connect):
    return connect()


@pytest.fixture
def hasty(connect):
    """Gives up soon."""
    return connect(HastyProvider)
