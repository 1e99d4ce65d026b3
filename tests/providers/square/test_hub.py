"""The hub over Square: one charge whatever is lost, and books that agree with the notices in any order."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.test import Client

from django_payments_hub.domain.statuses import (
    CaptureMethod,
    DisputeStatus,
    InboxState,
    MethodStatus,
    OperationState,
    PaymentStatus,
    RefundOrigin,
    RefundStatus,
    Verdict,
)
from django_payments_hub.exceptions import InvalidSignature, Unsupported
from django_payments_hub.models import Dispute, Operation, Payment, PaymentMethod, Refund
from django_payments_hub.services import (
    accounts,
    customers,
    method_requests,
    methods,
    orders,
    payments,
    provider_calls,
    sweeper,
)
from django_payments_hub.testing.sandbox import SandboxError
from tests.providers.square.harness import LOCATION, OTHER_LOCATION, TOKEN, wire
from tests.providers.square.world import (
    HOOK,
    KEY,
    authorize,
    books,
    converge,
    hear,
    hear_again,
    link,
    make_inbox_due,
    pay,
    refund,
)
from tests.sandbox.receiver import Receiver
from tests.services import saved, world
from tests.services.world import fresh, only_operation

pytestmark = pytest.mark.django_db(transaction=True)

NOTHING = {"authorized": 0, "captured": 0, "released": 0, "refunded": 0, "disputed": 0}
PAID = {**NOTHING, "authorized": 1000, "captured": 1000}


@pytest.fixture(autouse=True)
def hub(settings, sandbox_process, sandbox, no_worker):
    account = {
        "PROVIDER": "square",
        "MODE": "test",
        "ACCESS_TOKEN": TOKEN,
        "LOCATION_ID": LOCATION,
        "WEBHOOK_SECRETS": [KEY],
        "API_BASE": sandbox_process.url_of("square"),
    }
    known = settings.PAYMENTS_HUB
    settings.PAYMENTS_HUB = {**known, "ACCOUNTS": {"square": account}, "RETRY_BASE_S": 0.05, "WAKE_INTERVAL_S": 0.0}
    accounts.forget()
    yield settings.PAYMENTS_HUB
    accounts.forget()
    world.close_providers()


@pytest.fixture
def notices(sandbox):
    """Square's notices as they arrive, kept and answered, but not given to the hub."""
    receiver = Receiver()
    sandbox.deed("subscription", account=TOKEN, url=receiver.url, notification_url=HOOK, signature_key=KEY)

    def heard(*kinds: str):
        assert sandbox.wait_idle()
        return [one for one in receiver.heard if not kinds or one.event["type"] in kinds]

    yield heard
    receiver.close()


# -- paying -----------------------------------------------------------------------------------------------------------


def test_a_token_pays(sandbox):
    payment = pay()
    assert (payment.status, payment.captured_minor, payment.attention_code) == (PaymentStatus.COMPLETED, 1000, "")
    assert (payment.method_details["brand"], payment.method_details["last4"]) == ("visa", "1111")
    assert books(sandbox, payment) == PAID


def test_a_declined_token_fails(sandbox):
    payment = pay("cnon:card-nonce-declined")
    assert (payment.status, payment.failure_code) == (PaymentStatus.FAILED, "card_declined")
    assert payment.failure_provider_code == "GENERIC_DECLINE"


@pytest.mark.parametrize("reauthorizes", [False, True])
def test_a_part_is_captured_and_the_notices_of_it_agree(sandbox, notices, reauthorizes):
    sandbox.deed("behaviour", account=TOKEN, reauthorizes=reauthorizes)
    payment = authorize()
    assert payment.status == PaymentStatus.AUTHORIZED
    payment = payments.capture(payment.pk, amount="7.00")
    assert (payment.status, payment.captured_minor, payment.capturable_minor) == (PaymentStatus.COMPLETED, 700, 0)
    assert books(sandbox, payment) == {**NOTHING, "authorized": 1000, "captured": 700, "released": 300}
    for event in hear(*reversed(notices("payment.created", "payment.updated"))):
        assert event.state == InboxState.PROCESSED
    row = fresh(payment)
    assert (row.status, row.captured_minor, row.attention_code) == (PaymentStatus.COMPLETED, 700, "")


