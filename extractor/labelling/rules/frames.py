"""A quantity in its sentence: the run that it stands in, the stretches around the run, and what governs it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, NamedTuple

from extractor.labelling.rules.lexicon import Change, Metric
from extractor.labelling.rules.reading import Sentence
from extractor.spotting.quantities import QuantityMention

NP = "[wNMH/]"
"""Classes of the words of a noun phrase."""

FILL = "[BDRv]*"
"""Classes of what may stand between a number and the word that governs it."""

DAY = 86400.0
"""Seconds."""

METRIC_PHRASE = re.compile(rf"{NP}*M")


@dataclass(frozen=True, slots=True)
class FrameRow:
    """A way in which a number hangs in its sentence.

    `pattern` is one over the classes right before the number's run or right behind it (`side`); its groups `m` and `c` are the
    metric and the word of change. The last number of the example has this row, and the metric and the word that it yields.

    Asked: what the `number` is, one of `NUMBERS`; whether the verb may be one whose object is a `rival`; `opposite`, a pattern
    on the other side.
    Said: `sure`, that even a bare number is a claim; `values`, that two values of one thing are told. By its groups it
    `names_metric`, and `governs` the number by a word of change.
    """

    name: str
    side: Literal["before", "behind"]
    pattern: str
    example: str
    yields: tuple[str | None, str | None]
    number: str | None = None
    rival: bool = True
    opposite: re.Pattern[str] | None = None
    sure: bool = False
    values: bool = False

    asks: "Callable[[Frame], bool] | None" = field(init=False)
    regex: re.Pattern[str] = field(init=False)
    names_metric: bool = field(init=False)
    governs: bool = field(init=False)

    def __post_init__(self) -> None:
        regex = re.compile(f"(?:{self.pattern})$" if self.side == "before" else self.pattern)
        object.__setattr__(self, "asks", None if self.number is None else NUMBERS[self.number])
        object.__setattr__(self, "regex", regex)
        object.__setattr__(self, "names_metric", "m" in regex.groupindex)
        object.__setattr__(self, "governs", "c" in regex.groupindex)


@dataclass(frozen=True, slots=True)
class SharingRow:
    """How a number takes over what the number before it in its sentence was said of, where the words between only go on.

    `pattern` has to match all classes between the two runs; its group `m` is a metric of the number's own. The last number of
    the example has this row, and what the example yields.

    Asked: that the number before is a change or a value (`after`), that both are of one unit (`alike`),
    and that the number hangs nowhere yet, or only on a metric behind it (`own`).
    """

    name: str
    pattern: re.Pattern[str]
    example: str
    yields: tuple[str | None, str | None]
    after: Literal["change", "value"] = "value"
    alike: bool = False
    own: Literal["nothing", "metric behind", "anything"] = "nothing"
    sure: bool = True
    side: ClassVar[Literal["shared"]] = "shared"


class Frame(NamedTuple):
    """One quantity in its sentence. `first` and `last` bound its run, the coordinated quantities that it stands with.

    `place` is its position in the run of `size` quantities; `head` is the first token of the stretch before the run, `tail` the
    token after the stretch behind it: neither stretch holds another quantity. `metric` and `change` are token ranges and
    indices, `row` is what found them.
    """

    mention: QuantityMention
    sentence: Sentence
    token: int
    first: int
    last: int
    place: int
    size: int
    head: int
    tail: int
    metric: tuple[int, int] | None = None
    change: int | None = None
    row: FrameRow | SharingRow | None = None

    @property
    def before(self) -> str:
        """Classes of the tokens between the run before and this run."""
        return self.sentence.codes[self.head : self.first]

    @property
    def after(self) -> str:
        """Classes of the tokens between this run and the next."""
        return self.sentence.codes[self.last : self.tail]

    @property
    def listed(self) -> bool:
        """Whether the run coordinates numbers of several things ("Q and Q"), not two of one ("from Q to Q", "Q vs Q")."""
        return self.size > 1 and not self.is_pair

    @property
    def is_pair(self) -> bool:
        """Whether its run holds two values of one thing: "from Q to Q", "Q vs Q"."""
        return not set("tT").isdisjoint(self.sentence.codes[self.first : self.last])

    @property
    def values(self) -> bool:
        """Whether two values of one thing are told."""
        return isinstance(self.row, FrameRow) and self.row.values

    @property
    def sure(self) -> bool:
        """Whether its row makes even a bare number a claim."""
        return self.row is not None and self.row.sure

    @property
    def hangs_behind(self) -> bool:
        """Whether what it hangs on stands behind it."""
        return self.row is not None and self.row.side == "behind"

    @property
    def entry(self) -> Metric | None:
        """What the lexicon knows of the metric: the entry of its last known word."""
        if self.metric is None:
            return None
        if self.sentence.words[self.metric[0] - 1].endswith(("number of", "amount of", "volume of")):
            return _NUMBER_OF
        first, last = self.metric
        short = last == first + 1 and self.sentence.codes.startswith("M(N)", first - 2)  # "Peak Delay (PD)"
        return metric_entry(self.sentence, first - 2 if short else first, last)

    @property
    def change_entry(self) -> Change | None:
        """What the lexicon knows of the word of change."""
        return None if self.change is None else self.sentence.lexicon.changes[self.sentence.words[self.change]]


_NUMBER_OF = Metric("resource", "lower")


def metric_entry(sentence: Sentence, first: int, last: int) -> Metric | None:
    """The lexicon's entry of the last metric word of a phrase; an entry of kind "any" gives way to one before it."""
    found = None
    for n in range(last - 1, first - 1, -1):
        if sentence.codes[n] == "M":
            entry = sentence.lexicon.metric(sentence.words[n])
            if entry.kind != "any":
                return entry
            found = found or entry
    return found


