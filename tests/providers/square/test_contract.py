"""Square keeps the contract of every provider."""

from __future__ import annotations

import pytest

from django_payments_hub.providers.square import Provider
from django_payments_hub.testing.hub_contract import HubContract
from django_payments_hub.testing.provider_contract import Means, ProviderContract
from tests.providers.square.bench import SquareBench

pytestmark = pytest.mark.slow  # half a minute for each provider


class TestSquare(ProviderContract):
    provider = Provider
    meanings = frozenset({Means.INSUFFICIENT_FUNDS})

    @pytest.fixture
    def bench(self, sandbox_process, receiver):
        return SquareBench(sandbox_process, receiver)


class TestSquareInTheHub(HubContract):
    provider = Provider

    @pytest.fixture
    def bench(self, sandbox_process, receiver):
        return SquareBench(sandbox_process, receiver)
