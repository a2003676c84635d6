"""Where a number holds: the dataset or task, and the device on which it was obtained."""

import re
from dataclasses import dataclass

from extractor.labelling.rules.comparands import split_list
from extractor.labelling.rules.frames import Frame, metric_entry
from extractor.labelling.rules.kinds import Sense
from extractor.labelling.rules.reading import COUNT, Sentence, is_model, phrase_words

_ITEM = r"[wNM/-]*[wNM]"
_PLACE = re.compile(rf"(?P<p>[PFIAW])[DBRQ]*(?P<x>{_ITEM}(?:\([^)Q]{{1,3}}\))?(?:(?:(?:,{_ITEM}){{1,5}},?)?&[DR]*{_ITEM})?)")
_TESTS = re.compile(r"(?:evaluat|validat|test)\w*")
_FRAMES = re.compile(r"(?:evaluat|validat|experiment|benchmark|test|conduct|result|compar|assess|trained|demonstrat|verif)\w*")


def dataset_of(frame: Frame, sense: Sense, previous: Sentence | None) -> str | None:
    """The dataset behind the number, else the one that frames the sentence, else the sentence before.

    A carried frame is for accuracy and for relative numbers; an absolute speed or cost has only a dataset right behind it.
    """
    sentence, codes = frame.sentence, frame.sentence.codes
    if sense.kind != "accuracy" and sense.comparison == "absolute":
        return _place(frame, sentence, frame.last, frame.tail, _RIGHT_BEHIND) if frame.after.startswith("P") else None
    clause = _clause_end(codes, frame.last, frame.tail)
    if aside := _ASIDE.match(codes, frame.last, clause):
        clause = aside.end()
    if found := _held(frame):
        return found
    if found := _place(frame, sentence, frame.last, clause, _BEHIND):
        return found
    if "I" in codes[frame.last : clause] and (found := _place(frame, sentence, frame.last, clause, _IN_TASK)):
        return found
    if found := _in_metric(frame):
        return found
    if "respectively" in sentence.words and (found := _place(frame, sentence, frame.tail, len(codes), _BEHIND)):
        return found
    if found := _place(frame, sentence, 0, frame.first, _FRAME):
        return found
    if found := _opening(frame):
        return found
    if found := _place(frame, sentence, clause, frame.tail, _FURTHER):
        return found
    if found := _place(frame, sentence, frame.last, clause, _TASK):
        return found
    if (
        previous is not None
        and sense.kind == "accuracy"
        and (previous.codes[:1] == "P" or any(map(_FRAMES.match, previous.words)))
    ):
        return _place(frame, previous, 0, len(previous.codes), _BEFORE)
    return None


@dataclass(frozen=True, slots=True)
class _Search:
    """What counts as a place: its preposition by what the phrase holds (a name, a noun of datasets, both, a task)."""

    named: str
    noun: str
    both: str
    task: str
    last: bool = False


_VERB = re.compile("[VU]")

_BEHIND = _Search(named="P", noun="PI", both="PIFA", task="P")
_IN_TASK = _Search(named="", noun="", both="", task="I")
_RIGHT_BEHIND = _Search(named="", noun="", both="P", task="")
_FURTHER = _Search(named="P", noun="", both="P", task="")
_FRAME = _Search(named="PF", noun="P", both="PFW", task="P", last=True)
_OPENING = _Search(named="", noun="I", both="I", task="")
_TASK = _Search(named="", noun="", both="", task="F")
_BEFORE = _Search(named="PW", noun="P", both="PW", task="")


