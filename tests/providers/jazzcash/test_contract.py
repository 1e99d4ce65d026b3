"""JazzCash keeps the contract of every provider."""

from __future__ import annotations

import pytest

from django_payments_hub.providers.jazzcash import Provider
from django_payments_hub.testing.hub_contract import HubContract
from django_payments_hub.testing.provider_contract import ProviderContract
from tests.providers.jazzcash.bench import JazzCashBench

pytestmark = pytest.mark.slow  # half a minute for each provider


class TestJazzCash(ProviderContract):
    provider = Provider

    @pytest.fixture
    def bench(self, sandbox_process, receiver):
        return JazzCashBench(sandbox_process, receiver)


class TestJazzCashInTheHub(HubContract):
    provider = Provider

    @pytest.fixture
    def bench(self, sandbox_process, receiver):
        return JazzCashBench(sandbox_process, receiver)
