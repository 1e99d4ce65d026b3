"""The IPN: a GET that names an address to ask, signed by nobody."""

import pytest

from tests.sandbox.easypaisa.conftest import POOR, STORE, UNDECIDED, query


@pytest.fixture
def listening(shop, sandbox, receiver):
    sandbox.deed("store", account=STORE, ipn_url=f"{receiver.url}?shop=1")
    sandbox.policy(retry_scale=0.01)
    return shop


def test_a_payment_is_told_by_the_address_of_its_status(listening, receiver):
    order = listening.pay()["orderId"]
    (heard,) = receiver.wait_for(1)
    told = query(heard.path)
    account = listening.known["account_num"]
    assert (told["shop"], heard.body) == ("1", b"")
    assert told["url"] == f"{listening.base}/easypay-service/rest/v1/order-status/{account}/{order}"
    status = listening.http.get(told["url"]).json()
    assert status == {"order_id": order, "transaction_status": "PAID"}


def test_only_what_is_paid_is_told(listening, sandbox, receiver):
    listening.pay(POOR)
    waits = listening.pay(UNDECIDED)["orderId"]
    voucher = listening.voucher()["orderId"]
    assert (sandbox.wait_idle(), receiver.heard) == (True, [])
    for order in (waits, voucher):
        sandbox.settle(order)
    told = [query(heard.path)["url"].rpartition("/")[2] for heard in receiver.wait_for(2)]
    assert told == [waits, voucher]


def test_a_refusal_brings_another_try(listening, sandbox, receiver):
    receiver.answers = [500, 503]
    listening.pay()
    receiver.wait_for(3)
    assert sandbox.wait_idle()
    assert [one["status"] for one in sandbox.deliveries()] == [500, 503, 200]


def test_notices_are_held_doubled_and_sent_again(listening, sandbox, receiver):
    sandbox.policy(hold=True)
    listening.pay()
    (held,) = sandbox.held()
    assert (held["type"], receiver.heard) == ("ipn.PAID", [])
    assert sandbox.send(held["event_id"], times=2) == [200, 200]
    assert sandbox.flush() == 1
    assert len({heard.path for heard in receiver.wait_for(3)}) == 1


def test_a_store_without_an_address_hears_nothing(shop, sandbox):
    shop.pay()
    assert (sandbox.wait_idle(), sandbox.deliveries()) == (True, [])


@pytest.mark.parametrize("place", ["1/ORDER-0001", "{account}/ORDER-9999", "{account}"])
def test_the_status_of_nothing(shop, place):
    shop.pay()
    url = f"{shop.base}/easypay-service/rest/v1/order-status/{place.format(account=shop.known['account_num'])}"
    assert shop.http.get(url).json()["responseCode"] == "0003"