def _place(frame: Frame, sentence: Sentence, start: int, end: int, search: _Search) -> str | None:
    unnamed: str | None = None
    matches = [*_PLACE.finditer(sentence.codes, start, end)]
    for match in reversed(matches) if search.last else matches:
        first, last = _bare(sentence, *match.span("x"))
        words, cue = sentence.words[first:last], match["p"]
        if not words or any(map(is_model, words)) or _overlaps(frame, first, last) or "M(" in sentence.codes[first:last]:
            continue
        if cue == "W" and (sentence.words[match.start("p")] != "using" or not any(map(_TESTS.match, sentence.words))):
            continue
        named = "N" in sentence.codes[first:last]
        noun = _is_of_tests(words)
        task = words[-1] in phrase_words("tasks")
        counted = "Q" in sentence.codes[match.start() : first]
        if counted and named and len(words) == 1:
            continue  # "on 16 PwPD": persons
        specific = _is_specific(words)
        cues = (
            (search.named if named else "")
            + (search.noun if noun and specific else "")
            + (search.both if named and noun else "")
            + (search.task if task and specific else "")
        )
        if cue not in cues:
            continue
        within = sentence.words[match.start("p")] == "in" and _VERB.search(sentence.codes, start, first) is None
        if cue == "I" and not named and not within:
            continue
        if search.last and not named and (counted or words[0][0] == COUNT):
            unnamed = unnamed or _trimmed(sentence, first, last)
            continue  # a name further off says more
        items = split_list(sentence, first, last)
        if sentence is frame.sentence and frame.listed and len(items) == frame.size:
            return _trimmed(sentence, *items[frame.place])
        return _trimmed(sentence, first, last)
    return unnamed


def _is_of_tests(words: list[str]) -> bool:
    """Whether a phrase holds a noun of datasets, or is of experiments that it situates: "real-world trials"."""
    if not phrase_words("places").isdisjoint(words):
        return True
    return words[-1] in phrase_words("situations") and not phrase_words("situated").isdisjoint(words)


def _is_specific(words: list[str]) -> bool:
    """Whether a phrase without a name says which tests are meant: "unseen maps", not "several benchmarks"."""
    return len(words) > 2 or (len(words) == 2 and words[0][0] != COUNT and words[0] not in phrase_words("vague"))


_HELD = re.compile(rf"(?P<p>[PFIA&])[DBRQ]*(?P<x>{_ITEM})\([^()]*$")


def _held(frame: Frame) -> str | None:
    """The place right before the parentheses that hold the number, with or without a preposition: "on A (70%) and B (80%)"."""
    sentence, codes = frame.sentence, frame.sentence.codes
    if codes.rfind("(", 0, frame.first) <= codes.rfind(")", 0, frame.first):
        return None
    match = _HELD.search(codes, 0, frame.first)
    if match and (found := _place(frame, sentence, frame.last, codes.find(")", frame.last), _BEHIND)):
        return found
    if match is None or (match["p"] == "&" and "(" not in codes[: match.start()]):
        return None
    first, last = _bare(sentence, *match.span("x"))
    words = sentence.words[first:last]
    if not words or last < match.end("x") or any(map(is_model, words)) or _overlaps(frame, first, last):
        return None
    placed = _is_of_tests(words) or words[-1] in phrase_words("tasks")
    if match["p"] == "P" or (match["p"] == "&" and _PLACE_HELD.search(codes, 0, match.start())):
        placed = placed or "N" in codes[first:last]
    specific = "N" in codes[first:last] or _is_specific(words) or words[0] in phrase_words("situated")
    return _trimmed(sentence, first, last) if placed and specific else None


_PLACE_HELD = re.compile(rf"P[DBRQ]*{_ITEM}\([^()]*\)[^()]*$")
_OPENS = re.compile(r"(?:^|[,;S])[R,]*$")


def _opening(frame: Frame) -> str | None:
    """The tests that open the number's clause: "In simulation, X succeeds", "while in cluttered scenes it reaches"."""
    sentence, codes = frame.sentence, frame.sentence.codes
    if "I" not in codes[: frame.first]:
        return None
    for match in reversed([*_PLACE.finditer(codes, 0, frame.first)]):
        if match["p"] == "I" and _OPENS.search(codes, 0, match.start()):
            return _place(frame, sentence, match.start(), match.end(), _OPENING)
    return None


def _bare(sentence: Sentence, first: int, last: int) -> tuple[int, int]:
    """The phrase without what stands before it and, behind it, what is no name, no noun of datasets and no task."""
    while first < last and sentence.codes[first] in "DR-":
        first += 1
    ends = phrase_words("places") | phrase_words("tasks")
    if not phrase_words("situated").isdisjoint(sentence.words[first:last]):
        ends |= phrase_words("situations")
    while last > first and sentence.codes[last - 1] not in "N)" and sentence.words[last - 1] not in ends:
        last -= 1
    return first, last


