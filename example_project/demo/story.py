"""Who takes part in the demo's story, and what its chapters are told with; over HTTP alone."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from example_project.demo.books import Sums
from example_project.demo.people import Actor, Answer, Bought, Customer, Staff
from example_project.demo.report import DemoFailed, chapter, expect, step
from example_project.shop.catalogue import CUSTOMER, FINANCE, SUPPORT
from example_project.stack import Stack

_WAIT_S = 30.0


@dataclass(kw_only=True)
class Story:
    """Who takes part, and what they bought so far.

    `payments`: ids by a name of the story's. `by_hand`: what the bank's statement says of payments no provider knows.
    """

    stack: Stack
    customer: Customer
    guest: Customer
    support: Staff
    finance: Staff
    payments: dict[str, str] = field(default_factory=dict)
    by_hand: dict[str, Sums] = field(default_factory=dict)
    _chapters: int = 0

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

    def chapter(self, title: str) -> None:
        """The next heading."""
        self._chapters += 1
        chapter(self._chapters, title)

    def end(self) -> None:
        """Everybody leaves."""
        for actor in (self.customer, self.guest, self.support, self.finance):
            actor.close()

    # -- waiting ------------------------------------------------------------------------------------------------------

    def all_notices_processed(self) -> tuple[int, dict[str, Any]]:
        """Wait until every notice is delivered, accepted and worked on; how many are filed, and what they became."""
        if not self.stack.sandbox.wait_idle(_WAIT_S):
            raise DemoFailed("The sandbox still has notices to deliver.")
        deliveries = self.stack.sandbox.deliveries()
        accepted = {row["event_id"] for row in deliveries if row["status"] == httpx.codes.OK}
        expect(accepted, {row["event_id"] for row in deliveries}, "notices answered with 200")
        hints = tuple(f"/webhooks/{account}/" for account in self._only_hinting())
        filed = {row["event_id"] for row in deliveries if not any(path in row["url"] for path in hints)}
        return len(filed), self.wait_for_worker(len(filed))

    def _only_hinting(self) -> list[str]:
        """Accounts whose notices are not signed: they are not filed, and only make the hub ask."""
        gateways = self.guest.get("gateways/").body["results"]
        return [row["account"] for row in gateways if "unsigned_webhooks" in row["capabilities"]]

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

    def refund(self, payment_id: str, what: str, **body: str) -> None:
        """Ask for a refund and wait until the worker has made it."""
        asked = self.support.post(f"{payment_id}/refund/", **body)
        if asked.status not in (201, 202):
            raise DemoFailed(f"The refund of {what} was answered {asked.status}: {asked.body}.")
        step("support", f"refunds {what}", **named(asked.body))
        deadline = time.monotonic() + _WAIT_S
        while (found := self.support.get(f"refunds/{asked.body['id']}/")).body.get("status") != "completed":
            if time.monotonic() > deadline:
                raise DemoFailed(f"The refund of {what} is not done: {found.body}.")
            time.sleep(0.1)
        step("worker", "has made it", **named(found.body))

    # -- small steps --------------------------------------------------------------------------------------------------

    def buy(self, buyer: Customer, slug: str, quantity: int = 1) -> Bought:
        """Order something in the shop."""
        order = buyer.buy(slug, quantity)
        step(buyer.name, f"orders {quantity} x {slug}", name=order.number)
        return order

    def pay(self, order: Bought, token: str, *, key: str | None = None, **more: object) -> Answer:
        """Pay an order by a card's token through the API."""
        return self.customer.post(
            "", key=key, order_id=order.id, account="stripe", flow="token", payment_method_token=token, **more
        )

    def arrived(self, page: httpx.Response, order: Bought, begun: Answer) -> None:
        """The browser has to stand on the shop's page again, sent there by the hub."""
        expect((page.status_code, str(page.url.copy_with(query=None))), (200, order.thanks_url), "where the way ended")
        expect(page.url.params.get("payment_id"), begun.body["id"], "the payment named on the way back")

    def waits_for_action(self, actor: Actor, begun: Answer) -> Answer:
        """Wait until a worker has tried, and the customer is needed again; the payment as it then stands."""
        deadline = time.monotonic() + _WAIT_S
        while True:
            found = actor.get(f"{begun.body['id']}/")
            if found.body["status"] == "requires_action" and found.body["failure"]:
                return found
            if time.monotonic() > deadline:
                raise DemoFailed(f"Payment {begun.body['number']} is {found.body['status']}: nobody was asked again.")
            time.sleep(0.3)

    def settled(self, actor: Actor, begun: Answer, wanted: str, what: str) -> None:
        """Wait for a status that stays, as the shop's page does."""
        expect(actor.wait_settled(begun.body["id"]), wanted, f"payment {begun.body['number']}")
        shown(actor.name, what, actor.get(f"{begun.body['id']}/"))


def shown(who: str, what: str, answer: Answer) -> None:
    """Print a step that ended in a payment."""
    if answer.status >= httpx.codes.BAD_REQUEST and "number" not in answer.body:
        raise DemoFailed(f"{who} {what}: answered {answer.status}: {answer.body}.")
    step(who, what, **named(answer.body))


def named(resource: dict[str, Any], amount: str = "amount") -> dict[str, str]:
    """What `step` prints of a payment or a refund."""
    return {
        "name": str(resource["number"]),
        "amount": f"{resource[amount]} {resource['currency']}",
        "status": str(resource["status"]),
    }


def listed(states: dict[str, int]) -> str:
    """Counts by state, in words."""
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none"
