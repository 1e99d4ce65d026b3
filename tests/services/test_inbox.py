"""The inbox: filed once, applied in any order and at most once, kept until it can be applied (I9-I12, F35-F37, F45)."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from django_payments_hub import registry
from django_payments_hub.domain.statuses import InboxState, PaymentStatus, Verdict
from django_payments_hub.exceptions import InvalidSignature, MalformedNotice, OutcomeUnknown, Unsupported
from django_payments_hub.models import Payment, Refund, TransactionLog, WebhookEvent
from django_payments_hub.services import accounts, inbox, payments
from django_payments_hub.testing.sandbox import SandboxClient
from tests.services import world

pytestmark = pytest.mark.django_db(transaction=True)


def intent(payment: Payment, status: str = "succeeded", **changes: Any) -> dict[str, Any]:
    """A PaymentIntent in the shape Stripe documents, about this payment."""
    done = status == "succeeded"
    known = {
        "id": payment.provider_payment_id or f"pi_{payment.pk.hex}",
        "object": "payment_intent",
        "amount": payment.amount_minor,
        "amount_received": payment.amount_minor if done else 0,
        "amount_capturable": payment.amount_minor if status == "requires_capture" else 0,
        "currency": payment.currency.lower(),
        "status": status,
        "livemode": False,
        "created": int(time.time()),
        "metadata": {"hub_payment": payment.reference},
        "last_payment_error": None,
        "next_action": None,
    }
    return {**known, **changes}


def refund(payment: Payment, minor: int = 400, status: str = "succeeded", **changes: Any) -> dict[str, Any]:
    known = {
        "id": f"re_{payment.pk.hex}",
        "object": "refund",
        "balance_transaction": "txn_1",
        "amount": minor,
        "currency": payment.currency.lower(),
        "status": status,
        "payment_intent": payment.provider_payment_id or f"pi_{payment.pk.hex}",
        "metadata": {"hub_payment": payment.reference},
    }
    return {**known, **changes}


def dispute(payment: Payment, status: str, minor: int = 1000) -> dict[str, Any]:
    return {
        "id": f"dp_{payment.pk.hex}",
        "object": "dispute",
        "amount": minor,
        "currency": payment.currency.lower(),
        "status": status,
        "reason": "fraudulent",
        "livemode": False,
        "payment_intent": payment.provider_payment_id or f"pi_{payment.pk.hex}",
        "metadata": {},
        "evidence_details": {"due_by": int(time.time()) + 86_400},
    }


# -- filing -----------------------------------------------------------------------------------------------------------


def test_a_notice_is_filed_and_nothing_is_done_yet() -> None:
    payment = world.recorded()
    body = world.notice("payment_intent.succeeded", intent(payment), event_id="evt_1")
    inbox.receive(accounts.get("stripe"), body, world.signed(body))
    event = WebhookEvent.objects.get()
    assert (event.event_id, event.event_type, event.state) == ("evt_1", "payment_intent.succeeded", InboxState.RECEIVED)
    assert world.fresh(payment).status == PaymentStatus.PENDING


def test_what_lets_a_browser_pay_is_not_kept() -> None:
    payment = world.recorded()
    body = world.notice("payment_intent.succeeded", intent(payment, client_secret="pi_1_secret_canary"))
    inbox.receive(accounts.get("stripe"), body, world.signed(body))
    assert "canary" not in WebhookEvent.objects.get().body
    inbox.drain()
    assert world.fresh(payment).status == PaymentStatus.COMPLETED


@pytest.mark.parametrize("secret", ["", "whsec_other"])
def test_a_forged_notice_leaves_nothing(secret: str) -> None:
    body = world.notice("payment_intent.succeeded", intent(world.recorded()))
    with pytest.raises(InvalidSignature):
        inbox.receive(accounts.get("stripe"), body, world.signed(body, secret))
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"{", b"\xff", b"[" * 100_000], ids=lambda body: repr(body[:6]))
def test_a_signed_notice_that_cannot_be_read_leaves_nothing(body: bytes) -> None:
    """F43."""
    with pytest.raises(MalformedNotice):
        inbox.receive(accounts.get("stripe"), body, world.signed(body))
    assert not WebhookEvent.objects.exists()


def test_a_provider_without_webhooks_takes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = registry.provider_class("stripe")
    monkeypatch.setattr(provider, "capabilities", replace(provider.capabilities, webhooks=False))
    with pytest.raises(Unsupported):
        inbox.receive(accounts.get("stripe"), b"{}", world.signed(b"{}"))


# -- applying ---------------------------------------------------------------------------------------------------------


def test_an_event_is_applied_at_most_once_for_ever() -> None:
    """I10, F38."""
    payment = world.recorded()
    body = world.notice("payment_intent.succeeded", intent(payment))
    for _ in range(3):
        inbox.receive(accounts.get("stripe"), body, world.signed(body))
        inbox.drain()
    event, entries = WebhookEvent.objects.get(), TransactionLog.objects.count()
    assert (event.state, event.verdict, event.tries) == (InboxState.PROCESSED, Verdict.APPLIED, 1)
    inbox.replay(event.pk)
    inbox.drain()
    event.refresh_from_db()
    assert (event.state, event.verdict) == (InboxState.PROCESSED, Verdict.DUPLICATE)
    assert TransactionLog.objects.count() == entries


def test_the_log_names_the_notice_it_came_from() -> None:
    payment = world.recorded()
    event = world.hear("payment_intent.succeeded", intent(payment))
    entry = payment.log.first()
    assert entry is not None
    assert (entry.source, entry.webhook_event, entry.actor) == ("webhook", event, None)


NOTICES = {
    "created": lambda p: ("payment_intent.created", intent(p, "requires_payment_method")),
    "action": lambda p: ("payment_intent.requires_action", intent(p, "requires_action")),
    "held": lambda p: ("payment_intent.amount_capturable_updated", intent(p, "requires_capture")),
    "paid": lambda p: ("payment_intent.succeeded", intent(p)),
    "cancelled": lambda p: ("payment_intent.canceled", intent(p, "canceled")),
    "refunding": lambda p: ("refund.created", refund(p, status="pending")),
    "refunded": lambda p: ("charge.refund.updated", refund(p)),
    "refund failed": lambda p: ("refund.failed", refund(p, status="failed")),
    "disputed": lambda p: ("charge.dispute.created", dispute(p, "needs_response")),
    "won": lambda p: ("charge.dispute.closed", dispute(p, "won")),
}
HISTORIES = [
    ("created", "action", "paid"),
    ("held", "paid", "refunded"),
    ("created", "held", "cancelled"),
    ("paid", "refunding", "refunded"),
    ("refunding", "refunded", "refund failed"),
    ("paid", "disputed", "won"),
]


@pytest.mark.parametrize("names", HISTORIES, ids="-".join)
def test_notices_in_any_order_end_in_the_same_state(names: tuple[str, ...]) -> None:
    """F35. The first of them may come before the hub knows the provider's id: our own reference finds it (F36)."""
    ends = set()
    for order in permutations(names):
        payment = world.recorded()
        for name in order:
            world.hear(*NOTICES[name](payment))
        # what could not be matched at first is told again
        world.make_due()
        inbox.drain()
        row = world.fresh(payment)
        ends.add(
            (
                *world.amounts(row).values(),
                row.status,
                tuple(row.refunds.values_list("status", "amount_minor")),
                tuple(row.disputes.values_list("status", "amount_minor")),
            )
        )
    assert len(ends) == 1, ends
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {InboxState.PROCESSED.value}


