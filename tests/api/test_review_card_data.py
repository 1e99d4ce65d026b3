"""Card numbers in spellings a person may use, and how often something else is taken for one (S10)."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from django_payments_hub.admin.redaction import redact_text
from django_payments_hub.domain.card_data import holds_card_number, without_card_numbers
from django_payments_hub.models import Payment
from tests.services.world import make_order

VISA, AMEX = "4242424242424242", "378282246310005"


@pytest.mark.parametrize("size", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("number", [VISA, AMEX, "6205500000000000004"])
def test_a_number_is_found_in_groups_of_any_size(number: str, size: int) -> None:
    groups = [number[place : place + size] for place in range(0, len(number), size)]
    assert holds_card_number(" ".join(groups))
    assert holds_card_number(f"card {'-'.join(groups)} 12/28")


@pytest.mark.parametrize(
    "separator",
    [*"_,|:+\\*~", " . - ", "     ", " | ", "\u00b7", "\u2043", "\u30fb", "\u200b", "\u2212", "\u00ad"],
    ids=ascii,
)
def test_a_number_is_found_between_any_signs(separator: str) -> None:
    assert holds_card_number(separator.join(["4242"] * 4))


@pytest.mark.parametrize("text", [f"ab_{VISA}x", f"visa_{VISA}x", f"my_{VISA}a", f"{VISA}_x", f"_{VISA}_"])
def test_only_a_known_prefix_makes_a_providers_id(text: str) -> None:
    assert holds_card_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "2025-11-21T23:30:51.123456+00:00",
        "2025-11-21 22:36:51.123+05:00",
        "24.860734,67.001136",
        "4.20, 42.42, 42.42, 42.42, 42.42",
    ],
)
def test_moments_and_decimals_are_no_cards(text: str) -> None:
    assert not holds_card_number(text)


rng = random.Random(7)
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("make", "at_most"),
    [
        pytest.param(lambda: str(uuid.UUID(int=rng.getrandbits(128))), 0, id="uuid"),
        pytest.param(lambda: uuid.UUID(int=rng.getrandbits(128)).hex, 0.002, id="uuid-hex"),  # measured: 0.05 %
        pytest.param(lambda: f"{rng.getrandbits(256):064x}", 0.004, id="sha256"),  # measured: 0.09 %
        pytest.param(lambda: f"ORD-{rng.randrange(2020, 2031)}-{rng.randrange(10**6):06}", 0, id="order"),
        pytest.param(lambda: f"20251121-{rng.randrange(10**6):06}", 0, id="dated-order"),
        pytest.param(lambda: str(BEGIN + timedelta(seconds=rng.random() * 10**8)), 0, id="moment"),
        pytest.param(lambda: f"{rng.uniform(-90, 90):.6f},{rng.uniform(-180, 180):.6f}", 0, id="place"),
        # The price of finding "4242,4242,4242,4242": a list of four-digit ids is taken for a card in 4.4 of 100 cases.
        pytest.param(lambda: ",".join(str(rng.randrange(1000, 10000)) for _ in range(4)), 0.06, id="list-of-ids"),
    ],
)
def test_how_often_something_else_is_taken_for_a_card(make: Callable[[], str], at_most: float) -> None:
    assert sum(holds_card_number(make()) for _ in range(5_000)) <= at_most * 5_000


@pytest.mark.parametrize(
    "number", [" ".join(VISA), "\uff14\uff12\uff14\uff12\u00b74242\u00b74242\u00b74242", f"ab_{VISA}x"], ids=ascii
)
def test_what_the_api_refuses_the_admin_does_not_show(number: str) -> None:
    shown = redact_text(f"before {number} after, pi_3NxYz4242424242424242")
    assert shown.startswith("before ")
    assert shown.endswith(" after, pi_3NxYz4242424242424242")
    assert "[redacted]" in shown
    assert not holds_card_number(shown)


def test_every_number_of_a_text_is_marked_and_the_rest_stays() -> None:
    assert without_card_numbers(f"\uff41 {VISA} \ufb01 {AMEX}!", "X") == "\uff41 X \ufb01 X!"
    assert without_card_numbers("order 1000000000000000, 12 of 30", "X") == "order 1000000000000000, 12 of 30"


def test_a_number_written_digit_by_digit_is_not_stored(api, customer) -> None:
    order = str(make_order(user=customer).pk)
    result = api.post(body={"order_id": order, "metadata": {"note": " ".join(VISA)}})
    assert (result.status, result.code) == (422, "card_number_refused")
    assert not Payment.objects.exists()
