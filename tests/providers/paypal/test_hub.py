"""PayPal behind the hub: approval by notice and by return in any order, each told often, and one capture."""

from __future__ import annotations

import itertools
import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from django_payments_hub.api.explaining import explanation_of
from django_payments_hub.domain.statuses import (
    CaptureMethod,
    DisputeStatus,
    Flow,
    InboxState,
    MethodStatus,
    OperationKind,
    OperationState,
    PaymentStatus,
    RefundOrigin,
    RefundStatus,
)
from django_payments_hub.exceptions import InvalidSignature, Unsupported
from django_payments_hub.models import Customer, Dispute, Operation, Payment, PaymentMethod, Refund, WebhookEvent
from django_payments_hub.services import (
    accounts,
    inbox,
    method_calls,
    method_requests,
    methods,
    operations,
    payments,
    polling,
    provider_calls,
    refunds,
    sweeper,
)
from django_payments_hub.services.payments import NewPayment
from tests.providers.paypal.harness import CLIENT_ID
from tests.sandbox.receiver import Receiver
from tests.services import saved, world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_worker")]

RETURN_URL = "https://shop.example.com/thanks"


class Shop:
    """The hub with one PayPal account; its notices are kept until the test lets them in."""

    def __init__(self, sandbox: Any, receiver: Receiver):
        self.sandbox, self.receiver = sandbox, receiver

    def pay(self, *, manual: bool = False, **more: Any) -> Payment:
        method = CaptureMethod.MANUAL if manual else CaptureMethod.AUTOMATIC
        return payments.create(
            NewPayment(
                account="paypal",
                amount="10.00",
                currency="USD",
                flow=Flow.HOSTED,
                capture_method=method,
                return_url=RETURN_URL,
                **more,
            )
        )

    def approve(self, payment: Payment, buyer: str = "pays") -> None:
        self.sandbox.pay_session(payment.provider_session_id, card=buyer)

    def hear(self, *, times: int = 1, order: Any = None) -> None:
        """Let every notice that was sent in, in this order, so many times each."""
        self.sandbox.wait_idle()
        heard = list(self.receiver.heard)
        for notice in sorted(heard, key=order) if order else heard:
            for _ in range(times):
                inbox.receive(accounts.get("paypal"), notice.body, notice.headers)
        inbox.drain()

    def come_back(self, payment: Payment) -> None:
        """The browser returns; what that queues is done as the worker does it."""
        address = reverse("payments_hub:return-payment", kwargs={"payment_id": payment.pk})
        response = Client().get(address, {"token": payment.provider_session_id or "", "PayerID": "QYR5Z8XDVJNXQ"})
        assert response.status_code == 303
        payments.sync(payment.pk)

    def paid(self, *, manual: bool = False, buyer: str = "pays") -> Payment:
        payment = self.pay(manual=manual)
        self.approve(payment, buyer)
        self.come_back(payment)
        world.converge()
        return world.fresh(payment)

    def books(self, payment: Payment) -> dict[str, int]:
        found: list[Any] = [
            sums
            for sums in self.sandbox.ledger(provider="paypal")["payments"].values()
            if payment.reference in sums["metadata"].values()
        ]
        return {name: sum(sums[name] for sums in found) for name in ("captured", "refunded", "released")}

    def captures(self) -> int:
        return world.effects(self.sandbox, "orders.capture")


@pytest.fixture
def shop(settings: Any, sandbox: Any) -> Iterator[Shop]:
    receiver = Receiver()
    webhook = sandbox.deed("webhook", account=CLIENT_ID, url=receiver.url)
    account = {
        "PROVIDER": "paypal",
        "MODE": "test",
        "CLIENT_ID": CLIENT_ID,
        "CLIENT_SECRET": "hub-secret",
        "WEBHOOK_IDS": [webhook["id"]],
        **sandbox.settings("paypal"),
    }
    changes = {"ACCOUNTS": {"paypal": account}, "RETRY_BASE_S": 0.05, "WAKE_INTERVAL_S": 0.0}
    settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, **changes}
    accounts.forget()
    yield Shop(sandbox, receiver)
    accounts.forget()
    world.close_providers()
    receiver.close()


# -- approval ---------------------------------------------------------------------------------------------------------


