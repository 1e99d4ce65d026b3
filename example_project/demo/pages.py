"""As much of a browser as the demo needs: the forms of a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass(kw_only=True)
class Form:
    """A form as it stands in a page: its attributes, and the values its fields already have."""

    attributes: dict[str, str]
    values: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(attributes=given))
            self._inside = True
        elif tag == "input" and self._inside and given.get("name"):
            self._read_input(given)

    def _read_input(self, given: dict[str, str]) -> None:
        if given.get("type") not in ("radio", "checkbox") or "checked" in given:
            self.forms[-1].values[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


def forms(page: str) -> list[Form]:
    """The forms of an HTML page, in order."""
    reader = _Reader()
    reader.feed(page)
    return reader.forms


def form_with(page: str, *names: str) -> Form:
    """The first form that has all of these fields or attributes; raises LookupError when there is none."""
    for found in forms(page):
        if all(name in found.values or name in found.attributes for name in names):
            return found
    raise LookupError(f"The page has no form with {', '.join(names)}.")
