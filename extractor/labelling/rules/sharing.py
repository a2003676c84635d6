"""What numbers of one sentence share: a metric or word of change said once for several of them."""

import itertools
import re

from extractor.labelling.rules.frames import FILL, METRIC_PHRASE, NP, Frame, is_timed, metric_entry, named
from extractor.labelling.rules.hanging import abbreviated
from extractor.labelling.rules.reading import Sentence


def carry(frames: list[Frame]) -> None:
    """Give a frame what the one before it in the sentence was said of, where the words between them only continue it."""
    frames = [frame for frame in frames if not _counts_only(frame)]
    for n, (before, frame) in enumerate(itertools.pairwise(frames)):
        if not frame.rule and (beats := _BEATS_BY.search(frame.sentence.codes, 0, frame.first)):
            frame.change, frame.rule = beats.start(), "changed"
            continue
        if before.first == frame.first:
            if not frame.rule or before.rule in _CARRIED_NAMES:
                frame.change, frame.metric, frame.rule, frame.paired = before.change, before.metric, before.rule, before.paired
            continue
        between = frame.sentence.codes[before.last : frame.first].replace("Q", "w")
        if n and not frame.rule and (match := _PARENTHESISED.match(frame.sentence.codes, frames[n - 1].last, frame.first)):
            before, between = frames[n - 1], match[1] + match[2]
        if not before.rule:
            continue
        if before.change is not None and before.last <= before.change < frame.first:
            between = frame.sentence.codes[before.change + 1 : frame.first]
        between = _NOUN_BEHIND.sub("", between) if before.change is not None else between
        same = before.mention.unit == frame.mention.unit
        if before.change is not None and frame.change is None and (match := _AND_METRIC_BY.fullmatch(between)):
            frame.change, frame.rule = before.change, "and metric by"
            frame.metric = named(frame.sentence, match.start("m") + before.last, match.end("m") + before.last)
        elif (
            same
            and before.change is not None
            and frame.change is None
            and _LISTED.fullmatch(between)
            and frame.rule in ("", "Q in metric", "Q metric", "Q of metric")
        ):
            frame.change, frame.metric, frame.rule = before.change, frame.metric or before.metric, "listed change"
        elif (
            (same or frame.mention.unit is None)
            and before.change is not None
            and frame.change is None
            and (_AND_BY.fullmatch(between) or _AND_THAN_BY.fullmatch(between))
        ):
            frame.change, frame.metric, frame.rule = before.change, before.metric, "listed change"
        elif (
            same
            and frame.size == 1
            and frame.rule in ("", "reported")
            and (before.change is None or frame.mention.unit == "x")
            and _WHILE_ANOTHER.fullmatch(between)
        ):
            frame.change, frame.metric, frame.rule = before.change, frame.metric or before.metric, "listed value"
        elif same and not frame.rule and _LISTED.fullmatch(between):
            frame.metric, frame.rule = before.metric, "listed value"
        elif (
            same
            and frame.size == 1
            and before.change is not None
            and frame.rule in ("", "metric of", "name of")
            and _OPENED.fullmatch(between)
        ):
            frame.change, frame.metric, frame.rule = before.change, before.metric, "listed change"


def _counts_only(frame: Frame) -> bool:
    """Whether a number is no more than a word between two others: "98% across 130 tasks and 97% across 25"."""
    return not frame.rule and frame.size == 1 and frame.mention.unit is None and frame.mention.text.isdigit()


_BEATS_BY = re.compile(rf"C[DR]*{NP}+\([^()]*\)Y{FILL}$")
"""Behind a rival's own number: "surpassing X (92.9%) by Q"."""

