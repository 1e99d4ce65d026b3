"""The README's first payment, followed to the letter in an empty project with a wheel built from this checkout.

Two things are not literal: the ports, which are free ones, and where dependencies come from, which is this
environment, so that no network is needed. The package itself is the wheel's.
"""

import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from sybil import Example
from sybil.document import Document
from sybil.parsers.myst import CodeBlockParser

from django_payments_hub.testing.sandbox import SandboxClient
from tests.docs.blocks import FIRST_PAYMENT, ROOT

pytestmark = pytest.mark.slow

FILE = re.compile(r"# (?P<path>[\w./]+\.py)(?P<append>, at the end)?\n")
START_S = 60
# No broker: a developer's machine may have one, and this test must not fill its queues.
NO_BROKER = "amqp://127.0.0.1:1//"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    isolation = ["--no-isolation"] if importlib.util.find_spec("hatchling") else []  # isolated, it asks the network
    run([sys.executable, "-m", "build", "--wheel", *isolation, "--outdir", str(folder), str(ROOT)], cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture
def project(tmp_path: Path, wheel: Path) -> Iterator["Project"]:
    project = Project(tmp_path, wheel)
    yield project
    project.stop()


def test_the_first_payment_of_the_readme_works_as_written(project: "Project") -> None:
    # given the blocks of the section
    section = FIRST_PAYMENT.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert section
    (project.folder / "section.md").write_text(section[0], encoding="utf-8")
    languages = {"python": project.file, "console": project.console, "output": project.output}
    parsers = [CodeBlockParser(name, evaluator) for name, evaluator in languages.items()]
    examples = list(Document.parse(str(project.folder / "section.md"), *parsers).examples())
    assert len(examples) == section[0].count("```") // 2
    # when they are followed
    for example in examples:
        example.evaluate()
    # then the payment is in the sandbox's books, and the package came from the wheel
    (payment,) = SandboxClient(project.sandbox_url).ledger()["payments"].values()
    assert (payment["captured"], payment["currency"]) == (2500, "usd")
    code = "import django_payments_hub; print(django_payments_hub.__file__)"
    assert run([project.python, "-c", code], cwd=project.folder).startswith(str(project.folder / ".venv"))


class Project:
    """An empty folder with a virtual environment, in which the README's lines are followed."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.folder = folder
        self.printed = ""
        self.sandbox_url = ""
        self.python = str(folder / ".venv" / "bin" / "python")
        self._ports = {"12111": str(free_port()), "8000": str(free_port())}
        self._running: list[subprocess.Popen[str]] = []
        shutil.copy(wheel, folder)
        venv.create(folder / ".venv", symlinks=True, with_pip=True)
        self._borrow_dependencies()
        ours = {"PYTHONPATH", "DJANGO_SETTINGS_MODULE"}
        self._env = {
            **{name: value for name, value in os.environ.items() if name not in ours},
            "PATH": f"{folder / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "CELERY_BROKER_URL": NO_BROKER,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def _borrow_dependencies(self) -> None:
        """Every package of this environment but the hub itself and its editable install."""
        borrowed = self.folder / "dependencies"
        borrowed.mkdir()
        for entry in Path(sysconfig.get_path("purelib")).iterdir():
            ours = re.match(r"_*(editable|django_payments_hub|pip)", entry.name)
            if not ours and entry.suffix != ".pth":
                (borrowed / entry.name).symlink_to(entry)
        (packages,) = (self.folder / ".venv" / "lib").glob("python*/site-packages")
        (packages / "borrowed.pth").write_text(f"{borrowed}\n", encoding="utf-8")

    # -- blocks ------------------------------------------------------------------------------------------------------

    def file(self, example: Example) -> str | None:
        """A Python block is a file, or the end of one."""
        match = FILE.match(example.parsed)
        if match is None:
            return "a Python block of this section begins with the name of its file"
        path, text = self.folder / match["path"], self._with_ports(example.parsed)
        before = path.read_text(encoding="utf-8") + "\n" if match["append"] else ""
        path.write_text(before + text, encoding="utf-8")
        return None

    def console(self, example: Example) -> None:
        for line in self._with_ports(example.parsed).splitlines():
            self._line(line)

    def output(self, example: Example) -> str | None:
        wanted = example.parsed.strip()
        return None if self.printed.strip() == wanted else f"the README says {wanted!r}, it printed {self.printed!r}"

    # -- lines -------------------------------------------------------------------------------------------------------

    def _line(self, line: str) -> None:
        if match := re.fullmatch(r"export (\w+)=\$\((.*)\)", line):
            self._env[match[1]] = self._shell(match[2]).strip()
        elif "django_payments_hub.sandbox" in line:
            self.sandbox_url = json.loads(self._start(line).readline())["url"]
        elif line == "python manage.py runserver":
            self._start(f"{line} --noreload {self._ports['8000']}")
            self._wait_for_server()
        else:
            if "payments_drain" in line:  # a person is slower than the webhook
                assert SandboxClient(self.sandbox_url).wait_idle()
            self.printed = self._shell(line)

    def _shell(self, line: str) -> str:
        return run(["bash", "-c", line], cwd=self.folder, env=self._env)

    def _start(self, line: str) -> IO[str]:
        """What a reader leaves running in another terminal."""
        process = subprocess.Popen(
            ["bash", "-c", f"exec {line}"], cwd=self.folder, env=self._env, stdout=subprocess.PIPE, text=True
        )
        self._running.append(process)
        assert process.stdout
        return process.stdout

    def _wait_for_server(self) -> None:
        address, deadline = f"http://127.0.0.1:{self._ports['8000']}/api/payments/gateways/", time.monotonic() + START_S
        while True:
            try:
                with urllib.request.urlopen(address, timeout=5) as answer:
                    assert json.load(answer)["results"][0]["account"] == "stripe"
                    return
            except OSError:
                assert time.monotonic() < deadline, "the development server did not answer"
                assert self._running[-1].poll() is None, "the development server ended"
                time.sleep(0.1)

    def _with_ports(self, text: str) -> str:
        for written, free in self._ports.items():
            text = re.sub(rf"\b{written}\b", free, text)
        return text

    def stop(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait(10)
            if process.stdout:
                process.stdout.close()


def run(command: list[str], *, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{command} in {cwd}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
