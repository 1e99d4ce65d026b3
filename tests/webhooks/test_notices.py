"""Notifications: verified on the raw bytes, filed once, answered 2xx only then (I9, I10, I12, S7, S21, F40-F44)."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connections
from django.http import HttpResponse
from django.test import Client

from django_payments_hub.models import Payment, WebhookEvent
from django_payments_hub.services import inbox
from tests.services.world import at_once, fresh, make_order, make_user, notice, recorded

URL = "/api/payments/webhooks/stripe/"
SECRET = "whsec_demo"
BODY = notice("customer.updated", {"id": "cus_1"}, event_id="evt_one")
LIMIT = 512 * 1024


def signature(body: bytes, *, secret: str = SECRET, at: float | None = None, scheme: str = "v1") -> str:
    """Made by hand: nothing of the hub's takes part."""
    moment = int(time.time() if at is None else at)
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},{scheme}={digest}"


def send(body: bytes = BODY, header: str | None = None, *, client: Client | None = None, **more: Any) -> HttpResponse:
    header = signature(body) if header is None else header
    more.setdefault("content_type", "application/json")
    response = (client or Client()).post(more.pop("url", URL), body, HTTP_STRIPE_SIGNATURE=header, **more)
    assert isinstance(response, HttpResponse)
    return response


def code_of(response: HttpResponse) -> str:
    body = json.loads(response.content)
    assert set(body) == {"detail", "error_code", "error_message"}
    return str(body["error_code"])


def filed() -> list[str]:
    return list(WebhookEvent.objects.values_list("event_id", flat=True))


def test_a_signed_notice_is_filed_and_answered() -> None:
    response = send()
    assert (response.status_code, response.content, response.headers["Cache-Control"]) == (200, b"", "no-store")
    assert filed() == ["evt_one"]


def now() -> int:
    return int(time.time())


SIGNATURES: dict[str, tuple[Callable[[], str], str]] = {
    "missing": (lambda: "", "missing_signature"),
    "blank": (lambda: " ", "malformed_signature"),
    "words": (lambda: "nonsense", "malformed_signature"),
    "no time": (lambda: signature(BODY).partition(",")[2], "malformed_signature"),
    "no signature": (lambda: f"t={now()}", "malformed_signature"),
    "empty values": (lambda: "t=,v1=", "malformed_signature"),
    "wrong": (lambda: f"t={now()},v1={'0' * 64}", "invalid_signature"),
    "short": (lambda: signature(BODY)[:-1], "invalid_signature"),
    "long": (lambda: signature(BODY) + "0", "invalid_signature"),
    "upper case": (lambda: signature(BODY).upper(), "malformed_signature"),
    "another secret": (lambda: signature(BODY, secret="whsec_other"), "invalid_signature"),
    "the empty secret": (lambda: signature(BODY, secret=""), "invalid_signature"),
    "another body": (lambda: signature(BODY + b" "), "invalid_signature"),
    "another scheme": (lambda: signature(BODY, scheme="v0"), "malformed_signature"),
    "another time": (lambda: signature(BODY).replace("t=", "t=1"), "invalid_signature"),
    "two times": (lambda: f"t=1,{signature(BODY)}", "malformed_signature"),
    "a time in words": (lambda: signature(BODY).replace("t=", "t=x"), "malformed_signature"),
    "a negative time": (lambda: signature(BODY, at=-5), "malformed_signature"),
    "a huge time": (lambda: f"t={'9' * 400},v1={'0' * 64}", "malformed_signature"),
    "digits of another alphabet": (
        lambda: f"t=\uff11\uff12\uff13,v1={'0' * 64}".encode().decode("latin-1"),
        "malformed_signature",
    ),
    "stale": (lambda: signature(BODY, at=time.time() - 301), "stale_signature"),
    "from the future": (lambda: signature(BODY, at=time.time() + 400), "future_signature"),
    "from the far future": (lambda: signature(BODY, at=time.time() + 31 * 365 * 86400), "future_signature"),
    "not ASCII": (lambda: f"t={now()},v1=\xe9", "invalid_signature"),
    "a NUL": (lambda: f"t={now()},v1=\x00", "invalid_signature"),
    "100 kB": (lambda: "v1=" + "a" * 100_000, "malformed_signature"),
    "a thousand signatures": (lambda: f"t={now()}," + ",".join(["v1=" + "0" * 64] * 1000), "malformed_signature"),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_that_prove_nothing(name: str) -> None:
    make, code = SIGNATURES[name]
    response = send(header=make())
    assert (response.status_code, code_of(response)) == (400, code)
    assert filed() == []


def test_a_header_that_is_not_there() -> None:
    response = Client().post(URL, BODY, content_type="application/json")
    assert response.status_code == 400
    assert filed() == []


@pytest.mark.parametrize(
    "header",
    [
        lambda: signature(BODY, at=time.time() - 290),
        lambda: signature(BODY, at=time.time() + 290),
        lambda: f"t={now()},v1={'0' * 64},{signature(BODY, at=now()).partition(',')[2]}",
        lambda: signature(BODY, at=now()) + ",v0=anything",
    ],
    ids=["a little old", "a little early", "one of two", "with another scheme"],
)
def test_signatures_that_prove_enough(header: Callable[[], str]) -> None:
    assert send(header=header()).status_code == 200
    assert filed() == ["evt_one"]


def with_accounts(settings: Any, **accounts: dict[str, Any]) -> None:
    known = settings.PAYMENTS_HUB["ACCOUNTS"]["stripe"]
    found = {alias: {**known, **changes} for alias, changes in accounts.items()}
    settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, "ACCOUNTS": found}


