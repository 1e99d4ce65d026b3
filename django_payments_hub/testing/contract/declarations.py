"""What a provider declares, what it does not, and the keys of its accounts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields

import pytest

from django_payments_hub.domain.statuses import CaptureMethod, Flow, MethodKind, Verdict
from django_payments_hub.exceptions import Unsupported
from django_payments_hub.provider_kit.base import BaseProvider, Capabilities
from django_payments_hub.provider_kit.method_types import (
    CustomerRequest,
    DetachMethodRequest,
    FinishMethodRequest,
    SaveMethodRequest,
)
from django_payments_hub.testing.contract.applies import (
    TELLS_OF_MONEY,
    address_keys,
    lacks,
    where,
)
from django_payments_hub.testing.contract.base import ContractBase
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
    "form_posts": ("hosted_form",),
    "unsigned_webhooks": ("parse_hint",),
}
# Flags that say more of another one, and those that only the services read.
NARROWS: Mapping[str, str] = {
    "partial_capture": "manual_capture",
    "blind_refunds": "refund",
    "several_captures": "partial_capture",
    "save_flows": "saved_methods",
    "setup_flows": "saved_methods",
    "finds_savings": "saved_methods",
    "disputes": "webhooks",
    "form_posts": "look_up",
    "first_form_pays": "form_posts",
    "unsigned_webhooks": "look_up",
}
FLAGS = [f.name for f in fields(Capabilities) if f.type in (bool, "bool")]


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
        assert set() < can.webhook_verbs <= {"GET", "POST"}
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
                lambda k=kind: _supports_somewhere(till, k),  # type: ignore[misc]
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

    # -- small things --------------------------------------------------------------------------------------------------

    def test_a_reference_is_stable_and_its_own(self, till: Cashier) -> None:
        ids = [f"018f5a3e-7c10-7000-8000-0000000000{n:02x}" for n in range(16)]  # of one moment
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


def _supports_somewhere(till: Cashier, kind: MethodKind) -> None:
    """In one flow or the other: a wallet may be asked directly, and a card not."""
    *others, last = sorted(till.provider.capabilities.flows)
    for flow in others:
        with suppress(Unsupported):
            _supports(till, flow=flow, method_kind=kind)
            return
    _supports(till, flow=last, method_kind=kind)


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
