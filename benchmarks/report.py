"""What is printed."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

_LABEL = 62


class Report:
    """Lines on standard output."""

    def title(self, text: str) -> None:
        """Begin a section."""
        print(f"\n{text}", flush=True)

    def line(self, label: str, value: str, remark: str = "") -> None:
        """One result."""
        print(f"  {label:<{_LABEL}} {value}{f'   [{remark}]' if remark else ''}", flush=True)


def spread(values: Sequence[float]) -> str:
    """The median with the lowest and highest value."""
    return f"{statistics.median(values):.2f}  ({min(values):.2f} to {max(values):.2f})"
