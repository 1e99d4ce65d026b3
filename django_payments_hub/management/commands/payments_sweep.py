"""Finish what was left; for cron, or beside a broker that is down."""

from __future__ import annotations

import signal
import threading
from dataclasses import asdict

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, close_old_connections

from django_payments_hub.services import sweeper


class Command(BaseCommand):
    """`manage.py payments_sweep [--watch SECONDS]`."""

    help = "Finish operations, refunds, notices and deliveries that were left, from the database alone."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--watch", type=_seconds, metavar="SECONDS", help="Do it again and again with this pause, until stopped."
        )

    def handle(self, *args: object, watch: float | None = None, **options: object) -> None:
        """Sweep once, or for ever."""
        if watch is None:
            self._sweep()
            return
        stop = _stop_on_signals()
        while not stop.is_set():
            self._sweep_safely()
            stop.wait(watch)

    def _sweep(self) -> None:
        report = asdict(sweeper.sweep())
        self.stdout.write(", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in report.items()))
        self.stdout.flush()

    def _sweep_safely(self) -> None:
        """A database that is away for a moment does not end the watch."""
        close_old_connections()
        try:
            self._sweep()
        except DatabaseError as error:
            self.stderr.write(f"The database refused ({type(error).__name__}); trying again.")


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 86400:
        raise ValueError(text)
    return seconds


def _stop_on_signals() -> threading.Event:
    """Set by SIGTERM and Ctrl-C, so that a sweep under way is finished first."""
    stop = threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    return stop
