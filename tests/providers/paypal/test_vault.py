"""PayPal accounts kept in the vault."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest

from django_payments_hub.domain.statuses import FailureCode, MethodKind
from django_payments_hub.exceptions import OutcomeUnknown, Refused, Unsupported
from django_payments_hub.provider_kit.method_types import (
    CustomerRequest,
    DetachMethodRequest,
    FinishMethodRequest,
    MethodResult,
    SaveMethodRequest,
)
from tests.providers.paypal.harness import CANCEL_URL, RETURN_URL, look_up_request


def save_request(**changes: Any) -> SaveMethodRequest:
    request = SaveMethodRequest(
        idempotency_key=str(uuid.uuid4()), reference=str(uuid.uuid4()), return_url=RETURN_URL, cancel_url=CANCEL_URL
    )
    return replace(request, **changes)


def finish_request(begun: MethodResult, **changes: Any) -> FinishMethodRequest:
    request = FinishMethodRequest(
        idempotency_key=str(uuid.uuid4()),
        reference=str(uuid.uuid4()),
        provider_setup_id=begun.provider_setup_id,
        customer_token=begun.provider_customer_id,
    )
    return replace(request, **changes)


def detach_request(method, **changes: Any) -> DetachMethodRequest:
    request = DetachMethodRequest(
        idempotency_key=str(uuid.uuid4()),
        provider_method_id=method.provider_method_id,
        customer_token=method.provider_customer_id,
    )
    return replace(request, **changes)


def saved(bench, **changes: Any):
    begun = bench.provider.save_method(save_request(**changes))
    bench.sandbox.complete_setup(begun.provider_setup_id)
    return bench.provider.finish_method(finish_request(begun))


def test_paypal_makes_the_customer_while_saving(paypal, sandbox):
    assert paypal.create_customer(CustomerRequest(idempotency_key="k", reference="r")) == ""
    assert not sandbox.calls()


def test_a_method_is_saved_on_paypals_page(bench):
    request = save_request()
    begun = bench.provider.save_method(request)
    assert begun.next_action.url
    assert begun.provider_setup_id
    assert bench.provider.save_method(replace(request, recovering=True)).provider_setup_id == begun.provider_setup_id
    waiting = bench.provider.finish_method(finish_request(begun))
    assert (waiting.method, waiting.next_action.url) == (None, begun.next_action.url)
    bench.sandbox.complete_setup(begun.provider_setup_id)
    result = bench.provider.finish_method(finish_request(begun))
    assert (result.method.kind, result.method.reusable) == (MethodKind.WALLET, True)
    assert result.method.fingerprint
    assert result.provider_customer_id == result.method.provider_customer_id != ""
    assert bench.provider.list_methods(result.provider_customer_id) == (result.method,)


def test_finishing_twice_keeps_one_method(bench):
    begun = bench.provider.save_method(save_request())
    bench.sandbox.complete_setup(begun.provider_setup_id)
    request = finish_request(begun)
    first = bench.provider.finish_method(request)
    assert bench.provider.finish_method(request) == first
    other_key = bench.provider.finish_method(finish_request(begun, customer_token=first.provider_customer_id))
    assert other_key.method == first.method
    assert len(bench.provider.list_methods(first.provider_customer_id)) == 1


def test_which_of_several_methods_an_old_exchange_made_is_not_guessed(bench):
    first = saved(bench)
    begun = bench.provider.save_method(save_request(customer_token=first.provider_customer_id))
    bench.sandbox.complete_setup(begun.provider_setup_id)
    request = finish_request(begun, customer_token=first.provider_customer_id)
    bench.provider.finish_method(request)
    with pytest.raises(OutcomeUnknown) as caught:  # under a key that PayPal has forgotten
        bench.provider.finish_method(replace(request, idempotency_key=str(uuid.uuid4())))
    assert caught.value.code == "look_up_incomplete"


def test_a_second_method_belongs_to_the_same_customer(bench):
    first = saved(bench)
    second = saved(bench, customer_token=first.provider_customer_id)
    assert second.provider_customer_id == first.provider_customer_id


def test_a_method_is_saved_with_a_payment_where_the_customer_asked_for_it(bench):
    paid = bench.paid(save_method=True)
    assert paid.method.reusable
    assert bench.provider.list_methods(paid.method.provider_customer_id)[0].provider_method_id == (
        paid.method.provider_method_id
    )
    assert not bench.paid().method.reusable


def test_a_method_that_is_saved_a_moment_later_is_seen_by_a_look_up(bench):
    paid = bench.paid("vaults_later", save_method=True)
    assert not paid.method.reusable
    assert bench.provider.look_up(look_up_request(paid)).method.kind is MethodKind.WALLET


@pytest.mark.parametrize("totals", [{"total_items": 10, "total_pages": 2}, {}], ids=["counted", "not counted"])
def test_every_page_of_a_customers_methods_is_read(paypal, sandbox, totals):
    def page(number: int) -> dict[str, Any]:
        tokens = [
            {"id": f"token{number}{i}", "customer": {"id": "C1"}, "payment_source": {"paypal": {}}} for i in range(5)
        ]
        return {"customer": {"id": "C1"}, "payment_tokens": tokens, **totals}

    operation = "payment_tokens.list"
    sandbox.fault("status", operation=operation, status=200, body=page(1))
    sandbox.fault("status", operation=operation, status=200, body=page(2), nth=2)
    assert len({m.provider_method_id for m in paypal.list_methods("C1")}) == 10


def test_a_list_without_an_end_is_given_up(paypal, sandbox):
    body = {"payment_tokens": [], "total_pages": 10**6}
    sandbox.fault("status", operation="payment_tokens.list", status=200, body=body, times=99)
    with pytest.raises(OutcomeUnknown) as caught:
        paypal.list_methods("C1")
    assert caught.value.code == "look_up_incomplete"


def test_a_customer_that_paypal_does_not_know_has_no_methods(paypal, sandbox):
    gone = {"name": "RESOURCE_NOT_FOUND"}
    sandbox.fault("status", operation="payment_tokens.list", status=404, body=gone)
    assert paypal.list_methods("C1") == ()


def test_a_method_is_let_go_once(bench):
    method = saved(bench).method
    for _ in range(2):
        bench.provider.detach_method(detach_request(method))
    assert bench.provider.list_methods(method.provider_customer_id) == ()
    assert len(bench.sandbox.calls("payment_tokens.delete")) == 1


def test_another_customers_method_is_not_let_go(bench):
    method = saved(bench).method
    with pytest.raises(Refused) as caught:
        bench.provider.detach_method(detach_request(method, customer_token="another"))
    assert caught.value.code == "foreign_method"
    assert bench.provider.list_methods(method.provider_customer_id)


def test_a_saving_that_lapsed_is_a_failure(bench):
    begun = bench.provider.save_method(save_request())
    bench.sandbox.reset()
    result = bench.provider.finish_method(finish_request(begun))
    assert result.failure.code is FailureCode.EXPIRED


def test_an_unknown_state_of_a_setup_token_is_a_failure(bench, sandbox):
    begun = bench.provider.save_method(save_request())
    body = {"id": begun.provider_setup_id, "status": "DENIED"}
    sandbox.fault("status", operation="setup_tokens.get", status=200, body=body)
    assert bench.provider.finish_method(finish_request(begun)).failure is not None


def test_saving_needs_addresses_and_no_token(paypal, sandbox):
    with pytest.raises(Refused):
        paypal.save_method(save_request(return_url=""))
    with pytest.raises(Unsupported):
        paypal.save_method(save_request(method_token="x"))
    assert not sandbox.calls()


@pytest.mark.parametrize("kind", ["reset", "garbage", "status", "missing_id"])
def test_a_lost_answer_to_the_exchange_keeps_one_method(bench, kind):
    begun = bench.provider.save_method(save_request())
    bench.sandbox.complete_setup(begun.provider_setup_id)
    request = finish_request(begun)
    bench.sandbox.fault(kind, operation="payment_tokens.create", when="after")
    with pytest.raises(OutcomeUnknown):
        bench.provider.finish_method(request)
    bench.sandbox.clear_faults()
    result = bench.provider.finish_method(request)
    assert len(bench.provider.list_methods(result.provider_customer_id)) == 1
