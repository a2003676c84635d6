"""How a quantity hangs in its sentence: what governs it, by itself or shared with the numbers before it."""

import re
from collections.abc import Iterable

from extractor.labelling.rules.frames import (
    METRIC_PHRASE,
    NP,
    Frame,
    FrameRow,
    SharingRow,
    abbreviated,
    is_odd,
    is_score,
    is_timed,
    metric_entry,
    named,
)
from extractor.labelling.rules.reading import Sentence

_REACH = 30
"""Tokens before a number that a pattern may look at."""


def hang(frame: Frame, rows: tuple[FrameRow, ...]) -> Frame:
    """The frame with its metric, its word of change and the row that found them: the first that matches decides.

    Where that one gives a change without a metric, the first later row that gives a metric to this change, or to the number,
    adds it ("a drop of Q in accuracy").
    """
    found, before, after = frame, frame.before[-_REACH:], frame.after
    for row in rows:
        leading = row.side == "before"
        if (row.governs and "C" not in (before if leading else after)) or (row.asks and not row.asks(frame)):
            continue
        base = frame.first - len(before) if leading else frame.last
        match = row.regex.search(before) if leading else row.regex.match(after)
        if match is None or not _opposite(row, frame):
            continue
        change = match.start("c") + base if row.governs else None
        if change is not None and not row.rival and frame.sentence.beats(change):
            continue
        if found.row is not None and row.number in ("score", "measured"):
            continue  # the name of a score is not what changed
        metric = _metric(found, row, match, base, change)
        if metric is None and (found.row is not None or not (row.governs or row.values or not row.names_metric)):
            continue
        if found.row is None:
            found = found._replace(row=row, change=change)
        if metric is not None:
            return found._replace(metric=_distributed(found, *metric))
    return found


def _opposite(row: FrameRow, frame: Frame) -> bool:
    """Whether what stands on a number's other side is what a row asks for."""
    if row.opposite is None:
        return True
    return bool(row.opposite.match(frame.after) if row.side == "before" else row.opposite.search(frame.before))


def _metric(frame: Frame, row: FrameRow, match: re.Match[str], base: int, change: int | None) -> tuple[int, int] | None:
    """The metric that a match gives; what a verb like "outperforms" has as its object is a rival, not a metric."""
    if not row.names_metric or not match["m"]:
        return None
    first, last = match.start("m") + base, match.end("m") + base
    sentence = frame.sentence
    if change is not None and sentence.beats(change):
        return None
    found = named(sentence, first, last)
    entry = metric_entry(sentence, *found) if found else None
    if found and entry and entry.kind == "any":
        head = sentence.codes.rindex("M", *found)
        task = is_score(frame) and sentence.holds("tasks", head, head + 1)
        return None if task or is_timed(frame) else found  # "3 hours of training" names only an activity
    return found


_LISTED = re.compile("[wNMH]*M")
_LIST = re.compile(rf"{_LISTED.pattern}(?:[,/]{_LISTED.pattern})*(?:,?&[DBR]*{_LISTED.pattern})?")


def _distributed(frame: Frame, first: int, last: int) -> tuple[int, int]:
    """The metric that belongs to the number's place in its run: "a precision and recall of Q and Q"; an acronym behind it."""
    sentence, codes = frame.sentence, frame.sentence.codes
    if frame.listed:
        lists = _LIST.finditer(codes, frame.last) if first >= frame.last else _LIST.finditer(codes, frame.head, frame.first)
        match = next((m for m in lists if last <= m.end()), None)
        items = [m.span() for m in _LISTED.finditer(codes, *match.span())] if match else []
        if len(items) == frame.size:
            return named(sentence, *items[frame.place]) or (first, last)
    return abbreviated(sentence, first, last)


def share(frames: Iterable[Frame], rows: tuple[SharingRow, ...]) -> tuple[Frame, ...]:
    """The frames of a sentence with what they share: along a list, into parentheses, and from further off."""
    return _completed(_carried(frames, rows))


def _carried(frames: Iterable[Frame], rows: tuple[SharingRow, ...]) -> list[Frame]:
    """Each frame with what it takes over from the nearest of the three before it that shares something with it."""
    found: list[Frame] = []
    for frame in frames:
        whole = frame.mention.unit is None and frame.mention.text.replace(",", "").isdigit()
        if frame.row is not None or frame.size > 1 or not whole:  # else a word: "98% across 130 tasks and 97% across 25"
            shared = (_take_over(before, frame, rows) for before in found[:-4:-1])
            frame = next((taken for taken in shared if taken is not frame), frame)
        found.append(frame)
    return found


_CLOSED = re.compile(r"\([^()]*\)")


