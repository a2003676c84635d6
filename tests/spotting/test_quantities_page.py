"""The page on quantities says what is read: each of its rows is run."""

import re
from pathlib import Path

import pytest

from extractor.spotting import spot
from tests.spotting.readings import reading

PAGE = (Path(__file__).parents[2] / "docs" / "quantities.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and line not in ("| text | read as |", "| --- | --- |")]
CELLS = re.compile(r"\| `(?P<text>[^`]+)` \| (?P<read>nothing|`[^`]+`(?:, `[^`]+`)*) \|")


def test_each_row_is_an_example_and_what_is_read() -> None:
    assert [row for row in ROWS if not CELLS.fullmatch(row)] == []
    assert len(ROWS) >= 80
    assert len({*ROWS}) >= len(ROWS) - 1


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_read_as_the_page_says(row: str) -> None:
    cells = CELLS.fullmatch(row)
    assert cells
    expected = re.findall(r"`([^`]+)`", cells["read"])
    assert [reading(mention) for mention in spot(f"Zeta\nZeta {cells['text']}.").quantities] == expected


def test_each_section_shows_an_example() -> None:
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    assert [section.splitlines()[0] for section in sections if "\n| `" not in section] == []
