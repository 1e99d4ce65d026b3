"""Nothing internal leaves, and looking changes nothing (S2, S11, S19, I21)."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import DataError, InterfaceError, OperationalError

from django_payments_hub.api import errors, messages
from django_payments_hub.api.viewsets.base import HubViewSet
from django_payments_hub.domain.statuses import FailureCode, PaymentStatus
from django_payments_hub.exceptions import ConfigurationError, HubError
from django_payments_hub.models import Payment
from django_payments_hub.services import payments, refunds
from tests.api.client import Answer, Api
from tests.services.world import make_order

CANARIES = {
    "SECRET_KEY": "sk_test_canary0123456789",
    "WEBHOOK_SECRETS": ["whsec_canary_one", "whsec_canary_two"],
    "PUBLISHABLE_KEY": "pk_test_public",
}
GETS = ["", "refunds/", "gateways/", "{payment}/", "{payment}/status/", "{payment}/logs/", "{payment}/explain/",
        "refunds/{refund}/", "schema/", "docs/"]  # fmt: skip


@pytest.fixture
def canaries(change: Callable[..., None], settings: Any) -> None:
    known = settings.PAYMENTS_HUB["ACCOUNTS"]["stripe"]
    change(ACCOUNTS={"stripe": {**known, **CANARIES}}, ENCRYPTION_KEYS=["canary-key"])


def bodies(order: str) -> list[dict[str, Any]]:
    return [
        {"order_id": order, "payment_method_token": "pm_card_visa"},
        {"order_id": order, "amount": "0"},
        {"order_id": order, "account": "nobody"},
        {"order_id": order, "flow": "client"},
        {"order_id": order, "nonsense": "x"},
    ]


def test_no_secret_is_in_any_answer_or_log(canaries, api, customer, staff, sandbox, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    admin, answers = Api(staff("admin")), list[Answer]()
    order = make_order(user=customer)
    for body in bodies(str(order.pk)):
        answers.append(api.post(body=body))
    sandbox.fault("status", operation="*", status=401, times=3)
    answers.append(
        api.post(body={"order_id": str(make_order(user=customer).pk), "payment_method_token": "pm_card_visa"})
    )
    sandbox.clear_faults()
    payment = Payment.objects.filter(status="completed").get()
    refund = refunds.request(payment.pk, amount="1.00")
    for client in (api, admin, Api()):
        answers += [client.get(path.format(payment=payment.pk, refund=refund.pk)) for path in GETS]
    texts = [result.raw.decode() for result in answers] + [caplog.text]
    for text in texts:
        assert "canary" not in text
        assert "guest_token" not in text
    assert any("pk_test_public" in text for text in texts)


def test_no_integer_id_is_in_any_answer(api, customer, staff) -> None:
    body = {"order_id": str(make_order(user=customer).pk), "payment_method_token": "pm_card_visa"}
    payment = api.post(body=body).body["id"]
    refund = refunds.request(Payment.objects.get(pk=payment).pk).pk
    for client in (api, Api(staff("admin"))):
        for path in GETS[:8]:
            text = client.get(path.format(payment=payment, refund=refund)).raw.decode()
            assert not re.search(r'"(?:[a-z_]*id|pk|user|actor)":\s*[0-9]', text), text


def books_hash() -> str:
    rows = {
        model._meta.label: sorted(map(str, model._default_manager.values_list()))
        for model in apps.get_models()
        if model._meta.app_label in ("payments_hub", "shop")
    }
    return hashlib.sha256(json.dumps(rows, sort_keys=True, default=str).encode()).hexdigest()


@pytest.mark.parametrize("verb", ["get", "head"])
def test_looking_changes_nothing(api, customer, staff, sandbox, verb) -> None:
    body = {"order_id": str(make_order(user=customer).pk), "payment_method_token": "pm_card_visa"}
    payment = api.post(body=body).body["id"]
    refund = refunds.request(Payment.objects.get(pk=payment).pk).pk
    api.get("gateways/")
    calls, before = len(sandbox.calls()), books_hash()
    for client in (api, Api(staff("admin")), Api(), Api(token="x")):
        for path in GETS:
            getattr(client.client, verb)(f"/api/payments/{path.format(payment=payment, refund=refund)}")
    assert books_hash() == before
    assert len(sandbox.calls()) == calls


# -- errors -----------------------------------------------------------------------------------------------------------


def raising(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(payments, "create", fail)


SECRET_TEXT = "SELECT password FROM users; sk_test_leak"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RuntimeError(SECRET_TEXT), 500, "server_error"),
        (HubError(SECRET_TEXT), 500, "server_error"),
        (DataError(SECRET_TEXT), 500, "server_error"),
        (RecursionError(SECRET_TEXT), 500, "server_error"),
        (ConfigurationError(SECRET_TEXT, code="x"), 502, "configuration_error"),
        (OperationalError(SECRET_TEXT), 503, "unavailable"),
        (InterfaceError(SECRET_TEXT), 503, "unavailable"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_an_error_tells_nothing_of_what_went_on(customer, sandbox, monkeypatch, caplog, error, status, code) -> None:
    raising(monkeypatch, error)
    api = Api(customer, crash=False)
    body = {"order_id": str(make_order(user=customer).pk), "defer": True}
    result = api.post(body=body, key="k")
    assert (result.status, result.code) == (status, code)
    assert set(result.body) == {"detail", "error_code", "error_message"}
    assert "SELECT" not in result.raw.decode()
    assert "Traceback" not in result.raw.decode()
    # it is written down for those who have to mend it, and the key is free again
    assert any(record.levelno >= logging.ERROR for record in caplog.records)


def test_the_missing_public_url_is_named(customer, sandbox, settings) -> None:
    # given settings without the address that a hosted page leads back to
    settings.PAYMENTS_HUB = {name: value for name, value in settings.PAYMENTS_HUB.items() if name != "PUBLIC_URL"}
    # when somebody wants such a page
    result = Api(customer).post(body={"order_id": str(make_order(user=customer).pk), "flow": "hosted"})
    # then he is told what is missing
    assert (result.status, result.code) == (502, "public_url_missing")
    assert result.body["detail"] == "The hosted flow needs PUBLIC_URL to come back to."


def test_a_bug_is_reported_as_django_reports_one(customer, world, monkeypatch) -> None:
    raising(monkeypatch, RuntimeError("a bug"))
    with pytest.raises(RuntimeError, match="a bug"):  # the test client re-raises what the signal tells
        Api(customer).post(body={"order_id": str(make_order(user=customer).pk), "defer": True})


def test_a_providers_own_words_are_not_passed_on(api, customer, sandbox) -> None:
    told = {"error": {"type": "invalid_request_error", "message": SECRET_TEXT, "code": SECRET_TEXT}}
    sandbox.fault("status", operation="*", status=400, body=told, times=9)
    result = api.post(body={"order_id": str(make_order(user=customer).pk), "payment_method_token": "pm_card_visa"})
    assert (result.status, result.code) == (422, "invalid_request"), result.body
    assert "SELECT" not in result.raw.decode()


def test_every_answer_is_json_and_is_not_cached(api) -> None:
    for result in (api.get(), api.get("no-id/"), api.post(body=b"["), Api().get()):
        assert result.headers["Content-Type"] == "application/json"
        assert result.headers["Cache-Control"] == "no-store"
    page = api.client.get("/api/payments/", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["Content-Type"]) == (200, "application/json")


def test_the_projects_own_settings_of_drf_do_not_change_the_api(api, settings) -> None:
    settings.REST_FRAMEWORK = {
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.BrowsableAPIRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.FormParser"],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
        "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.NamespaceVersioning",
        "EXCEPTION_HANDLER": "no.such.handler",
        "COERCE_DECIMAL_TO_STRING": False,
    }
    assert api.get().status == 200
    assert api.get("no-id/").code == "not_found"


def test_every_failure_and_status_has_its_sentence() -> None:
    for failure in FailureCode:
        assert str(messages.failure_message(failure.value)) != ""
        assert failure.value in messages._ERRORS
    assert set(messages.STANDING) == set(PaymentStatus)
    for code in (400, 401, 402, 403, 404, 405, 409, 413, 415, 422, 429, 500, 502, 503):
        assert str(messages.error_message("no_such_code", code))


def test_every_error_of_the_hub_has_a_status() -> None:
    def tree(kind: type[HubError]) -> list[type[HubError]]:
        return [kind, *(inner for child in kind.__subclasses__() for inner in tree(child))]

    statuses = {kind.__name__: problem.status for kind in tree(HubError) if (problem := errors.problem_of(_make(kind)))}
    assert statuses["InvalidInput"] == 400
    assert statuses["NotFound"] == 404
    assert statuses["RuleViolation"] == statuses["Unsupported"] == statuses["Refused"] == 422
    assert statuses["Conflict"] == 409
    assert statuses["Misconfigured"] == statuses["ConfigurationError"] == 502
    assert statuses["NotSent"] == statuses["Throttled"] == statuses["OutcomeUnknown"] == 503
    assert "HubError" not in statuses  # a bug: 500


def _make(kind: type[HubError]) -> HubError:
    return kind([("a", "b", "c")]) if kind is errors.FieldErrors else kind("text")


def test_every_endpoint_says_what_it_takes_and_gives() -> None:
    views = HubViewSet.__subclasses__()
    assert len(views) >= 3
    for view in views:
        assert all(hasattr(view, name) for name in view.contracts)
