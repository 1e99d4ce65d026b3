"""What the provider says when Stripe, or the way to it, misbehaves (F1-F14), and how a later try finds the truth."""

from __future__ import annotations

import logging
import socket
import time
import traceback
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from django_payments_hub.domain.statuses import CaptureMethod, FailureCode, Flow, Stage
from django_payments_hub.exceptions import Misconfigured, NotSent, OutcomeUnknown, Refused, Throttled
from tests.provider_kit.raw_server import RawServer, answer, sends
from tests.providers.stripe.harness import (
    cancel_request,
    capture_request,
    confirm_request,
    look_up_request,
    pay_request,
    refund_look_up,
    refund_request,
)

CONFIRM, CREATE = "payment_intents.confirm", "payment_intents.create"


def captured(sandbox) -> int:
    return int(sandbox.ledger()["totals"].get("usd", {}).get("captured", 0))


def recovering(request):
    return replace(request, recovering=True, first_sent_at=datetime.now(UTC))


def once_let_go(call, request):
    """The call, repeated while Stripe still works on an earlier one with the same key (409)."""
    ends_at = time.monotonic() + 10
    while True:
        try:
            return call(request)
        except OutcomeUnknown as error:
            if error.details.get("status") != 409 or time.monotonic() > ends_at:
                raise
            time.sleep(0.05)


# -- every class of error --------------------------------------------------------------------------------------------


def error(code: str = "", type_: str = "invalid_request_error", **more: object) -> dict[str, object]:
    return {"error": {"type": type_, "message": "canary text of Stripe's", **({"code": code} if code else {}), **more}}


@pytest.mark.parametrize(
    ("status", "body", "raised", "code"),
    [
        (400, error("parameter_invalid_integer"), Refused, "invalid_request"),
        (404, error("resource_missing"), Refused, "invalid_request"),
        (400, error(type_="idempotency_error"), Refused, "idempotency_mismatch"),
        (400, error("rate_limit"), Throttled, "provider_throttled"),
        (400, error("lock_timeout"), Throttled, "provider_throttled"),
        (401, error("api_key_expired"), Misconfigured, "provider_misconfigured"),
        (403, error(type_="permission_error"), Misconfigured, "provider_misconfigured"),
        (409, error("idempotency_key_in_use", "idempotency_error"), OutcomeUnknown, "outcome_unknown"),
        (424, error(type_="api_error"), OutcomeUnknown, "outcome_unknown"),
        (429, error("lock_timeout"), Throttled, "provider_throttled"),
        (429, {}, Throttled, "provider_throttled"),
        (500, error(type_="api_error"), OutcomeUnknown, "outcome_unknown"),
        (502, {}, OutcomeUnknown, "outcome_unknown"),
        (503, error("rate_limit"), OutcomeUnknown, "outcome_unknown"),
        (504, {"error": "text"}, OutcomeUnknown, "outcome_unknown"),
        (400, {}, OutcomeUnknown, "outcome_unknown"),
        (400, {"error": "invalid_grant", "error_description": "x"}, OutcomeUnknown, "outcome_unknown"),
        (404, {"message": "not from Stripe"}, OutcomeUnknown, "outcome_unknown"),
        (200, {}, OutcomeUnknown, "unexpected_object"),
        (200, {"id": "ch_1", "object": "charge"}, OutcomeUnknown, "unexpected_object"),
        (200, {"id": 5, "object": {"a": 1}}, OutcomeUnknown, "unexpected_object"),
        (200, {"object": "payment_intent", "metadata": {"hub_operation": 5}}, OutcomeUnknown, None),
    ],
)
@pytest.mark.parametrize("operation", ["pay", "refund"])
def test_an_answer_is_classified(stripe, sandbox, operation, status, body, raised, code):
    paid = stripe.pay(pay_request()).fact
    sandbox.fault("status", status=status, body=body)
    with pytest.raises(raised) as caught:
        stripe.pay(pay_request()) if operation == "pay" else stripe.refund(refund_request(paid, 100))
    assert type(caught.value) is raised
    assert code is None or caught.value.code == code
    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_the_wait_that_stripe_asks_for_is_told(stripe, sandbox):
    sandbox.fault("status", status=429, body=error("rate_limit"), headers={"Retry-After": "7"})
    with pytest.raises(Throttled) as caught:
        stripe.pay(pay_request())
    assert caught.value.retry_after_s == 7


