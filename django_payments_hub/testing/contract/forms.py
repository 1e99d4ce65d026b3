"""Forms, unsigned hints and what has to be known of the payer: for wallets and checkout pages of an older kind."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from django_payments_hub.domain.statuses import Flow, NextActionKind
from django_payments_hub.exceptions import InvalidInput, Unsupported
from django_payments_hub.provider_kit.types import LookUp
from django_payments_hub.testing.contract.applies import declares, lacks, where
from django_payments_hub.testing.contract.base import ContractBase
from django_payments_hub.testing.contract.cashier import RETURN_URL, Cashier

JUNK = ("", "\x00", "../../admin", "' OR 1=1", "é" * 9, "x" * 5000, "http://[", "javascript:alert(1)")


class Forms(ContractBase):
    """What the hub's own page posts, and what a notice without a signature is worth."""

    @where(declares("form_posts"))
    def test_a_payment_by_a_form_is_begun_without_a_call_and_carries_nothing(self, till: Cashier) -> None:
        before = till.bench.calls()
        action = till.start(Flow.HOSTED).fact.next_action
        assert action is not None
        assert (action.kind, action.url, dict(action.fields)) == (NextActionKind.FORM_POST, "", {})
        assert till.bench.calls() == before

    @where(declares("form_posts"))
    def test_a_form_is_made_anew_for_the_provider_and_without_a_call(self, till: Cashier) -> None:
        request = till.pay_request(Flow.HOSTED)
        till.provider.pay(request)
        before = till.bench.calls()
        asked = till.form_request(request)
        form, again = till.provider.hosted_form(asked), till.provider.hosted_form(asked)
        assert (form.url, dict(form.fields)) == (again.url, dict(again.fields))
        assert urlsplit(form.url).scheme in ("http", "https")
        assert request.reference in form.fields.values()
        assert all(isinstance(text, str) for pair in form.fields.items() for text in pair)
        assert till.bench.calls() == before
        assert not [value for value in form.fields.values() if len(value) >= 8 and value in repr(form)]

    @where(declares("form_posts"))
    @pytest.mark.parametrize("junk", JUNK)
    def test_a_forged_return_leads_nowhere_else(self, till: Cashier, junk: str) -> None:
        asked = till.form_request(till.pay_request(Flow.HOSTED))
        form = till.provider.following_form(asked, dict.fromkeys(till.bench.names, junk) | {junk: junk})
        if form is not None:
            ours = urlsplit(till.provider.hosted_form(asked).url)
            assert urlsplit(form.url)[:2] == ours[:2]
            assert {RETURN_URL, junk} >= set(form.fields.values())

    @where(lacks("form_posts"))
    def test_undeclared_forms_are_refused(self, till: Cashier) -> None:
        asked = till.form_request(till.pay_request(till.paying_flow()))
        with pytest.raises(Unsupported) as caught:
            till.provider.hosted_form(asked)
        assert caught.value.code == "unsupported_form_posts"
        assert till.provider.following_form(asked, {}) is None

    @where(declares("unsigned_webhooks"))
    @pytest.mark.parametrize("junk", JUNK)
    def test_a_forged_hint_breaks_nothing_and_says_no_more_than_a_name(self, till: Cashier, junk: str) -> None:
        assert not till.provider.capabilities.webhooks, "what is signed is no hint"
        before = till.bench.calls()
        hint = till.provider.parse_hint(dict.fromkeys(till.bench.names, junk) | {junk: junk})
        assert hint is None or hint == LookUp(reference=hint.reference)
        assert hint is None or (hint.reference.isascii() and len(hint.reference) <= 64)
        assert till.bench.calls() == before, "something of the hint was fetched"

    @where(lacks("unsigned_webhooks"))
    def test_undeclared_hints_are_refused(self, till: Cashier) -> None:
        with pytest.raises(Unsupported) as caught:
            till.provider.parse_hint({"id": "1"})
        assert caught.value.code == "unsupported_unsigned_webhooks"

    @where(declares("national_id"))
    def test_a_national_id_of_the_wrong_form_is_refused_and_not_repeated(self, till: Cashier) -> None:
        assert till.provider.capabilities.key_window_s == 0, "the call could not be made again without it"
        payer = replace(till.bench.payer(), national_id="none-at-all")
        with pytest.raises(InvalidInput) as caught:
            till.provider.check_payer(payer, flow=Flow.DIRECT, method_kind=till.method_kind)
        assert caught.value.code == "invalid_national_id"
        assert "none-at-all" not in str(caught.value)

    @where(lacks("national_id"))
    def test_nobody_is_asked_for_a_national_id_in_vain(self, till: Cashier) -> None:
        payer = replace(till.bench.payer(), national_id="")
        for flow in till.provider.capabilities.flows:
            till.provider.check_payer(payer, flow=flow, method_kind=till.method_kind)
