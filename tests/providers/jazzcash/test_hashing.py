"""`pp_SecureHash` against digests that others have published, and what must not pass for one."""

from __future__ import annotations

import json

import pytest

from django_payments_hub.exceptions import InvalidSignature
from django_payments_hub.providers.jazzcash.hashing import has_hash, is_genuine, secure_hash, signed
from tests.jazzcash_vectors import VECTORS

SALT = "salt"
FIELDS = {"pp_Amount": "100", "pp_TxnRefNo": "T1"}


@pytest.mark.parametrize(("salt", "fields", "digest"), VECTORS.values(), ids=list(VECTORS))
def test_a_published_digest_is_reproduced(salt, fields, digest):
    assert secure_hash(salt, fields) == digest.upper()
    for case in (digest.upper(), digest.lower()):
        assert is_genuine([salt], {**fields, "pp_SecureHash": case})


def test_empty_null_and_missing_are_the_same():
    assert secure_hash(SALT, {**FIELDS, "pp_BankID": "", "pp_ProductID": None}) == secure_hash(SALT, FIELDS)
    assert secure_hash(SALT, {**FIELDS, "pp_BankID": " "}) != secure_hash(SALT, FIELDS)
    assert secure_hash(SALT, {**FIELDS, "pp_BankID": "0"}) != secure_hash(SALT, FIELDS)


def test_only_fields_of_jazzcash_are_signed_and_never_the_hash_itself():
    more = {**FIELDS, "csrf": "x", "page": "1", "pp_SecureHash": "junk"}
    assert secure_hash(SALT, more) == secure_hash(SALT, FIELDS)


def test_names_are_sorted_as_bytes_so_that_pp_comes_before_ppmpf():
    assert secure_hash(SALT, {"ppmpf_1": "b", "pp_Z": "a"}) == secure_hash(SALT, {"pp_A": "a", "pp_B": "b"})


def test_the_merchants_own_fields_are_signed_too():
    assert secure_hash(SALT, {**FIELDS, "ppmpf_1": "x"}) != secure_hash(SALT, FIELDS)
    assert secure_hash(SALT, {**FIELDS, "ppmbf_1": "x"}) != secure_hash(SALT, FIELDS)


def test_text_is_hashed_as_utf8():
    # printf 'salt&چائے' | openssl dgst -sha256 -hmac salt
    expected = "27B90F96A3F97679B4909DDE2124F50A790AB9C63E415A036254B176015F5B00"
    assert secure_hash(SALT, {"pp_Description": "چائے"}) == expected


def test_a_number_of_json_counts_as_its_digits():
    assert secure_hash(SALT, {"pp_Amount": 100, "pp_TxnRefNo": "T1"}) == secure_hash(SALT, FIELDS)


def test_any_of_several_salts_will_do():
    fields = signed("old", FIELDS)
    assert is_genuine(["new", "old"], fields)
    assert not is_genuine(["new"], fields)


@pytest.mark.parametrize(
    "given", ["", None, "0" * 64, "x", "0" * 5000, "é" * 64, 7, ["a"], {"a": 1}, True, "\ud800", " " * 64]
)
def test_what_is_no_hash_of_these_fields_is_not_genuine(given):
    assert not is_genuine([SALT], {**FIELDS, "pp_SecureHash": given})


@pytest.mark.parametrize("changed", [{"pp_Amount": "101"}, {"pp_TxnRefNo": "T2"}, {"pp_X": "1"}, {"pp_Amount": ""}])
def test_a_changed_field_is_not_genuine(changed):
    assert not is_genuine([SALT], {**signed(SALT, FIELDS), **changed})


def test_a_hash_over_nothing_proves_nothing():
    nothing = {"pp_SecureHash": secure_hash(SALT, {}), "status": "paid"}
    assert has_hash(nothing)
    assert not is_genuine([SALT], nothing)


def test_half_a_surrogate_pair_breaks_nothing():
    assert not is_genuine([SALT], json.loads('{"pp_A": "\\ud800", "pp_SecureHash": "%s"}' % ("0" * 64)))


def test_an_empty_salt_signs_nothing():
    with pytest.raises(InvalidSignature):
        secure_hash("", FIELDS)
