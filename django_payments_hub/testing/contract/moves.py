"""Capture, cancel and refund: what is asked for, and nothing else, moves."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from django_payments_hub.domain.statuses import Flow, RefundStatus, Stage
from django_payments_hub.exceptions import ProviderError, Refused
from django_payments_hub.provider_kit.types import RefundRequest
from django_payments_hub.testing.contract.applies import ON_THE_WIRE, TELLS_OF_MONEY, declares, where
from django_payments_hub.testing.contract.base import ContractBase
from django_payments_hub.testing.contract.bench import Books, Means
from django_payments_hub.testing.contract.cashier import AMOUNT, Cashier, Request, let_go
from django_payments_hub.testing.contract.deeds import Doing, told

UNDER_WAY = (RefundStatus.PENDING, RefundStatus.PROCESSING, RefundStatus.COMPLETED)
BAD_IDS = ("../../v1/balance", "a/b", "a?b=c", "a#b", "a b", "a\r\nX: y", "%2e%2e%2f", "", "é", "x" * 400)


class Moves(ContractBase):
    """What is done with a payment after it was begun."""

    @where(declares("manual_capture"))
    def test_all_that_is_held_can_be_captured(self, till: Cashier) -> None:
        held = till.held()
        fact = till.provider.capture(till.capture_request(held, AMOUNT)).fact
        assert (fact.stage, fact.captured_minor, fact.capturable_minor) == (Stage.CAPTURED, AMOUNT, 0)
        assert fact.provider_payment_id == held.provider_payment_id
        assert till.bench.books(held.reference) == Books(captured=AMOUNT)

    @where(declares("partial_capture"))
    def test_a_part_can_be_captured_and_the_rest_is_released(self, till: Cashier) -> None:
        held = till.held()
        fact = till.provider.capture(till.capture_request(held, 800)).fact
        assert (fact.stage, fact.captured_minor, fact.capturable_minor) == (Stage.CAPTURED, 800, 0)
        assert till.bench.books(held.reference) == Books(captured=800)

    @where(declares("partial_capture"), declares("look_up"))
    def test_the_rest_of_a_capture_is_not_taken_for_a_refund(self, till: Cashier) -> None:
        held = till.held()
        till.provider.capture(till.capture_request(held, 800))
        found = till.found(held)
        assert (found.captured_minor, found.refunds) == (800, ())

    @where(declares("several_captures"))
    def test_a_part_can_be_captured_and_another_one_after_it(self, till: Cashier) -> None:
        held = till.held()
        first = till.provider.capture(till.capture_request(held, 500, final=False)).fact
        assert (first.captured_minor, first.capturable_minor) == (500, AMOUNT - 500)
        last = till.provider.capture(till.capture_request(first, 300)).fact
        assert (last.captured_minor, last.capturable_minor) == (800, 0)
        assert till.bench.books(held.reference) == Books(captured=800)

    @where(declares("manual_capture"), declares("cancel"))
    def test_what_is_held_can_be_voided_and_voided_again(self, till: Cashier) -> None:
        held = till.held()
        result = till.provider.cancel(till.cancel_request(held))
        assert (result.fact.stage, result.failure) == (Stage.CANCELLED, None)
        again = till.provider.cancel(till.cancel_request(held))
        assert (again.fact.stage, again.failure) == (Stage.CANCELLED, None), "voided already is a success"
        assert till.bench.books(held.reference) == Books()

    @where(declares("manual_capture"), declares("cancel"))
    def test_what_was_voided_is_not_captured(self, till: Cashier) -> None:
        held = till.held()
        till.provider.cancel(till.cancel_request(held))
        try:
            result = till.provider.capture(till.capture_request(held, AMOUNT))
        except ProviderError:
            pass
        else:
            assert result.fact.captured_minor == 0
            assert result.failure is not None or result.fact.stage is Stage.CANCELLED
        assert till.bench.books(held.reference) == Books()

    @where(declares("cancel"))
    def test_what_was_never_paid_can_be_withdrawn(self, till: Cashier, waiting_flow: Flow) -> None:
        fact = till.waiting(waiting_flow)
        result = till.provider.cancel(till.cancel_request(fact))
        assert result.failure is None
        assert result.fact.stage in (Stage.CANCELLED, Stage.EXPIRED)

    @where(declares("cancel"), TELLS_OF_MONEY)
    def test_what_was_withdrawn_cannot_be_paid(self, till: Cashier, waiting_flow: Flow) -> None:
        fact = till.waiting(waiting_flow)
        till.provider.cancel(till.cancel_request(fact))
        with suppress(Exception):  # whatever the sandbox says to a customer who comes too late
            till.bench.act(fact, Means.PAYS)
        assert till.bench.books(fact.reference) == Books()

    @where(declares("cancel"), TELLS_OF_MONEY)
    def test_what_was_captured_is_not_cancelled(self, till: Cashier) -> None:
        paid = till.paid()
        try:
            result = till.provider.cancel(till.cancel_request(paid))
        except ProviderError:
            pass
        else:
            assert result.failure is not None, "money that was taken is told to be given up"
            assert result.fact.captured_minor == AMOUNT
        assert till.bench.books(paid.reference) == Books(captured=AMOUNT)

    # -- refunds -------------------------------------------------------------------------------------------------------

    @where(declares("refund"))
    def test_a_payment_can_be_refunded_in_full(self, till: Cashier, flow: Flow) -> None:
        paid = till.paid(flow)
        request = till.refund_request(paid, AMOUNT)
        fact = till.provider.refund(request).fact
        assert fact.provider_refund_id
        assert fact.reference == request.refund_reference
        assert fact.status in UNDER_WAY
        assert (fact.amount_minor, fact.currency, fact.mode) == (AMOUNT, paid.currency, paid.mode)
        assert {fact.payment_reference, fact.provider_payment_id} & {paid.reference, paid.provider_payment_id}

    @where(declares("partial_refund"), declares("refund"))
    def test_parts_are_refunded_one_by_one_and_never_more_than_was_captured(self, till: Cashier) -> None:
        paid = till.paid()
        first, second = (till.provider.refund(till.refund_request(paid, 500)).fact for _ in range(2))
        assert first.provider_refund_id != second.provider_refund_id
        self._is_refused(till, till.refund_request(paid, 500))
        assert till.bench.books(paid.reference).refunded <= AMOUNT

    def _is_refused(self, till: Cashier, request: RefundRequest) -> None:
        try:
            status = till.provider.refund(request).fact.status
        except Refused:
            return
        assert status is RefundStatus.FAILED

    @where(declares("refund"), declares("look_up"))
    def test_a_refund_is_found_by_its_id_by_our_reference_and_with_its_payment(self, till: Cashier) -> None:
        paid = till.paid()
        request = till.refund_request(paid, AMOUNT)
        made = till.provider.refund(request).fact
        for refund_id in (made.provider_refund_id, ""):
            found = till.look_up_refund(request, refund_id)
            assert found is not None, "a refund that exists is told to be absent"
            assert (found.provider_refund_id, found.amount_minor) == (made.provider_refund_id, AMOUNT)
            assert found.reference == request.refund_reference
        told_with_it = {refund.provider_refund_id: refund for refund in till.found(paid).refunds}
        assert set(told_with_it) <= {made.provider_refund_id}
        assert till.found(paid).captured_minor == AMOUNT, "a refund does not undo the capture"

    @where(declares("refund"), declares("look_up"))
    def test_a_refund_nobody_made_is_not_found(self, till: Cashier) -> None:
        assert till.look_up_refund(till.refund_request(till.paid(), AMOUNT)) is None

    # -- ids -----------------------------------------------------------------------------------------------------------

    @where(ON_THE_WIRE)
    def test_a_name_that_is_none_of_the_providers_never_enters_a_path(self, till: Cashier, by_name: Doing) -> None:
        request = by_name.prepare(till)
        before = till.bench.calls()
        for bad in filter(None, BAD_IDS):  # without a name, some look for the payment first
            with pytest.raises(ProviderError):
                by_name.run(till.provider, _named(request, bad))
        assert till.bench.calls() == before, "a made-up name has reached the provider"

    def test_the_same_question_has_the_same_answer(self, till: Cashier, asking: Doing) -> None:
        request = asking.prepare(till)
        first, second = (let_go(lambda: told(asking.run(till.provider, request))) for _ in range(2))
        assert replace(first, occurred_at=None) == replace(second, occurred_at=None)


def _named(request: Request, bad: str) -> Request:
    """The request with nothing but this name for all that it is about."""
    names = ("reference", "provider_payment_id", "provider_session_id", "refund_reference", "provider_refund_id")
    return replace(request, **{name: bad for name in names if hasattr(request, name)})  # type: ignore[arg-type]
