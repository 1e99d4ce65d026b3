"""Providers that each break the contract in one way; all else is Stripe's."""

from __future__ import annotations

import json
import logging
import re
import uuid
from dataclasses import dataclass, replace
from typing import Any

from django_payments_hub.domain.statuses import CaptureMethod, FailureCode, Stage
from django_payments_hub.exceptions import (
    InvalidSignature,
    MalformedNotice,
    OutcomeUnknown,
    ProviderError,
    Refused,
    Throttled,
)
from django_payments_hub.provider_kit.base import BaseProvider
from django_payments_hub.provider_kit.types import Failure, PaymentFact, PaymentResult, RefundFact
from django_payments_hub.providers.stripe import Provider as Stripe
from django_payments_hub.providers.stripe.config import Config as StripeConfig


def failed(request: Any, mode: Any) -> PaymentResult:
    failure = Failure(code=FailureCode.PROVIDER_UNAVAILABLE)
    fact = PaymentFact(
        stage=Stage.FAILED, currency=request.currency, mode=mode, reference=request.reference, failure=failure
    )
    return PaymentResult(fact=fact, failure=failure)


class LeavesOutRefund(Stripe):
    refund = BaseProvider.refund


class LeavesOutNotices(Stripe):
    parse_webhook = BaseProvider.parse_webhook


class RefundsUndeclared(Stripe):
    capabilities = replace(Stripe.capabilities, refund=False, partial_refund=False)


class HidesItsDisputes(Stripe):
    capabilities = replace(Stripe.capabilities, disputes=False)


class ContradictsItself(Stripe):
    capabilities = replace(Stripe.capabilities, partial_capture=False, several_captures=True)


class TimeOutIsFailure(Stripe):
    def pay(self, request):
        try:
            return super().pay(request)
        except OutcomeUnknown:
            return failed(request, self.account.mode)


class TimeOutIsRefused(Stripe):
    def refund(self, request):
        try:
            return super().refund(request)
        except OutcomeUnknown:
            raise Refused("It did not answer.") from None


class EveryErrorIsRefused(Stripe):
    def pay(self, request):
        try:
            return super().pay(request)
        except ProviderError:
            raise Refused("It did not work.") from None


class ForgetsHowLongToWait(Stripe):
    def pay(self, request):
        try:
            return super().pay(request)
        except Throttled:
            raise Throttled("Slower, please.") from None


class AbsentWhenInDoubt(Stripe):
    def look_up(self, request):
        try:
            return super().look_up(request)
        except ProviderError:
            return None


class DeclineIsAnError(Stripe):
    def pay(self, request):
        result = super().pay(request)
        if result.failure:
            raise Refused("The card was declined.")
        return result


class BelievesTheCallerNotTheAnswer(Stripe):
    def pay(self, request):
        result = super().pay(request)
        told = {"amount_minor": request.amount_minor, "currency": request.currency}
        if result.fact.captured_minor:
            told["captured_minor"] = request.amount_minor
        return replace(result, fact=replace(result.fact, **told))


class TakesAnotherObjectForItsOwn(Stripe):
    def look_up(self, request):
        try:
            return super().look_up(request)
        except OutcomeUnknown as error:
            if error.code != "unexpected_object":
                raise
            return PaymentFact(
                stage=Stage.CAPTURED, currency=request.currency, mode=self.account.mode, reference=request.reference
            )


class NewKeyForEachTry(Stripe):
    def pay(self, request):
        return super().pay(replace(request, idempotency_key=str(uuid.uuid4()), recovering=False))

    def refund(self, request):
        return super().refund(replace(request, idempotency_key=str(uuid.uuid4()), recovering=False))


class AlwaysCountsInHundredths(Stripe):
    def pay(self, request):
        scale = 100 if request.currency == "JPY" else 1
        return super().pay(replace(request, amount_minor=request.amount_minor * scale))


