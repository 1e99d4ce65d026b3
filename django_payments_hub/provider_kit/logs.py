"""Keeping credentials and customers' data out of log lines (S11)."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_quiet: ContextVar[frozenset[str]] = ContextVar("payments_hub_quiet", default=frozenset())
_LOOKS_LIKE_ID = re.compile(r"(?=.*[0-9])[^/]{8,}|.*[^\w.~-].*|.{40,}")


class _QuietFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return record.name not in _quiet.get()


_QUIET_FILTER = _QuietFilter()


@contextmanager
def quiet(*names: str) -> Iterator[None]:
    """Drop what these loggers say in this context only.

    SDKs and HTTP libraries log headers and bodies at DEBUG; a host that uses them elsewhere keeps its own records.
    """
    for name in names:
        logging.getLogger(name).addFilter(_QUIET_FILTER)
    token = _quiet.set(_quiet.get() | frozenset(names))
    try:
        yield
    finally:
        _quiet.reset(token)


def path_template(path: str) -> str:
    """The path without ids (`/v1/refunds/{id}`), so that lines can be counted and name no object."""
    return "/".join("{id}" if _LOOKS_LIKE_ID.fullmatch(part) else part for part in path.split("/"))
