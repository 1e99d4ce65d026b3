"""Customers and saved methods: kept once, for one customer, paid with again, and let go."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import pytest

from django_payments_hub.domain.statuses import Flow
from django_payments_hub.exceptions import Misconfigured, NotSent, OutcomeUnknown, ProviderError, Refused, Throttled
from django_payments_hub.provider_kit.method_types import (
    CustomerRequest,
    DetachMethodRequest,
    FinishMethodRequest,
    MethodResult,
    SaveMethodRequest,
)
from django_payments_hub.provider_kit.types import MethodFact, Payer, PaymentFact
from django_payments_hub.testing.contract.applies import ON_THE_WIRE, Condition, declares, has_flow, where
from django_payments_hub.testing.contract.base import Connect, ContractBase, at_address
from django_payments_hub.testing.contract.bench import Books, Deed, Means, Trouble, When
from django_payments_hub.testing.contract.cashier import AMOUNT, CANCEL_URL, RETURN_URL, Cashier, let_go
from django_payments_hub.testing.contract.moves import BAD_IDS

AnswerT = TypeVar("AnswerT")
KEEPS = declares("saved_methods")
KEEPS_TOKENS = Condition("keeps a method by its token", lambda it: Flow.TOKEN in it.provider.capabilities.setup_flows)
ERRORS: list[tuple[int, type[ProviderError]]] = [
    (401, Misconfigured),
    (429, Throttled),
    (500, OutcomeUnknown),
    (503, OutcomeUnknown),
]


@dataclass(frozen=True)
class Keeper:
    """One user's customer at the provider."""

    till: Cashier
    customer: str

    def save_request(self, flow: Flow, means: Means = Means.PAYS) -> SaveMethodRequest:
        """Keep a method for the customer, given in this flow."""
        return SaveMethodRequest(
            idempotency_key=str(uuid.uuid4()),
            reference=str(uuid.uuid4()),
            customer_token=self.customer,
            method_token=self.till.bench.setup_token(means) if flow is Flow.TOKEN else "",
            return_url=RETURN_URL,
            cancel_url=CANCEL_URL,
        )

    def kept(self, flow: Flow) -> tuple[MethodFact, str]:
        """A method that is kept, and the customer it is kept for."""
        request = self.save_request(flow)
        return self.finished(request, self.till.provider.save_method(request))

    def finished(self, request: SaveMethodRequest, begun: MethodResult) -> tuple[MethodFact, str]:
        """What is kept after the customer's part in a saving that was begun."""
        result = begun
        if begun.method is None:
            assert begun.next_action is not None, f"neither kept nor anything to do: {begun}"
            self.till.bench.complete_setup(begun, Means.PAYS)
            result = self.till.provider.finish_method(
                FinishMethodRequest(
                    idempotency_key=request.idempotency_key,
                    reference=request.reference,
                    provider_setup_id=begun.provider_setup_id,
                    customer_token=self.customer,
                )
            )
        assert result.method is not None, f"the customer has done his part, and nothing is kept: {result}"
        return result.method, result.method.provider_customer_id or result.provider_customer_id or self.customer

    def pay(self, method: MethodFact, customer: str, *, saved: bool = True) -> PaymentFact | None:
        """The payment with a kept method; None when it is refused or declined. `saved`: the hub knows it for his."""
        request = self.till.pay_request(
            Flow.TOKEN, method_token=method.provider_method_id, customer_token=customer, saved=saved
        )
        try:
            result = self.till.provider.pay(request)
        except Refused:
            result = None
        if result is None or result.failure is not None:
            assert self.till.bench.books(request.reference) == Books()
            return None
        return result.fact


