"""A process with a group and a log of its own, of which nothing is left when it is stopped."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_TAIL_LINES = 25
_POLL_S = 0.05


class StackError(Exception):
    """A process did not start, or ended too early; the message holds the end of its log."""


class Process:
    """Started at once, in a process group of its own, with its output appended to `log`."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        log: Path,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.name = name
        self._log = log
        self._asked_to_end = False
        with log.open("ab") as output:
            self._log_start = output.tell()
            self._process = subprocess.Popen(
                list(arguments),
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=list(pass_fds),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process, which is also the id of its group."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs. An ended process is not reaped here: until `stop` nobody else can get its id."""
        if self._process.returncode is not None:
            return False
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    @property
    def children(self) -> list[int]:
        """Ids of its direct children, such as the pool of a worker."""
        listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], check=True, capture_output=True, text=True).stdout
        pairs = [line.split() for line in listing.splitlines()]
        return [int(pid) for pid, parent in pairs if parent == str(self.pid)]

    def output(self) -> str:
        """What it has written since it was started."""
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode("utf-8", "replace")

    def wait_for(self, pattern: str, timeout_s: float) -> re.Match[str]:
        """Wait until its output has the pattern. Raises StackError when it ends before, or when time runs out."""
        deadline = time.monotonic() + timeout_s
        while True:
            alive = self.alive
            if found := re.search(pattern, self.output(), re.MULTILINE):
                return found
            self.check(alive=alive)
            if time.monotonic() > deadline:
                raise StackError(f"The {self.name} was not ready within {timeout_s:g} s.\n{self._tail()}")
            time.sleep(_POLL_S)

    def check(self, *, alive: bool | None = None) -> None:
        """Raises StackError when it has ended."""
        if not (self.alive if alive is None else alive):
            raise StackError(f"The {self.name} has ended.\n{self._tail()}")

    def wait_end(self, timeout_s: float) -> bool:
        """Wait until it has ended; False when time runs out."""
        deadline = time.monotonic() + timeout_s
        while self.alive:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)
        return True

    def terminate(self) -> None:
        """Ask it to end (SIGTERM), once."""
        if self.alive and not self._asked_to_end:
            self._asked_to_end = True
            os.kill(self.pid, signal.SIGTERM)

    def stop(self, timeout_s: float = 10.0) -> int:
        """End it: SIGTERM, then after `timeout_s` SIGKILL; whatever of its group is left goes with it.

        Returns its exit status.
        """
        if self._process.returncode is None:
            self.terminate()
            self.wait_end(timeout_s)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)  # not reaped yet, so the group can be no one else's
        return self._process.wait()

    def _tail(self) -> str:
        lines = self.output().splitlines()[-_TAIL_LINES:]
        return "\n".join([f"-- end of {self._log} --", *lines])
