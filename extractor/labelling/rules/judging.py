"""What a number says: whether it is a claim, and of which kind, comparison and effect; and what a row can ask of it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, NamedTuple, cast

from extractor.labelling.rules.frames import NUMBERS, Frame
from extractor.records import Comparison, Effect, Kind

GOVERNED: Mapping[str, Callable[[Frame], bool]] = {
    "by something": lambda frame: frame.row is not None,
    "surely": lambda frame: frame.sure,
    "not surely": lambda frame: not frame.sure,
    "at most by an activity": lambda frame: _kind(frame) in (None, "any"),
    "by a change": lambda frame: frame.change is not None,
    "by no change": lambda frame: frame.change is None and not frame.values,
    "by a change in time": lambda frame: frame.change_entry is not None and frame.change_entry.kind == "time",
    "by a change in cost": lambda frame: frame.change_entry is not None and frame.change_entry.kind == "resource",
    "against another": lambda frame: "T" in frame.sentence.codes[frame.first - 1 : frame.last],
    "by a time": lambda frame: _kind(frame) == "time",
    "by a cost": lambda frame: _kind(frame) == "resource",
    "by no cost": lambda frame: _kind(frame) != "resource",
    "by an overhead": lambda frame: frame.metric is not None and "overhead" in frame.sentence.words[frame.metric[1] - 1],
    "by an error": lambda frame: _kind(frame) == "accuracy" and frame.entry is not None and frame.entry.better == "lower",
    "by no accuracy": lambda frame: _kind(frame) != "accuracy",
    "by what is spent": lambda frame: (
        frame.entry is not None and frame.entry.kind in ("time", "resource") and frame.entry.better == "lower"
    ),
    "by what is gained": lambda frame: (
        frame.entry is not None and frame.entry.kind in ("time", "resource") and frame.entry.better == "higher"
    ),
}
"""What a row may ask of what governs a number."""


def _kind(frame: Frame) -> str | None:
    return entry.kind if (entry := frame.entry) else None


@dataclass(frozen=True, slots=True)
class Near:
    """One of the words of a list, or two together, stands among the `reach` words on a side of the number."""

    side: Literal["before", "behind"]
    list: str
    reach: int = 1

    def holds(self, frame: Frame) -> bool:
        """Whether a number has such a word; what stands behind the next number is not looked at."""
        words, first, last, listed = frame.sentence.words, frame.first, frame.last, frame.sentence.lexicon.lists[self.list]
        before = self.side == "before"
        near = words[max(0, first - self.reach) : first] if before else words[last : min(frame.tail, last + self.reach)]
        return not (listed.isdisjoint(near) and (len(near) < 2 or listed.isdisjoint(map(" ".join, pairwise(near)))))


@dataclass(frozen=True, slots=True)
class Row:
    """What a table of rules `says` of a number that is what the row asks for: of the last number of its example.

    All that is asked has to hold, and none of `unless`. `number` is one of `NUMBERS`, `governed` are some of `GOVERNED`.
    `before` and `behind` are patterns over the word classes on a side of the number.
    `little`: it is put as small; `counts`: a plural stands behind it. A row that says what is a claim may also know its
    `kind`, its `comparison`, and the `metric` that stands behind it.
    """

    name: str
    says: str
    example: str
    number: str | None = None
    governed: tuple[str, ...] = ()
    near: tuple[Near, ...] = ()
    unless: tuple[Near, ...] = ()
    before: re.Pattern[str] | None = None
    behind: re.Pattern[str] | None = None
    little: bool | None = None
    counts: bool | None = None
    kind: Kind | None = None
    comparison: Comparison | None = None
    metric: re.Pattern[str] | None = None
    asks: tuple[Callable[[Frame], bool], ...] = field(init=False)

    def __post_init__(self) -> None:
        before, behind = self.before, self.behind
        number = [] if self.number is None else [NUMBERS[self.number]]
        asks = [*number, *(GOVERNED[name] for name in self.governed), *(near.holds for near in self.near)]
        if before is not None:
            asks.append(lambda frame: before.search(frame.before) is not None)
        if behind is not None:
            asks.append(lambda frame: behind.match(frame.after) is not None)
        if self.little is not None:
            asks.append(lambda frame: _is_little(frame) == self.little)
        if self.counts is not None:
            asks.append(lambda frame: _counts(frame) == self.counts)
        if self.unless:
            asks.append(lambda frame: not any(near.holds(frame) for near in self.unless))
        object.__setattr__(self, "asks", tuple(asks))


def first_that_fits(rows: tuple[Row, ...], frame: Frame) -> Row | None:
    """The row that decides. Loops, because 30 rows are tried for a number: with generators it takes a quarter longer."""
    for row in rows:
        for holds in row.asks:
            if not holds(frame):
                break
        else:
            return row
    return None


def _is_little(frame: Frame) -> bool:
    """Whether a number is put as small: "only Q", "less than Q"."""
    below = frame.mention.bound == "up_to" and frame.sentence.words[frame.first - 1] != "up to"
    return below or frame.sentence.holds("limited", frame.first - 3, frame.first)


_COUNTED = re.compile(r"[wN]{1,4}")
_PLURAL = re.compile(r"[^s']s$")


def _counts(frame: Frame) -> bool:
    """Whether a plural stands behind a number; a name in capitals is not one ("88.7 ANLS")."""
    match = _COUNTED.match(frame.after)
    last = frame.last + match.end() if match else 0
    return match is not None and _PLURAL.search(frame.sentence.phrase(last - 1, last)) is not None


class Judged(NamedTuple):
    """A frame, and the row that decided whether its number is a claim; None if no row did."""

    frame: Frame
    row: Row | None

    @property
    def claim(self) -> bool:
        """Whether the number is a claim."""
        return self.row is not None and self.row.says == "claim"


class Sense(NamedTuple):
    """What a claim reports, and the rows that said so: those of `comparison`, `kind` and `effect`, by their names."""

    comparison: Comparison
    kind: Kind
    effect: Effect | None
    why: tuple[str | None, str | None, str | None]


@dataclass(frozen=True, slots=True)
class EffectRow:
    """What a change with this effect is where more is better, where less is, and where nobody knows."""

    name: str
    effect: str
    example: str
    more: Effect
    less: Effect
    open: Effect


def judge(frame: Frame, rows: tuple[Row, ...]) -> Judged:
    """The frame with the first row that fits its number; where that row says what the number reports, no change governs it."""
    row = first_that_fits(rows, frame)
    if row is None or row.comparison is None:
        return Judged(frame, row)
    metric = frame.metric
    found = row.metric.match(frame.after) if row.metric else None
    if found:
        metric = (frame.last + found.start("m"), frame.last + found.end("m")) if found["m"] else None
    return Judged(frame._replace(change=None, metric=metric), row)


def sense_of(judged: Judged, comparisons: tuple[Row, ...], kinds: tuple[Row, ...], effects: tuple[EffectRow, ...]) -> Sense:
    """Comparison, kind and effect of a claim: by its own row, else the first that fits, else an absolute accuracy."""
    frame, own = judged.frame, judged.row
    compared = own if own and own.comparison else first_that_fits(comparisons, frame)
    comparison = (compared.comparison or cast(Comparison, compared.says)) if compared else "absolute"
    sorted_ = own if own and own.kind else first_that_fits(kinds, frame)
    kind = (sorted_.kind or sorted_.says) if sorted_ else "accuracy"
    if kind == "time":
        kind = "speed" if comparison == "absolute" else "speedup"
    effect, by = _effect(frame, effects) if comparison == "change" else (None, None)
    why = (compared.name if compared else None, sorted_.name if sorted_ else None, by)
    return Sense(comparison, cast(Kind, kind), effect, why)


def _effect(frame: Frame, rows: tuple[EffectRow, ...]) -> tuple[Effect, str]:
    """Whether a change is for the better, and the row that says so."""
    change, entry = frame.change_entry, frame.entry
    move = change.effect if change else "loss" if frame.mention.text.lower().startswith(("-", "halv")) else "rise"
    move = "harm" if change is None and frame.sentence.holds("close", frame.first - 1, frame.first) else move
    row = next(row for row in rows if row.effect == move)
    if entry is None or entry.kind == "any":
        return row.open, row.name
    return (row.more if entry.better == "higher" else row.less), row.name
