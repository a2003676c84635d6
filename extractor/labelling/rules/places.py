"""Where a number holds: the dataset or task, and the device on which it was obtained."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Literal, NamedTuple

from extractor.labelling.rules.comparands import split_list
from extractor.labelling.rules.frames import Frame, metric_entry
from extractor.labelling.rules.judging import Sense
from extractor.labelling.rules.lexicon import COUNT
from extractor.labelling.rules.reading import Previous, Sentence

PlaceKind = Literal["name", "dataset", "tests", "task", "condition"]
"""A name; a name with a noun of datasets; such a noun, or one of experiments, alone; a noun of tasks; another noun."""


class Place(NamedTuple):
    """A phrase that can say where a number holds: the tokens from `first` up to `last`, and its preposition at token `at`.

    `by` is the class of the preposition. `opens`: it begins a clause. `taken`: a number stands right before it.
    """

    at: int
    first: int
    last: int
    by: str
    kind: PlaceKind
    opens: bool
    taken: bool


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """Where the dataset or task of a number stands: the nearest place of these `kinds` in a region, behind a preposition `by`.

    Behind the number: in its clause, or right behind it and the numbers coordinated with it. Before it: in its sentence, of all
    places, of those that lead up to the number itself or open a clause, or before all numbers with no such place behind, or in
    the order of its run; one or two sentences before, where that tells of tests. Or at the head of its metric.
    """

    name: str
    region: Literal[
        "clause", "metric", "behind", "turn", "up to it", "before", "before all", "opening", "one before", "two before"
    ]
    example: str
    yields: str
    kinds: tuple[PlaceKind, ...]
    by: str = ""


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """Where the device stands on which a number was obtained; `timed`: a time or rate. `last`: of several the last counts."""

    name: str
    region: Literal["clause", "up to the number", "further behind", "sentence before"]
    example: str
    yields: str
    timed: bool = False
    last: bool = False


def dataset_of(frame: Frame, sense: Sense, previous: Previous, rows: tuple[DatasetRow, ...]) -> tuple[str, str] | None:
    """The dataset or task of a number, and the name of the row that found it.

    An absolute speed or cost has none, nor has a size: a model is as large on one dataset as on another.
    """
    if sense.kind != "accuracy" and (sense.comparison == "absolute" or _is_size(frame)):
        return None
    for row in rows:
        found = _in_place(frame, sense, row, previous) if row.by else _in_metric(frame, sense, row)
        if found:
            return found, row.name
    return None


def _is_size(frame: Frame) -> bool:
    """Whether a number is the size of a model: "parameters"."""
    return frame.metric is not None and frame.sentence.holds("model_sizes", *frame.metric)


def _in_place(frame: Frame, sense: Sense, row: DatasetRow, previous: Previous) -> str | None:
    """The first phrase of a region that a row takes."""
    sentence, places = frame.sentence, _region(frame, row)
    if back := {"one before": 1, "two before": 2}.get(row.region):
        before = previous(back, _TELLS) if sense.kind == "accuracy" and not _speaks(_OPENS_ANOTHER, sentence) else None
        places = sorted(_places(before), key=lambda place: (place.kind != "dataset", -place.at)) if before else ()
        sentence = before or sentence
    costs = sense.kind != "accuracy" and row.region in ("before", "before all")
    for place in places:
        if place.kind not in row.kinds or place.by not in row.by or (place.taken and (back or costs)):
            continue  # "91.2% on LongBench, at half the cost"
        led = costs and not place.opens and _VERB.search(sentence.codes, 0, place.at)
        if led and _NEXT_VERB.search(sentence.codes, place.last, frame.first):
            continue  # "it leads on LongBench while halving the cost"
        if place.by == "F" and not place.opens:
            bare = place.kind == "name" and "w" not in sentence.codes[place.first : place.last]
            if (bare and sense.comparison == "absolute") or "T" in frame.sentence.codes[frame.first - 1 : frame.last]:
                continue  # "80.1% for Eta", "versus 37.1% for random edits"
        gained = place.by == "I" and not (frame.metric and frame.metric[1] <= place.at)  # "a gain of 5% in active users"
        if place.kind == "condition" and row.region != "turn" and (gained or sense.kind != "accuracy"):
            continue
        first, last = _trimmed(sentence, place.first, place.last)
        items = split_list(sentence, first, last) if frame.listed else []
        return sentence.phrase(*(items[frame.place] if len(items) == frame.size else (first, last)))
    return None


def _region(frame: Frame, row: DatasetRow) -> Iterable[Place]:
    """The places of a number's sentence that stand in a region, the nearest first."""
    if not (places := _places(frame.sentence)):
        return ()
    codes, at = frame.sentence.codes, attrgetter("at")
    before = bisect_left(places, frame.first, key=at)
    match row.region:
        case "before" | "opening":
            return (place for place in reversed(places[:before]) if place.opens or row.region == "before")
        case "before all":
            first = bisect_left(places, codes.index("Q"), key=at)
            return () if any(place.kind in row.kinds for place in places[first:before]) else places[:first]
        case "turn":
            return _in_turn(frame, places[:before]) if frame.listed else ()
        case "up to it":
            head = bisect_left(places, frame.head, key=at)
            told = reversed(places[head:before])
            return (place for place in told if (_ASIDE if place.taken else _TOLD).match(codes, place.last, frame.first))
        case "behind":
            begins = _BEGINS.match(codes, frame.last)
            return (place for place in places[before : before + 4] if begins and place.at == begins.end())
    return places[before : bisect_left(places, _clause_end(frame), key=at)]


