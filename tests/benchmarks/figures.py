"""What a benchmark gives: figures with each round's value, and how they are printed, written into documents and kept."""

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: of whom, what, in which unit, and its value in each round."""

    name: str
    what: str
    unit: str
    rounds: tuple[float, ...]

    @property
    def value(self) -> float:
        """The median of the rounds."""
        return median(self.rounds)

    def ratio(self, base: "Row") -> float:
        """To another figure of the same run: the median of the rounds' own ratios, since what moves the machine moves both."""
        if len(self.rounds) != len(base.rounds):
            return self.value / base.value
        return median(mine / theirs for mine, theirs in zip(self.rounds, base.rounds, strict=True))


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was not measured, and why, in one line."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Result:
    """The figures of one benchmark. Ratios are to those of `base`, where there is one; `versions` are of what was measured."""

    title: str
    rows: tuple[Row, ...]
    skipped: tuple[Skipped, ...] = ()
    base: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    def row(self, name: str, what: str) -> Row | None:
        """One figure, if it was measured."""
        return next((row for row in self.rows if (row.name, row.what) == (name, what)), None)

    def base_of(self, row: Row) -> Row | None:
        """What a figure is given a ratio to; nothing has one to zero."""
        base = self.row(self.base, row.what) if self.base else None
        return base if base and all(base.rounds) else None

    def cells(self) -> list[list[str]]:
        """A table with its heading: a line for each name, a column for each thing that was measured."""
        names, whats = (list(dict.fromkeys(getattr(row, of) for row in self.rows)) for of in ("name", "what"))
        return [["", *whats], *([self._called(n), *(self._cell(self.row(n, what)) for what in whats)] for n in names)]

    def _called(self, name: str) -> str:
        return f"{name} {version}" if (version := self.versions.get(name)) else name

    def _cell(self, row: Row | None) -> str:
        if row is None:
            return ""
        text = f"{number(row.value)} {row.unit}".strip()
        if len(row.rounds) > 1:
            text += f" ({number(min(row.rounds))}–{number(max(row.rounds))})"
        base = self.base_of(row)
        return text if base is None or base is row else f"{text}, {number(row.ratio(base))}x"

    @classmethod
    def of_json(cls, told: Mapping[str, Any]) -> "Result":
        """As `asdict` wrote it."""
        rows = tuple(Row(each["name"], each["what"], each["unit"], tuple(each["rounds"])) for each in told["rows"])
        skipped = tuple(Skipped(**each) for each in told["skipped"])
        return cls(told["title"], rows, skipped, told["base"], told["versions"])


def number(value: float) -> str:
    """Three digits, and no fewer than stand before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def printed(result: Result) -> str:
    """A result as the terminal shows it."""
    lines = result.cells() if result.rows else []
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([result.title, *table, *(f"{each.name} was not measured: {each.why}" for each in result.skipped)])


def markdown(result: Result) -> str:
    """A result as a document shows it."""
    heading, *lines = result.cells() if result.rows else [[""]]
    rows = [heading, ["---"] * len(heading), *lines]
    table = ["| " + " | ".join(line) + " |" for line in rows] if result.rows else []
    notes = [f"Not measured: {each.name}, {each.why}." for each in result.skipped]
    return "\n\n".join([f"**{result.title}.**", *(["\n".join(table)] if table else []), *notes])


def machine() -> str:
    """What the figures were measured on, as far as they depend on it."""
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"


def read(path: Path) -> dict[str, Result]:
    """The results of a file by the names of their benchmarks, none if it does not exist."""
    told = json.loads(path.read_text(encoding="utf-8"))["benchmarks"] if path.exists() else {}
    return {name: Result.of_json(each) for name, each in told.items()}


def write(path: Path, results: Mapping[str, Result]) -> None:
    """Keep results, with the medians beside the rounds for other readers."""
    told = {"machine": machine(), "benchmarks": {name: _told(result) for name, result in results.items()}}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _told(result: Result) -> dict[str, Any]:
    told = asdict(result)
    for row, each in zip(result.rows, told["rows"], strict=True):
        base = result.base_of(row)
        each |= {"value": row.value} | ({} if base is None else {"ratio": row.ratio(base)})
    return told


def replaced(text: str, blocks: Mapping[str, str]) -> str:
    """A document with each block between `<!-- bench: NAME -->` and `<!-- end -->` renewed. Raises `KeyError` for others."""
    parts = text.split("<!-- bench: ")
    for n, part in enumerate(parts[1:], 1):
        name, _, rest = part.partition(" -->")
        parts[n] = f"{name} -->\n{blocks[name]}\n<!-- end -->{rest.partition('<!-- end -->')[2]}"
    return "<!-- bench: ".join(parts)


def rounds(values: Iterable[float]) -> tuple[float, ...]:
    """Values as a row keeps them: to six digits, which are more than any measurement has."""
    return tuple(float(f"{value:.6g}") for value in values)


def pivot(name: str, measured: Mapping[tuple[str, str], Sequence[float]]) -> tuple[Row, ...]:
    """Rows of one name: what was measured, with its unit -> the rounds."""
    return tuple(Row(name, what, unit, rounds(values)) for (what, unit), values in measured.items())