def test_an_approved_payment_is_not_said_to_wait_for_its_buyer(shop: Shop) -> None:
    # given a buyer who approved, and a capture that is queued
    payment = shop.pay()
    assert explanation_of(payment)["explanation"] == "The payment waits for the customer."
    shop.approve(payment)
    shop.come_back(payment)
    # when somebody asks, then it is said who is to move
    told = explanation_of(world.fresh(payment))
    assert told["explanation"] == "The customer has approved; the money is being taken."


def test_a_return_without_a_worker_is_captured_by_the_next_sweep(shop: Shop) -> None:
    # given a buyer who approved, and no notice of it
    payment = shop.pay()
    shop.approve(payment)
    # when he comes back, and nobody reads what that queues
    Client().get(reverse("payments_hub:return-payment", kwargs={"payment_id": payment.pk}))
    # then one sweep asks, and captures
    report = sweeper.sweep()
    assert (report.looked_up, report.operations) == (1, 1)
    assert (world.fresh(payment).status, shop.captures()) == ("completed", 1)


TELLERS = {
    "notice": lambda shop, payment: shop.hear(),
    "notice twice": lambda shop, payment: shop.hear(times=2),
    "return": lambda shop, payment: shop.come_back(payment),
    "return twice": lambda shop, payment: (shop.come_back(payment), shop.come_back(payment)),
    "worker": lambda shop, payment: world.converge(),
}


@pytest.mark.parametrize(
    "order", list(itertools.permutations(("notice twice", "return twice", "worker"))), ids=" ".join
)
def test_an_approval_told_in_any_order_is_captured_once(shop, order):
    payment = shop.pay()
    assert payment.status == PaymentStatus.REQUIRES_ACTION
    shop.approve(payment)
    for teller in order:
        TELLERS[teller](shop, payment)
    world.converge()
    shop.hear()
    payment = world.fresh(payment)
    assert (payment.status, payment.captured_minor) == (PaymentStatus.COMPLETED, 1000)
    assert shop.captures() == 1
    assert shop.books(payment)["captured"] == 1000
    assert Operation.objects.filter(payment=payment, kind=OperationKind.CONFIRM.value).count() == 1


@pytest.mark.parametrize("teller", ["notice", "return"])
def test_one_teller_is_enough(shop, teller):
    payment = shop.pay()
    shop.approve(payment)
    TELLERS[teller](shop, payment)
    world.converge()
    assert world.fresh(payment).status == PaymentStatus.COMPLETED
    assert shop.captures() == 1


def test_a_return_alone_proves_nothing(shop):
    payment = shop.pay()
    shop.come_back(payment)
    world.converge()
    assert world.fresh(payment).status == PaymentStatus.REQUIRES_ACTION
    assert shop.captures() == 0


def test_notices_in_reverse_end_in_the_same_state(shop):
    payment = shop.paid()
    refunds.execute(refunds.request(payment.pk, amount="4.00").pk)
    shop.sandbox.wait_idle()
    shop.hear(order=lambda heard: -shop.receiver.heard.index(heard))
    payment = world.fresh(payment)
    assert payment.status == PaymentStatus.PARTIALLY_REFUNDED
    assert (payment.captured_minor, payment.refunded_minor, payment.attention_code) == (1000, 400, "")
    assert not WebhookEvent.objects.filter(state=InboxState.QUARANTINED.value).exists()
    assert not WebhookEvent.objects.filter(state=InboxState.FAILED.value).exists()


def test_a_forged_notice_moves_nothing(shop):
    payment = shop.pay()
    shop.approve(payment)
    shop.sandbox.wait_idle()
    [heard, *_] = shop.receiver.heard
    with pytest.raises(InvalidSignature):
        inbox.receive(accounts.get("paypal"), heard.body.replace(b"10.00", b"99.00"), heard.headers)
    assert not WebhookEvent.objects.exists()
    world.converge()
    assert shop.captures() == 0


