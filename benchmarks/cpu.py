"""CPU time of a payment: `services.payments.create` against the bare SDK, in turn, against one sandbox."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from benchmarks import stage
from benchmarks.report import Report, spread

if TYPE_CHECKING:
    from stripe import StripeClient
    from stripe.params import PaymentIntentCreateParams

ROUNDS, COUNT, WARM_UP = 15, 10, 10


def run(report: Report) -> None:
    """Process time, so that the sandbox and PostgreSQL do not count; all threads of this process do."""
    import stripe

    with stage.sandbox() as base:
        client = stripe.StripeClient("sk_test_demo", base_addresses={"api": base}, max_network_retries=0)
        sides = {"bare": lambda: _bare(client), "one call": lambda: _one_call(client), "hub": _hub()}
        times: dict[str, list[float]] = {name: [] for name in sides}
        for step in sides.values():
            _cpu_ms(step, WARM_UP)
        for number in range(ROUNDS):
            for name in list(sides) if number % 2 else reversed(list(sides)):
                times[name].append(_cpu_ms(sides[name], COUNT))
    report.title(f"CPU of a payment in the token flow: {ROUNDS} interleaved rounds of {COUNT}")
    for name, label in (
        ("one call", "the SDK: create with confirm=True"),
        ("bare", "the SDK: create, then confirm, as the hub does"),
        ("hub", "services.payments.create, paid order included"),
    ):
        report.line(label, f"{statistics.median(times[name]):5.2f} ms")
    ratios = [ours / theirs for ours, theirs in zip(times["hub"], times["bare"], strict=True)]
    added = statistics.median(times["hub"]) - statistics.median(times["bare"])
    report.line("the hub / the same two calls", spread(ratios), "design goal 3")
    report.line("added by the hub", f"{added:5.2f} ms")


def _cpu_ms(step: Callable[[], object], count: int) -> float:
    gc.collect()
    began = time.process_time()
    for _ in range(count):
        step()
    return (time.process_time() - began) / count * 1e3


def _bare(client: StripeClient) -> object:
    intent = client.v1.payment_intents.create({**_PARAMETERS})
    return client.v1.payment_intents.confirm(intent.id, {"payment_method": stage.CARD})


def _one_call(client: StripeClient) -> object:
    return client.v1.payment_intents.create({**_PARAMETERS, "payment_method": stage.CARD, "confirm": True})


_PARAMETERS: PaymentIntentCreateParams = {
    "amount": 4200,
    "currency": "usd",
    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
}


def _hub() -> Callable[[], object]:
    """Orders are made beforehand: a shop has them without the hub, too."""
    from django_payments_hub.services import payments

    user = stage.customer("cpu")
    wishes = iter([stage.wish(user) for _ in range(WARM_UP + ROUNDS * COUNT)])
    return lambda: payments.create(next(wishes))
