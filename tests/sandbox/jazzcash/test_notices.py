"""The IPN: what it tells, that it wants a signed acknowledgement, and how often it is tried."""

import json

import pytest

from tests.sandbox.jazzcash.conftest import MERCHANT, POOR, UNDECIDED, secure_hash
from tests.sandbox.receiver import wait_until

ACK = {"pp_ResponseCode": "000", "pp_ResponseMessage": "Success"}


@pytest.fixture
def listening(shop, sandbox, receiver):
    sandbox.deed("merchant", account=MERCHANT, ipn_url=receiver.url)
    sandbox.policy(retry_scale=0.01)
    receiver.reply = shop.acknowledge
    return shop


def test_a_payment_is_told_without_amount_and_merchant_but_with_the_password(listening, receiver):
    paid = listening.wallet()
    (heard,) = receiver.wait_for(1)
    told = heard.event
    assert set(told) == {
        "pp_Version", "pp_TxnType", "pp_BankID", "pp_ProductID", "pp_Password", "pp_TxnRefNo", "pp_TxnDateTime",
        "pp_ResponseCode", "pp_ResponseMessage", "pp_AuthCode", "pp_SettlementExpiry", "pp_RetreivalReferenceNo",
        "pp_SecureHash",
    }  # fmt: skip
    assert (told["pp_ResponseCode"], told["pp_TxnRefNo"]) == ("121", paid["pp_TxnRefNo"])
    assert (told["pp_Password"], told["pp_ProductID"]) == (listening.known["password"], None)
    assert told["pp_RetreivalReferenceNo"] == paid["pp_RetreivalReferenceNo"]
    assert told["pp_SecureHash"].lower() == secure_hash(listening.salt, told)


def test_whatever_becomes_of_a_payment_is_told(listening, sandbox, receiver):
    waits = [listening.wallet(UNDECIDED)["pp_TxnRefNo"] for _ in range(3)]
    assert listening.wallet(POOR)["pp_ResponseCode"] == "004"
    sandbox.settle(waits[0])
    sandbox.deed("fail", payment=waits[1], code="199")
    sandbox.deed("expire", payment=waits[2])
    sandbox.deed("reverse", payment=waits[0], status="awaiting")
    sandbox.deed("reverse", payment=waits[0])
    paid = listening.wallet()["pp_TxnRefNo"]
    listening.refund(paid, 1000)  # a part of it changes nothing
    listening.refund(paid, 124000)
    codes = [heard.event["pp_ResponseCode"] for heard in receiver.wait_for(8)]
    assert codes == ["004", "121", "199", "134", "119", "122", "121", "131"]
    assert sandbox.wait_idle()
    assert len(receiver.heard) == 8


def unsigned(_heard):
    return json.dumps(ACK).encode()


def no_json(_heard):
    return b"OK"


def by_another_salt(_heard):
    return json.dumps({**ACK, "pp_SecureHash": secure_hash("another", ACK)}).encode()


def sorry(shop):
    fields = {**ACK, "pp_ResponseCode": "999"}
    return lambda _heard: json.dumps({**fields, "pp_SecureHash": secure_hash(shop.salt, fields)}).encode()


@pytest.mark.parametrize("reply", [unsigned, no_json, by_another_salt, sorry])
def test_what_is_no_acknowledgement_brings_two_more_tries(listening, sandbox, receiver, reply):
    receiver.reply = reply(listening) if reply is sorry else reply
    listening.wallet()
    receiver.wait_for(3)
    assert sandbox.wait_idle()
    tries = sandbox.deliveries()
    assert [(one["attempt"], one["status"]) for one in tries] == [(1, 200), (2, 200), (3, 200)]
    assert all("acknowledgement" in one["error"] for one in tries)
    assert len({heard.body for heard in receiver.heard}) == 1


def test_a_refusal_brings_a_second_try_and_an_acknowledgement_ends_it(listening, sandbox, receiver):
    receiver.answers = [500]
    listening.wallet()
    receiver.wait_for(2)
    assert sandbox.wait_idle()
    assert [one["status"] for one in sandbox.deliveries()] == [500, 200]


def test_notices_are_held_doubled_and_sent_again(listening, sandbox, receiver):
    sandbox.policy(hold=True)
    listening.wallet()
    (held,) = sandbox.held()
    assert (held["type"], receiver.heard) == ("ipn.121", [])
    assert sandbox.send(held["event_id"], times=2) == [200, 200]
    assert sandbox.flush() == 1
    assert len({heard.body for heard in receiver.wait_for(3)}) == 1


def test_a_merchant_without_an_address_hears_nothing(shop, sandbox):
    shop.wallet()
    assert (sandbox.wait_idle(), sandbox.deliveries()) == (True, [])


def test_a_page_tells_too(listening, receiver):
    fields = listening.pay(listening.form(), outcome="succeed")
    (heard,) = receiver.wait_for(1)
    assert (heard.event["pp_TxnRefNo"], heard.event["pp_TxnType"]) == (fields["pp_TxnRefNo"], "MPAY")


class TestForging:
    def test_signs_with_any_salt(self, shop, sandbox, receiver):
        receiver.reply = shop.acknowledge
        sandbox.forge(receiver.url, "a-salt", {"pp_TxnRefNo": "T1", "pp_ResponseCode": "121"}, provider="jazzcash")
        (heard,) = receiver.wait_for(1)
        assert heard.event["pp_SecureHash"].lower() == secure_hash("a-salt", heard.event)

    @pytest.mark.parametrize(("secret", "payload"), [("", '{"pp_SecureHash": "x"}'), ("a-salt", "no json")])
    def test_leaves_a_payload_as_it_is(self, sandbox, receiver, secret, payload):
        sandbox.forge(receiver.url, secret, payload, provider="jazzcash")
        wait_until(lambda: len(receiver.heard) == 1)
        assert receiver.heard[0].body.decode() == payload