def test_a_notice_under_anothers_signature_completes_no_payment(shop):
    """What PayPal signs of a body is its CRC-32, which another can be given: PayPal is asked before money counts."""
    paid, unpaid = shop.paid(), shop.pay()
    shop.sandbox.wait_idle()
    [genuine] = [heard for heard in shop.receiver.heard if b"PAYMENT.CAPTURE.COMPLETED" in heard.body]
    told = json.loads(genuine.body)
    told["id"] = "WH-FORGED"
    told["resource"].update(id="2GG279541U471931P", custom_id=unpaid.reference, invoice_id=unpaid.reference)
    told["resource"]["supplementary_data"]["related_ids"]["order_id"] = unpaid.provider_session_id
    told["resource"]["links"] = []
    forged = with_checksum(json.dumps({**told, "pad": "0000"}).encode(), zlib.crc32(genuine.body))
    inbox.receive(accounts.get("paypal"), forged, genuine.headers)
    inbox.drain()
    assert WebhookEvent.objects.get(event_id="WH-FORGED").state == InboxState.PROCESSED
    assert world.fresh(unpaid).status == PaymentStatus.REQUIRES_ACTION
    asked = len(shop.sandbox.calls("orders.get"))
    shop.hear()
    assert world.fresh(paid).status == PaymentStatus.COMPLETED
    assert len(shop.sandbox.calls("orders.get")) == asked, "what is no news is not asked about"


def test_a_refund_under_anothers_signature_neither_fails_nor_ends(shop):
    """Else what is reserved for it would be free, and given back once more."""
    # given a refund whose answer was lost, another that PayPal has not decided, and a genuine delivery that leaked
    payment = shop.paid(buyer="refund_pending")
    pending = refunds.execute(refunds.request(payment.pk, amount="4.00").pk)
    shop.sandbox.fault("reset", operation="captures.refund", when="before")
    lost = refunds.execute(refunds.request(payment.pk, amount="3.00").pk)
    shop.sandbox.wait_idle()
    [genuine] = [heard for heard in shop.receiver.heard if b"PAYMENT.REFUND.PENDING" in heard.body]
    # when notices made of it say that both have failed, that a third was made, and that the payment was refused
    refused = {"id": payment.provider_payment_id, "invoice_id": payment.reference, "status": "DECLINED"}
    refused["amount"] = {"currency_code": "USD", "value": "10.00"}
    for event_id, kind, said in (
        ("WH-1", "PAYMENT.REFUND.FAILED", {"status": "FAILED"}),
        ("WH-2", "PAYMENT.REFUND.FAILED", {"status": "FAILED", **_as(lost, "3.00"), "id": "2GG279541U471931P"}),
        ("WH-3", "PAYMENT.REFUND.COMPLETED", {"status": "COMPLETED", "id": "8MC585209K746392H", "invoice_id": None}),
        ("WH-4", "PAYMENT.CAPTURE.DENIED", refused),
    ):
        told = json.loads(genuine.body)
        told.update(id=event_id, event_type=kind, resource_type="capture" if "DENIED" in kind else "refund")
        told["resource"].update(said)
        forged = with_checksum(json.dumps({**told, "pad": "0000"}).encode(), zlib.crc32(genuine.body))
        inbox.receive(accounts.get("paypal"), forged, genuine.headers)
    inbox.drain()
    # then everything is as PayPal says when it is asked
    assert WebhookEvent.objects.count() == 4
    for refund in (pending, lost):
        refund.refresh_from_db()
        assert refund.status == RefundStatus.PROCESSING
    assert Refund.objects.count() == 2
    assert Operation.objects.get(refund=lost).state == OperationState.UNKNOWN
    row = world.fresh(payment)
    assert (row.status, row.refund_reserved_minor, row.attention_code) == (PaymentStatus.COMPLETED, 700, "")


def _as(refund: Refund, value: str) -> dict[str, Any]:
    return {"invoice_id": str(refund.pk), "amount": {"currency_code": "USD", "value": value}}


def with_checksum(body: bytes, wanted: int) -> bytes:
    """The body with blanks and tabs at its end such that its CRC-32 is the wanted one: 32 bits, 32 linear equations."""
    pad = bytearray(b" " * 64)
    base = zlib.crc32(body + pad)
    rows = []
    for place in range(64):
        pad[place] = 9
        rows.append((zlib.crc32(body + pad) ^ base, 1 << place))
        pad[place] = 32
    target, chosen = wanted ^ base, 0
    for bit in range(32):
        pivot = next((row for row in rows if row[0] >> bit & 1), None)
        assert pivot is not None
        rows = [(r ^ pivot[0], c ^ pivot[1]) if r >> bit & 1 else (r, c) for r, c in rows if (r, c) != pivot]
        if target >> bit & 1:
            target, chosen = target ^ pivot[0], chosen ^ pivot[1]
    made = body + bytes(9 if chosen >> place & 1 else 32 for place in range(64))
    assert zlib.crc32(made) == wanted
    return made


