"""Named places where a crash test may end the process. Inert unless PAYMENTS_HUB["TEST_FAILPOINTS"] is on.

`HUB_FAILPOINT=<name>:kill9` ends the process there; `<name>:kill9-once:<path>` only while the file does not exist,
which it then creates, so that the process that comes after survives; `kill9-parent-once` ends the whole worker too.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from django_payments_hub.conf import hub_settings


def reach(name: str) -> None:
    """Pass the place called `name`."""
    wanted = os.environ.get("HUB_FAILPOINT", "")
    if wanted and wanted.split(":", 1)[0] == name and hub_settings().test_failpoints:
        _die(*(wanted.split(":", 2)[1:]))


def _die(how: str, once: str = "") -> None:
    if once and not _first_time(Path(once)):
        return
    if how.startswith("kill9-parent"):
        os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def _first_time(mark: Path) -> bool:
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
