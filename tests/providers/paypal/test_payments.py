"""Orders on the buyer's side and ours: hosted, with a method of the vault, authorised first, given up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from django_payments_hub.domain.statuses import CaptureMethod, FailureCode, Flow, MethodKind, NextActionKind, Stage
from django_payments_hub.exceptions import OutcomeUnknown, Refused
from django_payments_hub.provider_kit.types import Payer
from tests.providers.paypal.harness import (
    cancel_request,
    capture_request,
    confirm_request,
    look_up_request,
    manual_request,
    pay_request,
    recovering,
)

# -- hosted -----------------------------------------------------------------------------------------------------------


def test_a_hosted_payment_leads_the_buyer_to_paypal(paypal, sandbox):
    request = pay_request(description="Tea " * 60)
    fact = paypal.pay(request).fact
    assert (fact.stage, fact.reference, fact.amount_minor) == (Stage.REQUIRES_ACTION, request.reference, 1250)
    assert fact.next_action.kind is NextActionKind.REDIRECT
    assert "/checkoutnow?token=" + fact.provider_session_id in fact.next_action.url
    assert fact.provider_payment_id == ""
    assert not fact.awaits_confirm
    [call] = sandbox.calls("orders.create")
    assert call["idempotency_key"] == request.idempotency_key


def test_an_approved_order_moves_nothing_until_it_is_confirmed(bench):
    fact = bench.approved()
    seen = bench.provider.look_up(look_up_request(fact))
    assert (seen.stage, seen.awaits_confirm, seen.captured_minor) == (Stage.REQUIRES_ACTION, True, 0)
    assert bench.books()["captured"] == 0


def test_a_confirmed_order_is_captured_once(bench):
    approved = bench.approved()
    request = confirm_request(approved)
    paid = bench.provider.confirm(request)
    assert paid.failure is None
    assert (paid.fact.stage, paid.fact.captured_minor, paid.fact.authorized_minor) == (Stage.CAPTURED, 1250, 1250)
    assert paid.fact.provider_session_id == approved.provider_session_id
    assert paid.fact.method.kind is MethodKind.WALLET
    assert not paid.fact.method.reusable
    again = bench.provider.confirm(recovering(request))
    other = bench.provider.confirm(confirm_request(approved))
    assert again.fact.provider_payment_id == other.fact.provider_payment_id == paid.fact.provider_payment_id
    assert bench.books()["captured"] == 1250


def test_an_order_that_nobody_approved_is_not_confirmed(bench):
    fact = bench.provider.pay(pay_request()).fact
    result = bench.provider.confirm(confirm_request(fact))
    assert result.failure.code is FailureCode.AUTHENTICATION_REQUIRED
    assert result.failure.provider_code in ("ORDER_NOT_APPROVED", "PAYER_ACTION_REQUIRED")
    assert (result.fact.stage, result.fact.failure) == (Stage.REQUIRES_ACTION, None)
    assert result.fact.next_action is not None


def test_the_same_key_leads_to_the_same_order(bench):
    request = pay_request()
    first = bench.provider.pay(request).fact
    bench.sandbox.pay_session(first.provider_session_id, card="pays")
    second = bench.provider.pay(recovering(request)).fact
    assert second.provider_session_id == first.provider_session_id
    assert second.awaits_confirm, "as it stands now, not as it was made"


@pytest.mark.parametrize(("currency", "minor", "value"), [("JPY", 500, "500"), ("HUF", 50000, "500")])
def test_currencies_without_decimals_go_over_the_wire_without(bench, currency, minor, value):
    paid = bench.paid(currency=currency, amount_minor=minor)
    assert (paid.captured_minor, paid.currency, paid.amount_minor) == (minor, currency, minor)


@pytest.mark.parametrize("missing", ["return_url", "cancel_url"])
def test_a_page_that_leads_nowhere_is_refused_before_anything_is_sent(paypal, sandbox, missing):
    with pytest.raises(Refused):
        paypal.pay(pay_request(**{missing: ""}))
    assert not sandbox.calls()


# -- declines ---------------------------------------------------------------------------------------------------------


def test_a_declined_instrument_leads_the_buyer_back_to_choose_another(bench):
    approved = bench.approved("declined")
    result = bench.provider.confirm(confirm_request(approved))
    assert result.failure.code is FailureCode.CARD_DECLINED
    assert result.failure.provider_code == "INSTRUMENT_DECLINED"
    assert (result.fact.stage, result.fact.awaits_confirm) == (Stage.DECLINED, False)
    assert approved.provider_session_id in result.fact.next_action.url
    bench.sandbox.pay_session(approved.provider_session_id, card="pays")
    assert bench.provider.look_up(look_up_request(approved)).awaits_confirm
    assert bench.provider.confirm(confirm_request(approved)).fact.captured_minor == 1250
    assert bench.books()["captured"] == 1250


@pytest.mark.parametrize("manual", [False, True])
def test_an_answer_201_with_a_declined_payment_is_a_decline_and_no_money(bench, manual):
    method = CaptureMethod.MANUAL if manual else CaptureMethod.AUTOMATIC
    approved = bench.approved("declined_capture", capture_method=method)
    result = bench.provider.confirm(confirm_request(approved))
    assert result.failure is not None
    assert result.fact.stage is Stage.FAILED
    assert (result.fact.captured_minor, result.fact.capturable_minor, result.fact.provider_payment_id) == (0, 0, "")
    assert bench.provider.look_up(look_up_request(approved)).stage is Stage.FAILED


@pytest.mark.parametrize("buyer", ["refused", "blocked"])
def test_a_payment_refused_for_good_ends_it(bench, buyer):
    result = bench.provider.confirm(confirm_request(bench.approved(buyer)))
    assert result.failure is not None
    assert (result.fact.stage, result.fact.next_action) == (Stage.FAILED, None)


@pytest.mark.parametrize("buyer", ["echeck", "review"])
@pytest.mark.parametrize("outcome", ["succeed", "fail"])
def test_a_pending_capture_is_under_way_until_paypal_knows(bench, buyer, outcome):
    pending = bench.paid(buyer)
    assert (pending.stage, pending.captured_minor) == (Stage.PROCESSING, 0)
    bench.sandbox.settle(pending.provider_payment_id, outcome)
    settled = bench.provider.look_up(look_up_request(pending))
    if outcome == "succeed":
        assert (settled.captured_minor, settled.provider_payment_id) == (1250, pending.provider_payment_id)
    else:
        assert (settled.stage, settled.captured_minor) == (Stage.FAILED, 0)


# -- methods of the vault ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("manual", [False, True])
def test_a_saved_method_pays_at_once(bench, manual):
    method = CaptureMethod.MANUAL if manual else CaptureMethod.AUTOMATIC
    request = bench.token_request(capture_method=method)
    result = bench.provider.pay(request)
    assert result.failure is None
    assert result.fact.stage is (Stage.AUTHORIZED if manual else Stage.CAPTURED)
    assert result.fact.provider_payment_id
    again = bench.provider.pay(recovering(request)).fact
    assert again.provider_payment_id == result.fact.provider_payment_id


def test_a_saved_method_pays_without_the_customer(bench):
    request = bench.token_request(off_session=True, return_url="", cancel_url="")
    assert bench.provider.pay(request).fact.captured_minor == 1250


@pytest.mark.parametrize("buyer", ["declined", "refused", "blocked"])
def test_a_saved_method_that_is_refused_is_a_failed_payment(bench, buyer):
    method = bench.provider.finish_method(bench_setup(bench, buyer)).method
    request = pay_request(flow=Flow.TOKEN, method_token=method.provider_method_id, saved=True)
    result = bench.provider.pay(request)
    assert result.failure is not None
    assert result.fact.stage in (Stage.FAILED, Stage.DECLINED)
    assert result.fact.captured_minor == 0


def bench_setup(bench, buyer):
    from tests.providers.paypal.test_vault import finish_request, save_request

    begun = bench.provider.save_method(save_request())
    bench.sandbox.complete_setup(begun.provider_setup_id) if buyer == "pays" else bench.sandbox.pay_session(
        begun.provider_setup_id, card=buyer
    )
    return finish_request(begun)


def test_a_token_that_the_vault_does_not_have_is_a_failed_payment(paypal):
    result = paypal.pay(pay_request(flow=Flow.TOKEN, method_token="8kk8451t"))
    assert (result.fact.stage, result.failure.code) == (Stage.FAILED, FailureCode.METHOD_NOT_USABLE)


def test_another_customers_token_is_refused_before_anything_is_paid(bench):
    method = bench.saved()
    foreign = pay_request(flow=Flow.TOKEN, method_token=method.provider_method_id, customer_token="another")
    with pytest.raises(Refused) as caught:
        bench.provider.pay(foreign)
    assert caught.value.code == "foreign_method"
    assert len(bench.sandbox.calls("orders.create")) == 1


def test_somebodys_token_is_refused_to_who_is_no_customer_of_paypals(bench):
    method = bench.saved()
    with pytest.raises(Refused) as caught:
        bench.provider.pay(pay_request(flow=Flow.TOKEN, method_token=method.provider_method_id))
    assert caught.value.code == "foreign_method"
    assert len(bench.sandbox.calls("orders.create")) == 1


# -- authorise, capture, void -----------------------------------------------------------------------------------------


def test_an_authorisation_is_captured_in_part_and_the_rest_released(bench):
    held = bench.held()
    assert (held.stage, held.authorized_minor, held.capturable_minor) == (Stage.AUTHORIZED, 1250, 1250)
    request = capture_request(held, 1000)
    taken = bench.provider.capture(request)
    assert taken.failure is None
    assert (taken.fact.captured_minor, taken.fact.capturable_minor) == (1000, 0)
    assert taken.fact.provider_payment_id == held.provider_payment_id
    seen = bench.provider.look_up(look_up_request(held))
    assert (seen.captured_minor, seen.capturable_minor, seen.authorized_minor) == (1000, 0, 1250)
    assert seen.provider_payment_id == held.provider_payment_id
    assert bench.provider.capture(recovering(request)).fact.captured_minor == 1000
    assert bench.books()["captured"] == 1000


def test_what_was_captured_as_the_last_is_not_captured_again(bench):
    held = bench.held()
    bench.provider.capture(capture_request(held, 1000))
    result = bench.provider.capture(capture_request(held, 250, captured_minor=1000))
    assert result.failure is not None
    assert result.fact.captured_minor == 1000
    assert bench.books()["captured"] == 1000


def test_a_capture_that_stays_pending_leaves_nothing_to_capture(bench):
    held = bench.held("echeck")
    result = bench.provider.capture(capture_request(held, 1250))
    assert (result.fact.stage, result.fact.captured_minor, result.fact.capturable_minor) == (Stage.AUTHORIZED, 0, 0)
    bench.sandbox.settle(held.provider_payment_id, "succeed")
    assert bench.provider.look_up(look_up_request(held)).captured_minor == 1250


def test_a_capture_that_stays_pending_and_whose_answer_was_lost_is_under_way(bench):
    held = bench.held("echeck")
    request = capture_request(held, 1250)
    bench.sandbox.fault("status", operation="authorizations.capture", status=500, when="after")
    with pytest.raises(OutcomeUnknown):
        bench.provider.capture(request)
    result = bench.provider.capture(recovering(request))
    assert (result.failure, result.fact.stage, result.fact.capturable_minor) == (None, Stage.AUTHORIZED, 0)
    assert len(bench.sandbox.calls("authorizations.capture")) == 1


def test_an_authorisation_is_voided_once(bench):
    held = bench.held()
    for _ in range(2):
        result = bench.provider.cancel(cancel_request(held))
        assert (result.fact.stage, result.fact.capturable_minor, result.failure) == (Stage.CANCELLED, 0, None)
    assert len(bench.sandbox.calls("authorizations.void")) == 1
    assert bench.books()["released"] == 1250


def test_what_was_captured_cannot_be_voided(bench):
    for fact in (bench.paid(), bench.provider.capture(capture_request(bench.held(), 1250)).fact):
        result = bench.provider.cancel(cancel_request(fact))
        assert result.failure.code is FailureCode.INVALID_REQUEST
        assert result.fact.stage is Stage.CAPTURED


def test_an_authorisation_that_ran_out_is_expired(bench):
    held = bench.held()
    bench.sandbox.advance(30 * 86400)
    assert bench.provider.look_up(look_up_request(held)).stage is Stage.EXPIRED
    result = bench.provider.capture(capture_request(held, 1250))
    assert result.failure is not None
    assert result.fact.stage is Stage.EXPIRED


@pytest.mark.parametrize("approved", [False, True])
def test_an_order_that_was_never_paid_is_given_up_without_a_call(bench, approved):
    fact = bench.approved() if approved else bench.provider.pay(pay_request()).fact
    result = bench.provider.cancel(cancel_request(fact))
    assert (result.fact.stage, result.failure, result.fact.awaits_confirm) == (Stage.CANCELLED, None, False)
    assert [call for call in bench.sandbox.calls() if call["method"] == "POST"][-1]["operation"] == "orders.create"
    assert bench.books()["captured"] == 0


def test_an_order_that_paypal_has_forgotten_is_given_up(bench):
    fact = bench.provider.pay(pay_request()).fact
    bench.sandbox.reset()
    assert bench.provider.look_up(look_up_request(fact)) is None
    assert bench.provider.cancel(cancel_request(fact)).fact.stage is Stage.CANCELLED


def test_an_authorisation_that_paypal_does_not_show_is_not_called_void(bench):
    held = bench.held()
    bench.sandbox.reset()  # or the account's credentials are another merchant's now
    with pytest.raises(OutcomeUnknown):
        bench.provider.cancel(cancel_request(held))


def test_a_pending_capture_cannot_be_given_up(bench):
    pending = bench.paid("echeck")
    result = bench.provider.cancel(cancel_request(pending))
    assert (result.fact.stage, result.failure.provider_code) == (Stage.PROCESSING, "ALREADY_PROCESSING")


def test_an_order_that_paypal_voided_is_cancelled(bench):
    fact = bench.provider.pay(pay_request()).fact
    bench.sandbox.deed("void_order", session=fact.provider_session_id)
    seen = bench.provider.look_up(look_up_request(fact))
    assert seen.stage is Stage.CANCELLED
    assert bench.provider.cancel(cancel_request(fact)).failure is None
    assert bench.provider.confirm(confirm_request(fact)).failure is not None


# -- looking ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("manual", [False, True])
def test_a_payment_is_found_by_the_object_that_holds_its_money(bench, manual):
    paid = bench.paid(capture_method=CaptureMethod.MANUAL if manual else CaptureMethod.AUTOMATIC)
    seen = bench.provider.look_up(look_up_request(paid, provider_session_id=""))
    assert seen.provider_session_id == paid.provider_session_id
    assert seen.provider_payment_id == paid.provider_payment_id


def test_without_any_id_nothing_is_known(paypal, sandbox):
    fact = paypal.pay(pay_request()).fact
    assert paypal.look_up(look_up_request(fact, provider_session_id="")) is None


@pytest.mark.parametrize("ids", [{"provider_session_id": "NOSUCHORDER"}, {"provider_payment_id": "NOSUCHPAYMENT"}])
def test_what_paypal_does_not_know_is_none(bench, ids):
    fact = bench.paid()
    asked = look_up_request(fact, **{"provider_session_id": "", "provider_payment_id": "", **ids})
    assert bench.provider.look_up(asked) is None


def test_where_the_order_is_forgotten_the_money_is_still_found(bench):
    for paid in (bench.paid(), bench.held()):
        gone = {"name": "RESOURCE_NOT_FOUND", "details": [{"issue": "INVALID_RESOURCE_ID"}]}
        bench.sandbox.fault("status", operation="orders.get", status=404, body=gone, times=9)
        seen = bench.provider.look_up(look_up_request(paid))
        assert seen.provider_payment_id == paid.provider_payment_id
        assert (seen.captured_minor, seen.capturable_minor) == (paid.captured_minor, paid.capturable_minor)
        bench.sandbox.clear_faults()


def test_another_payments_order_is_no_answer(bench):
    paid = bench.paid()
    asked = look_up_request(paid, reference="0190a5c0-0000-7000-8000-000000000000")
    with pytest.raises(OutcomeUnknown) as caught:
        bench.provider.look_up(asked)
    assert caught.value.code == "unexpected_object"
    with pytest.raises(OutcomeUnknown):
        bench.provider.look_up(replace(asked, provider_session_id=""))


def test_a_return_names_the_order_and_proves_nothing(paypal):
    assert paypal.parse_return({"token": "5O190127TN364715T", "PayerID": "X"}).provider_session_id == (
        "5O190127TN364715T"
    )
    assert paypal.parse_return({"token": "../x"}).provider_session_id == ""
    assert paypal.parse_return({}).fact is None


def test_a_manual_order_says_so(bench):
    fact = bench.provider.pay(manual_request()).fact
    assert fact.stage is Stage.REQUIRES_ACTION


# -- what a saved method may lead to ----------------------------------------------------------------------------------


def answered(request, status, *, intent="CAPTURE", links=()):
    """An order as PayPal may answer its creation with a saved method."""
    amount = {"currency_code": "USD", "value": "12.50"}
    return {
        "id": "5O190127TN364715T",
        "intent": intent,
        "status": status,
        "purchase_units": [{"reference_id": "default", "custom_id": request.reference, "amount": amount}],
        "links": list(links),
    }


def test_a_saved_method_that_needs_the_buyer_leads_him_to_paypal(bench):
    request = bench.token_request()
    page = {"rel": "payer-action", "href": "https://www.sandbox.paypal.com/checkoutnow?token=5O190127TN364715T"}
    body = answered(request, "PAYER_ACTION_REQUIRED", links=[page])
    bench.sandbox.fault("status", operation="orders.create", status=201, body=body, times=2)
    result = bench.provider.pay(request)
    assert (result.fact.stage, result.failure) == (Stage.REQUIRES_ACTION, None)
    assert result.fact.next_action.url == page["href"]
    absent = bench.provider.pay(replace(request, off_session=True))
    assert absent.failure.code is FailureCode.AUTHENTICATION_REQUIRED
    assert (absent.fact.stage, absent.fact.next_action) == (Stage.DECLINED, None)


@pytest.mark.parametrize("status", ["APPROVED", "CREATED"])
def test_a_saved_method_that_is_not_taken_at_once_is_taken_by_the_hub(bench, status):
    request = bench.token_request()
    order = answered(request, status)
    taken = {"id": "3C679366HH908993F", "status": "COMPLETED", "amount": order["purchase_units"][0]["amount"]}
    paid = {**order, "status": "COMPLETED", "purchase_units": [{**order["purchase_units"][0]}]}
    paid["purchase_units"][0]["payments"] = {"captures": [taken]}
    bench.sandbox.fault("status", operation="orders.create", status=201, body=order)
    bench.sandbox.fault("status", operation="orders.capture", status=201, body=paid)
    result = bench.provider.pay(request)
    assert (result.fact.captured_minor, result.fact.provider_payment_id) == (1250, "3C679366HH908993F")
    assert bench.sandbox.calls("orders.capture")[-1]["idempotency_key"] == f"{request.idempotency_key}-take"


def test_an_order_of_an_unknown_intent_is_not_taken(bench):
    request = bench.token_request()
    bench.sandbox.fault("status", operation="orders.create", status=201, body=answered(request, "APPROVED", intent="X"))
    with pytest.raises(OutcomeUnknown):
        bench.provider.pay(request)


def test_an_error_that_is_no_decline_is_raised_for_a_saved_method_as_well(bench):
    request = bench.token_request()
    body = {"name": "INVALID_REQUEST", "details": [{"issue": "INVALID_PARAMETER_SYNTAX"}]}
    bench.sandbox.fault("status", operation="orders.create", status=400, body=body)
    with pytest.raises(Refused):
        bench.provider.pay(request)


def test_an_answer_without_the_whole_order_is_completed_by_asking(bench):
    approved = bench.approved()
    least = {"id": approved.provider_session_id, "status": "COMPLETED", "purchase_units": [{"reference_id": "default"}]}
    bench.sandbox.fault("status", operation="orders.capture", when="after", status=201, body=least)
    assert bench.provider.confirm(confirm_request(approved)).fact.captured_minor == 1250


def test_the_brand_and_the_buyers_address_are_shown_on_the_page(connect, sandbox):
    paypal = connect(BRAND_NAME="Tea & Co")
    fact = paypal.pay(pay_request(payer=Payer(email="ann@example.com"), save_method=True)).fact
    assert fact.next_action is not None


def test_a_capture_that_names_another_authorization_is_no_answer(bench):
    held = bench.held()
    up = {"rel": "up", "href": "https://api-m.paypal.com/v2/payments/authorizations/OTHER"}
    body = {"id": "X1", "status": "COMPLETED", "amount": {"currency_code": "USD", "value": "12.50"}, "links": [up]}
    bench.sandbox.fault("status", operation="authorizations.capture", status=201, body=body)
    with pytest.raises(OutcomeUnknown):
        bench.provider.capture(capture_request(held, 1250))


def test_a_capture_that_is_declined_leaves_the_authorization_as_it_is(bench):
    held = bench.held()
    body = {"id": "X1", "status": "DECLINED", "amount": {"currency_code": "USD", "value": "12.50"}}
    bench.sandbox.fault("status", operation="authorizations.capture", status=201, body=body)
    result = bench.provider.capture(capture_request(held, 1250))
    assert result.failure is not None
    assert (result.fact.stage, result.fact.capturable_minor) == (Stage.AUTHORIZED, 1250)


def test_a_void_that_did_not_void_is_in_doubt(bench):
    held = bench.held()
    body = {"id": held.provider_payment_id, "status": "CREATED", "amount": {"currency_code": "USD", "value": "12.50"}}
    bench.sandbox.fault("status", operation="authorizations.void", status=200, body=body)
    with pytest.raises(OutcomeUnknown):
        bench.provider.cancel(cancel_request(held))
