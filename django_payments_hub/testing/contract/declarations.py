"""What a provider declares, what it does not, and the keys of its accounts."""

from __future__ import annotations

import inspect
import socket
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, replace
from typing import Any

import pytest

from django_payments_hub.domain.statuses import CaptureMethod, Flow, MethodKind, Mode, Verdict
from django_payments_hub.exceptions import ConfigurationError, Unsupported
from django_payments_hub.provider_kit.base import BaseProvider, Capabilities
from django_payments_hub.provider_kit.method_types import (
    CustomerRequest,
    DetachMethodRequest,
    FinishMethodRequest,
    SaveMethodRequest,
)
from django_payments_hub.provider_kit.types import AccountConfig
from django_payments_hub.testing.contract.applies import (
    OFF_THE_WIRE,
    ON_THE_WIRE,
    TELLS_OF_MONEY,
    AnyProviderClass,
    address_keys,
    lacks,
    where,
)
from django_payments_hub.testing.contract.base import ContractBase, at_address
from django_payments_hub.testing.contract.bench import Bench
from django_payments_hub.testing.contract.cashier import AnyProvider, Cashier

# What a declared capability needs to be filled in.
HOOKS: Mapping[str, tuple[str, ...]] = {
    "flows": ("pay",),
    "manual_capture": ("capture",),
    "cancel": ("cancel",),
    "refund": ("refund",),
    "confirms_approved": ("confirm",),
    "look_up": ("look_up", "look_up_refund"),
    "saved_methods": ("save_method", "list_methods", "detach_method", "create_customer"),
    "setup_flows": ("save_method",),
    "webhooks": ("verify_webhook", "parse_webhook"),
}
# Flags that say more of another one, and those that only the services read.
NARROWS: Mapping[str, str] = {
    "partial_capture": "manual_capture",
    "several_captures": "partial_capture",
    "save_flows": "saved_methods",
    "setup_flows": "saved_methods",
    "finds_savings": "saved_methods",
    "disputes": "webhooks",
}
FLAGS = [f.name for f in fields(Capabilities) if f.type in (bool, "bool")]


_WORDS = "credential credentials key keys password passwords pin salt secret secrets token tokens"
_CREDENTIALS = frozenset(_WORDS.split())


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


def _without_default(definition: Field[Any]) -> bool:
    return definition.default is MISSING and definition.default_factory is MISSING