class Methods(ContractBase):
    """What is kept of a customer's at the provider."""

    @pytest.fixture
    def keeper(self, till: Cashier) -> Keeper:
        """The customer Ann."""
        return Keeper(till, till.provider.create_customer(customer_request("ann")))

    # -- customers -----------------------------------------------------------------------------------------------------

    @where(KEEPS)
    def test_a_customer_is_made_once_however_often_it_is_asked_for(self, till: Cashier) -> None:
        request = customer_request("ann")
        made = {till.provider.create_customer(asked) for asked in (request, request, replace(request, recovering=True))}
        assert len(made) == 1
        other = till.provider.create_customer(customer_request("bob"))
        assert other == "" or {other} != made, "two users are one customer"

    @where(KEEPS, ON_THE_WIRE)
    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_customer_whose_answer_is_lost_is_made_once(self, till: Cashier, when: When) -> None:
        request = customer_request("ann")
        for call in till.bench.calls_of.get(Deed.CREATE_CUSTOMER, ()):
            till.bench.script(Trouble(kind="reset", when=when), call)
            with pytest.raises(OutcomeUnknown):
                till.provider.create_customer(request)
            till.bench.calm()
        doubted = replace(request, recovering=True)
        made = {let_go(lambda: till.provider.create_customer(doubted)) for _ in range(2)}
        assert len(made) == 1

    # -- saving --------------------------------------------------------------------------------------------------------

    @where(KEEPS)
    def test_a_method_is_kept_and_listed_for_its_customer_alone(self, keeper: Keeper, setup_flow: Flow) -> None:
        method, customer = keeper.kept(setup_flow)
        assert method.reusable, "a method that was kept is not said to be reusable"
        assert method.provider_method_id
        assert customer
        listed = keeper.till.provider.list_methods(customer)
        assert [fact.provider_method_id for fact in listed] == [method.provider_method_id]
        assert all(fact.reusable for fact in listed)
        other = keeper.till.provider.create_customer(customer_request("bob"))
        assert not other or keeper.till.provider.list_methods(other) == ()

    @where(KEEPS)
    def test_nothing_of_a_kept_method_is_a_number(self, keeper: Keeper, setup_flow: Flow) -> None:
        method, _ = keeper.kept(setup_flow)
        assert len(method.last4) in (0, 4)
        digits = "".join(filter(str.isdigit, repr(method).replace(method.provider_method_id, "")))
        assert len(digits) < 40
        assert method.expiry_month is None or 1 <= method.expiry_month <= 12
        assert method.expiry_year is None or method.expiry_year >= 2024

    @where(KEEPS, KEEPS_TOKENS)
    def test_a_method_that_is_declined_is_not_kept(self, keeper: Keeper) -> None:
        result = keeper.till.provider.save_method(keeper.save_request(Flow.TOKEN, Means.DECLINED))
        assert result.failure is not None
        assert result.method is None
        assert not keeper.customer or keeper.till.provider.list_methods(keeper.customer) == ()

    @where(KEEPS, KEEPS_TOKENS, ON_THE_WIRE)
    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_saving_whose_answer_is_lost_keeps_one_method(self, keeper: Keeper, when: When) -> None:
        provider, bench = keeper.till.provider, keeper.till.bench
        request = keeper.save_request(Flow.TOKEN)
        bench.script(Trouble(kind="reset", when=when), _last(keeper.till, Deed.SAVE_METHOD))
        with pytest.raises(OutcomeUnknown):
            provider.save_method(request)
        bench.calm()
        method, customer = keeper.finished(
            request, let_go(lambda: provider.save_method(replace(request, recovering=True)))
        )
        assert [fact.provider_method_id for fact in provider.list_methods(customer)] == [method.provider_method_id]

    # -- paying --------------------------------------------------------------------------------------------------------

    @where(KEEPS, has_flow(Flow.TOKEN))
    def test_a_kept_method_can_be_paid_with_again_and_again(self, keeper: Keeper, setup_flow: Flow) -> None:
        method, customer = keeper.kept(setup_flow)
        for _ in range(2):
            fact = keeper.pay(method, customer)
            assert fact is not None
            assert fact.captured_minor == AMOUNT
            assert keeper.till.bench.books(fact.reference) == Books(captured=AMOUNT)

    @where(KEEPS, has_flow(Flow.TOKEN))
    def test_a_method_of_another_customer_is_not_paid_with(self, keeper: Keeper, setup_flow: Flow) -> None:
        anns, ann = keeper.kept(setup_flow)
        bobs_keeper = Keeper(keeper.till, keeper.till.provider.create_customer(customer_request("bob")))
        _, bob = bobs_keeper.kept(setup_flow)
        assert ann != bob
        assert keeper.pay(anns, bob, saved=False) is None, "Bob pays with Ann's card"

    @where(KEEPS, KEEPS_TOKENS)
    def test_a_method_of_another_customer_is_not_kept(self, keeper: Keeper) -> None:
        anns, _ = keeper.kept(Flow.TOKEN)
        bob = Keeper(keeper.till, keeper.till.provider.create_customer(customer_request("bob")))
        request = replace(bob.save_request(Flow.TOKEN), method_token=anns.provider_method_id)
        result = _unless_refused(lambda: keeper.till.provider.save_method(request))
        assert result is None or (result.failure is not None and result.method is None)
        assert keeper.till.provider.list_methods(bob.customer) == ()

    # -- letting go ----------------------------------------------------------------------------------------------------

    @where(KEEPS)
    def test_a_method_let_go_is_gone_and_may_be_let_go_again(self, keeper: Keeper, setup_flow: Flow) -> None:
        method, customer = keeper.kept(setup_flow)
        request = detach_request(method, customer)
        keeper.till.provider.detach_method(request)
        assert keeper.till.provider.list_methods(customer) == ()
        keeper.till.provider.detach_method(request)
        keeper.till.provider.detach_method(detach_request(method, customer))
        if Flow.TOKEN in self.provider.capabilities.flows:
            assert keeper.pay(method, customer) is None, "a method that was let go is paid with"

    @where(KEEPS, ON_THE_WIRE)
    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_letting_go_whose_answer_is_lost_can_be_repeated(
        self, keeper: Keeper, setup_flow: Flow, when: When
    ) -> None:
        provider, bench = keeper.till.provider, keeper.till.bench
        method, customer = keeper.kept(setup_flow)
        request = detach_request(method, customer)
        bench.script(Trouble(kind="reset", when=when), _last(keeper.till, Deed.DETACH))
        with pytest.raises(OutcomeUnknown):
            provider.detach_method(request)
        bench.calm()
        let_go(lambda: provider.detach_method(request))
        assert provider.list_methods(customer) == ()

    # -- errors --------------------------------------------------------------------------------------------------------

    @where(KEEPS, ON_THE_WIRE)
    @pytest.mark.parametrize(("status", "raised"), ERRORS, ids=[str(status) for status, _ in ERRORS])
    def test_an_error_answer_about_methods_is_told_for_what_it_is(
        self, keeper: Keeper, setup_flow: Flow, status: int, raised: type[ProviderError]
    ) -> None:
        provider, bench = keeper.till.provider, keeper.till.bench
        method, customer = keeper.kept(setup_flow)
        bench.script(Trouble(kind="status", status=status, headers={"Retry-After": "7"}), "*")
        save = keeper.save_request(setup_flow)
        for ask in (
            lambda: provider.save_method(save),
            lambda: provider.list_methods(customer),
            lambda: provider.detach_method(detach_request(method, customer)),
        ):
            with pytest.raises(ProviderError) as caught:
                ask()
            assert type(caught.value) is raised
        bench.calm()
        assert [fact.provider_method_id for fact in provider.list_methods(customer)] == [method.provider_method_id]

    @where(KEEPS, ON_THE_WIRE)
    def test_what_cannot_be_asked_about_methods_is_not_sent(
        self, keeper: Keeper, setup_flow: Flow, connect: Connect
    ) -> None:
        method, customer = keeper.kept(setup_flow)
        nowhere = at_address(keeper.till.provider.account, self.provider, "http://127.0.0.1:9")
        unreachable = connect(nowhere)
        for ask in (
            lambda: unreachable.list_methods(customer),
            lambda: unreachable.detach_method(detach_request(method, customer)),
        ):
            with pytest.raises(NotSent):
                ask()

    @where(KEEPS, ON_THE_WIRE)
    def test_a_made_up_name_of_a_method_never_enters_a_path(self, keeper: Keeper) -> None:
        before = keeper.till.bench.calls()
        for bad in BAD_IDS:
            with pytest.raises(ProviderError):
                keeper.till.provider.list_methods(bad)
            with pytest.raises(ProviderError):
                keeper.till.provider.detach_method(
                    DetachMethodRequest(idempotency_key="key", provider_method_id=bad, customer_token=keeper.customer)
                )
        assert keeper.till.bench.calls() == before


def customer_request(name: str) -> CustomerRequest:
    """Make this user a customer."""
    payer = Payer(name=name.title(), email=f"{name}@shop.example")
    return CustomerRequest(idempotency_key=str(uuid.uuid4()), reference=str(uuid.uuid4()), payer=payer)


def detach_request(method: MethodFact, customer: str) -> DetachMethodRequest:
    """Let this method go."""
    return DetachMethodRequest(
        idempotency_key=str(uuid.uuid4()), provider_method_id=method.provider_method_id, customer_token=customer
    )


def _last(till: Cashier, deed: Deed) -> str:
    calls = till.bench.calls_of.get(deed, ())
    return calls[-1] if calls else till.bench.missing(f"calls_of[{deed}]")


def _unless_refused(ask: Callable[[], AnswerT]) -> AnswerT | None:
    try:
        return ask()
    except Refused:
        return None
