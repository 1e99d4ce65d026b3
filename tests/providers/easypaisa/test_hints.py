"""Notices and returns: unsigned, and no more than an order's name (I14)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from django_payments_hub.provider_kit.types import LookUp
from tests.providers.easypaisa.world import ORDER, provider

NOTICE = f"https://easypay.easypaisa.com.pk/easypay-service/rest/v1/order-status/20002/{ORDER}"


@pytest.mark.parametrize(
    "data",
    [
        {"url": NOTICE},
        {"url": NOTICE + "/"},
        {"url": NOTICE + "?transaction_status=PAID"},
        {"url": f"http://169.254.169.254/{ORDER}"},  # not fetched, so it does not matter
        {"order_id": ORDER, "transaction_status": "PAID"},
    ],
)
def test_of_a_hint_the_order_is_taken_and_nothing_else(data: dict[str, str]) -> None:
    assert provider().parse_hint(data) == LookUp(reference=ORDER)


@pytest.mark.parametrize(
    "data", [{}, {"url": ""}, {"url": "http://["}, {"url": "/a b"}, {"url": "/" + "x" * 65}, {"order_id": "a'--"}]
)
def test_a_hint_that_names_no_order_is_none(data: dict[str, str]) -> None:
    assert provider().parse_hint(data) is None


@pytest.mark.parametrize("name", ["orderRefNumber", "orderRefNum"])
def test_a_return_names_the_order_and_proves_nothing(name: str) -> None:
    visit = provider().parse_return({name: ORDER, "status": "0000", "desc": "PAID"})
    assert (visit.reference, visit.fact) == (ORDER, None)


def test_a_forged_return_names_nothing() -> None:
    visit = provider().parse_return({"orderRefNumber": "' OR 1=1", "status": "0000"})
    assert visit == replace(visit, reference="", fact=None)
