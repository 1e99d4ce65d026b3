"""Over the API: a customer gets instructions, staff records what came in and what was given back by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from django_payments_hub.models import Payment, TransactionLog
from tests.api.client import Answer, Api
from tests.api.test_schema import check
from tests.services.by_hand import offer_manual
from tests.services.world import make_order

KEYS = {"amount": "12.50", "received_at": "2026-11-01T10:00:00+01:00", "note": "statement 7, line 4"}
PROOF = {"paid_at": "2026-11-02", "note": "transfer 17"}


@pytest.fixture(autouse=True)
def manual(world: None, settings: Any) -> None:
    offer_manual(settings)


@pytest.fixture
def cashier(staff: Callable[[str], User]) -> Api:
    return Api(staff("cashier"))


@pytest.fixture
def finance(staff: Callable[[str], User]) -> Api:
    return Api(staff("finance"))


def promised(api: Api, user: User | None, **more: Any) -> Answer:
    order = make_order("12.50", user=user)
    return api.post(body={"order_id": str(order.pk), "account": "manual", "method_kind": "bank_transfer", **more})


def test_a_customer_is_told_what_to_do(api: Api, customer: User) -> None:
    answer = promised(api, customer)
    assert (answer.status, answer.body["status"], answer.body["flow"]) == (201, "requires_action", "direct")
    action = answer.body["next_action"]
    assert action["type"] == "instructions"
    told = action["fields"]
    assert told["reference"].startswith("RF")
    assert {name: told[name] for name in ("method", "amount", "currency", "iban")} == {
        "method": "bank_transfer",
        "amount": "12.50",
        "currency": "USD",
        "iban": "DE89 3704 0044 0532 0130 00",
    }
    assert answer.body["method"] == {"kind": "bank_transfer"}


def test_the_instructions_are_for_the_payer_alone(api: Api, customer: User, cashier: Api) -> None:
    key = promised(api, customer).body["id"]
    assert "next_action" not in cashier.get(f"{key}/").body


def test_a_gateway_names_the_kinds_it_offers(api: Api, settings: Any) -> None:
    offer_manual(settings, METHODS=["cash", "cheque"])
    (found,) = [row for row in api.get("gateways/").body["results"] if row["account"] == "manual"]
    assert (found["flows"], found["method_kinds"]) == (["direct"], ["cash", "cheque"])
    assert {"operator_receipts", "operator_refunds"} <= set(found["capabilities"])


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"method_kind": "credit_card"}, 422, "unsupported_method_kind"),
        ({"flow": "hosted"}, 422, "unsupported_flow"),
        ({"capture_method": "manual"}, 422, "unsupported_capture_method"),
        ({"save_payment_method": True}, 422, "unsupported_saved_methods"),
        ({"method_kind": "barter"}, 400, "invalid_choice"),
    ],
)
def test_what_is_not_offered_is_refused(api: Api, customer: User, more: dict[str, Any], status: int, code: str) -> None:
    answer = promised(api, customer, **more)
    assert (answer.status, answer.code) == (status, code)
    assert Payment.objects.count() == 0


def test_a_kind_has_to_be_named(api: Api, customer: User) -> None:
    order = make_order(user=customer)
    answer = api.post(body={"order_id": str(order.pk), "account": "manual"})
    assert (answer.status, answer.code) == (400, "method_kind_required")
    assert list(answer.body["errors"]) == ["method_kind"]


def test_a_cashier_records_what_came_in(api: Api, customer: User, cashier: Api, staff: Callable[[str], User]) -> None:
    key = promised(api, customer).body["id"]
    answer = cashier.post(f"{key}/receipt/", KEYS)
    assert (answer.status, answer.body["status"], answer.body["captured"]) == (200, "completed", "12.50")
    # and the audit trail shows the proof
    entry = Api(staff("admin")).get(f"{key}/logs/").body["results"][0]
    assert (entry["event"], entry["source"]) == ("payment.completed", "operator")
    assert entry["data"] == {
        "amount_received": "12.50",
        "received_minor": 1250,
        "received_at": "2026-11-01T09:00:00+00:00",
        "proof": "statement 7, line 4",
    }
    assert api.get(f"{key}/status/").body["next_action"] is None


def test_a_repeated_request_with_its_key_records_it_once(api: Api, customer: User, cashier: Api) -> None:
    key = promised(api, customer).body["id"]
    first, again = (cashier.post(f"{key}/receipt/", KEYS, key="r-1") for _ in range(2))
    assert (first.status, again.status, again.headers["Idempotent-Replayed"]) == (200, 200, "true")
    assert TransactionLog.objects.filter(event="payment.completed").count() == 1
    # while without it, or with another, it is an error
    other = cashier.post(f"{key}/receipt/", KEYS, key="r-2")
    assert (other.status, other.code) == (422, "already_received")


def test_a_replay_is_authorised_anew(api: Api, customer: User, staff: Callable[[str], User]) -> None:
    person = staff("cashier")
    key = promised(api, customer).body["id"]
    assert Api(person).post(f"{key}/receipt/", KEYS, key="r-1").status == 200
    person.user_permissions.remove(Permission.objects.get(codename="receive_payment"))
    assert Api(person).post(f"{key}/receipt/", KEYS, key="r-1").status == 403


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"amount": "12.49"}, 422, "amount_differs"),
        ({"amount": "12.51"}, 422, "amount_differs"),
        ({"amount": "-1"}, 400, "invalid_amount"),
        ({"amount": "12.505"}, 400, "invalid_amount"),
        ({"amount": None}, 400, "invalid_amount"),
        ({"note": " "}, 400, "proof_required"),
        ({"note": "x" * 501}, 400, "max_length"),
        ({"note": "a\u202eb"}, 400, "control"),
        ({"note": 7}, 400, "invalid_input"),
        ({"note": "4242424242424242"}, 422, "card_number_refused"),
        ({"received_at": "yesterday"}, 400, "invalid_input"),
        ({"received_at": "2026-02-30"}, 400, "invalid_input"),
        ({"received_at": 1700000000}, 400, "invalid_input"),
        ({"received_at": "9999-12-31T23:59:59-23:00"}, 400, "invalid_input"),
        ({"received_at": (timezone.now() + timedelta(days=2)).isoformat()}, 400, "in_future"),
        ({"accept_difference": "yes"}, 400, "invalid_input"),
        ({"captured": "12.50"}, 400, "unknown_field"),
    ],
)
def test_a_wrong_receipt_is_refused_and_books_nothing(
    api: Api, customer: User, cashier: Api, changes: dict[str, Any], status: int, code: str
) -> None:
    key = promised(api, customer).body["id"]
    answer = cashier.post(f"{key}/receipt/", {**KEYS, **changes})
    assert (answer.status, answer.code) == (status, code)
    assert Payment.objects.get().captured_minor == 0


@pytest.mark.parametrize("name", ["amount", "received_at", "note"])
def test_nothing_of_a_receipt_may_be_left_out(api: Api, customer: User, cashier: Api, name: str) -> None:
    key = promised(api, customer).body["id"]
    answer = cashier.post(f"{key}/receipt/", {field: value for field, value in KEYS.items() if field != name})
    assert (answer.status, list(answer.body["errors"])) == (400, [name])


def test_a_difference_is_accepted_when_that_is_said(api: Api, customer: User, cashier: Api) -> None:
    key = promised(api, customer).body["id"]
    answer = cashier.post(f"{key}/receipt/", {**KEYS, "amount": "13.00", "accept_difference": True})
    assert (answer.body["captured"], answer.body["attention_code"]) == ("12.50", "overpaid")


def test_a_surplus_is_given_back_once(api: Api, customer: User, cashier: Api, finance: Api) -> None:
    key = promised(api, customer).body["id"]
    cashier.post(f"{key}/receipt/", {**KEYS, "amount": "13.00", "accept_difference": True})
    assert "surplus" not in api.get(f"{key}/").body
    assert finance.post(f"{key}/surplus/", PROOF).status == 403
    first, again = (cashier.post(f"{key}/surplus/", {**PROOF, "amount": "0.50"}, key="s-1") for _ in range(2))
    assert (first.status, first.body["surplus"], first.body["attention_code"]) == (200, "0.00", "")
    assert again.headers["Idempotent-Replayed"] == "true"
    other = cashier.post(f"{key}/surplus/", PROOF)
    assert (other.status, other.code) == (422, "no_surplus")


def test_staff_that_buys_does_not_approve_its_own_payment(staff: Callable[[str], User]) -> None:
    buyer = staff("admin")
    key = promised(Api(buyer), buyer).body["id"]
    answer = Api(buyer).post(f"{key}/receipt/", KEYS)
    assert (answer.status, answer.code) == (403, "own_payment")


def test_the_token_of_an_order_makes_it_ones_own(staff: Callable[[str], User]) -> None:
    order, person = make_order("12.50"), staff("cashier")
    body = {"order_id": str(order.pk), "account": "manual", "method_kind": "cash"}
    key = Api(token=order.guest_token).post(body=body).body["id"]
    answer = Api(person, token=order.guest_token).post(f"{key}/receipt/", KEYS)
    assert (answer.status, answer.code) == (403, "own_payment")
    assert Api(person).post(f"{key}/receipt/", KEYS).status == 200


def test_a_payment_of_a_card_is_not_received_by_hand(api: Api, customer: User, cashier: Api, sandbox: Any) -> None:
    order = make_order(user=customer)
    body = {"order_id": str(order.pk), "account": "stripe", "payment_method_token": "pm_card_visa"}
    key = api.post(body=body).body["id"]
    answer = cashier.post(f"{key}/receipt/", KEYS)
    assert (answer.status, answer.code) == (422, "unsupported_operator_receipts")


def test_the_answers_fit_the_document(api: Api, customer: User, cashier: Api, finance: Api) -> None:
    document = json.loads(api.get("schema/", format="json").raw)
    key = promised(api, customer).body["id"]
    check(document, "{payment_id}/receipt/", "post", cashier.post(f"{key}/receipt/", {**KEYS, "amount": "1"}))
    check(document, "{payment_id}/receipt/", "post", cashier.post(f"{key}/receipt/", KEYS))
    cashier.post(f"{key}/receipt/", {**KEYS, "late": True})
    check(document, "{payment_id}/surplus/", "post", cashier.post(f"{key}/surplus/", PROOF))
    refund = finance.post(f"{key}/refund/")
    check(document, "{payment_id}/refund/", "post", refund)
    proof = cashier.post(f"refunds/{refund.body['id']}/proof/", PROOF)
    check(document, "refunds/{refund_id}/proof/", "post", proof)


def test_staff_withdraws_what_was_never_paid(api: Api, customer: User, finance: Api, cashier: Api) -> None:
    key = promised(api, customer).body["id"]
    withdrawn = finance.post(f"{key}/cancel/", {"reason": "changed his mind"})
    assert (withdrawn.status, withdrawn.body["status"]) == (200, "cancelled")
    late = cashier.post(f"{key}/receipt/", KEYS)
    assert (late.status, late.code) == (422, "not_receivable")
    booked = cashier.post(f"{key}/receipt/", {**KEYS, "late": True})
    assert (booked.status, booked.body["status"], booked.body["attention_code"]) == (200, "completed", "received_late")


def test_a_customer_cannot_confirm_what_only_staff_can_tell(api: Api, customer: User, cashier: Api) -> None:
    key = promised(api, customer).body["id"]
    answers = [api.post(f"{key}/{action}/") for action in ("confirm", "process", "sync", "receipt")]
    assert [(answer.status, answer.code) for answer in answers] == [
        (422, "not_confirmable"),
        (422, "not_pending"),
        (422, "unsupported_look_up"),
        (403, "permission_denied"),
    ]
    # and nothing of it stands in the way, of this payment or of the account
    (gateway,) = [row for row in api.get("gateways/").body["results"] if row["account"] == "manual"]
    assert gateway["available"]
    assert cashier.post(f"{key}/receipt/", KEYS).status == 200


# -- refunds ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def paid(api: Api, customer: User, cashier: Api) -> str:
    """A payment of 12.50 that came in."""
    key: str = promised(api, customer).body["id"]
    assert cashier.post(f"{key}/receipt/", KEYS).status == 200
    return key


def test_a_refund_by_hand_goes_from_the_request_to_its_proof(paid: str, api: Api, finance: Api, cashier: Api) -> None:
    asked = finance.post(f"{paid}/refund/", {"amount": "2.50", "reason": "broken"})
    assert (asked.status, asked.body["status"], asked.body["by_hand"]) == (202, "processing", True)
    key = asked.body["id"]
    assert finance.post(f"refunds/{key}/process/").body["status"] == "processing"  # no worker can make it
    done = cashier.post(f"refunds/{key}/proof/", PROOF)
    assert (done.status, done.body["status"]) == (200, "completed")
    assert api.get(f"{paid}/").body["status"] == "partially_refunded"
    again = cashier.post(f"refunds/{key}/proof/", PROOF)
    assert (again.status, again.code) == (422, "refund_already_completed")


def test_a_repeated_proof_with_its_key_answers_the_same(paid: str, finance: Api, cashier: Api) -> None:
    key = finance.post(f"{paid}/refund/").body["id"]
    first, again = (cashier.post(f"refunds/{key}/proof/", PROOF, key="p-1") for _ in range(2))
    assert (first.status, again.status, again.headers["Idempotent-Replayed"]) == (200, 200, "true")


def test_a_refund_by_hand_is_cancelled_before_it_is_made(paid: str, finance: Api, cashier: Api) -> None:
    key = finance.post(f"{paid}/refund/").body["id"]
    assert finance.post(f"refunds/{key}/cancel/").body["status"] == "cancelled"
    refused = cashier.post(f"refunds/{key}/proof/", PROOF)
    assert (refused.status, refused.code) == (422, "refund_ended")


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"note": ""}, "proof_required"), ({"paid_at": "2999-01-01"}, "in_future"), ({"amount": "1"}, "unknown_field")],
)
def test_a_wrong_proof_completes_nothing(
    paid: str, finance: Api, cashier: Api, changes: dict[str, Any], code: str
) -> None:
    key = finance.post(f"{paid}/refund/").body["id"]
    answer = cashier.post(f"refunds/{key}/proof/", {**PROOF, **changes})
    assert (answer.status, answer.code) == (400, code)
    assert finance.get(f"refunds/{key}/").body["status"] == "processing"


def test_the_payer_does_not_prove_his_own_refund(staff: Callable[[str], User], finance: Api, cashier: Api) -> None:
    buyer = staff("admin")
    key = promised(Api(buyer), buyer).body["id"]
    cashier.post(f"{key}/receipt/", KEYS)
    refund = finance.post(f"{key}/refund/").body["id"]
    answer = Api(buyer).post(f"refunds/{refund}/proof/", PROOF)
    assert (answer.status, answer.code) == (403, "own_payment")


def test_nobody_but_a_cashier_vouches(paid: str, api: Api, finance: Api, other: User) -> None:
    refund = finance.post(f"{paid}/refund/").body["id"]
    statuses = [client.post(f"refunds/{refund}/proof/", PROOF).status for client in (Api(), Api(other), api, finance)]
    assert statuses == [401, 404, 403, 403]
