"""What the provider says when PayPal, or the way to it, misbehaves (F1-F14), and how a later try finds the truth."""

from __future__ import annotations

import socket
import time
import traceback

import pytest

from django_payments_hub.domain.statuses import Stage
from django_payments_hub.exceptions import Misconfigured, NotSent, OutcomeUnknown, Refused, Throttled
from tests.providers.paypal.harness import (
    Bench,
    cancel_request,
    capture_request,
    confirm_request,
    look_up_request,
    pay_request,
    recovering,
    refund_look_up,
    refund_request,
)

KINDS = ["hang", "drip", "reset", "close", "truncate", "garbage", "html", "huge", "redirect", "empty"]


def once_let_go(call, request):
    """The call, repeated while PayPal still works on an earlier one with the same key (409)."""
    ends_at = time.monotonic() + 10
    while True:
        try:
            return call(request)
        except OutcomeUnknown as error:
            if error.details.get("status") != 409 or time.monotonic() > ends_at:
                raise
            time.sleep(0.05)


def error(name: str = "UNPROCESSABLE_ENTITY", issue: str = "") -> dict[str, object]:
    body: dict[str, object] = {"name": name, "message": "canary text of PayPal's", "debug_id": "x"}
    return {**body, "details": [{"issue": issue, "description": "canary"}]} if issue else body


@pytest.mark.parametrize(
    ("status", "body", "raised", "code"),
    [
        (400, error("INVALID_REQUEST", "INVALID_PARAMETER_VALUE"), Refused, "invalid_request"),
        (400, error("INVALID_REQUEST", "DUPLICATE_REQUEST_ID"), Refused, "idempotency_mismatch"),
        (422, error(issue="CURRENCY_MISMATCH"), Refused, "invalid_request"),
        (422, error(issue="REFUND_TIME_LIMIT_EXCEEDED"), Refused, "refund_refused"),
        (415, error("UNSUPPORTED_MEDIA_TYPE"), Refused, "invalid_request"),
        (422, error(issue="ORDER_COMPLETION_IN_PROGRESS"), OutcomeUnknown, "outcome_unknown"),
        (422, error(issue="DUPLICATE_INVOICE_ID"), OutcomeUnknown, "outcome_unknown"),
        (401, error("AUTHENTICATION_FAILURE"), Misconfigured, "provider_misconfigured"),
        (403, error("NOT_AUTHORIZED", "PERMISSION_DENIED"), Misconfigured, "provider_misconfigured"),
        (409, error("RESOURCE_CONFLICT", "PREVIOUS_REQUEST_IN_PROGRESS"), OutcomeUnknown, "outcome_unknown"),
        (429, error("RATE_LIMIT_REACHED"), Throttled, "provider_throttled"),
        (429, {}, Throttled, "provider_throttled"),
        (500, error("INTERNAL_SERVER_ERROR"), OutcomeUnknown, "outcome_unknown"),
        (502, {}, OutcomeUnknown, "outcome_unknown"),
        (503, error("SERVICE_UNAVAILABLE"), OutcomeUnknown, "outcome_unknown"),
        (400, {}, OutcomeUnknown, "outcome_unknown"),
        (403, {}, OutcomeUnknown, "outcome_unknown"),
        (422, {"details": "text", "name": 5}, OutcomeUnknown, "outcome_unknown"),
        (418, error("TEAPOT"), OutcomeUnknown, "outcome_unknown"),
        (200, {}, OutcomeUnknown, "outcome_unknown"),
        (200, {"id": "../x"}, OutcomeUnknown, "unexpected_object"),
        (200, {"id": 5}, OutcomeUnknown, "outcome_unknown"),
    ],
)
@pytest.mark.parametrize("operation", ["orders.create", "captures.refund"])
def test_an_answer_is_classified(bench, operation, status, body, raised, code):
    refund = refund_request(bench.paid(), 100)
    bench.sandbox.fault("status", operation=operation, status=status, body=body, times=2)
    with pytest.raises(raised) as caught:
        bench.provider.pay(pay_request()) if operation == "orders.create" else bench.provider.refund(refund)
    assert type(caught.value) is raised
    assert caught.value.code == code
    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_nothing_is_tried_twice_by_itself(paypal, sandbox):
    for status in (500, 409, 429, 502):
        sandbox.fault("status", operation="orders.create", status=status)
        with pytest.raises((OutcomeUnknown, Throttled)):
            paypal.pay(pay_request())
        sandbox.clear_faults()
    assert [call["status"] for call in sandbox.calls("orders.create")] == [500, 409, 429, 502]