def _overlaps(frame: Frame, first: int, end: int) -> bool:
    """Whether a phrase is the number's metric ("5% in accuracy")."""
    return frame.metric is not None and frame.metric[0] < end and first < frame.metric[1]


def _in_metric(frame: Frame) -> str | None:
    """A dataset at the head of the metric's words ("80% ImageNet top-1 accuracy"); it leaves the metric."""
    if frame.metric is None:
        return None
    first, last = frame.metric
    if last - first > 1 and frame.sentence.words[first] in phrase_words("datasets"):
        frame.metric = first + 1, last
        return frame.sentence.phrase(first, first + 1)
    return None


_APPOSED = re.compile(r",(?P<x>N+),")
_LATE_NAME = re.compile(r"[w-]+(?P<x>N+)")


def _trimmed(sentence: Sentence, first: int, last: int) -> str:
    """The name without "dataset" behind it, without "the challenging benchmark" or "multiple challenging" before it."""
    codes = sentence.codes
    apposed = _APPOSED.match(codes, last)
    if apposed and "N" not in codes[first:last]:
        return sentence.phrase(*apposed.span("x"))
    if last - first > 1 and sentence.words[last - 1] in phrase_words("places") and codes[last - 2] == "N":
        last -= 1
    while last - first > 2 and sentence.words[first] in phrase_words("epithets"):
        first += 1
    named = _LATE_NAME.fullmatch(codes, first, last)
    if named:
        first = named.start("x")
    return sentence.phrase(first, last)


_DEVICE = re.compile(r"H(?:(?:,|,?&)[wNDB]*H)*")
_LOCATED = re.compile(r"[PAWtOp][DBR]*[wNQ/-]{0,5}$")


def device_of(frame: Frame, sense: Sense, previous: Sentence | None) -> str | None:
    """The device behind the number, else the one that frames its sentence, else the next, else the sentence before.

    An accuracy has none; a cost has one only where its own clause or the frame of its sentence names it.
    """
    if sense.kind == "accuracy" or frame.rule == "training data":
        return None
    sentence = frame.sentence
    codes = sentence.codes
    tail = _clause_end(codes, frame.last, frame.tail)
    if found := _device(sentence, frame.last, tail):
        return found
    timed = sense.kind != "resource"
    if found := _device(sentence, frame.head, frame.first, last=True) or _device(sentence, 0, codes.index("Q"), last=True):
        return found if timed or sense.comparison != "absolute" else None
    if timed and tail == frame.tail and (found := _device(sentence, tail, _clause_end(codes, tail, len(codes)))):
        return found
    if previous is not None and timed:
        return _device(previous, 0, len(previous.codes), last=True)
    return None


_ASIDE = re.compile(r"[^()]*\)(?=[,&])")
_CLAUSE_END = re.compile(r"[;S]|,&?R*[VC]|,&[PIFU]")


def _clause_end(codes: str, start: int, end: int) -> int:
    """The first break behind `start`: a semicolon, a subordinate clause, or a comma with a verb behind it."""
    match = _CLAUSE_END.search(codes, start, end)
    return match.start() if match else end


def _is_memory(sentence: Sentence, n: int) -> bool:
    """Whether a device is only whose memory is meant ("500 MB of GPU memory")."""
    entry = metric_entry(sentence, n, n + 1) if sentence.codes[n : n + 1] == "M" else None
    return entry is not None and entry.kind == "resource"


def _device(sentence: Sentence, start: int, end: int, last: bool = False) -> str | None:
    matches = [
        match
        for match in _DEVICE.finditer(sentence.codes, start, end)
        if _LOCATED.search(sentence.codes, max(0, match.start() - 8), match.start()) and not _is_memory(sentence, match.end())
    ]
    return sentence.phrase(*matches[-1 if last else 0].span()) if matches else None