# -- dying between ----------------------------------------------------------------------------------------------------


class DiedError(BaseException):
    """The worker's process ends here."""


@pytest.mark.parametrize("place", ["operation.before_send", "operation.after_answer", "operation.after_commit"])
@pytest.mark.parametrize("tells", ["notice", "return"])
def test_a_worker_that_dies_while_it_confirms_leaves_one_capture(shop, monkeypatch, place, tells):
    payment = shop.pay()
    shop.approve(payment)
    TELLERS[tells](shop, payment)
    operation = world.only_operation(payment, OperationKind.CONFIRM.value)

    def die(name: str) -> None:
        if name == place:
            raise DiedError

    with monkeypatch.context() as patch:
        patch.setattr("django_payments_hub.services.operations.reach", die)
        patch.setattr("django_payments_hub.services.answers.reach", die)
        with pytest.raises(DiedError):
            operations.resume(operation.pk)
    TELLERS[tells](shop, payment)
    world.converge()
    payment = world.fresh(payment)
    assert (payment.status, payment.captured_minor) == (PaymentStatus.COMPLETED, 1000)
    assert shop.captures() == 1
    assert shop.books(payment)["captured"] == 1000


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["reset", "status", "garbage", "empty"])
def test_a_lost_answer_to_the_capture_is_found_out(shop, kind, when):
    payment = shop.pay()
    shop.approve(payment)
    shop.come_back(payment)
    shop.sandbox.fault(kind, operation="orders.capture", when=when)
    operation = world.only_operation(payment, OperationKind.CONFIRM.value)
    operations.resume(operation.pk)
    assert world.fresh(payment).status == PaymentStatus.PROCESSING, "never failed (I7)"
    shop.sandbox.clear_faults()
    world.converge()
    assert world.fresh(payment).status == PaymentStatus.COMPLETED
    assert shop.books(payment)["captured"] == 1000


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_to_the_order_makes_one_order(shop, when):
    shop.sandbox.fault("reset", operation="orders.create", when=when)
    payment = shop.pay()
    assert payment.status == PaymentStatus.PROCESSING
    world.converge()
    payment = world.fresh(payment)
    assert payment.status == PaymentStatus.REQUIRES_ACTION
    assert world.effects(shop.sandbox, "orders.create") == 1
    shop.approve(payment)
    shop.come_back(payment)
    world.converge()
    assert world.fresh(payment).status == PaymentStatus.COMPLETED


def test_past_the_window_of_its_key_an_order_is_left_to_a_person_or_a_notice(shop):
    shop.sandbox.fault("reset", operation="orders.create", when="after")
    payment = shop.pay()
    operation = world.only_operation(payment, OperationKind.PAY.value)
    world.age_operation(operation, 5 * 3600 + 1)
    world.converge()
    operation.refresh_from_db()
    assert (operation.state, operation.attention_code) == (OperationState.UNKNOWN, "key_window_passed")
    assert len(shop.sandbox.calls("orders.create")) == 1


def test_past_the_window_of_its_key_a_notice_leads_to_the_order_that_was_paid_at_once(shop):
    # given a payment with a saved method whose answer was lost, and whose key is forgotten by now
    method = save(world.make_user())
    shop.sandbox.complete_setup(method.provider_setup_id)
    method = methods.confirm(method.pk)
    shop.sandbox.fault("reset", operation="orders.create", when="after")
    wish = NewPayment(account="paypal", amount="10.00", currency="USD", flow=Flow.TOKEN)
    payment = payments.create(replace(wish, user=method.user, payment_method=method))
    world.age_operation(world.only_operation(payment, OperationKind.PAY.value), 5 * 3600 + 1)
    world.converge()
    assert world.fresh(payment).status == PaymentStatus.PROCESSING
    # when its notices come
    shop.hear()
    # then the order they name is asked for, and tells
    assert world.fresh(payment).status == PaymentStatus.COMPLETED
    assert shop.books(payment)["captured"] == 1000