_JOINT = re.compile(r"[,/]?&?[BR]*|T|(?:\([^()]{1,3}\))?t")


def frames_of(sentence: Sentence) -> tuple[Frame, ...]:
    """The frames of the quantities of a sentence, in order; nothing governs them yet."""
    codes = sentence.codes
    runs: list[list[int]] = []
    for place in sorted(sentence.at):
        last = runs[-1][-1] if runs else None
        alike = last is not None and sentence.at[last].unit == sentence.at[place].unit
        if last is not None and alike and _JOINT.fullmatch(codes, last + 1, place):
            runs[-1].append(place)
        else:
            runs.append([place])
    runs = [part for run in runs for part in _coordinated(codes, run)]
    frames = []
    for n, run in enumerate(runs):
        head = runs[n - 1][-1] + 1 if n else 0
        tail = runs[n + 1][0] if n + 1 < len(runs) else len(codes)
        for position, token in enumerate(run):
            mention = sentence.at[token]
            frames.append(Frame(mention, sentence, token, run[0], run[-1] + 1, position, len(run), head, tail))
    return tuple(frames)


def _coordinated(codes: str, run: list[int]) -> list[list[int]]:
    """The run in one piece, or number by number if nothing but a comma joins two ("an accuracy of 82.1%, 1.5% higher")."""
    apposed = len(run) == 2 and set(codes[run[0] + 1 : run[1]]) <= set(",BR")
    return [[place] for place in run] if apposed else [run]


def is_timed(frame: Frame) -> bool:
    """Whether a number is a time or a rate: what one run takes or reaches."""
    unit = frame.mention.measure
    return unit.dimension in ("time", "rate")


def is_odd(frame: Frame) -> bool:
    """Whether a number has a unit that by itself says nothing of a system, such as metres."""
    unit = frame.mention.measure
    return frame.mention.unit is not None and not (unit.relative or unit.reports or unit.dimension == "level")


_DECIMAL = re.compile(r"[\d.,+\-–~$\\\s]+±?[\d.$\s]*")


def is_score(frame: Frame) -> bool:
    """Whether a number looks like a score: a percentage or a decimal."""
    unit, text = frame.mention.unit, frame.mention.text
    return unit in ("%", "dB") or (unit is None and "." in text and _DECIMAL.fullmatch(text) is not None)


_DOUBLING = re.compile(r"(?:doubl|tripl|quadrupl|halv)(?:es|ing|ed)")
_TALLY = re.compile(r"[\d,]+/[\d,]+")
_OUT_OF = re.compile(r"\d+(?:[-–]\d+)? (?:out )?of (?:the )?\d+")