@pytest.mark.parametrize(("when", "operation"), [("before", "payments.complete"), ("after", "payments.update")])
def test_a_capture_that_broke_off_when_the_amount_was_lowered_is_finished(sandbox, notices, when, operation):
    sandbox.deed("behaviour", account=TOKEN, reauthorizes=True)
    payment = authorize()
    sandbox.fault("reset", operation=operation, when=when)
    _capture(payment)
    hear(*notices("payment.updated"))
    converge()
    row = fresh(payment)
    assert (row.status, row.captured_minor, row.attention_code) == (PaymentStatus.COMPLETED, 700, "")
    assert books(sandbox, payment) == TAKEN_IN_PART


def test_a_link_cannot_be_captured_later():
    with pytest.raises(Unsupported):
        link(capture_method=CaptureMethod.MANUAL)


@pytest.mark.parametrize("first", ["notice", "return"])
def test_a_link_is_paid_and_the_notice_and_the_return_come_in_either_order(sandbox, notices, client: Client, first):
    payment = link()
    assert payment.next_action is not None
    assert (payment.status, payment.next_action["type"]) == (PaymentStatus.REQUIRES_ACTION, "redirect")
    sandbox.pay_session(payment.provider_session_id)
    steps = [lambda: hear(*notices()), lambda: _come_back(client, payment)]
    for step in steps if first == "notice" else reversed(steps):
        step()
        assert (fresh(payment).status, fresh(payment).captured_minor) == (PaymentStatus.COMPLETED, 1000)
    assert fresh(payment).attention_code == ""
    assert books(sandbox, payment) == PAID


def _come_back(client: Client, payment: Payment) -> None:
    response = client.get(f"/api/payments/return/{payment.pk}/")
    assert response.status_code == 303
    payments.sync(payment.pk)  # what the return has queued


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1), (1, 3, 0, 2)])
def test_any_order_of_a_link_s_notices_ends_the_same(sandbox, notices, order):
    payment = link()
    with suppress(SandboxError):
        sandbox.pay_session(payment.provider_session_id, outcome="fail")
    sandbox.pay_session(payment.provider_session_id)
    told = notices("payment.created", "payment.updated")
    assert len(told) == 4  # an attempt that failed and one that completed, two of each
    for place in order:
        hear(told[place])
    row = fresh(payment)
    assert (row.status, row.captured_minor, row.attention_code) == (PaymentStatus.COMPLETED, 1000, "")


def test_a_second_payment_of_a_link_is_seen(sandbox, notices):
    payment = link()
    sandbox.pay_session(payment.provider_session_id)
    payments.sync(payment.pk)
    first = fresh(payment).provider_payment_id
    sandbox.deed("pay_session", session=payment.provider_session_id, again=True)
    states = {event.state for event in hear(*notices("payment.updated"))}
    assert InboxState.QUARANTINED in states
    row = fresh(payment)
    assert (row.provider_payment_id, row.captured_minor) == (first, 1000)
    assert row.attention_code == "mismatch_provider_payment_id"


def test_a_link_paid_with_another_amount_is_seen(sandbox, notices):
    payment = link()
    sandbox.deed("pay_session", session=payment.provider_session_id, amount=500)
    hear(*notices("payment.updated"))
    row = fresh(payment)
    assert (row.captured_minor, row.attention_code) == (0, "mismatch_amount")


def test_a_link_is_withdrawn(sandbox):
    payment = payments.cancel(link().pk)
    assert payment.status == PaymentStatus.CANCELLED
    assert len(sandbox.calls("payment_links.delete")) == 1


