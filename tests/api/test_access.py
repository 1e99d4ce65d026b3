"""Who may do what: the whole matrix, made from the addresses. A route or a cell that is not listed fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import URLPattern, URLResolver, get_resolver

from django_payments_hub.api.permissions import Actor, DefaultAccessPolicy
from django_payments_hub.models import OrderRef, Payment, PaymentMethod, Refund
from django_payments_hub.services import refunds
from example_project.shop.models import Order
from tests.api.client import ROOT, Answer, Api, answer
from tests.services.saved import save
from tests.services.world import make_order, make_user

YES = "yes"
ACTORS = ("anon", "stranger", "owner", "other", "support", "finance", "approver", "cashier", "admin")
# anon has nothing, a stranger brings a token that fits no order.
EVERYBODY = dict.fromkeys(ACTORS, YES)
READ = {
    "anon": 401,
    "stranger": 404,
    "owner": YES,
    "other": 404,
    "support": YES,
    "finance": YES,
    "approver": YES,
    "cashier": YES,
    "admin": YES,
}
LIST = {**EVERYBODY, "anon": 401}
NOBODY = {**READ, "owner": 403, "support": 403, "finance": 403, "approver": 403, "cashier": 403, "admin": 403}
FINANCE = {**NOBODY, "finance": YES, "admin": YES}
PAYER = {**NOBODY, "owner": YES}

METHOD = {**READ, "finance": 404, "approver": 404, "cashier": 404}
HOLDER = {**METHOD, "support": 403, "admin": 403}

MATRIX: dict[tuple[str, str], dict[str, Any]] = {
    ("payment-list", "get"): LIST,
    ("payment-list", "post"): {**PAYER, "support": 403, "admin": 403},
    ("payment-checkout", "post"): PAYER,
    ("payment-detail", "get"): READ,
    ("payment-status", "get"): READ,
    ("payment-explain", "get"): READ,
    ("payment-logs", "get"): {**NOBODY, "support": YES, "admin": YES},
    ("payment-process", "post"): {**PAYER, "admin": YES},
    ("payment-confirm", "post"): {**PAYER, "admin": YES},
    ("payment-capture", "post"): FINANCE,
    ("payment-cancel", "post"): FINANCE,
    ("payment-refund", "post"): FINANCE,
    ("payment-receipt", "post"): {**NOBODY, "cashier": YES, "admin": YES},
    ("payment-surplus", "post"): {**NOBODY, "cashier": YES, "admin": YES},
    ("payment-sync", "post"): {**FINANCE, "owner": YES},
    ("method-list", "get"): LIST,
    ("method-list", "post"): {**EVERYBODY, "anon": 401, "stranger": 403},
    ("method-detail", "get"): METHOD,
    ("method-detail", "put"): HOLDER,
    ("method-detail", "patch"): HOLDER,
    ("method-detail", "delete"): {**HOLDER, "admin": YES},
    ("method-set-default", "post"): HOLDER,
    ("method-confirm", "post"): HOLDER,
    ("refund-list", "get"): LIST,
    ("refund-list", "post"): FINANCE,
    ("refund-detail", "get"): READ,
    ("refund-process", "post"): FINANCE,
    ("refund-cancel", "post"): FINANCE,
    ("refund-proof", "post"): {**NOBODY, "cashier": YES, "admin": YES},
    ("gateway-list", "get"): EVERYBODY,
    ("schema", "get"): EVERYBODY,
    ("docs", "get"): EVERYBODY,
}
PUBLIC = {"webhook", "return-payment", "return-account", "form"}  # proven by signatures, see tests/webhooks


def routes() -> Iterator[tuple[str, URLPattern]]:
    def walk(patterns: list[Any]) -> Iterator[tuple[str, URLPattern]]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns)
            else:
                yield str(pattern.name), pattern

    hub = get_resolver("django_payments_hub.urls")
    yield from walk(hub.url_patterns)


def cells() -> set[tuple[str, str]]:
    found = set()
    for name, pattern in routes():
        if name not in PUBLIC:
            found |= {(name, verb) for verb in getattr(pattern.callback, "actions", {"get": ""}) if verb != "head"}
    return found


def test_every_route_is_in_the_matrix() -> None:
    names = [name for name, _ in routes()]
    assert len(names) == len(set(names))
    assert len(cells()) >= 20
    assert cells() == set(MATRIX)
    assert all(set(row) == set(ACTORS) for row in MATRIX.values())


def test_no_route_takes_an_integer() -> None:
    assert not [str(pattern.pattern) for _, pattern in routes() if "<int" in str(pattern.pattern)]


@dataclass
class Things:
    """What the customer A has."""

    order: Order
    payment: Payment
    refund: Refund
    method: PaymentMethod
    clients: dict[str, Api]


@pytest.fixture
def things(customer: User, other: User, staff: Callable[[str], User], sandbox: Any) -> Things:
    owner = Api(customer)
    paid = owner.post(body={"order_id": str(make_order(user=customer).pk), "payment_method_token": "pm_card_visa"})
    payment = Payment.objects.get(pk=paid.body["id"])
    refund = refunds.request(payment.pk, amount="1.00")
    method = save(customer)
    clients = {
        "anon": Api(),
        "stranger": Api(token="fits-nothing"),
        "owner": owner,
        "other": Api(other),
        **{role: Api(staff(role)) for role in ("support", "finance", "approver", "cashier", "admin")},
    }
    return Things(make_order(user=customer), payment, refund, method, clients)


def call(things: Things, client: Api, name: str, verb: str) -> Answer:
    (pattern,) = [found for found_name, found in routes() if found_name == name]
    path = str(pattern.pattern).replace("<str:payment_id>", str(things.payment.pk))
    path = path.replace("<str:refund_id>", str(things.refund.pk))
    method = things.method if verb != "delete" else save(things.method.user)  # what is let go is not there any more
    path = path.replace("<str:method_id>", str(method.pk))
    body = {
        "payment-list": {"order_id": str(things.order.pk)},
        "payment-checkout": {"order_id": str(things.order.pk)},
        "method-list": {"payment_method_token": "pm_card_visa"},
        "method-detail": {"is_default": True, "metadata": {}},
        "refund-list": {"payment_id": str(things.payment.pk), "amount": "1.00"},
    }.get(name)
    if verb in ("get", "delete"):
        return client.get(path) if verb == "get" else client.delete(path)
    return {"post": client.post, "put": client.put, "patch": client.patch}[verb](path, body)


@pytest.mark.parametrize(("name", "verb"), sorted(MATRIX))
def test_the_matrix(things: Things, name: str, verb: str) -> None:
    found = {}
    for actor, client in things.clients.items():
        result = call(things, client, name, verb)
        assert result.status < 500, (actor, result.body)
        found[actor] = result.status if result.status in (401, 403, 404) else YES
        if result.status == 401:
            assert result.code == "not_authenticated"
            assert result.headers["WWW-Authenticate"]
    assert found == MATRIX[name, verb]


def test_a_list_holds_what_one_may_see_and_nothing_else(things: Things) -> None:
    for path, row in (("", things.payment), ("refunds/", things.refund), ("methods/", things.method)):
        blind = {"stranger", "other"} if path != "methods/" else {"stranger", "other", "finance", "approver", "cashier"}
        for actor, client in things.clients.items():
            if actor == "anon":
                continue
            seen = [item["id"] for item in client.get(path).body["results"]]
            assert seen == ([] if actor in blind else [str(row.pk)]), (path, actor)


def test_filters_do_not_leak(things: Things) -> None:
    other = things.clients["other"]
    queries: list[dict[str, str]] = [
        {"order_id": str(things.payment.order_ref and things.payment.order_ref.object_id)},
        {"status": things.payment.status},
        {"account": "stripe"},
    ]
    assert all(other.get(**query).body["results"] == [] for query in queries)
    assert other.get("refunds/", payment_id=str(things.payment.pk)).body["results"] == []


def test_what_is_foreign_is_answered_like_what_is_not_there(things: Things) -> None:
    nobody = "01900000-0000-7000-8000-000000000000"
    other = things.clients["other"]
    for path in ("{}/", "{}/status/", "{}/logs/", "{}/explain/"):
        assert other.get(path.format(things.payment.pk)).raw == other.get(path.format(nobody)).raw
    for action in ("process", "confirm", "capture", "cancel", "refund", "sync"):
        foreign, absent = (other.post(f"{key}/{action}/") for key in (things.payment.pk, nobody))
        assert (foreign.status, foreign.raw) == (404, absent.raw)
    foreign, absent = (other.post("refunds/", {"payment_id": str(key)}) for key in (things.payment.pk, nobody))
    assert (foreign.status, foreign.raw) == (404, absent.raw)
    assert other.get(f"refunds/{things.refund.pk}/").raw == other.get(f"refunds/{nobody}/").raw
    for verb, path in [("get", ""), ("put", ""), ("patch", ""), ("delete", ""), ("post", "set-default/")]:
        foreign, absent = (getattr(other, verb)(f"methods/{key}/{path}") for key in (things.method.pk, nobody))
        assert (foreign.status, foreign.raw) == (404, absent.raw)


def test_a_guest_sees_and_does_what_an_owner_does(sandbox, world) -> None:
    order = make_order()
    guest = Api(token=order.guest_token)
    made = guest.post(body={"order_id": str(order.pk), "payment_method_token": "pm_card_visa"}).body["id"]
    assert [guest.get(f"{made}/{path}").status for path in ("", "status/", "explain/", "logs/")] == [200, 200, 200, 403]
    allowed = {action: guest.post(f"{made}/{action}/").status for action in ("sync", "capture", "cancel", "refund")}
    assert allowed == {"sync": 200, "capture": 403, "cancel": 403, "refund": 403}


@pytest.mark.parametrize("saving", [False, True])
def test_nobody_else_starts_a_payment_with_a_saved_method(sandbox, world, saving: bool) -> None:
    # given a guest's order, which its customer is about to pay logged in, with his saved card
    order, ann = make_order(), make_user()
    saved = {"flow": "client", "save_payment_method": True} if saving else {"payment_method": str(save(ann).pk)}
    customer = Api(ann, token=order.guest_token)
    made = customer.post(body={"order_id": str(order.pk), "account": "stripe", "defer": True, **saved}).body["id"]
    # when somebody has the order's token, or the order has come to be another's
    bob = make_user()
    Payment.objects.filter(pk=made).update(owner=bob)
    OrderRef.objects.update(user=bob)
    for other in (Api(token=order.guest_token), Api(bob), Api(bob, token=order.guest_token)):
        # then he sees the payment, and starts nothing
        assert other.get(f"{made}/").status == 200
        assert [other.post(f"{made}/{step}/").status for step in ("process", "confirm")] == [403, 403]
    assert Payment.objects.get(pk=made).status == "pending"
    # and what only the customer has to do is shown to him alone
    assert customer.post(f"{made}/process/").status == 200
    shown = [who.get(f"{made}/").body.get("next_action") for who in (customer, Api(bob))]
    assert [bool(action) for action in shown] == [saving, False]


def test_an_order_without_a_token_is_closed_to_guests(sandbox, world) -> None:
    order = make_order()
    made = Api(token=order.guest_token).post(body={"order_id": str(order.pk), "defer": True}).body["id"]
    OrderRef.objects.update(guest_token_hash="")
    assert Api(token=order.guest_token).get(f"{made}/").status == 404
    assert Api(token="").get(f"{made}/").status == 401


def test_who_was_staff_sees_nothing_any_more(things: Things, staff: Callable[[str], User]) -> None:
    former = staff("finance")
    client = Api(former)
    former.is_staff = False
    former.save()
    assert client.get(f"{things.payment.pk}/").status == 404
    former.is_active = False
    former.save()
    assert client.get(f"{things.payment.pk}/").status == 401


def test_payments_without_an_order_are_for_staff(things: Things) -> None:
    body = {"amount": "5.00", "currency": "USD", "payment_method_token": "pm_card_visa"}
    statuses = {actor: client.post(body=body).status for actor, client in things.clients.items()}
    assert statuses.pop("admin") == 201
    assert statuses.pop("anon") == 401
    assert set(statuses.values()) == {400}


# -- a project's own policy -------------------------------------------------------------------------------------------


class SellerPolicy(DefaultAccessPolicy):
    """Sellers see and refund what was sold for them."""

    def is_seller(self, actor: Actor, payment: Payment) -> bool:
        return actor.user is not None and payment.metadata.get("seller") == str(actor.user_id)

    def visible_payments(self, actor: Actor) -> Any:
        rows = super().visible_payments(actor)
        return rows | Payment.objects.filter(metadata__seller=str(actor.user_id)) if actor.user else rows

    def may(self, actor: Actor, action: str, payment: Payment | None = None) -> bool:
        if payment is not None and action == "refund" and self.is_seller(actor, payment):
            return True
        return super().may(actor, action, payment)

    def hidden_fields(self, actor: Actor, payment: Payment) -> frozenset[str]:
        hidden = super().hidden_fields(actor, payment)
        return hidden | {"method"} if self.is_seller(actor, payment) else hidden


def test_a_projects_policy_is_asked(things: Things, other: User, change: Callable[..., None]) -> None:
    change(ACCESS_POLICY=f"{__name__}.SellerPolicy")
    Payment.objects.filter(pk=things.payment.pk).update(metadata={"seller": str(other.pk)})
    seller, owner = things.clients["other"], things.clients["owner"]
    assert seller.get(f"{things.payment.pk}/").status == 200
    assert "method" not in seller.get(f"{things.payment.pk}/").body
    assert "method" in owner.get(f"{things.payment.pk}/").body
    assert [row["id"] for row in seller.get().body["results"]] == [str(things.payment.pk)]
    assert seller.post(f"{things.payment.pk}/refund/", {"amount": "1.00"}).status == 202
    assert seller.post(f"{things.payment.pk}/capture/").status == 403
    assert [row["id"] for row in seller.get("refunds/").body["results"]]


@pytest.mark.parametrize("path", ["no.such.Policy", "django_payments_hub.models.Payment", "nonsense"])
def test_a_wrong_policy_fails_closed(things: Things, change: Callable[..., None], path: str) -> None:
    change(ACCESS_POLICY=path)
    result = things.clients["owner"].get()
    assert (result.status, result.code) == (502, "configuration_error")
    assert path.encode() not in result.raw


# -- sessions ---------------------------------------------------------------------------------------------------------


def test_a_session_needs_its_csrf_token(customer: User) -> None:
    client = Api(customer)
    client.client.handler.enforce_csrf_checks = True
    body = {"order_id": str(make_order(user=customer).pk), "defer": True}
    refused = client.post(body=body)
    assert (refused.status, refused.code) == (403, "csrf_failed")
    assert client.get().status == 200
    client.client.cookies["csrftoken"] = "a" * 32
    assert client.post(body=body, **{"X-CSRFToken": "a" * 32}).status == 201


@pytest.mark.parametrize(("name", "verb"), sorted(cell for cell in MATRIX if cell[1] != "get"))
def test_every_change_of_a_session_needs_it(things: Things, name: str, verb: str) -> None:
    client = things.clients["admin"]
    client.client.handler.enforce_csrf_checks = True
    assert call(things, client, name, verb).code == "csrf_failed"


def test_wrong_credentials_are_401(world: None) -> None:
    result = answer(Api().client.get(ROOT, headers={"Authorization": "Basic bm9ib2R5Om5vdGhpbmc="}))
    assert (result.status, result.code) == (401, "authentication_failed")


def test_a_guest_needs_no_csrf_token_for_his_header_is_one(sandbox, world) -> None:
    order = make_order()
    guest = Api(token=order.guest_token)
    guest.client.handler.enforce_csrf_checks = True
    assert guest.post(body={"order_id": str(order.pk), "defer": True}).status == 201
