"""The fixture `merchant`: a test that asks for it runs once for each provider that moves money."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.db import connection

from django_payments_hub.services import accounts
from django_payments_hub.testing.sandbox import SandboxClient
from tests.merchants import MERCHANTS, Merchant
from tests.services import world


def merchants(of: Iterable[str] = MERCHANTS) -> list[str]:
    """All of these; on MariaDB one, because what differs there is the database."""
    return list(of) if connection.vendor != "mysql" else ["stripe"]


def only(of: Iterable[str]) -> pytest.MarkDecorator:
    """The test is about these merchants alone."""
    return pytest.mark.parametrize("merchant", merchants(of), indirect=True)


@pytest.fixture(params=merchants())
def merchant(
    request: pytest.FixtureRequest, settings: Any, sandbox: SandboxClient, no_worker: None
) -> Iterator[Merchant]:
    """A merchant whose account is the project's only one, over an empty sandbox and without a worker."""
    made = MERCHANTS[request.param](sandbox)
    values = {**settings.ALL_ACCOUNTS[made.alias], **made.values}
    known = settings.PAYMENTS_HUB
    settings.PAYMENTS_HUB = {**known, "ACCOUNTS": {made.alias: values}, "RETRY_BASE_S": 0.05, "WAKE_INTERVAL_S": 0.0}
    accounts.forget()
    yield made
    accounts.forget()
    world.close_providers()
