"""EasyPaisa keeps the contract of every provider."""

from __future__ import annotations

import pytest

from django_payments_hub.providers.easypaisa import Provider
from django_payments_hub.testing.hub_contract import HubContract
from django_payments_hub.testing.provider_contract import ProviderContract
from tests.providers.easypaisa.bench import EasyPaisaBench


class TestEasyPaisa(ProviderContract):
    provider = Provider

    @pytest.fixture
    def bench(self, sandbox_process, receiver):
        return EasyPaisaBench(sandbox_process, receiver)


class TestEasyPaisaInTheHub(HubContract):
    provider = Provider

    @pytest.fixture
    def bench(self, sandbox_process, receiver):
        return EasyPaisaBench(sandbox_process, receiver)
