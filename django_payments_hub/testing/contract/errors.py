"""What is said when the provider, or the way to it, fails: the class of error; nothing is believed (F1-F14)."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from django_payments_hub.domain.statuses import Stage
from django_payments_hub.exceptions import (
    Misconfigured,
    NotSent,
    OutcomeUnknown,
    ProviderError,
    Refused,
    Throttled,
)
from django_payments_hub.provider_kit.types import PaymentFact, PaymentResult, RefundResult
from django_payments_hub.testing.contract.applies import ON_THE_WIRE, where
from django_payments_hub.testing.contract.base import Connect, ContractBase, at_address
from django_payments_hub.testing.contract.bench import Trouble, When
from django_payments_hub.testing.contract.cashier import AnyProvider, Cashier, Request
from django_payments_hub.testing.contract.deeds import Answer, Doing, told
from django_payments_hub.testing.contract.receiver import Receiver

NO_ANSWER = ("reset", "close", "truncate", "garbage", "html", "empty", "huge", "redirect")
RETRY_AFTER_S = 7.0
_SLACK_S = 2.5


@dataclass(frozen=True)
class Status:
    """An answer of this status, with the provider's own body, and what it may be told as."""

    status: int
    raised: tuple[type[ProviderError], ...]
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return str(self.status)


STATUSES = [
    Status(400, (Refused,)),
    Status(401, (Misconfigured,)),
    Status(403, (Misconfigured,)),
    Status(404, (Refused, OutcomeUnknown)),
    Status(409, (OutcomeUnknown,)),
    Status(422, (Refused, OutcomeUnknown)),
    Status(429, (Throttled,), {"Retry-After": str(int(RETRY_AFTER_S))}),
    Status(500, (OutcomeUnknown,)),
    Status(502, (OutcomeUnknown,)),
    Status(503, (OutcomeUnknown,), {"Retry-After": "1"}),
]


