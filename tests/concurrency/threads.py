"""Runs the same thing in many threads at once, each with a database connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db import connections

_Result = TypeVar("_Result")


def at_once(steps: Sequence[Callable[[], _Result]], *, timeout_s: float = 120.0) -> list[_Result | BaseException]:
    """What each step returned or raised, in order; all start together."""
    barrier = threading.Barrier(len(steps))
    answers: list[_Result | BaseException] = [TimeoutError("did not end")] * len(steps)

    def run(place: int, step: Callable[[], _Result]) -> None:
        try:
            barrier.wait(timeout_s)
            answers[place] = step()
        except BaseException as error:  # noqa: BLE001 - handed to the test, which judges it
            answers[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(place, step), daemon=True) for place, step in enumerate(steps)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout_s)
    return answers
