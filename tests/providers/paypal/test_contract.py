"""PayPal keeps the contract of every provider."""

from __future__ import annotations

import pytest

from django_payments_hub.providers.paypal import Provider
from django_payments_hub.testing.hub_contract import HubContract
from django_payments_hub.testing.provider_contract import ProviderContract
from tests.providers.paypal.bench import PayPalBench

pytestmark = pytest.mark.slow  # half a minute for each provider


class TestPayPal(ProviderContract):
    provider = Provider

    @pytest.fixture
    def bench(self, sandbox_process, receiver):
        return PayPalBench(sandbox_process, receiver)


class TestPayPalInTheHub(HubContract):
    provider = Provider

    @pytest.fixture
    def bench(self, sandbox_process, receiver):
        return PayPalBench(sandbox_process, receiver)
