"""Which tests of the suite are about which providers: by what they declare, never by a skip.

A test marked with `where(...)` is taken out of a provider's class when its condition does not hold; every capability
has tests for both sides, so that what is not declared is tried too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol, TypeVar

from django_payments_hub.domain.statuses import Flow
from django_payments_hub.provider_kit.base import BaseProvider
from django_payments_hub.provider_kit.types import AccountConfig
from django_payments_hub.testing.contract.bench import Means

AnyProviderClass = type[BaseProvider[Any]]
TestT = TypeVar("TestT", bound=Callable[..., None])
_MARK = "_contract_conditions"


class Subject(Protocol):
    """A contract of one provider, as far as conditions look at it."""

    provider: ClassVar[AnyProviderClass]
    meanings: ClassVar[frozenset[Means]]


@dataclass(frozen=True)
class Condition:
    """What must be declared; `says` names it."""

    says: str
    holds: Callable[[type[Subject]], bool]


def where(*conditions: Condition) -> Callable[[TestT], TestT]:
    """The test is about providers for which all of these hold."""

    def mark(test: TestT) -> TestT:
        setattr(test, _MARK, (*conditions_of(test), *conditions))
        return test

    return mark


def conditions_of(test: object) -> tuple[Condition, ...]:
    """The conditions of a test."""
    found: tuple[Condition, ...] = getattr(test, _MARK, ())
    return found


def declares(capability: str) -> Condition:
    """The capability is declared."""
    return Condition(f"declares {capability}", lambda it: bool(getattr(it.provider.capabilities, capability)))


def lacks(capability: str) -> Condition:
    """The capability is not declared."""
    return Condition(f"lacks {capability}", lambda it: not getattr(it.provider.capabilities, capability))


def has_flow(flow: Flow) -> Condition:
    """This flow is declared."""
    return Condition(f"has flow {flow}", lambda it: flow in it.provider.capabilities.flows)


def plays(means: Means) -> Condition:
    """The provider's sandbox has a method of this meaning."""
    return Condition(f"plays {means}", lambda it: means in it.meanings)


def address_keys(provider: AnyProviderClass) -> list[str]:
    """The keys of an account that say where the provider is reached."""
    return [field.name.upper() for field in fields(provider.Config) if field.metadata.get("address")]


def confirms(provider: AnyProviderClass) -> bool:
    """`confirm` has no capability of its own: a provider whose flows need none leaves it out."""
    return provider.confirm is not BaseProvider.confirm


ON_THE_WIRE = Condition("is reached over the network", lambda it: bool(address_keys(it.provider)))
OFF_THE_WIRE = Condition("calls nobody", lambda it: not address_keys(it.provider))
TELLS_OF_MONEY = Condition(
    "tells of money that came in",
    lambda it: bool(address_keys(it.provider)) or it.provider.capabilities.webhooks,
)
"""Whatever staff may tell besides: a capability takes no test away but those about its absence."""


def secrets_of(provider: AnyProviderClass, account: AccountConfig) -> list[str]:
    """Every credential in an account's values."""
    names = {f.name for f in fields(provider.Config) if f.metadata.get("secret")}
    found: list[str] = []
    for key, value in account.values.items():
        if key.lower() in names:
            found += [value] if isinstance(value, str) else [str(item) for item in _items(value)]
    return [secret for secret in found if secret]


def _items(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []
