"""`python -m example_project.demo` tells its story to the end, and cleans up; what goes wrong is said."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from example_project.demo import __main__ as demo
from example_project.demo.report import DemoFailed
from example_project.stack import BASE_DIR, Stack

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-m", "example_project.demo"]


def environment() -> dict[str, str]:
    """As on a machine where no service runs."""
    return {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "CELERY_BROKER_URL")}


def test_the_story_ends_with_matching_books() -> None:
    ended = subprocess.run(COMMAND, cwd=BASE_DIR, env=environment(), capture_output=True, text=True, timeout=320)
    told = ended.stdout
    assert ended.returncode == 0, told + ended.stderr
    # each chapter has come to its end
    for line in (
        r"clicks twice: .* completed",
        r"pays with a card without funds .* failed",
        r"confirms on the bank's page, .* completed",
        r"captures one of two; .* 89\.00 USD  completed",
        r"types another card, .* 9600 JPY  completed",
        r"confirms with the provider; .* completed",
        r"pays the next order with it, typing nothing .* 18\.75 USD  completed",
        r"approves at PayPal; a worker captures .* 89\.00 USD  completed",
        r"takes another, and comes back .* 24\.50 USD  completed",
        r"pays by card \(cnon:card-nonce-ok\) .* 37\.50 USD  completed",
        r"pays on Square's page, .* 38\.70 USD  completed",
        r"records what the bank's statement shows .* 149\.95 USD  completed",
        r"transfers it, and records the proof .* 49\.95 USD  completed",
        r"pays by card, and comes back .* 3450\.00 PKR  completed",
        r"has too little in his first wallet .* 2501\.00 PKR  failed",
        r"types his PIN there; .* 2501\.00 PKR  completed",
        r"confirms, and comes back .* 1250\.50 PKR  completed",
        r"gets the number \d+ .* 3450\.00 PKR  requires_action",
        r"pays at a shop; .* 3450\.00 PKR  completed",
        r"makes it in the portal, and records the proof .* 1250\.00 PKR  completed",
        r"tries once more, and is refused .*422 not_refundable",
        r"total +JPY +9600 +9600 +4800 +4800  ok",
        r"total +PKR +10651\.50 +10651\.50 +4201\.00 +4201\.00  ok",
        r"total +USD +716\.80 +716\.80 +251\.40 +251\.40  ok",
    ):
        assert re.search(line, told), f"{line!r} is missing in:\n{told}"
    # one payment for both clicks, and nothing is left
    assert len(re.findall(r"^   P-", told, re.MULTILINE)) == 19
    assert "DISAGREES" not in told
    assert ended.stderr == ""
    # the number of his identity card is told nowhere
    assert not re.search("6918273|182734", told)


def test_books_that_disagree_fail_the_demo(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    # given a story in which somebody refunds behind the hub's back, unnoticed because its notice is lost
    def short_story(stack: Stack, since: str) -> bool:
        from example_project.demo import books
        from example_project.demo.chapters import cards
        from example_project.demo.story import Story

        story = Story.begin(stack)
        cards.card(story)
        stack.sandbox.wait_idle()
        stack.sandbox.policy(drop=100)
        (provider_id,) = stack.sandbox.ledger()["payments"]
        stack.sandbox.external_refund(provider_id, 50)
        payments = list(books.payments_of_hub(story.finance, since))
        story.end()
        return books.show(books.compare(payments, stack.sandbox.ledger()["payments"]))

    monkeypatch.setattr(demo, "_tell", short_story)
    monkeypatch.setattr(demo, "_fresh_folder", lambda: tmp_path)  # a failed run leaves its folder for its logs
    for name in ("DATABASE_URL", "CELERY_BROKER_URL"):
        monkeypatch.delenv(name, raising=False)
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGALRM)
    # when the demo is run
    try:
        status = demo.main([])
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGALRM, before[1])
    # then it fails, with a clear line
    told = capsys.readouterr().out
    assert status == 1
    assert re.search(r"DISAGREES: P-\S+ pi_\S+: hub .*refunded=0.* ledger .*refunded=50", told)
    assert "FAILED: The hub's books and the sandbox's ledger disagree." in told


def test_serving_ends_cleanly_when_it_is_asked_to() -> None:
    # given the stack being served
    process = subprocess.Popen([*COMMAND, "serve"], cwd=BASE_DIR, env=environment(), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told = "".join(iter(process.stdout.readline, "Ctrl-C ends it all.\n"))
        assert re.search(r"log in as +support +password support-demo", told)
        folder = Path(re.search(r"logs +(\S+)/logs", told)[1])  # type: ignore[index]
        assert folder.is_dir()
        # when it is ended
        process.send_signal(signal.SIGINT)
        process.wait(30)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()  # type: ignore[union-attr]
    # then nothing of it is left
    assert process.returncode == 130
    deadline = time.monotonic() + 5
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()


def test_a_failed_expectation_says_what_was_expected() -> None:
    from example_project.demo.report import expect

    with pytest.raises(DemoFailed, match="the status: expected 'completed', got 'failed'"):
        expect("failed", "completed", "the status")
