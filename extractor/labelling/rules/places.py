"""Where a number holds: the dataset or task, and the device on which it was obtained."""

import re

from extractor.labelling.rules.comparands import split_list
from extractor.labelling.rules.frames import Frame
from extractor.labelling.rules.kinds import Sense
from extractor.labelling.rules.reading import Sentence, phrase_words

_ITEM = r"[wNM/-]*[wN][wN/-]*"
_PLACE = re.compile(
    rf"(?P<p>[PFIA]|(?<=V)W|W)[DBRQ]*(?P<x>{_ITEM}(?:\([^)]{{1,3}}\))?(?:(?:,[wN/-]*N[wN/-]*){{0,5}},?&[DR]*[wN/-]*N[wN/-]*)?)"
)
_TESTS = re.compile(r"(?:evaluat|validat|test)\w*")
_FRAMES = re.compile(r"(?:evaluat|validat|experiment|benchmark|test|conduct|result|compar|assess|trained|demonstrat|verif)\w*")


def dataset_of(frame: Frame, sense: Sense, previous: Sentence | None) -> str | None:
    """The dataset behind the number, else the one that frames the sentence, else the sentence before.

    A carried frame is for accuracy and for relative numbers; an absolute speed or cost beside it has none.
    """
    own = sense.kind == "accuracy" or sense.comparison != "absolute"
    sentence = frame.sentence
    if own:
        if found := _place(frame, sentence, frame.last, frame.tail, "PFAI"):
            return found
        if found := _in_metric(frame):
            return found
        if found := _place(frame, sentence, frame.tail, len(sentence.codes), "P", "respectively" in sentence.words):
            return found
        if found := _place(frame, sentence, 0, frame.first, "PF", last=True):
            return found
        if previous is not None and sense.kind == "accuracy" and any(_FRAMES.match(word) for word in previous.words):
            return _place(frame, previous, 0, len(previous.codes), "PW")
    return None


def _place(
    frame: Frame, sentence: Sentence, start: int, end: int, cues: str, needed: bool = True, last: bool = False
) -> str | None:
    if not needed:
        return None
    matches = [*_PLACE.finditer(sentence.codes, start, end)]
    for match in reversed(matches) if last else matches:
        if match["p"] not in cues:
            continue
        first, end = match.span("x")
        while first < end and sentence.codes[first] in "DR-":
            first += 1
        while end > first and sentence.codes[end - 1] not in "N)" and sentence.words[end - 1] not in phrase_words("places"):
            end -= 1
        words = sentence.words[first:end]
        if not words or any(_model(word) for word in words):
            continue
        items = split_list(sentence, first, end)
        named = "N" in sentence.codes[first:end]
        noun = any(word in phrase_words("places") for word in words)
        if match["p"] == "I" and (_overlaps(frame, first, end) or words[-1] in phrase_words("tasks")):
            continue
        noun = noun or (match["p"] == "P" and not last and words[-1] in phrase_words("tasks"))
        if not named and (last or match["p"] not in "PI" or not noun or end - first == 1 or words[0] in phrase_words("vague")):
            continue
        if match["p"] in "FAI" and named and not noun:
            continue
        if match["p"] in "FA" and not (named and noun):
            continue
        if sentence is not frame.sentence and not named:
            continue
        if match["p"] == "W" and (
            sentence.words[match.start("p")] != "using" or not any(_TESTS.match(word) for word in sentence.words)
        ):
            continue
        if sentence is frame.sentence and frame.size > 1 and len(items) == frame.size:
            return _trimmed(sentence, *items[frame.place])
        return _trimmed(sentence, first, end)
    return None


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


def _model(word: str) -> bool:
    """Whether a word is a model's name, such as "qwen2.5-vl-7b"."""
    return re.split(r"[-\d.]", word, maxsplit=1)[0] in phrase_words("models")


_LATE_NAME = re.compile(r"[w-]+(?P<x>N+)")


def _trimmed(sentence: Sentence, first: int, last: int) -> str:
    """The name without "dataset" behind it or "the challenging benchmark" before it."""
    codes = sentence.codes
    if last - first > 1 and sentence.words[last - 1] in phrase_words("places") and codes[last - 2] == "N":
        last -= 1
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
    if sense.kind == "accuracy":
        return None
    sentence = frame.sentence
    codes = sentence.codes
    tail = _clause_end(codes, frame.last, frame.tail)
    if found := _device(sentence, frame.last, tail):
        return found
    timed = sense.kind != "resource"
    if found := _device(sentence, frame.head, frame.first, last=True) or _device(sentence, 0, codes.index("Q"), last=True):
        return found if timed or sense.comparison != "absolute" else None
    if tail == frame.tail and (found := _device(sentence, tail, _clause_end(codes, tail, len(codes)))):
        return found
    if previous is not None and timed:
        return _device(previous, 0, len(previous.codes), last=True)
    return None


def _clause_end(codes: str, start: int, end: int) -> int:
    """The first break behind `start`: a semicolon, a subordinate clause, or a comma with a verb behind it."""
    match = re.compile(r"[;S]|,R*[VC]").search(codes, start, end)
    return match.start() if match else end


def _device(sentence: Sentence, start: int, end: int, last: bool = False) -> str | None:
    matches = [
        match
        for match in _DEVICE.finditer(sentence.codes, start, end)
        if _LOCATED.search(sentence.codes, max(0, match.start() - 8), match.start())
    ]
    return sentence.phrase(*matches[-1 if last else 0].span()) if matches else None