def test_while_no_token_can_be_had_nothing_is_in_doubt(shop):
    shop.sandbox.fault("status", operation="oauth2.token", status=500)
    payment = shop.pay()
    operation = world.only_operation(payment, OperationKind.PAY.value)
    assert (payment.status, operation.state) == (PaymentStatus.PENDING, OperationState.CREATED)
    world.converge()
    assert world.fresh(payment).status == PaymentStatus.REQUIRES_ACTION


# -- declined, pending ------------------------------------------------------------------------------------------------


def test_a_declined_buyer_may_choose_another_way_to_pay(shop):
    payment = shop.paid(buyer="declined")
    assert (payment.status, payment.captured_minor) == (PaymentStatus.REQUIRES_ACTION, 0)
    assert payment.failure_code == "card_declined"
    assert payment.provider_session_id in payment.next_action["url"]
    shop.approve(payment)
    shop.come_back(payment)
    world.converge()
    payment = world.fresh(payment)
    assert (payment.status, payment.captured_minor, payment.failure_code) == (PaymentStatus.COMPLETED, 1000, "")
    assert shop.books(payment)["captured"] == 1000


@pytest.mark.parametrize("buyer", ["declined", "declined_unseen"])
def test_what_was_declined_is_captured_again_only_after_another_approval(shop, buyer):
    """Neither by the first approval's notice that comes late, nor because the order still shows as approved."""
    payment = shop.paid(buyer=buyer)
    shop.hear()
    for _ in range(3):
        payments.sync(payment.pk)
        shop.come_back(payment)
        world.converge()
    assert len(shop.sandbox.calls("orders.capture")) == 1
    assert world.fresh(payment).status == PaymentStatus.REQUIRES_ACTION
    shop.approve(payment)
    shop.hear()
    world.converge()
    assert len(shop.sandbox.calls("orders.capture")) == 2
    assert world.fresh(payment).status == PaymentStatus.COMPLETED
    assert shop.books(payment)["captured"] == 1000


def test_a_payment_declined_for_good_is_failed(shop):
    payment = shop.paid(buyer="declined_capture")
    assert (payment.status, payment.captured_minor) == (PaymentStatus.FAILED, 0)
    shop.hear()
    assert world.fresh(payment).status == PaymentStatus.FAILED
    assert shop.books(payment)["captured"] == 0


@pytest.mark.parametrize(("outcome", "status"), [("succeed", PaymentStatus.COMPLETED), ("fail", PaymentStatus.FAILED)])
def test_a_pending_capture_ends_by_its_notice(shop, outcome, status):
    payment = shop.paid(buyer="echeck")
    assert payment.status == PaymentStatus.PROCESSING
    shop.sandbox.settle(payment.provider_payment_id, outcome)
    shop.hear()
    assert world.fresh(payment).status == status


@pytest.mark.parametrize("teller", ["notice", "poll"])
@pytest.mark.parametrize(
    ("outcome", "status", "sums"),
    [
        ("succeed", PaymentStatus.COMPLETED, {"captured": 1000, "refunded": 0, "released": 0}),
        ("fail", PaymentStatus.CANCELLED, {"captured": 0, "refunded": 0, "released": 1000}),
    ],
)
def test_a_pending_capture_of_what_was_held_ends_by_its_notice_or_a_poll(shop, teller, outcome, status, sums):
    payment = shop.paid(manual=True, buyer="echeck")
    payments.capture(payment.pk)
    payment = world.fresh(payment)
    assert (payment.status, payment.captured_minor, payment.capturable_minor) == (PaymentStatus.PROCESSING, 0, 0)
    shop.sandbox.settle(payment.provider_payment_id, outcome)
    if teller == "notice":
        shop.hear()
    else:
        long_ago = timezone.now() - timedelta(days=3)
        Payment.objects.filter(pk=payment.pk).update(created_at=long_ago, expiry_attempt_at=None)
        assert polling.due(limit=9) == [payment.pk]
        polling.look_again(payment.pk)
    payment = world.fresh(payment)
    assert (payment.status, payment.captured_minor) == (status, sums["captured"])
    assert shop.books(payment) == sums
    assert polling.due(limit=9) == []