class RoundsAway(Stripe):
    def pay(self, request):
        return super().pay(replace(request, amount_minor=request.amount_minor // 10 * 10))


class TakesRefundsOffTheCapture(Stripe):
    def look_up(self, request):
        fact = super().look_up(request)
        back = sum(refund.amount_minor for refund in fact.refunds) if fact else 0
        return fact and replace(fact, captured_minor=fact.captured_minor - back)


class LosesOurReference(Stripe):
    def pay(self, request):
        result = super().pay(request)
        return replace(result, fact=replace(result.fact, reference=""))


class ChangesItsName(Stripe):
    def look_up(self, request):
        fact = super().look_up(request)
        return fact and replace(fact, provider_payment_id=fact.provider_payment_id + "_2")


class CapturesAtOnce(Stripe):
    def pay(self, request):
        return super().pay(replace(request, capture_method=CaptureMethod.AUTOMATIC))


class CapturesAllOfIt(Stripe):
    def capture(self, request):
        return super().capture(replace(request, capture_minor=request.amount_minor))


class VoidsNothing(Stripe):
    def cancel(self, request):
        fact = super().look_up(request)
        assert fact is not None
        return PaymentResult(fact=replace(fact, stage=Stage.CANCELLED, next_action=None))


# -- notices ----------------------------------------------------------------------------------------------------------


class BelievesEverybody(Stripe):
    def verify_webhook(self, body, headers, *, now):
        pass


class BelievesTheMeaning(Stripe):
    """Checks what a framework's parser gives back, written out again."""

    def verify_webhook(self, body, headers, *, now):
        try:
            meaning = json.loads(body)
        except ValueError:
            raise InvalidSignature("no JSON") from None
        forms = (json.dumps(meaning, indent=2), json.dumps(meaning), json.dumps(meaning, separators=(",", ":")))
        for form in forms:
            try:
                return super().verify_webhook(form.encode(), headers, now=now)
            except InvalidSignature:
                continue
        raise InvalidSignature("none of them")


class BelievesForEver(Stripe):
    def verify_webhook(self, body, headers, *, now):
        at = re.match(r"t=(\d+)", headers.get("stripe-signature", ""))
        super().verify_webhook(body, headers, now=float(at[1]) if at else now)


class StumblesOverHeaders(Stripe):
    def verify_webhook(self, body, headers, *, now):
        headers.get("stripe-signature", "").encode("ascii")
        super().verify_webhook(body, headers, now=now)


class LooksUpTheSecret(Stripe):
    """One list of secrets for all accounts."""

    def verify_webhook(self, body, headers, *, now):
        if not headers.get("stripe-signature"):
            raise InvalidSignature("missing")


class DropsWhatItDoesNotKnow(Stripe):
    def parse_webhook(self, payload):
        try:
            return super().parse_webhook(payload)
        except MalformedNotice:
            return ()


class ReadsWithoutLooking(Stripe):
    def parse_webhook(self, payload):
        payload["data"]["object"]["id"].strip()
        return super().parse_webhook(payload)


class TakesEveryRefundForItsOwn(Stripe):
    def parse_webhook(self, payload):
        facts = super().parse_webhook(payload)
        return tuple(replace(f, reference="mine") if isinstance(f, RefundFact) else f for f in facts)


class ForgetsWhatItWasTold(Stripe):
    """Every notice is about something else."""

    def parse_webhook(self, payload):
        return ()


class RefundsAsOften(Stripe):
    def refund(self, request):
        super().refund(replace(request, idempotency_key=str(uuid.uuid4()), refund_minor=1))
        return super().refund(replace(request, refund_minor=request.refund_minor - 1))


class RecoversByItsKeyAlone(Stripe):
    """Says that it needs no key to find out, and sends again."""

    capabilities = replace(Stripe.capabilities, key_window_s=0, recovers_itself=True)

    def pay(self, request):
        return super().pay(replace(request, recovering=False))


# -- secrets ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Shown(StripeConfig):
    secret_key: str


class ShowsItsKey(Stripe):
    Config = Shown  # type: ignore[assignment]  # the same, but for what it hides


class TellsItsKeyInErrors(Stripe):
    def pay(self, request):
        try:
            return super().pay(request)
        except ProviderError as error:
            raise type(error)(f"{error} with key {self.config.secret_key}") from None


class KeepsItsKeyInAFrame(Stripe):
    def pay(self, request):
        key = self.config.secret_key
        assert key
        return super().pay(request)


class LogsItsKey(Stripe):
    def pay(self, request):
        logging.getLogger("acme").debug("paying with %s", self.config.secret_key)
        return super().pay(request)


class GivesItsKeyToBrowsers(Stripe):
    def public_values(self):
        return {**super().public_values(), "key": self.config.secret_key}


# -- methods ----------------------------------------------------------------------------------------------------------


class KeepsWhatWasLetGo(Stripe):
    def detach_method(self, request):
        pass


class MakesACustomerEachTime(Stripe):
    def create_customer(self, request):
        return super().create_customer(replace(request, idempotency_key=str(uuid.uuid4()), recovering=False))
