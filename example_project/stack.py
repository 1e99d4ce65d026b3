"""Everything the demo shop needs, started and stopped together: sandbox, database, web server, worker and beat.

```python
with Stack(var_dir=Path("var/mine"), env={"CELERY_BROKER_URL": "redis://127.0.0.1:6379/5"}) as stack:
    urlopen(stack.web_url)
```

Without `DATABASE_URL` and `CELERY_BROKER_URL` in `env` it needs no service: SQLite and Celery's filesystem broker, both
under `var_dir`. What the calling process has in its own environment of the shop's settings is not passed on.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
import urllib.error
import uuid
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

from django_payments_hub.testing.sandbox import SandboxClient
from example_project import merchants
from example_project.processes import Process, StackError

BASE_DIR = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 60.0

_OWN_NAMES = frozenset(
    {
        "ALLOWED_HOSTS",
        "DATABASE_URL",
        "DEBUG",
        "DJANGO_SETTINGS_MODULE",
        "HUB_FAILPOINT",
        "LOG_LEVEL",
        "PUBLIC_URL",
        "SANDBOX_URL",
        "SECRET_KEY",
        "VAR_DIR",
    }
)
_OWN_PREFIXES = ("CELERY_", "PAYMENTS_HUB_", *merchants.PREFIXES)


class Stack:
    """The processes of the demo shop, each in a group of its own, with logs under `var_dir/logs`.

    Args:
        var_dir: where database, queue and logs live; made when missing, never removed here.
        env: settings of the shop (`DATABASE_URL`, `CELERY_BROKER_URL`, `PAYMENTS_HUB_...`) for every process.
        worker_env: the same for the worker alone, such as `HUB_FAILPOINT`.
        worker_concurrency: processes of the worker's pool.
        web_port: 0 takes a free one.
    """

    def __init__(
        self,
        *,
        var_dir: Path,
        env: Mapping[str, str] | None = None,
        worker_env: Mapping[str, str] | None = None,
        worker_concurrency: int = 1,
        web_port: int = 0,
        beat: bool = True,
    ) -> None:
        self.var_dir = var_dir.resolve()
        self.env = _inherited() | {"DJANGO_SETTINGS_MODULE": "example_project.settings", "DEBUG": "1"} | dict(env or {})
        self.env |= {"VAR_DIR": str(self.var_dir), "PYTHONUNBUFFERED": "1"}
        self.web_url = self.sandbox_url = ""
        self._worker_env, self._concurrency = dict(worker_env or {}), worker_concurrency
        self._web_port, self._with_beat = web_port, beat
        self._processes: dict[str, Process] = {}
        self._socket: socket.socket | None = None

    # -- the whole ----------------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Start everything and wait until it is ready; raises StackError, with everything ended again."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def _start(self) -> None:
        (self.var_dir / "logs").mkdir(parents=True, exist_ok=True)
        sandbox = self._launch("sandbox", "-m", "django_payments_hub.sandbox")
        self.manage("seed", "--migrate")
        self.sandbox_url = json.loads(sandbox.wait_for(r'^\{"url".*\}$', START_TIMEOUT_S)[0])["url"]
        self._socket = _listen(self._web_port)
        self.web_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.env |= self._addresses()
        self.start_web(wait=False)
        self.start_worker(wait=False)
        if self._with_beat:
            self._launch("beat", "-m", "celery", "-A", "example_project", "beat", "--pidfile=", "--loglevel", "INFO")
        self._web_ready()
        self._worker_ready()

    def _addresses(self) -> dict[str, str]:
        """What the shop is to be told of itself, and of its accounts in the sandbox."""
        accounts = merchants.open_accounts(self.sandbox, self.sandbox_url, self.web_url)
        return {"PUBLIC_URL": self.web_url, "SANDBOX_URL": self.sandbox_url, **accounts}

    def stop(self, timeout_s: float = 10.0) -> None:
        """End what was started here and is still there, the sandbox last; safe to repeat.

        What has not ended by itself after `timeout_s` is killed.
        """
        for name, process in self._processes.items():
            if name != "sandbox":
                process.terminate()
        while self._processes:
            _, process = self._processes.popitem()
            process.stop(timeout_s)
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def check(self) -> None:
        """Raises StackError when one of the processes has ended."""
        for process in self._processes.values():
            process.check()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- parts --------------------------------------------------------------------------------------------------------

    @property
    def sandbox(self) -> SandboxClient:
        """A client of the sandbox's control API."""
        return SandboxClient(self.sandbox_url)

    @property
    def worker(self) -> Process:
        """The Celery worker: its `pid`, and the `children` that are its pool."""
        return self._processes["worker"]

    @property
    def web(self) -> Process:
        """The web server."""
        return self._processes["web"]

    def manage(self, *arguments: str, timeout_s: float = START_TIMEOUT_S) -> str:
        """Run a management command with the settings of the stack; its output.

        Raises StackError when it fails or takes longer.
        """
        name = f"manage.py {arguments[0]}"
        process = self._run(name, "manage", [str(BASE_DIR / "manage.py"), *arguments], self.env)
        ended = process.wait_end(timeout_s)
        output = process.output()
        if not ended or process.stop() != 0:
            process.stop()
            raise StackError(f"{name} failed or took longer than {timeout_s:g} s:\n{output}")
        return output

    def start_web(self, *, env: Mapping[str, str] | None = None, wait: bool = True) -> Process:
        """Start the web server, gunicorn where it is installed; `env` is for this process alone."""
        if self._socket is None:
            raise StackError("The stack is not started.")
        if find_spec("gunicorn") is None:
            self._socket.close()  # the development server takes no socket that is open already
            started = self._launch("web", "manage.py", "runserver", "--noreload", self.web_url[7:], env=env)
        else:
            descriptor = self._socket.fileno()
            started = self._launch("web", *_gunicorn(descriptor), env=env, pass_fds=[descriptor])
        if wait:
            self._web_ready()
        return started

    def start_worker(self, *, env: Mapping[str, str] | None = None, wait: bool = True) -> Process:
        """Start the worker; `env` is for this process alone, in place of `worker_env`."""
        arguments = ["-m", "celery", "-A", "example_project", "worker", "--concurrency", str(self._concurrency)]
        # A name of its own: on RabbitMQ a new worker may not take the name of one that was just killed.
        arguments += ["--hostname", f"{uuid.uuid4().hex[:8]}@%h"]
        quiet = ["--loglevel", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        extra = self._worker_env if env is None else env
        started = self._launch("worker", *arguments, *quiet, env=extra)
        if wait:
            self._worker_ready()
        return started

    def restart_worker(self, *, env: Mapping[str, str] | None = None) -> Process:
        """A new worker in place of the one that is or was there, killed or not."""
        self._processes.pop("worker").stop()
        return self.start_worker(env=env)

    def restart_web(self, *, env: Mapping[str, str] | None = None) -> Process:
        """A new web server on the same address."""
        self._processes.pop("web").stop()
        return self.start_web(env=env)

    # -- starting -----------------------------------------------------------------------------------------------------

    def _launch(
        self,
        name: str,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        pass_fds: tuple[int, ...] | list[int] = (),
    ) -> Process:
        started = self._run(name, name, list(arguments), self.env | dict(env or {}), pass_fds)
        self._processes[name] = started
        return started

    def _run(
        self,
        name: str,
        log: str,
        arguments: list[str],
        env: Mapping[str, str],
        pass_fds: tuple[int, ...] | list[int] = (),
    ) -> Process:
        return Process(
            name,
            [sys.executable, *arguments],
            env=env,
            cwd=BASE_DIR,
            log=self.var_dir / "logs" / f"{log}.log",
            pass_fds=pass_fds,
        )

    def _web_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _answers(self.web_url):
            self.web.check()
            if time.monotonic() > deadline:
                raise StackError(
                    f"The web server did not answer within {START_TIMEOUT_S:g} s; see {self.var_dir}/logs."
                )
            time.sleep(0.1)

    def _worker_ready(self) -> None:
        self.worker.wait_for(r"\S+@\S+ ready\.", START_TIMEOUT_S)


def _inherited() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name not in _OWN_NAMES and not name.startswith(_OWN_PREFIXES)
    }


def _listen(port: int) -> socket.socket:
    """A listening socket on loopback: the address is ours before anything is told of it."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise StackError(f"Port {port} cannot be used: {error.strerror}.") from error
    listening.listen(128)
    return listening


def _gunicorn(descriptor: int) -> list[str]:
    """One process of four threads on a socket that is open already."""
    from gunicorn.config import KNOWN_SETTINGS  # type: ignore[import-untyped]

    arguments = ["-m", "gunicorn", "example_project.wsgi", "--bind", f"fd://{descriptor}", "--workers", "1"]
    arguments += ["--threads", "4", "--graceful-timeout", "5"]
    if any(setting.name == "control_socket_disable" for setting in KNOWN_SETTINGS):
        arguments.append("--no-control-socket")  # two stacks of one user would share it
    return arguments


def _answers(url: str) -> bool:
    try:
        with merchants.opener.open(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