@pytest.mark.django_db(transaction=True)
def test_while_a_secret_is_rotated_both_are_good_and_then_only_the_new_one(settings) -> None:
    with_accounts(settings, stripe={"WEBHOOK_SECRETS": ["whsec_new", "whsec_old"]})
    for secret in ("whsec_new", "whsec_old"):
        assert send(header=signature(BODY, secret=secret)).status_code == 200
    with_accounts(settings, stripe={"WEBHOOK_SECRETS": ["whsec_new"]})
    assert send(header=signature(BODY, secret="whsec_old")).status_code == 400


def test_the_secret_of_another_account_proves_nothing_here(settings) -> None:
    with_accounts(settings, one={"WEBHOOK_SECRETS": ["whsec_one"]}, two={"WEBHOOK_SECRETS": ["whsec_two"]})
    for alias, secret, status in (("one", "one", 200), ("one", "two", 400), ("two", "one", 400), ("two", "two", 200)):
        header = signature(BODY, secret=f"whsec_{secret}")
        assert send(header=header, url=f"/api/payments/webhooks/{alias}/").status_code == status


@pytest.mark.parametrize("secrets", [[], [""], [" "], "", None])
def test_an_account_without_a_secret_takes_nothing(settings, secrets) -> None:
    with_accounts(settings, stripe={"WEBHOOK_SECRETS": secrets})
    for header in (signature(BODY), signature(BODY, secret="")):
        response = send(header=header)
        assert response.status_code == 503  # the provider sends it again once this is mended
        assert "whsec" not in response.content.decode()
    assert filed() == []


def test_nothing_the_sender_says_chooses_account_or_secret(settings) -> None:
    with_accounts(settings, stripe={}, other={"WEBHOOK_SECRETS": ["whsec_other"]})
    header = signature(BODY, secret="whsec_other")
    told: list[dict[str, Any]] = [
        *({"HTTP_X_ACCOUNT": "other"}, {"HTTP_STRIPE_ACCOUNT": "other"}, {"QUERY_STRING": "account=other"})
    ]
    for extra in told:
        assert send(header=header, **extra).status_code == 400


# -- bodies -----------------------------------------------------------------------------------------------------------

BODIES = {
    "empty": b"",
    "no JSON": b"hello",
    "a list": b"[]",
    "a string": b'"text"',
    "null": b"null",
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a huge number": b'{"id": ' + b"9" * 10_000 + b"}",
    "not UTF-8": b'{"id": "\xff\xfe"}',
    "gzip": gzip.compress(b'{"id": "' + b"x" * 1_000_000 + b'"}'),
}


