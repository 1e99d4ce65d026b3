"""The ground of every part: fixtures, the choice of tests, and the values they are run with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from inspect import signature
from typing import Any, ClassVar

import pytest

from django_payments_hub.domain.statuses import Flow
from django_payments_hub.provider_kit.types import AccountConfig
from django_payments_hub.testing.contract.applies import AnyProviderClass, address_keys, conditions_of
from django_payments_hub.testing.contract.bench import Bench, HookMissing, Means
from django_payments_hub.testing.contract.cashier import AnyProvider, Cashier
from django_payments_hub.testing.contract.deeds import ABOUT_A_KNOWN_OBJECT, BY_NAME, calling_flows, doings_of
from django_payments_hub.testing.contract.receiver import Receiver

Connect = Callable[..., AnyProvider]


class ContractBase:
    """What a subclass gives: `provider`, the class under contract, and a fixture `bench`.

    `meanings`: what else the provider's sandbox can play than a method that pays and one that is declined.
    """

    provider: ClassVar[AnyProviderClass]
    meanings: ClassVar[frozenset[Means]] = frozenset()

    def __init_subclass__(cls, **more: object) -> None:
        super().__init_subclass__(**more)
        if getattr(cls, "provider", None) is None:
            return
        nothing = {name for name, values in cls().parameters().items() if not values}
        for name in [name for name in dir(cls) if name.startswith("test_")]:
            test = getattr(cls, name)
            if test is not None and (not _is_about(cls, test) or nothing & set(signature(test).parameters)):
                setattr(cls, name, None)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test for each flow and for each deed that the provider declares."""
        for name, values in self.parameters().items():
            if name in metafunc.fixturenames:
                metafunc.parametrize(name, values, ids=str)

    def parameters(self) -> dict[str, list[Any]]:
        """The values of the suite's own parameters for this provider."""
        provider = type(self).provider
        flows = sorted(provider.capabilities.flows)
        every = doings_of(provider)
        return {
            "flow": flows,
            "waiting_flow": [flow for flow in flows if flow is not Flow.TOKEN],
            "pageless_flow": [flow for flow in flows if flow is not Flow.HOSTED],
            "calling_flow": calling_flows(provider),
            "setup_flow": sorted(provider.capabilities.setup_flows),
            "doing": every,
            "moving": [doing for doing in every if doing.moves],
            "asking": [doing for doing in every if not doing.moves],
            "about_known": [doing for doing in every if doing.deed in ABOUT_A_KNOWN_OBJECT],
            "by_name": [doing for doing in every if doing.deed in BY_NAME],
        }

    # -- fixtures ------------------------------------------------------------------------------------------------------

    @pytest.fixture(scope="class")
    @classmethod
    def receiver(cls) -> Iterator[Receiver]:
        """Where notices arrive."""
        with Receiver() as receiver:
            yield receiver

    @pytest.fixture
    def bench(self) -> Bench:
        """The provider's sandbox, empty."""
        raise HookMissing(f"{type(self).__name__} has no fixture `bench`.")

    @pytest.fixture
    def connect(self) -> Iterator[Connect]:
        """Builds providers on accounts; they are closed at the end."""
        made: list[AnyProvider] = []

        def connect(account: AccountConfig, kind: AnyProviderClass | None = None) -> AnyProvider:
            made.append((kind or type(self).provider)(account))
            return made[-1]

        yield connect
        for provider in made:
            provider.close()

    @pytest.fixture
    def till(self, bench: Bench, connect: Connect) -> Cashier:
        """The provider on the bench's account, and how to work with it."""
        return Cashier(connect(bench.account()), bench)

    @pytest.fixture
    def hasty(self, bench: Bench, till: Cashier, connect: Connect) -> AnyProvider:
        """The same account by a provider that gives up early."""
        return connect(till.provider.account, impatient(type(self).provider, bench.deadline_s))


def _is_about(contract: type[ContractBase], test: Callable[..., None]) -> bool:
    return all(condition.holds(contract) for condition in conditions_of(test))


def impatient(provider: AnyProviderClass, deadline_s: float) -> AnyProviderClass:
    """The provider with a deadline short enough to wait for."""
    lowered = replace(provider.capabilities, call_deadline_s=deadline_s)
    return type(f"Impatient{provider.__name__}", (provider,), {"capabilities": lowered})


def at_address(account: AccountConfig, provider: AnyProviderClass, url: str) -> AccountConfig:
    """The account with every address of its provider's replaced."""
    return replace(account, values={**account.values, **dict.fromkeys(address_keys(provider), url)})
