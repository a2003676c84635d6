"""What claims are narrowed down by: each facet is a column and what its cells are counted as."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from extractor.outputs.columns import LIST, Cell
from extractor.outputs.names import name_key, phrase_key

Part = tuple[str, str]
"""A key, which addresses hold, and its label, which people read."""
NOT_STATED: Final[Part] = ("", "not stated")
_BANDS: Final = (1.0, 2.0, 5.0, 10.0, 100.0)


@dataclass(frozen=True, slots=True)
class Facet:
    """One of the lists beside the table. `parts` says what a cell that is not null counts as, several things at times."""

    name: str
    label: str
    column: str
    parts: Callable[[Cell], tuple[Part, ...]]

    def parts_of(self, cell: Cell) -> tuple[Part, ...]:
        """What a cell counts as."""
        return (NOT_STATED,) if cell is None else self.parts(cell)


def _itself(cell: Cell) -> tuple[Part, ...]:
    return ((str(cell), str(cell)),)


def _each(cell: Cell) -> tuple[Part, ...]:
    return tuple((part, part) for part in str(cell).split(LIST))


def _named(cell: Cell) -> tuple[Part, ...]:
    return ((name_key(str(cell)), str(cell)),)


def _phrased(cell: Cell) -> tuple[Part, ...]:
    return ((phrase_key(str(cell)), str(cell)),)


def _band(cell: Cell) -> tuple[Part, ...]:
    """The bounds between which a factor lies, the lower one included."""
    factor = float(cell or 0)
    low = max((bound for bound in _BANDS if bound <= factor), default=None)
    high = min((bound for bound in _BANDS if bound > factor), default=None)
    if low is None:
        return ((f"0-{high:g}", f"below {high:g}x, worse"),)
    if high is None:
        return ((f"{low:g}-", f"{low:g}x and more"),)
    return ((f"{low:g}-{high:g}", f"{low:g}x to {high:g}x"),)


FACETS: Final = (
    Facet("kind", "Kind", "kind", _itself),
    Facet("comparison", "Comparison", "comparison", _itself),
    Facet("factor", "Times better", "factor", _band),
    Facet("hardware_category", "Hardware", "hardware_category", _each),
    Facet("metric", "Metric", "metric", _phrased),
    Facet("unit", "Unit", "unit", _itself),
    Facet("dataset", "Dataset", "dataset", _named),
    Facet("baseline", "Baseline", "baseline", _phrased),
    Facet("system", "System", "system", _named),
    Facet("year", "Year", "year", _itself),
    Facet("effect", "Effect", "effect", _itself),
    Facet("model", "Labelled by", "model", _itself),
    Facet("job", "Job", "job", _itself),
)
"""In the order of the page. `unit` of a bare score is null, and `effect` of what is not a change."""

IN_ORDER: Final = {"factor", "year"}
"""Facets whose keys stand in the order of their cells, not of their counts."""

SEARCHED: Final = (
    "quantity",
    "metric",
    "subject",
    "baseline",
    "dataset",
    "hardware",
    "system",
    "title",
    "sentence",
    "document",
)
"""The columns in which words are looked for."""

COMPARED: Final = ("factor", "value", "low", "high", "year", "confidence")
"""The columns that a word such as `factor>10` compares."""

SHOWN: Final = (
    "quantity",
    "metric",
    "factor",
    "subject",
    "baseline",
    "dataset",
    "hardware",
    "kind",
    "comparison",
    "year",
    "title",
)
"""The columns of the page's table, those that matter first; it can be sorted by each."""


def searched_text(row: dict[str, Cell]) -> str:
    """What a claim's words are looked for in."""
    return "\n".join(str(row[name]) for name in SEARCHED if row[name] is not None).lower()
