from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from django_payments_hub.provider_kit.types import AccountConfig
from django_payments_hub.testing.contract.base import impatient
from django_payments_hub.testing.contract.cashier import Cashier
from django_payments_hub.testing.contract.methods import Keeper, customer_request
from django_payments_hub.testing.provider_contract import ProviderContract, Receiver
from tests.providers.stripe.bench import StripeBench

Attempt = Callable[..., None]


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def attempt(request: pytest.FixtureRequest, sandbox_process: Any, receiver: Receiver) -> Iterator[Attempt]:
    """Runs one test of the contract as pytest would, for a provider given here."""
    made: list[Any] = []

    def connect(account: AccountConfig, kind: Any = None) -> Any:
        made.append((kind or connect.provider)(account))  # type: ignore[attr-defined]
        return made[-1]

    def attempt(provider: Any, name: str, *, bench_class: Any = StripeBench, **values: Any) -> None:
        connect.provider = provider  # type: ignore[attr-defined]
        contract: Any = type("Contract", (ProviderContract,), {"provider": provider})()
        test = getattr(contract, name)
        assert test is not None, f"{name} is not about this provider"
        bench = bench_class(sandbox_process, receiver)
        till = Cashier(connect(bench.account()), bench)
        made_for: dict[str, Callable[[], Any]] = {
            "bench": lambda: bench,
            "till": lambda: till,
            "connect": lambda: connect,
            "receiver": lambda: receiver,
            "hasty": lambda: connect(till.provider.account, impatient(provider, bench.deadline_s)),
            "keeper": lambda: Keeper(till, till.provider.create_customer(customer_request("ann"))),
            "caplog": lambda: request.getfixturevalue("caplog"),
        }
        chosen = {**values, **_named(contract, values)}
        test(**{key: chosen[key] if key in chosen else made_for[key]() for key in inspect.signature(test).parameters})

    yield attempt
    for provider in made:
        provider.close()


def _named(contract: Any, values: dict[str, Any]) -> dict[str, Any]:
    """The suite's own parameters by their names."""
    known = contract.parameters()
    return {key: next(v for v in known[key] if str(v) == str(value)) for key, value in values.items() if key in known}
