"""The ground of the second part: a project with one account on the bench, and a broker that nobody listens to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import pytest
from celery import current_app

from django_payments_hub.provider_kit.types import AccountConfig
from django_payments_hub.services import accounts, provider_calls
from django_payments_hub.testing.contract.base import ContractBase
from django_payments_hub.testing.contract.bench import Bench
from django_payments_hub.testing.contract.cashier import Cashier
from django_payments_hub.testing.contract.hub_world import ALIAS, HubWorld


class ProjectSettings(Protocol):
    """What pytest-django's fixture `settings` is here."""

    PAYMENTS_HUB: dict[str, Any]


class HubContractBase(ContractBase):
    """As the first part; every test has a database, and use cases commit."""

    pytestmark = pytest.mark.django_db(transaction=True)

    @pytest.fixture
    def nobody_listens(self) -> Iterator[None]:
        """Messages for workers go to a broker in this process that nobody reads."""
        conf: Any = current_app.conf
        before = conf.broker_url, conf.broker_transport_options
        conf.broker_url, conf.broker_transport_options = "memory://", {}
        yield
        conf.broker_url, conf.broker_transport_options = before

    @pytest.fixture
    def hub(self, bench: Bench, till: Cashier, settings: ProjectSettings, nobody_listens: None) -> Iterator[HubWorld]:
        """The services on the bench's account."""
        with project(bench, till, settings) as world:
            yield world


@contextmanager
def project(bench: Bench, till: Cashier, settings: ProjectSettings) -> Iterator[HubWorld]:
    """A project whose settings know the till's account alone."""
    known = settings.PAYMENTS_HUB
    settings.PAYMENTS_HUB = {
        **known,
        "ACCOUNTS": {ALIAS: declared(till.provider.account)},
        "PUBLIC_URL": known.get("PUBLIC_URL") or "http://testserver",
        "RETRY_BASE_S": 0.05,
        "WAKE_INTERVAL_S": 0.0,
    }
    accounts.forget()
    try:
        yield HubWorld(bench=bench, till=till)
    finally:
        provider_calls.provider_of(accounts.get(ALIAS).row).close()
        accounts.forget()


def declared(account: AccountConfig) -> dict[str, Any]:
    """The account as a project's settings have it."""
    return {"PROVIDER": account.provider, "MODE": account.mode.value, **account.values}
