"""All rows of the rules, and what they label: `python -m tests.labelling.rules.reference` writes both anew.

The rows are lists in `docs/rules.md`. `labels.txt` holds what the rules label in the annotated abstracts that may be looked at,
one line a label, so that the commit of a change shows all that it does.
"""

import re
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

from extractor.documents import Document
from extractor.evaluation.sets import read_sets
from extractor.labelling.rules import RulesLabeller
from extractor.labelling.rules.rows import Rules
from extractor.spotting import spot
from tests.gold import GOLD

LABELS = Path(__file__).with_name("labels.txt")
PAGE = Path(__file__).parents[3] / "docs" / "rules.md"
HEAD = "## All rows\n"


def reference() -> str:
    """The lists, which end the page."""
    return "\n".join(_lines()) + "\n"


def page() -> str:
    """The page with the lists as they should be."""
    return PAGE.read_text(encoding="utf-8").partition(HEAD)[0] + reference()


def labels() -> str:
    """What the rules label."""
    labeller = RulesLabeller()
    documents = (each.document for of_set in read_sets(GOLD) if not of_set.held_out for each in of_set.documents)
    return "\n".join(line for document in documents for line in _labels(document, labeller)) + "\n"


def _labels(document: Document, labeller: RulesLabeller) -> Iterator[str]:
    mentions = spot(document.text)
    found = labeller.labels(document, mentions)
    texts = {each.id: each.text for each in mentions.quantities} | {each.id: each.text for each in mentions.hardware}
    yield f"{document.id}: {found.system}"
    for claim in found.claims:
        said = claim.model_dump(exclude={"mention"}, exclude_none=True)
        yield f"  {texts[claim.mention]}: {'; '.join(f'{name} {value}' for name, value in said.items())}"
    for target in found.hardware:
        yield f"  {texts[target.mention]}: {target.role}"


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
        if each.init and each.name not in ("name", "example", "yields") and (each.default is MISSING or value != each.default):
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
    LABELS.write_text(labels(), encoding="utf-8")
