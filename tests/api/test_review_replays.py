"""A repetition is answered as the request was; a request by what it did itself (I4, S20)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from django_payments_hub.domain.statuses import OperationKind, OperationState
from django_payments_hub.models import IdempotencyKey, Operation, Payment
from django_payments_hub.models.base import new_id
from django_payments_hub.services import payments
from tests.api.client import Answer, Api
from tests.services.world import make_order

VISA, DECLINED = "pm_card_visa", "pm_card_chargeDeclinedInsufficientFunds"


def told(result: Answer) -> tuple[int, str, bool]:
    return result.status, result.body.get("error_code", ""), result.headers.get("Idempotent-Replayed") == "true"


def test_a_decline_stays_one_when_a_later_try_was_paid(api, customer) -> None:
    # given a declined try and then a good one
    waiting = api.post(body={"order_id": str(make_order(user=customer).pk), "flow": "client"}).body["id"]
    bad, good = {"payment_method_token": DECLINED}, {"payment_method_token": VISA}
    assert told(api.post(f"{waiting}/confirm/", bad, key="bad")) == (402, "insufficient_funds", False)
    assert told(api.post(f"{waiting}/confirm/", good, key="good")) == (200, "", False)
    # when the first is repeated, then it is told as it was, beside the payment as it is
    again = api.post(f"{waiting}/confirm/", bad, key="bad")
    assert told(again) == (402, "insufficient_funds", True)
    assert again.body["payment"]["status"] == "completed"
    assert again.body["error_message"]
    assert told(api.post(f"{waiting}/confirm/", good, key="good")) == (200, "", True)


def test_a_refusal_stays_one(api, customer) -> None:
    body = {"order_id": str(make_order(user=customer).pk), "payment_method_token": "pm_none"}
    first = api.post(body=body, key="k")
    assert told(first) == (422, "invalid_request", False)
    Payment.objects.update(failure_code="card_declined")
    assert told(api.post(body=body, key="k")) == (422, "invalid_request", True)


@pytest.fixture
def held(api, customer) -> str:
    body = {"order_id": str(make_order(user=customer).pk), "payment_method_token": VISA, "capture_method": "manual"}
    return str(api.post(body=body).body["id"])


def add(payment_id: UUID | str, kind: OperationKind, state: OperationState) -> None:
    """An operation that another request made."""
    row = Operation.objects.filter(payment_id=payment_id).latest("pk")
    row.pk, row.kind, row.state, row.exclusive_key = new_id(), kind.value, state.value, None
    row._state.adding = True
    row.save(force_insert=True)


def test_a_capture_is_judged_by_its_own_operation(held, staff, monkeypatch) -> None:
    # given that another request's capture fails between this one's and its answer
    capture = payments.capture

    def overtaken(payment_id: Any, **more: Any) -> Payment:
        payment = capture(payment_id, **more)
        add(payment_id, OperationKind.CAPTURE, OperationState.FAILED)
        return payment

    monkeypatch.setattr(payments, "capture", overtaken)
    finance = Api(staff("finance"))
    assert told(finance.post(f"{held}/capture/", {}, key="k")) == (200, "", False)
    # and that the process died before it kept its answer
    IdempotencyKey.objects.update(status_code=0)
    assert told(finance.post(f"{held}/capture/", {}, key="k")) == (200, "", True)


@pytest.mark.parametrize("key", [None, "k"])
def test_a_cancellation_is_judged_by_its_own_operation(held, staff, monkeypatch, key) -> None:
    # given a cancellation that was refused before, this one which is under way, and one more
    add(held, OperationKind.CANCEL, OperationState.FAILED)

    def overtaken(payment_id: Any, *, on_commit: Any, **more: Any) -> Payment:
        on_commit(payment_id)
        add(payment_id, OperationKind.CANCEL, OperationState.SENT)
        add(payment_id, OperationKind.CANCEL, OperationState.DECLINED)
        return Payment.objects.get(pk=payment_id)

    monkeypatch.setattr(payments, "cancel", overtaken)
    assert told(Api(staff("finance")).post(f"{held}/cancel/", {}, key=key)) == (202, "", False)