def test_a_refused_connection_is_not_sent(connect):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(NotSent):
        connect(API_BASE=base, WEBHOOK_ROOT_CERTIFICATE=None).pay(pay_request())


def test_a_host_that_does_not_resolve_is_not_sent(connect):
    with pytest.raises(NotSent):
        connect(API_BASE="https://paypal.invalid", WEBHOOK_ROOT_CERTIFICATE=None).pay(pay_request())


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_happens_to_the_answer_of_a_capture_the_truth_is_found(hasty, paypal, sandbox, kind, when):
    bench = Bench(hasty, sandbox)
    request = confirm_request(bench.approved())
    sandbox.fault(kind, operation="orders.capture", when=when)
    started = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        hasty.confirm(request)
    assert time.monotonic() - started < 4
    sandbox.clear_faults()
    assert once_let_go(paypal.confirm, recovering(request)).fact.captured_minor == 1250
    assert bench.books()["captured"] == 1250


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["reset", "garbage", "status", "empty"])
def test_a_lost_answer_to_a_saved_methods_payment_moves_the_money_once(bench, kind, when):
    request = bench.token_request()
    bench.sandbox.fault(kind, operation="orders.create", when=when)
    with pytest.raises(OutcomeUnknown):
        bench.provider.pay(request)
    bench.sandbox.clear_faults()
    result = once_let_go(bench.provider.pay, recovering(request))
    assert result.fact.captured_minor == 1250
    assert bench.books()["captured"] == 2500, "the payment that saved the method, and this one"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["reset", "garbage", "status", "empty", "hang"])
def test_every_other_call_that_moves_money_has_its_effect_once(hasty, sandbox, kind, when):
    bench = Bench(hasty, sandbox)

    def twice(call, request, operation):
        sandbox.fault(kind, operation=operation, when=when)
        with pytest.raises(OutcomeUnknown):
            call(request)
        sandbox.clear_faults()
        return once_let_go(call, recovering(request)).fact

    held = twice(hasty.confirm, confirm_request(bench.approved(capture_method=_manual())), "orders.authorize")
    assert held.capturable_minor == 1250
    taken = twice(hasty.capture, capture_request(held, 1000), "authorizations.capture")
    assert taken.captured_minor == 1000
    refund = refund_request(taken, 400)
    assert twice(hasty.refund, refund, "captures.refund").amount_minor == 400
    assert hasty.look_up_refund(refund_look_up(refund)).amount_minor == 400
    other = bench.held()
    assert twice(hasty.cancel, cancel_request(other), "authorizations.void").stage is Stage.CANCELLED
    books = bench.books()
    assert (books["captured"], books["refunded"]) == (1000, 400)


def _manual():
    from django_payments_hub.domain.statuses import CaptureMethod

    return CaptureMethod.MANUAL


@pytest.mark.parametrize("kind", ["unknown_status", "missing_id", "wrong_id"])
def test_an_answer_that_lies_about_itself_is_unknown(bench, kind):
    request = confirm_request(bench.approved())
    bench.sandbox.fault(kind, operation="orders.capture", when="after")
    with pytest.raises(OutcomeUnknown):
        bench.provider.confirm(request)
    assert bench.provider.confirm(recovering(request)).fact.captured_minor == 1250
    assert bench.books()["captured"] == 1250


