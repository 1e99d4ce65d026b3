"""Cards, through the token, hosted and client flows of one account."""

from __future__ import annotations

import uuid

import httpx

from example_project.demo.people import Answer
from example_project.demo.report import expect, step
from example_project.demo.story import Story, named, shown
from example_project.merchants import PUBLISHABLE_KEY

_GOOD_CARD, _POOR_CARD = "4242 4242 4242 4242", "4000 0000 0000 9995"


def tell(story: Story) -> None:
    """Every way to pay by card."""
    for part in (card, decline, three_d_secure, authorise_and_capture, hosted_checkout, client_secret):
        part(story)


def card(story: Story) -> None:
    """A success, and the same click twice."""
    story.chapter("A card payment")
    order = story.buy(story.customer, "stoneware-mug")
    key = str(uuid.uuid4())
    first = story.pay(order, "pm_card_visa", key=key)
    expect((first.status, first.body["status"]), (201, "completed"), "the card payment")
    shown("customer", "pays by card (pm_card_visa)", first)
    again = story.pay(order, "pm_card_visa", key=key)
    expect(again.body["id"], first.body["id"], "the second click, with the same Idempotency-Key")
    shown("customer", "clicks twice: the same key, the same payment", again)
    story.payments["card"] = first.body["id"]


def decline(story: Story) -> None:
    """A card without funds, then another one for the same order."""
    story.chapter("A decline, and another card")
    order = story.buy(story.customer, "field-notebook", 2)
    declined = story.pay(order, "pm_card_visa_chargeDeclinedInsufficientFunds")
    expect((declined.status, declined.body["error_code"]), (402, "insufficient_funds"), "the declined card")
    payment = declined.body["payment"]
    expect(payment["status"], "failed", "the declined payment")
    shown("customer", "pays with a card without funds", Answer(status=402, body=payment))
    step("", f'is told: "{declined.body["error_message"]}"', status="402")
    paid = story.pay(order, "pm_card_mastercard")
    expect((paid.status, paid.body["status"]), (201, "completed"), "the second card")
    shown("customer", "pays with another card", paid)
    story.payments["second card"] = paid.body["id"]


def three_d_secure(story: Story) -> None:
    """The bank asks the customer; he comes back through the hub."""
    story.chapter("A card that asks for 3-D Secure")
    order = story.buy(story.customer, "wool-blanket")
    begun = story.pay(order, "pm_card_threeDSecure2Required", return_url=order.thanks_url)
    expect(begun.body["status"], "requires_action", "the payment before 3-D Secure")
    shown("customer", "pays by card; the bank asks who he is", begun)
    page = story.customer.submit(begun.body["next_action"]["url"], outcome="complete")
    story.arrived(page, order, begun)
    story.settled(story.customer, begun, "completed", "confirms on the bank's page, and comes back")
    story.payments["3-D Secure"] = begun.body["id"]


def authorise_and_capture(story: Story) -> None:
    """Hold the money, take a part of it, and let the rest go."""
    story.chapter("Authorise now, capture a part later")
    order = story.buy(story.customer, "desk-lamp", 2)
    held = story.pay(order, "pm_card_amex", capture_method="manual")
    expect((held.status, held.body["status"]), (201, "authorized"), "the authorisation")
    shown("customer", "reserves the price", held)
    refused = story.support.post(f"{held.body['id']}/capture/", amount="89.00")
    expect((refused.status, refused.body["error_code"]), (403, "permission_denied"), "a capture by support")
    step("support", "may not capture", status="403 permission_denied")
    taken = story.finance.post(f"{held.body['id']}/capture/", amount="89.00")
    expect((taken.status, taken.body["status"]), (200, "completed"), "the capture")
    expect((taken.body["captured"], taken.body["capturable"]), ("89.00", "0.00"), "the captured amounts")
    step("finance", "captures one of two; the rest is released", **named(taken.body, "captured"))
    story.payments["captured"] = held.body["id"]


def hosted_checkout(story: Story) -> None:
    """A guest pays in yen on the provider's page; his first card is refused there."""
    story.chapter("A guest at the hosted checkout, in yen")
    order = story.buy(story.guest, "kyoto-prints", 2)
    begun = story.guest.post(
        "checkout/",
        order_id=order.id,
        account="stripe",
        return_url=order.thanks_url,
        cancel_url=order.page_url,
    )
    expect((begun.status, begun.body["status"]), (201, "requires_action"), "the checkout")
    shown("guest", "goes to the provider's page", begun)
    card = {"email": "guest@example.com", "expiry": "12 / 34", "cvc": "123", "name": "G. Uest"}
    page = story.guest.submit(begun.body["next_action"]["url"], number=_POOR_CARD, **card)
    expect(page.status_code, httpx.codes.PAYMENT_REQUIRED, "the card without funds on the hosted page")
    step("guest", "types a card without funds: the page says so", status="402")
    story.arrived(story.guest.send(page, number=_GOOD_CARD, **card), order, begun)
    story.settled(story.guest, begun, "completed", "types another card, and comes back")
    story.payments["hosted"] = begun.body["id"]


def client_secret(story: Story) -> None:
    """The browser confirms with the provider itself, as Stripe.js does; the hub learns of it by webhook."""
    story.chapter("A payment that the browser confirms, as Stripe.js does")
    order = story.buy(story.customer, "coffee-beans", 3)
    begun = story.customer.post("", order_id=order.id, account="stripe", flow="client")
    action = begun.body["next_action"]
    expect((begun.status, action["type"]), (201, "client_secret"), "the client flow")
    shown("customer", "gets a client secret", begun)
    secret = action["fields"]["client_secret"]
    confirmed = story.customer.http.post(
        f"{story.stack.sandbox_url}/stripe/v1/payment_intents/{secret.partition('_secret_')[0]}/confirm",
        headers={"Authorization": f"Bearer {PUBLISHABLE_KEY}"},
        data={"client_secret": secret, "payment_method": "pm_card_visa_debit"},
    )
    expect(confirmed.status_code, httpx.codes.OK, "the confirmation in the browser")
    story.settled(story.customer, begun, "completed", "confirms with the provider; a webhook tells the hub")
    story.payments["client"] = begun.body["id"]
