"""Verification: which numbers of a text stand in its source, with the same unit and bound.

Both are read by spotting, so that "750 ms" stands where "0.75 s" is written. A number outside prose (a value in JSON, a cell of
a Markdown table) need not repeat its unit and bound: any of the source fits it where none is written with it.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import isclose
from typing import Any, Final, Literal

from extractor.errors import DataError
from extractor.spotting.mentions import spot
from extractor.spotting.quantities import QuantityMention
from extractor.spotting.units import in_base_unit

Problem = Literal["missing", "unit", "bound"]
_DIGITS = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)*")
_ASIDES = re.compile(
    r"(?m)^\s*(?:#+\s*)?\d+(?:\.\d+)*[.)](?=\s)"  # the numbers of lists and headings
    r"|https?://[^\s)>\]]+|\]\([^)\s]*\)"  # addresses
    r"|\[\^?\d+(?:\s?[,;–-]\s?\d+)*\]"  # citations
)
_TABLE_LINE = re.compile(r"(?m)^\s*\|.*\|\s*$")
_BOUNDS: Final = {"exact": "", "up_to": "up to ", "at_least": "at least ", "approx": "about "}
_UNIT_KEYS: Final = ("unit", "units", "base_unit")
_PROSE: Final = 5
"""Words from which on a text in JSON is prose: shorter ones are values and names."""
_NOT_CLAIMED: Final = frozenset(["id", "source", "spans", "sentence", "span", "provenance", "schema_version", "confidence"])
"""What a record of this program holds beside what it says of the text."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a document: its text and where it stands, as a line or a path in JSON.

    `free` is a value outside prose; `bound` is one that is written beside it.
    """

    text: str
    place: str = ""
    line: int = 1
    free: bool = False
    bound: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A number that does not stand in the source as it is claimed.

    `place` is where it is claimed, `line:column` or a path in JSON. `stands` is what the source has instead: the same number
    with its own unit or bound, or the number of the same unit that is closest; None where it has nothing like it.
    """

    place: str
    text: str
    problem: Problem
    stands: str | None


@dataclass(frozen=True, slots=True)
class _Number:
    """A number as written, and its ends as written and in the base unit."""

    said: str
    written: tuple[float, float]
    ends: tuple[float, float]
    unit: str | None
    bound: str
    place: str
    any_unit: bool
    any_bound: bool
    is_value: bool


def pieces(text: str, *, name: str) -> list[Piece]:
    """The parts of a document: JSON and JSON Lines by the suffix of its name, prose and Markdown otherwise.

    Raises `DataError` for JSON that is broken.
    """
    suffix = name.rpartition(".")[2].lower()
    if suffix == "json":
        return [*_of_json(_parsed(text, name), "")]
    if suffix in ("jsonl", "ndjson"):
        lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
        return [piece for n, line in lines for piece in _of_json(_parsed(line, f"{name}:{n}"), f"{n}:")]
    return [*_of_prose(text)]


def verify(source: Iterable[Piece], claimed: Iterable[Piece]) -> tuple[int, list[Finding]]:
    """How many numbers are claimed, and those that the source does not hold in this way, in their order."""
    standing = [number for piece in source for number in _numbers(piece)]
    digits = {_plain(token) for piece in source for token in _DIGITS.findall(piece.text)}
    count, findings = 0, []
    for piece in claimed:
        numbers = [*_numbers(piece)]
        others = [*_others(piece)]
        count += len(numbers) + len(others)
        found = [finding for number in numbers if (finding := _check(number, standing, digits))]
        found += [Finding(place, token, "missing", None) for place, token in others if _plain(token) not in digits]
        findings += sorted(found, key=lambda finding: _order(finding.place))
    return count, findings


def _order(place: str) -> list[int]:
    return [int(part) for part in place.split(":") if part.isdecimal()]


# Reading


