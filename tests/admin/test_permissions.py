"""S14, I15: who may see and do what. The addresses come from the admin itself: one that no test knows fails."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin import site
from django.db import models
from django.test import Client

from django_payments_hub.models import (
    EventDelivery,
    IdempotencyKey,
    Operation,
    Payment,
    PaymentMethod,
    ProviderAccount,
    Refund,
    WebhookEvent,
)
from tests.admin.world import LEDGER, SHOWN, VIEW_ALL, address, admin_of, booked, browser, one_of_each

pytestmark = pytest.mark.django_db

READ = {"changelist", "change", "history"}
WRITE = {"add", "delete"}
# What each button and list page needs beside the right to see the row.
NEEDS = {
    (Payment, "refund"): "refund_payment",
    (Payment, "capture"): "capture_payment",
    (Payment, "cancel"): "cancel_payment",
    (Payment, "sync"): "sync_payment",
    (Payment, "receipt"): "receive_payment",
    (Payment, "surplus"): "prove_refund",
    (Payment, "settle"): "settle_payment",
    (Payment, "selected_refund"): "refund_payment",
    (Refund, "cancel"): "refund_payment",
    (Refund, "proof"): "prove_refund",
    (PaymentMethod, "detach"): "delete_paymentmethod",
    (PaymentMethod, "try_again"): "resolve_operation",
    (Operation, "try_again"): "resolve_operation",
    (Operation, "not_happened"): "resolve_operation",
    (WebhookEvent, "replay"): "replay_webhookevent",
    (WebhookEvent, "selected_replay"): "replay_webhookevent",
    (EventDelivery, "replay"): "replay_eventdelivery",
    (EventDelivery, "selected_replay"): "replay_eventdelivery",
}
ACTIONS = {
    (Payment, "refund_in_full"): "refund_payment",
    (WebhookEvent, "replay"): "replay_webhookevent",
    (EventDelivery, "replay"): "replay_eventdelivery",
}


def names_of(model: Any) -> set[str]:
    """The names of the model's pages, as the admin routes them."""
    start = f"payments_hub_{model._meta.model_name}_"
    return {pattern.name.removeprefix(start) for pattern in admin_of(model).get_urls() if pattern.name}


def url_of(model: Any, name: str, row: Any) -> str:
    if name.startswith("selected_"):
        return f"{address(model, name)}?ids={row.pk}"
    return address(model, name) if name in {"changelist", "add"} else address(model, name, row.pk)


def statuses(client: Any, model: Any, name: str, row: Any) -> tuple[int, int]:
    """What a GET and a POST of the page answer."""
    url = url_of(model, name, row)
    data = {"ids": str(row.pk), "post": "yes", "confirmed": "yes", "amount": "1.00", "reason": "x"}
    return client.get(url).status_code, client.post(url, data).status_code


def snapshot() -> dict[str, list[Any]]:
    return {model.__name__: list(models.QuerySet(model).order_by("pk").values()) for model in SHOWN}


def test_every_model_but_the_keys_has_its_pages() -> None:
    registered = {model for model in site._registry if model._meta.app_label == "payments_hub"}
    assert registered == set(SHOWN)
    assert IdempotencyKey not in registered


def test_every_page_of_the_admin_stands_in_this_matrix() -> None:
    found = {(model, name) for model in SHOWN for name in names_of(model) - READ - WRITE}
    assert found == set(NEEDS)


def test_who_may_only_look_sees_everything_and_changes_nothing() -> None:
    rows, client = one_of_each("plain"), browser(*VIEW_ALL)
    before = snapshot()
    for model, row in rows.items():
        for name in names_of(model):
            got, posted = statuses(client, model, name, row)
            if name in READ:
                assert got == 200, (model, name)
                assert posted in {200, 302, 403, 405}, (model, name)
            else:
                assert (got, posted) == (403, 403), (model, name)
    assert client.post(address(Payment, "change", rows[Payment].pk), {"description": "x"}).status_code == 403
    assert snapshot() == before


@pytest.mark.parametrize("case", ACTIONS, ids=lambda case: f"{case[0].__name__}.{case[1]}")
def test_naming_an_action_does_not_grant_it(case: tuple[Any, str]) -> None:
    model, action = case
    row = one_of_each("plain")[model]
    data = {"action": action, "_selected_action": [str(row.pk)], "index": "0"}
    # given somebody who may only look: the action is not known to him
    before = snapshot()
    response = browser(*VIEW_ALL).post(address(model, "changelist"), data)
    assert "/selected/" not in getattr(response, "url", "")
    # and somebody who may: it leads to the page that asks, and has done nothing yet
    response = browser(*VIEW_ALL, ACTIONS[case]).post(address(model, "changelist"), data)
    assert "/selected/" in response.url
    assert snapshot() == before


@pytest.mark.parametrize("case", NEEDS, ids=lambda case: f"{case[0].__name__}.{case[1]}")
def test_a_button_needs_its_own_permission_and_the_right_to_see(case: tuple[Any, str]) -> None:
    model, name = case
    row = one_of_each("plain")[model]
    view, needed = f"view_{model._meta.model_name}", NEEDS[case]
    url = url_of(model, name, row)
    assert browser(view, needed).get(url).status_code == 200
    assert browser(needed).get(url).status_code == 403
    others = {permission for permission in NEEDS.values() if permission != needed}
    assert browser(view, *others).get(url).status_code == 403
    assert Client().get(url)["Location"].startswith("/admin/login/")


def test_nobody_adds_changes_or_deletes_books_whatever_his_permissions(admin_client: Any) -> None:
    rows = one_of_each("plain")
    before = snapshot()
    for model in LEDGER:
        assert admin_client.get(address(model, "add")).status_code == 403
        assert admin_client.post(address(model, "add"), {}).status_code == 403
        assert admin_client.post(address(model, "change", rows[model].pk), {}).status_code == 403
        assert admin_client.get(address(model, "delete", rows[model].pk)).status_code == 403
        assert admin_client.post(address(model, "delete", rows[model].pk), {"post": "yes"}).status_code == 403
        listed = {"action": "delete_selected", "_selected_action": [str(rows[model].pk)], "post": "yes", "index": "0"}
        admin_client.post(address(model, "changelist"), listed)
    assert admin_client.post(address(ProviderAccount, "delete", rows[ProviderAccount].pk)).status_code == 403
    assert snapshot() == before


def test_an_action_takes_what_was_ticked_and_never_all_that_a_search_finds() -> None:
    payment = booked()
    data = {"action": "refund_in_full", "_selected_action": [str(payment.pk)], "select_across": "1", "index": "0"}
    client = browser("view_payment", "refund_payment")
    assert client.post(address(Payment, "changelist"), data).status_code == 403


def test_buttons_are_shown_to_those_who_may_press_them() -> None:
    payment = booked()
    page = browser("view_payment").get(address(Payment, "change", payment.pk)).content.decode()
    assert "hub-tool--" not in page
    page = browser("view_payment", "refund_payment").get(address(Payment, "change", payment.pk)).content.decode()
    assert "hub-tool--refund" in page
    assert "hub-tool--sync" not in page
