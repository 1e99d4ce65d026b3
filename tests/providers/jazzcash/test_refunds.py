"""Refunds: sent once, whatever is answered, and found again only where the payment shows them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from django_payments_hub.domain.statuses import Flow, MethodKind, RefundStatus
from django_payments_hub.exceptions import Misconfigured, OutcomeUnknown, ProviderError, Refused
from tests.providers.jazzcash.harness import (
    AMOUNT,
    MERCHANT,
    MPIN,
    PASSWORD,
    REFERENCE,
    SALT,
    hash_of,
    long_ago,
    refund_look_up,
    refund_request,
)

WALLET = "/ApplicationAPI/API/Purchase/domwalletrefundtransaction"
CARD = "/ApplicationAPI/API/authorize/Refund"
BY_CARD: dict[str, Any] = {"flow": Flow.HOSTED, "method_kind": MethodKind.CREDIT_CARD}
BY_ANY: dict[str, Any] = {"flow": Flow.HOSTED, "method_kind": None}


def done(server, code="000"):
    server.answers_with(pp_ResponseCode=code, pp_ResponseMessage="As JazzCash would put it.")


@pytest.mark.parametrize("minor", [AMOUNT, 400])
def test_a_wallet_refund_needs_the_merchants_mpin(jazzcash, jazzcash_server, minor):
    done(jazzcash_server)
    request = refund_request(minor)
    fact = jazzcash.refund(request).fact
    sent = jazzcash_server.last
    assert jazzcash_server.paths == [WALLET]
    assert sent == {
        "pp_TxnRefNo": REFERENCE,
        "pp_Amount": str(minor),
        "pp_TxnCurrency": "PKR",
        "pp_MerchantID": MERCHANT,
        "pp_Password": PASSWORD,
        "pp_MerchantMPIN": MPIN,
        "pp_SecureHash": hash_of(sent, SALT),
    }
    assert (fact.status, fact.amount_minor, fact.currency) == (RefundStatus.COMPLETED, minor, "PKR")
    assert (fact.reference, fact.provider_refund_id) == (request.refund_reference, request.refund_reference)
    assert fact.payment_reference == REFERENCE


def test_a_card_refund_goes_another_way_and_without_the_mpin(jazzcash, jazzcash_server):
    done(jazzcash_server)
    jazzcash.refund(refund_request(**BY_CARD))
    assert jazzcash_server.paths == [CARD]
    assert "pp_MerchantMPIN" not in jazzcash_server.last


@pytest.mark.parametrize(
    ("generation", "wallet", "card"),
    [
        ("pgw", "/api/Purchase/domwalletrefundtransaction", CARD),
        (
            "orchestrator",
            "/api/v1/rest/payments/m-wallet/refund",
            "/api/v1/rest/payments/mpgs/v2.0/authorize/refund",
        ),
    ],
)
def test_each_generation_has_its_own_paths(connect, jazzcash_server, generation, wallet, card):
    provider = connect(GENERATION=generation)
    for request in (refund_request(), refund_request(**BY_CARD)):
        done(jazzcash_server)
        provider.refund(request)
    assert jazzcash_server.paths == [wallet, card]


@pytest.mark.parametrize("code", ["132", "109"])
def test_where_nobody_knows_what_was_paid_with_the_refused_way_is_followed_by_the_other(
    jazzcash, jazzcash_server, code
):
    done(jazzcash_server, code)
    done(jazzcash_server)
    assert jazzcash.refund(refund_request(**BY_ANY)).fact.status is RefundStatus.COMPLETED
    assert jazzcash_server.paths == [CARD, WALLET]


@pytest.mark.parametrize("code", ["199", "131", "402", "101"])
def test_the_other_way_is_not_tried_where_the_first_may_have_worked_or_was_refused_for_good(
    jazzcash, jazzcash_server, code
):
    done(jazzcash_server, code)
    with pytest.raises(ProviderError):
        jazzcash.refund(refund_request(**BY_ANY))
    assert jazzcash_server.paths == [CARD]


@pytest.mark.parametrize("code", ["001", "002", "003", "004", "024", "060", "105", "109", "132", "402"])
def test_a_refusal_is_said_once_and_not_tried_again(jazzcash, jazzcash_server, code):
    done(jazzcash_server, code)
    with pytest.raises(Refused) as caught:
        jazzcash.refund(refund_request())
    assert (caught.value.code, caught.value.provider_code) == ("refund_refused", code)
    assert len(jazzcash_server.asked) == 1


@pytest.mark.parametrize("code", ["131", "119", "121", "122", "157", "199", "999", "118", "134", "058", "777"])
def test_what_is_neither_done_nor_refused_is_not_known(jazzcash, jazzcash_server, code):
    done(jazzcash_server, code)
    with pytest.raises(OutcomeUnknown):
        jazzcash.refund(refund_request())


@pytest.mark.parametrize(("code", "raised"), [("101", Misconfigured), ("115", Misconfigured), ("110", Refused)])
def test_what_is_wrong_with_the_account_or_the_request_is_told_as_that(jazzcash, jazzcash_server, code, raised):
    done(jazzcash_server, code)
    with pytest.raises(raised):
        jazzcash.refund(refund_request())


def test_without_an_mpin_or_for_a_voucher_nothing_is_sent(connect, jazzcash_server):
    provider = connect(MERCHANT_MPIN=None)
    for flow, kind, code in (
        (Flow.DIRECT, None, "merchant_mpin_missing"),
        (Flow.HOSTED, MethodKind.WALLET, "merchant_mpin_missing"),
        (Flow.HOSTED, MethodKind.VOUCHER, "unsupported_method_kind"),
    ):
        with pytest.raises(Refused) as caught:
            provider.refund(refund_request(flow=flow, method_kind=kind))
        assert caught.value.code == code
    assert jazzcash_server.asked == []


# -- in doubt ----------------------------------------------------------------------------------------------------------


def shows(server, code, status=""):
    server.answers_with(pp_ResponseCode="000", pp_PaymentResponseCode=code, pp_Status=status)


@pytest.mark.parametrize("minor", [AMOUNT, 400])
def test_a_refund_in_doubt_is_never_sent_again(jazzcash, jazzcash_server, minor):
    shows(jazzcash_server, "121", "Completed")
    with pytest.raises(OutcomeUnknown) as caught:
        jazzcash.refund(refund_request(minor, recovering=True, first_sent_at=long_ago(), may_arrive_until=long_ago()))
    assert caught.value.code == "refund_in_doubt"
    assert jazzcash_server.paths == ["/ApplicationAPI/API/PaymentInquiry/Inquire"]


def test_a_refund_in_doubt_of_the_whole_is_found_in_the_payment(jazzcash, jazzcash_server):
    shows(jazzcash_server, "131", "Refunded")
    request = refund_request(recovering=True)
    assert jazzcash.refund(request).fact.provider_refund_id == request.refund_reference


def test_131_proves_a_refund_of_the_whole_and_of_nothing_less(jazzcash, jazzcash_server):
    for minor, proven in ((AMOUNT, True), (400, False), (AMOUNT - 1, False), (0, False)):
        shows(jazzcash_server, "131", "Refunded")
        found = jazzcash.look_up_refund(refund_look_up(minor))
        assert (found is not None) is proven
        if found is not None:
            assert (found.status, found.amount_minor) == (RefundStatus.COMPLETED, AMOUNT)


def test_a_refund_that_does_not_show_may_still_do_so_for_a_while(jazzcash, jazzcash_server):
    for until, raises in ((datetime.now(UTC) - timedelta(minutes=5), True), (long_ago(), False)):
        shows(jazzcash_server, "121", "Completed")
        request = refund_look_up(may_arrive_until=until)
        if raises:
            with pytest.raises(OutcomeUnknown):
                jazzcash.look_up_refund(request)
        else:
            assert jazzcash.look_up_refund(request) is None


def test_a_refund_nobody_made_is_not_found(jazzcash, jazzcash_server):
    shows(jazzcash_server, "121", "Completed")
    assert jazzcash.look_up_refund(refund_look_up()) is None


def test_what_cannot_be_read_of_a_refund_decides_nothing(jazzcash, jazzcash_server):
    shows(jazzcash_server, "131", "Pending")
    with pytest.raises(OutcomeUnknown):
        jazzcash.look_up_refund(refund_look_up())
    jazzcash_server.answers_with(pp_ResponseCode="109")
    with pytest.raises(OutcomeUnknown):
        jazzcash.look_up_refund(refund_look_up())
    for trouble in (jazzcash_server.breaks_off, lambda: jazzcash_server.answers_raw(b"<html>Request Rejected</html>")):
        trouble()
        with pytest.raises(OutcomeUnknown):
            jazzcash.refund(refund_request())