# -- outcomes that nobody knows ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Case:
    """One kind of operation, and what the sandbox's books say when it was done once."""

    kind: str
    call: str
    prepare: Callable[[], Payment | None]
    act: Callable[[Any], Payment]
    books: dict[str, int]
    status: PaymentStatus


def _refund(payment: Payment) -> Payment:
    refund(payment)
    return fresh(payment)


def _capture(payment: Payment) -> Payment:
    return payments.capture(payment.pk, amount="7.00")


TAKEN_IN_PART = {**NOTHING, "authorized": 1000, "captured": 700, "released": 300}
CASES = {
    "capture, lowering": Case(
        kind="capture",
        call="payments.update",
        prepare=authorize,
        act=_capture,
        books=TAKEN_IN_PART,
        status=PaymentStatus.COMPLETED,
    ),
    "capture, completing": Case(
        kind="capture",
        call="payments.complete",
        prepare=authorize,
        act=_capture,
        books=TAKEN_IN_PART,
        status=PaymentStatus.COMPLETED,
    ),
    "cancel": Case(
        kind="cancel",
        call="payments.cancel",
        prepare=authorize,
        act=lambda payment: payments.cancel(payment.pk),
        books={**NOTHING, "authorized": 1000, "released": 1000},
        status=PaymentStatus.CANCELLED,
    ),
    "refund": Case(
        kind="refund",
        call="refunds.create",
        prepare=pay,
        act=_refund,
        books={**PAID, "refunded": 400},
        status=PaymentStatus.PARTIALLY_REFUNDED,
    ),
}
FAULTS: dict[str, dict[str, Any]] = {
    "500": {"kind": "status", "status": 500},
    "409": {"kind": "status", "status": 409},
    "reset": {"kind": "reset"},
    "garbage": {"kind": "garbage"},
    "redirect": {"kind": "redirect"},
}
QUICK = ("500", "reset")
EVERY_FAULT = [
    pytest.param(fault, id=name, marks=() if name in QUICK else pytest.mark.slow) for name, fault in FAULTS.items()
]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", EVERY_FAULT)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_lost_answer_is_unknown_and_converges_to_one_effect(sandbox, case, fault, when):
    # given a call whose answer is lost
    prepared = case.prepare()
    sandbox.fault(operation=case.call, when=when, **fault)
    payment = case.act(prepared)
    operation = only_operation(payment, case.kind)
    assert (operation.state, operation.in_doubt) == (OperationState.UNKNOWN, True)
    # when time passes
    converge()
    # then it was done once, and both sides know it
    if case.kind == "refund":
        made = Refund.objects.get()
        assert (made.status, made.origin) in [(s, RefundOrigin.HUB) for s in (RefundStatus.PROCESSING, "completed")]
        payments.sync(payment.pk)
    row = fresh(payment)
    assert (row.status, row.attention_code) == (case.status, "")
    assert books(sandbox, payment) == case.books
    operation.refresh_from_db()
    assert (operation.state, operation.attention_code) == (OperationState.SUCCEEDED, "")
    assert world.effects(sandbox, case.call) == 1


@pytest.mark.parametrize("fault", EVERY_FAULT)
def test_a_charge_whose_answer_was_lost_is_found_and_made_once(sandbox, fault):
    sandbox.fault(operation="payments.create", when="after", **fault)
    payment = pay()
    assert payment.status == PaymentStatus.PROCESSING
    converge()
    row = fresh(payment)
    assert (row.status, row.captured_minor, row.attention_code) == (PaymentStatus.COMPLETED, 1000, "")
    assert books(sandbox, payment) == PAID
    assert len(sandbox.calls("payments.create")) == 1


