"""Where a number holds: the dataset or task, and the device on which it was obtained."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from extractor.labelling.rules.comparands import split_list
from extractor.labelling.rules.frames import Frame, metric_entry
from extractor.labelling.rules.judging import Sense
from extractor.labelling.rules.lexicon import COUNT
from extractor.labelling.rules.reading import Previous, Sentence
from extractor.records import Kind

Region = Literal[
    "parentheses",
    "clause",
    "metric",
    "rest of the stretch",
    "right behind",
    "frame",
    "up to the number",
    "opening",
    "sentence before",
]
"""The words before the parentheses that hold the number, and the head of the metric. Behind the number: its clause, and what is
left up to the next number. Before it: all of its sentence, the words that open its clause, and the sentence before."""

_ITEM = r"[wNM/-]*[wNM]"
_NAMES = r"[wN-]*N(?:,[wN-]*N){0,5}(?:,?&[wN-]*N)?"
_PLACE = re.compile(rf"(?P<p>[PFIAW])[DBRQ]*(?P<x>{_ITEM}(?:\([^)Q]{{1,3}}\))?(?:(?:(?:,{_ITEM}){{1,5}},?)?&[DR]*{_ITEM})?)")


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """Where a dataset or task stands, and which prepositions lead to it, as classes, by what the phrase holds.

    A name (`named`), a noun of datasets (`noun`), `both`, a noun of tasks (`task`), or any `other` noun that says which.
    `last`: of several places in the region the last counts.
    """

    name: str
    region: Region
    example: str
    yields: str
    named: str = ""
    noun: str = ""
    both: str = ""
    task: str = ""
    other: str = ""
    last: bool = False

    cues: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cues", self.named + self.noun + self.both + self.task + self.other)


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """Where the device stands on which a number was obtained, for claims of these `kinds`. `last`: the last counts."""

    name: str
    region: Literal["clause", "up to the number", "sentence before"]
    example: str
    yields: str
    kinds: tuple[Kind, ...]
    relative: bool = False
    last: bool = False


def dataset_of(frame: Frame, sense: Sense, previous: Previous, rows: tuple[DatasetRow, ...]) -> tuple[str, str] | None:
    """The dataset or task of a number, and the name of the row that found it.

    An absolute speed or cost has none.
    """
    if sense.kind != "accuracy" and sense.comparison == "absolute":
        return None
    for row in rows:
        region = _region(row.region, frame, sense, previous)
        found = _in_metric(frame, sense, row) if row.region == "metric" else _place(frame, row, *region) if region else None
        if found:
            return found, row.name
    return None


def _region(region: Region, frame: Frame, sense: Sense, previous: Previous) -> tuple[Sentence, int, int] | None:
    """The sentence and the tokens of a region; None where it is not there."""
    sentence, codes = frame.sentence, frame.sentence.codes
    match region:
        case "metric":
            return None
        case "parentheses":
            opened = codes.rfind("(", 0, frame.first)
            holder = _HOLDER.search(codes, 0, opened) if opened > codes.rfind(")", 0, frame.first) else None
            return (sentence, holder.start(), opened) if holder else None
        case "clause":
            return sentence, *_before_aside(frame)[:2]
        case "right behind":
            start, clause, _ = _before_aside(frame)
            begins = _BEGINS.match(codes, start, clause)
            meant = begins and (sense.kind == "accuracy" or codes[begins.end()] == "F")
            return (sentence, begins.end(), clause) if begins and meant else None
        case "rest of the stretch":
            return sentence, *_before_aside(frame)[1:]
        case "frame":
            return None if frame.head and _NAMED.search(codes, frame.head, frame.first) else (sentence, 0, codes.index("Q"))
        case "up to the number":
            return sentence, 0, frame.first
        case "opening":
            opens = [match for match in _PLACE.finditer(codes, 0, frame.first) if _OPENS.search(codes, 0, match.start())]
            return (sentence, *opens[-1].span()) if opens else None
        case "sentence before":
            if sense.kind != "accuracy" or _speaks(_OPENS_ANOTHER, sentence) or (before := previous()) is None:
                return None
            tells = before.codes[:1] == "P" or _speaks(_TELLS, before)
            return (before, 0, len(before.codes)) if tells else None


@lru_cache(maxsize=8)
def _speaks(pattern: re.Pattern[str], sentence: Sentence) -> bool:
    """Whether a word of a sentence fits. Remembered, because a sentence of 10,000 numbers would ask 10,000 times."""
    return any(map(pattern.match, sentence.words))


_TELLS = re.compile(r"(?:evaluat|validat|experiment|benchmark|test|conduct|result|compar|assess|trained|demonstrat|verif)\w*")
_OPENS_ANOTHER = re.compile(r"ablat\w*|participants?$")
_TESTS = re.compile(r"(?:evaluat|validat|test)\w*")
_NAMED = re.compile(r"[PFIA][^,QVP]*N")
_BEGINS = re.compile(r"[wNMHRBDC/-]*(?:[OT][wNMHRD/-]*)?(?=[PIF])")
_OPENS = re.compile(r"(?:^|[,;S])[R,]*$")
_HOLDER = re.compile(rf"[PFIA&,][DBRQ]*{_ITEM}$")
_ASIDE = re.compile(r"[^()]*\)(?=[,&])")
_CLAUSE_END = re.compile(r"[;S]|,&?R*[VC]|,?&[PIFU]")
_BESIDE = re.compile(r"[wNMR]{0,5}\([^()Q]*Q[^()]*\)(?P<x>[PFIA][^Q]*)")


def _clause(frame: Frame) -> tuple[int, int, int]:
    """The clause behind a number, or behind parentheses with a second value ("60.1% (vs. 55.1%) on X"), and the next number."""
    beside = _BESIDE.match(frame.sentence.codes, frame.last)
    start, tail = beside.span("x") if beside else (frame.last, frame.tail)
    match = _CLAUSE_END.search(frame.sentence.codes, start, tail)
    return start, match.start() if match else tail, tail


def _before_aside(frame: Frame) -> tuple[int, int, int]:
    """The same, but of a clause that begins in parentheses only what stands in them."""
    start, clause, tail = _clause(frame)
    aside = _ASIDE.match(frame.sentence.codes, start, clause)
    return start, aside.end() if aside else clause, tail


def _place(frame: Frame, row: DatasetRow, sentence: Sentence, start: int, end: int) -> str | None:
    """The first phrase in a stretch, or the last, that is a place by the preposition before it and by what it holds."""
    matches = [*_PLACE.finditer(sentence.codes, start, end)]
    for match in reversed(matches) if row.last else matches:
        if match["p"] not in row.cues:
            continue
        first, last = _bare(sentence, *match.span("x"))
        if match["p"] in row.other:
            first, last = _condition(sentence, *match.span("x"))
        words, cue = sentence.words[first:last], match["p"]
        models = any(map(sentence.lexicon.is_model, words))
        own = sentence is frame.sentence and _overlaps(frame, first, last)
        if not words or models or own or "M(" in sentence.codes[first:last]:
            continue
        if cue == "W" and (sentence.words[match.start("p")] != "using" or not any(map(_TESTS.match, sentence.words))):
            continue
        named, noun = "N" in sentence.codes[first:last], _is_of_tests(sentence, first, last)
        split = sentence.holds("splits", last - 1, last)
        late = sentence is not frame.sentence and not row.named
        uses = ("uses",) if named else ("uses", "trained")
        if any(sentence.holds(name, match.start() - 1, match.start()) for name in uses):
            continue  # "models based on X"
        if named and len(words) == 1 and "Q" in sentence.codes[match.start() : first]:
            continue  # "on 16 MDs": persons
        specific = _is_specific(sentence, first, last)
        task = split or sentence.holds("tasks", last - 1, last)
        cues = (
            (row.named if named else "")
            + (row.noun if noun and specific and (not split or late) else "")
            + (row.both if named and noun else "")
            + (row.task if task and specific else "")
            + (row.other if specific or (cue == "P" and match.start() >= frame.last and last - first > 1) else "")
        )
        if cue not in cues:
            continue
        items = split_list(sentence, first, last)
        if sentence is frame.sentence and frame.listed and len(items) == frame.size:
            return _trimmed(sentence, *items[frame.place])
        return _trimmed(sentence, first, last)
    return None


def _in_metric(frame: Frame, sense: Sense, row: DatasetRow) -> str | None:
    """The dataset at the head of the metric's words, or the task, of two words at least: "maze navigation accuracy"."""
    sentence, (first, last) = frame.sentence, frame.metric or (0, 0)
    if row.named:
        return sentence.phrase(first, first + 1) if sentence.holds("datasets", first, min(first + 1, last)) else None
    tasks = [n for n in range(first + 2, last) if sentence.holds("tasks", n - 1, n)]
    plain = sense.comparison != "absolute" or sentence.holds("vague", first, first + 1)
    return sentence.phrase(first, tasks[-1]) if tasks and not plain else None