def test_a_dispute_that_the_provider_does_not_declare_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    payment = world.recorded()
    kind = registry.provider_class("stripe")
    monkeypatch.setattr(kind, "capabilities", replace(kind.capabilities, disputes=False))
    event = world.hear("charge.dispute.created", dispute(payment, "needs_response"))
    assert (event.verdict, event.error_code) == ("", "unsupported_disputes")
    assert not payment.disputes.exists()


def test_a_notice_before_our_own_call_was_answered_is_applied(sandbox: SandboxClient) -> None:
    """F36, I11: paid by notice while the operation is still open, which it then proves."""
    sandbox.fault("reset", operation="payment_intents.confirm", when="after")
    payment = world.pay()
    assert payment.status == PaymentStatus.PROCESSING
    event = world.hear("payment_intent.succeeded", intent(world.fresh(payment)))
    assert event.verdict == Verdict.APPLIED
    assert world.fresh(payment).status == PaymentStatus.COMPLETED
    assert world.only_operation(payment, "pay").state == "succeeded"
    calls = len(sandbox.calls())
    world.converge()
    assert len(sandbox.calls()) == calls, "the notice proved it: there is nothing to look up"


def test_a_decline_told_before_our_own_lost_answer(sandbox: SandboxClient) -> None:
    """The notice says declined, then our connection breaks: nothing illegal happens, and it ends declined."""
    payment = world.recorded()
    error = {"code": "card_declined", "decline_code": "generic_decline"}
    world.hear("payment_intent.payment_failed", intent(payment, "requires_payment_method", last_payment_error=error))
    assert world.fresh(payment).status == PaymentStatus.FAILED
    other = world.pay(token="pm_card_chargeDeclined")
    sandbox.fault("reset", operation="payment_intents.cancel", when="before")
    payments.cancel(other.pk)
    world.converge()
    assert world.fresh(other).status == PaymentStatus.CANCELLED


