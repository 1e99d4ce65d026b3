"""What the provider says when Square, or the way to it, misbehaves (F1-F14), and how a later try finds the truth."""

from __future__ import annotations

import logging
import socket
import time
import traceback
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from django_payments_hub.domain.statuses import CaptureMethod, FailureCode, Stage
from django_payments_hub.exceptions import Misconfigured, NotSent, OutcomeUnknown, ProviderError, Refused, Throttled
from django_payments_hub.provider_kit.method_types import CustomerRequest
from django_payments_hub.provider_kit.types import LookUpRequest
from tests.provider_kit.raw_server import RawServer, answer, sends
from tests.providers.square.harness import (
    LOCATION,
    TOKEN,
    HastyProvider,
    cancel_request,
    capture_request,
    hold_request,
    link_request,
    look_up_request,
    pay_request,
    recovering,
    refund_look_up,
    refund_request,
)
from tests.providers.square.payloads import REFUND

CREATE, COMPLETE = "payments.create", "payments.complete"


def totals(sandbox) -> dict[str, int]:
    return dict(sandbox.ledger()["totals"].get("USD", {"captured": 0, "refunded": 0}))


# -- every class of error --------------------------------------------------------------------------------------------


def errors(code: str, category: str = "INVALID_REQUEST_ERROR", **more: str) -> dict[str, list[dict[str, str]]]:
    return {"errors": [{"category": category, "code": code, "detail": "canary text of Square's", **more}]}


@pytest.mark.parametrize(
    ("status", "body", "raised", "code"),
    [
        (400, errors("MISSING_REQUIRED_PARAMETER"), Refused, "invalid_request"),
        (404, errors("NOT_FOUND"), Refused, "invalid_request"),
        (422, errors("UNPROCESSABLE_ENTITY"), Refused, "invalid_request"),
        (400, errors("IDEMPOTENCY_KEY_REUSED"), Refused, "idempotency_mismatch"),
        (400, errors("PAYMENT_NOT_REFUNDABLE", "REFUND_ERROR"), Refused, "refund_refused"),
        (404, errors("PAYMENT_NOT_REFUNDABLE_DUE_TO_DISPUTE"), Refused, "refund_refused"),
        (401, errors("UNAUTHORIZED", "AUTHENTICATION_ERROR"), Misconfigured, "provider_misconfigured"),
        (401, errors("ACCESS_TOKEN_EXPIRED", "AUTHENTICATION_ERROR"), Misconfigured, "provider_misconfigured"),
        (403, errors("INSUFFICIENT_SCOPES", "AUTHENTICATION_ERROR"), Misconfigured, "provider_misconfigured"),
        (403, errors("FORBIDDEN"), Misconfigured, "provider_misconfigured"),
        (429, errors("RATE_LIMITED", "RATE_LIMIT_ERROR"), Throttled, "provider_throttled"),
        (429, {}, Throttled, "provider_throttled"),
        (400, errors("RATE_LIMITED", "RATE_LIMIT_ERROR"), Throttled, "provider_throttled"),
        (408, errors("REQUEST_TIMEOUT"), OutcomeUnknown, "outcome_unknown"),
        (409, errors("CONFLICT"), OutcomeUnknown, "outcome_unknown"),
        (400, errors("VERSION_MISMATCH"), OutcomeUnknown, "outcome_unknown"),
        (400, errors("TEMPORARY_ERROR", "PAYMENT_METHOD_ERROR"), OutcomeUnknown, "outcome_unknown"),
        (500, errors("INTERNAL_SERVER_ERROR", "API_ERROR"), OutcomeUnknown, "outcome_unknown"),
        (502, {}, OutcomeUnknown, "outcome_unknown"),
        (503, errors("SERVICE_UNAVAILABLE", "API_ERROR"), OutcomeUnknown, "outcome_unknown"),
        (504, {"errors": "text"}, OutcomeUnknown, "outcome_unknown"),
        (400, {}, OutcomeUnknown, "outcome_unknown"),
        (404, {"message": "not from Square"}, OutcomeUnknown, "outcome_unknown"),
        (200, {}, OutcomeUnknown, None),
        (200, {"payment": {}, "refund": {}}, OutcomeUnknown, None),
        (200, {"payment": [], "refund": 5}, OutcomeUnknown, None),
        (200, {"payment": {"id": "x", "reference_id": 5}, "refund": {"id": "x", "reason": 5}}, OutcomeUnknown, None),
        (200, {"payment": {"id": "x"}, "refund": {"id": "x", "reason": "[x]"}}, OutcomeUnknown, "unexpected_object"),
    ],
)
@pytest.mark.parametrize("operation", ["pay", "refund"])
def test_an_answer_is_classified(square, sandbox, operation, status, body, raised, code):
    paid = square.pay(pay_request()).fact
    sandbox.fault("status", status=status, body=body)
    with pytest.raises(raised) as caught:
        square.pay(pay_request()) if operation == "pay" else square.refund(refund_request(paid, 100))
    assert type(caught.value) is raised
    assert code is None or caught.value.code == code
    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_the_wait_that_square_asks_for_is_told(square, sandbox):
    sandbox.fault("status", status=429, headers={"Retry-After": "7"})
    with pytest.raises(Throttled) as caught:
        square.pay(pay_request())
    assert caught.value.retry_after_s == 7


