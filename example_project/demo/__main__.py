"""`python -m example_project.demo [serve]`."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

import httpx

from django_payments_hub.testing.sandbox import SandboxError
from example_project.demo.chapters import afterwards, cards, others, wallets
from example_project.demo.report import DemoFailed, say
from example_project.demo.story import Story
from example_project.processes import StackError
from example_project.shop.catalogue import PEOPLE
from example_project.stack import BASE_DIR, Stack

_LIMIT_S = 300
_STOP_S = 1.0  # at the end nothing is left to lose
_SERVICES = ("DATABASE_URL", "CELERY_BROKER_URL")


def main(arguments: list[str]) -> int:
    """Run the demo; 0 only when the whole story went as told and the books agree."""
    options = _parse(arguments)
    # Both, because a shell starts what it puts in the background with SIGINT ignored.
    signal.signal(signal.SIGINT, _end)
    signal.signal(signal.SIGTERM, _end)
    folder = _fresh_folder()
    env = {name: os.environ[name] for name in _SERVICES if os.environ.get(name)}
    try:
        status = _serve(folder, env, options.port) if options.command == "serve" else _run(folder, env)
    except (DemoFailed, StackError) as error:
        return _failed(str(error), folder)
    except (httpx.HTTPError, SandboxError, LookupError, OSError) as error:
        return _failed(f"{type(error).__name__}: {error}", folder)
    except KeyboardInterrupt:
        say("\nInterrupted.")
        status = 130
    shutil.rmtree(folder, ignore_errors=True)
    return status


def _failed(why: str, folder: Path) -> int:
    say(f"\nFAILED: {why}\nThe logs are in {folder / 'logs'}.")
    return 1


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m example_project.demo", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["run", "serve"], default="run")
    parser.add_argument("--port", type=int, default=0, help="of the shop, with serve; 0 takes a free one")
    return parser.parse_args(arguments)


def _fresh_folder() -> Path:
    parent = BASE_DIR / "var"
    parent.mkdir(exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="demo-", dir=parent))


def _end(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _too_long(_number: int, _frame: FrameType | None) -> None:
    raise DemoFailed(f"It took longer than {_LIMIT_S} s.")


# -- the story --------------------------------------------------------------------------------------------------------


def _run(folder: Path, env: dict[str, str]) -> int:
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(_LIMIT_S)
    begun = time.monotonic()
    since = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    stack = Stack(var_dir=folder, env={"PAYMENTS_HUB_SWEEP_INTERVAL_S": "5"} | env)
    try:
        say("Starting the sandbox, the database, the web server and the worker ...")
        stack.start()
        _say_addresses(stack)
        agree = _tell(stack, since)
        stack.check()
        if not agree:
            raise DemoFailed("The hub's books and the sandbox's ledger disagree.")
        say(f"\nThe books agree to the last cent. {time.monotonic() - begun:.0f} s.")
        return 0
    finally:
        signal.alarm(0)
        stack.stop(_STOP_S)


def _tell(stack: Stack, since: str) -> bool:
    story = Story.begin(stack)
    try:
        cards.tell(story)
        others.tell(story)
        wallets.tell(story)
        afterwards.notices(story)
        afterwards.refunds(story)
        story.all_notices_processed()
        return afterwards.agree(story, since)
    finally:
        story.end()


# -- to look around ---------------------------------------------------------------------------------------------------


def _serve(folder: Path, env: dict[str, str], port: int) -> int:
    say("Starting the sandbox, the database, the web server and the worker ...")
    stack = Stack(var_dir=folder, env=env, web_port=port)
    try:
        stack.start()
        _say_addresses(stack)
        say(f"   logs          {stack.var_dir / 'logs'}\n")
        for person in PEOPLE:
            say(f"   log in as     {person.username:<10} password {person.password}")
        say("\n   card          4242 4242 4242 4242, any later expiry, any CVC; 4000 0000 0000 9995 is declined")
        say("   in rupees     JazzCash 0312 3456789 with CNIC 345678, EasyPaisa 0345 1234567; other numbers wait")
        say("\nCtrl-C ends it all.")
        _wait(stack.check)
    finally:
        stack.stop()
    return 0


def _say_addresses(stack: Stack) -> None:
    say(f"   shop          {stack.web_url}/")
    say(f"   back office   {stack.web_url}/admin/")
    say(f"   API           {stack.web_url}/api/payments/docs/")
    say(f"   sandbox       {stack.sandbox_url}")


def _wait(check: Callable[[], None]) -> None:
    while True:
        check()
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
