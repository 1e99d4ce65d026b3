"""Stripe's documented payloads as facts, and every wrong shape as a malformed notice."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_payments_hub.domain.statuses import (
    DisputeStatus,
    FailureCode,
    MethodKind,
    Mode,
    NextActionKind,
    RefundStatus,
    Stage,
)
from django_payments_hub.exceptions import MalformedNotice
from django_payments_hub.provider_kit.types import DisputeFact, LookUp, PaymentFact, RefundFact
from django_payments_hub.providers.stripe import Provider
from tests.providers.stripe.harness import account

CREATED = 1_800_000_000
STRIPE = Provider(account())


def intent(**changes: Any) -> dict[str, Any]:
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "amount": 2000,
        "amount_capturable": 0,
        "amount_received": 0,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": "pi_1_secret_x",
        "created": CREATED,
        "currency": "usd",
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {"hub_payment": "pay-1", "hub_operation": "op-1"},
        "next_action": None,
        "payment_method": None,
        "status": "requires_payment_method",
        **changes,
    }


def session(**changes: Any) -> dict[str, Any]:
    return {
        "id": "cs_test_1",
        "object": "checkout.session",
        "amount_total": 2000,
        "client_reference_id": "pay-1",
        "created": CREATED,
        "currency": "usd",
        "expires_at": CREATED + 3600,
        "livemode": False,
        "metadata": {},
        "mode": "payment",
        "payment_intent": None,
        "payment_status": "unpaid",
        "status": "open",
        "url": "https://checkout.stripe.com/c/pay/cs_test_1",
        **changes,
    }


def refund(**changes: Any) -> dict[str, Any]:
    return {
        "id": "re_1",
        "object": "refund",
        "amount": 500,
        "charge": "ch_1",
        "created": CREATED,
        "currency": "usd",
        "metadata": {"hub_refund": "ref-1", "hub_payment": "pay-1"},
        "payment_intent": "pi_1",
        "reason": None,
        "status": "succeeded",
        **changes,
    }


def dispute(**changes: Any) -> dict[str, Any]:
    return {
        "id": "dp_1",
        "object": "dispute",
        "amount": 2000,
        "charge": "ch_1",
        "created": CREATED,
        "currency": "usd",
        "evidence_details": {"due_by": CREATED + 86400},
        "livemode": False,
        "metadata": {},
        "payment_intent": "pi_1",
        "reason": "fraudulent",
        "status": "needs_response",
        **changes,
    }


def event(type_: str, data: object, **changes: Any) -> dict[str, Any]:
    return {
        "id": "evt_1",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": CREATED,
        "data": {"object": data},
        "livemode": False,
        "type": type_,
        **changes,
    }


def facts(type_: str, data: object, **changes: Any) -> Any:
    return STRIPE.parse_webhook(event(type_, data, **changes))


def fact(type_: str, data: object, **changes: Any) -> Any:
    (only,) = facts(type_, data, **changes)
    return only


# -- PaymentIntents --------------------------------------------------------------------------------------------------

DECLINED = {"code": "card_declined", "decline_code": "insufficient_funds", "message": "text that is not carried on"}


@pytest.mark.parametrize(
    ("changes", "stage", "amounts"),
    [
        ({}, Stage.OPEN, (0, 0, 0)),
        ({"last_payment_error": DECLINED}, Stage.DECLINED, (0, 0, 0)),
        ({"status": "requires_confirmation"}, Stage.OPEN, (0, 0, 0)),
        ({"status": "requires_action"}, Stage.REQUIRES_ACTION, (0, 0, 0)),
        ({"status": "processing"}, Stage.PROCESSING, (0, 0, 0)),
        ({"status": "requires_capture", "amount_capturable": 2000}, Stage.AUTHORIZED, (2000, 0, 2000)),
        ({"status": "succeeded", "amount_received": 2000}, Stage.CAPTURED, (2000, 2000, 0)),
        # Partly captured: the rest was released. One of several captures: the rest is still held.
        ({"status": "succeeded", "amount_received": 700}, Stage.CAPTURED, (2000, 700, 0)),
        (
            {"status": "requires_capture", "amount_received": 700, "amount_capturable": 1300},
            Stage.AUTHORIZED,
            (2000, 700, 1300),
        ),
        ({"status": "succeeded", "amount_received": 2500}, Stage.CAPTURED, (2500, 2500, 0)),
        ({"status": "canceled", "cancellation_reason": "requested_by_customer"}, Stage.CANCELLED, (0, 0, 0)),
        ({"status": "canceled"}, Stage.CANCELLED, (0, 0, 0)),
        ({"status": "canceled", "cancellation_reason": "automatic"}, Stage.EXPIRED, (0, 0, 0)),
    ],
)
def test_a_payment_intent_is_a_snapshot_of_stage_and_amounts(changes, stage, amounts):
    told = fact("payment_intent.updated", intent(**changes))
    assert told.stage is stage
    assert (told.authorized_minor, told.captured_minor, told.capturable_minor) == amounts
    assert (told.amount_minor, told.currency, told.mode) == (2000, "USD", Mode.TEST)
    assert (told.reference, told.provider_payment_id) == ("pay-1", "pi_1")
    assert told.occurred_at == datetime.fromtimestamp(CREATED, tz=UTC)


def test_the_mode_is_the_objects_own():
    assert fact("payment_intent.succeeded", intent(livemode=True)).mode is Mode.LIVE


def test_a_decline_carries_both_words_for_its_failure():
    told = fact("payment_intent.payment_failed", intent(last_payment_error=DECLINED))
    assert (told.failure.code, told.failure.provider_code) == (FailureCode.INSUFFICIENT_FUNDS, "insufficient_funds")


@pytest.mark.parametrize(
    ("error", "code", "provider_code"),
    [
        ({"code": "expired_card"}, FailureCode.EXPIRED_CARD, "expired_card"),
        ({"code": "incorrect_cvc"}, FailureCode.INCORRECT_CVC, "incorrect_cvc"),
        ({"code": "card_declined", "decline_code": "stolen_card"}, FailureCode.FRAUD_SUSPECTED, "stolen_card"),
        ({"code": "card_declined", "decline_code": "brand_new"}, FailureCode.CARD_DECLINED, "brand_new"),
        ({"code": "authentication_required"}, FailureCode.AUTHENTICATION_REQUIRED, "authentication_required"),
        (
            {"code": "payment_intent_authentication_failure"},
            FailureCode.AUTHENTICATION_FAILED,
            "payment_intent_authentication_failure",
        ),
        ({"code": "Do not show 4242 4242 4242 4242!"}, FailureCode.CARD_DECLINED, ""),
        ({"code": 5, "decline_code": None, "x": 1}, FailureCode.CARD_DECLINED, ""),
    ],
)
def test_every_decline_has_a_failure_code(error, code, provider_code):
    failure = fact("payment_intent.payment_failed", intent(last_payment_error=error)).failure
    assert (failure.code, failure.provider_code) == (code, provider_code)


@pytest.mark.parametrize(
    ("action", "kind", "url"),
    [
        ({"type": "redirect_to_url", "redirect_to_url": {"url": "https://a"}}, NextActionKind.REDIRECT, "https://a"),
        (
            {"type": "oxxo_display_details", "oxxo_display_details": {"hosted_voucher_url": "https://v"}},
            NextActionKind.REDIRECT,
            "https://v",
        ),
        ({"type": "use_stripe_sdk", "use_stripe_sdk": {"x": 1}}, NextActionKind.CLIENT_SECRET, ""),
    ],
)
def test_what_the_customer_has_to_do(action, kind, url):
    told = fact("payment_intent.requires_action", intent(status="requires_action", next_action=action))
    assert (told.next_action.kind, told.next_action.url) == (kind, url)


def test_a_client_secret_shows_in_no_repr():
    told = fact(
        "payment_intent.requires_action", intent(status="requires_action", next_action={"type": "use_stripe_sdk"})
    )
    assert told.next_action.fields == {"client_secret": "pi_1_secret_x"}
    assert "pi_1_secret_x" not in repr(told)


@pytest.mark.parametrize(
    ("method", "kind", "last4"),
    [
        ({"type": "card", "card": {"funding": "credit", "last4": "4242"}}, MethodKind.CREDIT_CARD, "4242"),
        ({"type": "card", "card": {"funding": "debit", "last4": "5556"}}, MethodKind.DEBIT_CARD, "5556"),
        ({"type": "card", "card": {"funding": "unknown"}}, MethodKind.CREDIT_CARD, ""),
        ({"type": "sepa_debit", "sepa_debit": {"last4": "3000"}}, MethodKind.BANK_TRANSFER, "3000"),
        ({"type": "link", "link": {"email": "a@b"}}, MethodKind.WALLET, ""),
        ({"type": "oxxo"}, MethodKind.VOUCHER, ""),
        ({"type": "not_yet_known"}, MethodKind.OTHER, ""),
    ],
)  # fmt: skip
def test_the_method_is_told_where_it_was_expanded(method, kind, last4):
    expanded = {"id": "pm_1", "object": "payment_method", "customer": "cus_1", **method}
    told = fact("payment_intent.succeeded", intent(status="succeeded", payment_method=expanded)).method
    assert (told.kind, told.last4, told.provider_method_id, told.provider_customer_id) == (kind, last4, "pm_1", "cus_1")


def test_a_method_that_is_only_named_tells_nothing():
    assert fact("payment_intent.succeeded", intent(status="succeeded", payment_method="pm_1")).method is None


def test_special_currencies_are_counted_back():
    assert fact("payment_intent.succeeded", intent(currency="isk", amount=500)).amount_minor == 5


# -- sessions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "changes", "stage", "captured"),
    [
        ("completed", {"status": "complete", "payment_status": "paid", "payment_intent": "pi_1"}, Stage.CAPTURED, 2000),
        # Delayed methods, and captures to come: the PaymentIntent says which.
        ("completed", {"status": "complete", "payment_intent": "pi_1"}, Stage.PROCESSING, 0),
        (
            "async_payment_succeeded",
            {"status": "complete", "payment_status": "paid", "payment_intent": "pi_1"},
            Stage.CAPTURED,
            2000,
        ),
        ("async_payment_failed", {"status": "complete", "payment_intent": "pi_1"}, Stage.FAILED, 0),
        ("expired", {"status": "expired"}, Stage.EXPIRED, 0),
    ],
)
def test_a_session_joins_its_id_with_the_payments(type_, changes, stage, captured):
    told = fact(f"checkout.session.{type_}", session(**changes))
    assert (told.stage, told.captured_minor, told.authorized_minor) == (stage, captured, captured)
    assert (told.provider_session_id, told.reference, told.amount_minor) == ("cs_test_1", "pay-1", 2000)
    assert told.provider_payment_id == changes.get("payment_intent", "")


def test_an_open_session_leads_to_its_page():
    told = fact("checkout.session.completed", session())
    assert told.next_action.url == "https://checkout.stripe.com/c/pay/cs_test_1"
    assert told.expires_at == datetime.fromtimestamp(CREATED + 3600, tz=UTC)


@pytest.mark.parametrize("mode", ["setup", "subscription"])
def test_sessions_that_are_no_payment_do_not_matter(mode):
    assert facts("checkout.session.completed", session(mode=mode, amount_total=None, currency=None)) == ()


@pytest.mark.parametrize("type_", ["payment_intent.succeeded", "payment_intent.payment_failed"])
def test_a_payment_intent_that_another_system_made_does_not_matter(type_):
    assert facts(type_, intent(metadata={"order": "17"}, status="a_word_of_tomorrow")) == ()


def test_a_session_that_another_system_made_does_not_matter():
    foreign = session(client_reference_id=None, status="a_word_of_tomorrow")
    assert facts("checkout.session.completed", foreign) == ()


@pytest.mark.parametrize("mark", [{"client_reference_id": "pay-1"}, {"metadata": {"hub_payment": "pay-1"}}])
def test_a_session_is_ours_by_either_mark(mark):
    told = fact("checkout.session.expired", session(status="expired", **{"client_reference_id": None, **mark}))
    assert told.reference == "pay-1"


# -- refunds and disputes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", ["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"])
@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("pending", RefundStatus.PROCESSING),
        ("requires_action", RefundStatus.PROCESSING),
        ("succeeded", RefundStatus.COMPLETED),
        ("failed", RefundStatus.FAILED),
        ("canceled", RefundStatus.CANCELLED),
    ],
)
def test_a_refund_names_itself_and_its_payment(type_, word, status):
    told = fact(type_, refund(status=word, failure_reason="lost_or_stolen_card"), livemode=True)
    assert (told.status, told.amount_minor, told.currency, told.mode) == (status, 500, "USD", Mode.LIVE)
    assert (told.reference, told.payment_reference) == ("ref-1", "pay-1")
    assert (told.provider_refund_id, told.provider_payment_id) == ("re_1", "pi_1")
    assert (told.failure is not None) == (status is RefundStatus.FAILED)


def test_a_refund_from_the_dashboard_is_known_by_its_payment_intent():
    told = fact("refund.created", refund(metadata={}, balance_transaction="txn_1"))
    assert (told.reference, told.payment_reference, told.provider_payment_id) == ("", "", "pi_1")


def test_a_refund_that_moved_no_money_is_a_reason_to_ask():
    """The rest of a capture of a part is kept as a refund object, without a balance transaction."""
    told = fact("refund.created", refund(metadata={}, balance_transaction=None))
    assert told == LookUp(provider_payment_id="pi_1")


def test_a_refund_of_something_that_is_no_payment_of_ours_does_not_matter():
    assert facts("refund.created", refund(metadata={}, payment_intent=None)) == ()


def charge(**changes: Any) -> dict[str, Any]:
    return {"id": "ch_1", "object": "charge", "payment_intent": "pi_1", "metadata": {"hub_payment": "pay-1"}, **changes}


def test_a_refunded_charge_is_a_reason_to_ask():
    assert fact("charge.refunded", charge()) == LookUp(reference="pay-1", provider_payment_id="pi_1")


def test_a_refunded_charge_of_an_old_api_version_carries_its_refunds():
    refunds = {"object": "list", "data": [refund(), refund(id="re_2")], "has_more": False}
    assert [told.provider_refund_id for told in facts("charge.refunded", charge(refunds=refunds))] == ["re_1", "re_2"]


def test_a_refunded_charge_without_a_payment_intent_does_not_matter():
    assert facts("charge.refunded", charge(payment_intent=None)) == ()


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("needs_response", DisputeStatus.NEEDS_RESPONSE),
        ("under_review", DisputeStatus.UNDER_REVIEW),
        ("won", DisputeStatus.WON),
        ("lost", DisputeStatus.LOST),
        ("warning_needs_response", DisputeStatus.INQUIRY_NEEDS_RESPONSE),
        ("warning_closed", DisputeStatus.INQUIRY_CLOSED),
    ],
)
@pytest.mark.parametrize("type_", ["created", "updated", "closed", "funds_withdrawn", "funds_reinstated"])
def test_a_dispute_is_a_fact_of_its_own(type_, word, status):
    told = fact(f"charge.dispute.{type_}", dispute(status=word))
    assert (told.status, told.amount_minor, told.reason) == (status, 2000, "fraudulent")
    assert (told.provider_dispute_id, told.provider_payment_id) == ("dp_1", "pi_1")
    assert told.evidence_due_at == datetime.fromtimestamp(CREATED + 86400, tz=UTC)


# -- what does not matter, and what cannot be read -------------------------------------------------------------------


@pytest.mark.parametrize(
    "type_",
    ["", "charge.succeeded", "charge.captured", "customer.created", "invoice.paid", "v2.core.event", "checkout.x"],
)
def test_other_types_tell_nothing_whatever_they_carry(type_):
    assert facts(type_, None) == ()
    assert STRIPE.parse_webhook({"type": type_}) == ()


EVENTS = {
    "payment_intent.succeeded": intent(status="succeeded", amount_received=2000),
    "checkout.session.completed": session(status="complete", payment_status="paid"),
    "refund.updated": refund(),
    "charge.refunded": charge(refunds={"data": [refund()]}),
    "charge.dispute.created": dispute(),
}


@pytest.mark.parametrize("type_", EVENTS)
@pytest.mark.parametrize("data", [None, [], "x", 5, {}, {"object": "something_else"}])
def test_an_object_of_the_wrong_kind_is_malformed(type_, data):
    with pytest.raises(MalformedNotice):
        facts(type_, data)


@pytest.mark.parametrize(
    ("type_", "changes"),
    [
        ("payment_intent.succeeded", {"status": "a_word_of_tomorrow"}),
        ("payment_intent.succeeded", {"status": None}),
        ("payment_intent.succeeded", {"id": None}),
        ("payment_intent.succeeded", {"id": 5}),
        ("payment_intent.succeeded", {"amount": "2000"}),
        ("payment_intent.succeeded", {"amount": 20.5}),
        ("payment_intent.succeeded", {"amount": True}),
        ("payment_intent.succeeded", {"amount_received": -1}),
        ("payment_intent.succeeded", {"currency": "xyz"}),
        ("payment_intent.succeeded", {"currency": 5}),
        ("payment_intent.succeeded", {"livemode": "false"}),
        ("payment_intent.succeeded", {"metadata": {"hub_payment": 5}}),
        ("checkout.session.completed", {"status": "unknown"}),
        ("checkout.session.completed", {"payment_status": "unknown"}),
        ("checkout.session.completed", {"amount_total": None}),
        ("checkout.session.completed", {"payment_intent": 5}),
        ("refund.updated", {"status": "unknown"}),
        ("refund.updated", {"amount": None}),
        ("charge.refunded", {"refunds": {"data": [5]}}),
        ("charge.refunded", {"refunds": {"data": [{}]}}),
        ("charge.dispute.created", {"status": "unknown"}),
        ("charge.dispute.created", {"evidence_details": {"due_by": "soon"}}),
    ],
)
def test_a_value_that_cannot_be_read_is_malformed(type_, changes):
    with pytest.raises(MalformedNotice) as caught:
        facts(type_, {**EVENTS[type_], **changes})
    assert "pi_1" not in str(caught.value)


LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.just([]), st.just({}))


@given(st.sampled_from(sorted(EVENTS)), st.data())
def test_no_value_anywhere_makes_anything_but_facts_or_a_malformed_notice(type_, data):
    payload = event(type_, copy.deepcopy(EVENTS[type_]))
    where = data.draw(st.sampled_from([payload, payload["data"], payload["data"]["object"]]))
    where[data.draw(st.sampled_from(sorted(where)))] = data.draw(LEAVES)
    try:
        told = STRIPE.parse_webhook(payload)
    except MalformedNotice:
        return
    assert all(isinstance(item, PaymentFact | RefundFact | DisputeFact | LookUp) for item in told)


# -- small things ----------------------------------------------------------------------------------------------------


def test_a_notice_is_filed_under_the_events_id_type_and_mode():
    noted = STRIPE.identify_notice(event("refund.updated", refund(), livemode=True), b"{}")
    assert (noted.event_id, noted.event_type, noted.mode) == ("evt_1", "refund.updated", Mode.LIVE)
    assert STRIPE.identify_notice(event("refund.updated", refund()), b"{}").mode is Mode.TEST


def test_a_notice_without_an_id_is_named_by_its_content():
    first, again, other = (STRIPE.identify_notice({}, body) for body in (b"a", b"a", b"b"))
    assert first == again != other
    assert first.mode is None


def test_a_returning_browser_only_names_the_payment():
    visit = STRIPE.parse_return({"payment_intent": "pi_1", "redirect_status": "succeeded", "session_id": "cs_test_1"})
    assert (visit.provider_payment_id, visit.provider_session_id, visit.fact) == ("pi_1", "cs_test_1", None)


@pytest.mark.parametrize("value", ["", "pi_1/../x", "pi_\u0661", "re_1", "pi_1\n", "{ID}", "pi_" + "a" * 300])
def test_a_returning_browser_cannot_smuggle_anything_in(value):
    visit = STRIPE.parse_return({"payment_intent": value, "session_id": value})
    assert (visit.provider_payment_id, visit.provider_session_id) == ("", "")
