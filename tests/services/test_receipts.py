"""Money whose coming in a person tells: who may, what he has to say, and what the books make of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from django_payments_hub import signals
from django_payments_hub.domain.statuses import MethodKind, OperationKind, OperationState, PaymentStatus, Source
from django_payments_hub.exceptions import (
    Conflict,
    HubError,
    InvalidInput,
    NotAllowed,
    NotFound,
    RuleViolation,
    Unsupported,
)
from django_payments_hub.models import Operation, OrderRef, Payment, ProviderAccount, TransactionLog
from django_payments_hub.models.base import new_id
from django_payments_hub.services import attention, events, operations, orders, payments, receipts, sweeper
from example_project.shop.models import Order
from tests.services.by_hand import ago, clerk, last_entry, offer_manual, promise, receive
from tests.services.world import at_once, fresh, make_order, make_user, pay, recorded

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def manual(hub: Any, settings: Any) -> None:
    offer_manual(settings)


def test_an_order_paid_by_transfer_is_paid_when_a_clerk_says_so() -> None:
    # given an order whose customer was told where to send the money
    user = make_user()
    payment = promise("25.00", user=user)
    assert payment.status == PaymentStatus.REQUIRES_ACTION
    assert payment.next_action
    assert payment.next_action["type"] == "instructions"
    # when it is there
    person, when = clerk(), ago(hours=3)
    receive(payment, "25.00", by=person, received_at=when, note="statement 7, line 4")
    # then all stands as after a card payment
    payment = fresh(payment)
    assert (payment.status, payment.captured_minor, payment.next_action) == (PaymentStatus.COMPLETED, 2500, None)
    assert payment.order_ref
    assert payment.order_ref.open_minor == 0
    assert Order.objects.get(pk=payment.order_ref.object_id).status == Order.Status.PAID
    # and the log says who, when, how much and what proves it
    entry = last_entry(payment, "payment.completed")
    assert (entry.source, entry.actor, entry.amounts["captured_minor"]) == (Source.OPERATOR, person, 2500)
    assert entry.data == {
        "amount_received": "25.00",
        "received_minor": 2500,
        "received_at": when.isoformat(timespec="seconds"),
        "proof": "statement 7, line 4",
    }


def test_handlers_hear_of_it_as_of_any_payment(handlers: None) -> None:
    heard: list[str] = []
    signals.on("payment.*", handler_id="ear")(lambda event: heard.append(event.name))
    receive(promise())
    events.drain()
    assert heard == ["payment.created", "payment.requires_action", "payment.completed"]


def test_a_smaller_amount_is_refused_and_the_error_says_both() -> None:
    payment = promise("10.00")
    with pytest.raises(RuleViolation) as refused:
        receive(payment, "9.99")
    assert refused.value.code == "amount_differs"
    assert refused.value.details == {"expected": "10.00", "received": "9.99"}
    assert fresh(payment).status == PaymentStatus.REQUIRES_ACTION


def test_a_larger_amount_is_refused() -> None:
    with pytest.raises(RuleViolation) as refused:
        receive(promise("10.00"), "10.01")
    assert refused.value.code == "amount_differs"


def test_an_accepted_short_payment_leaves_the_rest_of_the_order_open() -> None:
    user = make_user()
    payment = receive(promise("10.00", user=user), "6.00", accept_difference=True)
    assert (payment.status, payment.captured_minor, payment.attention_code) == ("completed", 600, "")
    assert fresh(payment).order_ref.open_minor == 400  # type: ignore[union-attr]
    # and the rest can be paid by another payment
    order = Order.objects.get(pk=payment.order_ref.object_id)  # type: ignore[union-attr]
    again = promise(user=user, terms=orders.terms_of(order, user), kind=MethodKind.CASH)
    assert again.amount_minor == 400


def test_an_accepted_surplus_is_written_down_and_left_to_a_person() -> None:
    payment = fresh(receive(promise("10.00"), "12.50", accept_difference=True))
    assert (payment.status, payment.captured_minor, payment.attention_code) == ("completed", 1000, "overpaid")
    entry = last_entry(payment, "payment.completed")
    assert (entry.data["amount_received"], entry.data["surplus_minor"]) == ("12.50", 250)
    assert (payment.surplus_minor, entry.amounts["surplus_minor"]) == (250, 250)


def test_accepting_a_difference_changes_nothing_where_there_is_none() -> None:
    payment = receive(promise("10.00"), "10.00", accept_difference=True)
    assert (payment.captured_minor, payment.attention_code) == (1000, "")
    assert "surplus" not in last_entry(payment, "payment.completed").data


# -- who --------------------------------------------------------------------------------------------------------------


def test_nobody_approves_what_he_pays_himself() -> None:
    buyer = clerk()
    payment = promise(user=buyer)
    with pytest.raises(NotAllowed) as refused:
        receive(payment, by=buyer)
    assert refused.value.code == "own_payment"
    assert fresh(payment).captured_minor == 0


def test_nobody_approves_a_payment_of_his_own_order() -> None:
    owner = clerk()
    payment = promise(user=owner)
    Payment.objects.filter(pk=payment.pk).update(user=make_user())  # somebody else pays it
    with pytest.raises(NotAllowed):
        receive(payment, by=owner)
    Payment.objects.filter(pk=payment.pk).update(owner=None)
    with pytest.raises(NotAllowed):
        receive(payment, by=owner)  # the order itself still says whose it is
    OrderRef.objects.update(user=None)
    assert receive(payment, by=owner).status == PaymentStatus.COMPLETED


def test_nobody_approves_what_he_ordered_as_a_guest_under_his_own_address() -> None:
    payment = promise(payer={"email": "Clerk@Shop.example"})
    with pytest.raises(NotAllowed):
        receive(payment, by=clerk(email="clerk@shop.example"))
    # while a guest without an address is nobody in particular
    assert receive(promise(), by=clerk(email="")).status == PaymentStatus.COMPLETED


# -- when -------------------------------------------------------------------------------------------------------------


def test_money_is_received_once() -> None:
    payment = receive(promise())
    before = TransactionLog.objects.count()
    with pytest.raises(RuleViolation) as refused:
        receive(payment)
    assert refused.value.code == "already_received"
    assert TransactionLog.objects.count() == before


@pytest.mark.django_db(transaction=True)
def test_of_two_clerks_at_once_one_records_it() -> None:
    payment, clerks = promise(), [clerk() for _ in range(4)]
    results = at_once([partial(receive, payment, by=person) for person in clerks])
    errors = [result.code for result in results if isinstance(result, HubError)]
    assert (len(results) - len(errors), set(errors)) == (1, {"already_received"})
    assert TransactionLog.objects.filter(event="payment.completed").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_receipt_and_a_cancellation_at_once_end_in_one_of_the_two() -> None:
    for _ in range(5):
        payment, person = promise(), clerk()
        results = at_once([partial(receive, payment, by=person), partial(payments.cancel, payment.pk)])
        errors = {result.code for result in results if isinstance(result, HubError)}
        assert len(errors) == 1
        assert errors <= {"not_cancellable", "not_receivable", "operation_in_progress"}
        payment = fresh(payment)
        assert (payment.status, payment.captured_minor) in [("completed", 1000), ("cancelled", 0)]


def test_money_for_a_withdrawn_payment_is_refused_unless_it_is_said_to_be_late() -> None:
    payment = payments.cancel(promise().pk)
    with pytest.raises(RuleViolation) as refused:
        receive(payment)
    assert refused.value.code == "not_receivable"
    payment = fresh(receive(payment, late=True))
    assert (payment.status, payment.captured_minor, payment.attention_code) == ("completed", 1000, "received_late")


def test_a_transfer_that_comes_after_the_order_was_paid_by_card_is_booked_and_left_to_a_person(sandbox: Any) -> None:
    # given a customer who has sent the money, and then pays by card: the transfer is no longer waited for
    user = make_user()
    order = make_order("10.00", user=user)
    transfer = promise(user=user, terms=orders.terms_of(order, user))
    pay(order, user=user)
    # when it is there
    transfer = fresh(receive(transfer, "11.00", late=True, accept_difference=True))
    # then the books hold both, and say that the order has more than it costs
    assert (transfer.status, transfer.captured_minor, transfer.surplus_minor) == ("completed", 1000, 100)
    assert transfer.attention_code == "order_overpaid"
    assert transfer.order_ref
    assert (transfer.order_ref.active_minor, transfer.order_ref.total_minor) == (2000, 1000)
    # and when that is settled, there is still the surplus
    assert attention.settle(transfer.pk, note="card refunded", actor=clerk()).attention_code == "overpaid"


def test_a_second_instalment_makes_up_what_came_short_and_the_rest_is_a_surplus() -> None:
    payment = receive(promise("10.00", user=make_user()), "6.00", accept_difference=True)
    with pytest.raises(RuleViolation) as refused:
        receive(payment, "4.00")
    assert refused.value.code == "already_received"
    # given that it is said to come late, and compared with what is still to come
    with pytest.raises(RuleViolation) as differs:
        receive(payment, "5.00", late=True)
    assert differs.value.details == {"expected": "4.00", "received": "5.00"}
    payment = fresh(receive(payment, "4.00", late=True))
    assert (payment.captured_minor, payment.surplus_minor, payment.attention_code) == (1000, 0, "")
    # and what comes then is a surplus, whatever it is
    payment = fresh(receive(payment, "10.00", late=True))
    assert (payment.status, payment.captured_minor, payment.surplus_minor) == ("completed", 1000, 1000)
    assert payment.attention_code == "overpaid"
    assert last_entry(payment, "payment.updated").data["surplus_minor"] == 1000


def test_money_may_come_before_the_customer_was_told_anything() -> None:
    payment = receive(promise(defer=True))
    assert (payment.status, payment.captured_minor) == (PaymentStatus.COMPLETED, 1000)


def test_a_payment_with_a_call_under_way_is_left_alone() -> None:
    payment = promise()
    operations.open_operation(payment, OperationKind.CANCEL, amount_minor=1000)
    with pytest.raises(Conflict) as refused:
        receive(payment)
    assert refused.value.code == "operation_in_progress"


def test_a_provider_that_tells_of_its_money_itself_is_not_spoken_for() -> None:
    with pytest.raises(Unsupported) as refused:
        receive(recorded())
    assert refused.value.code == "unsupported_operator_receipts"


def test_a_payment_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        receipts.record(new_id(), amount="1.00", received_at=ago(hours=1), note="x", actor=clerk())


# -- what is said -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", ["0", "-1", "1e1", "NaN", "1.001", "", "\uff11\uff10"])
def test_an_amount_that_is_none_is_refused(amount: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        receive(promise(), amount, accept_difference=True)
    assert refused.value.code == "invalid_amount"


@pytest.mark.parametrize(
    ("note", "code"),
    [
        ("", "proof_required"),
        (" \n ", "proof_required"),
        ("a\x1b[31mb", "control"),
        ("x" * 501, "max_length"),
        ("card 4242 4242 4242 4242", "card_number_refused"),
    ],
)
def test_a_note_says_something_fit_to_be_kept(note: str, code: str) -> None:
    payment = promise()
    with pytest.raises(HubError) as refused:
        receive(payment, note=note)
    assert refused.value.code == code
    assert fresh(payment).captured_minor == 0


def test_a_note_stays_on_one_line() -> None:
    payment = receive(promise(), note="line 4\r\nINFO forged")
    assert last_entry(payment, "payment.completed").data["proof"] == "line 4 INFO forged"


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        (timezone.now() + timedelta(days=1), "in_future"),
        (datetime(2026, 1, 1), "invalid_input"),  # noqa: DTZ001 - without a time zone, as it is to be refused
    ],
)
def test_a_moment_has_a_time_zone_and_is_past(moment: datetime, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        receive(promise(), received_at=moment)
    assert (refused.value.code, refused.value.field) == (code, "received_at")


# -- around it --------------------------------------------------------------------------------------------------------


def test_what_waits_for_money_is_listed() -> None:
    waiting, cancelled, paid = promise(), promise(), promise()
    payments.cancel(cancelled.pk)
    receive(paid)
    of_a_card = recorded()
    assert list(receipts.waiting()) == [waiting]
    rows = [fresh(row) for row in (waiting, cancelled, paid, of_a_card)]
    assert [receipts.can_be_received(row) for row in rows] == [True, False, False, False]
    assert [receipts.can_come_late(row) for row in rows] == [False, True, True, False]


def test_a_provider_that_is_gone_hides_nothing_else() -> None:
    waiting = promise()
    ProviderAccount.objects.create(alias="old", provider="no.such.provider", mode="test")
    assert list(receipts.waiting()) == [waiting]


def test_an_unpaid_payment_runs_out_after_the_days_of_its_account() -> None:
    payment = promise()
    assert payment.expires_at
    assert timedelta(days=13, hours=23) < payment.expires_at - timezone.now() < timedelta(days=14, minutes=1)
    # given that they have passed
    Payment.objects.filter(pk=payment.pk).update(expires_at=ago(minutes=1))
    # when the sweeper comes by
    sweeper.sweep()
    # then nobody waits for it any more, and its order is open again
    payment = fresh(payment)
    assert (payment.status, payment.cancel_reason) == (PaymentStatus.CANCELLED, "expired")


def test_another_try_withdraws_the_one_that_waits(sandbox: Any) -> None:
    user = make_user()
    order = make_order("10.00", user=user)
    waiting = promise(user=user, terms=orders.terms_of(order, user))
    paid = pay(order, user=user)
    assert (fresh(waiting).status, paid.status) == ("cancelled", "completed")


def test_a_payment_whose_worker_died_gets_its_instructions_from_the_sweeper() -> None:
    payment = promise(defer=True)
    operation = operations.open_operation(
        payment, OperationKind.PAY, amount_minor=1000, parameters={"method_kind": "cash"}, claimed=True
    )
    # given that its lease has run out
    Operation.objects.filter(pk=operation.pk).update(lease_until=ago(minutes=1), next_attempt_at=ago(minutes=1))
    sweeper.sweep()
    payment, operation = fresh(payment), Operation.objects.get(pk=operation.pk)
    assert (payment.status, payment.method_kind) == (PaymentStatus.REQUIRES_ACTION, "cash")
    assert operation.state == OperationState.SUCCEEDED


def test_a_deferred_payment_keeps_what_it_is_to_be_paid_with() -> None:
    payment = payments.process(promise(kind=MethodKind.CHEQUE, defer=True).pk)
    assert payment.next_action
    assert payment.next_action["fields"]["method"] == "cheque"


def test_automatic_approval_is_off_unless_the_account_says_otherwise(settings: Any) -> None:
    assert promise(kind=MethodKind.CASH).status == PaymentStatus.REQUIRES_ACTION
    offer_manual(settings, AUTO_APPROVE=["cash"])
    approved = promise(kind=MethodKind.CASH)
    assert (approved.status, approved.captured_minor) == (PaymentStatus.COMPLETED, 1000)
    assert last_entry(approved, "payment.completed").source == Source.CALL  # nobody vouched for it
    assert promise(kind=MethodKind.CHEQUE).status == PaymentStatus.REQUIRES_ACTION


def test_where_several_kinds_are_offered_one_has_to_be_named(settings: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        promise(kind=None)
    assert (refused.value.code, refused.value.field) == ("method_kind_required", "method_kind")
    offer_manual(settings, METHODS=["cash"])
    assert promise(kind=None).method_kind == "cash"
    with pytest.raises(Unsupported) as unsupported:
        promise(kind=MethodKind.CHEQUE)
    assert unsupported.value.code == "unsupported_method_kind"
    assert Payment.objects.count() == 1