def test_nothing_is_tried_twice_by_itself(stripe, sandbox):
    for status in (500, 409, 429, 502):
        sandbox.fault("status", status=status, headers={"Stripe-Should-Retry": "true"})
        with pytest.raises((OutcomeUnknown, Throttled)):
            stripe.pay(pay_request())
        sandbox.clear_faults()
    assert [call["status"] for call in sandbox.calls()] == [500, 409, 429, 502]


def test_a_decline_without_its_payment_intent_is_completed_by_asking(stripe, sandbox):
    sandbox.fault("status", operation=CONFIRM, status=402, body=error("card_declined", "card_error"))
    result = stripe.pay(pay_request())
    assert result.failure.code is FailureCode.CARD_DECLINED
    assert sandbox.calls()[-1]["operation"] == "payment_intents.retrieve"


def test_an_object_made_for_something_else_is_not_confirmed(stripe, sandbox):
    other = {"id": "pi_other", "object": "payment_intent", "metadata": {"hub_operation": "another"}}
    sandbox.fault("status", operation=CREATE, status=200, body=other)
    with pytest.raises(OutcomeUnknown) as caught:
        stripe.pay(pay_request())
    assert caught.value.code == "unexpected_object"
    assert [call["operation"] for call in sandbox.calls()] == [CREATE]


def test_a_decline_of_another_payment_is_no_answer(stripe, sandbox):
    other = {"id": "pi_other", "object": "payment_intent"}
    sandbox.fault("status", operation=CONFIRM, status=402, body=error("card_declined", payment_intent=other))
    with pytest.raises(OutcomeUnknown) as caught:
        stripe.pay(pay_request())
    assert caught.value.code == "unexpected_object"


def test_a_refused_connection_is_not_sent(connect):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(NotSent):
        connect(API_BASE=base).pay(pay_request())


def test_a_host_that_does_not_resolve_is_not_sent(connect):
    with pytest.raises(NotSent):
        connect(API_BASE="https://stripe.invalid").pay(pay_request())


def test_a_key_that_stripe_does_not_know_is_a_misconfiguration(connect):
    with pytest.raises(Misconfigured) as caught:
        connect(SECRET_KEY="sk_test_invalid").pay(pay_request())
    assert "sk_test_invalid" not in str(caught.value)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "kind", ["hang", "drip", "reset", "close", "truncate", "garbage", "html", "huge", "redirect", "empty"]
)
def test_whatever_happens_to_the_answer_of_a_confirmation_the_truth_is_found(hasty, stripe, sandbox, kind, when):
    request = pay_request()
    sandbox.fault(kind, operation=CONFIRM, when=when)
    started = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        hasty.pay(request)
    assert time.monotonic() - started < 4
    sandbox.clear_faults()
    assert once_let_go(stripe.pay, recovering(request)).fact.captured_minor == 1250
    assert captured(sandbox) == 1250


@pytest.mark.parametrize("kind", ["unknown_status", "missing_id", "wrong_id"])
@pytest.mark.parametrize("operation", [CREATE, CONFIRM])
def test_an_answer_that_lies_about_itself_is_unknown(stripe, sandbox, kind, operation):
    request = pay_request()
    sandbox.fault(kind, operation=operation, when="after")
    with pytest.raises(OutcomeUnknown):
        stripe.pay(request)
    assert once_let_go(stripe.pay, recovering(request)).fact.captured_minor == 1250
    assert captured(sandbox) == 1250


def test_another_amount_or_currency_is_told_as_it_came(stripe, sandbox):
    sandbox.fault("wrong_amount", operation=CONFIRM, when="after")
    assert stripe.pay(pay_request()).fact.amount_minor == 1251
    sandbox.clear_faults()
    sandbox.fault("wrong_currency", operation=CONFIRM, when="after")
    assert stripe.pay(pay_request()).fact.currency == "EUR"