NUMBERS: Mapping[str, Callable[[Frame], bool]] = {
    "bare": lambda frame: frame.mention.unit is None,
    "count": lambda frame: frame.mention.unit is None and not is_score(frame),
    "decimal": lambda frame: frame.mention.unit is None and is_score(frame),
    "score": is_score,
    "score or bound": lambda frame: is_score(frame) or is_odd(frame) or frame.mention.bound != "exact",
    "measured": lambda frame: is_score(frame) or is_odd(frame) or "±" in frame.mention.text or "+/-" in frame.mention.text,
    "two values": lambda frame: frame.size == 2 or frame.mention.low != frame.mention.high or is_score(frame),
    "share or multiple": lambda frame: frame.mention.measure.relative,
    "share": lambda frame: frame.mention.unit == "%",
    "multiple": lambda frame: frame.mention.unit == "x",
    "gain at most": lambda frame: (
        frame.mention.unit == "x" or (frame.mention.unit == "%" and frame.sentence.words[frame.first - 1] in ("up to", "over"))
    ),
    "signed": lambda frame: _is_signed(frame.mention) and not frame.before.endswith("="),
    "doubling": lambda frame: _DOUBLING.fullmatch(frame.mention.text.lower()) is not None,
    "tries": lambda frame: _OUT_OF.fullmatch(frame.mention.text) is not None,
    "tally": lambda frame: any(map(_TALLY.fullmatch, (frame.mention.text, frame.sentence.phrase(frame.first, frame.last)))),
    "time": lambda frame: frame.mention.measure.reports == "time",
    "duration": lambda frame: frame.mention.measure.dimension == "time",
    "days": lambda frame: frame.mention.measure.reports == "time" and frame.mention.measure.base >= DAY,
    "cost": lambda frame: frame.mention.measure.reports == "cost",
    "time or cost": lambda frame: frame.mention.measure.reports != "",
    "tokens": lambda frame: frame.mention.measure.dimension == "tokens",
    "things": lambda frame: frame.mention.measure.dimension in ("tokens", "examples", "repetitions"),
    "many parameters": lambda frame: frame.mention.measure.dimension == "parameters" and frame.mention.high >= 1e7,
    "area or current": lambda frame: frame.mention.measure.dimension == "current" or (frame.mention.unit or "").endswith("m2"),
    "decibels": lambda frame: (frame.mention.unit or "").startswith("dB"),
    "hertz": lambda frame: (frame.mention.unit or "").endswith("Hz"),
    "size": lambda frame: (
        not (frame.mention.measure.relative or frame.mention.measure.dimension in ("level", "rate", "parameters"))
    ),
    "odd": is_odd,
}
"""What a row may ask of a number. `size`: no share, rate or level; `odd`: a unit, such as metres, that says
nothing of a system."""


def _is_signed(mention: QuantityMention) -> bool:
    """Whether a sign says that a value rose or fell: "+1.5 dB" and "-3%", but not a level of "-62 dB"."""
    sign, measure = mention.text[:1], mention.measure
    return sign in "+-" and (measure.relative or (sign == "+" if mention.unit else "." in mention.text))


_TALLIES = frozenset(["score", "scores", "value", "values", "metric", "metrics"])
_KEPT = frozenset(["end-to-end", "average", "mean", "overall", "total", "median", "peak"])
_IN_PARENTHESES = re.compile(r"\(([MN])\)")
_ACRONYM = re.compile(r"(?!.*-\d)(?:[A-Z][A-Za-z]?[A-Z@]+[a-z]?[\w@.-]*|[A-Z]-\w+|[A-Z]{2,}[\w@-]*|[a-z]+[A-Z]\w*)")


def named(sentence: Sentence, first: int, last: int) -> tuple[int, int] | None:
    """A metric's words without fillers in front and devices behind; None if no name is left or it is a model's."""
    codes, words, fillers = sentence.codes, sentence.words, sentence.lexicon.lists["fillers"]
    first = next((n + 1 for n in reversed(range(first, last - 1)) if words[n].endswith(("'s", "’s"))), first)
    if codes[first:last].endswith("Mw") and words[last - 1].endswith(("ed", "ing")):
        last -= 1
    if _TALLIES.issuperset(words[first:last]) and (match := _IN_PARENTHESES.match(codes, max(0, first - 3), first)):
        return match.span(1)  # "Intersection over Union (IoU) scores"
    if all(words[n] in fillers for n in range(first, last)):
        return None
    while words[first] == "/" or words[first].isdigit() or (words[first] in fillers and words[first] not in _KEPT):
        first += 1
    if words[last - 1] in _TALLIES and "M" in codes[first : last - 1]:
        last -= 1
    if "M" not in codes[first:last] and (words[last - 1].endswith("ing") or sentence.holds("variants", last - 1, last)):
        return None
    if "M" not in codes[first:last] and codes[last - 1] == "N" and not _ACRONYM.fullmatch(sentence.phrase(last - 1, last)):
        return None
    return first, last


def abbreviated(sentence: Sentence, first: int, last: int) -> tuple[int, int]:
    """The acronym in the parentheses behind a phrase, else the phrase."""
    match = _IN_PARENTHESES.match(sentence.codes, last)
    if match and sum(map(str.isupper, sentence.phrase(*match.span(1)))) > 1:
        return match.span(1)
    return first, last
