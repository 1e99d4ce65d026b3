"""Runs the same thing in many threads at once, each with a database connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db import connections

_Result = TypeVar("_Result")


def at_once(steps: Sequence[Callable[[], _Result]], *, timeout_s: float = 120.0) -> list[_Result | BaseException]:
    """What each step returned or raised, in order; all start together."""
    return in_rounds([steps], timeout_s=timeout_s)[0]


def in_rounds(
    rounds: Sequence[Sequence[Callable[[], _Result]]], *, timeout_s: float
) -> list[list[_Result | BaseException]]:
    """The same for one round after the other, of as many steps each; the threads keep their connections."""
    width = len(rounds[0])
    barrier = threading.Barrier(width)
    answers: list[list[_Result | BaseException]] = [[TimeoutError("did not end")] * width for _ in rounds]

    def run(place: int) -> None:
        try:
            for answered, steps in zip(answers, rounds, strict=True):
                try:
                    barrier.wait(timeout_s)
                    answered[place] = steps[place]()
                except BaseException as error:  # noqa: BLE001 - handed to the test, which judges it
                    answered[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(place,), daemon=True) for place in range(width)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout_s)
    return answers
