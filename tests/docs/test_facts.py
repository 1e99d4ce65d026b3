"""Lists in the documentation that the code also holds say the same."""

import ast
import re

from django_payments_hub.providers.stripe import webhooks as stripe_webhooks
from django_payments_hub.sandbox.stripe import cards
from tests.docs.blocks import ROOT

STRIPE = (ROOT / "docs" / "providers" / "stripe.md").read_text(encoding="utf-8")


def test_every_stripe_event_to_subscribe_to_is_read_and_every_type_read_by_name_is_listed() -> None:
    match = re.search(r"^EVENTS = (\[.*?\])", STRIPE, re.DOTALL | re.MULTILINE)
    assert match
    listed = set(ast.literal_eval(match[1]))
    assert {event for event in listed if stripe_webhooks._reader(event) is None} == set()
    assert set(stripe_webhooks._EXACT) - listed == set()


def test_the_test_cards_of_the_stripe_page_are_those_of_the_sandbox() -> None:
    rows = re.findall(r"^\| `(pm_card_\w+)` \| ([\d ]+) \|", STRIPE, re.MULTILINE)
    assert len(rows) >= 10
    numbers = {token: card.number for token, _ in rows if (card := cards.by_token(token))}
    assert numbers == {token: number.replace(" ", "") for token, number in rows}