@pytest.mark.parametrize("fault", EVERY_FAULT)
def test_a_charge_that_never_arrived_is_ruled_out_and_the_order_can_be_paid_anew(sandbox, fault):
    order = world.make_order()
    sandbox.fault(operation="payments.create", when="before", **fault)
    terms: dict[str, Any] = {
        "terms": orders.terms_of(order, None, guest_token=order.guest_token),
        "amount": None,
        "currency": "",
    }
    payment = pay(**terms)
    assert payment.status == PaymentStatus.PROCESSING
    converge()
    row = fresh(payment)
    assert (row.status, row.failure_code) == (PaymentStatus.FAILED, "provider_unavailable")
    assert books(sandbox, payment) == NOTHING
    assert len(sandbox.calls("payments.cancel_by_idempotency_key")) == 1
    again = pay(**terms)
    assert (again.status, books(sandbox, again)) == (PaymentStatus.COMPLETED, PAID)


def test_nothing_is_ruled_out_while_the_request_may_still_arrive(sandbox):
    sandbox.fault("reset", operation="payments.create", when="before")
    payment = pay()
    world.converge(3)
    assert fresh(payment).status == PaymentStatus.PROCESSING
    assert sandbox.calls("payments.cancel_by_idempotency_key") == []


@pytest.mark.parametrize("margin_s", [5, 60])
def test_nothing_is_ruled_out_before_the_longest_lease_has_ended_and_the_lists_have_caught_up(
    hub, settings, sandbox, margin_s
):
    # given a process that is stopped before it sends, and holds its lease
    settings.PAYMENTS_HUB = {**hub, "LEASE_MARGIN_S": margin_s}
    sandbox.fault("reset", operation="payments.create", when="before")
    payment = pay()
    longest_s = 28 + margin_s + 28
    # when the sweeper comes while that process may still send, or Square's lists may not show it yet
    for passed_s in (61, longest_s + 10):
        world.age_operation(only_operation(payment, "pay"), passed_s)
        world.make_due()
        sweeper.sweep()
        assert fresh(payment).status == PaymentStatus.PROCESSING
    # and it sends
    _send_late(sandbox, payment)
    world.make_due()
    sweeper.sweep()
    # then the charge is found
    assert (fresh(payment).status, books(sandbox, payment)) == (PaymentStatus.COMPLETED, PAID)


def _send_late(sandbox, payment: Payment) -> None:
    request = {
        "source_id": "cnon:card-nonce-ok",
        "idempotency_key": str(only_operation(payment, "pay").pk),
        "amount_money": {"amount": 1000, "currency": "USD"},
        "location_id": LOCATION,
        "reference_id": payment.reference,
    }
    wire(f"{sandbox.url}/square", "POST", "/v2/payments", request)


def test_a_notice_settles_what_nobody_knows_before_the_sweeper_does(sandbox, notices):
    sandbox.fault("reset", operation="payments.create", when="after")
    payment = pay()
    hear(*notices("payment.updated"))
    row = fresh(payment)
    assert (row.status, row.captured_minor) == (PaymentStatus.COMPLETED, 1000)
    assert only_operation(payment, "pay").state == OperationState.SUCCEEDED


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_link_whose_answer_was_lost_is_made_again_and_paid_once(sandbox, when):
    sandbox.fault("reset", operation="payment_links.create", when=when)
    payment = link()
    assert payment.status == PaymentStatus.PROCESSING
    converge()
    row = fresh(payment)
    assert row.status == PaymentStatus.REQUIRES_ACTION
    sandbox.pay_session(row.provider_session_id)
    assert payments.sync(payment.pk).captured_minor == 1000
    assert books(sandbox, payment) == PAID


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_withdrawal_of_a_link_whose_answer_was_lost_converges(sandbox, when):
    payment = link()
    sandbox.fault("reset", operation="payment_links.delete", when=when)
    payments.cancel(payment.pk)
    converge()
    assert fresh(payment).status == PaymentStatus.CANCELLED
    assert only_operation(payment, "cancel").state == OperationState.SUCCEEDED


# -- refunds and disputes ---------------------------------------------------------------------------------------------


