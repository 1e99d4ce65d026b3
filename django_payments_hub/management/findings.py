"""What an examination finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How bad it is: only WRONG makes the doctor fail."""

    OK = "ok"
    ADVICE = "advice"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report, without secrets."""

    level: Level
    text: str


def ok(text: str) -> Finding:
    """As it should be."""
    return Finding(Level.OK, text)


def advice(text: str) -> Finding:
    """It works, but could be better."""
    return Finding(Level.ADVICE, text)


def wrong(text: str) -> Finding:
    """Somebody has to do something."""
    return Finding(Level.WRONG, text)
