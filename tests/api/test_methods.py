"""`methods/`: save, finish, change, let go, pay with; for oneself, and as staff for a customer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from django_payments_hub import registry
from django_payments_hub.models import IdempotencyKey, Operation, Payment, PaymentMethod
from django_payments_hub.testing.sandbox import SandboxClient
from tests.api.client import Answer, Api
from tests.api.test_schema import check, document  # noqa: F401 - a fixture
from tests.services.saved import ASKS_ALWAYS, DECLINED, MASTERCARD, converge, fresh, kept, save
from tests.services.world import make_order

VISA = {"payment_method_token": "pm_card_visa"}
SHOWN = {
    "id",
    "status",
    "account",
    "provider",
    "mode",
    "kind",
    "brand",
    "last4",
    "expiry_month",
    "expiry_year",
    "is_expired",
    "is_default",
    "metadata",
    "next_action",
    "failure",
    "created_at",
    "updated_at",
}


def saved(api: Api, **more: Any) -> dict[str, Any]:
    result = api.post("methods/", {**VISA, **more})
    assert result.status in (200, 201), result.body
    found: dict[str, Any] = result.body
    return found


def grant(user: User, *names: str) -> None:
    user.user_permissions.add(*Permission.objects.filter(content_type__app_label="payments_hub", codename__in=names))


def refused(result: Answer, status: int, code: str) -> None:
    assert (result.status, result.code) == (status, code), result.body


# -- saving -----------------------------------------------------------------------------------------------------------


def test_a_customer_saves_a_card_and_sees_what_a_receipt_shows(api: Api) -> None:
    result = api.post("methods/", {**VISA, "metadata": {"name": "mine"}})
    assert result.status == 201
    assert set(result.body) == SHOWN
    told = {name: result.body[name] for name in ("status", "kind", "brand", "last4", "is_default", "metadata")}
    assert told == {
        "status": "active",
        "kind": "credit_card",
        "brand": "visa",
        "last4": "4242",
        "is_default": True,
        "metadata": {"name": "mine"},
    }
    method = PaymentMethod.objects.get()
    secret = [method.provider_method_id, method.fingerprint, method.customer.provider_customer_id]
    listed = api.get("methods/")
    assert [row["id"] for row in listed.body["results"]] == [str(method.pk)]
    for answer in (result, listed, api.get(f"methods/{method.pk}/")):
        assert not [text for text in secret if str(text).encode() in answer.raw]


def test_the_same_card_again_is_answered_with_the_one_there_is(api: Api) -> None:
    first = saved(api)
    again = api.post("methods/", VISA)
    assert (again.status, again.body["id"]) == (200, first["id"])
    # the try leads to it, whoever kept its id
    (tried,) = PaymentMethod.objects.exclude(pk=first["id"])
    assert api.get(f"methods/{tried.pk}/").body["id"] == first["id"]
    assert api.post(f"methods/{tried.pk}/confirm/").body["id"] == first["id"]


def test_a_card_that_asks_is_finished_when_the_customer_comes_back(api: Api, sandbox: SandboxClient) -> None:
    body = {"payment_method_token": ASKS_ALWAYS, "return_url": "https://shop.example.com/wallet"}
    begun = api.post("methods/", body)
    assert (begun.status, begun.body["status"]) == (201, "pending")
    assert begun.body["next_action"]["type"] == "redirect"
    assert "kind" not in begun.body
    path = f"methods/{begun.body['id']}/"
    assert api.get("methods/").body["results"] == []
    assert len(api.get("methods/", status="pending").body["results"]) == 1
    sandbox.complete_setup(fresh(PaymentMethod.objects.get()).provider_setup_id)
    done = api.post(f"{path}confirm/")
    assert (done.status, done.body["status"], done.body["next_action"]) == (200, "active", None)


def test_without_a_token_the_browser_is_given_a_client_secret(api: Api) -> None:
    begun = api.post("methods/", {})
    assert (begun.status, begun.body["next_action"]["type"]) == (201, "client_secret")


def test_a_declined_card_is_402_with_the_method_beside_it(api: Api) -> None:
    result = api.post("methods/", {"payment_method_token": DECLINED})
    refused(result, 402, "card_declined")
    assert result.body["payment_method"]["status"] == "failed"
    assert result.body["payment_method"]["failure"]["code"] == "card_declined"
    assert "provider_code" not in result.body["payment_method"]["failure"]


def test_trying_card_after_card_is_slowed_down(api: Api, change: Callable[..., None]) -> None:
    change(THROTTLES={"payments_declines": "2/hour"})
    statuses = [api.post("methods/", {"payment_method_token": DECLINED}).status for _ in range(4)]
    assert statuses == [402, 402, 429, 429]


def test_a_token_of_another_customer_and_one_used_up_are_refused(api: Api, other: User) -> None:
    theirs, mine = save(other), saved(api)
    refused(api.post("methods/", {"payment_method_token": theirs.provider_method_id}), 422, "invalid_request")
    token = PaymentMethod.objects.get(pk=mine["id"]).provider_method_id
    assert api.delete(f"methods/{mine['id']}/").status == 204
    refused(api.post("methods/", {"payment_method_token": token}), 422, "invalid_request")
    assert fresh(theirs).is_active


def test_a_lost_answer_is_202_and_is_found_out(api: Api, sandbox: SandboxClient) -> None:
    sandbox.fault("reset", operation="setup_intents.confirm", when="after")
    result = api.post("methods/", VISA)
    assert (result.status, result.body["status"]) == (202, "pending")
    converge()
    assert api.get(f"methods/{result.body['id']}/").body["status"] == "active"


def test_credentials_that_are_refused_are_502(api: Api, sandbox: SandboxClient) -> None:
    sandbox.fault("status", operation="setup_intents.create", status=401)
    refused(api.post("methods/", VISA), 502, "provider_misconfigured")


# -- once -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["pm_card_visa", DECLINED, ASKS_ALWAYS])
def test_a_repeated_request_saves_once_and_answers_the_same(api: Api, sandbox: SandboxClient, token: str) -> None:
    body = {"payment_method_token": token}
    first, second = (api.post("methods/", body, key="k1") for _ in range(2))
    assert (first.status, first.body) == (second.status, second.body)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(sandbox.calls("setup_intents.create")) == 1
    assert PaymentMethod.objects.count() == 1
    refused(api.post("methods/", {"payment_method_token": MASTERCARD}, key="k1"), 422, "idempotency_mismatch")


def test_a_repeated_default_and_confirmation_are_answered_the_same(api: Api) -> None:
    method = saved(api)
    for action in ("set-default", "confirm"):
        first, second = (api.post(f"methods/{method['id']}/{action}/", key="k") for _ in range(2))
        assert (first.status, first.body) == (200, second.body)
        assert second.headers["Idempotent-Replayed"] == "true"
    assert IdempotencyKey.objects.count() == 2


# -- changing ---------------------------------------------------------------------------------------------------------


def test_put_takes_all_and_patch_some(api: Api) -> None:
    method, second = saved(api, metadata={"a": "1"}), saved(api, payment_method_token=MASTERCARD)
    path = f"methods/{second['id']}/"
    changed = api.patch(path, {"is_default": True})
    assert (changed.status, changed.body["is_default"]) == (200, True)
    assert not api.get(f"methods/{method['id']}/").body["is_default"]
    assert api.patch(path, {"metadata": {"b": "2"}}).body["is_default"]
    assert api.put(path, {"is_default": False, "metadata": {}}).body["metadata"] == {}
    refused(api.put(path, {"is_default": True}), 400, "required")
    for body in ({"brand": "x"}, {"status": "active"}, {"user": 1}, {"provider_method_id": "x"}, {"id": method["id"]}):
        refused(api.patch(path, body), 400, "unknown_field")  # S3
    for value in ("true", 1, None):
        assert api.patch(path, {"is_default": value}).status == 400


def test_only_a_saved_method_becomes_the_default(api: Api) -> None:
    begun = api.post("methods/", {})
    refused(api.post(f"methods/{begun.body['id']}/set-default/"), 422, "method_not_active")
    refused(api.patch(f"methods/{begun.body['id']}/", {"metadata": {}}), 422, "method_not_active")


def test_what_is_let_go_is_gone(api: Api) -> None:
    method = saved(api)
    row = PaymentMethod.objects.get()
    gone = api.delete(f"methods/{method['id']}/")
    assert (gone.status, gone.raw) == (204, b"")
    assert kept(row.customer) == []
    for result in (api.get(f"methods/{method['id']}/"), api.delete(f"methods/{method['id']}/")):
        refused(result, 404, "not_found")
    assert api.get("methods/").body["results"] == []
    refused(api.post(body={**order_of(row.user), "payment_method": method["id"]}), 404, "unknown_payment_method")


def order_of(user: Any) -> dict[str, str]:
    return {"order_id": str(make_order(user=user).pk)}


# -- listing ----------------------------------------------------------------------------------------------------------


def test_lists_are_filtered_and_paged(api: Api, change: Callable[..., None]) -> None:
    change(API_PAGE_SIZE=2)
    tokens = ("pm_card_visa", MASTERCARD, "pm_card_visa_debit")
    made = [saved(api, payment_method_token=token)["id"] for token in tokens]
    first = api.get("methods/").body
    assert [row["id"] for row in first["results"]] == made[:0:-1]
    rest = api.get("methods/", cursor=first["next_cursor"]).body
    assert ([row["id"] for row in rest["results"]], rest["next"]) == (made[:1], None)
    queries: list[tuple[dict[str, str], int]] = [
        ({"kind": "debit_card"}, 1),
        ({"is_default": "true"}, 1),
        ({"is_default": "false"}, 2),
        ({"account": "stripe", "kind": "credit_card"}, 2),
        ({"account": "other"}, 0),
        ({"status": "failed"}, 0),
        ({"created_after": "2999-01-01"}, 0),
    ]
    assert [len(api.get("methods/", **query).body["results"]) for query, _ in queries] == [n for _, n in queries]
    for query in ({"is_default": "1"}, {"kind": "x"}, {"status": "x"}):
        refused(api.get("methods/", **query), 400, "invalid_filter")
    for name in ("user", "provider_method_id", "fingerprint", "customer", "user__email"):
        refused(api.get("methods/", **{name: "x"}), 400, "unknown_filter")  # S25


# -- paying -----------------------------------------------------------------------------------------------------------


def test_an_order_is_paid_with_a_saved_method(api: Api, customer: User) -> None:
    method = saved(api)
    paid = api.post(body={**order_of(customer), "payment_method": method["id"]})
    assert (paid.status, paid.body["status"], paid.body["flow"]) == (201, "completed", "token")
    assert paid.body["method"]["payment_method_id"] == method["id"]


def test_the_method_of_a_payment_is_saved_on_request(api: Api, customer: User) -> None:
    body = {**order_of(customer), **VISA}
    assert "payment_method_id" not in api.post(body=body).body["method"]
    assert api.get("methods/").body["results"] == []
    paid = api.post(body={**order_of(customer), **VISA, "save_payment_method": True})
    (method,) = api.get("methods/").body["results"]
    assert paid.body["method"]["payment_method_id"] == method["id"]


def test_anothers_method_is_answered_like_one_that_is_not_there(api: Api, customer: User, other: User) -> None:
    """S1: wherever its id stands."""
    theirs = save(other)
    order = order_of(customer)
    foreign, absent = (
        api.post(body={**order, "payment_method": key})
        for key in (str(theirs.pk), "01900000-0000-7000-8000-000000000000")
    )
    assert (foreign.status, foreign.raw) == (404, absent.raw)
    assert not Payment.objects.exists()


def test_a_guest_neither_saves_nor_pays_with_what_is_saved(world: None, other: User) -> None:
    order = make_order()
    guest = Api(token=order.guest_token)
    refused(guest.post("methods/", VISA), 403, "permission_denied")
    body = {"order_id": str(order.pk)}
    refused(guest.post(body={**body, **VISA, "save_payment_method": True}), 400, "user_required")
    refused(guest.post(body={**body, "payment_method": str(save(other).pk)}), 404, "unknown_payment_method")
    assert guest.get("methods/").body["results"] == []


@pytest.mark.parametrize(
    "more",
    [
        VISA,
        {"flow": "hosted"},
        {"save_payment_method": True},
        {"account": "elsewhere"},
        {"provider": "square"},
    ],
)
def test_a_saved_method_goes_with_nothing_that_contradicts_it(api: Api, customer: User, more: dict[str, Any]) -> None:
    method = saved(api)
    result = api.post(body={**order_of(customer), "payment_method": method["id"], **more})
    assert (result.status, "payment_method" in result.body["errors"]) == (400, True), result.body
    assert not Payment.objects.exists()


@pytest.mark.parametrize("value", ["", "x", 7, None, ["x"]])
def test_a_method_that_is_no_id_is_400(api: Api, customer: User, value: object) -> None:
    assert api.post(body={**order_of(customer), "payment_method": value}).status == 400


# -- staff ------------------------------------------------------------------------------------------------------------


def consent(**changes: str) -> dict[str, str]:
    at = (timezone.now() - timedelta(hours=1)).isoformat()
    return {"text": "Keep my card.", "given_at": at, "how": "phone", **changes}


def test_staff_saves_for_a_customer_with_his_consent(customer: User, staff: Callable[[str], User]) -> None:
    clerk = staff("support")
    body = {**VISA, "customer_id": str(customer.pk), "consent": consent()}
    refused(Api(clerk).post("methods/", body), 403, "permission_denied")
    grant(clerk, "add_paymentmethod")
    made = Api(User.objects.get(pk=clerk.pk)).post("methods/", body)
    assert made.status == 201
    assert (made.body["customer"], made.body["consent"]["by"]) == (str(customer), "staff")
    assert "recorded_by" not in made.body["consent"]
    assert PaymentMethod.objects.get().consent["recorded_by"] == str(clerk.pk)
    (mine,) = Api(customer).get("methods/").body["results"]
    assert mine["id"] == made.body["id"]
    assert not {"customer", "consent", "attention_code"} & set(mine)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"consent": None}, "null"),
        ({}, "required"),
        ({"consent": {}}, "required"),
        ({"consent": {"text": "x", "how": "phone", "given_at": "2999-01-01"}}, "in_future"),
        ({"consent": {"text": "x", "how": "phone", "given_at": "yesterday"}}, "invalid_input"),
        ({"consent": {"text": "", "how": "phone", "given_at": "2026-01-01"}}, "blank"),
    ],
)
def test_staff_saves_nothing_without_consent(
    customer: User, staff: Callable[[str], User], more: dict[str, Any], code: str
) -> None:
    result = Api(staff("admin")).post("methods/", {**VISA, "customer_id": str(customer.pk), **more})
    refused(result, 400, code)
    assert not PaymentMethod.objects.exists()


def test_a_customer_gives_no_consent_for_others(api: Api, other: User) -> None:
    body = {**VISA, "customer_id": str(other.pk), "consent": consent()}
    refused(api.post("methods/", body), 403, "permission_denied")
    refused(api.post("methods/", {**VISA, "consent": consent()}), 400, "required")
    assert not PaymentMethod.objects.exists()


@pytest.mark.parametrize("key", ["999999", "x", "01900000-0000-7000-8000-000000000000"])
def test_a_customer_who_is_not_there_is_404(staff: Callable[[str], User], key: str) -> None:
    body = {**VISA, "customer_id": key, "consent": consent()}
    refused(Api(staff("admin")).post("methods/", body), 404, "unknown_customer")


def test_support_sees_methods_masked(customer: User, staff: Callable[[str], User]) -> None:
    method = save(customer, metadata={"note": "private"})
    shown = Api(staff("support")).get(f"methods/{method.pk}/")
    assert (shown.status, shown.body["last4"], shown.body["customer"]) == (200, "4242", str(customer))
    assert not {"metadata", "next_action"} & set(shown.body)
    for secret in (method.provider_method_id, method.fingerprint, method.customer.provider_customer_id, "private"):
        assert str(secret).encode() not in shown.raw


def test_staff_charges_a_customer_who_is_not_there(customer: User, staff: Callable[[str], User]) -> None:
    method, admin = save(customer), Api(staff("admin"))
    body = {"amount": "9.00", "currency": "USD", "payment_method": str(method.pk), "off_session": True}
    paid = admin.post(body=body)
    assert (paid.status, paid.body["status"]) == (201, "completed")
    payment = Payment.objects.get()
    assert (payment.user_id, payment.payment_method_id) == (customer.pk, method.pk)
    assert Operation.objects.get().parameters["off_session"] is True
    assert Api(customer).get(f"{payment.pk}/").status == 200


def test_a_customer_does_not_say_that_he_is_not_there(api: Api, customer: User) -> None:
    method = saved(api)
    body = {**order_of(customer), "payment_method": method["id"], "off_session": True}
    refused(api.post(body=body), 403, "permission_denied")
    assert not Payment.objects.exists()


# -- what is refused --------------------------------------------------------------------------------------------------

CONSENT = {"text": "x", "given_at": "2026-01-01", "how": "phone"}
FULL: dict[str, Any] = {
    **VISA,
    "account": "stripe",
    "is_default": True,
    "metadata": {"note": "x"},
    "return_url": "https://shop.example.com/x",
    "cancel_url": "https://shop.example.com/x",
    "customer_id": "1",
    "consent": CONSENT,
}


def planted(number: str) -> list[dict[str, Any]]:
    """The whole body with the number at each leaf, under each key, and in a name of its own."""
    bodies = [{**FULL, name: number} for name in FULL if name not in ("metadata", "consent")]
    bodies += [{**FULL, "metadata": {"note": f"card {number}."}}, {**FULL, "metadata": {number: "x"}}]
    bodies += [{**FULL, "consent": {**CONSENT, name: number}} for name in CONSENT]
    return [*bodies, {**FULL, number: "x"}, {**FULL, "x": [{"y": number}]}]


@pytest.mark.parametrize("number", ["4242424242424242", "4242 4242 4242 4242", "3782-822463-10005"])
def test_a_card_number_at_any_leaf_is_refused_before_anything_is_stored(
    api: Api, sandbox: SandboxClient, caplog: pytest.LogCaptureFixture, number: str
) -> None:
    """S10."""
    for body in planted(number):
        refused(api.post("methods/", body, key="k"), 422, "card_number_refused")
    method = save(api_user(api))
    path = f"methods/{method.pk}/"
    for body in ({"metadata": {"n": number}}, {"metadata": {number: "n"}}, {"is_default": number}):
        refused(api.patch(path, body), 422, "card_number_refused")
        refused(api.put(path, {"is_default": True, "metadata": {}, **body}), 422, "card_number_refused")
    refused(api.get("methods/", account=number), 422, "card_number_refused")
    refused(api.post("methods/", VISA, key=number.replace(" ", "")), 422, "card_number_refused")
    refused(api.get(f"methods/{number.replace(' ', '')}/"), 422, "card_number_refused")
    refused(api.delete(f"methods/{number.replace(' ', '')}/"), 422, "card_number_refused")
    rows = json.dumps([list(PaymentMethod.objects.values()), list(IdempotencyKey.objects.values())], default=str)
    assert number not in rows
    assert number not in caplog.text
    assert PaymentMethod.objects.count() == 1


@pytest.mark.parametrize("name", ["card_number", "cvc", "cvv", "card[number]", "number", "CardNumber", "security_code"])
def test_a_field_meant_for_card_data_is_refused_by_its_name(api: Api, sandbox: SandboxClient, name: str) -> None:
    beside = {"exp_month": "1"} if name == "number" else {}
    for body in ({**VISA, name: "1", **beside}, {**VISA, "metadata": {name: "1", **beside}}):
        refused(api.post("methods/", body), 422, "card_number_refused")
    assert sandbox.calls() == []
    assert not PaymentMethod.objects.exists()


def api_user(api: Api) -> User:
    return User.objects.get(pk=api.client.session["_auth_user_id"])


@pytest.mark.parametrize(
    "url", ["https://evil.example/", "javascript:alert(1)", "https://shop.example.com@evil.example/"]
)
def test_an_address_outside_the_shop_is_refused(api: Api, url: str) -> None:
    for name in ("return_url", "cancel_url"):
        refused(api.post("methods/", {**VISA, name: url}), 400, "return_url_not_allowed")
    assert not PaymentMethod.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {**VISA, "user": "1"},
        {**VISA, "status": "active"},
        {**VISA, "provider_method_id": "pm_1"},
        {**VISA, "is_default": "yes"},
        {**VISA, "metadata": {"a": {"b": "c"}}},
        {"payment_method_token": ""},
        {"payment_method_token": "a b"},
        {**VISA, "account": "stripe", "provider": "stripe"},
        [],
    ],
)
def test_a_body_that_is_not_as_told_is_400(api: Api, sandbox: SandboxClient, body: Any) -> None:
    assert api.post("methods/", body).status == 400
    assert sandbox.calls() == []


def test_an_account_that_saves_nothing_says_so(api: Api, customer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = registry.provider_class("stripe")
    monkeypatch.setattr(provider, "capabilities", replace(provider.capabilities, saved_methods=False))
    refused(api.post("methods/", VISA), 422, "unsupported_saved_methods")
    body = {**order_of(customer), **VISA, "save_payment_method": True}
    refused(api.post(body=body), 422, "unsupported_saved_methods")


def test_the_answers_fit_the_document(
    api: Api,
    staff: Callable[[str], User],
    document: dict[str, Any],  # noqa: F811
) -> None:
    made = api.post("methods/", VISA)
    check(document, "methods/", "post", made)
    check(document, "methods/", "get", api.get("methods/"))
    check(document, "methods/", "post", api.post("methods/", {}))
    check(document, "methods/", "post", api.post("methods/", {"payment_method_token": DECLINED}))
    one, path = "methods/{method_id}/", f"methods/{made.body['id']}/"
    check(document, one, "get", api.get(path))
    check(document, one, "get", Api(staff("support")).get(path))
    check(document, one, "patch", api.patch(path, {"is_default": True}))
    check(document, one, "put", api.put(path, {"is_default": True, "metadata": {"a": "b"}}))
    check(document, f"{one}set-default/", "post", api.post(f"{path}set-default/"))
    check(document, f"{one}confirm/", "post", api.post(f"{path}confirm/"))