def test_a_refund_is_on_its_way_until_its_notice(notices):
    payment = pay()
    made = refund(payment)
    assert made.status == RefundStatus.PROCESSING
    assert fresh(payment).refund_reserved_minor == 400
    hear(*notices("refund.created", "refund.updated"))
    made.refresh_from_db()
    assert made.status == RefundStatus.COMPLETED
    assert fresh(payment).status == PaymentStatus.PARTIALLY_REFUNDED
    assert Refund.objects.count() == 1


def test_the_notice_of_a_refund_may_come_before_its_answer(sandbox, notices):
    payment = pay()
    sandbox.fault("reset", operation="refunds.create", when="after")
    made = refund(payment)
    assert made.provider_refund_id is None
    hear(*reversed(notices("refund.created", "refund.updated")))
    made.refresh_from_db()
    assert made.status == RefundStatus.COMPLETED
    assert only_operation(payment, "refund").state == OperationState.SUCCEEDED
    assert Refund.objects.count() == 1


@pytest.mark.parametrize("status", ["failed", "rejected"])
def test_a_refund_that_comes_to_nothing_frees_its_amount(sandbox, notices, status):
    sandbox.deed("behaviour", account=TOKEN, refunds="PENDING")
    payment = pay()
    made = refund(payment)
    sandbox.deed("refund_status", refund=made.provider_refund_id, status=status)
    hear(*notices("refund.updated"))
    made.refresh_from_db()
    assert (made.status, made.failure_code) == (RefundStatus.FAILED, "refund_refused")
    assert fresh(payment).refundable_minor == 1000


def test_a_refund_that_square_refuses_fails(sandbox):
    payment = pay()
    sandbox.external_refund(payment.provider_payment_id)
    made = refund(payment)
    assert (made.status, made.failure_code) == (RefundStatus.FAILED, "refund_refused")


def test_a_refund_of_the_dashboard_is_recorded_and_reserved(sandbox, notices):
    payment = pay()
    sandbox.external_refund(payment.provider_payment_id, 300)
    hear(*notices("refund.created", "refund.updated"))
    row = fresh(payment)
    assert (row.refunded_minor, row.refundable_minor) == (300, 700)
    assert Refund.objects.get().origin == RefundOrigin.PROVIDER


@pytest.mark.parametrize(
    ("outcome", "status", "disputed"), [("won", DisputeStatus.WON, 0), ("lost", DisputeStatus.LOST, 1000)]
)
def test_a_dispute_withholds_its_amount_until_it_is_decided(sandbox, notices, outcome, status, disputed):
    payment = pay()
    sandbox.dispute(payment.provider_payment_id)
    hear(*notices("dispute.created"))
    assert fresh(payment).disputed_minor == 1000
    sandbox.dispute(payment.provider_payment_id, status=outcome)
    told = notices("dispute.created", "dispute.state.updated")
    hear(*told)
    for order in (told, told[::-1]):
        hear_again(*order)
        assert Dispute.objects.get().status == status
        assert fresh(payment).disputed_minor == disputed


def test_an_inquiry_withholds_nothing_until_it_becomes_a_chargeback(sandbox, notices):
    payment = pay()
    sandbox.deed("dispute", payment=payment.provider_payment_id, status="inquiry")
    sandbox.deed("dispute", payment=payment.provider_payment_id, status="inquiry_answered")
    hear(*notices("dispute.created", "dispute.state.updated"))
    asked = Dispute.objects.get()
    assert (asked.status, fresh(payment).disputed_minor) == (DisputeStatus.INQUIRY_UNDER_REVIEW, 0)
    sandbox.advance(86_400)
    sandbox.dispute(payment.provider_payment_id)
    hear(*notices("dispute.state.updated")[-1:])
    dispute = Dispute.objects.get()
    assert (dispute.status, fresh(payment).disputed_minor) == (DisputeStatus.NEEDS_RESPONSE, 1000)
    assert asked.evidence_due_at is not None
    assert dispute.evidence_due_at is not None
    assert dispute.evidence_due_at > asked.evidence_due_at
    assert books(sandbox, payment)["disputed"] == 1000


