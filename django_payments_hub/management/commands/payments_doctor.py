"""Look at everything that has to be right for payments to work, and say what is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from django_payments_hub.exceptions import HubError
from django_payments_hub.management import examination, surroundings
from django_payments_hub.management.findings import Finding, Level

_MARKS = {Level.OK: "ok  ", Level.ADVICE: "note", Level.WRONG: "FAIL"}


class Command(BaseCommand):
    """`manage.py payments_doctor [--quiet] [--deadline SECONDS]`; exit code 1 when something is wrong."""

    help = "Check settings, accounts, database, broker, overdue work and what waits for a person. Prints no secrets."
    requires_system_checks = ()  # it reports what they say

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--quiet", action="store_true", help="Print only what is not right.")
        parser.add_argument("--deadline", type=float, default=3.0, help="Seconds the broker may take to answer.")

    def handle(self, *args: object, quiet: bool = False, deadline: float = 3.0, **options: object) -> None:
        """Run every examination; one that fails does not keep the others from running."""
        counts: Counter[Level] = Counter()
        for title, examine in _examinations(deadline):
            for finding in _guarded(examine):
                counts[finding.level] += 1
                if not (quiet and finding.level is Level.OK):
                    self.stdout.write(f"{_MARKS[finding.level]}  {title}: {finding.text}")
        if counts[Level.WRONG]:
            raise CommandError(f"{counts[Level.WRONG]} wrong, {counts[Level.ADVICE]} notes.", returncode=1)
        self.stdout.write(f"Nothing is wrong; {counts[Level.ADVICE]} notes.")


_Examine = Callable[[], Iterator[Finding]]


def _examinations(deadline_s: float) -> list[tuple[str, _Examine]]:
    return [
        ("settings", surroundings.settings),
        ("database", surroundings.database),
        ("broker", lambda: surroundings.broker(deadline_s)),
        ("sweeper", surroundings.sweeper_schedule),
        ("accounts", examination.accounts_in_use),
        ("overdue", examination.overdue_work),
        ("people", examination.waiting_for_people),
    ]


def _guarded(examine: _Examine) -> list[Finding]:
    try:
        return list(examine())
    except HubError as error:
        return [Finding(Level.WRONG, f"{error.message} ({error.code})")]
    except DatabaseError as error:
        # Its text may hold an address with a password.
        return [Finding(Level.WRONG, f"the database refused ({type(error).__name__}); are the migrations applied?")]
