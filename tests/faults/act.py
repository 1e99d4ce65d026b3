"""One use case in a process of its own, to be killed at a failpoint: `python -m tests.faults.act pay TOKEN`.

Speaks to the database and the sandbox that the environment names; prints the id of what it worked on.
"""

from __future__ import annotations

import os
import sys
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django_payments_hub.domain.statuses import CaptureMethod, Flow  # noqa: E402
from django_payments_hub.services import payments, refunds  # noqa: E402


def pay(token: str) -> None:
    payments.create(
        payments.NewPayment(account="stripe", amount="100.00", currency="USD", flow=Flow.TOKEN, method_token=token)
    )


def authorize(token: str) -> None:
    payments.create(
        payments.NewPayment(
            account="stripe",
            amount="100.00",
            currency="USD",
            flow=Flow.TOKEN,
            method_token=token,
            capture_method=CaptureMethod.MANUAL,
        )
    )


def main(what: str, argument: str) -> None:
    steps = {
        "pay": pay,
        "authorize": authorize,
        "capture": lambda key: payments.capture(UUID(key), amount="70.00"),
        "cancel": lambda key: payments.cancel(UUID(key)),
        "refund": lambda key: refunds.execute(UUID(key)),
    }
    steps[what](argument)


main(*sys.argv[1:3])
