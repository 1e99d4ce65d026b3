"""Manual payments keep the contract of every provider."""

from __future__ import annotations

import pytest

from django_payments_hub.providers.manual import Provider
from django_payments_hub.testing.hub_contract import HubContract
from django_payments_hub.testing.provider_contract import ProviderContract
from tests.providers.manual.bench import ManualBench


class TestManualPayments(ProviderContract):
    provider = Provider

    @pytest.fixture
    def bench(self):
        return ManualBench()


class TestManualPaymentsInTheHub(HubContract):
    provider = Provider

    @pytest.fixture
    def bench(self):
        return ManualBench()
