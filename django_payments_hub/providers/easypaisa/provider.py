"""One EasyPaisa store.

The hosted checkout is two forms that the browser posts; no call is made for them. A mobile account is asked on the
customer's phone, and the call waits for him; a voucher is paid at a shop. There is no idempotency key, so no call is
made twice, and no refund by call: staff makes it in the merchant portal and records the proof.

That a payment is paid is believed of an inquiry alone. Notices and returns are unsigned: they name an order to ask for.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from django_payments_hub.domain.money import format_minor
from django_payments_hub.domain.statuses import CaptureMethod, Flow, MethodKind, NextActionKind, Stage
from django_payments_hub.exceptions import Misconfigured, OutcomeUnknown, ProviderError, Refused, Throttled, Unsupported
from django_payments_hub.provider_kit import ids
from django_payments_hub.provider_kit.asking import asking
from django_payments_hub.provider_kit.base import BaseProvider, Capabilities
from django_payments_hub.provider_kit.deadlines import deadline
from django_payments_hub.provider_kit.http import HttpClient, retry_after_s
from django_payments_hub.provider_kit.pakistan import mobile_number, short_reference
from django_payments_hub.provider_kit.reading import Json, Unreadable, parse_object, text, unreadable_answer
from django_payments_hub.provider_kit.types import (
    AccountConfig,
    FormRequest,
    HostedForm,
    LookUp,
    LookUpRequest,
    NextAction,
    Payer,
    PaymentFact,
    PaymentResult,
    PayRequest,
    RefundFact,
    RefundLookUpRequest,
    ReturnVisit,
)
from django_payments_hub.providers.easypaisa import forms, inquiry
from django_payments_hub.providers.easypaisa.codes import NO_SUCH_ORDER, SUCCESS, decline_of, error_of
from django_payments_hub.providers.easypaisa.config import Config, base_address, check_mode

_REST = "/easypay-service/rest/v4/"
_LAG = timedelta(minutes=10)
"""So long after a call can have arrived an order may still come to be known."""

_REFERENCE = re.compile(r"[0-9A-Z]{20}", re.ASCII)
_ORDER = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_MISCONFIGURED, _REFUSED, _TOO_MANY = (401, 403), (400, 404, 422), 429


class Provider(BaseProvider[Config]):
    """One account at EasyPaisa."""

    name = "easypaisa"
    label = "EasyPaisa"
    Config = Config
    capabilities = Capabilities(
        flows=frozenset({Flow.HOSTED, Flow.DIRECT}),
        method_kinds=frozenset({MethodKind.WALLET, MethodKind.VOUCHER, MethodKind.CREDIT_CARD, MethodKind.DEBIT_CARD}),
        currencies=frozenset({"PKR"}),
        look_up=True,
        form_posts=True,
        unsigned_webhooks=True,
        webhook_verbs=frozenset({"GET"}),
        operator_refunds=True,
        partial_refund=True,
        runs_in_worker=True,
        call_deadline_s=75.0,
    )

    def __init__(self, account: AccountConfig):
        super().__init__(account)
        check_mode(self.config, account.mode)
        self._base = base_address(self.config, account.mode)
        # Without keys a reset on a kept connection would leave a doubt that a fresh one does not.
        self._http = HttpClient(deadline_s=self.capabilities.call_deadline_s, fresh_connection=True)

    # -- what may be asked for

    def supports(
        self, *, flow: Flow, currency: str, capture_method: CaptureMethod, method_kind: MethodKind | None = None
    ) -> None:
        """Cards are paid by on EasyPaisa's page alone."""
        super().supports(flow=flow, currency=currency, capture_method=capture_method, method_kind=method_kind)
        if flow is Flow.DIRECT and method_kind not in (None, MethodKind.WALLET, MethodKind.VOUCHER):
            raise Unsupported("Of EasyPaisa's methods, cards are for its page alone.", code="unsupported_method_kind")

    def check_payer(self, payer: Payer, *, flow: Flow, method_kind: MethodKind | None) -> None:
        """A mobile number, where EasyPaisa is to ask the customer or to text him his voucher."""
        if flow is Flow.DIRECT:
            mobile_number(payer.phone)

    def make_reference(self, payment_id: str) -> str:
        """At most 20 letters and digits."""
        return short_reference(payment_id)

    def expiry_s(self, *, flow: Flow, method_kind: MethodKind | None) -> int | None:
        """Minutes to approve on the phone, days to pay a voucher, the project's own time for a page."""
        if flow is not Flow.DIRECT:
            return self.payment_expiry_s
        return self.config.voucher_expiry_s if method_kind is MethodKind.VOUCHER else self.config.wallet_expiry_s

    def meanwhile(self, *, flow: Flow, method_kind: MethodKind | None) -> NextAction | None:
        """The phone asks for the PIN while the call is under way."""
        asks = flow is Flow.DIRECT and method_kind is not MethodKind.VOUCHER
        return NextAction(kind=NextActionKind.WAIT) if asks else None

    # -- calls

    def pay(self, request: PayRequest) -> PaymentResult:
        """Nothing but a form to post, in the hosted flow; else ask the customer's phone, or make a voucher."""
        if request.flow is Flow.HOSTED:
            forms.page_amount(request.amount_minor, request.currency)
            return PaymentResult(fact=self._begun(request, Stage.OPEN, NextAction(kind=NextActionKind.FORM_POST)))
        with deadline(self.capabilities.call_deadline_s):  # the phone's call, and the inquiry after it
            if request.method_kind is MethodKind.VOUCHER:
                return self._make_voucher(request)
            return self._ask_phone(request)

    def _ask_phone(self, request: PayRequest) -> PaymentResult:
        body = {"mobileAccountNo": mobile_number(request.payer.phone), "transactionType": "MA"}
        answer = self._new_payment("initiate-ma-transaction", request, body)
        if (declined := self._declined(request, answer)) is not None:
            return declined
        # It is accepted; whether it is paid is for the inquiry to say, at once or later.
        with suppress(ProviderError):
            found = self.look_up(_question(request))
            if found is not None:
                return PaymentResult(fact=found, failure=found.failure)
        return PaymentResult(fact=self._begun(request, Stage.REQUIRES_ACTION, NextAction(kind=NextActionKind.WAIT)))

    def _make_voucher(self, request: PayRequest) -> PaymentResult:
        body = {"msisdn": mobile_number(request.payer.phone), "transactionType": "OTC"}
        if request.expires_at is not None:
            body["tokenExpiry"] = forms.expiry(request.expires_at)
        answer = self._new_payment("initiate-otc-transaction", request, body)
        if (declined := self._declined(request, answer)) is not None:
            return declined
        with unreadable_answer():
            action = inquiry.voucher(inquiry.token_of(answer))
        return PaymentResult(fact=self._begun(request, Stage.REQUIRES_ACTION, action))

    def _new_payment(self, path: str, request: PayRequest, body: Mapping[str, str]) -> Json:
        return self._call(
            path,
            {
                "orderId": request.reference,
                "storeId": self.config.store_id,
                "transactionAmount": format_minor(request.amount_minor, request.currency),
                "emailAddress": forms.mail_of(request.payer),
                **body,
            },
        )

    def _declined(self, request: PayRequest, answer: Json) -> PaymentResult | None:
        """The result of a payment that is refused for certain; None of one that is accepted."""
        code = _response_code(answer)
        failure = decline_of(code)
        if failure is not None:
            fact = replace(self._begun(request, Stage.FAILED), failure=failure)
            return PaymentResult(fact=fact, failure=failure)
        if code != SUCCESS:
            if code == NO_SUCH_ORDER:
                raise OutcomeUnknown("The order was used before.", provider_code=code)
            raise error_of(code)
        inquiry.check_about(answer, request.reference, self.config.store_id)
        return None

    def _begun(self, request: PayRequest, stage: Stage, action: NextAction | None = None) -> PaymentFact:
        return PaymentFact(
            stage=stage,
            currency=request.currency,
            mode=self.account.mode,
            reference=request.reference,
            provider_session_id=request.reference,
            amount_minor=request.amount_minor,
            next_action=action,
        )

    def look_up(self, request: LookUpRequest) -> PaymentFact | None:
        """By an inquiry. An order becomes known with the call that makes it, or with the second form."""
        with deadline(self.capabilities.call_deadline_s):
            return self._inquire(request)

    def _inquire(self, request: LookUpRequest) -> PaymentFact | None:
        body = {
            "orderId": ids.checked(_REFERENCE, request.reference, "an order"),
            "storeId": self.config.store_id,
            "accountNum": self.config.account_num,
        }
        with asking(when=request.recovering):
            answer = self._call("inquire-transaction", body)
            code = _response_code(answer)
            if code == NO_SUCH_ORDER:
                return self._unknown_order(request)
            if code != SUCCESS:
                raise error_of(code)
        inquiry.check_about(answer, request.reference, self.config.store_id)
        with unreadable_answer():
            return inquiry.payment_fact(answer, request, self.account.mode)

    def look_up_refund(self, request: RefundLookUpRequest) -> RefundFact | None:
        """None: there are no refunds by a call, and an inquiry knows of none but a whole payment's reversal."""
        ids.checked(_REFERENCE, request.reference, "an order")
        return None

    def _unknown_order(self, request: LookUpRequest) -> PaymentFact | None:
        """A call in doubt may still arrive for a while; one that did not by then never will."""
        if request.may_arrive_until is None or not inquiry.is_direct(request):
            return None
        if datetime.now(UTC) < request.may_arrive_until + _LAG:
            raise OutcomeUnknown("The call may still arrive at EasyPaisa.", code="may_still_arrive")
        return inquiry.never_arrived(request, self.account.mode)

    # -- forms, returns, notices

    def hosted_form(self, request: FormRequest) -> HostedForm:
        """The order, for `Index.jsf`."""
        return forms.index_form(request, base=self._base, store_id=self.config.store_id, hash_key=self.config.hash_key)

    def following_form(self, request: FormRequest, data: Mapping[str, str]) -> HostedForm | None:
        """The browser's `auth_token`, for `Confirm.jsf`."""
        return forms.confirm_form(request, data, base=self._base)

    def parse_return(self, data: Mapping[str, str]) -> ReturnVisit:
        """The order, which one table of the guide names otherwise than the other."""
        named = data.get("orderRefNumber") or data.get("orderRefNum") or ""
        return ReturnVisit(reference=named if _ORDER.fullmatch(named) else "")

    def parse_hint(self, data: Mapping[str, str]) -> LookUp | None:
        """The order at the end of the `url` of a notice. The address itself is never fetched (S6)."""
        try:
            path = urlsplit(data.get("url", "")).path
        except ValueError:
            return None
        named = path.rstrip("/").rpartition("/")[2] or data.get("order_id", "")
        return LookUp(reference=named) if _ORDER.fullmatch(named) else None

    # -- the wire

    def _call(self, path: str, body: Mapping[str, str]) -> Json:
        credentials = base64.b64encode(f"{self.config.username}:{self.config.password}".encode()).decode()
        headers = {"Credentials": credentials, "Content-Type": "application/json", "Accept": "application/json"}
        response = self._http.request(
            "POST", self._base + _REST + path, headers=headers, content=json.dumps(dict(body)).encode()
        )
        status = response.status_code
        if status in _MISCONFIGURED:
            raise Misconfigured("EasyPaisa does not accept the credentials.", provider_code=str(status))
        if status == _TOO_MANY:
            raise Throttled("EasyPaisa asks for fewer calls.", retry_after_s=retry_after_s(response.headers))
        if status in _REFUSED:
            raise Refused(f"EasyPaisa refused the request ({status}).", provider_code=str(status))
        if status != 200:
            raise OutcomeUnknown(f"EasyPaisa answered with status {status}.", provider_code=str(status))
        with unreadable_answer():
            return parse_object(response.content)

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()


def _response_code(answer: Json) -> str:
    with unreadable_answer():
        code = text(answer, "responseCode")
        if not (code.isascii() and code.isalnum() and len(code) <= 20):
            raise Unreadable("responseCode is not a code")
    return code


def _question(request: PayRequest) -> LookUpRequest:
    return LookUpRequest(
        reference=request.reference,
        amount_minor=request.amount_minor,
        currency=request.currency,
        flow=request.flow,
        method_kind=request.method_kind,
        expires_at=request.expires_at,
    )
