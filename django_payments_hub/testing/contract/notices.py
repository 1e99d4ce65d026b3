"""Notifications: only what the provider sent is believed, and it means what really happened (F35-F46)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress

import pytest

from django_payments_hub.domain.statuses import DisputeStatus, Flow, Mode, Stage
from django_payments_hub.exceptions import InvalidSignature, MalformedNotice
from django_payments_hub.provider_kit.types import DisputeFact, Fact, LookUp, PaymentFact, RefundFact
from django_payments_hub.testing.contract import mutations
from django_payments_hub.testing.contract.applies import declares, lacks, where
from django_payments_hub.testing.contract.base import ContractBase
from django_payments_hub.testing.contract.bench import HookMissing, Notice
from django_payments_hub.testing.contract.cashier import AMOUNT, AnyProvider, Cashier

MONTH_S = 31 * 24 * 3600
HEARD = where(declares("webhooks"))


class Notices(ContractBase):
    """What arrives at the webhook of an account."""

    # -- genuine -------------------------------------------------------------------------------------------------------

    @HEARD
    def test_a_paid_payment_is_heard_of(self, till: Cashier, flow: Flow) -> None:
        paid = till.paid(flow)
        facts = heard(till.provider, till.bench.notices())
        assert about(till, facts, paid).captured_minor == AMOUNT

    @HEARD
    @where(declares("manual_capture"))
    def test_an_authorisation_its_capture_and_a_void_are_heard_of(self, till: Cashier) -> None:
        held = till.held()
        assert about(till, heard(till.provider, till.bench.notices()), held).capturable_minor == AMOUNT
        till.bench.forget_notices()
        till.provider.capture(till.capture_request(held, AMOUNT))
        assert about(till, heard(till.provider, till.bench.notices()), held).captured_minor == AMOUNT

    @HEARD
    @where(declares("manual_capture"), declares("cancel"))
    def test_a_void_is_heard_of(self, till: Cashier) -> None:
        held = till.held()
        till.bench.forget_notices()
        till.provider.cancel(till.cancel_request(held))
        fact = about(till, heard(till.provider, till.bench.notices()), held)
        assert fact.stage in (Stage.CANCELLED, Stage.EXPIRED)

    @HEARD
    @where(declares("refund"), lacks("blind_refunds"))
    def test_a_refund_of_ours_is_heard_of_as_ours(self, till: Cashier) -> None:
        paid = till.paid()
        till.bench.forget_notices()
        request = till.refund_request(paid, AMOUNT)
        made = till.provider.refund(request).fact
        facts = refunds_in(till, heard(till.provider, till.bench.notices()), paid)
        known = [fact for fact in facts if fact.provider_refund_id == made.provider_refund_id]
        assert known, "a refund is not heard of"
        assert {(fact.reference, fact.amount_minor, fact.currency) for fact in known} == {
            (request.refund_reference, AMOUNT, paid.currency)
        }

    @HEARD
    @where(declares("partial_refund"), lacks("blind_refunds"))
    def test_a_refund_made_at_the_provider_is_heard_of_as_not_ours(self, till: Cashier) -> None:
        paid = till.paid()
        till.bench.forget_notices()
        till.bench.dashboard_refund(paid, 300)
        facts = refunds_in(till, heard(till.provider, till.bench.notices()), paid)
        assert {(fact.reference, fact.amount_minor) for fact in facts} == {("", 300)}
        assert all({fact.payment_reference, fact.provider_payment_id} & names(paid) for fact in facts)

    @HEARD
    @where(declares("blind_refunds"))
    def test_a_refund_of_the_whole_made_at_the_provider_shows_in_the_payment(self, till: Cashier) -> None:
        paid = till.paid()
        till.bench.dashboard_refund(paid, AMOUNT)
        found = till.found(paid)
        assert [(fact.reference, fact.amount_minor) for fact in found.refunds] == [("", AMOUNT)]
        assert found.captured_minor == AMOUNT

    @HEARD
    @where(declares("disputes"))
    @pytest.mark.parametrize(
        ("status", "told"), [("won", DisputeStatus.WON), ("lost", DisputeStatus.LOST)], ids=["won", "lost"]
    )
    def test_a_dispute_is_heard_of_until_it_is_decided(self, till: Cashier, status: str, told: DisputeStatus) -> None:
        paid = till.paid()
        till.bench.forget_notices()
        till.bench.dispute(paid, "needs_response")
        till.bench.dispute(paid, "won" if status == "won" else "lost")
        facts = [fact for fact in heard(till.provider, till.bench.notices()) if isinstance(fact, DisputeFact)]
        assert len({fact.provider_dispute_id for fact in facts}) == 1
        assert {fact.amount_minor for fact in facts} == {AMOUNT}
        assert all({fact.payment_reference, fact.provider_payment_id} & names(paid) for fact in facts)
        assert DisputeStatus.NEEDS_RESPONSE in {fact.status for fact in facts}
        assert facts[-1].status is told

    @HEARD
    @where(lacks("disputes"))
    def test_an_undeclared_dispute_is_not_heard_of(self, till: Cashier) -> None:
        paid = till.paid()
        if self.provider.capabilities.refund:
            till.provider.refund(till.refund_request(till.paid(), AMOUNT))
        with suppress(HookMissing):  # a sandbox without disputes has none to tell of
            till.bench.dispute(paid, "needs_response")
        heard(till.provider, till.bench.notices())

    # -- the same again ------------------------------------------------------------------------------------------------

    @HEARD
    def test_a_notice_sent_again_is_filed_under_the_same_name(self, till: Cashier) -> None:
        till.paid()
        notices = till.bench.notices()
        first = [till.provider.identify_notice(mutations.parsed(notice), notice.body) for notice in notices]
        again = [till.provider.identify_notice(mutations.parsed(notice), notice.body) for notice in notices]
        assert first == again
        assert len({notice.event_id for notice in first}) == len(notices), "two notices have one name"
        assert all(notice.event_id and notice.event_type for notice in first)
        assert {notice.mode for notice in first} <= {None, Mode.TEST}

    @HEARD
    def test_a_notice_read_twice_says_the_same(self, till: Cashier) -> None:
        till.paid()
        for notice in till.bench.notices():
            payload = mutations.parsed(notice)
            assert till.provider.parse_webhook(payload) == till.provider.parse_webhook(payload)

    # -- what nobody knows yet -----------------------------------------------------------------------------------------

    @HEARD
    def test_a_status_nobody_knows_decides_nothing(self, till: Cashier) -> None:
        decided = 0
        till.paid()
        for payload in map(mutations.parsed, till.bench.notices()):
            if _only_asks(till.provider.parse_webhook(payload)):
                continue
            decided += 1
            try:
                facts = till.provider.parse_webhook(mutations.with_unknown_status(payload))
            except MalformedNotice:
                continue
            assert facts, "a notice that matters is dropped because of one word"
            assert _only_asks(facts), "money is told by a status that nobody knows"
        if not decided:
            assert self.provider.capabilities.look_up, "notices only ask, and there is no look-up"

    @HEARD
    def test_fields_nobody_knows_change_nothing(self, till: Cashier) -> None:
        till.paid()
        for payload in map(mutations.parsed, till.bench.notices()):
            extended = mutations.with_extra_fields(payload)
            assert till.provider.parse_webhook(extended) == till.provider.parse_webhook(payload)

    @HEARD
    def test_a_type_nobody_knows_tells_nothing(self, till: Cashier) -> None:
        notice = one_notice(till)
        payload = mutations.parsed(notice)
        event_type = till.provider.identify_notice(payload, notice.body).event_type
        assert _only_asks(till.provider.parse_webhook(mutations.with_unknown_type(payload, event_type)))

    @HEARD
    def test_a_value_of_the_wrong_kind_is_malformed_and_nothing_else(self, till: Cashier) -> None:
        till.paid()
        if self.provider.capabilities.refund:
            till.provider.refund(till.refund_request(till.paid(), AMOUNT))
        seen: set[str] = set()
        for notice in till.bench.notices():
            payload = mutations.parsed(notice)
            event_type = till.provider.identify_notice(payload, notice.body).event_type
            if event_type in seen:
                continue
            seen.add(event_type)
            for what, spoiled in mutations.spoiled(payload):
                _read_or_malformed(till.provider, event_type, what, spoiled)

    @HEARD
    @pytest.mark.parametrize("payload", [{}, {"id": 5}, {"type": None}, {"id": "", "type": []}, {"data": "x"}], ids=str)
    def test_a_payload_that_is_none_of_the_providers_is_named_and_read(
        self, till: Cashier, payload: Mapping[str, object]
    ) -> None:
        named = till.provider.identify_notice(payload, b"{}")
        assert isinstance(named.event_id, str)
        assert named.event_id
        _read_or_malformed(till.provider, "none", "payload", payload)


# ----------------------------------------------------------------------------------------------------------------------


def one_notice(till: Cashier) -> Notice:
    """A genuine notice: the last one of a payment that was paid."""
    till.paid()
    notices = till.bench.notices()
    assert notices, "a paid payment is not heard of"
    return notices[-1]


def believed(provider: AnyProvider, notice: Notice, *, now: float | None = None) -> None:
    """Fails unless the provider takes the notice for genuine."""
    provider.verify_webhook(notice.body, notice.headers, now=time.time() if now is None else now)


def refused(provider: AnyProvider, notice: Notice, *, now: float | None = None) -> None:
    """Fails unless the provider refuses the notice as unproven; nothing else may happen, whatever it holds."""
    with pytest.raises(InvalidSignature):
        provider.verify_webhook(notice.body, notice.headers, now=time.time() if now is None else now)


def heard(provider: AnyProvider, notices: Iterable[Notice]) -> list[Fact]:
    """Every fact of the notices, each of which has to be believed."""
    facts: list[Fact] = []
    for notice in notices:
        believed(provider, notice)
        facts += provider.parse_webhook(mutations.parsed(notice))
    disputed = [fact for fact in facts if isinstance(fact, DisputeFact)]
    assert provider.capabilities.disputes or not disputed, "disputes are told and not declared"
    return facts


def about(till: Cashier, facts: list[Fact], payment: PaymentFact) -> PaymentFact:
    """What the facts tell of the payment in the end; looked up where a notice only says that it should be."""
    told = [fact for fact in facts if isinstance(fact, PaymentFact) and names(fact) & names(payment)]
    asked = [fact for fact in facts if isinstance(fact, LookUp) and names(fact) & names(payment)]
    assert told or asked, "the payment is not heard of"
    assert {fact.mode for fact in told} <= {Mode.TEST}
    assert {fact.currency for fact in told} <= {payment.currency}
    if asked:
        told.append(till.found(payment))
    return max(told, key=lambda fact: (fact.captured_minor, fact.authorized_minor, fact.stage is Stage.CANCELLED))


def refunds_in(till: Cashier, facts: list[Fact], payment: PaymentFact) -> list[RefundFact]:
    """The refunds that the facts tell of, alone or with their payment."""
    found = [fact for fact in facts if isinstance(fact, RefundFact)]
    payments = [fact for fact in facts if isinstance(fact, PaymentFact)]
    if any(isinstance(fact, LookUp) for fact in facts):
        payments.append(till.found(payment))
    return found + [refund for fact in payments for refund in fact.refunds]


def names(fact: PaymentFact | LookUp) -> set[str]:
    """What a payment is known by."""
    return {fact.reference, fact.provider_payment_id, fact.provider_session_id} - {""}


def _only_asks(facts: Iterable[Fact]) -> bool:
    return all(isinstance(fact, LookUp) for fact in facts)


def _read_or_malformed(provider: AnyProvider, event_type: str, what: str, payload: Mapping[str, object]) -> None:
    try:
        provider.parse_webhook(payload)
    except MalformedNotice:
        return
    except Exception as error:
        raise AssertionError(f"{event_type} with {what} raises {type(error).__name__}: {error}") from error