def test_nothing_is_tried_twice_by_itself(square, sandbox):
    for status in (500, 409, 429, 408, 502):
        sandbox.fault("status", status=status)
        with pytest.raises((OutcomeUnknown, Throttled)):
            square.pay(pay_request())
        sandbox.clear_faults()
    assert [call["status"] for call in sandbox.calls()] == [500, 409, 429, 408, 502]


def test_a_decline_is_seen_beside_other_errors(square, sandbox):
    first, second = errors("BAD_REQUEST"), errors("CVV_FAILURE", "PAYMENT_METHOD_ERROR")
    body = {"errors": first["errors"] + second["errors"]}
    sandbox.fault("status", status=400, body=body)
    assert square.pay(pay_request()).failure.code is FailureCode.INCORRECT_CVC


@pytest.mark.parametrize("beside", [("TEMPORARY_ERROR", "PAYMENT_METHOD_ERROR"), ("BAD_GATEWAY", "API_ERROR")])
def test_a_decline_beside_what_leaves_the_outcome_open_decides_nothing(square, sandbox, beside):
    declined, open_ = errors("CVV_FAILURE", "PAYMENT_METHOD_ERROR"), errors(*beside)
    sandbox.fault("status", status=400, body={"errors": declined["errors"] + open_["errors"]})
    with pytest.raises(OutcomeUnknown):
        square.pay(pay_request())


def test_a_decline_where_nothing_can_be_declined_is_refused_with_its_code(square, sandbox):
    sandbox.fault("status", status=402, body=errors("INSUFFICIENT_FUNDS", "PAYMENT_METHOD_ERROR"))
    with pytest.raises(Refused) as caught:
        square.pay(link_request())
    assert (caught.value.code, caught.value.provider_code) == ("insufficient_funds", "INSUFFICIENT_FUNDS")


def test_a_decline_of_a_refund_names_the_code(square, sandbox):
    paid = square.pay(pay_request()).fact
    sandbox.fault("status", status=400, body=errors("REFUND_DECLINED", "REFUND_ERROR"))
    with pytest.raises(Refused) as caught:
        square.refund(refund_request(paid, 100))
    assert caught.value.provider_code == "REFUND_DECLINED"


def test_a_refused_connection_is_not_sent(connect):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(NotSent):
        connect(API_BASE=base).pay(pay_request())


@pytest.mark.parametrize("token", ["EAAA-revoked", "EAAA-expired", "sq0csp-a-secret-not-a-token"])
def test_a_token_that_square_does_not_accept_is_the_account_s_fault(connect, token):
    with pytest.raises(Misconfigured):
        connect(ACCESS_TOKEN=token).pay(pay_request())


