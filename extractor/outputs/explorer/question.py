"""What is asked about the claims of a job: the query string of an address, read once and put into SQL."""

import re
import sqlite3
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from extractor.errors import UsageError
from extractor.outputs.explorer.facets import COMPARED, FACETS, SHOWN

MOST_ROWS: Final = 1000
_WORD = re.compile(r'"([^"]*)"?|(\S+)')
_COMPARISON = re.compile(r"([a-z_]+)(>=|<=|=|>|<)(-?\d+(?:\.\d+)?(?:e-?\d+)?)")
_BY_NAME: Final = {facet.name: facet for facet in FACETS}
_SELECTED: Final = "SELECT word FROM words WHERE facet = ? AND part IN ({})"

Where = tuple[str, list[str | float]]
"""A condition in SQL and its parameters."""


@dataclass(frozen=True, slots=True)
class Question:
    """A filter, and which of the rows that pass it are wanted in which order.

    A claim passes with every word, every comparison, and in each facet that is named one of its keys.
    """

    words: tuple[str, ...] = ()
    comparisons: tuple[tuple[str, str, float], ...] = ()
    facets: tuple[tuple[str, tuple[str, ...]], ...] = ()
    sort: str = ""
    offset: int = 0
    limit: int = 200
    job: str | None = None
    document: str | None = None

    def find(self, connection: sqlite3.Connection) -> None:
        """Look for the words once, for all the conditions that `where` gives for the connection."""
        if self.words:
            said = " AND ".join(["instr(words, ?)"] * len(self.words))
            connection.execute(f"CREATE TEMP TABLE found AS SELECT key FROM texts WHERE {said}", self.words)
            connection.execute("CREATE UNIQUE INDEX found_key ON found (key)")

    @property
    def takes_all(self) -> bool:
        """Whether every claim passes."""
        return not (self.words or self.comparisons or self.facets)

    def where(self, *, without: str = "") -> Where:
        """The filter as a condition on `claims`, once `find` was called; a facet that counts itself is left out."""
        parts, values = ["1"], list[str | float]()
        if self.words:
            parts.append("claims.key IN (SELECT key FROM found)")
        for column, sign, number in self.comparisons:
            parts.append(f"claims.{column} {sign} ?")
            values.append(number)
        for name, keys in self.facets:
            if name != without:
                column = f"claims.{_BY_NAME[name].column}"
                found = f"{column} IN ({_SELECTED.format(', '.join('?' * len(keys)))})"
                parts.append(f"({found} OR {column} IS NULL)" if "" in keys else found)
                values += [name, *keys]
        return " AND ".join(parts), values

    def order(self) -> str:
        """The order of rows in SQL: as the input has them where nothing is sorted, nulls last, ties as in the input."""
        column, down = self.sort.removeprefix("-"), " DESC" if self.sort.startswith("-") else ""
        if not column:
            return "claims.key"
        place = f"documents.{column}" if column == "title" else f"claims.{column}"
        return f"{place} IS NULL, {place} COLLATE NOCASE{down}, {place}{down}, claims.key"


def read(query: str) -> Question:
    """The question in the query string of an address. Raises `UsageError` for a name or number that does not exist."""
    try:
        given = parse_qsl(query, keep_blank_values=True, max_num_fields=500)
    except ValueError:
        raise UsageError("The address asks for more than 500 things at once.") from None
    alone: dict[str, str] = {}
    facets: dict[str, list[str]] = {}
    for name, value in given:
        if name in _BY_NAME and not (name == "job" and "document" in dict(given)):
            facets.setdefault(name, []).append(value)
        elif name in ("q", "sort", "offset", "limit", "job", "document"):
            alone[name] = value
        else:
            raise UsageError(f"There is nothing called {name!r} to ask for. Use q, sort, or one of {', '.join(_BY_NAME)}.")
    if alone.get("sort", "").removeprefix("-") not in ("", *SHOWN):
        raise UsageError(f"There is no column {alone['sort']!r} to sort by. Use one of {', '.join(SHOWN)}, with - for down.")
    words, comparisons = _words(alone.get("q", ""))
    return Question(
        words,
        comparisons,
        tuple((name, tuple(keys)) for name, keys in facets.items()),
        alone.get("sort", ""),
        _number(alone, "offset", 0),
        min(_number(alone, "limit", 200), MOST_ROWS),
        alone.get("job"),
        alone.get("document"),
    )


def _words(text: str) -> tuple[tuple[str, ...], tuple[tuple[str, str, float], ...]]:
    words, comparisons = [], []
    for quoted, bare in _WORD.findall(text.lower()):
        found = _COMPARISON.fullmatch(bare)
        if found and found[1] in COMPARED:
            comparisons.append((found[1], found[2], float(found[3])))
        elif quoted or bare:
            words.append(quoted or bare)
    return tuple(words), tuple(comparisons)


def _number(alone: dict[str, str], name: str, otherwise: int) -> int:
    text = alone.get(name, str(otherwise))
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise UsageError(f"{name} is {text!r}. It is a number from 0 on.")
    return int(text)