def _in_turn(frame: Frame, before: Sequence[Place]) -> Iterable[Place]:
    """The place of a number of a list where as many stand before it, each behind a number, or listed as "respectively" says."""
    taken = [place for place in before if place.taken]
    if len(taken) == frame.size:
        return taken[frame.place : frame.place + 1]
    told = "respectively" in frame.sentence.words
    return [place for place in before if told and len(split_list(frame.sentence, place.first, place.last)) == frame.size]


@lru_cache(maxsize=8)
def _speaks(pattern: re.Pattern[str], sentence: Sentence) -> bool:
    """Whether a word of a sentence fits. Remembered, because a sentence of 10,000 numbers would ask 10,000 times."""
    return any(map(pattern.match, sentence.words))


_VERB = re.compile("[VC]")
_NEXT_VERB = re.compile("(?:S|,?&)R*[VC]")
_TEST = re.compile(r"evaluat|validat|experiment|test|conduct|assess|simulat")
_TELLS = re.compile(rf"(?:on|onto|across|using)\s|.*?(?<![\w-])(?:{_TEST.pattern})", re.DOTALL)
_OPENS_ANOTHER = re.compile(r"ablat\w*|user|participants?$")
_WORDS = r"(?:[wNMHRBDCOTp/()-]|Y(?=[BDR]*Q)){0,12}"
_GAINS = r"I[wNM]{0,3}[NM](?:,?&?Y?[BDR]*QI[wNM]{0,3}[NM]){0,3}(?=P)"
_BEGINS = re.compile(rf"{_GAINS}|{_WORDS}(?:(?:(?:,(?!w+Y)|,?&|W){_WORDS})?Q{_WORDS}){{0,3}}(?:,R,)?(?=[PIF])")
_CLAUSE_END = re.compile(r"[;S]|,(?![PFI](?![^,;]*[Yt][BDR]*$))|&(?:R*[VC]|[PFU])|(?<=\))[,&]")


def _clause_end(frame: Frame) -> int:
    """Where the clause behind a number ends, at the next number at the latest."""
    return match.start() if (match := _CLAUSE_END.search(frame.sentence.codes, frame.last, frame.tail)) else frame.tail


