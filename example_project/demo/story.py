"""The story: a customer, a guest, support and finance at work, over HTTP alone."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx

from example_project.demo.people import Actor, Answer, Bought, Customer, Staff
from example_project.demo.report import DemoFailed, chapter, expect, step
from example_project.shop.catalogue import CUSTOMER, FINANCE, SUPPORT
from example_project.stack import PUBLISHABLE_KEY, Stack

_GOOD_CARD, _POOR_CARD = "4242 4242 4242 4242", "4000 0000 0000 9995"
_WAIT_S = 30.0


@dataclass(kw_only=True)
class Story:
    """Who takes part, and what they bought so far."""

    stack: Stack
    customer: Customer
    guest: Customer
    support: Staff
    finance: Staff
    payments: dict[str, str] = field(default_factory=dict)

    @classmethod
    def begin(cls, stack: Stack) -> Story:
        """Everybody comes in; the customer logs in."""
        url = stack.web_url
        return cls(
            stack=stack,
            customer=Customer(url, CUSTOMER),
            guest=Customer(url),
            support=Staff(url, SUPPORT),
            finance=Staff(url, FINANCE),
        )

    def tell(self) -> None:
        """All chapters; raises DemoFailed where one goes wrong."""
        self.card()
        self.decline()
        self.three_d_secure()
        self.authorise_and_capture()
        self.hosted_checkout()
        self.client_secret()
        self.webhooks()
        self.refunds()
        self.all_notices_processed()

    def end(self) -> None:
        """Everybody leaves."""
        for actor in (self.customer, self.guest, self.support, self.finance):
            actor.close()

    # -- paying -------------------------------------------------------------------------------------------------------

    def card(self) -> None:
        """A success, and the same click twice."""
        chapter(1, "A card payment")
        order = self.buy(self.customer, "stoneware-mug")
        key = str(uuid.uuid4())
        first = self.pay(order, "pm_card_visa", key=key)
        expect((first.status, first.body["status"]), (201, "completed"), "the card payment")
        shown("customer", "pays by card (pm_card_visa)", first)
        again = self.pay(order, "pm_card_visa", key=key)
        expect(again.body["id"], first.body["id"], "the second click, with the same Idempotency-Key")
        shown("customer", "clicks twice: the same key, the same payment", again)
        self.payments["card"] = first.body["id"]

    def decline(self) -> None:
        """A card without funds, then another one for the same order."""
        chapter(2, "A decline, and another card")
        order = self.buy(self.customer, "field-notebook", 2)
        declined = self.pay(order, "pm_card_visa_chargeDeclinedInsufficientFunds")
        expect((declined.status, declined.body["error_code"]), (402, "insufficient_funds"), "the declined card")
        payment = declined.body["payment"]
        expect(payment["status"], "failed", "the declined payment")
        shown("customer", "pays with a card without funds", Answer(status=402, body=payment))
        step("", f'is told: "{declined.body["error_message"]}"', status="402")
        paid = self.pay(order, "pm_card_mastercard")
        expect((paid.status, paid.body["status"]), (201, "completed"), "the second card")
        shown("customer", "pays with another card", paid)
        self.payments["second card"] = paid.body["id"]

    def three_d_secure(self) -> None:
        """The bank asks the customer; he comes back through the hub."""
        chapter(3, "A card that asks for 3-D Secure")
        order = self.buy(self.customer, "wool-blanket")
        begun = self.pay(order, "pm_card_threeDSecure2Required", return_url=order.thanks_url)
        expect(begun.body["status"], "requires_action", "the payment before 3-D Secure")
        shown("customer", "pays by card; the bank asks who he is", begun)
        page = self.customer.submit(begun.body["next_action"]["url"], outcome="complete")
        self.arrived(page, order, begun)
        self.settled(self.customer, begun, "completed", "confirms on the bank's page, and comes back")
        self.payments["3-D Secure"] = begun.body["id"]

    def authorise_and_capture(self) -> None:
        """Hold the money, take a part of it, and let the rest go."""
        chapter(4, "Authorise now, capture a part later")
        order = self.buy(self.customer, "desk-lamp", 2)
        held = self.pay(order, "pm_card_amex", capture_method="manual")
        expect((held.status, held.body["status"]), (201, "authorized"), "the authorisation")
        shown("customer", "reserves the price", held)
        refused = self.support.post(f"{held.body['id']}/capture/", amount="89.00")
        expect((refused.status, refused.body["error_code"]), (403, "permission_denied"), "a capture by support")
        step("support", "may not capture", status="403 permission_denied")
        taken = self.finance.post(f"{held.body['id']}/capture/", amount="89.00")
        expect((taken.status, taken.body["status"]), (200, "completed"), "the capture")
        expect((taken.body["captured"], taken.body["capturable"]), ("89.00", "0.00"), "the captured amounts")
        step("finance", "captures one of two; the rest is released", **_named(taken.body, "captured"))
        self.payments["captured"] = held.body["id"]

    def hosted_checkout(self) -> None:
        """A guest pays in yen on the provider's page; his first card is refused there."""
        chapter(5, "A guest at the hosted checkout, in yen")
        order = self.buy(self.guest, "kyoto-prints", 2)
        begun = self.guest.post(
            "checkout/",
            order_id=order.id,
            account="stripe",
            return_url=order.thanks_url,
            cancel_url=order.page_url,
        )
        expect((begun.status, begun.body["status"]), (201, "requires_action"), "the checkout")
        shown("guest", "goes to the provider's page", begun)
        card = {"email": "guest@example.com", "expiry": "12 / 34", "cvc": "123", "name": "G. Uest"}
        page = self.guest.submit(begun.body["next_action"]["url"], number=_POOR_CARD, **card)
        expect(page.status_code, httpx.codes.PAYMENT_REQUIRED, "the card without funds on the hosted page")
        step("guest", "types a card without funds: the page says so", status="402")
        self.arrived(self.guest.send(page, number=_GOOD_CARD, **card), order, begun)
        self.settled(self.guest, begun, "completed", "types another card, and comes back")
        self.payments["hosted"] = begun.body["id"]

    def client_secret(self) -> None:
        """The browser confirms with the provider itself, as Stripe.js does; the hub learns of it by webhook."""
        chapter(6, "A payment that the browser confirms, as Stripe.js does")
        order = self.buy(self.customer, "coffee-beans", 3)
        begun = self.customer.post("", order_id=order.id, account="stripe", flow="client")
        action = begun.body["next_action"]
        expect((begun.status, action["type"]), (201, "client_secret"), "the client flow")
        shown("customer", "gets a client secret", begun)
        secret = action["fields"]["client_secret"]
        confirmed = self.customer.http.post(
            f"{self.stack.sandbox_url}/stripe/v1/payment_intents/{secret.partition('_secret_')[0]}/confirm",
            data={"key": PUBLISHABLE_KEY, "client_secret": secret, "payment_method": "pm_card_visa_debit"},
        )
        expect(confirmed.status_code, httpx.codes.OK, "the confirmation in the browser")
        self.settled(self.customer, begun, "completed", "confirms with the provider; a webhook tells the hub")
        self.payments["client"] = begun.body["id"]

    # -- afterwards ---------------------------------------------------------------------------------------------------

    def webhooks(self) -> None:
        """Every notice delivered, filed and processed."""
        chapter(7, "The provider's notices")
        notices, work = self.all_notices_processed()
        step("provider", f"delivered {notices} notices, each signed")
        step("worker", f"processed them: {_listed(work['notices'])}")
        step("worker", f"ran the shop's handlers: {_listed(work['deliveries'])}")
        for payment_id in self.payments.values():
            found = self.support.get(f"{payment_id}/")
            expect((found.status, found.body["status"]), (200, "completed"), f"payment {payment_id} after the webhooks")
            step("support", "looks", **_named(found.body, "captured"))

    def all_notices_processed(self) -> tuple[int, dict[str, Any]]:
        """Wait until every notice is delivered, accepted and worked on; how many, and what they became."""
        if not self.stack.sandbox.wait_idle(_WAIT_S):
            raise DemoFailed("The sandbox still has notices to deliver.")
        deliveries = self.stack.sandbox.deliveries()
        accepted = {row["event_id"] for row in deliveries if row["status"] == httpx.codes.OK}
        expect(accepted, {row["event_id"] for row in deliveries}, "notices answered with 200")
        return len(accepted), self.wait_for_worker(len(accepted))

    def wait_for_worker(self, notices: int) -> dict[str, Any]:
        """Wait until the hub has nothing left to do; how many rows are in which state."""
        deadline = time.monotonic() + _WAIT_S
        while True:
            work: dict[str, Any] = json.loads(self.stack.manage("hub_work"))
            filed, delivered = work["notices"], work["deliveries"]
            done = filed.get("processed", 0) + filed.get("ignored", 0)
            if (
                done == sum(filed.values()) >= notices
                and set(delivered) <= {"delivered"}
                and not work["open_operations"]
            ):
                return work
            if time.monotonic() > deadline:
                raise DemoFailed(f"The worker is not done: {work}.")
            time.sleep(0.2)

    def refunds(self) -> None:
        """A part, the rest, and one too many; and a part of the payment in yen."""
        chapter(8, "Refunds, carried out by the worker")
        payment_id = self.payments["3-D Secure"]
        self.refund(payment_id, "a part", amount="49.95", reason="a pulled thread")
        self.refund(payment_id, "the rest", reason="sent back after all")
        refused = self.support.post(f"{payment_id}/refund/", reason="once more")
        expect((refused.status, refused.body["error_code"]), (422, "not_refundable"), "the third refund")
        step("support", "tries once more, and is refused", status="422 not_refundable")
        self.refund(self.payments["hosted"], "one of two prints", amount="4800", reason="the frame was broken")
        found = self.support.get(f"{payment_id}/")
        expect(found.body["status"], "refunded", "the refunded payment")
        step("support", "looks", **_named(found.body, "refunded"))

    def refund(self, payment_id: str, what: str, **body: str) -> None:
        """Ask for a refund and wait until the worker has made it."""
        asked = self.support.post(f"{payment_id}/refund/", **body)
        if asked.status not in (201, 202):
            raise DemoFailed(f"The refund of {what} was answered {asked.status}: {asked.body}.")
        step("support", f"refunds {what}", **_named(asked.body))
        deadline = time.monotonic() + _WAIT_S
        while (found := self.support.get(f"refunds/{asked.body['id']}/")).body.get("status") != "completed":
            if time.monotonic() > deadline:
                raise DemoFailed(f"The refund of {what} is not done: {found.body}.")
            time.sleep(0.1)
        step("worker", "has made it", **_named(found.body))

    # -- small steps --------------------------------------------------------------------------------------------------

    def buy(self, buyer: Customer, slug: str, quantity: int = 1) -> Bought:
        """Order something in the shop."""
        order = buyer.buy(slug, quantity)
        step(buyer.name, f"orders {quantity} x {slug}", name=order.number)
        return order

    def pay(self, order: Bought, token: str, *, key: str | None = None, **more: str) -> Answer:
        """Pay an order by a card's token through the API."""
        return self.customer.post(
            "", key=key, order_id=order.id, account="stripe", flow="token", payment_method_token=token, **more
        )

    def arrived(self, page: httpx.Response, order: Bought, begun: Answer) -> None:
        """The browser has to stand on the shop's page again, sent there by the hub."""
        expect((page.status_code, str(page.url.copy_with(query=None))), (200, order.thanks_url), "where the way ended")
        expect(page.url.params.get("payment_id"), begun.body["id"], "the payment named on the way back")

    def settled(self, actor: Actor, begun: Answer, wanted: str, what: str) -> None:
        """Wait for a status that stays, as the shop's page does."""
        expect(actor.wait_settled(begun.body["id"]), wanted, f"payment {begun.body['number']}")
        shown(actor.name, what, actor.get(f"{begun.body['id']}/"))


def shown(who: str, what: str, answer: Answer) -> None:
    """Print a step that ended in a payment."""
    if answer.status >= httpx.codes.BAD_REQUEST and "number" not in answer.body:
        raise DemoFailed(f"{who} {what}: answered {answer.status}: {answer.body}.")
    step(who, what, **_named(answer.body))


def _named(resource: dict[str, Any], amount: str = "amount") -> dict[str, str]:
    return {
        "name": str(resource["number"]),
        "amount": f"{resource[amount]} {resource['currency']}",
        "status": str(resource["status"]),
    }


def _listed(states: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none"
