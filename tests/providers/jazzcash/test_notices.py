"""Notifications and returning browsers: signed, and believed for nothing but the payment they name."""

from __future__ import annotations

import json

import pytest

from django_payments_hub.domain.statuses import Verdict
from django_payments_hub.exceptions import InvalidSignature, MalformedNotice
from django_payments_hub.provider_kit.types import LookUp, ReturnVisit
from django_payments_hub.providers.jazzcash import Provider
from tests.jazzcash_vectors import IPN
from tests.providers.jazzcash.harness import MERCHANT, OLD_SALT, PASSWORD, SALT, account, hash_of, sign

REFERENCE = "T20240418145702"
PUBLISHED = "2B47BCF7825FA27FC8B522292BC8D226213FCCDA685FC68A67EC20B10836E5B7"
RETURNED = {
    "pp_Amount": "1250",
    "pp_AuthCode": "",
    "pp_BankID": "",
    "pp_BillReference": REFERENCE,
    "pp_Language": "EN",
    "pp_MerchantID": MERCHANT,
    "pp_ResponseCode": "000",
    "pp_ResponseMessage": "Thank you for Using JazzCash, your transaction was successful.",
    "pp_RetreivalReferenceNo": "240418718258",
    "pp_SettlementExpiry": "",
    "pp_SubMerchantId": "",
    "pp_TxnCurrency": "PKR",
    "pp_TxnDateTime": "20240418145702",
    "pp_TxnRefNo": REFERENCE,
    "pp_TxnType": "MWALLET",
    "pp_Version": "1.1",
    "ppmpf_1": "",
    "ppmbf_1": "",
}


def verify(body, provider=None):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    (provider or Provider(account())).verify_webhook(raw, {}, now=0.0)


# -- notifications -----------------------------------------------------------------------------------------------------


def test_the_published_notification_is_believed():
    provider = Provider(account(INTEGRITY_SALTS=["0123456789"], PASSWORD="0123456789"))
    for case in (PUBLISHED, PUBLISHED.lower()):
        verify({**IPN, "pp_SecureHash": case}, provider)


@pytest.mark.parametrize("salt", [SALT, OLD_SALT])
def test_any_active_salt_will_do(salt):
    verify(sign(IPN, salt))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"pp_ResponseCode": "000"}, "invalid_signature"),
        ({"pp_TxnRefNo": "T1"}, "invalid_signature"),
        ({"pp_Amount": "1"}, "invalid_signature"),
        ({"pp_BankID": "TBANK"}, "invalid_signature"),
        ({"pp_AuthCode": ""}, "invalid_signature"),
        ({"pp_SecureHash": "0" * 64}, "invalid_signature"),
        ({"pp_SecureHash": ["x"]}, "invalid_signature"),
        ({"pp_SecureHash": "é" * 64}, "invalid_signature"),
        ({"pp_SecureHash": ""}, "missing_signature"),
        ({"pp_SecureHash": None}, "missing_signature"),
    ],
    ids=str,
)
def test_a_forged_notification_is_refused(changed, code):
    with pytest.raises(InvalidSignature) as caught:
        verify({**sign({**IPN, "pp_ResponseCode": "199"}), **changed})
    assert caught.value.code == code


def test_a_notification_signed_with_a_strangers_salt_is_refused():
    for salt in ("another", "x" * 40, PASSWORD):
        with pytest.raises(InvalidSignature):
            verify(sign(IPN, salt))


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b"\xff", b'"x"', b"pp_TxnRefNo=T1", b"{}", b"[" * 100_000])
def test_a_body_that_is_none_is_refused(body):
    with pytest.raises(InvalidSignature):
        verify(body)


def test_a_notification_that_names_another_merchant_is_refused():
    with pytest.raises(InvalidSignature) as caught:
        verify(sign({**IPN, "pp_MerchantID": "MC1"}))
    assert caught.value.code == "wrong_merchant"
    verify(sign({**IPN, "pp_MerchantID": MERCHANT}))


def test_empty_and_missing_fields_are_the_same():
    signed = sign(IPN)
    verify({key: value for key, value in signed.items() if value not in (None, "")})
    verify({**signed, "pp_Anything": "", "pp_Other": None, "note": "unsigned"})


@pytest.mark.parametrize("code", ["121", "000", "199", "999", "157", "131", "word"])
def test_whatever_it_says_the_payment_is_asked_about(code):
    payload = sign({**IPN, "pp_ResponseCode": code, "pp_Amount": "1"})
    assert Provider(account()).parse_webhook(payload) == (LookUp(reference=REFERENCE),)


@pytest.mark.parametrize("reference", [None, "", 5, "../x", "x" * 21, "T1\n", {"a": 1}])
def test_a_notification_that_names_no_payment_is_malformed(reference):
    with pytest.raises(MalformedNotice):
        Provider(account()).parse_webhook({**IPN, "pp_TxnRefNo": reference})


def test_the_same_notification_is_filed_once_however_it_is_spaced():
    provider = Provider(account())
    first, other = sign(IPN), sign({**IPN, "pp_ResponseCode": "199"})
    named = provider.identify_notice(first, json.dumps(first).encode())
    lower = {**first, "pp_SecureHash": first["pp_SecureHash"].lower()}
    assert provider.identify_notice(lower, json.dumps(lower, indent=2).encode()) == named
    assert named.event_type == "ipn.121"
    assert provider.identify_notice(other, b"").event_id != named.event_id
    assert PASSWORD not in repr(named)


def test_a_filed_notification_is_acknowledged_with_a_hash():
    for verdict in (None, *Verdict):
        answer = Provider(account()).acknowledge(verdict)
        said = json.loads(answer.body)
        assert (answer.status, answer.content_type) == (200, "application/json")
        assert said["pp_ResponseCode"] == "000"
        assert said["pp_SecureHash"] == hash_of(said, SALT)
        assert PASSWORD not in answer.body.decode()


def test_what_a_notification_echoes_of_secrets_is_named_so_that_it_is_not_kept():
    assert {"pp_Password", "pp_CNIC", "pp_MobileNumber", "ppmpf_1"} <= Provider.notice_secrets


# -- returning browsers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["000", "121", "157", "124", "112", "999"])
def test_a_signed_return_names_the_payment_and_says_nothing_else(code):
    form = sign({**RETURNED, "pp_ResponseCode": code})
    for case in (form["pp_SecureHash"], form["pp_SecureHash"].lower()):
        visit = Provider(account()).parse_return({**form, "pp_SecureHash": case})
        assert visit == ReturnVisit(reference=REFERENCE)


@pytest.mark.parametrize(
    "changed",
    [
        {"pp_Amount": "1"},
        {"pp_ResponseCode": "121"},
        {"pp_MerchantID": "MC1"},
        {"pp_TxnRefNo": "T1"},
        {"pp_TxnRefNo": ""},
        {"pp_SecureHash": ""},
        {"pp_SecureHash": "PAID"},
        {"ppmpf_2": "x"},
    ],
    ids=str,
)
def test_a_forged_return_names_nothing(changed):
    assert Provider(account()).parse_return({**sign(RETURNED), **changed}) == ReturnVisit()


def test_a_return_to_another_merchant_names_nothing():
    assert Provider(account()).parse_return(sign({**RETURNED, "pp_MerchantID": "MC1"})) == ReturnVisit()
    assert Provider(account()).parse_return(sign(RETURNED, "another")) == ReturnVisit()
    assert Provider(account()).parse_return({}) == ReturnVisit()
    assert Provider(account()).parse_return(sign({**RETURNED, "pp_TxnRefNo": "../x"})) == ReturnVisit()