@pytest.mark.parametrize("name", BODIES)
def test_signed_bodies_that_cannot_be_read(name: str) -> None:
    response = send(BODIES[name])
    assert (response.status_code, code_of(response)) == (400, "malformed_notice")
    assert filed() == []


@pytest.mark.parametrize("name", BODIES)
def test_the_signature_is_looked_at_before_the_body_is_read(name: str) -> None:
    assert code_of(send(BODIES[name], "t=1,v1=0")) in ("invalid_signature", "malformed_signature")


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": "evt_nul", "type": "x", "note": "a\\u0000b"}',
        b'{"id": "evt_surrogate", "type": "x", "note": "\\ud800"}',
        b'{"id": "evt_twice", "id": "evt_other", "type": "x"}',
        b'{"id": "evt_nan", "type": "x", "n": NaN}',
        b'{"id": 7, "type": []}',
        b'{"id": "\\u0000", "type": "x"}',
        b'{"id": "evt_nul", "type": "\\u0000"}',
        b'{"id": "\\ud800", "type": "x"}',
        b"{}",
        b'{"id": "' + b"x" * 1000 + b'", "type": "' + b"y" * 1000 + b'"}',
    ],
    ids=lambda body: repr(body[:30]),
)
def test_odd_but_signed_notices_are_filed_or_refused_and_never_a_500(body: bytes) -> None:
    response = send(body)
    assert response.status_code in (200, 400), response.content
    assert len(filed()) == (1 if response.status_code == 200 else 0)
    inbox.drain()


def test_a_body_over_the_cap_is_not_read() -> None:
    body = b'{"id": "evt_big", "x": "' + b"x" * LIMIT + b'"}'
    response = send(body)
    assert (response.status_code, code_of(response)) == (413, "body_too_large")
    # nor when its length is a lie
    assert send(body, CONTENT_LENGTH="10").status_code in (400, 413)
    assert filed() == []


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data"])
def test_the_content_type_does_not_matter(content_type: str) -> None:
    assert send(content_type=content_type).status_code == 200


@pytest.mark.parametrize("verb", ["get", "put", "patch", "delete", "options", "head"])
def test_other_verbs(verb: str) -> None:
    response = getattr(Client(), verb)(URL, headers={"Stripe-Signature": signature(b"")})
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"
    assert filed() == []


@pytest.mark.django_db(transaction=True)  # an account is kept in memory only outside of transactions
def test_many_forged_notices_leave_nothing_behind(django_assert_num_queries) -> None:
    send()
    with django_assert_num_queries(0):
        for number in range(200):
            assert send(header=f"t={now()},v1={number:064x}").status_code == 400
    assert filed() == ["evt_one"]


# -- accounts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alias", ["nobody", "stripe2", "STRIPE", "a" * 200])
def test_an_account_that_is_not_there(alias: str) -> None:
    response = send(url=f"/api/payments/webhooks/{alias}/")
    assert (response.status_code, code_of(response)) == (404, "unknown_account")


def test_an_account_that_was_disabled_is_still_heard(settings) -> None:
    # what was begun with it goes on at the provider
    payment = recorded(order=make_order())
    with_accounts(settings, stripe={"ACTIVE": False})
    assert send(header="t=1,v1=0").status_code == 400
    assert send(captured(payment)).status_code == 200
    inbox.drain()
    assert fresh(payment).status == "completed"


# -- once -------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_duplicate_is_answered_like_the_first() -> None:
    answers = [send() for _ in range(3)]
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, b"")}
    assert filed() == ["evt_one"]


@pytest.mark.django_db(transaction=True)
def test_fifty_copies_at_once_are_filed_once_and_all_answered_2xx() -> None:
    answers = at_once([send] * 50)
    assert [getattr(answer, "status_code", answer) for answer in answers] == [200] * 50
    assert filed() == ["evt_one"]


