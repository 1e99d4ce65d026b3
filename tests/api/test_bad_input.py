# ruff: noqa: RUF001 - digits and letters that only look like ours are what is tested
"""Bad input: a clear 4xx with a stable code, no 500, nothing half-written."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from django_payments_hub.api.serializers.inputs import PaymentInput
from django_payments_hub.models import IdempotencyKey, Operation, Payment, Refund
from django_payments_hub.testing.sandbox import SandboxClient
from tests.api.client import JSON, ROOT, Answer, Api, answer
from tests.services.world import make_order, mutating_calls

UUID_OF_NOBODY = "01900000-0000-7000-8000-000000000000"


@pytest.fixture
def order(customer: User) -> str:
    return str(make_order("12.50", user=customer).pk)


def wrote_nothing(sandbox: SandboxClient) -> bool:
    made = [Payment, Refund, Operation, IdempotencyKey]
    return not any(model._default_manager.exists() for model in made) and mutating_calls(sandbox) == []


def refused(result: Answer, status: int, code: str) -> None:
    assert (result.status, result.body.get("error_code")) == (status, code), result.body
    assert set(result.body) <= {"detail", "error_code", "error_message", "errors"}
    assert result.body["detail"]
    assert result.body["error_message"]


AMOUNTS: list[Any] = [
    "0",
    "0.00",
    "-1",
    "-0.01",
    "+5",
    "NaN",
    "nan",
    "Infinity",
    "1e1",
    "1E1",
    "12.501",
    "12.5000001",
    " 12.50",
    "12.50 ",
    "12,50",
    "1_000",
    "0x10",
    "",
    "１２.５０",
    "١٢",
    "12.",
    ".5",
    "1" * 40,
    "12.50USD",
    None,
    True,
    False,
    [],
    {},
    ["12.50"],
    0,
    -1,
    -12.5,
    12.501,
]


@pytest.mark.parametrize("amount", AMOUNTS, ids=repr)
def test_amounts_that_are_none(api, order, sandbox, amount) -> None:
    refused(api.post(body={"order_id": order, "amount": amount}, key="k"), 400, "invalid_amount")
    assert wrote_nothing(sandbox)


@pytest.mark.parametrize("amount", ["1e1", "1e999999999", "-1E5", "1.0e+1"])
def test_a_json_number_in_exponent_form_is_no_amount(api, order, sandbox, amount) -> None:
    body = f'{{"order_id": "{order}", "amount": {amount}}}'.encode()
    refused(api.post(body=body), 400, "invalid_amount")
    assert wrote_nothing(sandbox)


@pytest.mark.parametrize("amount", ["12.50", "12.5", "012.50", 12.5, "12.500000"])
def test_amounts_that_are_one(api, order, amount) -> None:
    made = api.post(body={"order_id": order, "amount": amount, "defer": True})
    assert (made.status, made.body["amount"]) == (201, "12.50"), made.body


@pytest.mark.parametrize("amount", ["0.01", "12.49", "12.51", "1000"])
def test_an_amount_that_is_not_the_orders(api, order, sandbox, amount) -> None:
    code = "amount_exceeds_order" if float(amount) > 12.5 else "amount_mismatch"
    refused(api.post(body={"order_id": order, "amount": amount}, key="k"), 422, code)
    assert wrote_nothing(sandbox)


@pytest.mark.parametrize("path", ["capture", "refund"])
@pytest.mark.parametrize("amount", ["0", "-1", "1e1", "NaN", True, "1.001"], ids=repr)
def test_amounts_of_captures_and_refunds_are_read_as_strictly(api, order, staff, path, amount) -> None:
    payment = api.post(body={"order_id": order, "payment_method_token": "pm_card_visa", "capture_method": "manual"})
    refused(Api(staff("admin")).post(f"{payment.body['id']}/{path}/", {"amount": amount}), 400, "invalid_amount")
    assert not Refund.objects.exists()


BODIES: list[tuple[bytes, str]] = [
    (b"[]", "malformed_json"),
    (b'"text"', "malformed_json"),
    (b"17", "malformed_json"),
    (b"null", "malformed_json"),
    (b"{", "malformed_json"),
    (b"{'a': 1}", "malformed_json"),
    (b'{"amount": NaN}', "malformed_json"),
    (b'{"amount": Infinity}', "malformed_json"),
    (b'{"amount": -Infinity}', "malformed_json"),
    (b'{"order_id": "1", "order_id": "2"}', "malformed_json"),
    (b'{"metadata": {"a": "1", "a": "2"}}', "malformed_json"),
    (b'{"description": "\xff\xfe"}', "malformed_json"),
    (b'\xef\xbb\xbf{"order_id": "1"}', "malformed_json"),
    (b'{"description": "\\u0000"}', "malformed_json"),
    (b'{"metadata": {"a\\u0000": "1"}}', "malformed_json"),
    (b'{"description": "\\ud800"}', "malformed_json"),
    (b'{"a": ' + b"9" * 5000 + b"}", "malformed_json"),
    (b'{"a": ' + b"[" * 17 + b"]" * 17 + b"}", "malformed_json"),
    (b'{"a": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", "malformed_json"),
    (b'{"a": ' * 8_000 + b"1" + b"}" * 8_000, "malformed_json"),
]


@pytest.mark.parametrize(("body", "code"), BODIES, ids=[repr(body[:20]) for body, _ in BODIES])
def test_bodies_that_are_no_json_object(api, sandbox, body, code) -> None:
    refused(api.post(body=body, key="k"), 400, code)
    assert wrote_nothing(sandbox)


def test_json_100000_deep(api, change, sandbox) -> None:
    change(API_MAX_BYTES=10**6)
    refused(api.post(body=b'{"a": ' + b"[" * 10**5 + b"]" * 10**5 + b"}"), 400, "malformed_json")
    assert wrote_nothing(sandbox)


def test_a_body_over_the_cap_is_not_read(api, change) -> None:
    change(API_MAX_BYTES=1000)
    refused(api.post(body={"description": "x" * 1000}), 413, "body_too_large")
    refused(api.post(body={"description": "x" * 10**6}), 413, "body_too_large")


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "",
        "json",
        "application/json; charset=utf-16",
        "application/jsonp",
    ],
)
def test_other_content_types(api, content_type) -> None:
    result = answer(api.client.post(ROOT, b'{"order_id": "1"}', content_type=content_type))
    refused(result, 415, "unsupported_media_type")


def test_unknown_fields_are_named(api, order, sandbox) -> None:
    names = [field.name for field in Payment._meta.get_fields()] + ["is_default", "user_id", "payment_id", "__proto__"]
    for name in set(names) - set(PaymentInput().fields):
        result = api.post(body={"order_id": order, name: "1"})
        refused(result, 400, "unknown_field")
        assert list(result.body["errors"]) == [name]
    assert wrote_nothing(sandbox)


@pytest.mark.parametrize("path", ["checkout/", "refunds/"])
def test_unknown_fields_elsewhere(api, path) -> None:
    refused(api.post(path, {"status": "completed"}), 400, "unknown_field")


def test_unknown_fields_inside_the_payer(api, order) -> None:
    result = api.post(body={"order_id": order, "payer": {"admin": True}})
    refused(result, 400, "unknown_field")
    assert list(result.body["errors"]) == ["payer.admin"]


FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"order_id": {}}, "order_id"),
    ({"order_id": True}, "order_id"),
    ({"order_id": "a b"}, "order_id"),
    ({"order_id": "x" * 65}, "order_id"),
    ({"order_id": "１２"}, "order_id"),
    ({"order_id": ""}, "order_id"),
    ({"order_id": None}, "order_id"),
    ({"account": 7}, "account"),
    ({"account": "stri pe"}, "account"),
    ({"account": None}, "account"),
    ({"flow": "token "}, "flow"),
    ({"flow": 1}, "flow"),
    ({"flow": "magic"}, "flow"),
    ({"capture_method": "later"}, "capture_method"),
    ({"defer": "yes"}, "defer"),
    ({"defer": 1}, "defer"),
    ({"save_payment_method": "true"}, "save_payment_method"),
    ({"payment_method_token": "pm_ü"}, "payment_method_token"),
    ({"payment_method_token": "pm_a b"}, "payment_method_token"),
    ({"payment_method_token": "p" * 256}, "payment_method_token"),
    ({"payment_method_token": ""}, "payment_method_token"),
    ({"payment_method_token": "pm_x", "flow": "hosted"}, "payment_method_token"),
    ({"payment_method_token": "pm_x", "defer": True}, "payment_method_token"),
    ({"description": "x" * 501}, "description"),
    ({"description": 5}, "description"),
    ({"description": "a\x1b[31mred"}, "description"),
    ({"description": "a\u202eb"}, "description"),
    ({"metadata": []}, "metadata"),
    ({"metadata": "x"}, "metadata"),
    ({"metadata": {"a": 1}}, "metadata.a"),
    ({"metadata": {"a": {"b": "c"}}}, "metadata.a"),
    ({"metadata": {"a": None}}, "metadata.a"),
    ({"metadata": {"a": "x" * 501}}, "metadata.a"),
    ({"metadata": {"a\nb": "x"}}, "metadata"),
    ({"metadata": {"": "x"}}, "metadata"),
    ({"metadata": {"x" * 41: "x"}}, "metadata"),
    ({"metadata": {str(n): "x" for n in range(21)}}, "metadata"),
    ({"payer": "me"}, "payer"),
    ({"payer": {"email": "nobody"}}, "payer.email"),
    ({"payer": {"email": "a@b.c\nBcc: x@y.z"}}, "payer.email"),
    ({"payer": {"name": "x" * 201}}, "payer.name"),
    ({"return_url": 7}, "return_url"),
]


@pytest.mark.parametrize(("fields", "where"), FIELDS, ids=[str(fields)[:50] for fields, _ in FIELDS])
def test_malformed_fields_are_named(api, order, sandbox, fields, where) -> None:
    result = api.post(body={"order_id": order, **fields}, key="k")
    assert result.status == 400, result.body
    assert list(result.body["errors"]) == [where]
    assert wrote_nothing(sandbox)


def test_line_breaks_in_a_text_become_spaces(api, order) -> None:
    made = api.post(body={"order_id": order, "description": "one\r\nINFO forged\ttwo", "defer": True})
    assert made.body["description"] == "one INFO forged two"


def test_another_currency_than_the_orders(api, order, sandbox) -> None:
    refused(api.post(body={"order_id": order, "currency": "JPY"}), 400, "currency_mismatch")
    refused(api.post(body={"order_id": order, "currency": "XXQ"}), 400, "invalid_currency")
    assert wrote_nothing(sandbox)
    assert api.post(body={"order_id": order, "currency": "usd", "defer": True}).status == 201


def test_somebody_elses_order_looks_like_one_that_is_not_there(api, other, sandbox) -> None:
    foreign = str(make_order(user=other).pk)
    answers = [api.post(body={"order_id": order}, key=order) for order in (foreign, UUID_OF_NOBODY, "17", "no-id")]
    for result in answers:
        refused(result, 404, "unknown_order")
    assert len({result.raw for result in answers}) == 1
    assert wrote_nothing(sandbox)


def test_unknown_and_inactive_accounts(api, order, change, settings, sandbox) -> None:
    refused(api.post(body={"order_id": order, "account": "nobody"}), 404, "unknown_account")
    refused(api.post(body={"order_id": order, "provider": "paypal"}), 404, "unknown_account")
    known = settings.PAYMENTS_HUB["ACCOUNTS"]["stripe"]
    change(ACCOUNTS={"stripe": {**known, "ACTIVE": False}})
    refused(api.post(body={"order_id": order, "account": "stripe"}), 404, "inactive_account")
    assert wrote_nothing(sandbox)


def test_several_accounts_have_to_be_told_apart(api, order, change, settings) -> None:
    known = settings.PAYMENTS_HUB["ACCOUNTS"]["stripe"]
    change(ACCOUNTS={"one": known, "two": known})
    refused(api.post(body={"order_id": order, "provider": "stripe"}), 400, "ambiguous_account")
    refused(api.post(body={"order_id": order}), 400, "ambiguous_account")
    refused(api.post(body={"order_id": order, "account": "one", "provider": "stripe"}), 400, "invalid_input")
    assert api.post(body={"order_id": order, "account": "two", "defer": True}).body["account"] == "two"


def test_a_token_of_another_customer(api, order, sandbox, sandbox_process) -> None:
    # given a method that is attached to another customer of the account
    stripe = pytest.importorskip("stripe")
    client = stripe.StripeClient("sk_test_demo", base_addresses={"api": sandbox_process.url_of("stripe")})
    foreign = client.v1.customers.create({}).id
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": foreign}).id
    # when it is used to pay
    result = api.post(body={"order_id": order, "payment_method_token": method})
    # then it is refused, and nothing was taken
    assert (result.status, result.code) == (422, "invalid_request"), result.body
    assert result.body["payment"]["status"] == "failed"
    assert sandbox.ledger()["totals"] == {} or sum(t["captured"] for t in sandbox.ledger()["totals"].values()) == 0


def test_a_token_nobody_knows(api, order) -> None:
    result = api.post(body={"order_id": order, "payment_method_token": "pm_nobody_knows_it"})
    assert (result.status, result.code, result.body["payment"]["status"]) == (422, "invalid_request", "failed")


@pytest.mark.parametrize("verb", ["put", "patch", "delete", "options", "trace"])
@pytest.mark.parametrize("path", ["", "checkout/", f"{UUID_OF_NOBODY}/", f"{UUID_OF_NOBODY}/capture/", "refunds/"])
def test_other_verbs(api, verb, path) -> None:
    result = answer(getattr(api.client, verb)(ROOT + path))
    refused(result, 405, "method_not_allowed")
    assert result.headers["Allow"]


@pytest.mark.parametrize(
    "path",
    [
        "17/",
        "no-id/",
        f"{UUID_OF_NOBODY}/",
        "%00/",
        f"refunds/{UUID_OF_NOBODY}/",
        "refunds/1/",
        f"{UUID_OF_NOBODY}/status/",
    ],
)
def test_ids_of_nothing(api, path) -> None:
    refused(api.get(path), 404, "not_found")


def test_staff_names_amount_and_currency_of_a_payment_without_an_order(staff, sandbox) -> None:
    admin = Api(staff("admin"))
    refused(admin.post(body={"payment_method_token": "pm_card_visa"}), 400, "required")
    refused(admin.post(body={"payment_method_token": "pm_card_visa", "currency": "USD"}), 400, "invalid_amount")
    refused(admin.post(body={"currency": "usd", "amount": "3.001"}), 400, "invalid_amount")
    made = admin.post(body={"payment_method_token": "pm_card_visa", "currency": "usd", "amount": "3"})
    assert (made.status, made.body["amount"], made.body["order_id"]) == (201, "3.00", None), made.body


def test_a_customer_has_to_name_an_order(api, sandbox) -> None:
    refused(api.post(body={"amount": "1.00", "currency": "USD"}), 400, "required")
    refused(api.post("checkout/", {}), 400, "required")
    assert wrote_nothing(sandbox)


def test_a_method_the_account_does_not_offer(api, order, change, settings) -> None:
    known = {
        key: value for key, value in settings.PAYMENTS_HUB["ACCOUNTS"]["stripe"].items() if key != "PUBLISHABLE_KEY"
    }
    change(ACCOUNTS={"stripe": known})
    refused(api.post(body={"order_id": order, "flow": "client"}), 422, "unsupported_flow")


def test_an_empty_body_is_an_empty_object(api, order) -> None:
    made = api.post(body={"order_id": order, "payment_method_token": "pm_card_visa", "capture_method": "manual"})
    result = answer(api.client.post(f"{ROOT}{made.body['id']}/sync/", b"", content_type=JSON))
    assert result.status == 200, result.body
