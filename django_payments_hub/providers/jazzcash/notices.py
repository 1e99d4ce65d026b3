"""JazzCash's notifications (IPN) and the browsers it sends back.

Both are signed with the integrity salt, and neither is believed for more than the payment it names: the hash covers no
names of fields (see `hashing`) and no time, and a notification says neither amount nor currency nor merchant.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from django_payments_hub.exceptions import InvalidSignature
from django_payments_hub.provider_kit.reading import (
    Json,
    Unreadable,
    optional_text,
    parse_object,
    text,
    unreadable_notice,
)
from django_payments_hub.provider_kit.types import Acknowledgement, LookUp, ReturnVisit
from django_payments_hub.providers.jazzcash import codes, hashing
from django_payments_hub.providers.jazzcash.api import CODE
from django_payments_hub.providers.jazzcash.config import Config
from django_payments_hub.providers.jazzcash.references import REFERENCE

SECRETS = frozenset({"pp_Password", "pp_CNIC", "pp_MobileNumber", "pp_CustomerMobile", "pp_CustomerEmail", "ppmpf_1"})
"""What a notice echoes and is not kept: the password in clear, and who the customer is."""

_TYPE = "ipn"


def verify(body: bytes, config: Config) -> None:
    """`pp_SecureHash` over the fields of the JSON body, by any active salt.

    Raises:
        InvalidSignature: no active salt signed these fields, or they are another merchant's.
    """
    try:
        fields = parse_object(body)
    except Unreadable:
        raise InvalidSignature("The notification is not a JSON object.", code="malformed_signature") from None
    if not hashing.has_hash(fields):
        raise InvalidSignature("The notification carries no hash.", code="missing_signature")
    if not hashing.is_genuine(config.integrity_salts, fields):
        raise InvalidSignature("No active salt made this hash.")
    if fields.get("pp_MerchantID") not in (None, "", config.merchant_id):
        raise InvalidSignature("The notification is another merchant's.", code="wrong_merchant")


def name_of(payload: Json) -> str:
    """What a notice is filed under: its hash, so that it is the same one however it is spaced; "" without one."""
    value = payload.get(hashing.HASH)
    return value.lower() if isinstance(value, str) and value.isascii() and len(value) <= hashing.LONGEST else ""


def type_of(payload: Json) -> str:
    """`ipn` with the code it tells, for people who look through the inbox."""
    code = payload.get(CODE)
    return f"{_TYPE}.{code}" if codes.is_code(code) else _TYPE


def parse(payload: Json) -> tuple[LookUp, ...]:
    """Whatever it says of a payment: ask.

    Raises:
        MalformedNotice: it names none.
    """
    with unreadable_notice():
        return (LookUp(reference=_reference(payload)),)


def _reference(payload: Json) -> str:
    value = text(payload, "pp_TxnRefNo")
    if not REFERENCE.fullmatch(value):
        raise Unreadable("pp_TxnRefNo is not a reference")
    return value


def acknowledgement(config: Config) -> Acknowledgement:
    """What JazzCash wants to read within a minute, signed; without it the notification comes twice more."""
    fields = {CODE: codes.DONE, "pp_ResponseMessage": "IPN received successfully"}
    return Acknowledgement(
        body=json.dumps(hashing.signed(config.salt, fields)).encode(), content_type="application/json"
    )


def parse_return(data: Mapping[str, str], config: Config) -> ReturnVisit:
    """The payment a returning browser names, if JazzCash signed that for this merchant; else none."""
    if not hashing.is_genuine(config.integrity_salts, data):
        return ReturnVisit()
    try:
        if optional_text(data, "pp_MerchantID") not in ("", config.merchant_id):
            return ReturnVisit()
        return ReturnVisit(reference=_reference(data))
    except Unreadable:
        return ReturnVisit()