def test_another_amount_or_currency_is_told_as_it_came(bench):
    bench.sandbox.fault("wrong_amount", operation="orders.create", when="after")
    assert bench.provider.pay(pay_request()).fact.amount_minor == 1251
    bench.sandbox.clear_faults()
    bench.sandbox.fault("wrong_currency", operation="orders.create", when="after")
    assert bench.provider.pay(pay_request()).fact.currency == "EUR"


def test_fields_of_tomorrow_do_no_harm(bench):
    bench.sandbox.fault("extra_fields", when="after", times=9)
    assert bench.paid().captured_minor == 1250


def test_an_order_made_for_something_else_is_not_taken_for_ours(bench):
    other = bench.provider.pay(pay_request()).fact
    order = {
        "id": other.provider_session_id,
        "status": "CREATED",
        "purchase_units": [{"custom_id": other.reference, "amount": {"currency_code": "USD", "value": "12.50"}}],
    }
    bench.sandbox.fault("status", operation="orders.create", status=200, body=order)
    with pytest.raises(OutcomeUnknown) as caught:
        bench.provider.pay(pay_request())
    assert caught.value.code == "unexpected_object"


@pytest.mark.parametrize("kind", ["reset", "garbage", "status", "wrong_id"])
def test_a_look_up_without_an_answer_is_not_taken_for_an_absence(bench, kind):
    paid = bench.paid()
    bench.sandbox.fault(kind, when="after", times=9)
    with pytest.raises(OutcomeUnknown):
        bench.provider.look_up(look_up_request(paid))
    with pytest.raises(OutcomeUnknown):
        bench.provider.look_up_refund(refund_look_up(refund_request(paid, 100)))


def test_a_404_that_is_not_paypals_is_no_absence(bench):
    paid = bench.paid()
    bench.sandbox.fault("status", operation="orders.get", status=404, body={"message": "from a proxy"})
    with pytest.raises(OutcomeUnknown):
        bench.provider.look_up(look_up_request(paid))


@pytest.mark.parametrize(
    ("issue", "stage"), [("AUTHORIZATION_VOIDED", Stage.AUTHORIZED), ("PAYER_CANNOT_PAY", Stage.AUTHORIZED)]
)
def test_a_capture_that_paypal_refuses_tells_how_the_authorization_stands(bench, issue, stage):
    held = bench.held()
    bench.sandbox.fault("status", operation="authorizations.capture", status=422, body=error(issue=issue))
    result = bench.provider.capture(capture_request(held, 1250))
    assert (result.fact.stage, result.failure.provider_code) == (stage, issue)


def test_a_void_that_paypal_refuses_tells_how_the_authorization_stands(bench):
    held = bench.held()
    bench.sandbox.fault("status", operation="authorizations.void", status=422, body=error(issue="PREVIOUSLY_CAPTURED"))
    result = bench.provider.cancel(cancel_request(held))
    assert (result.fact.stage, result.failure is not None) == (Stage.AUTHORIZED, True)


def test_an_order_that_is_over_and_shown_as_open_is_in_doubt(bench):
    approved = bench.approved()
    over = error(issue="ORDER_ALREADY_CAPTURED")
    bench.sandbox.fault("status", operation="orders.capture", status=422, body=over)
    with pytest.raises(OutcomeUnknown):
        bench.provider.confirm(confirm_request(approved))


def test_an_order_that_is_over_tells_how_it_ended(bench):
    approved = bench.approved()
    over = error(issue="ORDER_ALREADY_CAPTURED")
    bench.sandbox.fault("status", operation="orders.capture", when="after", status=422, body=over)
    result = bench.provider.confirm(confirm_request(approved))
    assert (result.fact.captured_minor, result.failure) == (1250, None)


def test_an_order_that_lapsed_is_expired(bench):
    approved = bench.approved()
    bench.sandbox.fault("status", operation="orders.capture", status=422, body=error(issue="ORDER_EXPIRED"))
    result = bench.provider.confirm(confirm_request(approved))
    assert (result.fact.stage, result.failure.code.value) == (Stage.EXPIRED, "expired")
