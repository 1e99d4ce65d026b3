"""Pages by cursor, filters, and what they cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries

from django_payments_hub.services import refunds
from tests.api.client import Api
from tests.services.world import make_order, pay, recorded


@pytest.fixture
def many(customer: User, world: None) -> list[str]:
    """Seven payments of the customer, oldest first."""
    return [str(recorded(order=make_order(user=customer), user=customer).pk) for _ in range(7)]


def test_pages_follow_each_other_newest_first(api, many, change) -> None:
    change(API_PAGE_SIZE=3)
    seen, cursor, pages = [], None, 0
    while True:
        page = api.get(**({"cursor": cursor} if cursor else {})).body
        seen += [item["id"] for item in page["results"]]
        cursor, pages = page["next_cursor"], pages + 1
        if cursor is None:
            break
        assert f"cursor={cursor}" in page["next"]
    assert (seen, pages) == (list(reversed(many)), 3)


def test_a_full_last_page_has_no_next(api, many, change) -> None:
    change(API_PAGE_SIZE=7)
    assert (len(api.get().body["results"]), api.get().body["next"]) == (7, None)


def test_the_address_of_the_next_page_keeps_the_filters(api, many, change) -> None:
    change(API_PAGE_SIZE=2)
    page = api.get(status="pending", account="stripe").body
    following = api.client.get(page["next"]).json()
    assert "status=pending" in page["next"]
    assert [item["id"] for item in following["results"]] == [many[-3], many[-4]]


def test_what_is_added_meanwhile_does_not_shift_the_pages(api, many, change, customer) -> None:
    change(API_PAGE_SIZE=3)
    first = api.get().body
    recorded(order=make_order(user=customer), user=customer)
    second = api.get(cursor=first["next_cursor"]).body
    assert [item["id"] for item in second["results"]] == list(reversed(many))[3:6]


@pytest.mark.parametrize("who", ["customer", "support"])
def test_a_page_is_one_statement(api, many, staff, who, customer, django_assert_num_queries) -> None:
    client = api if who == "customer" else Api(staff("support"))
    client.get()
    session_and_user, permissions = 2, 2 if who == "support" else 0
    with django_assert_num_queries(session_and_user + permissions + 1) as captured:
        assert len(client.get().body["results"]) == 7
    assert not any("COUNT(" in query["sql"] for query in captured.captured_queries)


def test_a_page_of_refunds_is_one_statement(api, customer, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for _ in range(3):
        refunds.request(pay(order=make_order(user=customer), user=customer).pk, amount="1.00")
    api.get("refunds/")
    with django_assert_num_queries(3):
        assert len(api.get("refunds/").body["results"]) == 3


@pytest.mark.parametrize("path", ["{}/", "{}/status/"])
def test_a_look_at_one_payment_is_one_statement(api, many, path, django_assert_num_queries) -> None:
    api.get(path.format(many[0]))
    with django_assert_num_queries(3):
        assert api.get(path.format(many[0])).status == 200


def test_filters(api, customer, other, change) -> None:
    order = make_order(user=customer)
    mine = recorded(order=order, user=customer)
    paid = pay(order=make_order(user=customer), user=customer)
    recorded(order=make_order(user=other), user=other)

    def ids(**query: str) -> list[str]:
        return [item["id"] for item in api.get(**query).body["results"]]

    assert ids() == [str(paid.pk), str(mine.pk)]
    assert ids(status="completed") == [str(paid.pk)]
    assert ids(order_id=str(order.pk)) == [str(mine.pk)]
    assert ids(account="stripe") == [str(paid.pk), str(mine.pk)]
    assert ids(account="nobody") == []
    yesterday, tomorrow = (datetime.now(UTC) + timedelta(days=days) for days in (-1, 1))
    assert ids(created_after=yesterday.isoformat(), created_before=tomorrow.date().isoformat()) == ids()
    assert ids(created_after=tomorrow.isoformat()) == []
    assert ids(created_before=yesterday.strftime("%Y-%m-%dT%H:%M:%S")) == []
    assert ids(created_after=paid.created_at.isoformat()) == []


@pytest.mark.parametrize("path", ["", "refunds/"])
@pytest.mark.parametrize(
    "name", ["user", "user__email", "search", "ordering", "expand", "page", "limit", "id", "payment__user", "format"]
)
def test_unknown_filters(api, path, name) -> None:
    result = api.get(path, **{name: "x"})
    assert (result.status, result.code, list(result.body["errors"])) == (400, "unknown_filter", [name])


@pytest.mark.parametrize("path", ["gateways/", "01900000-0000-7000-8000-000000000000/"])
def test_parameters_where_there_are_none(api, path) -> None:
    assert api.get(path, cursor="x").code == "unknown_filter"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "nonsense"),
        ("status", ""),
        ("created_after", "yesterday"),
        ("created_after", "2025-13-01"),
        ("created_before", "9999999999"),
        ("order_id", "\x00"),
        ("order_id", "x" * 65),
        ("account", "a\nb"),
        ("account", ""),
    ],
)
def test_filters_that_cannot_be_read(api, name, value) -> None:
    result = api.get(**{name: value})
    assert (result.status, result.code, list(result.body["errors"])) == (400, "invalid_filter", [name])


def test_a_filter_given_twice(api) -> None:
    assert api.client.get("/api/payments/?status=pending&status=failed").json()["error_code"] == "invalid_filter"


@pytest.mark.parametrize("payment_id", ["17", "no-id", "", "\x00"])
def test_refunds_of_no_payment(api, payment_id) -> None:
    assert api.get("refunds/", payment_id=payment_id).code == "invalid_filter"


@pytest.mark.parametrize("cursor", ["", "x", "17", "ü", "A" * 22 + "==", "A" * 23, "A" * 5000, "\x00", "../../etc"])
def test_cursors_that_are_none(api, many, cursor) -> None:
    result = api.get(cursor=cursor)
    assert result.status == 400, result.body
    assert result.code == "invalid_cursor"


def test_no_page_is_found_by_counting_rows(api, many, change, django_assert_max_num_queries) -> None:
    change(API_PAGE_SIZE=2)
    cursor = api.get().body["next_cursor"]
    with django_assert_max_num_queries(3) as captured:
        api.get(cursor=cursor)
    assert not any("OFFSET" in query["sql"] for query in captured.captured_queries)
