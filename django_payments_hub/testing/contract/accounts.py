"""The keys of an account: which are needed, which are secret, and where they may point."""

from __future__ import annotations

import socket
from dataclasses import MISSING, Field, fields, replace
from typing import Any

import pytest

from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import ConfigurationError
from django_payments_hub.provider_kit.types import AccountConfig
from django_payments_hub.testing.contract.applies import OFF_THE_WIRE, ON_THE_WIRE, secrets_of, where
from django_payments_hub.testing.contract.base import ContractBase, at_address
from django_payments_hub.testing.contract.bench import Bench
from django_payments_hub.testing.contract.cashier import Cashier

_WORDS = "credential credentials key keys password passwords pin salt secret secrets token tokens"
_CREDENTIALS = frozenset(_WORDS.split())


def _without_default(definition: Field[Any]) -> bool:
    return definition.default is MISSING and definition.default_factory is MISSING


class Accounts(ContractBase):
    """A provider is built from what its account says, or not at all."""

    def test_a_required_key_that_is_missing_or_empty_is_named(self, bench: Bench) -> None:
        account = bench.account()
        for definition in fields(self.provider.Config):
            key = definition.name.upper()
            left = {k: v for k, v in account.values.items() if k.upper() != key}
            if _without_default(definition):
                self._cannot_be_built(replace(account, values=left), key)
            if definition.metadata.get("secret") and _without_default(definition):
                empty: object = "" if isinstance(account.values[key], str) else []
                self._cannot_be_built(replace(account, values={**left, key: empty}), key)

    def test_an_unknown_key_is_an_error_that_does_not_tell_its_value(self, bench: Bench) -> None:
        account = bench.account()
        error = self._cannot_be_built(replace(account, values={**account.values, "SECRT_KEY": "canary-value"}), "SECRT")
        assert error.code == "unknown_account_key"
        assert "canary-value" not in str(error)

    def _cannot_be_built(self, account: AccountConfig, names: str) -> ConfigurationError:
        with pytest.raises(ConfigurationError) as caught:
            self.provider(account)
        assert names.lower() in str(caught.value).lower(), "the message does not name the key"
        for secret in secrets_of(self.provider, account):
            assert secret not in str(caught.value)
        return caught.value

    @where(ON_THE_WIRE)
    def test_a_live_account_does_not_use_a_sandbox(self, bench: Bench) -> None:
        with pytest.raises(ConfigurationError):
            self.provider(replace(bench.account(), mode=Mode.LIVE))

    @where(ON_THE_WIRE)
    @pytest.mark.parametrize(
        "url", ["http://payments.example", "ftp://127.0.0.1/x", "https://u:p@payments.example", "payments.example"]
    )
    def test_an_address_that_is_not_safe_is_refused(self, bench: Bench, url: str) -> None:
        with pytest.raises(ConfigurationError):
            self.provider(at_address(bench.account(), self.provider, url))

    @where(OFF_THE_WIRE)
    def test_a_provider_without_an_address_connects_to_nobody(
        self, till: Cashier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise AssertionError("a provider whose Config names no address opens a connection")

        monkeypatch.setattr(socket.socket, "connect", refuse)
        monkeypatch.setattr(socket, "getaddrinfo", refuse)
        for flow in sorted(till.provider.capabilities.flows):
            fact = till.start(flow).fact
            if till.provider.capabilities.cancel:
                till.provider.cancel(till.cancel_request(fact))

    def test_no_secret_shows_in_a_repr_or_is_given_to_browsers(self, till: Cashier) -> None:
        account = till.provider.account
        shown = [repr(till.provider.config), repr(account), repr(till.provider), repr(till.provider.public_values())]
        for secret in secrets_of(self.provider, account):
            assert len(secret) >= 8, "the bench's secrets are too short to be looked for"
            assert not [text for text in shown if secret in text]

    def test_what_is_named_like_a_credential_is_declared_secret_or_public(self) -> None:
        for field in fields(self.provider.Config):
            if _CREDENTIALS.intersection(field.name.split("_")):
                assert field.metadata.get("secret") or field.metadata.get("public"), f"{field.name} shows in a repr"

    def test_its_doubts_are_sentences_without_secrets(self, till: Cashier) -> None:
        doubts = till.provider.check()
        assert all(doubts)
        for secret in secrets_of(self.provider, till.provider.account):
            assert not [doubt for doubt in doubts if secret in doubt]
