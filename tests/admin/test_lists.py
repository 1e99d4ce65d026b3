"""Lists: one query a page whatever the rows, no COUNT, newest first, exact search, no probing of hidden columns."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_payments_hub.admin.base import MAX_SELECTED
from django_payments_hub.models import OrderRef, Payment, ProviderAccount, Refund, WebhookEvent
from tests.admin.world import SHOWN, VIEW_ALL, address, booked, browser, one_of_each

pytestmark = pytest.mark.django_db


def numbers(client: Any, query: str = "") -> list[str]:
    response = client.get(address(Payment, "changelist") + query)
    assert response.status_code == 200, query
    return [row.number for row in response.context["cl"].result_list]


@pytest.mark.parametrize("model", SHOWN, ids=lambda model: model.__name__)
def test_a_list_neither_counts_nor_asks_for_each_row(model: Any) -> None:
    one_of_each("a")
    client = browser(*VIEW_ALL)
    client.get(address(model, "changelist"))  # content types and the like are cached now

    def statements() -> list[str]:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert client.get(address(model, "changelist")).status_code == 200
        return [query["sql"] for query in seen]

    few = statements()
    one_of_each("b"), one_of_each("c")
    many = statements()
    assert len(many) == len(few), many
    table = model._meta.db_table
    assert not [sql for sql in many if "COUNT(" in sql.upper() and table in sql]
    assert len([sql for sql in many if f'FROM "{table}"' in sql or f"FROM `{table}`" in sql]) <= 3, many


def test_pages_go_back_and_forth_by_key_and_miss_nothing() -> None:
    made = [booked().number for _ in range(MAX_SELECTED * 2 + 3)][::-1]
    client = browser("view_payment")
    # when one follows the links to the end
    response: Any = None
    seen: list[str] = []
    pages: list[list[str]] = []
    query = ""
    for _ in range(3):
        response = client.get(address(Payment, "changelist") + query)
        pages.append([row.number for row in response.context["cl"].result_list])
        seen += pages[-1]
        query = response.context["cl"].older_link or ""
    assert query == ""
    assert seen == made
    # and back to the beginning
    for page in pages[-2::-1]:
        response = client.get(address(Payment, "changelist") + response.context["cl"].newer_link)
        assert [row.number for row in response.context["cl"].result_list] == page
    assert response.context["cl"].newer_link is None


def test_a_filter_begins_on_the_first_page() -> None:
    for _ in range(MAX_SELECTED + 1):
        booked()
    client = browser("view_payment")
    older = client.get(address(Payment, "changelist")).context["cl"].older_link
    page = client.get(address(Payment, "changelist") + older)
    choices = [choice["query_string"] for choice in page.context["cl"].filter_specs[1].choices(page.context["cl"])]
    assert choices
    assert not [choice for choice in choices if "_older" in choice]


def test_search_finds_whole_numbers_and_ids_of_payment_order_and_refund() -> None:
    rows = one_of_each("x")
    payment, refund, order = rows[Payment], rows[Refund], rows[OrderRef]
    booked()
    client = browser("view_payment")
    assert isinstance(payment, Payment)
    assert isinstance(refund, Refund)
    assert isinstance(order, OrderRef)
    for term in (
        payment.number.lower(),
        payment.provider_payment_id,
        payment.provider_session_id,
        payment.reference,
        payment.pk,
        refund.number,
        refund.provider_refund_id,
        order.object_id,
        f"  {payment.number} ",
    ):
        assert numbers(client, f"?q={term}") == [payment.number], term
    for term in ("P-", "nothing", "%", "\\", "' OR 1=1", "%00"):
        assert numbers(client, f"?q={term}") in ([], numbers(client)), term


def test_filters_find_what_they_say() -> None:
    old, marked = booked(status="failed"), booked(attention_code="mismatch_amount")
    client = browser("view_payment")
    assert numbers(client, "?attention=yes") == [marked.number]
    assert numbers(client, "?status__exact=failed") == [old.number]
    assert numbers(client, "?created=today") == [marked.number, old.number]
    assert set(numbers(client, "?created=nonsense")) == {marked.number, old.number}


@pytest.mark.parametrize(
    ("model", "query"),
    [
        (OrderRef, "guest_token_hash__startswith=a"),
        (ProviderAccount, "credentials__startswith=g"),
        (WebhookEvent, "body__contains=secret"),
        (Payment, "user__password__startswith=pbkdf2"),
        (Payment, "user__email=a@example.com"),
        (Payment, "payer__email=a@example.com"),
    ],
)
def test_a_column_that_is_no_filter_cannot_be_probed(model: Any, query: str) -> None:
    assert browser(*VIEW_ALL).get(f"{address(model, 'changelist')}?{query}").status_code == 400


@pytest.mark.parametrize(
    "query", ["?_older=x", "?_newer=%00", "?p=99999999", "?o=99", "?all=", "?e=1", "?status__exact=%27"]
)
def test_a_strange_address_is_no_error(query: str) -> None:
    booked()
    assert browser("view_payment").get(address(Payment, "changelist") + query).status_code in {200, 302}


def test_a_payments_page_asks_a_fixed_number_of_questions() -> None:
    rows = one_of_each("plain")
    client, payment = browser(*VIEW_ALL), rows[Payment]

    def questions() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(address(Payment, "change", payment.pk)).status_code == 200
        return len(seen)

    questions()
    few = questions()
    for number in range(5):
        more = Refund(
            payment=payment,
            account=payment.account,
            amount_minor=1,
            currency="USD",
            requested_by=payment.user,
            provider_refund_id=f"re_{number}",
        )
        more.save(force_insert=True)
    assert questions() == few
