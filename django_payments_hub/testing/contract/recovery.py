"""Lost answers and repeated calls: every deed takes effect once, whatever happens between (I5-I7, I13)."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest

from django_payments_hub.domain.statuses import Flow, Stage
from django_payments_hub.exceptions import OutcomeUnknown, ProviderError, Refused, Throttled
from django_payments_hub.provider_kit.types import (
    CancelRequest,
    CaptureRequest,
    ConfirmRequest,
    PaymentFact,
    RefundRequest,
)
from django_payments_hub.testing.contract.applies import ON_THE_WIRE, declares, has_flow, where
from django_payments_hub.testing.contract.base import ContractBase
from django_payments_hub.testing.contract.bench import Books, Deed, Means, Trouble, When
from django_payments_hub.testing.contract.cashier import AnyProvider, Cashier, Request, let_go
from django_payments_hub.testing.contract.deeds import Answer, Doing, Told, told

LOST = [
    Trouble(kind="reset", when="before"),
    Trouble(kind="reset", when="after"),
    Trouble(kind="garbage", when="after"),
    Trouble(kind="status", when="before", status=503),
    Trouble(kind="status", when="after", status=500),
]


def _name(trouble: Trouble) -> str:
    return f"{trouble.kind}{trouble.status if trouble.kind == 'status' else ''}-{trouble.when}"


class Recovery(ContractBase):
    """A call whose outcome nobody knows, and what a later try makes of it."""

    @where(ON_THE_WIRE)
    @pytest.mark.parametrize("trouble", LOST, ids=_name)
    def test_a_lost_answer_is_found_again_and_the_effect_is_one(
        self, till: Cashier, moving: Doing, trouble: Trouble
    ) -> None:
        for call in moving.wire(till.bench):
            request = moving.prepare(till)
            till.bench.script(trouble, call)
            with pytest.raises(OutcomeUnknown):
                moving.run(till.provider, request)
            till.bench.calm()
            self._ends_well(till, moving, request)

    @where(ON_THE_WIRE)
    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_time_out_is_found_again_and_the_effect_is_one(
        self, till: Cashier, hasty: AnyProvider, moving: Doing, when: When
    ) -> None:
        request = moving.prepare(till)
        till.bench.script(Trouble(kind="hang", when=when), moving.wire(till.bench)[-1])
        with pytest.raises(OutcomeUnknown):
            moving.run(hasty, request)
        till.bench.calm()
        self._ends_well(till, moving, request)

    def _ends_well(self, till: Cashier, doing: Doing, request: Request) -> None:
        fact = _resumed(till, doing, request)
        if fact is None and isinstance(request, RefundRequest) and is_sent_once(till):
            assert till.bench.books(request.reference).refunded == 0, "a refund of the whole shows, and was not found"
            return  # never sent again: a person finds out
        if fact is None:
            assert till.bench.books(request.reference) == Books(), "told to have come to nothing, and money has moved"
            return
        if doing.waits:
            fact = _paid_by_customer(till, fact)
            assert fact.captured_minor == till.bench.books(request.reference).captured == request.amount_minor
            return
        books = till.bench.books(request.reference)
        # A provider may end a doubt by making sure that it cannot happen any more.
        withdrawn = isinstance(fact, PaymentFact) and fact.stage is Stage.CANCELLED
        assert books == doing.leaves or (withdrawn and books == Books())

    @where(ON_THE_WIRE)
    def test_a_try_that_was_answered_is_not_done_again(self, till: Cashier, moving: Doing) -> None:
        request = moving.prepare(till)
        first = told(moving.run(till.provider, request))
        second = _resumed(till, moving, request)
        assert second is not None
        assert _names(first) == _names(second), "a later try has made another object"
        if not moving.waits:
            assert till.bench.books(request.reference) == moving.leaves

    @where(ON_THE_WIRE, declares("recovers_itself"))
    def test_a_call_in_doubt_has_one_effect_though_its_key_is_forgotten(self, till: Cashier, moving: Doing) -> None:
        request = moving.prepare(till)
        moving.run(till.provider, request)
        forgotten = replace(till.again(request), idempotency_key=str(uuid.uuid4()))
        let_go(lambda: moving.run(till.provider, forgotten))
        assert till.bench.books(request.reference) == (Books() if moving.waits else moving.leaves)

    @where(ON_THE_WIRE, declares("key_window_s"))
    def test_the_same_call_twice_has_one_effect(self, till: Cashier, moving: Doing) -> None:
        request = moving.prepare(till)
        first, second = (told(moving.run(till.provider, request)) for _ in range(2))
        assert _names(first) == _names(second)
        if not moving.waits:
            assert till.bench.books(request.reference) == moving.leaves

    @where(ON_THE_WIRE, declares("key_window_s"))
    def test_the_same_call_at_the_same_time_has_one_effect(self, till: Cashier, moving: Doing) -> None:
        request = moving.prepare(till)
        with ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(lambda _: _tried(till, moving, request), range(3)))
        names = {_names(told(answer)) for answer in answers if not isinstance(answer, ProviderError)}
        assert len(names) <= 1
        for error in answers:
            assert not isinstance(error, ProviderError) or isinstance(error, OutcomeUnknown | Throttled)
        if not moving.waits:
            _resumed(till, moving, request)
            assert till.bench.books(request.reference) == moving.leaves

    @where(ON_THE_WIRE, declares("key_window_s"))
    def test_a_key_with_another_amount_does_not_move_more(self, till: Cashier) -> None:
        flow = till.paying_flow()
        request = till.pay_request(flow)
        till.provider.pay(request)
        before = till.bench.books(request.reference)
        try:
            result = till.provider.pay(replace(request, amount_minor=request.amount_minor + 100))
        except (Refused, OutcomeUnknown):
            pass
        else:
            assert result.fact.amount_minor in (None, request.amount_minor)
        assert till.bench.books(request.reference) == before

    @where(ON_THE_WIRE, has_flow(Flow.TOKEN))
    def test_a_decline_whose_answer_was_lost_stays_a_decline(self, till: Cashier) -> None:
        moving = next(doing for doing in self.parameters()["moving"] if doing.deed is Deed.PAY_TOKEN)
        request = till.pay_request(Flow.TOKEN, Means.DECLINED)
        till.bench.script(Trouble(kind="reset", when="after"), moving.wire(till.bench)[-1])
        with pytest.raises(OutcomeUnknown):
            till.provider.pay(request)
        till.bench.calm()
        fact = _resumed(till, moving, request)
        assert getattr(fact, "captured_minor", 0) == 0
        assert till.bench.books(request.reference).captured == 0


def _tried(till: Cashier, doing: Doing, request: Request) -> Answer | ProviderError:
    try:
        return doing.run(till.provider, request)
    except ProviderError as error:
        return error


def _resumed(till: Cashier, doing: Doing, request: Request) -> Told | None:
    """As the sweeper finishes it: look first where that proves something, then the same call in doubt.

    None when the provider has made sure that it did not happen and never will.
    """
    can = till.provider.capabilities
    assert can.key_window_s or can.recovers_itself or can.look_up, "nobody can ever finish a call in doubt"
    if is_sent_once(till):
        return _asked_about(till, request)
    with suppress(Refused):
        return let_go(lambda: _found(till, doing, request) or told(doing.run(till.provider, till.again(request))))
    return None


def is_sent_once(till: Cashier) -> bool:
    """Whether no call of the provider's may be made again: then it is only asked about."""
    return not (till.provider.capabilities.key_window_s or till.provider.capabilities.recovers_itself)


