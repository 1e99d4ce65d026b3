"""`python -m benchmarks [section ...]`: everything in one interleaved run on PostgreSQL; prints ratios, judges nothing.

Ratios hold from one machine to the next, times do not; so nothing here fails because of a time.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import time

from benchmarks.broker import chosen_broker
from benchmarks.database import fresh_database
from benchmarks.report import Report

SECTIONS = ("imports", "statements", "cpu", "intake", "pages")


def main() -> None:
    """Run the sections that were asked for, all by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="section", help=", ".join(SECTIONS))
    wanted = parser.parse_args().sections or list(SECTIONS)
    unknown = set(wanted) - set(SECTIONS)
    if unknown:
        parser.error(f"no such section: {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    started = time.monotonic()
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    with fresh_database(), chosen_broker() as broker:
        _set_up()
        report = Report()
        report.title(f"Python {platform.python_version()}, {_versions()}, broker {broker}, {os.cpu_count()} cores")
        for name in wanted:
            importlib.import_module(f"benchmarks.{name}").run(report)
        report.title(f"{time.monotonic() - started:.0f} s")
        _let_go()


def _set_up() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)


def _versions() -> str:
    import django
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return f"Django {django.__version__}, PostgreSQL {cursor.fetchone()[0].split()[0]}"


def _let_go() -> None:
    from django.db import connections

    connections.close_all()


if __name__ == "__main__":
    main()