_PARENTHESISED = re.compile(r"([^()Q]*)\([^()]*Q[^()]*\)([^()Q]*)$")
_AND_METRIC_BY = re.compile(rf"[^CQ;SV]{{0,12}}?[,&(][,&BDR]*(?P<m>{NP}+)[^CQ;SV]{{0,6}}Y{FILL}")
_LISTED = re.compile(r"[^QC;SV]{0,8}[,&(][^QC;SVY]{0,6}|[^QC;SVPW]{0,3}")
_WHILE_ANOTHER = re.compile(rf"[^QCSV]{{0,8}}S[DR]*{NP}+V[BDR]*")
_OPENED = re.compile(r"[^Q;SV.]{0,8}\([BDR]*")
_NOUN_BEHIND = re.compile(r"^[RBDw]{0,2}C")
_AND_THAN_BY = re.compile(rf"[^CQ;SV]{{0,14}}&T[^CQ;SV]{{0,14}}Y{FILL}")
_AND_BY = re.compile(rf"[^CQ;SV]{{0,8}},?&Y{FILL}")
LISTED = frozenset(["listed change", "listed value"])
"""Names of the rules by which a number shares what the number before it in a list was said of."""

_CARRIED_NAMES = LISTED | {"and metric by"}


def pair(frames: list[Frame]) -> None:
    """ "9.1x faster decoding (0.75s vs 6.82s)": values in parentheses have the metric that the number before is about."""
    for before, frame in itertools.pairwise(frames):
        codes = frame.sentence.codes
        opened = codes.rfind("(", before.last, frame.first)
        if (
            before.first == frame.first
            or opened == -1
            or not before.rule
            or frame.rule not in ("", "metric of", "from to", "name of")
        ):
            continue
        if frame.rule and frame.metric != before.metric:
            continue
        if set(codes[opened + 1 : frame.first]) <= set("BDRt"):
            for other in frames:
                if other.first == frame.first:
                    other.metric, other.change, other.rule, other.paired = before.metric, None, "in parentheses", True


_SHARED = re.compile(rf"I[BDR]*(?P<m>{NP}*M)")
_COMPARATIVE = frozenset(
    ["higher", "lower", "better", "worse", "less", "more", "fewer", "greater", "larger", "shorter", "longer", "exceeds"]
)


def complete(frames: list[Frame]) -> None:
    """Find a metric for frames that have none: where their sentence names one a little further off.

    "outperforms X by 2.6% in F1", "1.5x faster than X, 2.6x faster than Y w.r.t. latency", "time efficiency (<10 s)",
    "a smaller size (7x smaller than X, 14x smaller than Y)".
    """
    before: Frame | None = None
    for frame in frames:
        if frame.metric is None:
            _complete(frame)
        if frame.metric is None and before is not None and _same_change(before, frame):
            frame.metric = before.metric
        before = frame


def _same_change(before: Frame, frame: Frame) -> bool:
    """Whether two numbers are governed by the same word, said twice."""
    if before.change is None or frame.change is None or before.change == frame.change:
        return False
    return before.sentence.words[before.change] == frame.sentence.words[frame.change]


def _complete(frame: Frame) -> None:
    codes, sentence = frame.sentence.codes, frame.sentence
    change = frame.change_entry
    if change is not None and not frame.paired:
        further = change.kind is not None or "respectively" in sentence.words
        match = _SHARED.search(codes, frame.last, frame.tail) or (_SHARED.search(codes, frame.tail) if further else None)
        if match is not None and (change.kind is None or _kind_at(sentence, match) == change.kind):
            found = named(sentence, *match.span("m"))
            frame.metric = abbreviated(sentence, *found) if found else None
            return
    if change is not None and change.kind is None and sentence.words[frame.change or 0] not in _COMPARATIVE:
        return
    wanted = change.kind if change is not None else "time" if is_timed(frame) else None
    if (change is None and wanted is None) or frame.rule in ("nominal change", "changed by noun"):
        return
    for match in reversed([*METRIC_PHRASE.finditer(codes, frame.head, frame.first)]):
        kind = _kind_at(sentence, match)
        meant = codes.endswith("Uv", 0, frame.first) or _PARTED.search(codes, match.end(), frame.first) is None
        if meant and (kind == wanted or (wanted is None and kind not in (None, "any"))):
            frame.metric = named(sentence, *match.span())
            return


_PARTED = re.compile(r"[;S]|,R*[VUC]|,&|V")


def _kind_at(sentence: Sentence, match: re.Match[str]) -> str | None:
    entry = metric_entry(sentence, *match.span("m" if "m" in match.re.groupindex else 0))
    return entry.kind if entry else None
