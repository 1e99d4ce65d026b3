from __future__ import annotations

import pytest

from django_payments_hub.providers.stripe import Provider
from django_payments_hub.testing.sandbox import SandboxProcess
from tests.providers.stripe.harness import HastyProvider, account


@pytest.fixture(scope="module")
def sandbox_process():
    with SandboxProcess() as process:
        yield process


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
        made.append(kind(account(**{"API_BASE": sandbox_process.stripe_url, **values})))
        return made[-1]

    yield connect
    for provider in made:
        provider.close()


@pytest.fixture
def stripe(connect):
    return connect()


@pytest.fixture
def hasty(connect):
    """Gives up after a second."""
    return connect(HastyProvider)
