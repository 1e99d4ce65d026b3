"""The reference a customer quotes, against examples that others published."""

from __future__ import annotations

import uuid
from string import ascii_uppercase, digits

import pytest

from django_payments_hub.providers.manual.reference import check_digits, creditor_reference, grouped, is_checked

# RF18...: the example of ISO 11649 itself, also in the Swiss guidelines of the QR-bill. The others are those of banks'
# guides in Finland, Slovenia and of the QR code for credit transfers, as public implementations repeat them.
PUBLISHED = [
    "RF18539007547034",
    "RF18000000000539007547034",
    "RF712348231",
    "RF332348236",
    "RF45G72UUR",
    "RF6518K5",
    "RF471234567890",
]
# Examples of the IBAN registry.
IBANS = ["DE89370400440532013000", "GB29NWBK60161331926819", "CH9300762011623852957", "NO9386011117947"]


@pytest.mark.parametrize("code", PUBLISHED + IBANS)
def test_published_examples_carry_the_check_digits_we_compute(code: str) -> None:
    assert is_checked(code)
    assert check_digits(code[:2], code[4:]) == code[2:4]


@pytest.mark.parametrize("code", PUBLISHED + IBANS)
def test_every_single_wrong_character_and_swapped_pair_of_digits_is_seen(code: str) -> None:
    for place in range(2, len(code)):
        # a digit for a letter is another matter: it makes the number one digit shorter
        alike = digits if code[place].isdigit() else ascii_uppercase
        for wrong in set(alike) - {code[place]}:
            assert not is_checked(code[:place] + wrong + code[place + 1 :])
        pair = code[place : place + 2]
        if len(pair) == 2 and pair.isdigit() and pair[0] != pair[1]:
            assert not is_checked(code[:place] + pair[::-1] + code[place + 2 :])


@pytest.mark.parametrize(
    "code", ["", "RF", "RF18", "18RF539007547034", "RF18-539007547034", "RF18 5390", "RF\u0661\u0662A"]
)
def test_what_is_no_code_is_not_checked(code: str) -> None:
    assert not is_checked(code)


def test_a_reference_is_valid_stable_and_short() -> None:
    for _ in range(200):
        payment_id = str(uuid.uuid4())
        found = creditor_reference(payment_id)
        assert found == creditor_reference(payment_id)
        assert is_checked(found)
        assert (len(found), found[:2]) == (16, "RF")
        assert not set(found[4:]) & set("ILOU")


def test_neighbouring_ids_have_references_far_apart() -> None:
    ids = [f"01900000-0000-7000-8000-{number:012x}" for number in range(5000)]
    assert len({creditor_reference(payment_id) for payment_id in ids}) == len(ids)
    first, second = (creditor_reference(payment_id)[4:] for payment_id in ids[:2])
    assert sum(a != b for a, b in zip(first, second, strict=True)) >= 6


def test_it_is_printed_in_fours() -> None:
    assert grouped("RF18539007547034") == "RF18 5390 0754 7034"
    assert grouped("RF712348231") == "RF71 2348 231"
