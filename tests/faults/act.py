"""Use cases in processes of their own, to be killed at a failpoint: `python -m tests.faults.act`.

Reads one request a line (JSON: `alias`, `failpoint`, `what`, `argument`), carries it out in a fork of itself, and
answers with the fork's exit code, negative for a signal. Only the first one costs a start of Django. Speaks to the
database and the sandbox that the environment names.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

# SDKs load when first used: here, not in each fork.
import paypalrestsdk  # noqa: E402, F401
import square.client  # noqa: E402, F401
import stripe  # noqa: E402, F401
from django.conf import settings  # noqa: E402

from django_payments_hub.services import payments, refunds  # noqa: E402
from django_payments_hub.testing.sandbox import SandboxClient  # noqa: E402
from tests.merchants import MERCHANTS  # noqa: E402

TIMEOUT_S = 60


def act(alias: str, failpoint: str, what: str, argument: str) -> None:
    merchant = MERCHANTS[alias](SandboxClient(os.environ["SANDBOX_URL"]))
    accounts = {alias: {**settings.ALL_ACCOUNTS[alias], **merchant.values}}
    settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, "ACCOUNTS": accounts}
    os.environ["HUB_FAILPOINT"] = failpoint
    steps = {
        "pay": lambda _: merchant.begin(),
        "decline": lambda _: merchant.begin(declines=True),
        "confirm": lambda key: payments.confirm(UUID(key)),
        "capture": lambda key: payments.capture(UUID(key), amount="70.00"),
        "cancel": lambda key: payments.cancel(UUID(key)),
        "refund": lambda key: refunds.execute(UUID(key)),
    }
    steps[what](argument)


def act_in_fork(request: dict[str, str]) -> int:
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        signal.alarm(TIMEOUT_S)
        act(**request)
    except BaseException:  # noqa: BLE001 - this process ends here, whatever it was
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(1)  # it was to be killed


if __name__ == "__main__":
    for line in sys.stdin:
        print(act_in_fork(json.loads(line)), flush=True)
