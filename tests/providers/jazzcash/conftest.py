from __future__ import annotations

import pytest

from django_payments_hub.providers.jazzcash import Provider
from django_payments_hub.testing.sandbox import SandboxProcess
from tests.providers.jazzcash.harness import FakeJazzCash, HastyProvider, account


@pytest.fixture(scope="module")
def sandbox_process():
    with SandboxProcess() as process:
        yield process


@pytest.fixture
def jazzcash_server():
    fake = FakeJazzCash()
    yield fake
    fake.close()


@pytest.fixture
def connect(jazzcash_server):
    """Builds providers on the scripted JazzCash, closed at the end."""
    made = []

    def connect(kind: type[Provider] = Provider, **values: object) -> Provider:
        made.append(kind(account(**{"API_BASE": jazzcash_server.url, **values})))
        return made[-1]

    yield connect
    for provider in made:
        provider.close()


@pytest.fixture
def jazzcash(connect):
    return connect()


@pytest.fixture
def hasty(connect):
    return connect(HastyProvider)
