"""What documented payloads tell (developer.paypal.com/docs/api/orders/v2, payments/v2, customer-disputes/v1,
developer.paypal.com/api/rest/webhooks/event-names), and what cannot be read.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from django_payments_hub.domain.statuses import DisputeStatus, FailureCode, MethodKind, Mode, RefundStatus, Stage
from django_payments_hub.exceptions import MalformedNotice
from django_payments_hub.provider_kit.reading import Unreadable
from django_payments_hub.provider_kit.types import DisputeFact, LookUp, PaymentFact, RefundFact
from django_payments_hub.providers.paypal import Provider, webhooks
from django_payments_hub.providers.paypal.methods import vaulted_method
from django_payments_hub.providers.paypal.objects import read_order
from tests.providers.paypal.harness import account

PAYMENT, REFUND = "0190a5c0-0000-7000-8000-000000000001", "0190a5c0-0000-7000-8000-000000000002"
ORDER, CAPTURE, AUTHORIZATION = "5O190127TN364715T", "3C679366HH908993F", "0AW2184448108334S"
API = "https://api-m.sandbox.paypal.com"


def money(value: str = "100.00") -> dict[str, str]:
    return {"currency_code": "USD", "value": value}


def link(rel: str, path: str) -> dict[str, str]:
    return {"href": f"{API}{path}", "rel": rel, "method": "GET"}


def capture(status: str = "COMPLETED", **more: Any) -> dict[str, Any]:
    return {
        "id": CAPTURE,
        "status": status,
        "amount": money(),
        "custom_id": PAYMENT,
        "invoice_id": PAYMENT,
        "final_capture": True,
        "seller_protection": {"status": "ELIGIBLE", "dispute_categories": ["ITEM_NOT_RECEIVED"]},
        "supplementary_data": {"related_ids": {"order_id": ORDER}},
        "create_time": "2018-08-23T19:44:20Z",
        "links": [link("self", f"/v2/payments/captures/{CAPTURE}"), link("up", f"/v2/checkout/orders/{ORDER}")],
        **more,
    }


def authorization(status: str = "CREATED", **more: Any) -> dict[str, Any]:
    return {
        "id": AUTHORIZATION,
        "status": status,
        "amount": money(),
        "custom_id": PAYMENT,
        "expiration_time": "2018-09-21T19:44:20Z",
        "create_time": "2018-08-23T19:44:20Z",
        "update_time": "2018-08-23T19:44:20Z",
        "links": [link("up", f"/v2/checkout/orders/{ORDER}")],
        **more,
    }


def refund(status: str = "COMPLETED", **more: Any) -> dict[str, Any]:
    return {
        "id": "1JU08902781691411",
        "status": status,
        "amount": money("10.99"),
        "custom_id": PAYMENT,
        "invoice_id": REFUND,
        "note_to_payer": "Defective product",
        "links": [link("up", f"/v2/payments/captures/{CAPTURE}")],
        **more,
    }


def order(status: str = "COMPLETED", *, payments: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    unit = {"reference_id": "default", "custom_id": PAYMENT, "amount": money(), "payee": {"merchant_id": "X"}}
    return {
        "id": ORDER,
        "intent": "CAPTURE",
        "status": status,
        "purchase_units": [{**unit, **({"payments": payments} if payments else {})}],
        "links": [link("self", f"/v2/checkout/orders/{ORDER}"), link("payer-action", f"/checkoutnow?token={ORDER}")],
        **more,
    }


def event(kind: str, resource: Any, resource_type: str = "capture") -> dict[str, Any]:
    return {
        "id": "WH-58D329510W468432D-8HN650336L201105X",
        "event_version": "1.0",
        "create_time": "2019-02-14T21:50:07.940Z",
        "resource_type": resource_type,
        "event_type": kind,
        "summary": "x",
        "resource": resource,
        "resource_version": "2.0",
    }


def parse(kind: str, resource: Any, resource_type: str = "capture") -> Any:
    return webhooks.parse(event(kind, resource, resource_type), Mode.TEST)


# -- orders -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "payments", "stage", "captured", "capturable", "payment_id"),
    [
        ("CREATED", None, Stage.OPEN, 0, 0, ""),
        ("SAVED", None, Stage.OPEN, 0, 0, ""),
        ("PAYER_ACTION_REQUIRED", None, Stage.REQUIRES_ACTION, 0, 0, ""),
        ("APPROVED", None, Stage.REQUIRES_ACTION, 0, 0, ""),
        ("VOIDED", None, Stage.CANCELLED, 0, 0, ""),
        ("COMPLETED", {"captures": [capture()]}, Stage.CAPTURED, 10000, 0, CAPTURE),
        ("COMPLETED", {"captures": [capture("REFUNDED")]}, Stage.CAPTURED, 10000, 0, CAPTURE),
        ("COMPLETED", {"captures": [capture("PARTIALLY_REFUNDED")]}, Stage.CAPTURED, 10000, 0, CAPTURE),
        ("COMPLETED", {"captures": [capture("PENDING")]}, Stage.PROCESSING, 0, 0, CAPTURE),
        ("COMPLETED", {"captures": [capture("DECLINED")]}, Stage.FAILED, 0, 0, ""),
        ("COMPLETED", {"captures": [capture("FAILED")]}, Stage.FAILED, 0, 0, ""),
        ("APPROVED", {"captures": [capture("DECLINED")]}, Stage.REQUIRES_ACTION, 0, 0, ""),
        ("COMPLETED", {"captures": [capture("DECLINED", id="X"), capture()]}, Stage.CAPTURED, 10000, 0, CAPTURE),
        ("COMPLETED", {"authorizations": [authorization()]}, Stage.AUTHORIZED, 0, 10000, AUTHORIZATION),
        ("COMPLETED", {"authorizations": [authorization("PENDING")]}, Stage.PROCESSING, 0, 0, AUTHORIZATION),
        ("COMPLETED", {"authorizations": [authorization("DENIED")]}, Stage.FAILED, 0, 0, ""),
        ("COMPLETED", {"authorizations": [authorization("VOIDED")]}, Stage.CANCELLED, 0, 0, AUTHORIZATION),
        ("COMPLETED", {"authorizations": [authorization("EXPIRED")]}, Stage.EXPIRED, 0, 0, AUTHORIZATION),
        (
            "COMPLETED",
            {"authorizations": [authorization("VOIDED", update_time="2018-09-21T19:44:21Z")]},
            Stage.EXPIRED,
            0,
            0,
            AUTHORIZATION,
        ),
        (
            "COMPLETED",
            {
                "authorizations": [authorization("PARTIALLY_CAPTURED")],
                "captures": [capture(amount=money("40.00"), final_capture=False)],
            },
            Stage.CAPTURED,
            4000,
            6000,
            AUTHORIZATION,
        ),
        (
            "COMPLETED",
            {"authorizations": [authorization("PARTIALLY_CAPTURED")], "captures": [capture(amount=money("40.00"))]},
            Stage.CAPTURED,
            4000,
            0,
            AUTHORIZATION,
        ),
        (
            "COMPLETED",
            {"authorizations": [authorization()], "captures": [capture("DECLINED")]},
            Stage.AUTHORIZED,
            0,
            10000,
            AUTHORIZATION,
        ),
        (
            "COMPLETED",
            {"authorizations": [authorization("CAPTURED")], "captures": [capture("PENDING")]},
            Stage.AUTHORIZED,
            0,
            0,
            AUTHORIZATION,
        ),
    ],
)
def test_an_order_is_read_by_what_its_payments_say(status, payments, stage, captured, capturable, payment_id):
    fact = read_order(order(status, payments=payments), Mode.TEST)
    assert (fact.stage, fact.captured_minor, fact.capturable_minor) == (stage, captured, capturable)
    assert (fact.provider_payment_id, fact.provider_session_id, fact.reference) == (payment_id, ORDER, PAYMENT)
    assert (fact.amount_minor, fact.currency, fact.mode) == (10000, "USD", Mode.TEST)
    assert fact.awaits_confirm is (status == "APPROVED")
    assert (fact.failure is not None) is (stage is Stage.FAILED)


def test_a_declined_card_says_why():
    declined = capture("DECLINED", processor_response={"response_code": "5120", "avs_code": "A"})
    fact: Any = read_order(order(payments={"captures": [declined]}), Mode.TEST)
    assert fact.failure.code is FailureCode.INSUFFICIENT_FUNDS


def test_a_card_is_described_without_its_number():
    card = {"brand": "VISA", "last_digits": "1111", "expiry": "2027-02", "type": "DEBIT", "name": "J"}
    fact: Any = read_order(order(payments={"captures": [capture()]}, payment_source={"card": card}), Mode.TEST)
    method = fact.method
    assert (method.kind, method.brand, method.last4) == (MethodKind.DEBIT_CARD, "visa", "1111")
    assert (method.expiry_month, method.expiry_year, method.reusable) == (2, 2027, False)


def test_a_vaulted_method_is_read_as_the_published_document_shows_it():
    token = {
        "customer": {"id": "customer_4029352050"},
        "id": "fgh6561t",
        "payment_source": {"paypal": {"account_id": "VYYFH3WJ4JPJQ", "email_address": "john.doe@example.com"}},
    }
    method = vaulted_method(token)
    assert (method.provider_method_id, method.provider_customer_id) == ("fgh6561t", "customer_4029352050")
    assert (method.kind, method.fingerprint, method.reusable) == (MethodKind.WALLET, "VYYFH3WJ4JPJQ", True)


WRONG = {
    "no id": lambda o: o.pop("id"),
    "another status": lambda o: o.update(status="DONE"),
    "no status": lambda o: o.pop("status"),
    "no payments": lambda o: o["purchase_units"][0].pop("payments"),
    "two units": lambda o: o["purchase_units"].append(o["purchase_units"][0]),
    "no unit": lambda o: o.update(purchase_units=[]),
    "no amount": lambda o: o["purchase_units"][0].pop("amount"),
    "a float": lambda o: o["purchase_units"][0]["amount"].update(value=1.5),
    "another capture status": lambda o: o["purchase_units"][0]["payments"]["captures"][0].update(status="DONE"),
    "no capture id": lambda o: o["purchase_units"][0]["payments"]["captures"][0].pop("id"),
    "captures of another shape": lambda o: o["purchase_units"][0]["payments"].update(captures={"a": 1}),
    "links of another shape": lambda o: o.update(status="CREATED", links=[5]),
    "custom_id of another shape": lambda o: o["purchase_units"][0].update(custom_id=5),
}


@pytest.mark.parametrize("spoil", WRONG.values(), ids=WRONG)
def test_an_order_that_cannot_be_read_is_said_to_be_so(spoil):
    data = deepcopy(order(payments={"captures": [capture()]}))
    spoil(data)
    with pytest.raises(Unreadable):
        read_order(data, Mode.TEST)
    with pytest.raises(MalformedNotice):  # nor is it taken for another system's
        parse("CHECKOUT.ORDER.COMPLETED", data, "checkout-order")


# -- notices ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["CHECKOUT.ORDER.APPROVED", "CHECKOUT.ORDER.COMPLETED", "CHECKOUT.ORDER.VOIDED"])
def test_an_orders_notice_tells_how_it_stands(kind):
    status = kind.rpartition(".")[2]
    payments = {"captures": [capture()]} if status == "COMPLETED" else None
    [fact] = parse(kind, order(status, payments=payments), "checkout-order")
    assert isinstance(fact, PaymentFact)
    assert fact.awaits_confirm is (status == "APPROVED")
    assert fact.occurred_at is not None


@pytest.mark.parametrize(
    ("kind", "status", "stage", "captured"),
    [
        ("COMPLETED", "COMPLETED", Stage.CAPTURED, 10000),
        ("PENDING", "PENDING", Stage.PROCESSING, 0),
        ("DENIED", "DECLINED", Stage.FAILED, 0),
        ("DECLINED", "DECLINED", Stage.FAILED, 0),
    ],
)
def test_a_captures_notice_tells_the_payment(kind, status, stage, captured):
    [fact] = parse(f"PAYMENT.CAPTURE.{kind}", capture(status))
    assert (fact.stage, fact.captured_minor, fact.amount_minor) == (stage, captured, 10000)
    assert (fact.reference, fact.provider_session_id) == (PAYMENT, ORDER)
    assert fact.provider_payment_id == ("" if stage is Stage.FAILED else CAPTURE)


def test_a_capture_of_an_authorisation_is_looked_up():
    ids = {"order_id": ORDER, "authorization_id": AUTHORIZATION}
    expected = (LookUp(reference=PAYMENT, provider_session_id=ORDER),)
    assert parse("PAYMENT.CAPTURE.COMPLETED", capture(supplementary_data={"related_ids": ids})) == expected
    by_link = capture(supplementary_data={}, links=[link("up", f"/v2/payments/authorizations/{AUTHORIZATION}")])
    assert parse("PAYMENT.CAPTURE.COMPLETED", by_link) == (LookUp(reference=PAYMENT),)


@pytest.mark.parametrize(
    ("kind", "status", "stage", "capturable"),
    [
        ("CREATED", "CREATED", Stage.AUTHORIZED, 10000),
        ("VOIDED", "VOIDED", Stage.CANCELLED, 0),
        ("DENIED", "DENIED", Stage.FAILED, 0),
    ],
)
def test_an_authorizations_notice_tells_the_payment(kind, status, stage, capturable):
    [fact] = parse(f"PAYMENT.AUTHORIZATION.{kind}", authorization(status), "authorization")
    assert (fact.stage, fact.capturable_minor, fact.amount_minor) == (stage, capturable, 10000)
    assert (fact.reference, fact.provider_session_id) == (PAYMENT, ORDER)


def test_an_authorization_that_was_captured_is_looked_up():
    expected = (LookUp(reference=PAYMENT, provider_session_id=ORDER),)
    assert parse("PAYMENT.AUTHORIZATION.CREATED", authorization("CAPTURED"), "authorization") == expected


@pytest.mark.parametrize("kind", ["PAYMENT.CAPTURE.REFUNDED", "PAYMENT.REFUND.COMPLETED", "PAYMENT.CAPTURE.REVERSED"])
def test_a_refunds_notice_tells_the_refund(kind):
    [fact] = parse(kind, refund(), "refund")
    assert isinstance(fact, RefundFact)
    assert (fact.status, fact.amount_minor) == (RefundStatus.COMPLETED, 1099)
    assert (fact.reference, fact.payment_reference, fact.provider_payment_id) == (REFUND, PAYMENT, "")


@pytest.mark.parametrize(
    ("status", "told"),
    [("PENDING", RefundStatus.PROCESSING), ("FAILED", RefundStatus.FAILED), ("CANCELLED", RefundStatus.CANCELLED)],
)
def test_a_refund_says_how_far_it_is(status, told):
    [fact] = parse(f"PAYMENT.REFUND.{status}", refund(status, status_details={"reason": "ECHECK"}), "refund")
    assert fact.status is told
    assert (fact.failure is not None) is (told is RefundStatus.FAILED)


def test_a_refund_made_at_paypal_repeats_the_payments_invoice():
    [fact] = parse("PAYMENT.CAPTURE.REFUNDED", refund(invoice_id=PAYMENT), "refund")
    assert (fact.reference, fact.payment_reference) == ("", PAYMENT)


def test_a_refund_that_names_only_its_capture_is_looked_up():
    bare = refund(custom_id=None, invoice_id=None)
    assert parse("PAYMENT.CAPTURE.REFUNDED", bare, "refund") == (LookUp(provider_payment_id=CAPTURE),)
    assert parse("PAYMENT.CAPTURE.REFUNDED", {**bare, "links": []}, "refund") == ()
    invoiced = refund(custom_id=None, invoice_id=PAYMENT)
    named = LookUp(reference=PAYMENT, provider_payment_id=CAPTURE)
    assert parse("PAYMENT.CAPTURE.REFUNDED", invoiced, "refund") == (named,)


def dispute(status: str = "OPEN", **more: Any) -> dict[str, Any]:
    transaction = {
        "buyer_transaction_id": "5TE14017HB2047240",
        "seller_transaction_id": CAPTURE,
        "invoice_number": PAYMENT,
        "custom": PAYMENT,
        "transaction_status": "COMPLETED",
    }
    return {
        "dispute_id": "PP-D-4012",
        "status": status,
        "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
        "dispute_amount": money("96.00"),
        "disputed_transactions": [transaction],
        "dispute_life_cycle_stage": "CHARGEBACK",
        "seller_response_due_date": "2018-11-02T00:00:00.000Z",
        **more,
    }


@pytest.mark.parametrize(
    ("status", "outcome", "told"),
    [
        ("OPEN", None, DisputeStatus.NEEDS_RESPONSE),
        ("WAITING_FOR_SELLER_RESPONSE", None, DisputeStatus.NEEDS_RESPONSE),
        ("WAITING_FOR_BUYER_RESPONSE", None, DisputeStatus.UNDER_REVIEW),
        ("UNDER_REVIEW", None, DisputeStatus.UNDER_REVIEW),
        ("RESOLVED", "RESOLVED_BUYER_FAVOUR", DisputeStatus.LOST),
        ("RESOLVED", "RESOLVED_SELLER_FAVOUR", DisputeStatus.WON),
        ("RESOLVED", "CANCELED_BY_BUYER", DisputeStatus.WON),
        ("RESOLVED", "SOMETHING_NEW", DisputeStatus.CLOSED),
        ("RESOLVED", None, DisputeStatus.CLOSED),
    ],
)
def test_a_disputes_notice_tells_the_dispute(status, outcome, told):
    more = {"dispute_outcome": {"outcome_code": outcome}} if outcome else {}
    [fact] = parse("CUSTOMER.DISPUTE.UPDATED", dispute(status, **more), "dispute")
    assert isinstance(fact, DisputeFact)
    assert (fact.status, fact.amount_minor, fact.payment_reference) == (told, 9600, PAYMENT)
    assert fact.reason == "merchandise_or_service_not_received"
    assert fact.evidence_due_at is not None


@pytest.mark.parametrize(
    ("status", "outcome", "told"),
    [
        ("OPEN", None, DisputeStatus.INQUIRY_NEEDS_RESPONSE),
        ("WAITING_FOR_SELLER_RESPONSE", None, DisputeStatus.INQUIRY_NEEDS_RESPONSE),
        ("WAITING_FOR_BUYER_RESPONSE", None, DisputeStatus.INQUIRY_UNDER_REVIEW),
        ("RESOLVED", "RESOLVED_BUYER_FAVOUR", DisputeStatus.INQUIRY_CLOSED),
        ("RESOLVED", None, DisputeStatus.INQUIRY_CLOSED),
    ],
)
def test_an_inquiry_is_told_as_one(status, outcome, told):
    more = {"dispute_outcome": {"outcome_code": outcome}} if outcome else {}
    [fact] = parse("CUSTOMER.DISPUTE.UPDATED", dispute(status, dispute_life_cycle_stage="INQUIRY", **more), "dispute")
    assert isinstance(fact, DisputeFact)
    assert fact.status is told


def test_a_dispute_that_names_only_its_capture_is_told_by_it():
    bare = dispute(disputed_transactions=[{"seller_transaction_id": CAPTURE}])
    [fact] = parse("CUSTOMER.DISPUTE.CREATED", bare, "dispute")
    assert (fact.payment_reference, fact.provider_payment_id) == ("", CAPTURE)
    foreign = {"seller_transaction_id": CAPTURE, "custom": "order 17"}
    nobodys: list[Any] = [[], [{}], [{"seller_transaction_id": "../x"}], [{}, {}], [foreign]]
    for transactions in nobodys:
        assert parse("CUSTOMER.DISPUTE.CREATED", dispute(disputed_transactions=transactions), "dispute") == ()


def test_a_dispute_over_several_payments_is_told_of_each_of_ours():
    """None says how much of it is its own: at most what was paid with it."""
    ours = {"seller_transaction_id": CAPTURE, "custom": PAYMENT, "gross_amount": money("30.00")}
    again = {**ours, "seller_transaction_id": "4GG279541U471931P", "gross_amount": money("12.00")}
    bare = {"seller_transaction_id": "2GG279541U471931P"}
    foreign = {"seller_transaction_id": "8MC585209K746392H", "custom": "order 17"}

    def told(*transactions: dict[str, Any]) -> list[tuple[str, str, str, int]]:
        facts = parse("CUSTOMER.DISPUTE.CREATED", dispute(disputed_transactions=list(transactions)), "dispute")
        return [(f.provider_dispute_id, f.payment_reference, f.provider_payment_id, f.amount_minor) for f in facts]

    mine, other = f"PP-D-4012/{PAYMENT}", "PP-D-4012/2GG279541U471931P"
    assert told(ours, bare, foreign) == [(mine, PAYMENT, "", 3000), (other, "", "2GG279541U471931P", 9600)]
    # two transactions of one payment count together, and no more than is disputed
    assert told(ours, foreign, again) == [(mine, PAYMENT, "", 4200)]
    assert told(ours, foreign, {**again, "gross_amount": money("80.00")}) == [(mine, PAYMENT, "", 9600)]
    # and it has the same id when it is alone, and then all of the dispute
    assert told(ours) == told(ours, again) == [(mine, PAYMENT, "", 9600)]


@pytest.mark.parametrize(
    ("kind", "resource", "resource_type"),
    [
        ("CHECKOUT.ORDER.APPROVED", order("APPROVED"), "checkout-order"),
        ("PAYMENT.CAPTURE.COMPLETED", capture(), "capture"),
        ("PAYMENT.AUTHORIZATION.CREATED", authorization(), "authorization"),
        ("PAYMENT.REFUND.COMPLETED", refund(), "refund"),
    ],
)
def test_what_another_system_made_on_the_same_account_is_not_ours(kind, resource, resource_type):
    foreign = deepcopy(resource)
    holder = foreign["purchase_units"][0] if "purchase_units" in foreign else foreign
    holder["custom_id"] = "order 17"
    assert parse(kind, foreign, resource_type) == ()


def test_another_systems_order_may_have_several_units():
    foreign = order("APPROVED")
    foreign["purchase_units"] = [{**foreign["purchase_units"][0], "custom_id": f"order {n}"} for n in range(2)]
    assert parse("CHECKOUT.ORDER.APPROVED", foreign, "checkout-order") == ()


@pytest.mark.parametrize(
    "kind", ["VAULT.PAYMENT-TOKEN.CREATED", "PAYMENT.SALE.COMPLETED", "BILLING.PLAN.CREATED", "", "X"]
)
def test_a_notice_of_no_matter_tells_nothing(kind):
    assert parse(kind, {"id": "x"}) == ()


@pytest.mark.parametrize(
    ("kind", "resource", "resource_type"),
    [
        ("PAYMENT.CAPTURE.COMPLETED", None, "capture"),
        ("PAYMENT.CAPTURE.COMPLETED", [], "capture"),
        ("PAYMENT.CAPTURE.COMPLETED", capture("REVERSED"), "capture"),
        ("PAYMENT.CAPTURE.COMPLETED", capture(amount=None), "capture"),
        ("PAYMENT.CAPTURE.REFUNDED", refund("DONE"), "refund"),
        ("PAYMENT.AUTHORIZATION.CREATED", authorization("DONE"), "authorization"),
        ("PAYMENT.AUTHORIZATION.VOIDED", authorization("VOIDED", expiration_time="soon"), "authorization"),
        ("CUSTOMER.DISPUTE.CREATED", dispute("DONE"), "dispute"),
        ("CUSTOMER.DISPUTE.CREATED", dispute(disputed_transactions=5), "dispute"),
    ],
)
def test_a_notice_that_matters_and_cannot_be_read_is_malformed(kind, resource, resource_type):
    with pytest.raises(MalformedNotice):
        parse(kind, resource, resource_type)


def test_a_notice_is_filed_under_its_id_and_type():
    provider = Provider(account())
    named = provider.identify_notice(event("PAYMENT.CAPTURE.COMPLETED", capture()), b"{}")
    assert named.event_id == "WH-58D329510W468432D-8HN650336L201105X"
    assert (named.event_type, named.mode) == ("PAYMENT.CAPTURE.COMPLETED", None)
    bare = provider.identify_notice({"event_type": 5}, b"{}")
    assert (len(bare.event_id), bare.event_type) == (64, "")
    [fact] = provider.parse_webhook(event("PAYMENT.CAPTURE.COMPLETED", capture()))
    assert isinstance(fact, PaymentFact)
    assert fact.mode is Mode.TEST
