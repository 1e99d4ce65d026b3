"""Taking payments: every declared flow, declines, steps of the customer's, look-ups, amounts."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from django_payments_hub.domain.money import exponent
from django_payments_hub.domain.statuses import CaptureMethod, FailureCode, Flow, Mode, NextActionKind, Stage
from django_payments_hub.exceptions import OutcomeUnknown, ProviderError, Refused, Unsupported
from django_payments_hub.provider_kit.types import NextAction, PaymentFact
from django_payments_hub.testing.contract.applies import TELLS_OF_MONEY, declares, has_flow, lacks, plays, where
from django_payments_hub.testing.contract.base import Connect, ContractBase
from django_payments_hub.testing.contract.bench import Bench, Books, Means
from django_payments_hub.testing.contract.cashier import AMOUNT, Cashier

_ACTIONS = {
    Flow.CLIENT: {NextActionKind.CLIENT_SECRET},
    Flow.HOSTED: {NextActionKind.REDIRECT, NextActionKind.FORM_POST},
    Flow.DIRECT: {NextActionKind.WAIT, NextActionKind.INSTRUCTIONS},
}
_BY_DECIMALS = {
    0: ("JPY", "KRW", "CLP", "VND"),
    2: ("USD", "EUR", "GBP", "PKR"),
    3: ("KWD", "BHD", "JOD", "TND"),
}
_LAST_DIGIT_COUNTS = 12_511
_ROUND_FOR_ALL = 12_510
_NO_MONEY = (Stage.OPEN, Stage.REQUIRES_ACTION, Stage.DECLINED, Stage.FAILED)


class Payments(ContractBase):
    """A payment in each flow, told as it is at the provider."""

    # -- begin ---------------------------------------------------------------------------------------------------------

    def test_a_new_payment_is_told_as_what_was_asked_for(self, till: Cashier, flow: Flow) -> None:
        request = till.pay_request(flow)
        fact = till.provider.pay(request).fact
        assert (fact.reference, fact.currency, fact.mode) == (request.reference, request.currency, Mode.TEST)
        assert fact.amount_minor in (request.amount_minor, None)
        assert fact.provider_payment_id or fact.provider_session_id, "the payment has no name at the provider"

    def test_what_waits_for_the_customer_says_what_he_has_to_do(self, till: Cashier, waiting_flow: Flow) -> None:
        fact = till.start(waiting_flow).fact
        assert fact.stage in (Stage.OPEN, Stage.REQUIRES_ACTION)
        assert fact.captured_minor == fact.authorized_minor == 0
        assert fact.next_action is not None
        assert fact.next_action.kind in _ACTIONS[waiting_flow]
        _usable(fact.next_action)

    def test_without_a_page_there_need_be_no_way_back(self, till: Cashier, pageless_flow: Flow) -> None:
        # `payments.create` asks for PUBLIC_URL, so a hosted payment always has its addresses.
        assert till.start(pageless_flow, return_url="", cancel_url="").fact.reference

    # -- the customer pays ---------------------------------------------------------------------------------------------

    @where(TELLS_OF_MONEY)
    def test_a_paid_payment_is_captured_once_and_told_in_full(self, till: Cashier, flow: Flow) -> None:
        begun = till.start(flow).fact
        if begun.stage is not Stage.CAPTURED:
            till.bench.act(begun, Means.PAYS)
        fact = begun if begun.stage is Stage.CAPTURED else till.completed(begun)
        assert (fact.stage, fact.captured_minor, fact.capturable_minor) == (Stage.CAPTURED, AMOUNT, 0)
        assert fact.authorized_minor >= fact.captured_minor
        assert fact.provider_payment_id, "money without the name of what holds it"
        assert begun.provider_payment_id in ("", fact.provider_payment_id), "the payment has changed its name"
        assert begun.provider_session_id in ("", fact.provider_session_id), "the session has changed its name"
        assert till.bench.books(begun.reference) == Books(captured=AMOUNT)

    @where(declares("manual_capture"))
    def test_some_flow_can_capture_later(self, till: Cashier) -> None:
        assert [flow for flow in till.provider.capabilities.flows if till.takes_later(flow)]

    @where(TELLS_OF_MONEY, declares("manual_capture"))
    def test_a_payment_to_be_captured_later_is_held_or_refused(self, till: Cashier, flow: Flow) -> None:
        if not till.takes_later(flow):  # some of a provider's flows take the money at once
            with pytest.raises(Unsupported):
                till.start(flow, capture_method=CaptureMethod.MANUAL)
            return
        fact = till.held(flow)
        assert (fact.captured_minor, fact.authorized_minor, fact.capturable_minor) == (0, AMOUNT, AMOUNT)
        assert till.bench.books(fact.reference) == Books(held=AMOUNT)

    @where(TELLS_OF_MONEY)
    def test_before_the_customer_has_paid_nothing_moves(self, till: Cashier, waiting_flow: Flow) -> None:
        fact = till.waiting(waiting_flow)
        assert till.bench.books(fact.reference) == Books()
        if till.provider.capabilities.look_up:
            known = till.provider.look_up(till.look_up_request(fact))
            if known is None:  # a form that was not posted
                assert till.provider.capabilities.form_posts
                assert waiting_flow is Flow.HOSTED
                return
            assert (known.captured_minor, known.authorized_minor) == (0, 0)
            assert known.stage in _NO_MONEY

    @where(TELLS_OF_MONEY)
    def test_a_decline_is_a_result_and_moves_nothing(self, till: Cashier, flow: Flow) -> None:
        result = till.provider.pay(till.pay_request(flow, Means.DECLINED))
        fact = result.fact
        if flow is Flow.TOKEN:
            assert result.failure is not None, "a declined method is told as a success"
            assert isinstance(result.failure.code, FailureCode)
            assert fact.stage in (Stage.DECLINED, Stage.FAILED)
        else:
            till.bench.act(fact, Means.DECLINED)
            fact = till.completed(fact)
            assert fact.stage in _NO_MONEY
        assert (fact.captured_minor, fact.authorized_minor) == (0, 0)
        assert till.bench.books(fact.reference) == Books()

    @where(has_flow(Flow.TOKEN), plays(Means.INSUFFICIENT_FUNDS))
    def test_why_it_was_declined_is_said_in_our_words(self, till: Cashier) -> None:
        failure = till.provider.pay(till.pay_request(Flow.TOKEN, Means.INSUFFICIENT_FUNDS)).failure
        assert failure is not None
        assert failure.code is FailureCode.INSUFFICIENT_FUNDS

    @where(has_flow(Flow.TOKEN), plays(Means.NEEDS_CUSTOMER))
    def test_a_step_of_the_customers_comes_before_the_money(self, till: Cashier) -> None:
        fact = till.provider.pay(till.pay_request(Flow.TOKEN, Means.NEEDS_CUSTOMER)).fact
        assert fact.stage is Stage.REQUIRES_ACTION
        assert fact.next_action is not None
        assert till.bench.books(fact.reference) == Books()
        till.bench.act(fact, Means.PAYS)
        assert till.completed(fact).captured_minor == AMOUNT
        assert till.bench.books(fact.reference) == Books(captured=AMOUNT)

    @where(declares("confirms_approved"), has_flow(Flow.HOSTED))
    def test_what_was_approved_moves_when_the_hub_says_so(self, till: Cashier) -> None:
        fact = till.waiting(Flow.HOSTED)
        till.bench.act(fact, Means.PAYS)
        known = till.found(fact)
        assert known.awaits_confirm, "nobody can know that it is the hub's turn"
        assert till.bench.books(fact.reference) == Books()
        assert till.provider.confirm(till.confirm_request(known)).fact.captured_minor == AMOUNT
        assert not till.found(fact).awaits_confirm
        assert till.bench.books(fact.reference) == Books(captured=AMOUNT)

    @where(lacks("confirms_approved"), declares("look_up"), TELLS_OF_MONEY)
    def test_what_the_customer_did_needs_no_word_of_the_hub(self, till: Cashier, waiting_flow: Flow) -> None:
        fact = till.waiting(waiting_flow)
        till.bench.act(fact, Means.PAYS)
        assert not till.found(fact).awaits_confirm
        assert till.bench.books(fact.reference) == Books(captured=AMOUNT)

    # -- look-ups ------------------------------------------------------------------------------------------------------

    @where(declares("look_up"), TELLS_OF_MONEY)
    def test_a_look_up_tells_what_the_call_told(self, till: Cashier, flow: Flow) -> None:
        paid = till.paid(flow)
        found = till.found(paid)
        for name in ("stage", "currency", "mode", "reference", "provider_payment_id", "captured_minor"):
            assert getattr(found, name) == getattr(paid, name), name
        assert found.amount_minor in (AMOUNT, None)

    @where(declares("look_up"), TELLS_OF_MONEY)
    def test_a_payment_known_by_our_reference_alone_is_not_taken_for_absent(self, till: Cashier, flow: Flow) -> None:
        paid = till.paid(flow)
        request = replace(till.look_up_request(paid), provider_payment_id="", provider_session_id="")
        try:
            found = till.provider.look_up(request)
        except ProviderError:
            return  # it cannot be searched for, and says so
        if not till.bench.found_by_reference:
            assert found is None
            assert till.provider.capabilities.key_window_s, "neither our reference nor a key leads to the payment"
            return
        assert found is not None, "a payment that exists is told to be absent"
        assert (found.provider_payment_id, found.captured_minor) == (paid.provider_payment_id, AMOUNT)

    @where(declares("look_up"))
    def test_a_payment_nobody_made_is_not_found(self, till: Cashier) -> None:
        fact = till.start(till.paying_flow()).fact
        stranger = till.provider.make_reference(str(uuid.uuid4()))
        request = replace(
            till.look_up_request(fact), reference=stranger, provider_payment_id="", provider_session_id=""
        )
        with suppress(OutcomeUnknown, Refused):  # it cannot be searched for, and says so
            assert till.provider.look_up(request) is None

    # -- the way back --------------------------------------------------------------------------------------------------

    @where(has_flow(Flow.HOSTED))
    def test_a_returning_browser_names_no_other_payment(self, till: Cashier) -> None:
        fact = till.waiting(Flow.HOSTED)
        till.bench.act(fact, Means.PAYS)
        visit = till.provider.parse_return(till.bench.returned(fact))
        named = {visit.reference, visit.provider_payment_id, visit.provider_session_id} - {""}
        known = till.found(fact)
        assert named <= {known.reference, known.provider_payment_id, known.provider_session_id}
        assert visit.fact is None or visit.fact.captured_minor <= AMOUNT

    @pytest.mark.parametrize("junk", ["", "\x00", "../../admin", "' OR 1=1", "é" * 9, "x" * 5000, "{}", "pi_1\n"])
    def test_a_forged_return_names_nothing_and_breaks_nothing(self, till: Cashier, junk: str) -> None:
        visit = till.provider.parse_return(dict.fromkeys(_RETURN_KEYS, junk) | {junk: junk})
        for name in (visit.provider_payment_id, visit.provider_session_id):
            assert name.isascii()
            assert len(name) <= 255
            assert not set(name) & set("/\\ \n\x00'")
        assert visit.fact is None

    # -- amounts -------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("decimals", [0, 2, 3])
    @pytest.mark.parametrize("amount", [_ROUND_FOR_ALL, _LAST_DIGIT_COUNTS])
    @where(TELLS_OF_MONEY)
    def test_an_amount_is_the_same_on_both_sides(
        self, bench: Bench, connect: Connect, decimals: int, amount: int
    ) -> None:
        currency = currency_of(self.provider.capabilities.currencies, decimals)
        if currency is None:
            self._takes_none_of(bench, connect, decimals)
            return
        till = Cashier(connect(bench.account_for(currency)), bench)
        request = till.pay_request(till.paying_flow(), currency=currency, amount_minor=amount)
        try:
            fact = till.provider.pay(request).fact
        except Refused:
            assert amount != _ROUND_FOR_ALL, "an amount that every provider can express is refused"
            assert bench.books(request.reference) == Books()
            return
        if fact.captured_minor == 0:
            bench.act(fact, Means.PAYS)
            fact = till.completed(fact)
        books = bench.books(request.reference)
        assert (fact.captured_minor, fact.currency) == (amount, currency)
        assert (books.captured, books.currencies) == (amount, frozenset({currency}))
        self._refund_is_the_same(till, replace(fact, amount_minor=amount))

    def _refund_is_the_same(self, till: Cashier, fact: PaymentFact) -> None:
        if not (self.provider.capabilities.refund and self.provider.capabilities.partial_refund):
            return
        refund = till.provider.refund(till.refund_request(fact, 110)).fact
        assert (refund.amount_minor, refund.currency) == (110, fact.currency)
        assert till.bench.books(fact.reference).refunded in (110, 0)  # 0 while it is under way

    def _takes_none_of(self, bench: Bench, connect: Connect, decimals: int) -> None:
        provider = connect(bench.account())
        for currency in _BY_DECIMALS[decimals]:
            with pytest.raises(Unsupported):
                provider.supports(
                    flow=min(provider.capabilities.flows), currency=currency, capture_method=CaptureMethod.AUTOMATIC
                )


_RETURN_KEYS = ("payment_intent", "session_id", "token", "PayerID", "orderId", "transactionId", "reference", "id")


def _usable(action: NextAction) -> None:
    if action.kind is NextActionKind.REDIRECT:
        url = urlsplit(action.url)
        assert url.scheme in ("http", "https"), "the customer cannot be sent there"
        assert url.hostname
    if action.kind in (NextActionKind.CLIENT_SECRET, NextActionKind.INSTRUCTIONS):
        assert action.fields, f"nothing to {action.kind} with"
    assert all(isinstance(text, str) for pair in action.fields.items() for text in pair)


def currency_of(taken: frozenset[str], decimals: int) -> str | None:
    """The first currency of so many decimals that the provider takes."""
    candidates = [c for c in _BY_DECIMALS[decimals] if exponent(c) == decimals]
    return next((c for c in candidates if not taken or c in taken), None)
