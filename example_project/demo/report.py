"""What the demo prints: one aligned line for each step."""

from collections.abc import Sequence

_WIDTHS = (10, 54, 16, 12)


class DemoFailed(Exception):
    """The story went another way than it should; the message says where."""


def expect(actual: object, wanted: object, what: str) -> None:
    """Raises DemoFailed when they differ."""
    if actual != wanted:
        raise DemoFailed(f"{what}: expected {wanted!r}, got {actual!r}.")


def say(text: str = "") -> None:
    """A line as it is."""
    print(text, flush=True)


def chapter(number: int, title: str) -> None:
    """A heading."""
    say(f"\n{number}. {title}")


def step(who: str, what: str, *, name: str = "", amount: str = "", status: str = "") -> None:
    """Who did what, to which object, for how much, and how it stands now."""
    a, b, c, d = _WIDTHS
    say(f"   {who:<{a}}{what:<{b}}{name:<{c}}{amount:>{d}}  {status}".rstrip())


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as they need to be; what looks like a number is right-aligned."""
    every = [header, *rows]
    widths = [max(len(row[i]) for row in every) for i in range(len(header))]
    right = [all(row[i].replace(".", "", 1).isdigit() or not row[i] for row in rows) for i in range(len(header))]
    for row in [header, ["-" * width for width in widths], *rows]:
        cells = [
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, widths, right, strict=True)
        ]
        say("   " + "  ".join(cells).rstrip())