def test_fields_of_tomorrow_do_no_harm(stripe, sandbox):
    sandbox.fault("extra_fields", when="after", times=2)
    assert stripe.pay(pay_request()).fact.captured_minor == 1250


# -- a later try of a payment ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_creation_whose_answer_was_lost_is_not_repeated_as_another_payment(stripe, sandbox, when):
    request = pay_request()
    sandbox.fault("reset", operation=CREATE, when=when)
    with pytest.raises(OutcomeUnknown):
        stripe.pay(request)
    assert once_let_go(stripe.pay, recovering(request)).fact.stage is Stage.CAPTURED
    assert len(sandbox.ledger()["payments"]) == 1
    assert captured(sandbox) == 1250


def test_a_creation_that_failed_for_good_is_a_definite_no(stripe, sandbox):
    request = pay_request()
    sandbox.fault("status", operation=CREATE, status=500, store=True)
    with pytest.raises(OutcomeUnknown):
        stripe.pay(request)
    with pytest.raises(Refused) as caught:
        stripe.pay(recovering(request))
    assert caught.value.code == "provider_unavailable"
    assert captured(sandbox) == 0


def test_a_creation_that_failed_after_its_effect_is_found_in_the_list(stripe, sandbox):
    request = pay_request()
    sandbox.fault("status", operation=CREATE, when="after", status=500, store=True)
    with pytest.raises(OutcomeUnknown):
        stripe.pay(request)
    assert once_let_go(stripe.pay, recovering(request)).fact.captured_minor == 1250
    assert len(sandbox.ledger()["payments"]) == 1


def test_a_confirmation_that_failed_after_its_effect_is_a_success(stripe, sandbox):
    request = pay_request()
    sandbox.fault("status", operation=CONFIRM, when="after", status=500, store=True)
    with pytest.raises(OutcomeUnknown):
        stripe.pay(request)
    assert once_let_go(stripe.pay, recovering(request)).fact.captured_minor == 1250
    assert captured(sandbox) == 1250


def test_a_confirmation_that_failed_for_good_is_withdrawn_so_that_nothing_can_happen(stripe, sandbox):
    request = pay_request()
    sandbox.fault("status", operation=CONFIRM, status=500, store=True)
    with pytest.raises(OutcomeUnknown):
        stripe.pay(request)
    result = once_let_go(stripe.pay, recovering(request))
    assert (result.fact.stage, result.failure.code) == (Stage.CANCELLED, FailureCode.PROVIDER_UNAVAILABLE)
    assert stripe.look_up(look_up_request(result.fact)).stage is Stage.CANCELLED
    assert captured(sandbox) == 0


def test_a_decline_whose_answer_was_lost_is_found(stripe, sandbox):
    request = pay_request("pm_card_visa_chargeDeclinedInsufficientFunds")
    sandbox.fault("reset", operation=CONFIRM, when="after")
    with pytest.raises(OutcomeUnknown):
        stripe.pay(request)
    result = once_let_go(stripe.pay, recovering(request))
    assert (result.failure.code, result.fact.stage) == (FailureCode.INSUFFICIENT_FUNDS, Stage.DECLINED)


def test_a_step_for_the_customer_whose_answer_was_lost_is_found(stripe, sandbox):
    request = pay_request("pm_card_threeDSecure2Required")
    sandbox.fault("reset", operation=CONFIRM, when="after")
    with pytest.raises(OutcomeUnknown):
        stripe.pay(request)
    assert once_let_go(stripe.pay, recovering(request)).fact.next_action.url


def test_an_authorisation_whose_answer_was_lost_is_found(stripe, sandbox):
    request = pay_request(capture_method=CaptureMethod.MANUAL)
    sandbox.fault("reset", operation=CONFIRM, when="after")
    with pytest.raises(OutcomeUnknown):
        stripe.pay(request)
    assert once_let_go(stripe.pay, recovering(request)).fact.capturable_minor == 1250


