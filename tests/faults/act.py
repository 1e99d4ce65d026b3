"""One use case in a process of its own, to be killed at a failpoint: `python -m tests.faults.act ALIAS pay`.

Speaks to the database and the sandbox that the environment names.
"""

from __future__ import annotations

import os
import sys
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django_payments_hub.services import payments, refunds  # noqa: E402
from django_payments_hub.testing.sandbox import SandboxClient  # noqa: E402
from tests.merchants import MERCHANTS  # noqa: E402


def main(alias: str, what: str, argument: str = "") -> None:
    merchant = MERCHANTS[alias](SandboxClient(os.environ["SANDBOX_URL"]))
    steps = {
        "pay": lambda _: merchant.begin(),
        "decline": lambda _: merchant.begin(declines=True),
        "confirm": lambda key: payments.confirm(UUID(key)),
        "capture": lambda key: payments.capture(UUID(key), amount="70.00"),
        "cancel": lambda key: payments.cancel(UUID(key)),
        "refund": lambda key: refunds.execute(UUID(key)),
    }
    steps[what](argument)


main(*sys.argv[1:4])
