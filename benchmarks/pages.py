"""The list of payments over the API with a million of them: the first page against the thousandth."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from benchmarks import stage
from benchmarks.report import Report, spread

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import Model
    from rest_framework.test import APIClient

    from django_payments_hub.models import OrderRef, Payment

ROWS, PAGE_SIZE, DEPTH = 1_000_000, 25, 1000
ROUNDS = 25
_LIST = "/api/payments/"


def run(report: Report) -> None:
    """Interleaved rounds, each page asked for by the address the API gave for it."""
    began = time.monotonic()
    staff = stage.customer("staff", is_staff=True, is_superuser=True)
    many, few, nobody = (stage.customer(name) for name in ("many", "few", "nobody"))
    _fill(many, few, nobody)
    report.title(f"The list of {ROWS:,} payments, {PAGE_SIZE} by cursor (filled in {time.monotonic() - began:.0f} s)")
    _compare(report, "staff, who sees all", staff)
    _compare(report, "a customer with a tenth of them", many)
    client = _client(few)
    times = [_ms(client, _LIST) for _ in range(ROUNDS)]
    report.line("a customer with ten of them: his only page", f"{statistics.median(times):.1f} ms")


def _fill(many: User, few: User, nobody: User) -> None:
    """Ten payments for each order. Every tenth order is `many`'s, one old order is `few`'s, the others `nobody`'s."""
    from django.db import connection

    payment, order = _template(nobody)
    payments = {
        "id": _ID,
        "order_ref_id": _id("n / 10"),
        "user_id": _owner("n / 10", many, few, nobody),
        "number": "'P-' || n",
        "reference": "n::text",
        "provider_payment_id": "'pi_' || n",
    }
    orders = {"id": _ID, "object_id": "n::text", "user_id": _owner("n", many, few, nobody)}
    with connection.cursor() as cursor:
        cursor.execute("SHOW is_superuser")
        if cursor.fetchone() == ("on",):
            cursor.execute("SET session_replication_role = replica")  # no foreign key is looked up, a million times
        cursor.execute(_copies(order, orders, ROWS // 10))
        cursor.execute(_copies(payment, payments, ROWS))
        cursor.execute("RESET session_replication_role")
        cursor.execute("ANALYZE")


def _id(number: str) -> str:
    """Rises with the number, as a UUIDv7 does with time."""
    return f"(lpad(to_hex({number}), 8, '0') || '-0000-7000-8000-000000000000')::uuid"


_ID = _id("n")


def _owner(order: str, many: User, few: User, nobody: User) -> str:
    return f"CASE WHEN {order} % 10 = 0 THEN {many.pk} WHEN {order} = 1 THEN {few.pk} ELSE {nobody.pk} END"


def _template(user: User) -> tuple[Payment, OrderRef]:
    """A paid payment, made as any other, and its order's row."""
    from django_payments_hub.services import payments

    with stage.sandbox():
        payment = payments.create(stage.wish(user))
    if payment.order_ref is None:
        raise RuntimeError("The payment has no order.")
    return payment, payment.order_ref


def _copies(row: Model, changed: dict[str, str], count: int) -> str:
    columns = [str(field.column) for field in row._meta.concrete_fields]
    values = ", ".join(changed.get(column, f"row.{column}") for column in columns)
    table = row._meta.db_table
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} "
        f"FROM {table} AS row, generate_series(0, {count}) AS n WHERE row.id = '{row.pk}'"
    )


def _compare(report: Report, label: str, user: User) -> None:
    client = _client(user)
    first, thousandth = _LIST, _address_of(client, DEPTH)
    times: dict[str, list[float]] = {first: [], thousandth: []}
    for number in range(ROUNDS):
        for address in (first, thousandth) if number % 2 else (thousandth, first):
            times[address].append(_ms(client, address))
    medians = [statistics.median(times[address]) for address in (first, thousandth)]
    ratios = [late / early for early, late in zip(times[first], times[thousandth], strict=True)]
    report.line(f"{label}: first page, thousandth", f"{medians[0]:.1f} ms, {medians[1]:.1f} ms")
    report.line("    thousandth / first", spread(ratios), "goal 1")


def _client(user: User) -> APIClient:
    from rest_framework.test import APIClient

    client = APIClient()
    client.force_authenticate(user)
    return client


def _address_of(client: APIClient, page: int) -> str:
    """Found by one long page in place of all the short ones before it."""
    from django.conf import settings
    from django.test import override_settings

    long = {**settings.PAYMENTS_HUB, "API_PAGE_SIZE": (page - 1) * PAGE_SIZE}
    with override_settings(PAYMENTS_HUB=long):
        address: str = client.get(_LIST).json()["next"]
    return address


def _ms(client: APIClient, address: str) -> float:
    began = time.perf_counter()
    answer = client.get(address)
    elapsed = (time.perf_counter() - began) * 1e3
    if len(answer.json()["results"]) not in (PAGE_SIZE, 10):
        raise RuntimeError(f"{address} is no full page.")
    return elapsed