CALLS = {
    "pay": lambda square, _: square.pay(pay_request()),
    "link": lambda square, _: square.pay(link_request()),
    "capture": lambda square, held: square.capture(capture_request(held, 5_00)),
    "cancel": lambda square, held: square.cancel(cancel_request(held)),
    "refund": lambda square, held: square.refund(refund_request(held, 1_00)),
    "look up": lambda square, held: square.look_up(look_up_request(held)),
    "look up by reference": lambda square, held: square.look_up(look_up_request(held, provider_payment_id="")),
    "look up a refund": lambda square, held: square.look_up_refund(refund_look_up(refund_request(held, 1_00))),
    "make a customer": lambda square, _: square.create_customer(CustomerRequest(idempotency_key="k", reference="r")),
    "list cards": lambda square, _: square.list_methods("CUSTOMER"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("kind", ["reset", "close", "truncate", "garbage", "html", "empty", "huge", "redirect"])
def test_no_readable_answer_is_an_unknown_outcome(square, sandbox, call, kind):
    held = square.pay(hold_request()).fact
    sandbox.fault(kind, times=5)
    with pytest.raises(OutcomeUnknown):
        call(square, held)


@pytest.mark.parametrize("kind", ["hang", "drip"])
def test_a_slow_answer_is_given_up_in_time(hasty, sandbox, kind):
    sandbox.fault(kind, seconds=30)
    started = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        hasty.pay(pay_request())
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("kind", ["missing_id", "unknown_status"])
@pytest.mark.parametrize("capture_method", list(CaptureMethod))
def test_an_answer_that_makes_no_sense_is_an_unknown_outcome(square, sandbox, kind, capture_method):
    sandbox.fault(kind, when="after")
    with pytest.raises(OutcomeUnknown):
        square.pay(pay_request(capture_method=capture_method))


def test_another_amount_in_the_answer_is_told_as_it_is(square, sandbox):
    """The core quarantines it."""
    sandbox.fault("wrong_amount", when="after")
    assert square.pay(pay_request()).fact.amount_minor != 12_50


def test_extra_fields_do_not_matter(square, sandbox):
    sandbox.fault("extra_fields", when="after")
    assert square.pay(pay_request()).fact.stage is Stage.CAPTURED


def test_a_call_cannot_be_redirected(connect):
    with RawServer(sends(answer(b"", status="302 Found", headers="Location: http://127.0.0.1:1/\r\n"))) as server:
        with pytest.raises(OutcomeUnknown):
            connect(API_BASE=server.url).pay(pay_request())
        assert len(server.requests) == 1


def test_a_list_that_never_ends_is_given_up(connect):
    with RawServer(sends(answer(b'{"payments": [], "cursor": "again"}'))) as server:
        square = connect(API_BASE=server.url)
        with pytest.raises(OutcomeUnknown) as caught:
            square.look_up(LookUpRequest(reference="ours", amount_minor=1, currency="USD"))
    assert caught.value.code == "look_up_incomplete"


def test_a_search_looks_only_where_the_payment_can_be(connect):
    """At a busy counter everything since would be more than can be read."""
    since = datetime.now(UTC) - timedelta(days=2)
    until = since + timedelta(seconds=61)
    request = LookUpRequest(reference="ours", amount_minor=1, currency="USD", since=since, may_arrive_until=until)
    with RawServer(sends(answer(b'{"payments": []}'))) as server:
        assert connect(API_BASE=server.url).look_up(request) is None
        asked = parse_qs(urlsplit(server.requests[0].split()[1].decode()).query)
    begin, end = (datetime.fromisoformat(asked[name][0]) for name in ("begin_time", "end_time"))
    assert begin < since
    assert until < end < until + timedelta(minutes=10)


# -- pay in doubt -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("capture_method", list(CaptureMethod))
def test_a_payment_that_was_made_is_found_and_not_made_again(square, sandbox, capture_method):
    request = pay_request(capture_method=capture_method)
    sandbox.fault("reset", operation=CREATE, when="after")
    with pytest.raises(OutcomeUnknown):
        square.pay(request)
    result = square.pay(recovering(request))
    assert (result.fact.reference, result.fact.authorized_minor) == (request.reference, 12_50)
    assert len(sandbox.calls(CREATE)) == 1


def test_a_decline_whose_answer_was_lost_is_found(square, sandbox):
    request = pay_request("cnon:card-nonce-declined")
    sandbox.fault("reset", operation=CREATE, when="after")
    with pytest.raises(OutcomeUnknown):
        square.pay(request)
    assert square.pay(recovering(request)).failure.provider_code == "GENERIC_DECLINE"


def test_a_payment_that_was_not_made_is_ruled_out_and_ends(square, sandbox):
    request = pay_request()
    sandbox.fault("reset", operation=CREATE, when="before")
    with pytest.raises(OutcomeUnknown):
        square.pay(request)
    with pytest.raises(OutcomeUnknown) as caught:
        square.pay(recovering(request, arrived_s_ago=14))
    assert caught.value.code == "too_early"
    assert sandbox.calls("payments.cancel_by_idempotency_key") == []
    with pytest.raises(Refused) as refused:
        square.pay(recovering(request, arrived_s_ago=16))
    assert refused.value.code == "provider_unavailable"
    assert len(sandbox.calls(CREATE)) == 1
    assert totals(sandbox)["captured"] == 0


def test_a_held_payment_that_the_list_does_not_show_yet_is_cancelled_by_its_key(hasty, sandbox):
    sandbox.deed("behaviour", account=TOKEN, list_lag_s=30)
    request = hold_request()
    sandbox.fault("reset", operation=CREATE, when="after")
    with pytest.raises(OutcomeUnknown):
        hasty.pay(request)
    with pytest.raises(Refused):
        hasty.pay(recovering(request))
    (sums,) = sandbox.ledger()["payments"].values()
    assert (sums["authorized"], sums["released"], sums["captured"]) == (12_50, 12_50, 0)


def test_a_charge_that_the_list_does_not_show_yet_stays_unknown_until_it_does(hasty, sandbox):
    sandbox.deed("behaviour", account=TOKEN, list_lag_s=30)
    request = pay_request()
    sandbox.fault("reset", operation=CREATE, when="after")
    with pytest.raises(OutcomeUnknown):
        hasty.pay(request)
    with pytest.raises(OutcomeUnknown):
        hasty.pay(recovering(request))
    sandbox.advance(60)
    assert hasty.pay(recovering(request)).fact.captured_minor == 12_50
    assert totals(sandbox)["captured"] == 12_50


@pytest.mark.parametrize("operation", ["payments.list", "payments.cancel_by_idempotency_key"])
@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_question_that_is_refused_proves_nothing(hasty, sandbox, operation, status):
    sandbox.fault("status", operation=operation, status=status)
    with pytest.raises(OutcomeUnknown):
        hasty.pay(recovering(pay_request()))


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_link_is_made_again_since_nobody_could_have_paid_the_first(square, sandbox, when):
    request = link_request()
    sandbox.fault("reset", operation="payment_links.create", when=when)
    with pytest.raises(OutcomeUnknown):
        square.pay(request)
    made = square.pay(recovering(request)).fact
    sandbox.pay_session(made.provider_session_id)
    assert square.look_up(look_up_request(made)).captured_minor == 12_50
    assert totals(sandbox)["captured"] == 12_50


def test_a_link_of_another_payment_is_no_answer(square, sandbox):
    link = {"id": "X", "url": "https://x.example", "order_id": "o", "payment_note": "another"}
    sandbox.fault("status", status=200, body={"payment_link": link})
    with pytest.raises(OutcomeUnknown) as caught:
        square.pay(link_request())
    assert caught.value.code == "unexpected_object"


# -- capture and cancel in doubt --------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["payments.update", COMPLETE])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_capture_in_doubt_is_finished_once(square, sandbox, operation, when):
    held = square.pay(hold_request()).fact
    request = capture_request(held, 7_00)
    sandbox.fault("reset", operation=operation, when=when)
    with pytest.raises(OutcomeUnknown):
        square.capture(request)
    assert square.capture(recovering(request)).fact.captured_minor == 7_00
    assert totals(sandbox)["captured"] == 7_00


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_cancellation_in_doubt_is_finished_once(square, sandbox, when):
    held = square.pay(hold_request()).fact
    request = cancel_request(held)
    sandbox.fault("reset", operation="payments.cancel", when=when)
    with pytest.raises(OutcomeUnknown):
        square.cancel(request)
    result = square.cancel(recovering(request))
    assert (result.fact.stage, result.failure) == (Stage.CANCELLED, None)


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_withdrawal_of_a_link_in_doubt_is_finished(square, sandbox, when):
    made = square.pay(link_request()).fact
    request = cancel_request(made)
    sandbox.fault("reset", operation="payment_links.delete", when=when)
    with pytest.raises(OutcomeUnknown):
        square.cancel(request)
    assert square.cancel(recovering(request)).fact.stage is Stage.CANCELLED


def test_a_capture_in_doubt_is_not_failed_by_a_refused_question(square, sandbox):
    held = square.pay(hold_request()).fact
    sandbox.fault("status", operation="payments.get", status=404, times=2)
    with pytest.raises(Refused):
        square.capture(capture_request(held, 7_00))
    with pytest.raises(OutcomeUnknown):
        square.capture(recovering(capture_request(held, 7_00)))


def test_a_refused_capture_leaves_the_payment_held(square, sandbox):
    held = square.pay(hold_request()).fact
    sandbox.fault("status", operation=COMPLETE, status=400, body=errors("GENERIC_DECLINE", "PAYMENT_METHOD_ERROR"))
    result = square.capture(capture_request(held, 12_50))
    assert (result.fact.stage, result.failure.code) == (Stage.AUTHORIZED, FailureCode.CARD_DECLINED)


def test_a_refused_cancellation_of_a_held_payment_is_an_error(square, sandbox):
    held = square.pay(hold_request()).fact
    sandbox.fault("status", operation="payments.cancel", status=400)
    with pytest.raises(Refused):
        square.cancel(cancel_request(held))


@pytest.mark.parametrize("operation", ["payment_links.get", "orders.get"])
def test_the_withdrawal_of_a_link_in_doubt_is_not_failed_by_a_refused_question(square, sandbox, operation):
    made = square.pay(link_request()).fact
    sandbox.fault("status", operation=operation, status=400, times=2)
    with pytest.raises(Refused):
        square.cancel(cancel_request(made))
    with pytest.raises(OutcomeUnknown):
        square.cancel(recovering(cancel_request(made)))


def test_a_link_that_was_taken_away_is_not_said_to_stand_because_a_question_was_refused(square, sandbox):
    made = square.pay(link_request()).fact
    sandbox.fault("status", operation="payments.list", status=400)
    with pytest.raises(OutcomeUnknown):
        square.cancel(cancel_request(made))
    assert square.cancel(cancel_request(made)).fact.stage is Stage.CANCELLED


@pytest.mark.parametrize("operation", ["payments.cancel", COMPLETE])
def test_a_refused_question_after_a_refused_call_proves_nothing(square, sandbox, operation):
    held = square.pay(hold_request()).fact
    sandbox.fault("status", operation=operation, status=400)
    nth = 2 if operation == COMPLETE else 1  # a capture has looked before
    sandbox.fault("status", operation="payments.get", status=400, nth=nth)
    with pytest.raises(OutcomeUnknown):
        square.capture(capture_request(held, 12_50)) if operation == COMPLETE else square.cancel(cancel_request(held))


def test_a_capture_of_another_amount_than_asked_is_no_answer(square, sandbox):
    held = square.pay(hold_request()).fact
    sandbox.fault("wrong_amount", operation=COMPLETE, when="after")
    with pytest.raises(OutcomeUnknown):
        square.capture(capture_request(held, 7_00))
    assert square.capture(recovering(capture_request(held, 7_00))).fact.captured_minor == 7_00


def test_a_refused_withdrawal_of_a_link_is_an_error(square, sandbox):
    made = square.pay(link_request()).fact
    sandbox.fault("status", operation="payment_links.delete", status=400)
    with pytest.raises(Refused):
        square.cancel(cancel_request(made))


# -- answers about something else -------------------------------------------------------------------------------------


CARD = {"id": "ccof:x", "customer_id": "ANOTHER", "enabled": True}
ELSEWHERE = {
    "another customer": (
        "customers.create",
        {"customer": {"id": "C", "reference_id": "another"}},
        lambda square, _: square.create_customer(CustomerRequest(idempotency_key="k", reference="ours")),
    ),
    "another customer's card": ("cards.list", {"cards": [CARD]}, lambda square, _: square.list_methods("OURS")),
    "an id that cannot be one": (
        "customers.create",
        {"customer": {"id": "../x", "reference_id": "ours"}},
        lambda square, _: square.create_customer(CustomerRequest(idempotency_key="k", reference="ours")),
    ),
    "another payment": (
        "payments.get",
        {"payment": {"id": "another"}},
        lambda square, held: square.look_up(look_up_request(held)),
    ),
    "an amount that was not changed": (
        "payments.update",
        {"payment": {"id": None, "total_money": {"amount": 1, "currency": "USD"}}},
        lambda square, held: square.capture(capture_request(held, 5_00)),
    ),
    "another refund": (
        "refunds.get",
        {"refund": {"id": "another"}},
        lambda square, held: square.look_up_refund(refund_look_up(refund_request(held, 1), provider_refund_id="ours")),
    ),
    "another payment's refund": (
        "refunds.get",
        {"refund": REFUND},
        lambda square, held: square.look_up_refund(
            refund_look_up(refund_request(held, 1), provider_refund_id=REFUND["id"])
        ),
    ),
    "another location's refund": (
        "refunds.get",
        {"refund": {**REFUND, "location_id": "LHUB0002"}},
        lambda square, held: square.look_up_refund(
            refund_look_up(refund_request(held, 1), provider_refund_id=REFUND["id"], provider_payment_id="")
        ),
    ),
    "refunds that are no ids": (
        "payments.get",
        {"payment": {"id": None, "refund_ids": [5]}},
        lambda square, held: square.look_up_refund(refund_look_up(refund_request(held, 1))),
    ),
}


@pytest.mark.parametrize(("operation", "body", "call"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_an_answer_about_something_else_is_no_answer(square, sandbox, operation, body, call):
    held = square.pay(hold_request()).fact
    if body.get("payment", {}).get("id", "") is None:
        body = {"payment": {**body["payment"], "id": held.provider_payment_id}}
    sandbox.fault("status", operation=operation, status=200, body=body)
    with pytest.raises(OutcomeUnknown):
        call(square, held)


@pytest.mark.parametrize(
    ("status", "body", "raised"),
    [
        (404, errors("NOT_FOUND"), None),
        (200, {"order": {"id": "o", "location_id": "LHUB0002"}}, OutcomeUnknown),
        (200, {"order": {"id": "o", "location_id": LOCATION, "tenders": "x"}}, OutcomeUnknown),
        (500, {}, OutcomeUnknown),
    ],
)
def test_a_link_whose_order_cannot_be_read_is_not_called_open(square, sandbox, status, body, raised):
    made = square.pay(link_request()).fact
    sandbox.pay_session(made.provider_session_id)
    sandbox.fault("status", operation="orders.get", status=status, body=body)
    if raised is None:  # the payments themselves tell
        assert square.look_up(look_up_request(made)).captured_minor == 12_50
        return
    with pytest.raises(raised):
        square.look_up(look_up_request(made))


def test_a_capture_that_somebody_else_made_in_between_is_found(square, sandbox, wire, monkeypatch):
    held = square.pay(hold_request()).fact
    seen = square._payments.retrieve(held.provider_payment_id)
    wire("POST", f"/v2/payments/{held.provider_payment_id}/complete", {})
    first = iter([{**seen, "version_token": None}])
    retrieve = square._payments.retrieve
    monkeypatch.setattr(square._payments, "retrieve", lambda payment_id: next(first, None) or retrieve(payment_id))
    assert square.capture(capture_request(held, 12_50)).fact.captured_minor == 12_50


def test_a_held_payment_shown_only_after_its_cancellation_is_told_as_cancelled(hasty, sandbox, monkeypatch):
    request = hold_request()
    sandbox.fault("reset", operation=CREATE, when="after")
    with pytest.raises(OutcomeUnknown):
        hasty.pay(request)
    first, of_reference = iter([True]), hasty._payments.of_reference
    late = lambda *args: None if next(first, False) else of_reference(*args)  # noqa: E731
    monkeypatch.setattr(hasty._payments, "of_reference", late)
    result = hasty.pay(recovering(request))
    assert (result.fact.stage, result.failure.code) == (Stage.CANCELLED, FailureCode.PROCESSING_ERROR)


def test_a_call_that_the_sdk_cannot_even_send_is_no_answer(square):
    def broken(_client):
        raise ValueError("canary")

    for call in (broken, lambda _client: None):
        with pytest.raises(OutcomeUnknown) as caught:
            square._api.attempt(call)
        assert "canary" not in str(caught.value)


# -- what is not told -------------------------------------------------------------------------------------------------


def test_neither_token_nor_nonce_nor_body_reaches_a_log_or_an_error(connect, sandbox, caplog):
    word = "".join(("ca", "nary"))  # not written out, since a traceback shows this file's lines
    secret, nonce = f"EAAA{word}token", f"cnon:{word}-nonce"
    sandbox.deed("location", account=secret, id=LOCATION, currency="USD")
    square = connect(HastyProvider, ACCESS_TOKEN=secret)
    faults = ({"kind": "status", "status": 500}, {"kind": "status", "status": 401}, {"kind": "reset"}, {"kind": "html"})
    told = []
    with caplog.at_level(logging.DEBUG):
        square.pay(pay_request(nonce, description=f"{word}-words"))
        for fault in faults:
            sandbox.fault(**fault)
            with pytest.raises(ProviderError) as caught:
                square.pay(pay_request(nonce, description=f"{word}-words"))
            told.append("".join(traceback.format_exception(caught.value)) + repr(caught.value.details))
            walked = {frame.f_code.co_filename for frame, _ in traceback.walk_tb(caught.value.__traceback__)}
            assert not any("site-packages/square" in name or "httpx" in name for name in walked)
    assert word not in caplog.text + "".join(told)
