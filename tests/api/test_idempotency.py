"""Idempotency-Key: carried out once, whatever happens in between (I4, S20)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from django_payments_hub.api import idempotency
from django_payments_hub.api.idempotency import Claim, Replay, Scope
from django_payments_hub.exceptions import Conflict
from django_payments_hub.models import IdempotencyKey, Operation, OrderRef, Payment, Refund
from django_payments_hub.services import accounts, operations
from tests.api.client import Answer, Api
from tests.services.world import at_once, books_of, converge, effects, make_order

VISA, DECLINED = "pm_card_visa", "pm_card_chargeDeclined"


def body_of(user: User, token: str = VISA, price: str = "12.50") -> dict[str, str]:
    return {"order_id": str(make_order(price, user=user).pk), "payment_method_token": token}


def replayed(result: Answer) -> bool:
    return str(result.headers.get("Idempotent-Replayed")) == "true"


def let_leases_end() -> None:
    IdempotencyKey.objects.filter(lease_until__isnull=False).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_the_same_request_is_answered_with_what_it_made(api, customer, sandbox) -> None:
    body = body_of(customer)
    first, second = api.post(body=body, key="k"), api.post(body=body, key="k")
    assert (first.status, second.status, second.body) == (201, 201, first.body)
    assert (replayed(first), replayed(second)) == (False, True)
    assert Payment.objects.count() == 1
    assert effects(sandbox, "payment_intents.create") == 1


def test_the_order_of_names_and_the_spelling_of_numbers_do_not_matter(api, customer) -> None:
    order = body_of(customer)["order_id"]
    first = api.post(body=f'{{"order_id": "{order}", "defer": true}}'.encode(), key="k")
    second = api.post(body=f'{{ "defer" :true,\n"order_id":"\\u{ord(order[0]):04x}{order[1:]}" }}'.encode(), key="k")
    assert (second.status, second.body["id"]) == (201, first.body["id"])


def test_the_answer_is_rendered_anew(api, customer, staff) -> None:
    body = body_of(customer)
    made = api.post(body=body, key="k")
    refund = Api(staff("finance")).post(f"{made.body['id']}/refund/").body
    Api(staff("finance")).post(f"refunds/{refund['id']}/process/")
    again = api.post(body=body, key="k")
    assert (again.status, again.body["status"], again.body["id"]) == (201, "refunded", made.body["id"])


def test_another_body_under_the_same_key(api, customer, sandbox) -> None:
    api.post(body=body_of(customer), key="k")
    result = api.post(body=body_of(customer), key="k")
    assert (result.status, result.code) == (422, "idempotency_mismatch")
    assert Payment.objects.count() == 1


def test_the_same_key_and_body_for_another_payment(api, customer, staff) -> None:
    finance = Api(staff("finance"))
    one, two = (api.post(body=body_of(customer)).body["id"] for _ in range(2))
    assert finance.post(f"{one}/refund/", {"amount": "1"}, key="k").status == 202
    assert finance.post(f"{two}/refund/", {"amount": "1"}, key="k").code == "idempotency_mismatch"


def test_a_key_belongs_to_who_sent_it_and_to_one_endpoint(api, customer, other, staff) -> None:
    made = api.post(body=body_of(customer), key="k")
    theirs = Api(other).post(body=body_of(other), key="k")
    assert (theirs.status, replayed(theirs)) == (201, False)
    assert theirs.body["id"] != made.body["id"]
    again = api.post("checkout/", {"order_id": str(make_order(user=customer).pk)}, key="k")
    assert (again.status, replayed(again)) == (201, False)


def test_guests_have_keys_of_their_own(world) -> None:
    one, two = make_order("12.50"), make_order("12.50")
    made = [
        Api(token=order.guest_token).post(body={"order_id": str(order.pk), "payment_method_token": VISA}, key="k")
        for order in (one, two, one)
    ]
    assert [result.status for result in made] == [201, 201, 201]
    assert made[0].body["id"] == made[2].body["id"] != made[1].body["id"]


def test_a_decline_is_answered_again_without_another_try(api, customer, sandbox) -> None:
    body = body_of(customer, DECLINED)
    first, second = api.post(body=body, key="k"), api.post(body=body, key="k")
    assert (first.status, second.status, second.code, replayed(second)) == (402, 402, "card_declined", True)
    assert second.body["payment"]["id"] == first.body["payment"]["id"]
    assert len(sandbox.calls("payment_intents.confirm")) <= 1
    assert Payment.objects.count() == 1


def test_an_error_before_anything_was_made_gives_the_key_back(api, customer) -> None:
    body = body_of(customer)
    assert api.post(body={**body, "account": "nobody"}, key="k").status == 404
    assert api.post(body={**body, "amount": "99"}, key="k").status == 422
    assert api.post(body={**body, "return_url": "https://evil.com"}, key="k").status == 400
    assert not IdempotencyKey.objects.exists()
    assert api.post(body=body, key="k").status == 201


def test_every_post_that_moves_money_honours_it(api, customer, staff) -> None:
    finance = Api(staff("finance"))
    held = api.post(body={**body_of(customer), "capture_method": "manual"}).body["id"]
    taken = [finance.post(f"{held}/capture/", {"amount": "5"}, key="k") for _ in range(2)]
    assert [(r.status, r.body["captured"], replayed(r)) for r in taken] == [(200, "5.00", False), (200, "5.00", True)]
    given = [finance.post(f"{held}/refund/", {"amount": "1"}, key="k") for _ in range(2)]
    given += [finance.post("refunds/", {"payment_id": held, "amount": "1"}, key="k") for _ in range(2)]
    assert [(r.status, replayed(r)) for r in given] == [(202, False), (202, True)] * 2
    assert Refund.objects.count() == 2
    done = [finance.post(f"refunds/{given[0].body['id']}/process/", key="k") for _ in range(2)]
    assert [(r.status, r.body["status"], replayed(r)) for r in done] == [
        (200, "completed", False),
        (200, "completed", True),
    ]
    back = [finance.post(f"refunds/{given[2].body['id']}/cancel/", key="k") for _ in range(2)]
    assert [(r.status, r.body["status"], replayed(r)) for r in back] == [
        (200, "cancelled", False),
        (200, "cancelled", True),
    ]
    other = api.post(body={**body_of(customer), "capture_method": "manual"}).body["id"]
    freed = [finance.post(f"{other}/cancel/", key="k2") for _ in range(2)]
    assert [(r.status, r.body["status"], replayed(r)) for r in freed] == [
        (200, "cancelled", False),
        (200, "cancelled", True),
    ]
    waiting = api.post(body={"order_id": str(make_order(user=customer).pk), "flow": "token", "defer": True}).body["id"]
    started = [api.post(f"{waiting}/process/", {"payment_method_token": VISA}, key="k") for _ in range(2)]
    assert [(r.status, r.body["status"], replayed(r)) for r in started] == [
        (200, "completed", False),
        (200, "completed", True),
    ]
    shown = api.post(body={"order_id": str(make_order(user=customer).pk), "flow": "client"}).body["id"]
    tried = [api.post(f"{shown}/confirm/", {"payment_method_token": VISA}, key="k") for _ in range(2)]
    assert [(r.status, r.body["status"], replayed(r)) for r in tried] == [
        (200, "completed", False),
        (200, "completed", True),
    ]


def test_a_replay_is_authorised_anew(api, customer, staff) -> None:
    clerk = staff("finance")
    payment = api.post(body=body_of(customer)).body["id"]
    assert Api(clerk).post(f"{payment}/refund/", {"amount": "1"}, key="k").status == 202
    clerk.user_permissions.remove(clerk.user_permissions.get(codename="refund_payment"))
    assert Api(clerk).post(f"{payment}/refund/", {"amount": "1"}, key="k").status == 403
    clerk.user_permissions.clear()
    assert Api(clerk).post(f"{payment}/refund/", {"amount": "1"}, key="k").status == 404


def test_the_answer_to_a_create_is_not_shown_to_who_no_longer_sees_it(api, customer, other) -> None:
    body = body_of(customer)
    made = api.post(body=body, key="k")
    payment = Payment.objects.get(pk=made.body["id"])
    OrderRef.objects.filter(payments=payment).update(user=other)
    Payment.objects.filter(pk=payment.pk).update(user=other, owner=other)
    assert api.post(body=body, key="k").status == 404


@pytest.mark.parametrize("key", [" ", "a\tb", "ü", "k" * 256, " k", "k ", "a\x7f"], ids=ascii)
def test_keys_that_are_none(api, customer, key) -> None:
    result = api.post(body=body_of(customer), **{"Idempotency-Key": key})
    assert (result.status, result.code) == (400, "idempotency_key_invalid")


def test_an_empty_key_is_no_key_and_a_long_one_is_kept_whole(api, customer) -> None:
    assert api.post(body=body_of(customer), **{"Idempotency-Key": ""}).code == "idempotency_key_invalid"
    long = "k" * 254
    one, two = api.post(body=body_of(customer), key=f"{long}a"), api.post(body=body_of(customer), key=f"{long}A")
    assert (one.status, two.status, replayed(two)) == (201, 201, False)


def test_a_project_may_demand_a_key(api, customer, change, staff) -> None:
    change(IDEMPOTENCY_KEY_REQUIRED=True)
    body = body_of(customer)
    result = api.post(body=body)
    assert (result.status, result.code) == (400, "idempotency_key_missing")
    made = api.post(body=body, key="k")
    assert made.status == 201
    assert api.post("checkout/", body).status in (400,)
    for action in ("capture", "cancel", "refund"):
        assert Api(staff("admin")).post(f"{made.body['id']}/{action}/").code == "idempotency_key_missing"
    assert Api(staff("admin")).post("refunds/", {"payment_id": made.body["id"]}).code == "idempotency_key_missing"
    assert api.post(f"{made.body['id']}/sync/").status == 200


# -- in flight, and killed --------------------------------------------------------------------------------------------


def test_a_request_in_flight_is_409(api, customer, sandbox) -> None:
    body = body_of(customer)
    assert api.post(body=body, key="k").status == 201
    IdempotencyKey.objects.update(lease_until=timezone.now() + timedelta(seconds=60), status_code=0)
    result = api.post(body=body, key="k")
    assert (result.status, result.code, result.headers["Retry-After"]) == (409, "idempotency_in_flight", "1")


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def killed_at(module: Any, name: str) -> Iterator[None]:
    """Let a request end as a killed process does: what is committed stays, nothing is cleaned up."""

    def die(*args: object, **kwargs: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Claim, "release", lambda self: None)
        patch.setattr(module, name, die)
        with pytest.raises(Killed):
            yield


def test_killed_before_it_made_anything(api, customer, sandbox) -> None:
    body = body_of(customer)
    with killed_at(accounts, "choose"):
        api.post(body=body, key="k")
    assert api.post(body=body, key="k").code == "idempotency_in_flight"
    let_leases_end()
    result = api.post(body=body, key="k")
    assert (result.status, replayed(result)) == (201, False)
    assert Payment.objects.count() == 1


def test_killed_after_it_was_made_and_before_it_was_sent(api, customer, sandbox) -> None:
    body = body_of(customer)
    with killed_at(operations, "send"):
        api.post(body=body, key="k")
    made = Payment.objects.get()
    let_leases_end()
    result = api.post(body=body, key="k")
    assert (result.status, result.body["id"], replayed(result)) == (202, str(made.pk), True)
    assert Payment.objects.count() == 1
    assert Operation.objects.count() == 1
    # and the payment is carried out all the same, once
    converge()
    result = api.post(body=body, key="k")
    assert (result.status, result.body["status"]) == (201, "completed")
    assert books_of(sandbox, made)["captured"] == 1250


def scope(**more: Any) -> Scope:
    return Scope(**{"principal": "user:1", "endpoint": "e", "key": str(uuid4()), "fingerprint": "f", **more})


def test_who_lost_his_lease_can_make_nothing_any_more(world) -> None:
    mine = scope()
    first = idempotency.claim(mine, "payment")
    assert isinstance(first, Claim)
    let_leases_end()
    second = idempotency.claim(mine, "payment")
    assert isinstance(second, Claim)
    with pytest.raises(Conflict):
        first.attach(uuid4())
    first.release()
    first.finish(201)
    made = uuid4()
    second.attach(made)
    second.finish(201)
    assert idempotency.claim(mine, "payment") == Replay(resource_id=made, status_code=201)


def test_a_key_is_not_taken_from_who_has_just_made_something(world) -> None:
    mine, made = scope(), uuid4()
    first = idempotency.claim(mine, "payment")
    assert isinstance(first, Claim)
    let_leases_end()
    stale = IdempotencyKey.objects.get()
    first.attach(made)  # late, but nobody took the key before
    assert idempotency._take_over(stale, "payment") is None
    assert idempotency.claim(mine, "payment") == Replay(resource_id=made, status_code=0)


@pytest.mark.django_db(transaction=True)
def test_fifty_threads_with_one_key_make_one_payment_and_one_charge(api, customer, sandbox, settings) -> None:
    settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, "THROTTLES": {"payments_write": "1000/min"}}
    body, clients = body_of(customer), [Api(customer) for _ in range(50)]

    # when all ask at once, and ask again while they are told that it is under way
    def ask(client: Api) -> Answer:
        deadline = time.monotonic() + 50
        while (result := client.post(body=body, key="one")).status == 409 and time.monotonic() < deadline:
            time.sleep(0.05)
        return result

    found = at_once([partial(ask, client) for client in clients])
    # then there is one payment, and everybody was told of it
    results = [result for result in found if isinstance(result, Answer)]
    assert len(results) == 50, found
    assert {(result.status, result.body["id"]) for result in results} == {(201, str(Payment.objects.get().pk))}
    assert sum(not replayed(result) for result in results) == 1
    assert effects(sandbox, "payment_intents.create") == 1
    assert books_of(sandbox, Payment.objects.get())["captured"] == 1250


def test_what_a_body_held_cannot_be_tried_out_with_the_database_alone(settings: Any) -> None:
    body = {"payer": {"national_id": "182734"}}
    kept = idempotency.fingerprint("/api/payments/", body)
    assert kept == idempotency.fingerprint("/api/payments/", dict(body))
    settings.SECRET_KEY = "another-" + "k" * 50
    assert kept != idempotency.fingerprint("/api/payments/", body)
