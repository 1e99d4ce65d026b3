"""The mobile wallet: its owner approves on his phone, and JazzCash answers when he has, or when it gives up waiting.

A call is never made twice under one reference: what came of one in doubt is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django_payments_hub.domain.statuses import Flow
from django_payments_hub.exceptions import InvalidInput, OutcomeUnknown, Refused
from django_payments_hub.provider_kit.asking import asking
from django_payments_hub.provider_kit.pakistan import cnic_last_six, mobile_number
from django_payments_hub.provider_kit.reading import Json, unreadable_answer
from django_payments_hub.provider_kit.types import LookUpRequest, PaymentFact, PaymentResult, PayRequest
from django_payments_hub.providers.jazzcash import codes, facts, forms
from django_payments_hub.providers.jazzcash.api import (
    CODE,
    Api,
    refusal,
    response_code,
    same_payment,
    undecided,
    wait_for_stragglers,
)
from django_payments_hub.providers.jazzcash.config import WALLET_CNIC
from django_payments_hub.providers.jazzcash.inquiries import Inquiries, read


class Wallet:
    """Wallet payments, and the look-ups of all payments, of one merchant.

    `lag_s`: how long after a call an inquiry may not know of it yet, in seconds.
    """

    def __init__(self, api: Api, inquiries: Inquiries, *, return_url: str, lag_s: float):
        self._api = api
        self._inquiries = inquiries
        self._return_url = return_url
        self._lag_s = lag_s

    def pay(self, request: PayRequest) -> PaymentResult:
        """Ask the wallet's owner for the money; after an earlier try, find out what came of it.

        Raises:
            Refused: `invalid_phone`, `invalid_national_id`: nothing was sent.
        """
        if request.recovering:
            return self._settle(request)
        cnic = self._api.config.wallet_version == WALLET_CNIC
        url = self._api.at.wallet_cnic_url if cnic else self._api.at.wallet_url
        return self._result(self._api.call(url, lambda: self._fields(request)), request)

    def _result(self, answer: Json, request: PayRequest) -> PaymentResult:
        with unreadable_answer():
            code = response_code(answer)
        error = refusal(code)
        if error is not None:
            raise error
        answered = code in (codes.DONE, codes.PAID) or code in codes.PENDING
        if not answered and code not in codes.DECLINES:
            raise undecided(code)
        same_payment(answer, request.reference, named=answered)
        told = replace(read(answer, CODE), status="")
        if code in codes.DECLINES:
            fact = facts.failed(told, request, self._api.mode)
            return PaymentResult(fact=fact, failure=fact.failure)
        make = facts.waiting if code in codes.PENDING else facts.paid
        return PaymentResult(fact=make(told, request, self._api.mode))

    def _fields(self, request: PayRequest) -> Mapping[str, str]:
        now = datetime.now(UTC)
        common = forms.transaction(
            reference=request.reference,
            amount_minor=request.amount_minor,
            description=request.description,
            now=now,
            expires_at=request.expires_at or now + timedelta(hours=self._api.config.expires_after_hours),
            currency=request.currency,
        )
        return_url = self._return_url or request.return_url
        try:
            mobile = mobile_number(request.payer.phone)
            if self._api.config.wallet_version == WALLET_CNIC:
                return forms.wallet_with_cnic(common, mobile, cnic_last_six(request.payer.national_id))
        except InvalidInput as error:
            refused = Refused(error.message, code=error.code)
        else:
            return forms.wallet(self._api.config, common, return_url, mobile)
        raise refused  # outside the handler: no report of it walks into frames that hold a number

    # -- look-ups ----------------------------------------------------------------------------------------------------

    def look_up(self, request: LookUpRequest) -> PaymentFact | None:
        """How a payment stands; None when JazzCash certainly does not know it, and nothing was to make it known."""
        told = self._inquiries.ask(request.reference)
        if told is not None:
            return facts.of(told, request, self._api.mode)
        if _is_hosted(request):
            return facts.to_be_led_on(request, self._api.mode)
        if request.may_arrive_until is None and not request.provider_session_id:
            return None
        if not request.provider_session_id:
            wait_for_stragglers(request.may_arrive_until, self._lag_s)
            return facts.never_made(request, self._api.mode)
        if facts.is_over(request):
            return facts.to_be_led_on(request, self._api.mode)
        raise undecided(codes.NOT_THERE)  # it has answered about it once: not listed yet

    def _settle(self, request: PayRequest) -> PaymentResult:
        """A call in doubt: how the payment stands.

        Raises:
            Refused: `provider_unavailable`; it certainly never was. OutcomeUnknown: not to be known yet.
        """
        asked = LookUpRequest(
            reference=request.reference,
            amount_minor=request.amount_minor,
            currency=request.currency,
            flow=Flow.DIRECT,
            method_kind=request.method_kind,
            expires_at=request.expires_at,
            may_arrive_until=request.may_arrive_until,
        )
        with asking():
            found = self.look_up(asked)
        if found is None:
            raise OutcomeUnknown("The request may still reach JazzCash.", code="too_early")
        if found == facts.never_made(asked, self._api.mode):
            raise Refused("JazzCash never made this payment.", code="provider_unavailable")
        return PaymentResult(fact=found, failure=found.failure)


def _is_hosted(request: LookUpRequest) -> bool:
    if request.flow is None:
        return bool(request.provider_session_id)
    return request.flow is Flow.HOSTED
