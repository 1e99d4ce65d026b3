"""Deciding about an operation that waits for a person, through the admin's pages."""

from __future__ import annotations

import pytest

from django_payments_hub.domain.statuses import OperationKind, OperationState
from django_payments_hub.models import Operation
from django_payments_hub.services import refunds
from django_payments_hub.testing.sandbox import SandboxClient
from tests.admin.test_refund_button import hidden
from tests.admin.world import address, browser, messages_of, pay

pytestmark = pytest.mark.django_db


def parked_refund(sandbox: SandboxClient) -> Operation:
    payment = pay("100.00")
    sandbox.fault("reset", operation="refunds.create", when="before")
    refunds.execute(refunds.request(payment.pk, amount="40.00").pk)
    operation = Operation.objects.get(kind=OperationKind.REFUND)
    Operation.objects.filter(pk=operation.pk).update(next_attempt_at=None, attention_code="key_window_passed")
    return operation


def test_it_did_not_happen(sandbox: SandboxClient) -> None:
    operation = parked_refund(sandbox)
    client = browser("view_operation", "resolve_operation")
    assert "It did not happen" in client.get(address(Operation, "change", operation.pk)).content.decode()
    url = address(Operation, "not_happened", operation.pk)
    response = client.post(url, {**hidden(client.get(url)), "reason": "not in the dashboard"}, follow=True)
    operation.refresh_from_db()
    assert operation.state == OperationState.FAILED
    assert "closed" in messages_of(response)
    # and a second press is a message
    assert "operation_not_parked" in messages_of(client.post(url, {"reason": "again"}, follow=True))


def test_try_again(sandbox: SandboxClient) -> None:
    operation = parked_refund(sandbox)
    client = browser("view_operation", "resolve_operation")
    url = address(Operation, "try_again", operation.pk)
    client.post(url, hidden(client.get(url)), follow=True)
    operation.refresh_from_db()
    assert (operation.attention_code, operation.next_attempt_at is None) == ("", False)


def test_without_the_permission_nothing_is_decided(sandbox: SandboxClient) -> None:
    operation = parked_refund(sandbox)
    client = browser("view_operation")
    assert "It did not happen" not in client.get(address(Operation, "change", operation.pk)).content.decode()
    for name in ("not_happened", "try_again"):
        assert client.post(address(Operation, name, operation.pk), {"reason": "x"}).status_code == 403
    operation.refresh_from_db()
    assert operation.state == OperationState.UNKNOWN
