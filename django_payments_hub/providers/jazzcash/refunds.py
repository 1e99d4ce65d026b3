"""Giving money back through JazzCash: by one call for wallets, which wants the merchant's MPIN, and one for cards.

Neither has an idempotency key, and its answer names no refund. So a refund is sent once and never again: what came of
one in doubt shows in the payment, where the whole of it was given back (`131`), and else nowhere: a person has to look.
"""

from __future__ import annotations

from collections.abc import Mapping

from django_payments_hub.domain.statuses import Flow, MethodKind, RefundStatus
from django_payments_hub.exceptions import OutcomeUnknown, Refused
from django_payments_hub.provider_kit.asking import asking
from django_payments_hub.provider_kit.reading import unreadable_answer
from django_payments_hub.provider_kit.types import (
    RefundFact,
    RefundLookUpRequest,
    RefundRequest,
    RefundResult,
)
from django_payments_hub.providers.jazzcash import codes, references
from django_payments_hub.providers.jazzcash.api import (
    Api,
    refusal,
    response_code,
    same_payment,
    undecided,
    wait_for_stragglers,
)
from django_payments_hub.providers.jazzcash.inquiries import Inquiries, contradictory

_CARDS = (MethodKind.CREDIT_CARD, MethodKind.DEBIT_CARD)
_REFUSED = frozenset(codes.DECLINES) | {codes.NOT_THERE}
_OTHER_WAY = frozenset({"109", "132"})
"""There is no such payment, or none to be refunded, by this call: nothing has happened."""

_REFUNDED = frozenset({"", "completed", "refunded"})
_PAID = frozenset({"", "completed"})


class Refunds:
    """The refunds of one merchant. `lag_s`: as for payments."""

    def __init__(self, api: Api, inquiries: Inquiries, *, lag_s: float):
        self._api = api
        self._inquiries = inquiries
        self._lag_s = lag_s

    def refund(self, request: RefundRequest) -> RefundResult:
        """Send the refund; after an earlier try, only look for it.

        Raises:
            Refused: `refund_refused`, `merchant_mpin_missing`, `unsupported_method_kind`.
            OutcomeUnknown: nobody knows; it is not to be sent again.
        """
        if request.recovering:
            return RefundResult(fact=self._found(request))
        references.reference(request.reference)
        first, *others = self._ways(request)
        try:
            return self._sent(request, by_card=first)
        except Refused as error:
            if error.provider_code not in _OTHER_WAY or not others:
                raise
        return self._sent(request, by_card=others[0])

    def _ways(self, request: RefundRequest) -> list[bool]:
        """By card or not; both, where nobody knows what the customer chose on the page: the wrong one is refused."""
        kind = MethodKind.WALLET if request.flow is Flow.DIRECT else request.method_kind
        if kind in _CARDS:
            return [True]
        if kind not in (None, MethodKind.WALLET):
            raise Refused("JazzCash gives back no money for a voucher.", code="unsupported_method_kind")
        if self._api.config.merchant_mpin:
            return [False] if kind else [True, False]
        if kind:
            raise Refused("A wallet refund needs the account's MERCHANT_MPIN.", code="merchant_mpin_missing")
        return [True]

    def _sent(self, request: RefundRequest, *, by_card: bool) -> RefundResult:
        url = self._api.at.card_refund_url if by_card else self._api.at.wallet_refund_url
        answer = self._api.call(url, lambda: self._fields(request, by_card=by_card))
        with unreadable_answer():
            code = response_code(answer)
        if code in _REFUSED:
            raise Refused(f"JazzCash refused the refund ({code}).", code="refund_refused", provider_code=code)
        error = refusal(code)
        if error is not None:
            raise error
        if code != codes.DONE:
            raise undecided(code)  # 131 too: whether by this call or by another one, it does not say
        same_payment(answer, request.reference, named=False)
        return RefundResult(fact=self._completed(request, request.refund_minor))

    def _fields(self, request: RefundRequest, *, by_card: bool) -> Mapping[str, str]:
        fields = {
            "pp_TxnRefNo": references.reference(request.reference),
            "pp_Amount": str(request.refund_minor),
            "pp_TxnCurrency": request.currency,
        }
        return fields if by_card else {**fields, "pp_MerchantMPIN": self._api.config.merchant_mpin}

    def _found(self, request: RefundRequest) -> RefundFact:
        with asking():
            found = self._shown(request, request.refund_minor)
        if found is None:
            raise OutcomeUnknown("JazzCash does not show whether it gave the money back.", code="refund_in_doubt")
        return found

    def look_up(self, request: RefundLookUpRequest) -> RefundFact | None:
        """The refund, where the payment shows it: given back as a whole, as this refund was to. Else None.

        Raises:
            OutcomeUnknown: `too_early`; it may still arrive, or show.
        """
        found = self._shown(request, request.refund_minor)
        if found is None and request.may_arrive_until is not None:
            wait_for_stragglers(request.may_arrive_until, self._lag_s)
        return found

    def _shown(self, request: RefundRequest | RefundLookUpRequest, refund_minor: int) -> RefundFact | None:
        told = self._inquiries.ask(request.reference)
        if told is None:
            raise undecided(codes.NOT_THERE)
        if told.code == codes.REFUNDED and told.status in _REFUNDED:
            whole = refund_minor == request.amount_minor
            return self._completed(request, refund_minor) if whole else None
        if told.code == codes.PAID and told.status in _PAID:
            return None
        raise contradictory(told)

    def _completed(self, request: RefundRequest | RefundLookUpRequest, amount_minor: int) -> RefundFact:
        """JazzCash gives a refund no name: it has the hub's own."""
        return RefundFact(
            provider_refund_id=request.refund_reference,
            status=RefundStatus.COMPLETED,
            amount_minor=amount_minor,
            currency=request.currency,
            mode=self._api.mode,
            reference=request.refund_reference,
            payment_reference=request.reference,
            provider_payment_id=request.provider_payment_id,
        )