def _is_of_tests(sentence: Sentence, first: int, last: int) -> bool:
    """Whether a phrase holds a noun of datasets, or is of experiments that it situates: "real-world trials"."""
    situated = sentence.holds("situations", last - 1, last) and sentence.holds("situated", first, last)
    return sentence.holds("places", first, last) or situated


def _is_specific(sentence: Sentence, first: int, last: int) -> bool:
    """Whether a phrase without a name says which tests are meant: "unseen maps", not "several benchmarks"."""
    vague, words = sentence.lexicon.lists["vague"], sentence.words[first : last - 1]
    said = any(word[0] != COUNT and word not in vague for word in words)
    return said or _named_ones(sentence, last) is not None


def _bare(sentence: Sentence, first: int, last: int) -> tuple[int, int]:
    """The phrase without what stands before it and, behind it, what is no name, no noun of datasets and no task."""
    while first < last and sentence.codes[first] in "DR-":
        first += 1
    lists = ("places", "tasks", "situations") if sentence.holds("situated", first, last) else ("places", "tasks")
    while last > first and sentence.codes[last - 1] not in "N)":
        if any(sentence.holds(name, last - 1, last) for name in lists):
            break
        last -= 1
    return first, last


def _condition(sentence: Sentence, first: int, last: int) -> tuple[int, int]:
    """A phrase without a name, if it can be a condition of tests: "citation networks", "unseen detectors"."""
    while first < last and sentence.codes[first] in "DR-":
        first += 1
    while last - first > 2 and sentence.words[last - 1].endswith(("ing", "ed")) and not sentence.holds("tasks", last - 1, last):
        last -= 1
    plain = set(sentence.codes[first:last]) <= set("w-&,D") and not sentence.holds("unplaced", first, last)
    return (first, last) if plain else (first, first)