# -- after the payment ------------------------------------------------------------------------------------------------


def test_a_refund_is_one_whoever_tells_of_it_first(shop):
    payment = shop.paid()
    refund = refunds.execute(refunds.request(payment.pk, amount="4.00").pk)
    shop.hear(times=2)
    assert refund.status == RefundStatus.COMPLETED
    assert Refund.objects.filter(payment=payment).count() == 1
    assert world.fresh(payment).refunded_minor == 400
    assert shop.books(payment)["refunded"] == 400


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_to_a_refund_gives_the_money_back_once(shop, when):
    payment = shop.paid()
    shop.sandbox.fault("reset", operation="captures.refund", when=when)
    refund = refunds.execute(refunds.request(payment.pk, amount="4.00").pk)
    assert refund.status == RefundStatus.PROCESSING
    world.converge()
    refund.refresh_from_db()
    assert refund.status == RefundStatus.COMPLETED
    assert shop.books(payment)["refunded"] == 400


def test_a_refund_made_at_paypal_is_recorded(shop):
    payment = shop.paid()
    shop.sandbox.external_refund(payment.provider_payment_id, 300)
    shop.hear(times=2)
    [refund] = Refund.objects.filter(payment=payment)
    assert (refund.origin, refund.amount_minor) == (RefundOrigin.PROVIDER, 300)
    assert world.fresh(payment).status == PaymentStatus.PARTIALLY_REFUNDED


@pytest.mark.parametrize(
    ("deed", "amount", "status"),
    [
        ("external_refund", 300, PaymentStatus.PARTIALLY_REFUNDED),
        ("reverse_capture", 1000, PaymentStatus.REFUNDED),
    ],
)
def test_money_that_goes_back_at_paypal_from_an_authorised_payment_is_recorded(shop, deed, amount, status):
    """The notice names the capture; such a payment is known by its authorization."""
    payment = shop.paid(manual=True)
    payments.capture(payment.pk)
    shop.sandbox.deed(deed, payment=payment.provider_payment_id, amount=amount)
    shop.hear(times=2)
    [refund] = Refund.objects.filter(payment=payment)
    assert (refund.origin, refund.status, refund.amount_minor) == (
        RefundOrigin.PROVIDER,
        RefundStatus.COMPLETED,
        amount,
    )
    assert world.fresh(payment).status == status
    assert shop.books(payment)["refunded"] == amount
    assert not WebhookEvent.objects.exclude(state=InboxState.PROCESSED.value).exists()


def test_a_refund_of_what_another_system_sold_on_the_same_account_is_none_of_the_hubs(shop):
    """The notice names a capture, and that carries no reference of the hub's."""
    api: Any = getattr(provider_calls.provider_of(accounts.get("paypal").row), "_api")  # noqa: B009 - PayPal's own
    unit = {"custom_id": "order 17", "amount": {"currency_code": "USD", "value": "10.00"}}
    order = api.call("POST", "/v2/checkout/orders", {"intent": "CAPTURE", "purchase_units": [unit]}, key="17")
    shop.sandbox.pay_session(order["id"], card="pays")
    api.call("POST", f"/v2/checkout/orders/{order['id']}/capture", {}, key="17-capture")
    shop.sandbox.external_refund(order["id"], 300)
    shop.hear()
    states = dict(WebhookEvent.objects.values_list("event_type", "state"))
    assert states["PAYMENT.CAPTURE.REFUNDED"] == InboxState.IGNORED
    assert not Refund.objects.exists()


def test_a_dispute_that_names_only_the_capture_of_an_authorised_payment_is_recorded(shop):
    payment = shop.paid(manual=True)
    payments.capture(payment.pk)
    shop.sandbox.dispute(payment.provider_payment_id)
    shop.sandbox.wait_idle()
    [heard] = [n for n in shop.receiver.heard if b"CUSTOMER.DISPUTE.CREATED" in n.body]
    told = json.loads(heard.body)
    for name in ("custom", "invoice_number"):
        del told["resource"]["disputed_transactions"][0][name]
    event = WebhookEvent.objects.create(
        account=payment.account, event_id="WH-1", event_type=told["event_type"], body=json.dumps(told)
    )
    inbox.process(event)
    [dispute] = Dispute.objects.filter(payment=payment)
    assert dispute.status == DisputeStatus.NEEDS_RESPONSE
    assert world.fresh(payment).disputed_minor == 1000


