"""The five hooks of customers and saved methods, the real SDK against the sandbox."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest

from django_payments_hub.domain.statuses import MethodKind, NextActionKind, Stage
from django_payments_hub.exceptions import Misconfigured, OutcomeUnknown, Refused, Throttled, Unsupported
from django_payments_hub.provider_kit.method_types import (
    CustomerRequest,
    DetachMethodRequest,
    FinishMethodRequest,
    MethodResult,
    SaveMethodRequest,
)
from django_payments_hub.provider_kit.types import MethodFact, Payer
from django_payments_hub.providers.stripe import Provider
from django_payments_hub.testing.sandbox import SandboxClient, SandboxError
from tests.providers.stripe.harness import RETURN_URL, pay_request


def customer_request(**changes: Any) -> CustomerRequest:
    key = str(uuid.uuid4())
    payer = Payer(name="Ada", email="ada@example.com")
    return replace(CustomerRequest(idempotency_key=key, reference=key, payer=payer), **changes)


def save_request(customer: str, token: str = "pm_card_visa", **changes: Any) -> SaveMethodRequest:
    key = str(uuid.uuid4())
    made = SaveMethodRequest(idempotency_key=key, reference=key, customer_token=customer, method_token=token)
    return replace(made, **changes)


def finish_request(result: MethodResult, customer: str) -> FinishMethodRequest:
    setup_id = result.provider_setup_id
    return FinishMethodRequest(idempotency_key="k", reference="r", provider_setup_id=setup_id, customer_token=customer)


def detach_request(method_id: str) -> DetachMethodRequest:
    return DetachMethodRequest(idempotency_key=str(uuid.uuid4()), provider_method_id=method_id)


@pytest.fixture
def customer(stripe: Provider) -> str:
    return stripe.create_customer(customer_request())


def method_of(result: MethodResult) -> MethodFact:
    assert result.method, result
    return result.method


# -- customers --------------------------------------------------------------------------------------------------------


def test_a_customer_carries_our_mark_and_is_made_once_per_key(stripe: Provider, sandbox: SandboxClient) -> None:
    request = customer_request()
    first, second = stripe.create_customer(request), stripe.create_customer(request)
    assert first == second
    assert first.startswith("cus_")
    assert len([call for call in sandbox.calls("customers.create") if call["effect"]]) == 1


def test_a_customer_whose_answer_was_lost_is_found_by_its_mark_beyond_the_key(
    stripe: Provider, sandbox: SandboxClient
) -> None:
    request = customer_request()
    first = stripe.create_customer(request)
    stripe.create_customer(customer_request())  # another of the same address
    sandbox.advance(3 * 86_400)
    assert stripe.create_customer(replace(request, recovering=True)) == first
    assert stripe.create_customer(replace(customer_request(payer=Payer()), recovering=True)) != first


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_stored_failure_of_a_customer_ends_with_one(stripe: Provider, sandbox: SandboxClient, when: Any) -> None:
    sandbox.fault("status", operation="customers.create", status=500, when=when, store=True)
    request = customer_request()
    with pytest.raises(OutcomeUnknown):
        stripe.create_customer(request)
    made = stripe.create_customer(replace(request, recovering=True))
    assert made == stripe.create_customer(replace(request, recovering=True))
    assert len([call for call in sandbox.calls("customers.create") if call["effect"]]) == 1


# -- saving -----------------------------------------------------------------------------------------------------------


def test_a_token_is_kept_with_what_a_receipt_shows(stripe: Provider, customer: str) -> None:
    fact = method_of(stripe.save_method(save_request(customer)))
    assert (fact.kind, fact.brand, fact.last4, fact.reusable) == (MethodKind.CREDIT_CARD, "visa", "4242", True)
    assert fact.provider_customer_id == customer
    assert fact.fingerprint
    assert fact.expiry_month == 12
    assert stripe.list_methods(customer) == (fact,)


def test_the_same_request_is_one_setup(stripe: Provider, customer: str, sandbox: SandboxClient) -> None:
    request = save_request(customer)
    assert stripe.save_method(request) == stripe.save_method(replace(request, recovering=True))
    assert len(stripe.list_methods(customer)) == 1
    sandbox.advance(3 * 86_400)
    stripe.save_method(replace(request, recovering=True))  # the key is forgotten, the mark is not
    assert len(stripe.list_methods(customer)) == 1


@pytest.mark.parametrize("call", ["setup_intents.create", "setup_intents.confirm"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_stored_failure_of_saving_ends_with_one_method(
    stripe: Provider, customer: str, sandbox: SandboxClient, call: str, when: Any
) -> None:
    sandbox.fault("status", operation=call, status=500, when=when, store=True)
    request = save_request(customer)
    with pytest.raises(OutcomeUnknown):
        stripe.save_method(request)
    fact = method_of(stripe.save_method(replace(request, recovering=True)))
    assert stripe.list_methods(customer) == (fact,)


@pytest.mark.parametrize(
    ("token", "code"),
    [("pm_card_chargeDeclined", "card_declined"), ("pm_card_chargeDeclinedExpiredCard", "expired_card")],
)
def test_a_declined_card_is_a_failure_and_not_an_error(stripe: Provider, customer: str, token: str, code: str) -> None:
    request = save_request(customer, token)
    for result in (stripe.save_method(request), stripe.save_method(replace(request, recovering=True))):
        assert result.failure
        assert (result.failure.code, result.method) == (code, None)


def test_a_card_that_asks_is_led_to_its_bank_and_back(stripe: Provider, customer: str, sandbox: SandboxClient) -> None:
    begun = stripe.save_method(save_request(customer, "pm_card_threeDSecure2Required", return_url=RETURN_URL))
    assert begun.next_action
    assert begun.next_action.kind is NextActionKind.REDIRECT
    assert stripe.finish_method(finish_request(begun, customer)).next_action
    sandbox.complete_setup(begun.provider_setup_id)
    assert method_of(stripe.finish_method(finish_request(begun, customer))).reusable


def test_without_an_address_the_browser_opens_the_bank(stripe: Provider, customer: str, sandbox: SandboxClient) -> None:
    begun = stripe.save_method(save_request(customer, "pm_card_threeDSecure2Required"))
    assert begun.next_action
    assert begun.next_action.kind is NextActionKind.CLIENT_SECRET
    assert begun.next_action.fields["publishable_key"] == "pk_test_hub"
    sandbox.complete_setup(begun.provider_setup_id, "fail")
    ended = stripe.finish_method(finish_request(begun, customer))
    assert ended.failure
    assert ended.failure.code == "authentication_failed"


def test_without_a_token_stripe_js_gets_the_client_secret(stripe: Provider, customer: str) -> None:
    begun = stripe.save_method(save_request(customer, ""))
    assert begun.next_action
    assert begun.next_action.kind is NextActionKind.CLIENT_SECRET
    assert begun.next_action.fields["client_secret"].startswith(begun.provider_setup_id)
    assert begun.next_action.fields["client_secret"] not in repr(begun)


def test_stripe_js_needs_the_publishable_key(connect: Any) -> None:
    provider = connect(PUBLISHABLE_KEY=None)
    customer = provider.create_customer(customer_request())
    with pytest.raises(Unsupported):
        provider.save_method(save_request(customer, ""))


def test_a_token_of_another_customer_is_refused(stripe: Provider, customer: str) -> None:
    theirs = method_of(stripe.save_method(save_request(stripe.create_customer(customer_request()))))
    with pytest.raises(Refused):
        stripe.save_method(save_request(customer, theirs.provider_method_id))
    assert stripe.list_methods(customer) == ()


def test_a_setup_of_another_customer_is_not_taken(stripe: Provider, customer: str) -> None:
    begun = stripe.save_method(save_request(customer, ""))
    with pytest.raises(OutcomeUnknown) as refused:
        stripe.finish_method(finish_request(begun, stripe.create_customer(customer_request())))
    assert refused.value.code == "unexpected_object"


@pytest.mark.parametrize("bad", ["", "cus_1/../x", "pm_1", "cus_ü", "cus_1?x"])
def test_an_id_of_another_shape_never_enters_a_path(stripe: Provider, sandbox: SandboxClient, bad: str) -> None:
    steps = [
        lambda: stripe.list_methods(bad),
        lambda: stripe.save_method(save_request(bad)),
        lambda: stripe.cancel_setup(FinishMethodRequest(idempotency_key="k", reference="r", provider_setup_id=bad)),
        *([lambda: stripe.finish_method(finish_request(MethodResult(provider_setup_id=bad), "cus_1"))] if bad else []),
        *([] if bad == "pm_1" else [lambda: stripe.detach_method(detach_request(bad))]),
    ]
    for step in steps:
        with pytest.raises(Refused) as refused:
            step()
        assert refused.value.code == "invalid_object_id"
    assert sandbox.calls() == []


def test_a_setup_whose_answer_was_lost_is_found_by_our_reference(stripe: Provider, customer: str) -> None:
    request = save_request(customer)
    asked = replace(finish_request(MethodResult(), customer), reference=request.reference)
    assert stripe.finish_method(asked) == MethodResult()
    stripe.save_method(save_request(customer, "pm_card_mastercard"))
    saved = method_of(stripe.save_method(request))
    assert method_of(stripe.finish_method(asked)) == saved


def test_a_setup_that_is_given_up_cannot_be_finished(stripe: Provider, sandbox: SandboxClient, customer: str) -> None:
    begun = stripe.save_method(save_request(customer, "pm_card_threeDSecure2Required", return_url=RETURN_URL))
    for _ in range(2):
        ended = stripe.cancel_setup(finish_request(begun, customer))
        assert ended.failure
        assert ended.failure.code == "expired"
    with pytest.raises(SandboxError):
        sandbox.complete_setup(begun.provider_setup_id)
    assert stripe.list_methods(customer) == ()


def test_a_setup_that_was_finished_before_it_was_given_up_tells_so(
    stripe: Provider, sandbox: SandboxClient, customer: str
) -> None:
    begun = stripe.save_method(save_request(customer, "pm_card_threeDSecure2Required", return_url=RETURN_URL))
    sandbox.complete_setup(begun.provider_setup_id)
    assert method_of(stripe.cancel_setup(finish_request(begun, customer))).reusable


# -- letting go -------------------------------------------------------------------------------------------------------


def test_what_is_detached_is_gone_however_often(stripe: Provider, customer: str) -> None:
    fact = method_of(stripe.save_method(save_request(customer)))
    stripe.detach_method(detach_request(fact.provider_method_id))
    assert stripe.list_methods(customer) == ()
    stripe.detach_method(detach_request(fact.provider_method_id))
    stripe.detach_method(detach_request("pm_never_heard_of"))
    with pytest.raises(Refused):
        stripe.save_method(save_request(customer, fact.provider_method_id))


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_stored_failure_of_detaching_ends_detached(
    stripe: Provider, customer: str, sandbox: SandboxClient, when: Any
) -> None:
    fact = method_of(stripe.save_method(save_request(customer)))
    sandbox.fault("status", operation="payment_methods.detach", status=500, when=when, store=True)
    request = detach_request(fact.provider_method_id)
    with pytest.raises(OutcomeUnknown):
        stripe.detach_method(request)
    stripe.detach_method(request)
    assert stripe.list_methods(customer) == ()


# -- paying -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("off_session", [False, True])
def test_a_kept_method_pays_and_its_fact_says_that_it_is_kept(
    stripe: Provider, customer: str, off_session: bool
) -> None:
    fact = method_of(stripe.save_method(save_request(customer)))
    request = pay_request(
        fact.provider_method_id, customer_token=customer, saved=True, off_session=off_session, return_url=""
    )
    paid = stripe.pay(request).fact
    assert (paid.stage, paid.method) == (Stage.CAPTURED, fact)


def test_one_paid_with_is_kept_on_request_only(stripe: Provider, customer: str) -> None:
    once = stripe.pay(pay_request()).fact
    assert once.method
    assert (once.method.reusable, once.method.provider_customer_id) == (False, "")
    kept = stripe.pay(pay_request(customer_token=customer, save_method=True)).fact
    assert kept.method
    assert kept.method.reusable
    assert stripe.list_methods(customer) == (kept.method,)


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Misconfigured), (403, Misconfigured), (429, Throttled), (409, OutcomeUnknown), (503, OutcomeUnknown)],
)
@pytest.mark.parametrize(
    "call",
    [
        "customers.create",
        "setup_intents.create",
        "setup_intents.retrieve",
        "customers.payment_methods.list",
        "payment_methods.detach",
    ],
)
def test_every_error_is_what_it_is_of_every_hook(
    stripe: Provider, customer: str, sandbox: SandboxClient, status: int, kind: type[Exception], call: str
) -> None:
    steps: dict[str, Any] = {
        "customers.create": lambda: stripe.create_customer(customer_request()),
        "setup_intents.create": lambda: stripe.save_method(save_request(customer)),
        "setup_intents.retrieve": lambda: stripe.finish_method(
            FinishMethodRequest(idempotency_key="k", reference="r", provider_setup_id="seti_1", customer_token=customer)
        ),
        "customers.payment_methods.list": lambda: stripe.list_methods(customer),
        "payment_methods.detach": lambda: stripe.detach_method(detach_request("pm_1")),
    }
    sandbox.fault("status", operation=call, status=status)
    with pytest.raises(kind) as error:
        steps[call]()
    assert "sk_test_hub" not in f"{error.value!r}{error.value}"


def test_a_setup_nobody_knows_is_refused(stripe: Provider, customer: str) -> None:
    request = FinishMethodRequest(
        idempotency_key="k", reference="r", provider_setup_id="seti_1", customer_token=customer
    )
    with pytest.raises(Refused):
        stripe.finish_method(request)