class Errors(ContractBase):
    """Every deed meets every failure. What `Trouble` says is done by the bench."""

    # -- statuses ------------------------------------------------------------------------------------------------------

    @where(ON_THE_WIRE)
    @pytest.mark.parametrize("status", STATUSES, ids=str)
    def test_an_error_answer_is_told_for_what_it_is(self, till: Cashier, moving: Doing, status: Status) -> None:
        for call in moving.wire(till.bench):
            request = moving.prepare(till)
            before = till.bench.books(request.reference)
            till.bench.script(Trouble(kind="status", status=status.status, headers=status.headers), call)
            error = _told_by(lambda r=request: moving.run(till.provider, r))  # type: ignore[misc]
            till.bench.calm()
            assert type(error) in status.raised or (status.status == 404 and _says_gone(error))
            if isinstance(error, Throttled):
                assert error.retry_after_s == RETRY_AFTER_S
            assert till.bench.books(request.reference) == before

    @where(ON_THE_WIRE)
    @pytest.mark.parametrize("status", [s for s in STATUSES if s.status != 404], ids=str)
    def test_a_question_that_fails_is_not_answered_with_no(self, till: Cashier, asking: Doing, status: Status) -> None:
        request = asking.prepare(till)
        till.bench.script(Trouble(kind="status", status=status.status, headers=status.headers), "*")
        with pytest.raises(ProviderError) as caught:
            asking.run(till.provider, request)
        assert isinstance(caught.value, status.raised)

    @where(ON_THE_WIRE)
    @pytest.mark.parametrize("status", [200, 201, 418, 429, 500])
    def test_a_status_without_a_body_of_the_providers_decides_nothing(
        self, till: Cashier, moving: Doing, status: int
    ) -> None:
        request = moving.prepare(till)
        call = moving.wire(till.bench)[-1]
        till.bench.script(Trouble(kind="status", status=status, body={"surprise": True}), call)
        with pytest.raises((OutcomeUnknown, Throttled) if status == 429 else OutcomeUnknown):
            moving.run(till.provider, request)

    # -- no answer -----------------------------------------------------------------------------------------------------

    @where(ON_THE_WIRE)
    @pytest.mark.parametrize(("kind", "when"), [("reset", "before"), *((kind, "after") for kind in NO_ANSWER)])
    def test_what_is_no_answer_leaves_the_outcome_unknown(
        self, till: Cashier, moving: Doing, kind: str, when: When, receiver: Receiver
    ) -> None:
        request = moving.prepare(till)
        trouble = Trouble(kind=kind, when=when, url=f"{receiver.base}/elsewhere")
        till.bench.script(trouble, moving.wire(till.bench)[-1])
        with pytest.raises(ProviderError) as caught:
            moving.run(till.provider, request)
        assert type(caught.value) is OutcomeUnknown
        assert receiver.strangers == [], "a redirection was followed"

    @where(ON_THE_WIRE)
    @pytest.mark.parametrize("kind", NO_ANSWER)
    def test_a_question_without_an_answer_stays_open(
        self, till: Cashier, asking: Doing, kind: str, receiver: Receiver
    ) -> None:
        request = asking.prepare(till)
        till.bench.script(Trouble(kind=kind, url=f"{receiver.base}/elsewhere"), "*")
        with pytest.raises(OutcomeUnknown):
            asking.run(till.provider, request)
        assert receiver.strangers == []

    @where(ON_THE_WIRE)
    def test_a_call_ends_at_its_deadline_however_slow_the_answer(
        self, till: Cashier, hasty: AnyProvider, doing: Doing
    ) -> None:
        request = doing.prepare(till)
        till.bench.script(Trouble(kind="drip", when="after"), doing.wire(till.bench)[-1])
        started = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            doing.run(hasty, request)
        assert time.monotonic() - started < till.bench.deadline_s + _SLACK_S

    @where(ON_THE_WIRE)
    def test_what_cannot_be_sent_is_told_as_not_sent(self, till: Cashier, connect: Connect, doing: Doing) -> None:
        request = doing.prepare(till)
        before = till.bench.books(request.reference)
        unreachable = connect(at_address(till.provider.account, self.provider, _closed_port()))
        with pytest.raises(NotSent):
            doing.run(unreachable, request)
        assert till.bench.books(request.reference) == before

    # -- answers that are not right ------------------------------------------------------------------------------------

    @where(ON_THE_WIRE)
    @pytest.mark.parametrize("kind", ["unknown_status", "missing_id"])
    def test_an_answer_in_words_nobody_knows_decides_nothing(self, till: Cashier, doing: Doing, kind: str) -> None:
        request = doing.prepare(till)
        till.bench.script(Trouble(kind=kind, when="after"), doing.wire(till.bench)[-1])
        answer = _told_by(lambda: doing.run(till.provider, request))
        if isinstance(answer, ProviderError):
            assert type(answer) is OutcomeUnknown
            return
        if kind == "missing_id" and doing.deed in till.bench.unsaid.get(kind, ()):
            assert _happened(answer, doing)
            return
        # Not believed, and the truth was asked for; or the answer has no such word.
        assert kind == "unknown_status", "an object without a name is believed"
        assert _happened(answer, doing)
        assert doing.waits or till.bench.books(request.reference) == doing.leaves
        till.bench.calm()
        second = doing.prepare(till)
        till.bench.script(Trouble(kind=kind, when="after"), "*")
        unsaid = doing.deed in till.bench.unsaid.get(kind, ())
        answer = _told_by(lambda: doing.run(till.provider, second))
        assert unsaid or isinstance(answer, ProviderError), "a word nobody knows is believed"

    @where(ON_THE_WIRE)
    def test_an_answer_about_something_else_decides_nothing(self, till: Cashier, about_known: Doing) -> None:
        request = about_known.prepare(till)
        till.bench.script(Trouble(kind="wrong_id", when="after"), about_known.wire(till.bench)[-1])
        if about_known.deed in till.bench.unsaid.get("wrong_id", ()):
            assert _happened(about_known.run(till.provider, request), about_known)
            return
        with pytest.raises(OutcomeUnknown):
            about_known.run(till.provider, request)

    @where(ON_THE_WIRE)
    @pytest.mark.parametrize("kind", ["wrong_amount", "wrong_currency"])
    def test_another_amount_or_currency_is_never_told_as_the_one_asked_for(
        self, till: Cashier, doing: Doing, kind: str
    ) -> None:
        request = doing.prepare(till)
        till.bench.script(Trouble(kind=kind, when="after"), doing.wire(till.bench)[-1])
        try:
            fact = told(doing.run(till.provider, request))
        except OutcomeUnknown:
            return
        if doing.deed in till.bench.unsaid.get(kind, ()):
            assert fact.amount_minor in (None, request.amount_minor)
            assert fact.currency == request.currency
        elif kind == "wrong_currency" and not _tells_no_money(fact):
            assert fact.currency != request.currency, "the answer's currency was not looked at"
        else:
            assert _says_another_amount(fact, doing, request), "the answer's amount was not looked at"

    @where(ON_THE_WIRE)
    def test_fields_of_tomorrow_do_no_harm(self, till: Cashier, doing: Doing) -> None:
        request = doing.prepare(till)
        till.bench.script(Trouble(kind="extra_fields", when="after"), "*")
        assert _happened(doing.run(till.provider, request), doing)
        assert till.bench.books(request.reference).captured == doing.leaves.captured


def _told_by(call: Callable[[], Answer]) -> ProviderError | Answer:
    try:
        return call()
    except ProviderError as error:
        return error


def _says_gone(answer: object) -> bool:
    """What was to be called off does not exist any more, or the method that was to be paid with."""
    if not isinstance(answer, PaymentResult):
        return False
    return answer.failure is not None or answer.fact.stage in (Stage.CANCELLED, Stage.EXPIRED)


def _closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _says_another_amount(fact: object, doing: Doing, request: Request) -> bool:
    if not isinstance(fact, PaymentFact):
        return getattr(fact, "amount_minor", None) != doing.leaves.refunded
    if fact.amount_minor not in (None, request.amount_minor):
        return True
    if fact.captured_minor:
        return fact.captured_minor != doing.leaves.captured
    return fact.amount_minor is None or _tells_no_money(fact)


def _tells_no_money(fact: object) -> bool:
    """That nothing will move is no statement about an amount."""
    return isinstance(fact, PaymentFact) and fact.stage in (Stage.CANCELLED, Stage.EXPIRED)


def _happened(answer: Answer, doing: Doing) -> bool:
    if isinstance(answer, PaymentResult):
        return answer.failure is None and answer.fact.captured_minor == doing.leaves.captured
    if isinstance(answer, RefundResult):
        return answer.fact.amount_minor == doing.leaves.refunded
    return answer is not None