class Declarations(ContractBase):
    """A provider is what it says it is."""

    # -- capabilities --------------------------------------------------------------------------------------------------

    def test_it_is_a_provider_with_a_name(self) -> None:
        assert issubclass(self.provider, BaseProvider)
        assert self.provider.name
        assert self.provider.label
        assert self.provider.capabilities.flows, "a provider without a flow takes no payments"
        assert self.provider.capabilities.method_kinds, "nobody can tell what is paid with"
        assert self.provider.capabilities.call_deadline_s > 0

    def test_every_declared_capability_is_filled_in(self) -> None:
        left_out = [
            hook
            for capability, hooks in HOOKS.items()
            if getattr(self.provider.capabilities, capability)
            for hook in hooks
            if getattr(self.provider, hook) is getattr(BaseProvider, hook)
        ]
        assert left_out == [], "declared, and not filled in"

    def test_flags_do_not_contradict_each_other(self) -> None:
        can = self.provider.capabilities
        wrong = [f for f, needs in NARROWS.items() if getattr(can, f) and not getattr(can, needs)]
        assert wrong == [], f"each of these needs another one: {NARROWS}"
        assert not (can.partial_refund and not (can.refund or can.operator_refunds))
        assert can.save_flows <= can.flows
        assert not can.saved_methods or can.save_flows | can.setup_flows, "there is no way to save a method"
        assert can.webhook_verbs <= {"GET", "POST"}
        assert can.webhook_verbs
        assert can.key_window_s >= 0
        assert can.method_key_window_s >= 0

    def test_somebody_can_tell_that_money_came_in(self) -> None:
        assert TELLS_OF_MONEY.holds(type(self)) or self.provider.capabilities.operator_receipts

    @pytest.mark.parametrize("flag", FLAGS)
    def test_a_flag_is_granted_when_declared_and_refused_when_not(self, till: Cashier, flag: str) -> None:
        if getattr(self.provider.capabilities, flag):
            till.provider.require(flag)
            return
        with pytest.raises(Unsupported) as caught:
            till.provider.require(flag)
        assert caught.value.code == f"unsupported_{flag}"

    def test_what_is_declared_is_supported_and_nothing_else(self, till: Cashier) -> None:
        can = till.provider.capabilities
        for flow in Flow:
            _agrees(flow in can.flows, "unsupported_flow", lambda f=flow: _supports(till, flow=f))  # type: ignore[misc]
        for kind in MethodKind:
            _agrees(
                kind in can.method_kinds,
                "unsupported_method_kind",
                lambda k=kind: _supports(till, method_kind=k),  # type: ignore[misc]
            )
        if not can.manual_capture:
            for flow in can.flows:
                _agrees(False, "unsupported_capture_method", lambda f=flow: _supports(till, flow=f, later=True))  # type: ignore[misc]
        for currency in ("USD", "EUR", "JPY", "KWD", "HUF", "TWD", "PKR"):
            taken = not can.currencies or currency in can.currencies
            _agrees(taken, "unsupported_currency", lambda c=currency: _supports(till, currency=c))  # type: ignore[misc]

    # -- what is not declared ------------------------------------------------------------------------------------------

    @where(lacks("manual_capture"))
    def test_an_undeclared_capture_is_refused_and_nobody_is_called(self, till: Cashier) -> None:
        fact = till.start(till.paying_flow()).fact
        self._refused(till, "capture", lambda: till.provider.capture(till.capture_request(fact, 100)))

    @where(lacks("cancel"))
    def test_an_undeclared_cancellation_is_refused_and_nobody_is_called(self, till: Cashier) -> None:
        fact = till.start(till.paying_flow()).fact
        self._refused(till, "cancel", lambda: till.provider.cancel(till.cancel_request(fact)))

    @where(lacks("refund"))
    def test_an_undeclared_refund_is_refused_and_nobody_is_called(self, till: Cashier) -> None:
        fact = till.start(till.paying_flow()).fact
        self._refused(till, "refund", lambda: till.provider.refund(till.refund_request(fact, 100)))

    @where(lacks("look_up"))
    def test_an_undeclared_look_up_is_refused_and_nobody_is_called(self, till: Cashier) -> None:
        fact = till.start(till.paying_flow()).fact
        self._refused(till, "look_up", lambda: till.provider.look_up(till.look_up_request(fact)))
        refund = till.refund_request(fact, 100)
        self._refused(till, "look_up", lambda: till.look_up_refund(refund))

    @where(lacks("saved_methods"))
    def test_undeclared_saved_methods_are_refused_and_nobody_is_called(self, till: Cashier) -> None:
        provider = till.provider
        customer = CustomerRequest(idempotency_key="key", reference="ref")
        save = SaveMethodRequest(idempotency_key="key", reference="ref", method_token="token")
        finish = FinishMethodRequest(idempotency_key="key", reference="ref", provider_setup_id="setup")
        detach = DetachMethodRequest(idempotency_key="key", provider_method_id="method")
        self._refused(till, "saved_methods", lambda: provider.create_customer(customer))
        self._refused(till, "saved_methods", lambda: provider.save_method(save))
        self._refused(till, "saved_methods", lambda: provider.finish_method(finish))
        self._refused(till, "saved_methods", lambda: provider.list_methods("customer"))
        self._refused(till, "saved_methods", lambda: provider.detach_method(detach))

    @where(lacks("webhooks"))
    def test_undeclared_notices_are_refused(self, till: Cashier) -> None:
        self._refused(till, "webhooks", lambda: till.provider.verify_webhook(b"{}", {}, now=0.0))
        self._refused(till, "webhooks", lambda: till.provider.parse_webhook({}))

    def _refused(self, till: Cashier, capability: str, call: Callable[[], object]) -> None:
        before = _calls(till)
        with pytest.raises(Unsupported) as caught:
            call()
        assert caught.value.code == f"unsupported_{capability}"
        assert _calls(till) == before, "what is not declared has reached the provider"

    # -- accounts ------------------------------------------------------------------------------------------------------

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

    # -- small things --------------------------------------------------------------------------------------------------

    def test_a_reference_is_stable_and_its_own(self, till: Cashier) -> None:
        ids = [f"018f5a3e-7c1{n:x}-7000-8000-0000000000{n:02x}" for n in range(16)]
        made = [till.provider.make_reference(payment_id) for payment_id in ids]
        assert made == [till.provider.make_reference(payment_id) for payment_id in ids]
        assert len(set(made)) == len(ids)
        assert all(reference.isascii() and 8 <= len(reference) <= 64 for reference in made)

    def test_a_filed_notice_is_acknowledged(self, till: Cashier) -> None:
        for verdict in (None, *Verdict):
            answer = till.provider.acknowledge(verdict)
            assert 200 <= answer.status < 300
            assert isinstance(answer.body, bytes)

    def test_unpaid_payments_end_some_day(self, till: Cashier) -> None:
        expiry = till.provider.payment_expiry_s
        assert expiry is None or expiry > 0

    def test_its_hooks_take_what_the_services_give(self) -> None:
        for hook in {hook for hooks in HOOKS.values() for hook in hooks}:
            ours = inspect.signature(getattr(BaseProvider, hook)).parameters
            theirs = inspect.signature(getattr(self.provider, hook)).parameters
            assert len(ours) == len(theirs), f"{hook} has another signature than the base class"


def _supports(
    till: Cashier,
    *,
    flow: Flow | None = None,
    currency: str = "",
    method_kind: MethodKind | None = None,
    later: bool = False,
) -> None:
    till.provider.supports(
        flow=flow or min(till.provider.capabilities.flows),
        currency=currency or till.currency,
        capture_method=CaptureMethod.MANUAL if later else CaptureMethod.AUTOMATIC,
        method_kind=method_kind or till.method_kind,
    )


def _agrees(declared: bool, code: str, ask: Callable[[], None]) -> None:
    if declared:
        ask()
        return
    with pytest.raises(Unsupported) as caught:
        ask()
    assert caught.value.code == code


def _calls(till: Cashier) -> int:
    provider: AnyProvider = till.provider
    return till.bench.calls() if address_keys(type(provider)) else 0