# -- notices ----------------------------------------------------------------------------------------------------------


def test_an_old_notice_that_is_replayed_changes_nothing(sandbox, notices):
    """Square's signature covers no time: the inbox knows the event, and the merge knows better."""
    payment = authorize()
    held = notices("payment.created")
    payments.capture(payment.pk)
    refund(payment)
    hear(*notices("payment.updated", "refund.created", "refund.updated"))
    before = world.amounts(payment)
    (first,) = hear(*held)
    (again,) = hear(*held, *held)
    assert first.pk == again.pk
    assert again.verdict == Verdict.STALE
    for event in hear_again(*held, *notices("refund.created")):
        assert event.verdict in (Verdict.STALE, Verdict.DUPLICATE)
    assert world.amounts(payment) == before
    assert fresh(payment).status == PaymentStatus.PARTIALLY_REFUNDED


def test_a_notice_for_another_address_or_changed_by_a_byte_is_not_filed(notices, client: Client):
    pay()
    one = notices("payment.updated")[0]
    for body in (one.body.replace(b"1000", b"1001"), one.body + b" ", json.dumps(one.event).encode()):
        if body == one.body:
            continue
        with pytest.raises(InvalidSignature):
            hear(type(one)(one.path, one.headers, body))
    given = {"HTTP_X_SQUARE_HMACSHA256_SIGNATURE": one.headers["x-square-hmacsha256-signature"]}
    taken = client.post("/api/payments/webhooks/square/", one.body, content_type="application/json", **given)
    refused = client.post("/api/payments/webhooks/square/", b"{}", content_type="application/json", **given)
    assert (taken.status_code, refused.status_code) == (200, 400)


def test_the_same_payment_told_of_another_location_touches_nothing(settings, hub, notices):
    pay()
    told = notices("payment.updated")
    elsewhere = {**hub["ACCOUNTS"]["square"], "LOCATION_ID": OTHER_LOCATION}
    world.close_providers()
    settings.PAYMENTS_HUB = {**hub, "ACCOUNTS": {"square": elsewhere}}
    accounts.forget()
    assert {event.state for event in hear(*told)} == {InboxState.IGNORED}


def test_a_sale_over_the_counter_is_not_ours(sandbox, sandbox_process, notices):
    sale = {
        "source_id": "cnon:card-nonce-ok",
        "idempotency_key": "till-1",
        "amount_money": {"amount": 300, "currency": "USD"},
        "location_id": LOCATION,
        "note": "two lattes",
    }
    wire(sandbox_process.url_of("square"), "POST", "/v2/payments", sale)
    assert {event.state for event in hear(*notices("payment.created", "payment.updated"))} == {InboxState.IGNORED}


def test_a_notice_of_a_payment_that_is_not_here_yet_is_kept(notices):
    payment = pay()
    told = notices("payment.updated")
    reference = payment.reference
    Payment.objects.filter(pk=payment.pk).update(reference="not-here-yet", provider_payment_id=None)
    (event,) = hear(told[-1])
    assert event.state == InboxState.UNMATCHED
    Payment.objects.filter(pk=payment.pk).update(reference=reference)
    make_inbox_due()
    hear()
    event.refresh_from_db()
    assert event.state == InboxState.PROCESSED


# -- who is asked -----------------------------------------------------------------------------------------------------


def test_a_refused_token_marks_the_account_and_fails_nothing(sandbox):
    sandbox.fault("status", operation="payments.create", status=401)
    payment = pay()
    assert payment.status == PaymentStatus.PENDING
    assert only_operation(payment, "pay").state == OperationState.CREATED
    assert accounts.get("square").row.unhealthy_code == "provider_misconfigured"
    world.converge()
    assert fresh(payment).status == PaymentStatus.COMPLETED


