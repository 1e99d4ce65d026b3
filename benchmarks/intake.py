"""Webhook intake: the hub's endpoint against a bare view, under two equal servers."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field

from benchmarks import broker
from benchmarks.processes import THREADS, WORKERS, Load, WebServer
from benchmarks.report import Report, spread

ROUNDS, COUNT, WARM_UP = 25, 400, 400


@dataclass
class _Side:
    """One endpoint with what was measured of it, a value per round."""

    name: str
    url: str
    server: WebServer
    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    messages: int = 0
    seconds: float = 0.0

    def round(self, load: Load, number: int, count: int) -> None:
        from django.conf import settings

        before = self.server.cpu_s()
        prefix = f"{self.name[:3]}{number:02d}"
        seconds = load.run(self.url, secret=settings.WEBHOOK_SECRET, prefix=prefix, count=count)
        self.rates.append(count / seconds)
        self.cpu_us.append((self.server.cpu_s() - before) / count * 1e6)
        self.seconds += seconds

    def forget(self) -> None:
        self.rates, self.cpu_us, self.seconds = [], [], 0.0


def run(report: Report) -> None:
    """Interleaved rounds; ratios are taken within a round, and their median reported."""
    with WebServer() as one, WebServer() as other, Load() as load:
        hub = _Side("hub", f"{one.url}/api/payments/webhooks/stripe/", one)
        orm = _Side("orm", f"{other.url}/bare/orm/", other)
        sql = _Side("sql", f"{other.url}/bare/sql/", other)
        sides = [hub, orm, sql]
        for side in sides:
            side.round(load, 0, WARM_UP)
            side.forget()
        time.sleep(0.3)  # the last wake-up of the warm-up is on its way
        broker.empty()
        for number in range(1, ROUNDS + 1):
            for side in sides if number % 2 else reversed(sides):
                side.round(load, number, COUNT)
        time.sleep(0.3)
        hub.messages = broker.waiting()
        broker.empty()
    _tell(report, hub, [orm, sql])


def _tell(report: Report, hub: _Side, bare: list[_Side]) -> None:
    report.title(
        f"Webhook intake: {ROUNDS} interleaved rounds of {COUNT} notices, gunicorn gthread {WORKERS}x{THREADS}, "
        f"{THREADS} kept-alive connections"
    )
    for side in [hub, *bare]:
        label = "the hub" if side is hub else f"a bare view, {side.name.upper()}"
        report.line(
            label, f"{statistics.median(side.rates):7.0f} notices/s   {statistics.median(side.cpu_us):5.0f} us of CPU"
        )
    for side in bare:
        ratios = [ours / theirs for ours, theirs in zip(hub.rates, side.rates, strict=True)]
        goal = "goal 0.75, design goal 0.85" if side.name == "orm" else ""
        report.line(f"the hub / the bare view, {side.name.upper()}", spread(ratios), goal)
        cpu = [theirs / ours for ours, theirs in zip(hub.cpu_us, side.cpu_us, strict=True)]
        report.line("  the same by CPU of the server", spread(cpu))
    notices = ROUNDS * COUNT
    report.line(
        "broker messages per notice",
        f"{hub.messages / notices:.4f}  ({hub.messages} for {notices} notices in {hub.seconds:.1f} s)",
    )
