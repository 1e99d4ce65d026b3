"""The processes around a measurement: a web server and the load."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parent.parent
WORKERS, THREADS = 1, 4
_TICKS = os.sysconf("SC_CLK_TCK")


class WebServer:
    """gunicorn over `benchmarks.wsgi` on a free port, for the length of a `with` block."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        descriptor = self._listener.fileno()
        arguments = f"--worker-class gthread --workers {WORKERS} --threads {THREADS} --keep-alive 60"
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "benchmarks.wsgi:application", "--bind", f"fd://{descriptor}"),
                *(*arguments.split(), "--log-level", "warning", "--no-control-socket"),
            ],
            pass_fds=[descriptor],
            cwd=ROOT,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._listener.close()

    def cpu_s(self) -> float:
        """CPU seconds of the workers so far."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return sum(_cpu_s(int(pid)) for pid in children)


def _cpu_s(pid: int) -> float:
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICKS


class Load:
    """The load process."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.load"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)

    def run(self, url: str, *, secret: str, prefix: str, count: int, connections: int = THREADS) -> float:
        """Send `count` distinct notices; returns the seconds it took. Any answer but 200 is an error."""
        job = {"url": url, "secret": secret, "prefix": prefix, "count": count, "connections": connections}
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("The load has no pipes.")
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or "{}")
        if answer.get("statuses") != {"200": count}:
            raise RuntimeError(f"Not every notice to {url} was answered 200: {answer}")
        return float(answer["seconds"])
