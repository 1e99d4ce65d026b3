"""Notices and deliveries made due again by a person."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry

from django_payments_hub.models import EventDelivery, WebhookEvent
from tests.admin.test_refund_button import hidden
from tests.admin.world import address, browser, messages_of, one_of_each

pytestmark = pytest.mark.django_db

KINDS = [(WebhookEvent, "replay_webhookevent", "received"), (EventDelivery, "replay_eventdelivery", "pending")]


@pytest.mark.parametrize(("model", "permission", "state"), KINDS)
def test_a_row_is_replayed_after_a_page_that_asks(model: Any, permission: str, state: str) -> None:
    row = one_of_each("plain")[model]
    model.objects.filter(pk=row.pk).update(tries=10, next_attempt_at=None)
    client, url = browser(f"view_{model._meta.model_name}", permission), address(model, "replay", row.pk)
    # the page alone changes nothing
    client.get(url)
    row.refresh_from_db()
    assert (row.tries, row.next_attempt_at) == (10, None)
    response = client.post(url, follow=True)
    row.refresh_from_db()
    assert (row.state, row.tries) == (state, 0)
    assert row.next_attempt_at is not None
    assert "due again" in messages_of(response)
    assert LogEntry.objects.get().object_id == str(row.pk)


@pytest.mark.parametrize(("model", "permission", "state"), KINDS)
def test_several_are_replayed_at_once(model: Any, permission: str, state: str) -> None:
    rows = [one_of_each(f"plain{number}")[model] for number in range(3)]
    model.objects.update(next_attempt_at=None)
    client = browser(f"view_{model._meta.model_name}", permission)
    ticked = {"action": "replay", "_selected_action": [str(row.pk) for row in rows[:2]], "index": "0"}
    page = client.post(address(model, "changelist"), ticked, follow=True)
    assert str(rows[0]) in page.content.decode()
    assert not model.objects.filter(state=state).exists()
    client.post(address(model, "selected_replay"), hidden(page))
    assert set(model.objects.filter(state=state)) == set(rows[:2])
