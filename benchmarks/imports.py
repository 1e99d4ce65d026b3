"""What the hub adds to the start of a project that has Django and DRF."""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks.processes import ROOT
from benchmarks.report import Report

TRIES = 9
_HEAVY = ("celery", "httpx", "stripe", "square", "paypalrestsdk", "cryptography", "requests")

_START = """
import json, sys, time
began = time.process_time()
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework", *sys.argv[1:]],
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "none"}},
    SECRET_KEY="benchmarks", USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()
cpu = time.process_time() - began
status = open("/proc/self/status").read()
rss = int(status.split("VmRSS:")[1].split()[0])
print(json.dumps({"cpu_ms": cpu * 1e3, "rss_mib": rss / 1024, "modules": list(sys.modules)}))
"""


def run(report: Report) -> None:
    """Fresh processes in turn, without and with the app; the best of each, since disturbance only adds."""
    without, with_hub = [], []
    for _ in range(TRIES):
        without.append(_start())
        with_hub.append(_start("django_payments_hub"))
    report.title(f"Start: django.setup() with Django and DRF, best of {TRIES} interleaved")
    for label, name, unit, goal in (("CPU time", "cpu_ms", "ms", 30), ("resident memory", "rss_mib", "MiB", 3)):
        base, ours = (min(float(str(start[name])) for start in starts) for starts in (without, with_hub))
        report.line(label, f"{base:.1f} -> {ours:.1f} {unit}, added {ours - base:.1f} {unit}", f"goal {goal} {unit}")
    added = _modules(with_hub[0]) - _modules(without[0])
    report.line("heavy modules it loads", ", ".join(name for name in _HEAVY if name in added) or "none")


def _modules(start: dict[str, object]) -> set[object]:
    loaded = start["modules"]
    return set(loaded) if isinstance(loaded, list) else set()


def _start(*apps: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", _START, *apps], capture_output=True, text=True, check=True, cwd=ROOT, env={}
    )
    answer: dict[str, object] = json.loads(done.stdout)
    return answer
