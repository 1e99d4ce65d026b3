"""Calls to JazzCash for one account: signed JSON, one fresh connection each, and what an answer may be.

JazzCash answers with HTTP 200 whatever it has to say; the word is in `pp_ResponseCode`. A firewall in front of it
answers with 200 too, and with HTML: no answer. Nothing here keeps what is sent in a variable of a frame that an error
passes through: error reporters print those, and there is a password, an MPIN or a CNIC in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from django_payments_hub.domain.masking import Masked
from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import Misconfigured, OutcomeUnknown, ProviderError, Refused, Throttled
from django_payments_hub.provider_kit.http import HttpClient, retry_after_s
from django_payments_hub.provider_kit.ids import unexpected
from django_payments_hub.provider_kit.reading import Json, Unreadable, optional_text, parse_object, unreadable_answer
from django_payments_hub.providers.jazzcash import codes
from django_payments_hub.providers.jazzcash.config import Config, addresses
from django_payments_hub.providers.jazzcash.hashing import has_hash, is_genuine, signed

CODE = "pp_ResponseCode"
_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
_UNDECIDED = frozenset({404, 408, 409, 424, 425})
_CERTAIN = codes.BAD_CREDENTIALS | codes.BAD_REQUEST | frozenset(codes.DECLINES)

Fields = Callable[[], Mapping[str, str]]


class Api:
    """One merchant at JazzCash. A connection is never used twice: there is no key that makes a repeated call safe."""

    def __init__(self, config: Config, mode: Mode, *, deadline_s: float):
        self.config = config
        self.mode = mode
        self.at = addresses(config, mode)
        self._http = HttpClient(deadline_s=deadline_s, fresh_connection=True)

    def call(self, url: str, fields: Fields) -> Json:
        """Send the fields with the merchant's name, password and hash; the answer, which has a code.

        Raises:
            Misconfigured, Throttled, Refused: nothing happened. OutcomeUnknown: no answer, or one that is not to be
            believed.
        """
        response = self._http.request("POST", url, headers=_HEADERS, content=self._body(fields()))
        status = response.status_code
        if status == 429:
            raise Throttled("JazzCash asks for fewer calls.", retry_after_s=retry_after_s(response.headers))
        if status >= 500:
            raise OutcomeUnknown(f"JazzCash answered with status {status}.", details=_details(status))
        with unreadable_answer():
            answer = Masked(parse_object(response.content))
            code = response_code(answer)
        if not self._is_proven(answer, code):
            raise OutcomeUnknown("JazzCash's answer does not carry its hash.", code="unproven_answer")
        if status >= 400:
            raise _by_status(status, code)
        self._is_ours(answer)
        return answer

    def _is_proven(self, answer: Json, code: str) -> bool:
        """A hash that is there fits; nothing is done or paid without one."""
        if has_hash(answer):
            return is_genuine(self.config.integrity_salts, answer)
        return code not in (codes.DONE, codes.PAID)

    def _body(self, fields: Mapping[str, str]) -> bytes:
        return json.dumps(self.signed(fields)).encode()

    def signed(self, fields: Mapping[str, str]) -> dict[str, str]:
        """The fields with the merchant's name, password and hash: never to be kept, shown or logged."""
        of_merchant = {"pp_MerchantID": self.config.merchant_id, "pp_Password": self.config.password}
        return signed(self.config.salt, {**of_merchant, **fields})

    def _is_ours(self, answer: Json) -> None:
        """An answer need not name the merchant; another one's is none."""
        with unreadable_answer():
            if optional_text(answer, "pp_MerchantID") not in ("", self.config.merchant_id):
                raise unexpected("JazzCash answered about another merchant.")

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()


def response_code(answer: Json, key: str = CODE) -> str:
    """The code of an answer; raises Unreadable where there is none."""
    code = answer.get(key)
    if isinstance(code, str) and codes.is_code(code):
        return code
    raise Unreadable(f"{key} is not a response code")


def same_payment(answer: Json, reference: str, *, named: bool) -> None:
    """Refuse an answer about another payment; `named`: it has to say which.

    Raises:
        OutcomeUnknown: `unexpected_object`.
    """
    with unreadable_answer():
        told = optional_text(answer, "pp_TxnRefNo")
    if told != reference and (told or named):
        raise unexpected("JazzCash answered about another payment.")


def refusal(code: str) -> ProviderError | None:
    """The error for a code that speaks of the merchant or of the request; None for any other."""
    if code in codes.BAD_CREDENTIALS:
        return Misconfigured(f"JazzCash does not accept the account for this call ({code}).", provider_code=code)
    if code in codes.BAD_REQUEST:
        return Refused(f"JazzCash refused the request ({code}).", provider_code=code)
    return None


def undecided(code: str) -> OutcomeUnknown:
    """The error for a code that leaves open what happened."""
    return OutcomeUnknown(f"JazzCash's answer decides nothing ({code}).", provider_code=code)


def wait_for_stragglers(until: datetime | None, lag_s: float) -> None:
    """Raise OutcomeUnknown(`too_early`) while a first try may still be on its way, or not be listed yet."""
    if until is None or datetime.now(UTC).timestamp() < until.timestamp() + lag_s:
        raise OutcomeUnknown("The request may still reach JazzCash.", code="too_early")


def _by_status(status: int, code: str) -> ProviderError:
    """Nothing has happened where both the status and the code say so."""
    if status in (401, 403) and code in codes.BAD_CREDENTIALS:
        return Misconfigured("JazzCash does not accept the account's credentials.", provider_code=code)
    if status in _UNDECIDED or code not in _CERTAIN:
        return OutcomeUnknown(f"JazzCash answered with status {status}.", provider_code=code, details=_details(status))
    return Refused(f"JazzCash refused the request ({status}).", provider_code=code)


def _details(status: int) -> dict[str, object]:
    return {"reason": "status", "status": status}
