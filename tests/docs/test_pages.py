"""Every code block of the documentation runs, in the order of its page."""

import re
from pathlib import Path
from typing import Any

import pytest
from sybil import Example

from tests.docs.blocks import FIRST_PAYMENT, ROOT, Page

PAGES = sorted(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts)
# Their examples are test runs of their own.
SLOW = {"adding-a-provider.md", "testing.md"}
# An opening fence with a language; `{name}` would be a directive, which the build of the documentation checks.
FENCE = re.compile(r"^ *(`{3,}|:{3,})(?P<language>[^{`:\s][^\n]*)\n", re.MULTILINE)


def test_there_are_pages() -> None:
    assert len(PAGES) >= 10


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=pytest.mark.slow) if path.name in SLOW else path for path in PAGES],
    ids=[path.relative_to(ROOT / "docs").as_posix() for path in PAGES],
)
def test_blocks_of_a_page_run_in_their_order(path: Path, page_folder: Path, page_names: dict[str, Any]) -> None:
    # given a page, and how many blocks it has by a plain count of its fences
    fences = FENCE.findall(path.read_text(encoding="utf-8"))
    # when they are run
    ran = Page(path, page_folder, page_names).run()
    # then each was, whatever its language
    assert ran == len(fences)


def test_blocks_of_the_readme_outside_the_first_payment_run(page_folder: Path, page_names: dict[str, Any]) -> None:
    # given that a test of its own follows the first payment
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    section = FIRST_PAYMENT.search(text)
    assert section

    def outside(example: Example) -> bool:
        return not section.start() <= example.start < section.end()

    # when the others are run
    ran = Page(path, page_folder, page_names).run(where=outside)
    # then no block is left
    assert ran == len(FENCE.findall(text)) - len(FENCE.findall(section[0])) > 0
