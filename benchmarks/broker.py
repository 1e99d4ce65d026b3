"""The broker of a run: Redis where it answers, else Celery's filesystem transport; never a worker on it."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from redis import Redis

DEFAULT_URL = "redis://127.0.0.1:6379/0"


@contextmanager
def chosen_broker() -> Iterator[str]:
    """Set CELERY_BROKER_URL and VAR_DIR for this process and those it starts; yields the transport's name."""
    wanted = os.environ.get("CELERY_BROKER_URL", DEFAULT_URL)
    url = wanted if _answers(wanted) else "filesystem://"
    with tempfile.TemporaryDirectory(prefix="payments-hub-bench-") as folder:
        os.environ.update(CELERY_BROKER_URL=url, VAR_DIR=folder)
        try:
            yield url.partition(":")[0]
        finally:
            _leave_nothing()


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme != "redis":
        return False  # what is in the queue could not be counted
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379), timeout=1):
            return True
    except OSError:
        return False


def waiting() -> int:
    """Messages in the benchmarks' queue."""
    if os.environ["CELERY_BROKER_URL"].startswith("redis"):
        from benchmarks.settings import QUEUE

        return int(str(_redis().llen(QUEUE)))
    return len(list(Path(os.environ["VAR_DIR"], "queue", "messages").iterdir()))


def empty() -> None:
    """Throw the benchmarks' own messages away."""
    if os.environ["CELERY_BROKER_URL"].startswith("redis"):
        from benchmarks.settings import QUEUE

        _redis().delete(QUEUE)
        return
    for message in Path(os.environ["VAR_DIR"], "queue", "messages").iterdir():
        message.unlink()


def _leave_nothing() -> None:
    """The filesystem's messages go with their folder."""
    if os.environ["CELERY_BROKER_URL"].startswith("redis"):
        from benchmarks.settings import QUEUE

        _redis().delete(QUEUE, f"_kombu.binding.{QUEUE}", f"_kombu.binding_permanent.{QUEUE}")


def _redis() -> Redis:
    from redis import Redis

    return Redis.from_url(os.environ["CELERY_BROKER_URL"])
