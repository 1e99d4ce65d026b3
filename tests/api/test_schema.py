"""The OpenAPI document is made from the code, is valid, fits what is answered, and is optional."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from jsonschema import Draft4Validator  # type: ignore[import-untyped]

from tests.api.client import Answer, Api
from tests.api.test_access import MATRIX
from tests.conventions.sources import run_python
from tests.services.world import make_order

ACCEPT = {"Accept": "application/vnd.oai.openapi+json"}


@pytest.fixture
def document(db: None) -> dict[str, Any]:
    response = Client().get("/api/payments/schema/", headers=ACCEPT)
    assert response.status_code == 200
    found: dict[str, Any] = json.loads(response.content)
    return found


def test_the_document_is_valid_and_made_without_a_warning(db: None) -> None:
    out = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", stdout=out)
    assert json.loads(out.getvalue())["paths"]


def test_every_route_and_verb_is_in_it(document: dict[str, Any]) -> None:
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len(operations) == len([cell for cell in MATRIX if cell[0] not in ("schema", "docs")])
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(path.startswith("/api/payments/") for path in document["paths"])


def test_every_operation_tells_its_errors_and_who_may_ask(document: dict[str, Any]) -> None:
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            usual = {"400", "401", "404", "429"} | ({"409", "413", "415", "422"} if verb == "post" else set())
            assert usual <= set(operation["responses"]), path
            assert {"orderToken": []} in operation["security"]
            for status, response in operation["responses"].items():
                if status == "204":
                    assert "content" not in response
                    continue
                (content,) = response["content"].values()
                assert "$ref" in content["schema"], (path, status)


def test_an_idempotency_key_is_told_where_it_is_honoured(document: dict[str, Any]) -> None:
    told = {
        path
        for path, verbs in document["paths"].items()
        for operation in verbs.values()
        if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", []))
    }
    assert len(told) == 16
    assert not any(path.endswith(("sync/", "gateways/")) for path in told)


# -- the answers fit it -----------------------------------------------------------------------------------------------


def strict(schema: Any) -> Any:
    """The document as JSON Schema: `nullable` as a type, and no property that is not told."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: strict(value) for key, value in schema.items() if key not in ("nullable", "readOnly", "example")}
    if found.get("type") == "object" and "properties" in found:
        found.setdefault("additionalProperties", False)
    return {"anyOf": [found, {"type": "null"}]} if schema.get("nullable") else found


def check(document: dict[str, Any], path: str, verb: str, result: Answer) -> None:
    schema = document["paths"][f"/api/payments/{path}"][verb]["responses"][str(result.status)]
    (content,) = schema["content"].values()
    root = {**strict(content["schema"]), "components": strict(document["components"])}
    problems = [f"{list(error.path)}: {error.message}" for error in Draft4Validator(root).iter_errors(result.body)]
    assert problems == [], (path, result.status)


def test_answers_fit_the_document(document, api, customer, staff, sandbox) -> None:
    admin = Api(staff("admin"))
    one, many = "{payment_id}/", "refunds/{refund_id}/"

    def order() -> str:
        return str(make_order("12.50", user=customer).pk)

    made = api.post(body={"order_id": order(), "payment_method_token": "pm_card_visa", "capture_method": "manual"})
    check(document, "", "post", made)
    key = made.body["id"]
    for body in (
        {},
        {"order_id": order(), "amount": "x"},
        {"order_id": order(), "payment_method_token": "pm_card_chargeDeclined"},
    ):
        check(document, "", "post", api.post(body=body))
    check(document, "checkout/", "post", api.post("checkout/", {"order_id": order()}))
    check(document, "", "post", api.post(body={"order_id": order(), "flow": "client"}))
    check(document, f"{one}capture/", "post", admin.post(f"{key}/capture/", {"amount": "10.00"}))
    check(document, f"{one}capture/", "post", admin.post(f"{key}/capture/"))
    check(document, f"{one}cancel/", "post", admin.post(f"{key}/cancel/"))
    check(document, f"{one}sync/", "post", api.post(f"{key}/sync/"))
    refund = admin.post(f"{key}/refund/", {"amount": "1.00"})
    check(document, f"{one}refund/", "post", refund)
    check(document, f"{many}process/", "post", admin.post(f"refunds/{refund.body['id']}/process/"))
    check(document, f"{many}cancel/", "post", admin.post(f"refunds/{refund.body['id']}/cancel/"))
    for client in (api, admin, Api(token="x"), Api()):
        for path in ("", "refunds/", "gateways/"):
            check(document, path, "get", client.get(path))
        for path in (one, f"{one}status/", f"{one}logs/", f"{one}explain/"):
            check(document, path, "get", client.get(path.format(payment_id=key)))
        check(document, many, "get", client.get(many.format(refund_id=refund.body["id"])))


# -- and it is optional -----------------------------------------------------------------------------------------------

WITHOUT = """
import importlib.util, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "drf_spectacular" else find(name, *more)
import django
from django.conf import settings
from example_project import settings as known
known.INSTALLED_APPS[:] = [app for app in known.INSTALLED_APPS if not app.startswith("drf_spectacular")]
django.setup()
from django.urls import NoReverseMatch, reverse
print(reverse("payments_hub:payment-list"))
for name in ("schema", "docs"):
    try:
        print(reverse(f"payments_hub:{name}"))
    except NoReverseMatch:
        print("none")
print(any(name.startswith("drf_spectacular") for name in sys.modules))
"""

WITH = """
import sys
import django
django.setup()
from django.urls import reverse
print(reverse("payments_hub:schema"))
print("drf_spectacular.openapi" in sys.modules or "django_payments_hub.api.openapi" in sys.modules)
"""


def test_without_the_extra_there_are_no_routes_for_it() -> None:
    found = run_python(WITHOUT, DJANGO_SETTINGS_MODULE="example_project.settings")
    assert found == ["/api/payments/", "none", "none", "False"]


def test_with_the_extra_it_is_loaded_when_it_is_asked_for() -> None:
    found = run_python(WITH, DJANGO_SETTINGS_MODULE="example_project.settings")
    assert found[0] == "/api/payments/schema/"
    assert found[1] == "False"


def test_the_page_for_people(db: None) -> None:
    page = Client().get("/api/payments/docs/")
    assert page.status_code == 200
    assert b"/api/payments/schema/" in page.content
