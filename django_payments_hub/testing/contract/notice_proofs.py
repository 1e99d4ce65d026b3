"""What proves a notification: anything but what the provider signed is refused (F35-F40)."""

from __future__ import annotations

import json
import time

from django_payments_hub.domain.statuses import Flow
from django_payments_hub.exceptions import InvalidSignature, MalformedNotice
from django_payments_hub.testing.contract import mutations
from django_payments_hub.testing.contract.base import Connect, ContractBase
from django_payments_hub.testing.contract.bench import Notice
from django_payments_hub.testing.contract.cashier import Cashier
from django_payments_hub.testing.contract.notices import HEARD, MONTH_S, believed, one_notice, refused


class NoticeProofs(ContractBase):
    """A genuine notice, and what it may be changed into."""

    @HEARD
    def test_a_changed_byte_is_not_believed(self, till: Cashier) -> None:
        notice = one_notice(till)
        believed(till.provider, notice)
        for changed in mutations.with_a_byte_changed(notice):
            _refused_or_the_same(till, notice, changed)

    @HEARD
    def test_the_same_json_in_other_bytes_is_not_believed(self, till: Cashier) -> None:
        one = one_notice(till)
        others = list(mutations.reserialised(one))
        assert others
        for changed in others:
            _refused_or_the_same(till, one, changed)

    @HEARD
    def test_a_missing_or_mangled_signature_is_refused_and_breaks_nothing(self, till: Cashier) -> None:
        field, notice = till.bench.signature_field, one_notice(till)
        mangled = mutations.with_other_field(notice, field) if field else mutations.with_other_headers(notice)
        for _, changed in mangled:
            refused(till.provider, changed)

    @HEARD
    def test_the_signature_of_another_notice_is_not_believed(self, till: Cashier) -> None:
        one_notice(till)
        till.paid()
        one, *_, other = till.bench.notices()
        assert one.body != other.body
        refused(till.provider, mutations.with_signature_of(one, other, till.bench.signature_field))

    @HEARD
    def test_a_notice_of_another_account_is_not_believed(self, till: Cashier, connect: Connect) -> None:
        stranger = Cashier(connect(till.bench.other_account()), till.bench)
        # A method for the token flow may be kept for the one account alone.
        stranger.paid(next((f for f in (Flow.HOSTED, Flow.CLIENT, Flow.DIRECT) if f in stranger.flows), None))
        for notice in till.bench.notices():
            believed(stranger.provider, notice)
            refused(till.provider, notice)

    @HEARD
    def test_a_secret_can_be_rolled_without_losing_a_notice(self, till: Cashier, connect: Connect) -> None:
        old = one_notice(till)
        till.bench.forget_notices()
        with_both, with_new = (connect(account) for account in till.bench.roll_secret())
        Cashier(with_both, till.bench).paid()
        new = till.bench.notices()
        assert new, "nothing is sent any more"
        for notice in (old, *new):
            believed(with_both, notice)
        for notice in new:
            believed(with_new, notice)
        refused(with_new, old)

    @HEARD
    def test_a_notice_of_long_ago_is_refused_where_its_time_is_signed(self, till: Cashier) -> None:
        notice = one_notice(till)
        for now in (time.time() + MONTH_S, time.time() - MONTH_S):
            if till.bench.signs_time:
                refused(till.provider, notice, now=now)
            else:
                believed(till.provider, notice, now=now)

    @HEARD
    def test_a_payload_of_our_own_is_believed_only_when_it_is_signed(self, till: Cashier) -> None:
        notice = one_notice(till)
        note = json.dumps({till.bench.note: "changed"}).encode()[1:-1]
        body = notice.body.replace(b"{", b"{" + note + b",", 1)
        believed(till.provider, till.bench.sign(body))
        refused(till.provider, Notice(body=body, headers=notice.headers))


def _refused_or_the_same(till: Cashier, notice: Notice, changed: Notice) -> None:
    """Fails unless the changed notice is refused; or, where fields are signed and not bytes, says nothing else."""
    if not till.bench.signature_field:
        refused(till.provider, changed)
        return
    try:
        believed(till.provider, changed)
        said = till.provider.parse_webhook(mutations.parsed(changed))
    except (InvalidSignature, MalformedNotice):
        return
    assert said == till.provider.parse_webhook(mutations.parsed(notice))