def test_an_event_for_an_unknown_refund_of_an_unknown_payment_is_kept_and_tried_again(hub: dict[str, Any]) -> None:
    """F37."""
    payment = world.recorded()
    stranger = replace_names(refund(payment), "pi_of_nobody")
    event = world.hear("charge.refund.updated", stranger)
    assert (event.state, event.verdict, event.tries) == (InboxState.UNMATCHED, Verdict.UNMATCHED, 1)
    assert event.next_attempt_at is not None
    for _ in range(20):
        world.make_due()
        inbox.drain()
    event.refresh_from_db()
    assert (event.state, event.tries) == (InboxState.UNMATCHED, 10)
    assert event.next_attempt_at is None, "it waits for a person, visibly"


def replace_names(data: dict[str, Any], intent_id: str) -> dict[str, Any]:
    return {**data, "payment_intent": intent_id, "metadata": {}}


def test_a_refund_told_before_its_payment_has_its_id_is_applied_once_it_has(sandbox: SandboxClient) -> None:
    """F36: the notice names the PaymentIntent, which the hub learns with its own answer."""
    sandbox.fault("reset", operation="payment_intents.confirm", when="after")
    payment = world.pay()
    intent_id = next(iter(sandbox.ledger()["payments"]))
    event = world.hear("charge.refund.updated", replace_names(refund(payment), intent_id))
    assert event.state == InboxState.UNMATCHED
    world.converge()
    world.make_due()
    inbox.drain()
    event.refresh_from_db()
    assert event.state == InboxState.PROCESSED
    assert world.fresh(payment).refunded_minor == 400


MUTATIONS: dict[str, dict[str, Any]] = {
    "amount": {"amount": 999, "amount_received": 999},
    "more received": {"amount_received": 1001},
    "currency": {"currency": "eur"},
    "livemode": {"livemode": True},
    "id": {"id": "pi_another"},
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_signed_notice_with_one_wrong_field_is_quarantined(sandbox: SandboxClient, name: str) -> None:
    """I12, F46."""
    payment = world.authorize()
    before = world.amounts(payment)
    event = world.hear("payment_intent.succeeded", intent(payment, **MUTATIONS[name]))
    assert (event.state, event.verdict, event.next_attempt_at) == (InboxState.QUARANTINED, Verdict.MISMATCH, None)
    assert world.amounts(payment) == before
    row = world.fresh(payment)
    assert row.status == PaymentStatus.AUTHORIZED
    assert row.attention_code.startswith("mismatch_")


def test_an_event_of_an_unknown_type_is_kept_and_ignored() -> None:
    """F45."""
    event = world.hear("invoice.of_the_future", {"id": "x", "object": "invoice"})
    assert (event.state, event.next_attempt_at) == (InboxState.IGNORED, None)


def test_an_event_that_matters_in_a_shape_that_cannot_be_read_waits_for_a_person() -> None:
    event = world.hear("charge.refund.updated", {"id": "re_1", "object": "refund", "amount": "lots"})
    assert (event.state, event.error_code, event.next_attempt_at) == (InboxState.FAILED, "malformed_notice", None)


def test_a_bug_in_the_providers_code_loses_no_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    """I9: the row stays, with its error, and is applied when the code is mended."""
    payment = world.recorded()
    provider = registry.provider_class("stripe")

    def broken(*_: object) -> Any:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(provider, "parse_webhook", broken)
        event = world.hear("payment_intent.succeeded", intent(payment))
    assert (event.state, event.error_code) == (InboxState.RECEIVED, "ZeroDivisionError")
    assert event.next_attempt_at is not None
    world.make_due()
    inbox.drain()
    assert world.fresh(payment).status == PaymentStatus.COMPLETED


def test_a_provider_that_cannot_be_asked_is_asked_later(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = world.pay()
    provider = registry.provider_class("stripe")

    def unreachable(*_: object) -> Any:
        raise OutcomeUnknown

    from django_payments_hub.provider_kit.types import LookUp

    named = LookUp(provider_payment_id=payment.provider_payment_id or "")
    monkeypatch.setattr(provider, "parse_webhook", lambda *_: (named,))
    sandbox.external_refund(payment.provider_payment_id or "", 400)
    with monkeypatch.context() as patched:
        patched.setattr(provider, "look_up", unreachable)
        event = world.hear("some.notice", {"id": "x"})
    assert (event.state, event.error_code) == (InboxState.RECEIVED, "outcome_unknown")
    world.make_due()
    inbox.drain()
    assert Refund.objects.get().amount_minor == 400


def test_a_notice_that_only_names_a_payment_nobody_knows_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from django_payments_hub.provider_kit.types import LookUp

    provider = registry.provider_class("stripe")
    monkeypatch.setattr(provider, "parse_webhook", lambda *_: (LookUp(reference="nobody"),))
    assert world.hear("some.notice", {"id": "x"}).state == InboxState.UNMATCHED


def test_a_notice_without_an_id_is_named_by_its_content() -> None:
    payment = world.recorded()
    body = json.dumps({"type": "payment_intent.succeeded", "data": {"object": intent(payment)}}).encode()
    for _ in range(2):
        inbox.receive(accounts.get("stripe"), body, world.signed(body))
    assert len(WebhookEvent.objects.get().event_id) == 64