def _overlaps(frame: Frame, first: int, end: int) -> bool:
    """Whether a phrase is the number's metric ("5% in accuracy")."""
    return frame.metric is not None and frame.metric[0] < end and first < frame.metric[1]


_APPOSED = re.compile(r",(?P<x>N+),")
_LISTED = re.compile(rf"(?:\(|,?p|:)D?(?P<x>{_NAMES})")
_SUCH_AS = frozenset(["(", ":", ",", "such as", "including", "like", "namely"])
_LATE_NAME = re.compile(r"[w-]+(?P<x>N+)")


def _named_ones(sentence: Sentence, end: int) -> tuple[int, int] | None:
    """The names behind a noun of datasets: "two datasets (KITTI and DTU)", "benchmarks such as KITTI"."""
    listed = _LISTED.match(sentence.codes, end)
    return listed.span("x") if listed and sentence.words[end] in _SUCH_AS else None


def _trimmed(sentence: Sentence, first: int, last: int) -> str:
    """The name without "dataset" behind it, without "the challenging benchmark" before it."""
    codes = sentence.codes
    apposed = _APPOSED.match(codes, last)
    if apposed and "N" not in codes[first:last]:
        return sentence.phrase(*apposed.span("x"))
    end = codes.index("(", first, last) if "(" in codes[first:last] else last
    if sentence.holds("places", end - 1, end) and (names := _named_ones(sentence, end)):
        return sentence.phrase(*names)
    if last - first > 1 and sentence.holds("places", last - 1, last) and codes[last - 2] == "N":
        last -= 1
    named = _LATE_NAME.fullmatch(codes, first, last)
    return sentence.phrase(named.start("x") if named else first, last)


_DEVICE = re.compile(r"H(?:(?:,|,?&)[wNDB]*H)*")
_LOCATED = re.compile(r"[PAWtOp][DBR]*[wNQ/-]{0,5}$")


def device_of(frame: Frame, sense: Sense, previous: Previous, rows: tuple[DeviceRow, ...]) -> tuple[str, str] | None:
    """The device on which a number was obtained, and the name of the row that found it.

    An accuracy has none; an absolute cost has one only where its own clause names it.
    """
    sentence, codes = frame.sentence, frame.sentence.codes
    for row in rows:
        if sense.kind not in row.kinds and not (row.relative and sense.kind == "resource" and sense.comparison != "absolute"):
            continue
        found = None
        match row.region:
            case "clause":
                found = _device(sentence, *_clause(frame)[:2], row.last)
            case "up to the number":
                found = _device(sentence, frame.head, frame.first, row.last) or _device(sentence, 0, codes.index("Q"), row.last)
            case "sentence before":
                found = _device(before, 0, len(before.codes), row.last) if (before := previous()) else None
        if found:
            return found, row.name
    return None


def _device(sentence: Sentence, start: int, end: int, last: bool) -> str | None:
    """The first device of a stretch, or the last, that a preposition locates, and of which not only the memory is meant."""
    codes, found = sentence.codes, None
    for match in _DEVICE.finditer(codes, start, end):
        entry = metric_entry(sentence, match.end(), match.end() + 1) if match.end() < len(codes) else None
        memory = entry is not None and entry.kind == "resource"
        if not memory and _LOCATED.search(codes, max(0, match.start() - 8), match.start()):
            found = sentence.phrase(*match.span())
            if not last:
                break
    return found
