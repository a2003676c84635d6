"""All rows of the rules as lists in `docs/rules.md`: `python -m tests.labelling.rules.reference` writes them anew."""

import re
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

from extractor.labelling.rules.rows import Rules

PAGE = Path(__file__).parents[3] / "docs" / "rules.md"
HEAD = "## All rows\n"


def reference() -> str:
    """The lists, which end the page."""
    return "\n".join(_lines()) + "\n"


def page() -> str:
    """The page with the lists as they should be."""
    return PAGE.read_text(encoding="utf-8").partition(HEAD)[0] + reference()


def _lines() -> Iterator[str]:
    rules = Rules()
    yield f"{HEAD}\n{_ABOUT}"
    for table in fields(rules):
        yield f"\n### {table.name}\n"
        for n, row in enumerate(getattr(rules, table.name), 1):
            yield f"{n}. **{row.name}**: {_example(row)}\n   `{'; '.join(_said(row))}`"


def _example(row: Any) -> str:
    told = row.example if isinstance(row.example, str) else " / ".join(row.example)
    yields = getattr(row, "yields", None)
    if isinstance(yields, tuple):
        yields = ", ".join(each for each in yields if each) or None
    return f"{told} → {yields}" if yields else told


def _said(row: Any) -> Iterator[str]:
    """What else the row says: each attribute that is not its default."""
    for each in fields(row):
        value = getattr(row, each.name)
        if each.name not in ("name", "example", "yields") and (each.default is MISSING or value != each.default):
            yield f"{each.name} {_shown(value)}"


def _shown(value: Any) -> str:
    if isinstance(value, re.Pattern):
        return str(value.pattern)
    if is_dataclass(value):
        return " ".join(str(getattr(value, each.name)) for each in fields(value))
    if isinstance(value, (tuple, frozenset)):
        return ", ".join(map(_shown, value if isinstance(value, tuple) else sorted(value)))
    return str(value)


_ABOUT = """\
Generated from `extractor/labelling/rules/rows/`; a test compares. To write it anew: `python -m tests.labelling.rules.reference`

Each row with its example, behind the arrow what the example yields, and what the row asks and says. What these attributes mean
stands at the classes of the rows: `FrameRow` and `SharingRow` in `frames.py`, `Row`, `Near` and `EffectRow` in `judging.py`,
`SubjectRow` in `subjects.py`, `BaselineRow` in `comparands.py`, `DatasetRow` and `DeviceRow` in `places.py`, `SystemRow` in
`system.py`, `HardwareRow` in `hardware.py`."""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
