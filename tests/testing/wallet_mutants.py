"""Providers with forms and hints, which each break the contract in one way."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from django_payments_hub.domain.statuses import NextActionKind
from django_payments_hub.exceptions import OutcomeUnknown
from django_payments_hub.provider_kit.types import HostedForm, LookUp, NextAction
from django_payments_hub.providers.easypaisa import Provider as EasyPaisa
from django_payments_hub.providers.jazzcash import Provider as JazzCash


class CallsForAForm(JazzCash):
    """Asks the provider while it makes a form, and so each time somebody loads the page."""

    def hosted_form(self, request):
        httpx.post(self._api.at.inquiry_url, json=self._api.signed({"pp_TxnRefNo": request.reference}))
        return super().hosted_form(request)


class PutsTheFormIntoItsAnswer(JazzCash):
    """Tells the form, with the password in it, in the answer that is kept and shown."""

    def pay(self, request):
        result = super().pay(request)
        if result.fact.next_action is None:
            return result
        action = NextAction(
            kind=NextActionKind.FORM_POST, url="https://elsewhere", fields={"pp_Password": self.config.password}
        )
        return replace(result, fact=replace(result.fact, next_action=action))


@dataclass(frozen=True, kw_only=True)
class OpenForm(HostedForm):
    fields: Any = field(default_factory=dict)


class ShowsItsForm(JazzCash):
    """Its forms show what is in them."""

    def hosted_form(self, request):
        form = super().hosted_form(request)
        return OpenForm(url=form.url, fields=form.fields)


class RepeatsTheNationalId(JazzCash):
    """Says in its error what was typed."""

    def check_payer(self, payer, *, flow, method_kind):
        try:
            super().check_payer(payer, flow=flow, method_kind=method_kind)
        except Exception as error:
            error.args = (f"{payer.national_id} is no CNIC",)
            raise


class LeadsAnywhere(EasyPaisa):
    """Posts the second form to wherever the returning browser says."""

    def following_form(self, request, data):
        return HostedForm(url=data.get("url", "https://elsewhere.example/"), fields=dict(data))


class FetchesTheHint(EasyPaisa):
    """Asks about whatever an unsigned notice names, there and then."""

    def parse_hint(self, data):
        named = {"orderId": data.get("order_id", ""), "storeId": self.config.store_id}
        with suppress(OutcomeUnknown):
            self._call("inquire-transaction", {**named, "accountNum": self.config.account_num})
        return super().parse_hint(data)


class BelievesTheHint(EasyPaisa):
    """Takes a name as it comes."""

    def parse_hint(self, data):
        return LookUp(reference=data.get("order_id", ""), provider_payment_id=data.get("id", ""))
