"""Mappings whose values never show: what an error report prints of a frame must not hold a credential (S11)."""

from __future__ import annotations


class Masked(dict[str, object]):
    """A dictionary that shows its keys alone."""

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{key!r}: ..." for key in self) + "}"

    __str__ = __repr__
