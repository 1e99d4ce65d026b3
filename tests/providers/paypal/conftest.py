from __future__ import annotations

import pytest

from django_payments_hub.providers.paypal import Provider
from tests.providers.paypal.harness import CLIENT_ID, Bench, HastyProvider, account
from tests.sandbox.receiver import Receiver


@pytest.fixture
def connect(sandbox_process, sandbox):
    """Builds providers on the sandbox, closed at the end."""
    made = []

    def connect(kind: type[Provider] = Provider, **values: object) -> Provider:
        made.append(kind(account(**{**sandbox.settings("paypal"), **values})))
        return made[-1]

    yield connect
    for provider in made:
        provider.close()


@pytest.fixture
def paypal(connect):
    return connect()


@pytest.fixture
def hasty(connect):
    """Gives up soon."""
    return connect(HastyProvider)


@pytest.fixture
def bench(paypal, sandbox):
    return Bench(paypal, sandbox)


class Notices(Receiver):
    """Hears what the sandbox sends to the account's webhook."""

    webhook_id: str
    provider: Provider


@pytest.fixture
def notices(connect, sandbox):
    """A webhook of the account, and a provider that knows it."""
    receiver = Notices()
    receiver.webhook_id = sandbox.deed("webhook", account=CLIENT_ID, url=receiver.url)["id"]
    receiver.provider = connect(WEBHOOK_IDS=["WHOLD", receiver.webhook_id])
    yield receiver
    receiver.close()
