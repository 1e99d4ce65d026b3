"""The other ways to pay: a saved card, PayPal's and Square's pages, a bank transfer."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx

from example_project.demo.books import Sums
from example_project.demo.people import Answer, Bought, Customer
from example_project.demo.report import expect, step
from example_project.demo.story import Story, named, shown

_SQUARE_CARD = {"number": "4111 1111 1111 1111", "expiry": "12 / 34", "cvv": "111", "postal_code": "94103"}


def tell(story: Story) -> None:
    """Everything that is not a card typed in anew at one provider."""
    for part in (saved_card, paypal, paypal_declined, square_card, square_page, bank_transfer):
        part(story)


def saved_card(story: Story) -> None:
    """Save a card with a payment, and pay the next order with it."""
    story.chapter("A card that is saved, and used again")
    first = story.buy(story.customer, "field-notebook")
    paid = story.pay(first, "pm_card_visa", save_payment_method=True)
    expect((paid.status, paid.body["status"]), (201, "completed"), "the payment that saves the card")
    shown("customer", "pays, and lets the card be saved", paid)
    (saved,) = story.customer.get("methods/").body["results"]
    step("customer", f"finds it: {saved['brand']} {saved['last4']}, {saved['expiry_month']}/{saved['expiry_year']}")
    again = story.customer.post("", order_id=story.buy(story.customer, "coffee-beans").id, payment_method=saved["id"])
    expect((again.status, again.body["status"]), (201, "completed"), "the payment with the saved card")
    shown("customer", "pays the next order with it, typing nothing", again)
    story.payments["saving card"], story.payments["saved card"] = paid.body["id"], again.body["id"]


def paypal(story: Story) -> None:
    """Approve at PayPal, come back; the hub captures what was approved."""
    story.chapter("PayPal: approved on its page, captured by the hub")
    order, begun = _hosted(story, story.customer, "paypal", "desk-lamp")
    page = _approve(story.customer, begun.body["next_action"]["url"], "pays")
    story.arrived(page, order, begun)
    story.settled(story.customer, begun, "completed", "approves at PayPal; a worker captures")
    story.payments["PayPal"] = begun.body["id"]


def paypal_declined(story: Story) -> None:
    """A funding source that PayPal refuses: the buyer is led back, and takes another."""
    story.chapter("PayPal: a funding source that is refused, and another")
    order, begun = _hosted(story, story.guest, "paypal", "stoneware-mug")
    _approve(story.guest, begun.body["next_action"]["url"], "declined")
    refused = story.waits_for_action(story.guest, begun)
    expect(refused.body["failure"]["code"] != "", True, "a failure that is named")
    shown("guest", "approves; PayPal refuses his bank", refused)
    page = _approve(story.guest, refused.body["next_action"]["url"], "pays")
    story.arrived(page, order, begun)
    story.settled(story.guest, begun, "completed", "takes another, and comes back")
    story.payments["PayPal again"] = begun.body["id"]


def square_card(story: Story) -> None:
    """A card typed into Square's own field; the browser hands over a nonce."""
    story.chapter("Square: a card in the shop's own page")
    order = story.buy(story.customer, "coffee-beans", 2)
    paid = story.customer.post(
        "", order_id=order.id, account="square", flow="token", payment_method_token="cnon:card-nonce-ok"
    )
    expect((paid.status, paid.body["status"]), (201, "completed"), "the payment at Square")
    shown("customer", "pays by card (cnon:card-nonce-ok)", paid)
    story.payments["Square"] = paid.body["id"]


def square_page(story: Story) -> None:
    """Square's page, by payment link."""
    story.chapter("Square: a payment link")
    order, begun = _hosted(story, story.guest, "square", "field-notebook", 3)
    page = story.guest.submit(begun.body["next_action"]["url"], email="guest@example.com", **_SQUARE_CARD)
    story.arrived(page, order, begun)
    story.settled(story.guest, begun, "completed", "pays on Square's page, and comes back")
    story.payments["Square link"] = begun.body["id"]


def bank_transfer(story: Story) -> None:
    """The customer is told what to quote; finance finds it in the bank's statement, and part of it goes back."""
    story.chapter("A bank transfer, recorded by finance")
    order = story.buy(story.customer, "wool-blanket")
    begun = story.customer.post("", order_id=order.id, account="manual", method_kind="bank_transfer")
    expect((begun.status, begun.body["next_action"]["type"]), (201, "instructions"), "the bank transfer")
    reference = begun.body["next_action"]["fields"]["reference"]
    shown("customer", f"is asked to quote {reference}", begun)
    arrived = {"received_at": datetime.now(UTC).isoformat(), "note": f"statement 47, line 3: {reference}"}
    wrong = story.finance.post(f"{begun.body['id']}/receipt/", amount="100.00", **arrived)
    expect((wrong.status, wrong.body["error_code"]), (422, "amount_differs"), "a receipt of another amount")
    step("finance", "records another amount than asked, and is refused", status="422 amount_differs")
    paid = story.finance.post(f"{begun.body['id']}/receipt/", amount="149.95", **arrived)
    expect((paid.status, paid.body["status"]), (200, "completed"), "the receipt")
    step("finance", "records what the bank's statement shows", **named(paid.body, "captured"))
    _refund_by_hand(story, begun.body["id"])
    story.by_hand[begun.body["id"]] = Sums(currency="USD", captured=14995, refunded=4995)


def _refund_by_hand(story: Story, payment_id: str) -> None:
    asked = story.support.post(f"{payment_id}/refund/", amount="49.95", reason="a pulled thread")
    expect((asked.status, asked.body["status"]), (202, "processing"), "the refund by hand")
    step("support", "refunds a part; it waits for a transfer", **named(asked.body))
    proof = {"paid_at": datetime.now(UTC).isoformat(), "note": "transfer 2026-0047"}
    sent = story.finance.post(f"refunds/{asked.body['id']}/proof/", **proof)
    expect((sent.status, sent.body["status"]), (200, "completed"), "the proof of the refund")
    step("finance", "transfers it, and records the proof", **named(sent.body))


def _hosted(story: Story, buyer: Customer, account: str, slug: str, quantity: int = 1) -> tuple[Bought, Answer]:
    order = story.buy(buyer, slug, quantity)
    begun = buyer.post(
        "checkout/", order_id=order.id, account=account, return_url=order.thanks_url, cancel_url=order.page_url
    )
    expect((begun.status, begun.body["status"]), (201, "requires_action"), f"the checkout at {account}")
    shown(buyer.name, "goes to the provider's page", begun)
    return order, begun


def _approve(buyer: Customer, url: str, account: str) -> httpx.Response:
    return buyer.submit(url, buyer=account, outcome="approve")
