"""Asking JazzCash how a payment stands: the only thing that makes one paid, besides the answer to a wallet call.

In an inquiry's answer `pp_ResponseCode` speaks of the inquiry, and `pp_PaymentResponseCode` of the payment: `000` there
and `199` here is a payment that failed. `121` alone is paid. What code and `pp_Status` say together has to fit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from django_payments_hub.exceptions import OutcomeUnknown
from django_payments_hub.provider_kit.reading import Json, Unreadable, optional_text, unreadable_answer
from django_payments_hub.providers.jazzcash import codes, references
from django_payments_hub.providers.jazzcash.api import Api, refusal, response_code, same_payment, undecided

PAYMENT_CODE = "pp_PaymentResponseCode"
_AMOUNT = re.compile(r"[0-9]{1,12}", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_NUMBER = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What an answer says of a payment: its code, its `pp_Status` in lower case, and what it is for.

    `amount_minor` is None, and the texts are "", where JazzCash does not say; `number` is its own of the transaction,
    which is the voucher's.
    """

    code: str
    status: str = ""
    amount_minor: int | None = None
    currency: str = ""
    txn_type: str = ""
    number: str = ""


class Inquiries:
    """Status inquiries of one merchant."""

    def __init__(self, api: Api):
        self._api = api

    def ask(self, reference: str) -> Told | None:
        """How the payment stands; None when JazzCash says that there is none.

        Raises:
            Misconfigured, Refused, Throttled, NotSent: it was not asked. OutcomeUnknown: no answer to the question.
        """
        answer = self._api.call(self._api.at.inquiry_url, lambda: {"pp_TxnRefNo": references.reference(reference)})
        with unreadable_answer():
            code = response_code(answer)
        if code == codes.NOT_THERE:
            return None
        if code != codes.DONE:
            raise refusal(code) or undecided(code)
        same_payment(answer, reference, named=False)
        told = read(answer, PAYMENT_CODE)
        return None if told.code == codes.NOT_THERE else told


def read(answer: Json, key: str) -> Told:
    """What an answer says of the payment, its code being under `key`.

    Raises:
        OutcomeUnknown: `unreadable_answer`.
    """
    with unreadable_answer():
        return Told(
            code=response_code(answer, key) if answer.get(key) not in (None, "") else "",
            status=optional_text(answer, "pp_Status").strip().lower(),
            amount_minor=_amount(answer),
            currency=_currency(answer),
            txn_type=optional_text(answer, "pp_TxnType"),
            number=_number(answer),
        )


def contradictory(told: Told) -> OutcomeUnknown:
    """The error for a code and a status that do not fit, or that leave open whether money moved."""
    return OutcomeUnknown(
        "What JazzCash says of the payment decides nothing.", code="contradictory_answer", provider_code=told.code
    )


def _amount(answer: Json) -> int | None:
    """Missing, null and "" are the same: not said."""
    value = answer.get("pp_Amount")
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if text is None or text == "":
        return None
    if not isinstance(text, str) or not _AMOUNT.fullmatch(text):
        raise Unreadable("pp_Amount is not an amount in paisa")
    return int(text)


def _currency(answer: Json) -> str:
    value = optional_text(answer, "pp_TxnCurrency")
    if value and not _CURRENCY.fullmatch(value):
        raise Unreadable("pp_TxnCurrency is not a currency")
    return value


def _number(answer: Json) -> str:
    """Spelt one way in inquiries and another in notices; what cannot be read of it is left out."""
    for key in ("pp_RetrievalReferenceNo", "pp_RetreivalReferenceNo"):
        value = answer.get(key)
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            return value
    return ""