_ASIDE = re.compile(r"[wNM)]*\(")
_TOLD = re.compile(r"[wNM)]*(?:[(WVYt]|,R*[VC])")
_PARALLEL = re.compile(r"Q[wNMC]{0,3}[FI][DR]*[wN-]{1,4}(?:,?&?|t)[BDR]*Q[wNMC]{0,3}[FI]")
_ITEM = r"[wNMH/-]*[wNM]"
_ITEMS = rf"{_ITEM}(?:(?<=N)\([^)Q]{{1,3}}\))?(?:(?:(?:,{_ITEM}){{1,5}},?)?&(?![DR]*[wNM/-]+O[BDR]*Q)[DR]*{_ITEM})?"
_PLACE = re.compile(rf"(?P<p>[PFIW])[DBRQ]*(?:wD[DBR]*)?(?P<x>{_ITEMS})")
_TAKEN = re.compile("Q[RwNMC]{0,4}$")
_PLAIN = re.compile("[wM/&,-]*w")
_LINKS: dict[str, tuple[str, ...]] = {"tests": ("of", "from", "in"), "condition": ("from",)}
_SOURCE = re.compile(rf"[tOI][DR]*(?=[wM/-]*N)(?P<x>{_ITEMS})")
_SHOWS = re.compile("[DR]*(?P<x>[wNM-]{2,6})R*(?:V|w(?=[Dwp]))")
_NEXT = re.compile(rf"\([^()]*\),?&?[DR]*(?P<x>{_ITEM})(?=\([^()]*Q)")


@lru_cache(maxsize=8)
def _places(sentence: Sentence) -> tuple[Place, ...]:
    """The places of a sentence, in order; one behind the number of another has its preposition: "on X (Q) and Y (Q)"."""
    parallel = _PARALLEL.search(sentence.codes) is not None
    found: list[Place | None] = []
    head = _SHOWS.match(sentence.codes)
    if head and sentence.words[head.end("x") - 1] in ("tests", "trials") and _is_specific(sentence, *head.span("x")):
        found.append(Place(0, *head.span("x"), "P", "tests", opens=True, taken=False))
    for match in _PLACE.finditer(sentence.codes):
        found.append(_place(sentence, match["p"], match.start(), match.span("x"), parallel))
        end = match.end()
        while more := _NEXT.match(sentence.codes, end):
            found.append(_place(sentence, match["p"], more.start("x") - 1, more.span("x"), parallel))
            end = more.end()
    return tuple(sorted(filter(None, found), key=attrgetter("at")))


def _place(sentence: Sentence, by: str, at: int, span: tuple[int, int], parallel: bool) -> Place | None:
    """A phrase behind a preposition, if it can say where a number holds. `parallel`: it stands in "Q for X, Q for X"."""
    codes, words, end = sentence.codes, sentence.words, span[1]
    first, last, kind = _kind(sentence, *span)
    source = _SOURCE.match(codes, end) if kind in _LINKS else None
    if source and words[end] in _LINKS[kind]:
        (first, last, kind), end = _kind(sentence, *source.span("x")), source.end()  # "on 14 tasks from LongBench"
    if kind == "name" and sentence.holds("unplaced", last, end) and "&" not in codes[last:end]:
        return None  # "on three Zeta models"
    named = kind in ("name", "dataset")
    if at and by in "PI" and _TEST.match(words[at - 1]):
        by, kind = "P", "dataset" if named else kind if kind == "task" else "tests"  # "experiments in unseen rooms"
    elif by == "W" and kind == "dataset" and words[at] == "using" and (at == 0 or _speaks(_TEST, sentence)):
        by = "P"  # "tested using the X dataset"
    elif kind == "name" and by in "FI":
        last = end  # "for EEG-based sleep staging"
        kind = "task" if sentence.holds("tasks", end - 1, end) else "name" if by == "F" else "condition"
    device = codes[end : end + 1] == "H" or (kind in ("name", "condition") and "H" in codes[first:last])
    if device or by not in {"name": "PF"}.get(kind, "PFI"):
        return None
    if not (named or (by in "FI" and parallel) or (by == "F" and kind == "task") or _is_specific(sentence, first, last)):
        return None
    used = any(sentence.holds(name, at - 1, at) for name in (("uses",) if named else ("uses", "trained")))  # "based on X"
    counted = named and last - first == 1 and "Q" in codes[at:first]  # "on 16 PD patients"
    if used or counted or any(map(sentence.lexicon.is_model, words[first:last])):
        return None
    taken = _TAKEN.search(codes, max(0, at - 5), at) is not None
    return Place(at, first, last, by, kind, opens=at == 0 or codes[at - 1] in ",;S&", taken=taken)


