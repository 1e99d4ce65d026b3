"""JazzCash and EasyPaisa, in rupees: pages that begin with a form, phones that are asked, a voucher."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import httpx

from example_project.demo.people import Answer, Bought, Customer
from example_project.demo.report import DemoFailed, expect, step
from example_project.demo.story import Story, named, shown

_CARD = {"number": "5123 4567 8901 2346", "expiry": "12 / 34", "cvc": "123"}
_POOR_PHONE, _PHONE = "0312 0000004", "0312 5550101"
_CNIC = "42201-6918273-4"
_WAIT_S = 30.0


def tell(story: Story) -> None:
    """Every way to pay in Pakistan."""
    for part in (jazzcash_page, jazzcash_wallet, easypaisa_page, easypaisa_voucher):
        part(story)


def jazzcash_page(story: Story) -> None:
    """A card on JazzCash's page, to which the hub's own page posts the signed form."""
    story.chapter("JazzCash: a card on its page")
    order, page, begun = _posted(story, story.guest, "jazzcash", "ajrak-shawl")
    back = story.guest.send(page, method="MPAY", outcome="pay", **_CARD)
    story.arrived(story.guest.send(back), order, begun)
    story.settled(story.guest, begun, "completed", "pays by card, and comes back")
    story.payments["JazzCash"] = begun.body["id"]


def jazzcash_wallet(story: Story) -> None:
    """A wallet with too little in it, then another one, whose owner approves on his phone."""
    story.chapter("JazzCash: a wallet that is asked on the phone")
    order = story.buy(story.customer, "multani-bowl", 2)
    refused = _ask_phone(story, order, _POOR_PHONE)
    story.settled(story.customer, refused, "failed", "has too little in his first wallet")
    begun = _ask_phone(story, order, _PHONE)
    expect(begun.body["next_action"]["type"], "wait", "what the customer has to do")
    shown("customer", "is asked on his phone", begun)
    story.stack.sandbox.settle(_known_there(story, begun))
    story.settled(story.customer, begun, "completed", "types his PIN there; a notice makes the hub ask")
    story.payments["JazzCash wallet"] = begun.body["id"]


def easypaisa_page(story: Story) -> None:
    """EasyPaisa's page, which wants a second form before it takes the money."""
    story.chapter("EasyPaisa: its page, and the form that confirms")
    order, page, begun = _posted(story, story.customer, "easypaisa", "multani-bowl")
    confirmation = story.customer.send(page, method="MA", mobile="03451234567", outcome="pay")
    expect("/api/payments/return/" in str(confirmation.url), True, "the hub's second form")
    step("customer", "is led on by the hub, to confirm")
    story.arrived(story.customer.send(confirmation), order, begun)
    story.settled(story.customer, begun, "completed", "confirms, and comes back")
    story.payments["EasyPaisa"] = begun.body["id"]


def easypaisa_voucher(story: Story) -> None:
    """A voucher, paid in cash at a shop; part of it is given back by hand, with a proof."""
    story.chapter("EasyPaisa: a voucher, paid at a shop")
    order = story.buy(story.guest, "ajrak-shawl")
    begun = story.guest.post(
        "",
        order_id=order.id,
        account="easypaisa",
        flow="direct",
        method_kind="voucher",
        payer={"phone": "0345 5550101"},
    )
    expect(begun.status, 202, "the voucher that a worker asks for")
    told = _told(story.guest, begun)
    shown("guest", f"gets the number {told.body['next_action']['fields']['token']}", told)
    reference = _known_there(story, begun)
    story.stack.sandbox.settle(reference)
    story.settled(story.guest, begun, "completed", "pays at a shop; an unsigned hint makes the hub ask")
    _refund_by_hand(story, begun.body["id"], reference)


def _refund_by_hand(story: Story, payment_id: str, reference: str) -> None:
    asked = story.support.post(f"{payment_id}/refund/", amount="1250.00", reason="a thread was loose")
    expect((asked.status, asked.body["status"]), (202, "processing"), "the refund without an API")
    step("support", "refunds a part; EasyPaisa has no call for it", **named(asked.body))
    story.stack.sandbox.external_refund(reference, 1250_00)
    proof = {"paid_at": datetime.now(UTC).isoformat(), "note": "merchant portal, refund 0047"}
    sent = story.finance.post(f"refunds/{asked.body['id']}/proof/", **proof)
    expect((sent.status, sent.body["status"]), (200, "completed"), "the proof of the refund")
    step("finance", "makes it in the portal, and records the proof", **named(sent.body))


def _ask_phone(story: Story, order: Bought, phone: str) -> Answer:
    begun = story.customer.post(
        "",
        order_id=order.id,
        account="jazzcash",
        flow="direct",
        method_kind="wallet",
        payer={"phone": phone, "national_id": _CNIC},
    )
    expect(begun.status, 202, "the wallet that a worker asks")
    return begun


def _posted(story: Story, buyer: Customer, account: str, slug: str) -> tuple[Bought, httpx.Response, Answer]:
    """An order, and the provider's page, to which the form of the hub's page has led."""
    order = story.buy(buyer, slug)
    begun = buyer.post(
        "checkout/", order_id=order.id, account=account, return_url=order.thanks_url, cancel_url=order.page_url
    )
    expect((begun.status, begun.body["status"]), (201, "requires_action"), f"the checkout at {account}")
    expect(begun.body["next_action"]["type"], "form_post", "how the customer gets there")
    shown(buyer.name, "posts the hub's form to the provider's page", begun)
    page = buyer.submit(begun.body["next_action"]["url"])
    expect(page.status_code, httpx.codes.OK, "the provider's page")
    return order, page, begun


def _told(buyer: Customer, begun: Answer) -> Answer:
    """Wait until the worker has a number for the customer; the payment as it then stands."""
    deadline = time.monotonic() + _WAIT_S
    while True:
        found = buyer.get(f"{begun.body['id']}/")
        if (found.body["next_action"] or {}).get("type") == "instructions":
            return found
        if time.monotonic() > deadline:
            raise DemoFailed(f"Payment {begun.body['number']} is {found.body['status']}, and has no voucher.")
        time.sleep(0.3)


def _known_there(story: Story, begun: Answer) -> str:
    """Wait until the provider knows the payment; the name it has there."""
    deadline = time.monotonic() + _WAIT_S
    while not (name := story.support.get(f"{begun.body['id']}/").body["provider_session_id"]):
        if time.monotonic() > deadline:
            raise DemoFailed(f"Payment {begun.body['number']} has not reached its provider.")
        time.sleep(0.2)
    return str(name)
