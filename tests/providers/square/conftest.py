from __future__ import annotations

from functools import partial

import pytest

from django_payments_hub.providers.square import Provider
from tests.providers.square import harness
from tests.providers.square.harness import LOCATION, OTHER_LOCATION, TOKEN, HastyProvider, account


@pytest.fixture
def sandbox(sandbox_process):
    """The sandbox's control client; the sandbox is empty but for the seller's two locations."""
    client = sandbox_process.client
    client.reset()
    for location in (LOCATION, OTHER_LOCATION):
        client.deed("location", account=TOKEN, id=location, currency="USD")
    return client


@pytest.fixture
def connect(sandbox_process, sandbox):
    """Builds providers on the sandbox, closed at the end."""
    made = []

    def connect(kind: type[Provider] = Provider, **values: object) -> Provider:
        made.append(kind(account(**{"API_BASE": sandbox_process.url_of("square"), **values})))
        return made[-1]

    yield connect
    for provider in made:
        provider.close()


@pytest.fixture
def square(connect):
    return connect()


@pytest.fixture
def hasty(connect):
    """Gives up soon, and waits for no stragglers."""
    return connect(HastyProvider)


@pytest.fixture
def wire(sandbox_process, sandbox):
    """Calls Square's API past the provider."""
    return partial(harness.wire, sandbox_process.url_of("square"))


@pytest.fixture
def nonce(sandbox):
    """Makes one-time tokens as the browser gets them."""
    return lambda **how: sandbox.deed("tokenize", account=TOKEN, **how)["token"]
