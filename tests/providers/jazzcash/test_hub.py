"""The hub over JazzCash: forms, returns and notices that prove nothing, refunds that are sent once."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import httpx
import pytest
from django.core import serializers
from django.utils import timezone

from django_payments_hub.domain.statuses import (
    Flow,
    InboxState,
    MethodKind,
    OperationState,
    PaymentStatus,
    RefundOrigin,
    RefundStatus,
)
from django_payments_hub.exceptions import Conflict, InvalidInput, OutcomeUnknown, Unsupported
from django_payments_hub.models import Operation, Payment, Refund, WebhookEvent
from django_payments_hub.services import accounts, orders, parked, payments, sweeper
from tests.providers.jazzcash.harness import hash_of
from tests.providers.jazzcash.world import (
    PAYS,
    ask_wallet,
    begin_hosted,
    come_back,
    converge,
    form_of,
    look,
    notice,
    paid,
    pay_on_page,
    refund,
    send,
    wish,
)
from tests.services import world
from tests.services.wallet import led_on
from tests.services.world import fresh

pytestmark = pytest.mark.django_db(transaction=True)

MPIN = "73915284"


@pytest.fixture
def merchant(sandbox_process):
    """The merchant as JazzCash knows him; the sandbox is empty but for him."""
    client = sandbox_process.client
    client.reset()
    known = client.settings("jazzcash")
    return client.deed("merchant", account=known["MERCHANT_ID"], mpin=MPIN)


@pytest.fixture
def sandbox(sandbox_process, merchant):
    return sandbox_process.client


@pytest.fixture(autouse=True)
def hub(settings, sandbox_process, merchant, no_worker):
    account = {
        "PROVIDER": "jazzcash",
        "MODE": "test",
        "API_BASE": sandbox_process.url_of("jazzcash"),
        "MERCHANT_ID": merchant["merchant_id"],
        "PASSWORD": merchant["password"],
        "INTEGRITY_SALTS": [merchant["integrity_salt"]],
        "MERCHANT_MPIN": MPIN,
    }
    known = settings.PAYMENTS_HUB
    settings.PAYMENTS_HUB = {**known, "ACCOUNTS": {"jazzcash": account}, "RETRY_BASE_S": 0.05, "WAKE_INTERVAL_S": 0.0}
    accounts.forget()
    yield settings.PAYMENTS_HUB
    accounts.forget()
    world.close_providers()


@pytest.fixture
def salt(merchant):
    return merchant["integrity_salt"]


def action_of(payment):
    return payment.next_action or {}


def calls(sandbox):
    return len(sandbox.calls(provider="jazzcash"))


# -- the hosted page ---------------------------------------------------------------------------------------------------


def test_a_customer_pays_on_the_page_and_comes_back(sandbox, merchant):
    payment = begin_hosted()
    assert (payment.status, action_of(payment)["type"]) == (PaymentStatus.REQUIRES_ACTION, "form_post")
    back = pay_on_page(sandbox, payment)
    answer = come_back(back)
    assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (303, "https://shop.example.com/thanks")
    assert fresh(payment).status == PaymentStatus.REQUIRES_ACTION, "coming back is no proof"
    sweeper.sweep()
    payment = fresh(payment)
    assert (payment.status, payment.captured_minor) == (PaymentStatus.COMPLETED, 12_50)


@pytest.mark.parametrize("outcome", ["fail", "cancel"])
def test_what_did_not_work_on_the_page_has_failed(sandbox, outcome):
    payment = begin_hosted()
    come_back(pay_on_page(sandbox, payment, outcome))
    sweeper.sweep()
    assert fresh(payment).status == PaymentStatus.FAILED


def test_the_password_is_on_the_hubs_page_and_nowhere_else(merchant, caplog):
    caplog.set_level(logging.DEBUG)
    payment = begin_hosted(method_kind=MethodKind.CREDIT_CARD)
    url, fields, _ = form_of(payment)
    assert (fields["pp_Password"], fields["pp_TxnType"]) == (merchant["password"], "MPAY")
    assert fields["pp_ReturnURL"] == "http://testserver/api/payments/return/jazzcash/"
    assert fields["pp_SecureHash"] == hash_of(fields, merchant["integrity_salt"])
    assert url.endswith("/CustomerPortal/transactionmanagement/merchantform/")
    kept = serializers.serialize("json", [*Payment.objects.all(), *Operation.objects.all()])
    assert merchant["password"] not in kept + json.dumps(payment.next_action) + "\n".join(caplog.messages)


def test_a_voucher_waits_at_the_counter_and_cannot_be_taken_back(sandbox):
    payment = begin_hosted(method_kind=MethodKind.VOUCHER)
    pay_on_page(sandbox, payment, "voucher")
    payment = look(payment)
    assert (payment.status, action_of(payment)["type"]) == (PaymentStatus.REQUIRES_ACTION, "instructions")
    assert action_of(payment)["fields"]["voucher_number"]
    with pytest.raises(Unsupported) as caught:
        payments.cancel(payment.pk)
    assert caught.value.code == "unsupported_cancel"
    sandbox.deed("settle", payment=payment.reference)
    assert look(payment).status == PaymentStatus.COMPLETED


def test_a_form_that_was_never_posted_can_be_given_up_and_money_that_comes_later_counts(sandbox):
    payment = begin_hosted()
    url_fields = form_of(payment)
    led_on(payment, seconds_ago=180)
    assert payments.cancel(payment.pk).status == PaymentStatus.CANCELLED
    assert httpx.post(url_fields[0], data=url_fields[1]).status_code == 303
    sandbox.deed("pay_session", session=payment.reference, outcome="succeed")
    assert look(payment).status == PaymentStatus.COMPLETED


def test_an_order_whose_customer_was_led_to_the_page_just_now_is_not_paid_twice(sandbox):
    # given a customer who has JazzCash's page open
    user = world.make_user()
    terms = orders.terms_of(world.make_order("12.50", user=user, currency="PKR"), user)
    payment = begin_hosted(terms=terms, user=user)
    url, fields, _ = form_of(payment)
    # when he begins to pay in another tab, or takes the payment back
    for another in (lambda: begin_hosted(terms=terms, user=user), lambda: payments.cancel(payment.pk)):
        with pytest.raises(Conflict) as caught:
            another()
        assert caught.value.code == "payment_in_progress"
    # then he pays on the page that he has, which is there again when he loads it anew
    assert form_of(payment)[0] == url
    assert httpx.post(url, data=fields).status_code == 303
    sandbox.deed("pay_session", session=payment.reference, outcome="succeed")
    assert look(payment).status == PaymentStatus.COMPLETED
    assert Payment.objects.count() == 1


# -- bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "error", "code"),
    [
        ({"currency": "USD"}, Unsupported, "unsupported_currency"),
        ({"method_kind": MethodKind.VOUCHER}, Unsupported, "unsupported_method_kind"),
        ({"method_kind": MethodKind.CREDIT_CARD}, Unsupported, "unsupported_method_kind"),
        ({"flow": Flow.TOKEN, "method_token": "x"}, Unsupported, "unsupported_flow"),
        ({"payer": {}}, InvalidInput, "invalid_phone"),
        ({"payer": {"phone": "12345"}}, InvalidInput, "invalid_phone"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(sandbox, wanted, error, code):
    with pytest.raises(error) as caught:
        payments.create(wish(**wanted))
    assert caught.value.code == code
    assert not Payment.objects.exists()
    assert calls(sandbox) == 0


# -- notices -----------------------------------------------------------------------------------------------------------


def test_a_genuine_notice_is_acknowledged_signed_and_makes_the_hub_ask(sandbox, salt):
    payment = ask_wallet()
    assert action_of(payment)["type"] == "wait"
    sandbox.deed("settle", payment=payment.reference)
    answer = send(notice(payment, salt))
    said = json.loads(answer.content)
    assert (answer.status_code, said["pp_ResponseCode"]) == (200, "000")
    assert said["pp_SecureHash"] == hash_of(said, salt)
    assert fresh(payment).status == PaymentStatus.COMPLETED
    assert "password-in-clear" not in WebhookEvent.objects.get().body


@pytest.mark.parametrize("code", ["000", "121"])
def test_a_forged_notice_is_refused_and_nobody_asks(sandbox, salt, code):
    payment = ask_wallet()
    before = calls(sandbox)
    for body in (
        notice(payment, "another-salt", code),
        {**notice(payment, salt, "199"), "pp_ResponseCode": code},
        {**notice(payment, salt, code), "pp_Amount": "1"},
        {"pp_TxnRefNo": payment.reference, "pp_ResponseCode": code},
    ):
        answer = send(body)
        assert answer.status_code == 400
        assert answer.json()["error_code"] in ("invalid_signature", "missing_signature")
    assert not WebhookEvent.objects.exists()
    assert calls(sandbox) == before
    assert fresh(payment).status == PaymentStatus.REQUIRES_ACTION


@pytest.mark.parametrize("code", ["000", "121", "131"])
def test_a_signed_notice_of_a_payment_that_was_not_paid_pays_nothing(salt, code):
    payment = ask_wallet()
    assert send(notice(payment, salt, code)).status_code == 200
    payment = fresh(payment)
    assert (payment.status, payment.captured_minor) == (PaymentStatus.REQUIRES_ACTION, 0)
    assert WebhookEvent.objects.get().state == InboxState.PROCESSED


def test_a_notice_that_comes_twice_or_late_changes_nothing(sandbox, salt):
    payment = paid(sandbox)
    changed_at = fresh(payment).updated_at
    for _ in range(2):
        assert send(notice(payment, salt)).status_code == 200
    send(notice(payment, salt, "199"))
    assert WebhookEvent.objects.count() == 2
    payment = fresh(payment)
    assert (payment.status, payment.updated_at, payment.attention_code) == (PaymentStatus.COMPLETED, changed_at, "")


def test_a_notice_of_a_payment_nobody_knows_is_kept(salt):
    payment = ask_wallet()
    send(notice(payment, salt, pp_TxnRefNo="T00000000000000000000"[:20]))
    assert WebhookEvent.objects.get().state == InboxState.UNMATCHED


# -- returns -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"pp_ResponseCode": "121"},
        {"pp_Amount": "1"},
        {"pp_MerchantID": "MC1"},
        {"pp_SecureHash": ""},
        {"pp_SecureHash": "PAID"},
    ],
    ids=str,
)
def test_a_forged_return_leads_nowhere_and_nobody_asks(sandbox, changed):
    payment = begin_hosted()
    back = pay_on_page(sandbox, payment, "cancel")
    before = calls(sandbox)
    assert come_back({**back, **changed}).status_code == 404
    assert calls(sandbox) == before
    assert fresh(payment).expiry_attempt_at is None


def test_a_signed_return_that_says_paid_is_no_proof(salt):
    payment = begin_hosted()
    form = {"pp_TxnRefNo": payment.reference, "pp_ResponseCode": "000", "pp_Amount": "1250"}
    assert come_back({**form, "pp_SecureHash": hash_of(form, salt)}).status_code == 303
    sweeper.sweep()
    assert fresh(payment).status == PaymentStatus.REQUIRES_ACTION


def test_a_return_sent_to_the_webhook_only_makes_the_hub_ask(sandbox):
    payment = begin_hosted()
    back = pay_on_page(sandbox, payment, "cancel")
    assert send(dict(back)).status_code == 200
    assert fresh(payment).status == PaymentStatus.FAILED


# -- what JazzCash says ------------------------------------------------------------------------------------------------


def test_a_wallet_that_approves_at_once_is_paid(sandbox):
    payment = ask_wallet(PAYS)
    assert (payment.status, payment.method_kind) == (PaymentStatus.COMPLETED, "wallet")


def test_a_question_that_went_well_about_a_payment_that_failed(sandbox):
    payment = ask_wallet()
    sandbox.deed("fail", payment=payment.reference, code="004")
    payment = look(payment)
    assert (payment.status, payment.failure_code) == (PaymentStatus.FAILED, "insufficient_funds")


@pytest.mark.parametrize("code", ["199", "999"])
def test_a_system_error_decides_nothing_until_it_is_asked_about(code):
    payment = ask_wallet(f"03120000{code}")
    assert payment.status == PaymentStatus.PROCESSING
    converge()
    assert fresh(payment).status == PaymentStatus.FAILED


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_firewalls_page_decides_nothing_and_the_wallet_is_asked_once(sandbox, when):
    sandbox.fault("waf", operation="wallet.pay", provider="jazzcash", when=when)
    payment = ask_wallet(PAYS)
    assert payment.status == PaymentStatus.PROCESSING
    converge()
    payment = fresh(payment)
    assert payment.status == (PaymentStatus.COMPLETED if when == "after" else PaymentStatus.FAILED)
    made = [call for call in sandbox.calls(provider="jazzcash") if call["operation"] == "wallet.pay"]
    assert len(made) == 1


def test_a_reversal_of_what_was_never_captured_is_no_payment(sandbox):
    awaiting, reversed_one = ask_wallet(), ask_wallet()
    for payment, status in ((awaiting, "awaiting"), (reversed_one, "reversed")):
        sandbox.deed("settle", payment=payment.reference)
        sandbox.deed("reverse", payment=payment.reference, status=status)
    with pytest.raises(OutcomeUnknown):
        look(awaiting)
    assert fresh(awaiting).captured_minor == 0
    assert look(reversed_one).status == PaymentStatus.FAILED


def test_a_reversal_of_what_was_captured_gives_the_whole_back(sandbox):
    payment = paid(sandbox)
    sandbox.deed("reverse", payment=payment.reference, status="awaiting")
    assert look(payment).status == PaymentStatus.COMPLETED
    sandbox.deed("reverse", payment=payment.reference, status="reversed")
    assert look(payment).status == PaymentStatus.REFUNDED


def test_a_wallet_nobody_answers_for_expires(sandbox):
    payment = ask_wallet()
    past = timezone.now() - timedelta(hours=1)
    Payment.objects.filter(pk=payment.pk).update(expires_at=past)
    sweeper.sweep()
    assert fresh(payment).status == PaymentStatus.EXPIRED


# -- refunds -----------------------------------------------------------------------------------------------------------


def test_parts_and_the_rest_are_given_back(sandbox):
    payment = paid(sandbox)
    assert refund(payment, "4.00").status == RefundStatus.COMPLETED
    assert refund(payment, "8.50").status == RefundStatus.COMPLETED
    payment = look(payment)
    assert (payment.status, payment.refunded_minor, payment.excess_minor) == (PaymentStatus.REFUNDED, 12_50, 0)
    assert Refund.objects.count() == 2, "131 is told of what the hub knows already"


def test_what_the_portal_gave_back_besides_is_recorded(sandbox):
    payment = paid(sandbox)
    refund(payment, "4.00")
    sandbox.external_refund(payment.reference, 8_50)
    for _ in range(2):
        payment = look(payment)
        assert (payment.status, payment.refunded_minor, payment.excess_minor) == (PaymentStatus.REFUNDED, 12_50, 0)
    assert sorted(Refund.objects.values_list("origin", "amount_minor")) == [("hub", 400), ("provider", 850)]


@pytest.mark.parametrize("kind", [MethodKind.CREDIT_CARD, None])
def test_what_was_paid_by_card_is_given_back_by_the_other_call(sandbox, kind):
    payment = begin_hosted(method_kind=kind)
    pay_on_page(sandbox, payment)
    payment = look(payment)
    assert refund(payment, "4.00").status == RefundStatus.COMPLETED
    operations = [call["operation"] for call in sandbox.calls(provider="jazzcash")]
    assert "refund.card" in operations


def test_a_wrong_mpin_is_a_refusal_and_is_not_tried_again(sandbox, merchant):
    payment = paid(sandbox)
    sandbox.deed("merchant", account=merchant["merchant_id"], mpin="00000000")
    row = refund(payment, "4.00")
    converge()
    row.refresh_from_db()
    assert (row.status, Operation.objects.latest("created_at").provider_code) == (RefundStatus.FAILED, "024")
    made = [call for call in sandbox.calls(provider="jazzcash") if call["operation"] == "refund.wallet"]
    assert len(made) == 1
    assert fresh(payment).refund_reserved_minor == 0


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_part_in_doubt_is_never_sent_again_and_waits_for_a_person(sandbox, when):
    payment = paid(sandbox)
    sandbox.fault("reset", operation="refund.wallet", provider="jazzcash", when=when)
    row = refund(payment, "4.00")
    assert row.status == RefundStatus.PROCESSING
    converge()
    operation = Operation.objects.latest("created_at")
    assert (operation.state, operation.next_attempt_at) == (OperationState.UNKNOWN, None)
    assert operation.attention_code == "key_window_passed"
    made = [call for call in sandbox.calls(provider="jazzcash") if call["operation"] == "refund.wallet"]
    assert len(made) == 1
    assert fresh(payment).refund_reserved_minor == 400, "it may have happened"
    # a person has looked it up in the portal
    parked.declare_not_happened(operation.pk, reason="not in the portal")
    row.refresh_from_db()
    assert (row.status, fresh(payment).refund_reserved_minor) == (RefundStatus.FAILED, 0)


def test_a_refund_of_the_whole_in_doubt_is_found_in_the_payment(sandbox):
    payment = paid(sandbox)
    sandbox.fault("reset", operation="refund.wallet", provider="jazzcash", when="after")
    row = refund(payment)
    converge()
    row.refresh_from_db()
    assert row.status == RefundStatus.COMPLETED
    assert (fresh(payment).status, Refund.objects.count()) == (PaymentStatus.REFUNDED, 1)


def test_a_refund_in_the_portal_is_recorded_where_it_is_of_the_whole(sandbox):
    payment = paid(sandbox)
    sandbox.external_refund(payment.reference, 12_50)
    payment = look(payment)
    (row,) = Refund.objects.all()
    assert (row.origin, row.amount_minor, payment.status) == (RefundOrigin.PROVIDER, 12_50, PaymentStatus.REFUNDED)
