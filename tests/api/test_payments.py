"""The ways of a payment through the API, against the sandbox."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections

from django_payments_hub.models import Operation, Payment
from django_payments_hub.services import refunds
from tests.api.client import Answer, Api
from tests.services.world import books_of, converge, make_order

VISA, DECLINED, SECURE = "pm_card_visa", "pm_card_chargeDeclined", "pm_card_threeDSecure2Required"
RETURN = "https://shop.example.com/done"


def pay(api: Api, user: User | None, token: str = VISA, **more: Any) -> Answer:
    order = make_order("12.50", user=user)
    return api.post(body={"order_id": str(order.pk), "payment_method_token": token, **more})


def row(result: Answer) -> Payment:
    body = result.body.get("payment", result.body)
    return Payment.objects.get(pk=body["id"])


def test_a_card_payment_is_made_and_read_back(api, customer, sandbox) -> None:
    made = pay(api, customer, metadata={"cart": "17"}, description="Two teapots")
    assert made.status == 201, made.body
    body = made.body
    assert (body["status"], body["amount"], body["captured"], body["currency"]) == (
        "completed",
        "12.50",
        "12.50",
        "USD",
    )
    assert {**body["method"], "expiry_month": 0, "expiry_year": 0} == {
        "kind": "credit_card", "brand": "visa", "last4": "4242", "expiry_month": 0, "expiry_year": 0,
    }  # fmt: skip
    assert (body["metadata"], body["description"]) == ({"cart": "17"}, "Two teapots")
    assert (body["account"], body["provider"], body["mode"], body["flow"]) == ("stripe", "stripe", "test", "token")
    assert (body["failure"], body["next_action"], body["refundable"]) == (None, None, "12.50")
    assert api.get(f"{body['id']}/").body == body
    assert api.get().body["results"] == [body]
    assert api.get(f"{body['id']}/status/").body == {name: body[name] for name in api.get(f"{body['id']}/status/").body}
    assert books_of(sandbox, row(made))["captured"] == 1250


def test_amounts_follow_their_currency(api, customer) -> None:
    for currency, price, shown in (("JPY", "1250", "1250"), ("KWD", "1.250", "1.250")):
        order = make_order(price, user=customer, currency=currency)
        made = api.post(body={"order_id": str(order.pk), "defer": True})
        assert (made.body["amount"], made.body["captured"]) == (shown, "0" if currency == "JPY" else "0.000")


def test_a_decline_is_402_with_the_payment(api, customer) -> None:
    result = pay(api, customer, DECLINED)
    assert (result.status, result.code) == (402, "card_declined")
    assert "declined" in result.body["error_message"]
    assert (result.body["payment"]["status"], result.body["payment"]["captured"]) == ("failed", "0.00")
    failure = result.body["payment"]["failure"]
    assert (failure["code"], failure["message"]) == ("card_declined", result.body["error_message"])
    assert "provider_code" not in failure
    # and another try with another card pays the same order
    again = api.post(body={"order_id": result.body["payment"]["order_id"], "payment_method_token": VISA})
    assert (again.status, again.body["status"]) == (201, "completed")
    paid = api.post(body={"order_id": result.body["payment"]["order_id"], "payment_method_token": VISA})
    assert (paid.status, paid.code) == (422, "order_already_paid")


def test_what_the_customer_reads_is_in_his_language(api, customer) -> None:
    order = str(make_order(user=customer).pk)
    result = api.post(body={"order_id": order, "payment_method_token": DECLINED}, **{"Accept-Language": "de"})
    assert result.body["error_code"] == "card_declined"  # codes are not translated


def test_three_d_secure(api, customer, sandbox) -> None:
    made = pay(api, customer, SECURE, return_url=RETURN)
    assert (made.status, made.body["status"]) == (201, "requires_action"), made.body
    assert made.body["next_action"]["type"] == "redirect"
    assert made.body["next_action"]["url"].startswith("http")
    sandbox.complete_action(str(row(made).provider_payment_id))
    synced = api.post(f"{made.body['id']}/sync/")
    assert (synced.status, synced.body["status"], synced.body["next_action"]) == (200, "completed", None)


def test_a_hosted_checkout(api, customer, sandbox) -> None:
    order = make_order("12.50", user=customer)
    made = api.post("checkout/", {"order_id": str(order.pk), "return_url": RETURN, "cancel_url": RETURN})
    assert (made.status, made.body["status"], made.body["flow"]) == (201, "requires_action", "hosted"), made.body
    assert made.body["next_action"]["type"] == "redirect"
    sandbox.pay_session(str(row(made).provider_session_id))
    assert api.post(f"{made.body['id']}/sync/").body["captured"] == "12.50"


def test_the_client_flow_gives_the_browser_its_secret(api, customer) -> None:
    made = api.post(body={"order_id": str(make_order(user=customer).pk), "flow": "client"})
    action = made.body["next_action"]
    assert (made.status, action["type"]) == (201, "client_secret"), made.body
    assert any("_secret_" in value for value in action["fields"].values())


def test_the_next_action_is_only_for_who_may_pay(api, customer, staff) -> None:
    made = api.post(body={"order_id": str(make_order(user=customer).pk), "flow": "client"})
    support = Api(staff("support"))
    for path in (f"{made.body['id']}/", f"{made.body['id']}/status/"):
        seen = support.get(path)
        assert seen.status == 200
        assert "next_action" not in seen.body
        assert b"_secret_" not in seen.raw
    assert b"_secret_" not in support.get().raw


def test_what_is_for_staff_is_shown_to_staff_alone(api, customer, staff) -> None:
    made = pay(
        api, customer, DECLINED, payer={"name": "Ada", "email": "ada@example.com", "national_id": "42101-1234567-1"}
    )
    mine, theirs = api.get(f"{row(made).pk}/").body, Api(staff("support")).get(f"{row(made).pk}/").body
    for_staff = {"provider_payment_id", "provider_session_id", "attention_code", "surplus", "payer"}
    assert set(theirs) - set(mine) == for_staff
    assert theirs["provider_payment_id"].startswith("pi_")
    assert theirs["payer"] == {"name": "Ada", "email": "ada@example.com"}  # the national id is passed on, never kept
    assert theirs["failure"]["provider_code"] == "generic_decline"


def test_a_deferred_payment_is_started_by_process(api, customer) -> None:
    order = str(make_order("12.50", user=customer).pk)
    made = api.post(body={"order_id": order, "flow": "token", "defer": True})
    assert (made.status, made.body["status"]) == (201, "pending")
    missing = api.post(f"{made.body['id']}/process/")
    assert (missing.status, list(missing.body["errors"])) == (400, ["payment_method_token"])
    done = api.post(f"{made.body['id']}/process/", {"payment_method_token": VISA})
    assert (done.status, done.body["status"]) == (200, "completed")
    again = api.post(f"{made.body['id']}/process/", {"payment_method_token": VISA})
    assert (again.status, again.code) == (422, "not_pending")


def test_confirm_tries_a_waiting_payment_with_a_token(api, customer) -> None:
    made = api.post(body={"order_id": str(make_order(user=customer).pk), "flow": "client"})
    declined = api.post(f"{made.body['id']}/confirm/", {"payment_method_token": DECLINED})
    assert (declined.status, declined.code, declined.body["payment"]["status"]) == (
        402,
        "card_declined",
        "requires_action",
    )
    paid = api.post(f"{made.body['id']}/confirm/", {"payment_method_token": VISA})
    assert (paid.status, paid.body["status"]) == (200, "completed"), paid.body
    again = api.post(f"{made.body['id']}/confirm/", {"payment_method_token": VISA})
    assert (again.status, again.code) == (422, "not_confirmable")


def test_authorise_then_capture_a_part(api, customer, staff, sandbox) -> None:
    made = pay(api, customer, capture_method="manual")
    assert (made.status, made.body["status"], made.body["capturable"]) == (201, "authorized", "12.50")
    finance = Api(staff("finance"))
    too_much = finance.post(f"{made.body['id']}/capture/", {"amount": "12.51"})
    assert (too_much.status, too_much.code) == (422, "amount_exceeds_capturable")
    part = finance.post(f"{made.body['id']}/capture/", {"amount": "10"})
    assert (part.status, part.body["captured"], part.body["capturable"]) == (200, "10.00", "0.00")
    again = finance.post(f"{made.body['id']}/capture/")
    assert (again.status, again.code) == (422, "not_capturable")
    assert books_of(sandbox, row(made))["captured"] == 1000


def test_cancel_gives_what_is_held_free(api, customer, staff, sandbox) -> None:
    made = pay(api, customer, capture_method="manual")
    done = Api(staff("finance")).post(f"{made.body['id']}/cancel/", {"reason": "sold out"})
    assert (done.status, done.body["status"], done.body["cancel_reason"]) == (200, "cancelled", "sold out"), done.body
    assert books_of(sandbox, row(made))["captured"] == 0
    again = Api(staff("finance")).post(f"{made.body['id']}/cancel/")
    assert (again.status, again.code) == (422, "not_cancellable")


def test_part_then_rest_then_nothing_is_refunded(api, customer, staff, sandbox) -> None:
    payment = pay(api, customer).body
    finance = Api(staff("finance"))
    part = finance.post(f"{payment['id']}/refund/", {"amount": "5.00", "reason": "broken"})
    assert (part.status, part.body["status"], part.body["amount"]) == (202, "pending", "5.00"), part.body
    done = finance.post(f"refunds/{part.body['id']}/process/")
    assert (done.status, done.body["status"]) == (200, "completed")
    assert api.get(f"refunds/{part.body['id']}/").body["reason"] == "broken"
    assert api.get(f"{payment['id']}/").body["refundable"] == "7.50"
    too_much = finance.post("refunds/", {"payment_id": payment["id"], "amount": "7.51"})
    assert (too_much.status, too_much.code) == (422, "refund_exceeds_captured")
    rest = finance.post("refunds/", {"payment_id": payment["id"]})
    assert (rest.status, rest.body["amount"]) == (202, "7.50")
    refunds.execute(rest.body["id"])
    assert api.get(f"{payment['id']}/").body["status"] == "refunded"
    more = finance.post(f"{payment['id']}/refund/", {"amount": "0.01"})
    assert (more.status, more.code) == (422, "not_refundable")
    assert [item["id"] for item in api.get("refunds/", payment_id=payment["id"]).body["results"]] == [
        rest.body["id"], part.body["id"],
    ]  # fmt: skip
    assert books_of(sandbox, Payment.objects.get(pk=payment["id"]))["refunded"] == 1250


def test_an_unsent_refund_is_taken_back(api, customer, staff) -> None:
    payment, finance = pay(api, customer).body, Api(staff("finance"))
    made = finance.post(f"{payment['id']}/refund/").body
    taken_back = finance.post(f"refunds/{made['id']}/cancel/")
    assert (taken_back.status, taken_back.body["status"]) == (200, "cancelled")
    late = finance.post(f"refunds/{made['id']}/cancel/")
    assert (late.status, late.code) == (422, "refund_not_cancellable")


def test_a_refund_the_provider_refuses(api, customer, staff, sandbox) -> None:
    payment, finance = pay(api, customer).body, Api(staff("finance"))
    sandbox.external_refund(str(Payment.objects.get(pk=payment["id"]).provider_payment_id), amount=1250)
    made = finance.post(f"{payment['id']}/refund/").body
    result = finance.post(f"refunds/{made['id']}/process/")
    assert (result.status, result.body["refund"]["status"]) == (422, "failed"), result.body
    assert result.code == "refund_refused"


# -- when the provider does not answer --------------------------------------------------------------------------------


def test_an_unknown_outcome_is_202_and_never_failed(api, customer, sandbox) -> None:
    sandbox.fault("close", operation="payment_intents.confirm", when="after", times=5)
    made = pay(api, customer)
    assert (made.status, made.body["status"], made.body["failure"]) == (202, "processing", None), made.body
    sandbox.clear_faults()
    converge()
    assert api.get(f"{made.body['id']}/").body["status"] == "completed"
    assert books_of(sandbox, row(made))["captured"] == 1250


def test_a_provider_that_cannot_be_reached_is_202_and_tried_again(api, customer, change, settings, sandbox) -> None:
    reachable = settings.PAYMENTS_HUB["ACCOUNTS"]["stripe"]
    change(ACCOUNTS={"stripe": {**reachable, "API_BASE": "http://127.0.0.1:9/stripe"}})
    made = pay(api, customer)
    assert (made.status, made.body["status"]) == (202, "pending"), made.body
    told = api.get(f"{made.body['id']}/explain/").body
    assert "tried again" in told["next"]
    change(ACCOUNTS={"stripe": reachable})
    converge()
    assert api.get(f"{made.body['id']}/").body["status"] == "completed"


def test_credentials_the_provider_refuses_are_502(api, customer, sandbox) -> None:
    sandbox.fault("status", operation="*", status=401, times=5)
    made = pay(api, customer)
    assert (made.status, made.code) == (502, "provider_misconfigured"), made.body
    assert made.body["payment"]["status"] == "pending"


def test_a_provider_that_slows_us_down_is_202(api, customer, sandbox) -> None:
    sandbox.fault("status", operation="*", status=429, headers={"Retry-After": "7"}, times=5)
    made = pay(api, customer)
    assert (made.status, made.body["status"]) == (202, "pending"), made.body
    gateway = api.get("gateways/").body["results"][0]
    assert (gateway["account"], gateway["available"]) == ("stripe", False)


def test_a_look_up_that_is_not_answered_is_503(api, customer, sandbox) -> None:
    made = pay(api, customer)
    sandbox.fault("status", operation="*", status=429, headers={"Retry-After": "7"}, times=9)
    slow = api.post(f"{made.body['id']}/sync/")
    assert (slow.status, slow.code, slow.headers["Retry-After"]) == (503, "provider_throttled", "7")
    sandbox.clear_faults()
    sandbox.fault("close", operation="*", times=9)
    silent = api.post(f"{made.body['id']}/sync/")
    assert (silent.status, silent.headers["Retry-After"]) == (503, "5")


def test_explain_tells_staff_what_is_open_and_the_customer_what_it_means(api, customer, staff, sandbox) -> None:
    sandbox.fault("close", operation="payment_intents.confirm", when="after", times=5)
    made = pay(api, customer)
    mine, theirs = (
        api.get(f"{made.body['id']}/explain/").body,
        Api(staff("support")).get(f"{made.body['id']}/explain/").body,
    )
    assert (mine["status"], "operations" in mine, "attention_code" in mine) == ("processing", False, False)
    assert mine["next_attempt_at"]
    (operation,) = theirs["operations"]
    assert (operation["kind"], operation["state"], operation["amount"]) == ("pay", "unknown", "12.50")
    assert operation["tries"] == 1
    # and once a person is needed, it says so
    Operation.objects.update(attention_code="tries_exhausted", next_attempt_at=None)
    told = Api(staff("support")).get(f"{made.body['id']}/explain/").body
    assert (told["attention_code"], told["next"]) == ("tries_exhausted", "Somebody has to look at this payment.")


def test_logs_tell_the_history(api, customer, staff) -> None:
    payment, support = pay(api, customer).body, Api(staff("support"))
    entries = support.get(f"{payment['id']}/logs/").body["results"]
    assert [entry["event"] for entry in entries] == ["payment.completed", "payment.created"]
    assert (entries[0]["from_status"], entries[0]["to_status"]) == ("pending", "completed")
    assert entries[0]["amounts"]["captured"] == "12.50"
    assert [entry["position"] for entry in entries] == [2, 1]


# -- guests and transactions ------------------------------------------------------------------------------------------


def test_a_guest_pays_with_the_orders_token(world, sandbox) -> None:
    order = make_order("12.50")
    guest, stranger = Api(token=order.guest_token), Api(token="another")
    body = {"order_id": str(order.pk), "payment_method_token": VISA}
    assert (stranger.post(body=body).status, stranger.post(body=body).code) == (404, "unknown_order")
    made = guest.post(body=body)
    assert (made.status, made.body["status"]) == (201, "completed"), made.body
    assert guest.get(f"{made.body['id']}/status/").body["status"] == "completed"
    assert [item["id"] for item in guest.get().body["results"]] == [made.body["id"]]
    assert stranger.get(f"{made.body['id']}/").status == 404
    assert stranger.get().body["results"] == []
    assert order.guest_token.encode() not in made.raw


def test_a_user_who_brings_the_token_of_a_guests_order_pays_it(api, customer) -> None:
    order = make_order("12.50")
    body = {"order_id": str(order.pk), "payment_method_token": VISA}
    assert api.post(body=body).code == "unknown_order"
    made = Api(customer, token=order.guest_token).post(body=body)
    assert made.status == 201
    assert api.get(f"{made.body['id']}/").status == 200  # it is his from then on


@pytest.mark.django_db(transaction=True)
def test_atomic_requests_do_not_wrap_a_provider_call(api, customer, sandbox, monkeypatch) -> None:
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)
    made = pay(api, customer)
    assert (made.status, made.body["status"]) == (201, "completed"), made.body


def test_gateways_tell_what_a_browser_may_know(api) -> None:
    for who in (api, Api()):
        (gateway,) = who.get("gateways/").body["results"]
        assert (gateway["account"], gateway["label"], gateway["available"]) == ("stripe", "Card", True)
        assert gateway["public_values"] == {"publishable_key": "pk_test_demo"}
        assert {"hosted", "client", "token"} == set(gateway["flows"])
        assert gateway["save_flows"] == ["client", "hosted", "token"]
        assert "refund" in gateway["capabilities"]


def test_an_inactive_or_broken_account_is_no_gateway(api, change, settings) -> None:
    known = settings.PAYMENTS_HUB["ACCOUNTS"]["stripe"]
    change(ACCOUNTS={"off": {**known, "ACTIVE": False}, "broken": {**known, "SECRET_KEY": "x"}, "good": known})
    assert [gateway["account"] for gateway in api.get("gateways/").body["results"]] == ["good"]
