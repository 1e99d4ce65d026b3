"""What Square's published payloads mean, and what does not touch any payment."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from django_payments_hub.domain.statuses import DisputeStatus, FailureCode, MethodKind, Mode, RefundStatus, Stage
from django_payments_hub.exceptions import MalformedNotice
from django_payments_hub.provider_kit.reading import Unreadable
from django_payments_hub.provider_kit.types import Failure, PaymentFact, RefundFact
from django_payments_hub.providers.square import Provider
from django_payments_hub.providers.square.failures import failure_of
from django_payments_hub.providers.square.methods import method_of, read_card_on_file
from django_payments_hub.providers.square.objects import (
    made_at,
    moment,
    money,
    read_payment,
    read_refund,
    refund_reason,
)
from tests.providers.square.harness import LOCATION, OTHER_LOCATION, account
from tests.providers.square.payloads import (
    DISPUTE,
    REFERENCE,
    REFUND,
    REFUND_REFERENCE,
    changed,
    event,
    payment,
    usd,
)


@pytest.fixture(scope="module")
def square():
    return Provider(account())


def only(facts):
    (fact,) = facts
    return fact


def fact_of(**changes) -> PaymentFact:
    return read_payment(payment(**changes), Mode.TEST)


# -- payments ---------------------------------------------------------------------------------------------------------


def test_a_completed_payment_is_captured(square):
    fact = only(square.parse_webhook(event("payment.updated", payment())))
    assert fact.stage is Stage.CAPTURED
    assert (fact.reference, fact.provider_payment_id) == (REFERENCE, "hYy9pRFVxpDsO1FB05SunFWUe9JZY")
    assert (fact.authorized_minor, fact.captured_minor, fact.capturable_minor) == (100, 100, 0)
    assert (fact.currency, fact.mode) == ("USD", Mode.TEST)
    assert fact.occurred_at == datetime(2020, 11, 22, 21, 19, 0, 831000, tzinfo=UTC)
    assert (fact.method.brand, fact.method.last4, fact.method.expiry_month) == ("mastercard", "9029", 11)
    assert fact.method.kind is MethodKind.CREDIT_CARD
    assert not fact.method.reusable


@pytest.mark.parametrize(
    ("status", "stage", "amounts"),
    [
        ("APPROVED", Stage.AUTHORIZED, (100, 0, 100)),
        ("PENDING", Stage.PROCESSING, (0, 0, 0)),
        ("CANCELED", Stage.CANCELLED, (0, 0, 0)),
        ("FAILED", Stage.FAILED, (0, 0, 0)),
    ],
)
def test_each_status_is_a_stage(status, stage, amounts):
    fact = fact_of(status=status)
    assert fact.stage is stage
    assert (fact.authorized_minor, fact.captured_minor, fact.capturable_minor) == amounts
    assert fact.provider_payment_id == "hYy9pRFVxpDsO1FB05SunFWUe9JZY"


@pytest.mark.parametrize("approved", [100, 70])
def test_a_payment_taken_in_part_does_not_say_what_it_was_made_for(approved):
    lowered = {"amount_money": usd(70), "total_money": usd(70), "approved_money": usd(approved)}
    held, taken = fact_of(status="APPROVED", **lowered), fact_of(**lowered)
    assert (held.amount_minor, held.authorized_minor, held.capturable_minor) == (None, approved, 70)
    assert (taken.amount_minor, taken.authorized_minor, taken.captured_minor) == (None, approved, 70)
    assert fact_of(status="CANCELED", **lowered).amount_minor is None


def test_a_tip_counts_as_money_that_was_taken():
    fact = fact_of(total_money=usd(120), tip_money=usd(20), approved_money=usd(120))
    assert fact.captured_minor == 120


def test_an_authorisation_that_ran_out_is_expired():
    assert fact_of(status="CANCELED", updated_at="2020-11-29T21:16:51.086Z").stage is Stage.EXPIRED
    assert fact_of(status="CANCELED", updated_at="2020-11-29T21:16:51.085Z").stage is Stage.CANCELLED


@pytest.mark.parametrize("details", ["card_details", "bank_account_details"])
def test_why_a_payment_failed_is_told(details):
    errors = [{"category": "PAYMENT_METHOD_ERROR", "code": "INSUFFICIENT_FUNDS", "detail": "canary"}]
    failure = fact_of(status="FAILED", **{"card_details": None, details: {"errors": errors}}).failure
    assert failure == Failure(code=FailureCode.INSUFFICIENT_FUNDS, provider_code="INSUFFICIENT_FUNDS")
    assert fact_of(status="FAILED").failure == Failure(code=FailureCode.PROCESSING_ERROR, provider_code="FAILED")


@pytest.mark.parametrize(
    "broken",
    [
        {"status": "SETTLED"},
        {"status": None},
        {"status": 5},
        {"id": None},
        {"total_money": None},
        {"total_money": {"amount": "100", "currency": "USD"}},
        {"total_money": {"amount": -1, "currency": "USD"}},
        {"total_money": {"amount": 1.0, "currency": "USD"}},
        {"total_money": {"amount": True, "currency": "USD"}},
        {"total_money": {"amount": 100, "currency": "XUS"}},
        {"total_money": {"amount": 100}},
        {"updated_at": "yesterday"},
        {"updated_at": "2020-11-22T21:19:00"},
        {"updated_at": 5},
        {"location_id": None},
        {"card_details": {"errors": "x"}, "status": "FAILED"},
    ],
)
def test_a_payment_that_cannot_be_read_is_malformed(square, broken):
    with pytest.raises(MalformedNotice):
        square.parse_webhook(event("payment.updated", payment(**broken)))


def test_unknown_fields_do_not_matter(square):
    more = payment(new_field={"deep": [1]}, card_details={**payment()["card_details"], "new": 1})
    assert square.parse_webhook(event("payment.updated", more, new="x")) == square.parse_webhook(
        event("payment.updated", payment())
    )


# -- attempts on the page of a payment link ---------------------------------------------------------------------------


def linked(**changes) -> PaymentFact:
    return fact_of(reference_id=None, note=REFERENCE, **changes)


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ("APPROVED", Stage.PROCESSING),
        ("PENDING", Stage.PROCESSING),
        ("CANCELED", Stage.DECLINED),
        ("FAILED", Stage.DECLINED),
    ],
)
def test_an_unfinished_attempt_names_no_payment_since_the_next_one_is_another(status, stage):
    fact = linked(status=status)
    assert (fact.stage, fact.reference) == (stage, REFERENCE)
    assert (fact.provider_payment_id, fact.amount_minor, fact.authorized_minor) == ("", None, 0)
    assert (fact.failure is not None) == (stage is Stage.DECLINED)


def test_the_attempt_that_completes_is_the_payment():
    fact = linked()
    assert (fact.stage, fact.reference, fact.captured_minor) == (Stage.CAPTURED, REFERENCE, 100)
    assert fact.provider_payment_id == "hYy9pRFVxpDsO1FB05SunFWUe9JZY"


# -- what is not ours -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["payment.updated", "refund.updated", "dispute.state.updated"])
def test_a_notice_of_another_location_tells_nothing(square, kind):
    data = {"payment": payment(), "refund": REFUND, "dispute": DISPUTE}[kind.partition(".")[0]]
    assert square.parse_webhook(event(kind, data))
    assert square.parse_webhook(event(kind, changed(data, location_id=OTHER_LOCATION))) == ()


def test_a_notice_of_another_merchant_tells_nothing():
    square = Provider(account(MERCHANT_ID="6SSW7HV8K2ST5"))
    assert square.parse_webhook(event("payment.updated", payment()))
    assert square.parse_webhook(event("payment.updated", payment(), merchant_id="ANOTHER")) == ()
    assert square.parse_webhook(event("payment.updated", payment(), merchant_id=None)) == ()


@pytest.mark.parametrize(
    "marks", [{}, {"note": "two lattes"}, {"reference_id": "order-17"}, {"note": f"for {REFERENCE}"}]
)
def test_a_sale_of_another_system_tells_nothing(square, marks):
    data = payment(**{"reference_id": None, **marks})
    assert square.parse_webhook(event("payment.created", data)) == ()


@pytest.mark.parametrize(
    "kind", ["order.updated", "card.created", "dispute.evidence.created", "invoice.paid", "payment", "", 5]
)
def test_other_types_tell_nothing(square, kind):
    notice = {"type": kind, "event_id": "e", "data": {"type": "x", "id": "y", "object": {}}}
    if kind == 5:
        with pytest.raises(MalformedNotice):
            square.parse_webhook(notice)
        return
    assert square.parse_webhook(notice) == ()


@pytest.mark.parametrize("data", [None, [], {}, {"object": None}, {"object": {}}, {"object": {"payment": []}}])
def test_a_notice_that_matters_without_its_object_is_malformed(square, data):
    with pytest.raises(MalformedNotice):
        square.parse_webhook({"type": "payment.updated", "data": data})


# -- refunds and disputes ---------------------------------------------------------------------------------------------


def test_a_refund_carries_our_reference_at_the_end_of_its_reason(square):
    fact = only(square.parse_webhook(event("refund.updated", REFUND)))
    assert (fact.status, fact.amount_minor, fact.currency) == (RefundStatus.COMPLETED, 1000, "USD")
    assert (fact.reference, fact.payment_reference) == (REFUND_REFERENCE, "")
    assert fact.provider_payment_id == "KkAkhdMsgzn59SM8A89WgKwekxLZY"
    assert fact.provider_refund_id == REFUND["id"]


@pytest.mark.parametrize(
    ("status", "known"),
    [
        ("PENDING", RefundStatus.PROCESSING),
        ("REJECTED", RefundStatus.FAILED),
        ("FAILED", RefundStatus.FAILED),
    ],
)
def test_each_status_of_a_refund_is_known(status, known):
    fact: RefundFact = read_refund(changed(REFUND, status=status), Mode.TEST)
    assert fact.status is known
    assert (fact.failure is not None) == (known is RefundStatus.FAILED)


def test_an_unknown_status_of_a_refund_is_malformed(square):
    with pytest.raises(MalformedNotice):
        square.parse_webhook(event("refund.updated", changed(REFUND, status="UNDONE")))


@pytest.mark.parametrize("reason", [None, "", "broken", f"[{REFUND_REFERENCE}] broken", "[x]", REFUND_REFERENCE])
def test_a_refund_made_elsewhere_carries_no_reference(reason):
    assert read_refund(changed(REFUND, reason=reason), Mode.TEST).reference == ""


def test_an_unlinked_refund_is_of_no_payment(square):
    assert square.parse_webhook(event("refund.created", changed(REFUND, payment_id=None, unlinked=True))) == ()


@pytest.mark.parametrize("reason", ["", "broken", "two\n lines", "x" * 500, "\u00e9" * 500, "ends with [brackets]"])
def test_a_reason_of_any_length_leaves_room_for_the_reference(reason):
    made = refund_reason(reason, REFUND_REFERENCE)
    assert len(made) <= 192
    assert "\n" not in made
    assert read_refund(changed(REFUND, reason=made), Mode.TEST).reference == REFUND_REFERENCE


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("INQUIRY_EVIDENCE_REQUIRED", DisputeStatus.INQUIRY_NEEDS_RESPONSE),
        ("INQUIRY_PROCESSING", DisputeStatus.INQUIRY_UNDER_REVIEW),
        ("INQUIRY_CLOSED", DisputeStatus.INQUIRY_CLOSED),
        ("EVIDENCE_REQUIRED", DisputeStatus.NEEDS_RESPONSE),
        ("PROCESSING", DisputeStatus.UNDER_REVIEW),
        ("WON", DisputeStatus.WON),
        ("LOST", DisputeStatus.LOST),
        ("ACCEPTED", DisputeStatus.LOST),
    ],
)
def test_each_state_of_a_dispute_is_known(square, state, status):
    fact = only(square.parse_webhook(event("dispute.state.updated", changed(DISPUTE, state=state))))
    assert (fact.status, fact.amount_minor, fact.reason) == (status, 8801, "amount_differs")
    assert (fact.provider_dispute_id, fact.provider_payment_id) == (
        "ORSEVtZAJxb37RA1EiGw",
        "fbmsaEOpoARDKxiSGH1fqPuqoqFZY",
    )
    assert fact.evidence_due_at == datetime(2020, 3, 4, tzinfo=UTC)


def test_a_dispute_of_an_older_version_names_itself_otherwise(square):
    older = changed(DISPUTE, id=None, dispute_id="ORSEVtZAJxb37RA1EiGw")
    assert only(square.parse_webhook(event("dispute.created", older))).provider_dispute_id == "ORSEVtZAJxb37RA1EiGw"


@pytest.mark.parametrize(("location", "heard"), [(None, 1), (LOCATION, 1), (OTHER_LOCATION, 0)])
def test_a_dispute_need_not_name_its_location(square, location, heard):
    assert len(square.parse_webhook(event("dispute.created", changed(DISPUTE, location_id=location)))) == heard


@pytest.mark.parametrize("broken", [{"state": "MAYBE"}, {"disputed_payment": None}, {"id": None}])
def test_a_dispute_that_cannot_be_read_is_malformed(square, broken):
    with pytest.raises(MalformedNotice):
        square.parse_webhook(event("dispute.created", changed(DISPUTE, **broken)))


def test_a_reference_tells_when_it_was_made():
    assert made_at(REFERENCE) == datetime.fromtimestamp(0x0198C0DE7A11 / 1000, tz=UTC)
    assert made_at("0198c0de-7a11-4000-8000-00000000cafe") is None  # another version of UUID
    assert made_at("order-17") is None


# -- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ({"amount": 500, "currency": "JPY"}, (500, "JPY")),
        ({"amount": 1250, "currency": "USD"}, (1250, "USD")),
        ({"currency": "EUR"}, (0, "EUR")),
        ({"amount": 2**53 + 1, "currency": "EUR"}, (2**53 + 1, "EUR")),
    ],
)
def test_amounts_are_the_minor_units_of_iso_4217(value, read):
    assert money({"m": value}, "m") == read


def test_times_are_read_to_the_nanosecond_or_refused():
    assert moment({"t": "2022-07-13T20:30:59.037339943Z"}, "t") == datetime(2022, 7, 13, 20, 30, 59, 37339, tzinfo=UTC)
    assert moment({"t": "2020-01-25T18:25:34-08:00"}, "t") == datetime(2020, 1, 26, 2, 25, 34, tzinfo=UTC)
    assert moment({}, "t") is None
    with pytest.raises(Unreadable):
        moment({"t": "2020-02-30T00:00:00Z"}, "t")


@pytest.mark.parametrize(
    ("details", "kind", "brand", "last4"),
    [
        ({"source_type": "WALLET", "wallet_details": {"brand": "CASH_APP"}}, MethodKind.WALLET, "cash_app", ""),
        (
            {
                "source_type": "BANK_ACCOUNT",
                "bank_account_details": {"bank_name": "Citi", "account_number_suffix": "000"},
            },
            MethodKind.BANK_TRANSFER,
            "citi",
            "000",
        ),
        ({"source_type": "BUY_NOW_PAY_LATER"}, MethodKind.OTHER, "buy_now_pay_later", ""),
        ({"card_details": {"card": {"card_type": "DEBIT"}}}, MethodKind.DEBIT_CARD, "card", ""),
        ({"card_details": {"card": {"prepaid_type": "PREPAID"}}}, MethodKind.DEBIT_CARD, "card", ""),
        ({"card_details": {"card": {"card_brand": "OTHER_BRAND"}}}, MethodKind.CREDIT_CARD, "card", ""),
    ],
)
def test_every_kind_of_method_is_told(details, kind, brand, last4):
    method = method_of(details)
    assert method is not None
    assert (method.kind, method.brand, method.last4) == (kind, brand, last4)


def test_a_method_that_is_not_told_is_not_made_up():
    assert method_of({}) is None
    assert method_of({"source_type": "CARD"}) is None


def test_a_card_on_file_has_an_id():
    fact = read_card_on_file({"id": "ccof:1", "customer_id": "C", "card_brand": "VISA", "fingerprint": "sq-1-x"})
    assert (fact.provider_method_id, fact.provider_customer_id, fact.fingerprint) == ("ccof:1", "C", "sq-1-x")
    assert fact.reusable
    with pytest.raises(Unreadable):
        read_card_on_file({"customer_id": "C"})


@pytest.mark.parametrize(
    ("codes", "code", "provider_code"),
    [
        (["GENERIC_DECLINE"], FailureCode.CARD_DECLINED, "GENERIC_DECLINE"),
        (["GENERIC_DECLINE", "CVV_FAILURE"], FailureCode.INCORRECT_CVC, "CVV_FAILURE"),
        (["INSUFFICIENT_FUNDS", "GIFT_CARD_AVAILABLE_AMOUNT"], FailureCode.INSUFFICIENT_FUNDS, "INSUFFICIENT_FUNDS"),
        (["CARD_TOKEN_USED"], FailureCode.METHOD_NOT_USABLE, "CARD_TOKEN_USED"),
        (["A_NEW_CODE"], FailureCode.CARD_DECLINED, "A_NEW_CODE"),
        (["free text of theirs"], FailureCode.CARD_DECLINED, ""),
        (["NOT_FOUND"], FailureCode.METHOD_NOT_USABLE, "NOT_FOUND"),
    ],
)
def test_a_decline_is_told_in_the_hub_s_words(codes, code, provider_code):
    assert failure_of([{"code": one} for one in codes]) == Failure(code=code, provider_code=provider_code)


# -- filing -----------------------------------------------------------------------------------------------------------


def test_a_notice_is_filed_under_its_event_id(square):
    notice = square.identify_notice(event("payment.updated", payment()), b"x")
    assert (notice.event_id, notice.event_type) == ("6a8f5f28-54a1-4eb0-a98a-3111513fd4fc", "payment.updated")
    assert notice.mode is None


@pytest.mark.parametrize("event_id", [None, "", 5])
def test_a_notice_without_an_id_is_named_by_its_content(square, event_id):
    one, other = (square.identify_notice({"id": "x", "event_id": event_id}, body) for body in (b"1", b"2"))
    assert len(one.event_id) == 64
    assert one.event_id != other.event_id