def _kind(sentence: Sentence, first: int, end: int) -> tuple[int, int, PlaceKind]:
    """A phrase without what stands before it and, behind its last name, noun of datasets or task, and what kind it is."""
    codes, words, lists = sentence.codes, sentence.words, sentence.lexicon.lists
    while first < end and codes[first] in "DR-":
        first += 1
    places, tasks = lists["places"], lists["tasks"]
    ends = (n for n in range(end, first, -1) if codes[n - 1] in "N)" or words[n - 1] in places or words[n - 1] in tasks)
    last = next(ends, first)
    tests = sentence.holds("places", first, last)
    if "N" in codes[first:last]:
        return first, last, "dataset" if tests else "name"
    if first < last:
        return first, last, "tests" if tests else "task"
    plain = _PLAIN.fullmatch(codes, first, end) and not sentence.holds("unplaced", first, end)
    return first, end if plain else first, "condition"


def _is_specific(sentence: Sentence, first: int, last: int) -> bool:
    """Whether a phrase without a name says which tests are meant: "unseen maps", not "several benchmarks"."""
    vague, words = sentence.lexicon.lists["vague"], sentence.words[first : last - 1]
    said = any(word[0] != COUNT and word not in vague for word in words)
    return said or (first < last and _named_ones(sentence, last) is not None)


def _in_metric(frame: Frame, sense: Sense, row: DatasetRow) -> str | None:
    """The dataset at the head of the metric's words; or a task of two words at least, there, or heading a clause."""
    sentence, (first, last) = frame.sentence, frame.metric or (0, 0)
    if "task" not in row.kinds:
        return sentence.phrase(first, first + 1) if sentence.holds("datasets", first, min(first + 1, last)) else None
    spans = [(first, last - 1), *[match.span("x") for match in _HEAD.finditer(sentence.codes, 0, frame.first)][::-1]]
    tasks = [(a, n) for a, z in spans for n in range(z, a + 1, -1) if sentence.holds("tasks", n - 1, n)]
    return sentence.phrase(*tasks[0]) if tasks and sense.comparison == "absolute" else None


_HEAD = re.compile(r"(?:^|[;S,]&?|V[DRC]*)[DR]*(?P<x>[wNM-]{1,8}[wM])(?=(?:\([^()]*\))?R*[Vv]|\()")
_NAMES = r"[wN-]*N(?:,[wN-]*N){0,5}(?:,?&[wN-]*N)?"
_LISTED = re.compile(rf"(?:[(:]|,?p)(?P<list>{_NAMES})|,(?P<apposed>N+),")
_LATE_NAME = re.compile(r"[w-]+(?P<x>N+)")


def _named_ones(sentence: Sentence, end: int) -> tuple[int, int] | None:
    """The names behind a noun of datasets: "two datasets (KITTI and DTU)", "sets such as KITTI", "a set, KITTI,"."""
    return listed.span(listed.lastgroup or 0) if (listed := _LISTED.match(sentence.codes, end)) else None


def _trimmed(sentence: Sentence, first: int, last: int) -> tuple[int, int]:
    """The name without "dataset" behind it, without "the challenging benchmark" before it."""
    noun = sentence.holds("places", last - 1, last)
    if noun and (names := _named_ones(sentence, last)):
        return names
    if noun and sentence.codes[first : last - 1].endswith("N"):
        last -= 1
    named = _LATE_NAME.fullmatch(sentence.codes, first, last)
    return named.span("x") if named else (first, last)


_DEVICE = re.compile(r"H(?:(?:,|,?&)[wNDB]*H)*")
_LOCATED = re.compile(r"[PAWtOp][DBR]*[wNQ/-]{0,5}$")


def device_of(frame: Frame, sense: Sense, previous: Previous, rows: tuple[DeviceRow, ...]) -> tuple[str, str] | None:
    """The device on which a number was obtained, and the name of the row that found it.

    An accuracy has none, nor has the size of a model.
    """
    if sense.kind == "accuracy" or _is_size(frame):
        return None
    sentence, codes = frame.sentence, frame.sentence.codes
    for row in rows:
        if row.timed and sense.kind == "resource":
            continue
        found = None
        match row.region:
            case "clause":
                found = _device(sentence, frame.last, _clause_end(frame), row.last)
            case "further behind":
                found = _device(sentence, frame.tail, len(codes), row.last)
            case "up to the number":
                found = _device(sentence, frame.head, frame.first, row.last) or _device(sentence, 0, codes.index("Q"), row.last)
            case "sentence before":
                found = _device(before, 0, len(before.codes), row.last) if (before := previous(1, None)) else None
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