@pytest.mark.django_db(transaction=True)
def test_ids_that_differ_in_case_alone_are_two() -> None:
    for key in ("evt_a", "evt_A"):
        assert send(notice("customer.updated", {}, event_id=key)).status_code == 200
    assert sorted(filed()) == ["evt_A", "evt_a"]


@pytest.mark.django_db(transaction=True)
def test_atomic_requests_do_not_hold_the_row_back(monkeypatch) -> None:
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)
    seen: list[bool] = []
    insert = inbox._insert

    def spy(event: WebhookEvent) -> None:
        insert(event)
        seen.append(connections["default"].in_atomic_block)

    monkeypatch.setattr(inbox, "_insert", spy)  # what is asked is whether a transaction is open, which nothing shows
    assert send().status_code == 200
    assert seen == [False]


@pytest.mark.parametrize("error", [OperationalError("database is down; password=secret")])
def test_a_database_that_does_not_answer_is_503(monkeypatch, error) -> None:
    def fail(event: WebhookEvent) -> None:
        raise error

    monkeypatch.setattr(inbox, "_insert", fail)  # a database that fails on this statement alone
    response = send()
    assert (response.status_code, code_of(response)) == (503, "unavailable")
    assert b"secret" not in response.content
    monkeypatch.undo()
    assert send().status_code == 200  # the provider sends it again


def test_no_cookie_is_read_or_set() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user())
    response = send(client=client, header="t=1,v1=0")
    assert response.status_code == 400  # the signature is what is wrong, not the CSRF token
    assert send(client=client).status_code == 200
    assert "Cookie" not in response.headers.get("Vary", "")
    assert not response.cookies


# -- what it says -----------------------------------------------------------------------------------------------------


def captured(payment: Payment, **changes: Any) -> bytes:
    intent = {
        "id": "pi_told", "object": "payment_intent", "status": "succeeded", "amount": payment.amount_minor,
        "amount_received": payment.amount_minor, "amount_capturable": 0, "currency": "usd", "livemode": False,
        "capture_method": "automatic", "metadata": {"hub_payment": payment.reference}, "latest_charge": None,
        "next_action": None, "last_payment_error": None, "payment_method": None, **changes,
    }  # fmt: skip
    return notice("payment_intent.succeeded", intent, livemode=bool(intent["livemode"]))


def test_a_notice_is_applied_after_it_was_answered() -> None:
    payment = recorded(order=make_order())
    assert send(captured(payment)).status_code == 200
    assert fresh(payment).status == "pending"
    inbox.drain()
    assert (fresh(payment).status, fresh(payment).captured_minor) == ("completed", 1000)


@pytest.mark.parametrize(
    "changes",
    [{"amount": 1, "amount_received": 1}, {"currency": "eur"}, {"livemode": True}],
    ids=["amount", "currency", "mode"],
)
def test_a_signed_notice_that_contradicts_the_payment_is_kept_apart(changes: dict[str, Any]) -> None:
    payment = recorded(order=make_order())
    assert send(captured(payment, **changes)).status_code == 200
    inbox.drain()
    assert (fresh(payment).status, fresh(payment).captured_minor) == ("pending", 0)
    assert WebhookEvent.objects.get().state in ("quarantined", "failed")


def test_a_notice_about_nobodys_payment_is_kept_and_tried_again() -> None:
    payment = recorded(order=make_order())
    assert send(captured(payment, metadata={"hub_payment": "01900000-0000-7000-8000-000000000000"})).status_code == 200
    inbox.drain()
    event = WebhookEvent.objects.get()
    assert (event.state, event.next_attempt_at is not None) == ("unmatched", True)


@pytest.mark.django_db(transaction=True)
def test_a_replay_a_month_later_has_no_effect() -> None:
    payment = recorded(order=make_order())
    body = captured(payment)
    send(body)
    inbox.drain()
    log = payment.log.count()
    assert send(body, signature(body, at=time.time() - 31 * 86400)).status_code == 400
    assert send(body).status_code == 200  # signed anew, as a provider does
    inbox.drain()
    assert (payment.log.count(), WebhookEvent.objects.count()) == (log, 1)
