"""The IPN: one POST of JSON to the address registered in the portal, which has to be acknowledged with a signature.

It names neither amount nor merchant, and repeats the password. A failure or no answer brings two more tries.
"""

import json

from django_payments_hub.sandbox.delivery import Notice
from django_payments_hub.sandbox.jazzcash.account import Merchant
from django_payments_hub.sandbox.jazzcash.codes import message
from django_payments_hub.sandbox.jazzcash.hashing import is_signed
from django_payments_hub.sandbox.wire import Json, encode

TRIES = 3


def body(merchant: Merchant, payment: Json, code: str) -> Json:
    """What is told of a payment, signed."""
    request = payment["request"]
    return merchant.signed(
        {
            "pp_Version": request.get("pp_Version") or "1.1",
            "pp_TxnType": payment["kind"],
            "pp_BankID": request.get("pp_BankID") or "",
            "pp_ProductID": None,
            "pp_Password": merchant.password,
            "pp_TxnRefNo": payment["id"],
            "pp_TxnDateTime": request["pp_TxnDateTime"],
            "pp_ResponseCode": code,
            "pp_ResponseMessage": message(code),
            "pp_AuthCode": payment["auth_code"],
            "pp_SettlementExpiry": "",
            "pp_RetreivalReferenceNo": payment["retrieval"],
        }
    )


def outgoing(merchant: Merchant) -> list[Notice]:
    """The notices of the events just recorded; the caller holds the state lock."""
    return [notice for event in merchant.take_outbox() for notice in notices(merchant, event)]


def notices(merchant: Merchant, event: Json) -> list[Notice]:
    """The notice of an event; none for a merchant that has registered no address."""
    if not merchant.ipn_url:
        return []
    code = event["type"].removeprefix("ipn.")
    return [
        Notice(
            account=merchant.id,
            event_id=event["id"],
            type=event["type"],
            endpoint_id=merchant.id,
            url=merchant.ipn_url,
            body=encode(body(merchant, event["about"], code)),
            sign=lambda _body, _timestamp: {},
            tries=TRIES,
            refuses=lambda answer: _refusal(merchant, answer),
        )
    ]


def _refusal(merchant: Merchant, answer: bytes) -> str | None:
    try:
        fields = json.loads(answer)
    except ValueError:
        return "the acknowledgement is no JSON"
    if not isinstance(fields, dict) or fields.get("pp_ResponseCode") != "000":
        return "the acknowledgement does not say 000"
    return None if is_signed(merchant.salts, fields) else "the acknowledgement is not signed"
