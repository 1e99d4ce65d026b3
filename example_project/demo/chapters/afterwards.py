"""What happens once everybody has paid: notices, refunds, the books."""

from __future__ import annotations

from example_project.demo import books
from example_project.demo.report import expect, step
from example_project.demo.story import Story, listed, named


def notices(story: Story) -> None:
    """Every notice delivered, filed and processed."""
    story.chapter("The providers' notices")
    count, work = story.all_notices_processed()
    step("providers", f"delivered {count} notices; all but EasyPaisa's are signed")
    step("worker", f"processed them: {listed(work['notices'])}")
    step("worker", f"ran the shop's handlers: {listed(work['deliveries'])}")
    for payment_id in story.payments.values():
        found = story.support.get(f"{payment_id}/")
        expect((found.status, found.body["status"]), (200, "completed"), f"payment {payment_id} after the notices")
        step("support", "looks", **named(found.body, "captured"))


def refunds(story: Story) -> None:
    """A part, the rest, and one too many; then a part or all at each other provider that refunds by a call."""
    story.chapter("Refunds, carried out by the worker")
    payment_id = story.payments["3-D Secure"]
    story.refund(payment_id, "a part", amount="49.95", reason="a pulled thread")
    story.refund(payment_id, "the rest", reason="sent back after all")
    refused = story.support.post(f"{payment_id}/refund/", reason="once more")
    expect((refused.status, refused.body["error_code"]), (422, "not_refundable"), "the third refund")
    step("support", "tries once more, and is refused", status="422 not_refundable")
    story.refund(story.payments["hosted"], "one of two prints", amount="4800", reason="the frame was broken")
    story.refund(story.payments["saved card"], "a part of what the saved card paid", amount="5.00", reason="a discount")
    story.refund(story.payments["PayPal"], "a part at PayPal", amount="9.00", reason="a dented shade")
    story.refund(story.payments["Square"], "all at Square", reason="stale")
    story.refund(story.payments["JazzCash"], "a part at JazzCash", amount="450.00", reason="a faded edge")
    story.refund(story.payments["JazzCash wallet"], "all to the wallet", reason="a crack")
    found = story.support.get(f"{payment_id}/")
    expect(found.body["status"], "refunded", "the refunded payment")
    step("support", "looks", **named(found.body, "refunded"))


def agree(story: Story, since: str) -> bool:
    """Print the hub's books beside the sandbox's ledger; whether they agree to the last unit."""
    story.chapter("The books: the hub's, beside the providers' ledger and the bank's statement")
    payments = list(books.payments_of_hub(story.finance, since))
    return books.show(books.compare(payments, story.stack.sandbox.ledger()["payments"], story.by_hand))