@pytest.mark.parametrize(("status", "told"), [("won", DisputeStatus.WON), ("lost", DisputeStatus.LOST)])
def test_a_dispute_is_recorded_and_decided(shop, status, told):
    payment = shop.paid()
    shop.sandbox.dispute(payment.provider_payment_id)
    shop.hear()
    [dispute] = Dispute.objects.filter(payment=payment)
    assert (dispute.status, dispute.amount_minor) == (DisputeStatus.NEEDS_RESPONSE, 1000)
    assert world.fresh(payment).disputed_minor == 1000
    shop.sandbox.dispute(payment.provider_payment_id, status=status)
    shop.hear()
    dispute.refresh_from_db()
    assert dispute.status == told
    assert world.fresh(payment).disputed_minor == (1000 if status == "lost" else 0)


def test_an_inquiry_withholds_nothing_and_goes_to_and_fro_until_it_becomes_a_claim(shop):
    # given a buyer who asks the merchant
    payment = shop.paid()

    def told(status):
        shop.sandbox.deed("dispute", payment=payment.provider_payment_id, status=status)
        shop.hear()
        shop.sandbox.advance(3_600)
        dispute = Dispute.objects.get(payment=payment)
        return dispute.status, world.fresh(payment).disputed_minor, dispute.evidence_due_at

    first = told("inquiry")
    assert first[:2] == (DisputeStatus.INQUIRY_NEEDS_RESPONSE, 0)
    # when the merchant answers, and the buyer asks again
    assert told("answered")[:2] == (DisputeStatus.INQUIRY_UNDER_REVIEW, 0)
    again = told("asked")
    # then it waits for the merchant, until a later date
    assert again[:2] == (DisputeStatus.INQUIRY_NEEDS_RESPONSE, 0)
    assert again[2] > first[2]
    # and once it is a claim, the money is withheld, whosever turn it is
    assert told("claim")[:2] == (DisputeStatus.NEEDS_RESPONSE, 1000)
    assert told("answered")[:2] == (DisputeStatus.UNDER_REVIEW, 1000)
    assert told("asked")[:2] == (DisputeStatus.NEEDS_RESPONSE, 1000)
    assert shop.sandbox.ledger()["payments"][payment.provider_payment_id]["disputed"] == 1000


def test_an_authorisation_is_captured_in_part_refunded_and_its_notices_agree(shop):
    payment = shop.paid(manual=True)
    assert (payment.status, payment.capturable_minor) == (PaymentStatus.AUTHORIZED, 1000)
    payments.capture(payment.pk, amount="7.00")
    refunds.execute(refunds.request(payment.pk, amount="2.00").pk)
    shop.hear(times=2)
    payment = world.fresh(payment)
    assert (payment.status, payment.captured_minor, payment.refunded_minor) == (
        PaymentStatus.PARTIALLY_REFUNDED,
        700,
        200,
    )
    assert (payment.capturable_minor, payment.attention_code) == (0, "")
    assert not WebhookEvent.objects.filter(state=InboxState.QUARANTINED.value).exists()
    assert shop.books(payment) == {"captured": 700, "refunded": 200, "released": 300}


def test_an_authorisation_is_voided(shop):
    payment = payments.cancel(shop.paid(manual=True).pk)
    shop.hear()
    assert world.fresh(payment).status == PaymentStatus.CANCELLED
    assert shop.books(payment)["released"] == 1000


def test_what_was_given_up_is_not_captured_though_the_buyer_approves_it_later(shop):
    payment = shop.pay()
    assert payments.cancel(payment.pk).status == PaymentStatus.CANCELLED
    shop.approve(payment)
    shop.hear()
    payments.sync(payment.pk)
    world.converge()
    sweeper.sweep()
    assert world.fresh(payment).status == PaymentStatus.CANCELLED
    assert shop.captures() == 0


# -- saved methods ----------------------------------------------------------------------------------------------------


def save(user: User) -> PaymentMethod:
    return methods.save(methods.NewMethod(account="paypal", user=user, return_url=RETURN_URL))