def _asked_about(till: Cashier, request: Request) -> Told | None:
    if isinstance(request, RefundRequest):
        before = till.bench.books(request.reference).refunded
        with suppress(OutcomeUnknown):
            till.provider.refund(till.again(request))
        assert till.bench.books(request.reference).refunded == before, "a refund in doubt was sent again"
        with suppress(OutcomeUnknown):
            return till.look_up_refund(till.again(request))
        return None
    fact = let_go(lambda: till.provider.look_up(till.question(till.again(request))))
    return None if fact is not None and fact.stage is Stage.FAILED else fact


def _found(till: Cashier, doing: Doing, request: Request) -> Told | None:
    """What a look-up proves of it; None where it proves nothing, and the call has to be made."""
    if not till.provider.capabilities.look_up:
        return None
    if isinstance(request, RefundRequest):
        return till.look_up_refund(request)
    if isinstance(request, ConfirmRequest):
        return None  # what it looked like before proves nothing about this try
    found = till.provider.look_up(till.question(request))
    return found if found is not None and _proves(doing, request, found) else None


def _proves(doing: Doing, request: Request, fact: PaymentFact) -> bool:
    if isinstance(request, CancelRequest):
        return fact.stage in (Stage.CANCELLED, Stage.EXPIRED)
    if isinstance(request, CaptureRequest):
        return fact.captured_minor >= doing.leaves.captured
    return fact.next_action is not None or fact.stage is not Stage.OPEN


def _paid_by_customer(till: Cashier, fact: Told) -> PaymentFact:
    assert isinstance(fact, PaymentFact)
    till.bench.act(fact, Means.PAYS)
    return till.completed(fact)


def _names(fact: Told) -> tuple[str, ...]:
    return tuple(
        getattr(fact, name, "") for name in ("provider_refund_id", "provider_payment_id", "provider_session_id")
    )
