"""Customers and cards on file."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from django_payments_hub.domain.statuses import FailureCode, MethodKind, Stage
from django_payments_hub.exceptions import OutcomeUnknown, Refused
from django_payments_hub.provider_kit.method_types import (
    CustomerRequest,
    DetachMethodRequest,
    FinishMethodRequest,
    SaveMethodRequest,
)
from django_payments_hub.provider_kit.types import Payer
from tests.providers.square.harness import OK, hold_request, pay_request

EMAIL = Payer(name="Aisha Khan", email="aisha@shop.example")


def new_id() -> str:
    return str(uuid.uuid4())


def customer_request(**changes) -> CustomerRequest:
    return replace(CustomerRequest(idempotency_key=new_id(), reference=new_id(), payer=EMAIL), **changes)


def save_request(customer: str, token: str = OK, **changes) -> SaveMethodRequest:
    made = SaveMethodRequest(idempotency_key=new_id(), reference=new_id(), customer_token=customer, method_token=token)
    return replace(made, **changes)


def detach_request(method: str) -> DetachMethodRequest:
    return DetachMethodRequest(idempotency_key=new_id(), provider_method_id=method)


@pytest.fixture
def customer(square):
    return square.create_customer(customer_request())


def test_a_customer_is_made_with_our_reference(square, wire):
    request = customer_request()
    made = wire("GET", f"/v2/customers/{square.create_customer(request)}")["customer"]
    assert (made["reference_id"], made["given_name"]) == (request.reference, "Aisha Khan")
    assert made["email_address"] == "aisha@shop.example"


def test_a_customer_without_a_name_is_named_by_the_reference(square, wire):
    request = customer_request(payer=Payer())
    made = wire("GET", f"/v2/customers/{square.create_customer(request)}")["customer"]
    assert made["given_name"] == f"Customer {request.reference}"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_makes_no_second_customer(square, sandbox, wire, when):
    request = customer_request()
    sandbox.fault("reset", operation="customers.create", when=when)
    with pytest.raises(OutcomeUnknown):
        square.create_customer(request)
    made = square.create_customer(replace(request, recovering=True))
    assert square.create_customer(replace(request, recovering=True)) == made
    assert [one["id"] for one in wire("GET", "/v2/customers")["customers"]] == [made]


def test_a_card_is_kept_and_paid_with(square, customer, nonce):
    saved = square.save_method(save_request(customer, nonce()))
    method = saved.method
    assert (method.kind, method.brand, method.last4) == (MethodKind.CREDIT_CARD, "visa", "1111")
    assert (method.provider_customer_id, method.reusable, saved.failure) == (customer, True, None)
    assert method.fingerprint
    assert method.expiry_year
    assert square.list_methods(customer) == (method,)
    request = pay_request(method.provider_method_id, customer_token=customer, saved=True, off_session=True)
    fact = square.pay(request).fact
    assert (fact.stage, fact.method.provider_method_id) == (Stage.CAPTURED, method.provider_method_id)


def test_a_card_that_is_refused_is_a_failure(square, customer, nonce):
    saved = square.save_method(save_request(customer, nonce(decline="GENERIC_DECLINE")))
    assert (saved.method, saved.failure.code) == (None, FailureCode.METHOD_NOT_USABLE)
    assert square.list_methods(customer) == ()


def test_a_token_is_kept_once(square, customer, nonce):
    token = nonce()
    square.save_method(save_request(customer, token))
    assert square.save_method(save_request(customer, token)).failure.code is FailureCode.METHOD_NOT_USABLE


def test_a_lost_answer_keeps_no_second_card(square, sandbox, customer, nonce):
    request = save_request(customer, nonce())
    sandbox.fault("reset", operation="cards.create", when="after")
    with pytest.raises(OutcomeUnknown):
        square.save_method(request)
    again = square.save_method(replace(request, recovering=True))
    assert square.list_methods(customer) == (again.method,)


def test_a_saving_that_is_finished_later_finds_its_card(square, customer, nonce):
    request = save_request(customer, nonce())
    asked = FinishMethodRequest(
        idempotency_key=new_id(), reference=request.reference, provider_setup_id="", customer_token=customer
    )
    assert square.finish_method(asked).method is None
    saved = square.save_method(request)
    assert square.finish_method(asked).method == saved.method


@pytest.mark.parametrize("make", [pay_request, hold_request])
def test_the_card_paid_with_is_kept_by_a_call_of_its_own(square, sandbox, customer, nonce, make):
    # given a payment whose card is to be kept: the payment itself keeps nothing
    fact = square.pay(make(method_token=nonce(), customer_token=customer, save_method=True)).fact
    assert (fact.method.keepable, fact.method.reusable) == (True, False)
    assert sandbox.calls("cards.create") == []
    # when it is named as what the card comes from
    request = save_request(customer, "", payment_token=fact.provider_payment_id)
    method = square.save_method(request).method
    # then that card is kept for the customer, and a card on file is not to be kept again
    assert (method.reusable, method.provider_customer_id) == (True, customer)
    assert method.fingerprint == fact.method.fingerprint
    assert square.list_methods(customer) == (method,)
    again = square.pay(pay_request(method.provider_method_id, customer_token=customer, saved=True)).fact
    assert not again.method.keepable


def test_a_gift_card_and_a_bank_account_are_not_to_be_kept(square):
    for token in ("cnon:gift-card-nonce-ok", "bnon:bank-nonce-ok"):
        assert not square.pay(pay_request(token)).fact.method.keepable


def test_another_customer_s_card_is_refused(square, customer, nonce):
    card = square.save_method(save_request(customer, nonce())).method.provider_method_id
    other = square.create_customer(customer_request())
    result = square.pay(pay_request(card, customer_token=other, saved=True))
    assert (result.fact.stage, result.failure.code) == (Stage.FAILED, FailureCode.METHOD_NOT_USABLE)
    with pytest.raises(Refused):  # a card on file without its customer
        square.pay(pay_request(card))


def test_a_card_is_not_kept_by_the_name_of_a_payment_or_of_another_card(square, sandbox, customer, nonce):
    paid = square.pay(pay_request(nonce())).fact.provider_payment_id  # somebody else's, read on his receipt
    for token in (paid, "ccof:customer-card-id-ok"):
        with pytest.raises(Refused) as caught:
            square.save_method(save_request(customer, token))
        assert caught.value.code == "invalid_token"
    assert square.list_methods(customer) == ()
    assert sandbox.calls("cards.create") == []


def test_a_card_is_let_go_once_and_for_all(square, customer, nonce):
    card = square.save_method(save_request(customer, nonce())).method.provider_method_id
    for _ in range(2):
        square.detach_method(detach_request(card))
    assert square.list_methods(customer) == ()
    result = square.pay(pay_request(card, customer_token=customer, saved=True))
    assert result.failure is not None
    square.detach_method(detach_request("ccof:neverthere"))


def test_a_refusal_to_let_go_counts_only_while_the_card_is_in_use(square, sandbox, customer, nonce):
    card = square.save_method(save_request(customer, nonce())).method.provider_method_id
    sandbox.fault("status", operation="cards.disable", status=400, times=2)
    with pytest.raises(Refused):
        square.detach_method(detach_request(card))
    sandbox.clear_faults()
    square.detach_method(detach_request(card))
    sandbox.fault("status", operation="cards.disable", status=400)
    square.detach_method(detach_request(card))


def test_the_cards_of_more_than_a_page_are_all_listed(square, customer, nonce):
    for _ in range(27):
        square.save_method(save_request(customer, nonce()))
    assert len(square.list_methods(customer)) == 27


@pytest.mark.parametrize("value", ["../x", "a?b", "", "ccof:a/b"])
def test_an_id_that_could_change_the_path_is_refused(square, sandbox, value):
    for call in (
        lambda: square.detach_method(detach_request(value)),
        lambda: square.list_methods(value),
        lambda: square.save_method(save_request(value)),
    ):
        with pytest.raises(Refused) as caught:
            call()
        assert caught.value.code == "invalid_object_id"
    assert sandbox.calls() == []


@pytest.mark.parametrize("token", ["ccof:uIbfJXhXETSP197M3GB", "CCOF:x", "gftc:00113070ba5745f0", "plain"])
def test_what_is_kept_is_paid_with_only_when_the_hub_knows_whose_it_is(square, sandbox, token):
    with pytest.raises(Refused) as caught:
        square.pay(pay_request(token))
    assert (caught.value.code, sandbox.calls("payments.create")) == ("invalid_token", [])