def test_a_throttled_payment_is_made_when_square_is_ready(sandbox):
    sandbox.fault("status", operation="payments.create", status=429, headers={"Retry-After": "5"})
    payment = pay()
    assert payment.status == PaymentStatus.PENDING
    world.converge()
    assert (fresh(payment).status, books(sandbox, payment)) == (PaymentStatus.COMPLETED, PAID)


def test_an_answer_about_another_amount_is_quarantined(sandbox):
    sandbox.fault("wrong_amount", operation="payments.create", when="after")
    payment = fresh(pay())
    assert (payment.status, payment.captured_minor) == (PaymentStatus.PROCESSING, 0)
    assert payment.attention_code == "mismatch_amount"


def test_a_payment_that_was_throttled_first_and_then_lost_is_not_given_up_at_once(sandbox):
    sandbox.fault("status", operation="payments.create", status=429, headers={"Retry-After": "120"})
    payment = pay()
    Operation.objects.exclude(first_sent_at=None).update(first_sent_at=F("first_sent_at") - timedelta(minutes=2))
    sandbox.fault("reset", operation="payments.create", when="before")
    for _ in range(2):  # sent, and its answer lost; looked for, while it may still be on its way
        world.make_due()
        sweeper.sweep()
    operation = only_operation(payment, "pay")
    assert (operation.state, operation.error_code) == (OperationState.UNKNOWN, "too_early")
    assert sandbox.calls("payments.cancel_by_idempotency_key") == []


# -- saved cards ------------------------------------------------------------------------------------------------------


def save(user: User, token: str) -> PaymentMethod:
    return methods.save(methods.NewMethod(account="square", user=user, method_token=token))


def test_a_card_nobody_here_knows_is_never_taken_for_one_whose_answer_was_lost(sandbox, sandbox_process, nonce):
    # given a card that Square keeps for the customer and no row knows
    user = world.make_user()
    customer = customers.ensure(user, accounts.get("square")).provider_customer_id
    body = {"idempotency_key": "stray", "source_id": nonce(), "card": {"customer_id": customer}}
    stray = wire(sandbox_process.url_of("square"), "POST", "/v2/cards", body)["card"]["id"]
    # when a saving of another card is lost before it has an effect
    sandbox.fault("reset", operation="cards.create", when="before")
    method = save(user, nonce(card="5105105105105100"))
    assert method.in_doubt
    saved.converge()
    # then the card that was given is kept, and the other is nobody's
    after = saved.fresh(method)
    assert (after.status, after.brand, after.last4) == (MethodStatus.ACTIVE, "mastercard", "5100")
    assert saved.kept(after.customer) == sorted([stray, str(after.provider_method_id)])


def test_a_card_whose_token_the_lost_call_has_used_up_is_found(sandbox, nonce):
    sandbox.fault("reset", operation="cards.create", when="after")
    method = save(world.make_user(), nonce())
    # the key is forgotten, and the search lags: the call goes out again, and is refused
    sandbox.fault("status", operation="cards.list", status=200, body={"cards": []})
    saved.converge()
    assert saved.fresh(method).status == MethodStatus.ACTIVE
    assert len(saved.kept(method.customer)) == 1


def test_the_card_of_a_link_is_kept_when_the_link_is_paid(sandbox):
    payment = link(user=world.make_user(), save_method=True)
    sandbox.pay_session(payment.provider_session_id)
    payments.sync(payment.pk)
    saved.converge()
    row = fresh(payment)
    assert row.payment_method is not None
    assert (row.status, row.payment_method.status) == (PaymentStatus.COMPLETED, MethodStatus.ACTIVE)


def test_a_card_that_the_seller_disables_at_square_is_no_method_any_more(sandbox, nonce, notices):
    method = save(world.make_user(), nonce())
    provider_calls.provider_of(method.account).detach_method(method_requests.detach(method))
    assert saved.fresh(method).is_active
    hear(*notices("card.disabled"))
    saved.converge(1)
    assert saved.fresh(method).status == MethodStatus.DETACHED
