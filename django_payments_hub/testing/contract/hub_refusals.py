"""What the services refuse because a provider does not declare it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.contrib.auth import get_user_model

from django_payments_hub.domain.statuses import CaptureMethod, Flow, PaymentStatus
from django_payments_hub.exceptions import RuleViolation, Unsupported
from django_payments_hub.models import Payment, Refund, WebhookEvent
from django_payments_hub.services import accounts, inbox, payments, refunds
from django_payments_hub.testing.contract.applies import ON_THE_WIRE, declares, lacks, where
from django_payments_hub.testing.contract.hub_base import HubContractBase
from django_payments_hub.testing.contract.hub_receipts import prove, receive
from django_payments_hub.testing.contract.hub_world import ALIAS, HubWorld, fresh

PART = "5.00"


class HubRefusals(HubContractBase):
    """Refused loudly, before any row is written and any call is made."""

    @pytest.mark.parametrize("other", list(Flow))
    def test_a_flow_is_taken_when_declared_and_refused_when_not(self, hub: HubWorld, other: Flow) -> None:
        if other in self.provider.capabilities.flows:
            assert payments.create(hub.wish(other, defer=True)).status == PaymentStatus.PENDING
            return
        wish = replace(hub.wish(min(self.provider.capabilities.flows)), flow=other, method_token="some-token")
        self._is_refused(hub, "unsupported_flow", lambda: payments.create(wish))

    @where(lacks("manual_capture"))
    def test_an_undeclared_later_capture_is_refused(self, hub: HubWorld) -> None:
        wish = hub.wish(min(self.provider.capabilities.flows), capture_method=CaptureMethod.MANUAL)
        self._is_refused(hub, "unsupported_capture_method", lambda: payments.create(wish))

    @where(declares("manual_capture"), lacks("partial_capture"))
    def test_an_undeclared_capture_of_a_part_is_refused(self, hub: HubWorld) -> None:
        payment = hub.held()
        self._is_refused(hub, "unsupported_partial_capture", lambda: payments.capture(payment.pk, amount=PART))
        hub.agrees(payment)

    @where(declares("manual_capture"), lacks("several_captures"))
    def test_an_undeclared_capture_before_another_is_refused(self, hub: HubWorld) -> None:
        payment = hub.held()
        self._is_refused(
            hub, "unsupported_several_captures", lambda: payments.capture(payment.pk, amount=PART, final=False)
        )
        hub.agrees(payment)

    @where(lacks("cancel"))
    def test_an_undeclared_cancellation_is_refused(self, hub: HubWorld) -> None:
        payment = hub.begin(hub.till.paying_flow())
        self._is_refused(hub, "unsupported_cancel", lambda: payments.cancel(payment.pk))

    @where(lacks("refund"), lacks("operator_refunds"))
    def test_an_undeclared_refund_is_refused(self, hub: HubWorld) -> None:
        payment = hub.paid()
        self._is_refused(hub, "unsupported_refund", lambda: refunds.request(payment.pk))
        assert not Refund.objects.exists()

    @where(declares("refund"), lacks("partial_refund"))
    def test_an_undeclared_refund_of_a_part_is_refused(self, hub: HubWorld) -> None:
        payment = hub.paid()
        self._is_refused(hub, "unsupported_partial_refund", lambda: refunds.request(payment.pk, amount=PART))
        assert not Refund.objects.exists()

    @where(lacks("look_up"))
    def test_an_undeclared_look_up_is_refused(self, hub: HubWorld) -> None:
        payment = hub.begin(hub.till.paying_flow())
        self._is_refused(hub, "unsupported_look_up", lambda: payments.sync(payment.pk))

    @where(lacks("saved_methods"))
    def test_an_undeclared_saving_of_the_method_is_refused(self, hub: HubWorld) -> None:
        user = get_user_model().objects.create_user("ann")
        wish = hub.wish(min(self.provider.capabilities.flows), user=user, save_method=True)
        self._is_refused(hub, "unsupported_saved_methods", lambda: payments.create(wish))

    @where(declares("saved_methods"))
    def test_the_method_is_saved_in_no_flow_that_does_not_declare_it(self, hub: HubWorld) -> None:
        can = self.provider.capabilities
        user = get_user_model().objects.create_user("ann")
        for flow in can.flows - can.save_flows:
            wish = hub.wish(flow, user=user, save_method=True)
            if wish.payment_method is None:
                self._is_refused(hub, "unsupported_save_flow", lambda wish=wish: payments.create(wish))  # type: ignore[misc]

    @where(lacks("webhooks"))
    def test_an_undeclared_notice_is_refused(self, hub: HubWorld) -> None:
        body = json.dumps({"id": "evt_1", "type": "paid"}).encode()
        self._is_refused(hub, "unsupported_webhooks", lambda: inbox.receive(accounts.get(ALIAS), body, {}))
        assert not WebhookEvent.objects.exists()

    @where(lacks("operator_receipts"))
    def test_an_undeclared_receipt_is_refused(self, hub: HubWorld) -> None:
        payment = hub.begin(min(self.provider.capabilities.flows))
        captured = payment.captured_minor
        self._is_refused(hub, "unsupported_operator_receipts", lambda: receive(payment))
        assert fresh(payment).captured_minor == captured

    @where(declares("refund"), lacks("operator_refunds"))
    def test_an_undeclared_refund_by_hand_is_refused(self, hub: HubWorld) -> None:
        refund = refunds.request(hub.paid().pk)
        with pytest.raises(RuleViolation) as caught:
            prove(refund)
        assert caught.value.code == "refund_not_by_hand"

    def _is_refused(self, hub: HubWorld, code: str, ask: Callable[[], object]) -> None:
        counted = ON_THE_WIRE.holds(type(self))
        before = Payment.objects.count(), hub.bench.calls() if counted else 0
        with pytest.raises(Unsupported) as caught:
            ask()
        assert caught.value.code == code
        assert (Payment.objects.count(), hub.bench.calls() if counted else 0) == before
