"""Refunds, disputes, and what the dashboard does."""

import pytest

from tests.sandbox.square.conftest import refusal, usd

REFUND = "REFUND_ERROR"


def test_a_refund_is_pending_first_and_then_done(pay, refund, client, sandbox):
    payment = pay()
    made = refund(payment.id, 300, reason="too many [r-1]")
    assert (made.status, made.amount_money.amount, made.payment_id) == ("PENDING", 300, payment.id)
    later = client.refunds.get(made.id).refund
    assert (later.status, later.reason) == ("COMPLETED", "too many [r-1]")
    seen = client.payments.get(payment.id).payment
    assert (seen.refunded_money.amount, seen.refund_ids, seen.status) == (300, [made.id], "COMPLETED")
    assert sandbox.ledger()["payments"][payment.id]["refunded"] == 300


def test_no_more_is_refunded_than_was_paid(pay, refund, client, new_key):
    payment = pay()
    refund(payment.id, 700)
    more = {"idempotency_key": new_key(), "amount_money": usd(301), "payment_id": payment.id}
    assert refusal(client.refunds.refund_payment, **more) == (400, REFUND, "REFUND_AMOUNT_INVALID")
    refund(payment.id, 300)
    assert client.payments.get(payment.id).payment.refunded_money.amount == 1000


def test_what_is_not_completed_is_not_refunded(pay, client, new_key):
    held = pay(autocomplete=False)
    given = {"idempotency_key": new_key(), "amount_money": usd(1), "payment_id": held.id}
    code = "REFUND_ERROR_PAYMENT_NEEDS_COMPLETION"
    assert refusal(client.refunds.refund_payment, **given) == (400, REFUND, code)
    client.payments.cancel(held.id)
    given["idempotency_key"] = new_key()
    assert refusal(client.refunds.refund_payment, **given) == (400, REFUND, "PAYMENT_NOT_REFUNDABLE")


@pytest.mark.parametrize(("word", "status"), [("failed", "FAILED"), ("rejected", "REJECTED")])
def test_a_refund_that_fails_leaves_the_money_where_it_was(pay, refund, client, sandbox, token, word, status):
    sandbox.deed("behaviour", account=token, refunds="PENDING")
    payment = pay()
    made = refund(payment.id, 300)
    assert client.refunds.get(made.id).refund.status == "PENDING"
    sandbox.deed("refund_status", refund=made.id, status=word)
    assert client.refunds.get(made.id).refund.status == status
    assert client.payments.get(payment.id).payment.refunded_money is None
    assert sandbox.ledger()["payments"][payment.id]["refunded"] == 0


def test_a_refund_done_may_come_back(pay, refund, client, sandbox):
    payment = pay()
    made = refund(payment.id, 300)
    sandbox.refund_status(made.id, "failed")
    assert client.refunds.get(made.id).refund.status == "FAILED"
    assert sandbox.ledger()["payments"][payment.id]["refunded"] == 0


def test_refunds_are_listed_by_time_and_status(pay, refund, client, sandbox, token):
    payment = pay()
    first = refund(payment.id, 100)
    sandbox.advance(60)
    since = sandbox.now()
    sandbox.deed("behaviour", account=token, refunds="PENDING")
    second = refund(payment.id, 200)
    assert [r.id for r in client.refunds.list()] == [second.id, first.id]
    assert [r.id for r in client.refunds.list(begin_time=since)] == [second.id]
    assert [r.id for r in client.refunds.list(status="COMPLETED")] == [first.id]


def test_an_old_version_of_the_payment_is_refused(pay, client, refund, new_key):
    payment = pay()
    refund(payment.id, 1)
    given = {"idempotency_key": new_key(), "amount_money": usd(1), "payment_id": payment.id}
    old = payment.version_token
    assert refusal(client.refunds.refund_payment, **given, payment_version_token=old)[0] == 409


def test_the_dashboard_refunds_what_is_left(pay, refund, client, sandbox):
    payment = pay()
    refund(payment.id, 300)
    made = sandbox.external_refund(payment.id, reason="from the dashboard")
    assert (made["amount_money"]["amount"], made["reason"]) == (700, "from the dashboard")
    assert client.payments.get(payment.id).payment.refunded_money.amount == 1000


class TestDisputes:
    def test_the_documented_amounts_are_disputed(self, pay, client, sandbox, refund, new_key):
        payment = pay(amount=8804)
        dispute = next(iter(client.disputes.list()))
        assert (dispute.reason, dispute.state) == ("NO_KNOWLEDGE", "EVIDENCE_REQUIRED")
        assert dispute.disputed_payment.payment_id == payment.id
        assert sandbox.ledger()["payments"][payment.id]["disputed"] == 8804
        given = {"idempotency_key": new_key(), "amount_money": usd(1), "payment_id": payment.id}
        assert refusal(client.refunds.refund_payment, **given)[2] == "PAYMENT_NOT_REFUNDABLE_DUE_TO_DISPUTE"

    @pytest.mark.parametrize(("verdict", "state", "away"), [("won", "WON", 0), ("lost", "LOST", 400)])
    def test_a_dispute_is_decided(self, pay, client, sandbox, verdict, state, away):
        payment = pay()
        opened = sandbox.dispute(payment.id, amount=400)
        assert sandbox.dispute(payment.id, status=verdict)["id"] == opened["id"]
        assert client.disputes.get(opened["id"]).dispute.state == state
        assert sandbox.ledger()["payments"][payment.id]["disputed"] == away

    def test_evidence_is_added_and_submitted(self, pay, client, sandbox, new_key):
        opened = sandbox.dispute(pay().id)["id"]
        text = {"evidence_text": "It was delivered.", "evidence_type": "REBUTTAL_EXPLANATION"}
        kept = client.disputes.create_evidence_text(opened, idempotency_key=new_key(), **text).evidence
        gone = client.disputes.create_evidence_text(opened, idempotency_key=new_key(), evidence_text="x").evidence
        client.disputes.evidence.delete(opened, gone.id)
        assert [one.id for one in client.disputes.evidence.list(opened)] == [kept.id]
        assert client.disputes.evidence.get(opened, kept.id).evidence.evidence_text == "It was delivered."
        assert client.disputes.submit_evidence(opened).dispute.state == "PROCESSING"
        late = {"idempotency_key": new_key(), "evidence_text": "x"}
        assert refusal(client.disputes.create_evidence_text, opened, **late)[2] == "BAD_REQUEST"

    def test_a_dispute_is_accepted_once(self, pay, client, sandbox):
        opened = sandbox.dispute(pay().id)["id"]
        assert client.disputes.accept(opened).dispute.state == "ACCEPTED"
        assert refusal(client.disputes.accept, opened)[2] == "BAD_REQUEST"
        assert [d.id for d in client.disputes.list(states="ACCEPTED")] == [opened]
        assert list(client.disputes.list(states="WON")) == []
