"""Savings of a method whose answer was lost, or that follow a payment: found by our reference, or not at all."""

from __future__ import annotations

import uuid
from dataclasses import replace

from django_payments_hub.domain.statuses import Flow
from django_payments_hub.provider_kit.method_types import FinishMethodRequest, MethodResult
from django_payments_hub.testing.contract.applies import declares, has_flow, lacks, where
from django_payments_hub.testing.contract.base import ContractBase
from django_payments_hub.testing.contract.methods import KEEPS, KEEPS_TOKENS, Keeper


class Savings(ContractBase):
    """How a saving is told from another. For a contract that has `Methods` as well, whose keeper it needs."""

    @where(declares("finds_savings"), KEEPS_TOKENS)
    def test_a_saving_is_found_by_our_reference_alone(self, keeper: Keeper) -> None:
        request = keeper.save_request(Flow.TOKEN)
        asked = _by_reference(keeper, request.reference)
        assert keeper.till.provider.finish_method(replace(asked, customer_token="")) == MethodResult()
        keeper.kept(Flow.TOKEN)  # another one
        assert keeper.till.provider.finish_method(asked).method is None, "another saving's method"
        method, _ = keeper.finished(request, keeper.till.provider.save_method(request))
        assert keeper.till.provider.finish_method(asked).method == method

    @where(KEEPS, KEEPS_TOKENS, has_flow(Flow.TOKEN))
    def test_the_method_paid_with_is_kept_with_the_payment_or_by_a_call_that_names_it(self, keeper: Keeper) -> None:
        provider = keeper.till.provider
        fact = provider.pay(keeper.till.pay_request(Flow.TOKEN, customer_token=keeper.customer, save_method=True)).fact
        method = fact.method
        assert method is not None
        if method.keepable:
            assert not method.reusable, "kept, and to be kept"
            assert provider.list_methods(keeper.customer) == ()
            paid = replace(keeper.save_request(Flow.TOKEN), method_token="", payment_token=fact.provider_payment_id)
            method = provider.save_method(paid).method
        assert method is not None
        assert method.reusable, "the customer asked for it, and it is not kept"
        listed = [kept.provider_method_id for kept in provider.list_methods(keeper.customer)]
        assert listed == [method.provider_method_id]

    @where(KEEPS, lacks("finds_savings"))
    def test_a_saving_that_cannot_be_found_is_not_guessed(self, keeper: Keeper, setup_flow: Flow) -> None:
        _, customer = keeper.kept(setup_flow)
        asked = replace(_by_reference(keeper, str(uuid.uuid4())), customer_token=customer)
        assert keeper.till.provider.finish_method(asked) == MethodResult(), "another saving's method"


def _by_reference(keeper: Keeper, reference: str) -> FinishMethodRequest:
    return FinishMethodRequest(
        idempotency_key=str(uuid.uuid4()),
        reference=reference,
        provider_setup_id="",
        customer_token=keeper.customer,
    )
