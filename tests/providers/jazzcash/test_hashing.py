"""`pp_SecureHash` against digests that others have published, and what must not pass for one."""

from __future__ import annotations

import json

import pytest

from django_payments_hub.exceptions import InvalidSignature
from django_payments_hub.providers.jazzcash.hashing import has_hash, is_genuine, secure_hash, signed

IPN = {  # the guide to instant payment notifications, 2026
    "pp_Version": "2.0",
    "pp_TxnType": "MWALLET",
    "pp_BankID": "",
    "pp_ProductID": None,
    "pp_Password": "0123456789",
    "pp_TxnRefNo": "T20240418145702",
    "pp_TxnDateTime": "20240418145702",
    "pp_ResponseCode": "121",
    "pp_ResponseMessage": "Transaction has been marked confirmed by Merchant.",
    "pp_AuthCode": "060935465981",
    "pp_SettlementExpiry": None,
    "pp_RetreivalReferenceNo": "240418718258",
}
VECTORS = {
    "the page on the hashing scheme": (
        "0F5DD14AE2",
        {"pp_Amount": "2995", "pp_MerchantID": "MER123", "pp_OrderInfo": "A48cvE28"},
        "c7689cda7474eb1adcd343fd0c0b676bad0ba66361cc46db589bdb0da4c1c867",
    ),
    "a wallet refund": (
        "3vv9wu3a18",
        {
            "pp_Amount": "25000",
            "pp_MerchantID": "MC25041",
            "pp_MerchantMPIN": "1234",
            "pp_Password": "sz1v4agvyf",
            "pp_TxnCurrency": "PKR",
            "pp_TxnRefNo": "T20220518150213",
        },
        "2C595361C2DA0E502D18BFBAA92CF4740330215E5E8AD0CF4489A64E7400B117",
    ),
    "a notification": (
        "0123456789",
        IPN,
        "2B47BCF7825FA27FC8B522292BC8D226213FCCDA685FC68A67EC20B10836E5B7",
    ),
    "a wallet payment with CNIC": (
        "9208s6wx05",
        {
            "pp_Amount": "100",
            "pp_BillReference": "billRef3781",
            "pp_CNIC": "345678",
            "pp_Description": "Test case description",
            "pp_Language": "EN",
            "pp_MerchantID": "MC32084",
            "pp_MobileNumber": "03123456789",
            "pp_Password": "yy41w5f10e",
            "pp_TxnCurrency": "PKR",
            "pp_TxnDateTime": "20220124224204",
            "pp_TxnExpiryDateTime": "20220125224204",
            "pp_TxnRefNo": "T71608120",
        },
        "39ECAACFC30F9AFA1763B7E61EA33AC75977FB2E849A5EE1EDC4016791F3438F",
    ),
    "a card page": (
        "YOUR_INTEGRITY_SALT",
        {
            "pp_Amount": "100",
            "pp_BillReference": "billref001",
            "pp_Description": "Test transaction description",
            "pp_Language": "EN",
            "pp_MerchantID": "YOUR_MERCHANT_ID",
            "pp_Password": "YOUR_PASSWORD",
            "pp_ReturnURL": "https://merchant.example.com/jazzcash/return",
            "pp_TxnCurrency": "PKR",
            "pp_TxnDateTime": "20260823120000",
            "pp_TxnExpiryDateTime": "20260824120000",
            "pp_TxnRefNo": "TRN20260823120000123",
            "pp_TxnType": "MPAY",
            "pp_Version": "1.1",
        },
        "20CA66D57652B9D2F0B4B2991C8324FC594633FD1FE8BBABE21F93DCE9F3C5AB",
    ),
}
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