@pytest.mark.parametrize("flow", [Flow.CLIENT, Flow.HOSTED])
def test_a_lost_answer_in_the_other_flows_leads_to_the_same_object(stripe, sandbox, flow):
    request = pay_request("", flow=flow)
    sandbox.fault("reset", when="after")
    with pytest.raises(OutcomeUnknown):
        stripe.pay(request)
    first, again = (stripe.pay(recovering(request)).fact for _ in range(2))
    assert first == again
    assert first.next_action is not None


def test_a_page_that_was_paid_meanwhile_is_told_as_paid(stripe, sandbox):
    request = pay_request("", flow=Flow.HOSTED)
    session = stripe.pay(request).fact.provider_session_id
    sandbox.pay_session(session)
    assert once_let_go(stripe.pay, recovering(request)).fact.captured_minor == 1250


@pytest.mark.parametrize("flow", [Flow.CLIENT, Flow.HOSTED])
def test_an_object_that_stripe_failed_to_make_is_a_definite_no(stripe, sandbox, flow):
    request = pay_request("", flow=flow)
    sandbox.fault("status", status=500, store=True)
    with pytest.raises(OutcomeUnknown):
        stripe.pay(request)
    with pytest.raises(Refused) as caught:
        stripe.pay(recovering(request))
    assert caught.value.code == "provider_unavailable"


# -- a later try of everything else ----------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["reset", "truncate", "garbage"])
def test_confirm_capture_cancel_and_refund_take_effect_once(stripe, sandbox, kind, when):
    def twice(call, request, operation):
        sandbox.fault(kind, operation=operation, when=when)
        with pytest.raises(OutcomeUnknown):
            call(request)
        sandbox.clear_faults()
        return once_let_go(call, recovering(request)).fact

    waiting = stripe.pay(pay_request("", flow=Flow.CLIENT, capture_method=CaptureMethod.MANUAL)).fact
    held = twice(stripe.confirm, confirm_request(waiting, method_token="pm_card_visa"), CONFIRM)
    assert held.capturable_minor == 1250
    taken = twice(stripe.capture, capture_request(held, 1000), "payment_intents.capture")
    assert taken.captured_minor == 1000
    refund = refund_request(taken, 400)
    assert twice(stripe.refund, refund, "refunds.create").amount_minor == 400
    assert stripe.look_up_refund(refund_look_up(refund)).amount_minor == 400
    other = stripe.pay(pay_request(capture_method=CaptureMethod.MANUAL)).fact
    assert twice(stripe.cancel, cancel_request(other), "payment_intents.cancel").stage is Stage.CANCELLED
    books = sandbox.ledger()["payments"][taken.provider_payment_id]
    assert (books["captured"], books["refunded"]) == (1000, 400)


@pytest.mark.parametrize("kind", ["reset", "garbage", "hang", "wrong_id"])
def test_a_look_up_without_an_answer_is_not_taken_for_an_absence(hasty, sandbox, kind):
    paid = hasty.pay(pay_request()).fact
    sandbox.fault(kind, when="after", times=9)
    with pytest.raises(OutcomeUnknown):
        hasty.look_up(look_up_request(paid))


# -- what must not leak ----------------------------------------------------------------------------------------------


def frames(error: BaseException | None) -> list[str]:
    found = []
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if "/tests/" not in frame.f_code.co_filename:
                found += [f"{frame.f_code.co_name}.{name}={value!r}" for name, value in frame.f_locals.items()]
        error = error.__cause__ or error.__context__
    return found


