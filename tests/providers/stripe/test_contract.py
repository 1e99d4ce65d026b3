"""Stripe keeps the contract of every provider."""

from __future__ import annotations

import pytest

from django_payments_hub.providers.stripe import Provider
from django_payments_hub.testing.hub_contract import HubContract
from django_payments_hub.testing.provider_contract import Means, ProviderContract
from tests.providers.stripe.bench import StripeBench

# Half a minute for each provider. Of this one, which declares the most, the fast tests have one value of each test
# (tests/providers/stripe/conftest.py), so that they notice when the suite itself breaks.


class TestStripe(ProviderContract):
    provider = Provider
    meanings = frozenset({Means.INSUFFICIENT_FUNDS, Means.NEEDS_CUSTOMER})

    @pytest.fixture
    def bench(self, sandbox_process, receiver):
        return StripeBench(sandbox_process, receiver)


class TestStripeInTheHub(HubContract):
    provider = Provider

    @pytest.fixture
    def bench(self, sandbox_process, receiver):
        return StripeBench(sandbox_process, receiver)