def _take_over(before: Frame, frame: Frame, rows: tuple[SharingRow, ...]) -> Frame:
    """The frame with what the first row that fits lets it take over from another before it."""
    if before.row is None or (before.first == frame.first and frame.row is not None):
        return frame
    start = before.last
    if before.change is not None and before.change >= start:
        start = before.change + 1  # "a Q gain in F1 and Q in recall" goes on behind the gain
    between = _CLOSED.sub(lambda match: "R" * len(match[0]), frame.sentence.codes[start : frame.first]).replace("Q", "w")
    if ")" in between and "(" not in between:
        return frame  # the one before stands in parentheses
    for row in rows:
        match = row.pattern.fullmatch(between) if _shares(row, before, frame) else None
        if match is None:
            continue
        metric, change = frame.metric or before.metric, before.change if row.after != "value" else None
        if "m" in row.pattern.groupindex:
            rival = before.change is not None and frame.sentence.beats(before.change)
            metric = None if rival else named(frame.sentence, start + match.start("m"), start + match.end("m"))
        return frame._replace(row=row, metric=metric, change=change)
    return frame


def _shares(row: SharingRow, before: Frame, frame: Frame) -> bool:
    """Whether two neighbouring numbers are what a row asks for."""
    odd = is_odd(before) and is_odd(frame) and frame.sentence.codes[before.last] in "&,O"  # "errors of 0.24 m and 2 degrees"
    if row.alike and before.mention.unit != frame.mention.unit and not odd:
        return False
    if row.after != "value" and (before.change is None or frame.change is not None or frame.is_pair):
        return False
    if row.own == "metric behind":
        return frame.row is None or frame.hangs_behind
    return row.own == "anything" or (frame.metric is None and frame.change is None)


def _completed(frames: Iterable[Frame]) -> tuple[Frame, ...]:
    """Each frame without a metric with one that its sentence names a little further off, or the number before it has.

    "1.5x faster inference than X, 2.6x faster than Y", "a 97.3% accuracy (11.8% improvement)".
    """
    found: list[Frame] = []
    for frame in frames:
        metric = frame.metric or _further_off(frame)
        if metric is None and found and frame.change is not None:
            words, other = frame.sentence.words, found[-1].change
            again = other is not None and words[other] == words[frame.change]
            metric = found[-1].metric if again or _APPOSED.fullmatch(frame.before) else None
        found.append(frame if metric == frame.metric else frame._replace(metric=metric))
    return tuple(found)


_APPOSED = re.compile(r"[wNMPFIDR]{0,9}[,(][BDR]*")
_IN = re.compile(rf"I[BDR]*(?P<m>{NP}*M[wN]?)")
_PARTED = re.compile(r"[;S]|,R*[VUC]|,&|V")


def _further_off(frame: Frame) -> tuple[int, int] | None:
    """The metric behind "in" later in the sentence, or before the number, that can be what changed or was measured.

    A score of which only a verb is known, or a rival, is measured in the last exact metric before it.
    "outperforms X by 2.6% in F1", "time efficiency (<10 s)", "a smaller size (7x smaller than X)".
    """
    codes, sentence, change = frame.sentence.codes, frame.sentence, frame.change_entry
    if change is not None:
        further = change.kind is not None or "respectively" in sentence.words
        match = _IN.search(codes, frame.last, len(codes) if further else frame.tail)
        kind = _kind(sentence, *match.span("m")) if match else None
        if match and kind in ((change.kind,) if change.kind else ("accuracy", "time", "resource")):
            found = named(sentence, *match.span("m"))
            return _distributed(frame, *found) if found else None
    if is_score(frame) and frame.row is not None and (change is None or change.rival):
        earlier = [match.span() for match in METRIC_PHRASE.finditer(codes, 0, frame.first)]
        exact = [(a, z) for a, z in earlier if _kind(sentence, a, z) == "accuracy" and not sentence.holds("broad", z - 1, z)]
        return named(sentence, *exact[-1]) if exact else None
    measure = frame.mention.measure
    absolute = "time" if is_timed(frame) else "resource" if measure.reports == "cost" and not measure.counts else None
    wanted = change.kind if change is not None else absolute
    compared = frame.change is not None and sentence.words[frame.change] in sentence.lexicon.lists["comparatives"]
    gained = change is not None and change.kind is None and change.effect == "gain" and not change.rival
    saved = frame.change is not None and sentence.words[frame.change] in ("reduction", "reductions")
    kinds = ("accuracy",) if gained else ("time", "resource") if saved else ()
    for match in reversed([*METRIC_PHRASE.finditer(codes, frame.head, frame.first)]):
        meant = kinds or codes.endswith("Uv", 0, frame.first) or _PARTED.search(codes, match.end(), frame.first) is None
        kind = _kind(sentence, *match.span())
        if meant and (kind == wanted or kind in kinds or (compared and kind not in (None, "any"))):
            return named(sentence, *match.span())
    return None


def _kind(sentence: Sentence, first: int, last: int) -> str | None:
    return entry.kind if (entry := metric_entry(sentence, first, last)) else None