@pytest.mark.parametrize("kind", ["reset", "garbage", "status"])
def test_no_secret_shows_in_logs_or_in_what_an_error_reporter_walks_through(connect, sandbox, caplog, kind):
    key = "sk_test_canarycanary"
    stripe = connect(SECRET_KEY=key, WEBHOOK_SECRETS=["whsec_canarycanary"])
    for name in ("", "django_payments_hub", "stripe", "httpx", "httpcore.http11", "httpcore.connection"):
        caplog.set_level(logging.DEBUG, logger=name)
    stripe.pay(pay_request("", flow=Flow.CLIENT))
    sandbox.fault(kind, operation=CREATE, status=401, body=error("api_key_expired", message=f"Expired: {key}"))
    with pytest.raises((OutcomeUnknown, Misconfigured)) as caught:
        stripe.pay(pay_request())
    walked = frames(caught.value)
    assert len(walked) > 5
    assert not [line for line in walked if "canarycanary" in line]
    assert caplog.records
    assert not [line for line in caplog.messages if "canary" in line or "_secret_" in line]
    assert {record.name for record in caplog.records} == {"django_payments_hub.http"}


# -- lists and pages -------------------------------------------------------------------------------------------------


def listing(*items: object, more: object = False) -> dict[str, object]:
    return {"object": "list", "data": list(items), "has_more": more, "url": "/v1/payment_intents"}


@pytest.mark.parametrize(
    "body",
    [listing(more=True), listing(5), listing({"object": "x"}, more=True), listing(more="no"), {"object": "list"}],
)
def test_a_list_that_cannot_be_read_is_not_taken_for_an_absence(stripe, sandbox, body):
    paid = stripe.pay(pay_request()).fact
    sandbox.fault("status", operation="payment_intents.list", status=200, body=body)
    with pytest.raises(OutcomeUnknown):
        stripe.look_up(look_up_request(paid, provider_payment_id=""))


def test_a_list_without_an_end_is_given_up(stripe, sandbox):
    paid = stripe.pay(pay_request()).fact
    endless = listing({"id": "pi_other", "object": "payment_intent"}, more=True)
    sandbox.fault("status", operation="payment_intents.list", status=200, body=endless, times=1000)
    with pytest.raises(OutcomeUnknown) as caught:
        stripe.look_up(look_up_request(paid, provider_payment_id=""))
    assert caught.value.code == "look_up_incomplete"


def test_an_error_that_is_no_absence_is_raised(stripe, sandbox):
    paid = stripe.pay(pay_request()).fact
    for status, raised in ((500, OutcomeUnknown), (404, Refused), (401, Misconfigured)):
        sandbox.fault("status", status=status, body=error("something_else"))
        with pytest.raises(raised):
            stripe.look_up(look_up_request(paid))
        sandbox.clear_faults()


@pytest.mark.parametrize(("status", "raised"), [(429, Throttled), (500, OutcomeUnknown), (400, Refused)])
def test_a_page_that_could_not_be_closed_is_still_open(stripe, sandbox, status, raised):
    page = stripe.pay(pay_request("", flow=Flow.HOSTED)).fact
    sandbox.fault("status", operation="*", status=status, body=error("something_else"))
    with pytest.raises(raised):
        stripe.cancel(cancel_request(page))
    assert stripe.look_up(look_up_request(page)).stage is Stage.OPEN


def test_a_refund_that_is_not_the_one_asked_for_is_no_answer(stripe, sandbox):
    paid = stripe.pay(pay_request()).fact
    mine = {"hub_refund": "mine"}
    other = {"id": "re_1", "object": "refund", "amount": 1, "currency": "usd", "status": "succeeded"}
    for body in (
        other,
        {**other, "metadata": mine, "payment_intent": "pi_other"},
        {**other, "metadata": mine, "id": "x"},
    ):
        sandbox.fault("status", operation="refunds.create", status=200, body=body)
        with pytest.raises(OutcomeUnknown) as caught:
            stripe.refund(refund_request(paid, 1, refund_reference="mine"))
        assert caught.value.code == "unexpected_object"
        sandbox.clear_faults()


def test_a_429_without_any_json_is_still_a_throttle(connect):
    page = answer(b"<html>slow down</html>", status="429 Too Many Requests", headers="Retry-After: 9\r\n")
    with RawServer(sends(page)) as server, pytest.raises(Throttled) as caught:
        connect(API_BASE=server.url).pay(pay_request())
    assert caught.value.retry_after_s == 9