@pytest.mark.parametrize(("hours", "sent_again"), [(1, 1), (4, 0)])
def test_a_saving_is_sent_again_only_while_the_vault_knows_its_key(shop: Shop, hours: int, sent_again: int) -> None:
    """I13: three hours, where orders have six."""
    sandbox = shop.sandbox
    # given a saving whose answer was lost some time ago
    sandbox.fault("reset", operation="setup_tokens.create", when="after")
    method = save(world.make_user())
    first_sent_at = timezone.now() - timedelta(hours=hours)
    PaymentMethod.objects.filter(pk=method.pk).update(first_sent_at=first_sent_at)
    sandbox.advance(hours * 3600)
    sent = len(sandbox.calls("setup_tokens.create"))
    # when it is swept
    saved.converge(2)
    # then it is sent again under a key that is known, and given up otherwise: nobody was told what to approve
    assert len(sandbox.calls("setup_tokens.create")) == sent + sent_again
    assert world.effects(sandbox, "setup_tokens.create") == 1
    ended = (MethodStatus.FAILED, "never_saved") if not sent_again else (MethodStatus.PENDING, "")
    assert (saved.fresh(method).status, saved.fresh(method).failure_provider_code) == ended


def test_of_two_savings_at_once_the_later_is_begun_anew_for_the_user_s_customer(shop: Shop) -> None:
    sandbox = shop.sandbox
    # given a saving that was sent without a customer, and not answered
    user = world.make_user()
    sandbox.fault("reset", operation="setup_tokens.create", when="before")
    lost = save(user)
    # when another one has made the user's customer meanwhile
    other = save(user)
    customer = Customer.objects.get().provider_customer_id
    saved.make_due()
    method_calls.resume(lost.pk)
    # then the first is sent as it was, and again for that customer under another key
    again, anew = sandbox.calls("setup_tokens.create")[-2:]
    assert (again["idempotency_key"], anew["idempotency_key"]) == (str(lost.pk), f"{lost.pk}-anew")
    for row in (saved.fresh(lost), other):
        sandbox.complete_setup(row.provider_setup_id)
        assert methods.confirm(row.pk).status == MethodStatus.ACTIVE
    saved.converge(2)
    assert Customer.objects.get().provider_customer_id == customer
    assert len(saved.kept(Customer.objects.get())) == 1


def test_a_method_of_a_second_customer_is_deleted_in_the_name_of_that_one(shop: Shop) -> None:
    # given two payments that save, begun before either was approved: PayPal makes a customer with each
    user = world.make_user()
    begun = [shop.pay(user=user, save_method=True) for _ in range(2)]
    for payment in begun:
        shop.approve(payment)
        payments.confirm(payment.pk)
    # then the second token is to be let go of, and is
    stray = PaymentMethod.objects.get(status=MethodStatus.DETACHING.value)
    assert stray.parameters["customer_token"] not in ("", Customer.objects.get().provider_customer_id)
    saved.converge(2)
    assert saved.fresh(stray).status == MethodStatus.DETACHED
    (deleted,) = shop.sandbox.calls("payment_tokens.delete")
    assert deleted["path"].endswith(str(stray.provider_method_id))
    assert world.fresh(begun[1]).status == PaymentStatus.COMPLETED


def test_a_method_that_the_buyer_removes_at_paypal_is_no_method_any_more(shop: Shop) -> None:
    method = save(world.make_user())
    shop.sandbox.complete_setup(method.provider_setup_id)
    method = methods.confirm(method.pk)
    provider_calls.provider_of(method.account).detach_method(method_requests.detach(method))
    assert saved.fresh(method).is_active
    shop.hear()
    assert not saved.fresh(method).is_active
    saved.converge(1)
    assert saved.fresh(method).status == MethodStatus.DETACHED


def test_saving_in_the_flow_that_pays_with_what_is_saved_is_refused_before_anything_is_sent(
    shop: Shop, sandbox: Any
) -> None:
    before = sandbox.calls()
    wish = NewPayment(account="paypal", amount="10.00", currency="USD", flow=Flow.TOKEN, method_token="tok")
    with pytest.raises(Unsupported) as refused:
        payments.create(replace(wish, user=world.make_user(), save_method=True))
    assert refused.value.code == "unsupported_save_flow"
    assert sandbox.calls() == before
    assert not Payment.objects.exists()