def _parsed(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise DataError(f"{name}: not JSON ({error}). Mend it, or name a file of text.") from None


def _of_prose(text: str) -> Iterator[Piece]:
    """Prose whole, and the cells of each line of a Markdown table on their own; what is not a claim is blanked out."""
    clean = _ASIDES.sub(_blank, text)
    yield Piece(_TABLE_LINE.sub(_blank, clean))
    for match in _TABLE_LINE.finditer(clean):
        line = clean.count("\n", 0, match.start()) + 1
        column = 0
        for cell in match[0].split("|"):
            if cell.strip():
                yield Piece(" " * column + cell, line=line, free=True)
            column += len(cell) + 1


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _of_json(value: Any, path: str, unit: str | None = None, bound: str | None = None) -> Iterator[Piece]:
    """Every text and number with its path. A number beside a `unit` has that unit, and beside a `bound` that bound."""
    if isinstance(value, dict):
        unit = next((value[key] for key in _UNIT_KEYS if isinstance(value.get(key), str)), None)
        bound = value.get("bound") if value.get("bound") in _BOUNDS else None
        dot = "." if path and not path.endswith(":") else ""
        for key, inner in value.items():
            if key not in _NOT_CLAIMED and key not in _UNIT_KEYS:
                yield from _of_json(inner, f"{path}{dot}{key}", unit, bound)
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _of_json(inner, f"{path}[{n}]", unit, bound)
    elif isinstance(value, str):
        yield Piece(value, place=path or "the text", free=len(value.split()) < _PROSE, bound=bound)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        written = f"{value:.15g}" if isinstance(value, float) else str(value)
        yield Piece(f"{written} {unit}" if unit else written, place=path or "the number", free=True, bound=bound)


# Comparing


def _numbers(piece: Piece) -> Iterator[_Number]:
    for mention in spot(piece.text).quantities:
        low, unit = in_base_unit(mention.low, mention.unit)
        high, _ = in_base_unit(mention.high, mention.unit)
        bound = piece.bound or mention.bound
        yield _Number(
            said=_BOUNDS[bound] + mention.text,
            written=(mention.low, mention.high),
            ends=(low, high),
            unit=unit,
            bound=bound,
            place=_place(piece, mention.span[0]),
            any_unit=piece.free and unit is None,
            any_bound=piece.free and bound == "exact" and piece.bound is None,
            is_value=piece.free,
        )


def _others(piece: Piece) -> Iterator[tuple[str, str]]:
    """The numbers that spotting takes for parts of names, years and the like: they have to stand in the source as digits."""
    taken: list[QuantityMention] = [*spot(piece.text).quantities]
    for match in _DIGITS.finditer(piece.text):
        if not any(m.span[0] < match.end() and match.start() < m.span[1] for m in taken):
            yield _place(piece, match.start()), match[0]


def _place(piece: Piece, start: int) -> str:
    if piece.place:
        return piece.place
    line = piece.line + piece.text.count("\n", 0, start)
    return f"{line}:{start - piece.text.rfind(chr(10), 0, start)}"


def _plain(token: str) -> str:
    """Digits without the commas between thousands."""
    return token.replace(",", "")


def _check(number: _Number, standing: list[_Number], digits: set[str]) -> Finding | None:
    written = [other for other in standing if _ends(number.written, other.written)]
    alike = [other for other in standing if number.any_unit or other.unit == number.unit]
    alike = [other for other in alike if _ends(number.ends, other.ends) or (number.any_unit and other in written)]
    if any(_same_bound(number, other) for other in alike) or _is_range_of(number, standing):
        return None
    if number.unit is None and not written and _plain(number.said) in digits:  # of a name: the 6 of "iPhone 6"
        return None
    problem: Problem = "bound" if alike else "unit" if written else "missing"
    stands = next(iter(alike or written), None) or _nearest(number, standing)
    return Finding(number.place, number.said, problem, stands.said if stands else None)


def _ends(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether a number is the other one, or one end of it: "up to 56%" of "50%-56%"."""
    if _equal(one[0], other[0]) and _equal(one[1], other[1]):
        return True
    return one[0] == one[1] and (_equal(one[0], other[0]) or _equal(one[0], other[1]))


def _same_bound(number: _Number, other: _Number) -> bool:
    if number.any_bound:
        return True
    if number.is_value or (number.ends[0] == number.ends[1]) == (other.ends[0] == other.ends[1]):
        return number.bound == other.bound
    low = _equal(number.ends[0], other.ends[0])
    return number.bound == ("at_least" if low else "up_to")


def _is_range_of(number: _Number, standing: list[_Number]) -> bool:
    """Whether both ends of a range stand in the source, each on its own: "23% to 24%" of "24% and 23%"."""
    ends = [end for other in standing if other.unit == number.unit for end in other.ends]
    return number.ends[0] < number.ends[1] and all(any(_equal(value, end) for end in ends) for value in number.ends)


def _nearest(number: _Number, standing: list[_Number]) -> _Number | None:
    alike = [other for other in standing if other.unit == number.unit]
    return min(alike, key=lambda other: abs(other.ends[1] - number.ends[1]), default=None)


def _equal(one: float, other: float) -> bool:
    return isclose(one, other, rel_tol=1e-9)
