"""Refunds and disputes: what may go back, and what is taken back."""

import pytest
import stripe


def test_partial_refunds_add_up_and_no_more_than_was_paid_goes_back(client, pay, sandbox):
    intent = pay(amount=1000)
    first = client.v1.refunds.create({"payment_intent": intent.id, "amount": 600, "metadata": {"hub": "r1"}})
    assert (first.status, first.amount, first.charge) == ("succeeded", 600, intent.latest_charge)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 401})
    assert refused.value.param == "amount"
    assert "greater than unrefunded amount on charge ($4.00)" in str(refused.value)

    client.v1.refunds.create({"charge": intent.latest_charge, "reason": "requested_by_customer"})
    charge = client.v1.charges.retrieve(intent.latest_charge)
    assert (charge.amount_refunded, charge.refunded) == (1000, True)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_already_refunded"

    assert sandbox.ledger()["payments"][intent.id]["refunded"] == 1000
    listed = client.v1.refunds.list({"payment_intent": intent.id}).data
    assert [refund.amount for refund in listed] == [400, 600]
    assert client.v1.refunds.retrieve(first.id).metadata["hub"] == "r1"


@pytest.mark.parametrize("amount", [0, -1, "1.5"])
def test_a_refund_needs_a_positive_whole_amount(client, pay, amount):
    intent = pay()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": intent.id, "amount": amount})
    assert refused.value.code == "parameter_invalid_integer"


def test_a_partly_captured_payment_refunds_what_was_captured(client, pay, sandbox):
    intent = pay(amount=5000, capture_method="manual")
    client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 3000})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 3001})
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 3000})
    assert sandbox.ledger()["payments"][intent.id]["refunded"] == 3000


def test_an_authorisation_cannot_be_refunded(client, pay):
    intent = pay(capture_method="manual")
    for params in ({"payment_intent": intent.id}, {"charge": intent.latest_charge}):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.refunds.create(params)


def test_a_refund_names_a_payment(client):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"amount": 100})
    assert refused.value.code == "parameter_missing"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": "pi_nothing"})
    assert (refused.value.http_status, refused.value.code) == (400, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.retrieve("re_nothing")
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


def test_a_pending_refund_is_settled_or_cancelled_later(client, pay, sandbox):
    intent = pay("pm_card_pendingRefund")
    refund = client.v1.refunds.create({"payment_intent": intent.id, "amount": 300})
    assert refund.status == "pending"
    sandbox.refund_status(refund.id, "succeeded")
    assert client.v1.refunds.retrieve(refund.id).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.cancel(refund.id)

    second = client.v1.refunds.create({"payment_intent": intent.id, "amount": 200})
    assert client.v1.refunds.cancel(second.id).status == "canceled"
    assert sandbox.ledger()["payments"][intent.id]["refunded"] == 300


def test_a_refund_may_fail_after_it_succeeded(client, pay, sandbox, receiver, endpoint):
    intent = pay("pm_card_refundFail")
    refund = client.v1.refunds.create({"payment_intent": intent.id})
    assert refund.status == "succeeded"
    sandbox.refund_status(refund.id, "failed")
    refund = client.v1.refunds.retrieve(refund.id)
    assert (refund.status, refund.failure_reason) == ("failed", "expired_or_canceled_card")
    charge = client.v1.charges.retrieve(intent.latest_charge)
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    assert sandbox.ledger()["payments"][intent.id]["refunded"] == 0
    assert sandbox.wait_idle()
    assert receiver.types()[-3:] == ["refund.updated", "charge.refund.updated", "refund.failed"]


def test_a_refund_in_the_dashboard_is_seen_over_the_api(client, pay, sandbox, receiver, endpoint):
    intent = pay()
    refund = sandbox.external_refund(intent.id, 250)
    assert client.v1.refunds.retrieve(refund["id"]).amount == 250
    assert sandbox.wait_idle()
    assert receiver.types()[-2:] == ["charge.refunded", "refund.created"]


def test_the_refunds_of_a_charge_have_their_own_addresses(client, pay):
    intent = pay()
    made = client.v1.refunds.create({"payment_intent": intent.id, "amount": 100})
    listed = client.raw_request("get", f"/v1/charges/{intent.latest_charge}/refunds")
    assert client.deserialize(listed, api_mode="V1").data[0].id == made.id
    client.raw_request("post", f"/v1/charges/{intent.latest_charge}/refunds", amount=200)
    assert client.v1.charges.retrieve(intent.latest_charge).amount_refunded == 300


# Disputes -------------------------------------------------------------------------------------------------------------


def test_a_disputed_card_loses_the_money_until_the_dispute_is_won(client, pay, sandbox, receiver, endpoint):
    intent = pay("pm_card_createDispute", amount=4000)
    dispute = client.v1.disputes.list({"payment_intent": intent.id}).data[0]
    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", "fraudulent", 4000)
    assert client.v1.charges.retrieve(intent.latest_charge).disputed
    assert sandbox.ledger()["payments"][intent.id]["disputed"] == 4000
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_disputed"

    evidence = {"evidence": {"customer_name": "Ada"}, "submit": False}
    assert client.v1.disputes.update(dispute.id, evidence).status == "needs_response"
    submitted = client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    assert (submitted.status, submitted.evidence_details.submission_count) == ("won", 1)
    assert sandbox.ledger()["payments"][intent.id]["disputed"] == 0
    assert sandbox.wait_idle()
    assert [kind for kind in receiver.types() if "dispute" in kind] == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]
    assert client.v1.refunds.create({"payment_intent": intent.id}).status == "succeeded"


def test_closing_a_dispute_loses_it(client, pay, sandbox):
    intent = pay(amount=4000)
    dispute = sandbox.dispute(intent.id, amount=1500, reason="duplicate")
    assert client.v1.disputes.retrieve(dispute["id"]).reason == "duplicate"
    assert client.v1.disputes.close(dispute["id"]).status == "lost"
    assert sandbox.ledger()["payments"][intent.id]["disputed"] == 1500
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.disputes.update(dispute["id"], {"evidence": {"customer_name": "Ada"}})
    assert refused.value.code == "dispute_already_closed"


def test_a_test_may_decide_a_dispute(client, pay, sandbox):
    intent = pay()
    opened = sandbox.dispute(intent.id)
    decided = sandbox.dispute(intent.id, status="lost")
    assert (decided["id"], decided["status"]) == (opened["id"], "lost")
