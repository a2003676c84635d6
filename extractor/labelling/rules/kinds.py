"""What a quantity reports: kind, comparison and effect."""

import re
from dataclasses import dataclass

from extractor.labelling.rules.frames import Frame, metric_entry
from extractor.records import Comparison, Effect, Kind

_MULTIPLIES = re.compile(r"(doubl|tripl|quadrupl|halv)(?:es|ing|ed)")


@dataclass(frozen=True, slots=True)
class Sense:
    """What a number reports."""

    kind: Kind
    comparison: Comparison
    effect: Effect | None


def sense_of(frame: Frame) -> Sense:
    """Kind, comparison and effect of a claim."""
    comparison = comparison_of(frame)
    return Sense(kind_of(frame, comparison), comparison, effect_of(frame) if comparison == "change" else None)


def comparison_of(frame: Frame) -> Comparison:
    """A change where a word of change governs the number or it is signed; a fraction where it is a share of another value."""
    mention, after = frame.mention, frame.after
    entry = frame.change_entry
    if _is_overhead(frame):
        return "change"
    if is_success(frame):
        return "absolute"
    if frame.rule in ("from to", "achieved share") or frame.paired:
        shared = frame.rule == "from to" and mention.unit == "%" and _OF_ITS.match(after) is not None
        return "fraction" if mention.unit == "x" or shared else "absolute"
    if frame.change is not None and entry is not None:
        return "change"
    if frame.rule == "training data":
        return "fraction" if mention.unit == "%" else "absolute"
    if mention.text[:1] in "+-" or _within(frame) or _MULTIPLIES.fullmatch(mention.text.lower()):
        return "change"
    if mention.unit == "x":
        return "change" if _is_gain(frame) else "fraction"
    if mention.unit == "%" and (_share(frame, after) or _of_a_cost(frame)):
        return "fraction"
    return "absolute"


_OF_ITS = re.compile(r"OD+[wN]*M")


_OUT_OF = re.compile(r"\d+(?:[-–]\d+)?(?:/| (?:out )?of (?:the )?)\d+")


_TRIES = frozenset(
    ["trials", "attempts", "tries", "runs", "tasks", "cases", "tests", "episodes", "experiments", "scenarios", "rollouts"]
)


def is_success(frame: Frame) -> bool:
    """ "succeeds in 37 of 40 trials": how often something went well."""
    counted = frame.mention.unit == "x" and _OUT_OF.fullmatch(frame.mention.text) is not None
    return counted and not _TRIES.isdisjoint(" ".join(frame.words_after[:3]).split()[:2])


def _within(frame: Frame) -> bool:
    """ "comes within 3% of X": a change for the worse."""
    return frame.after.startswith("O") and frame.words_before[-1:] == ["within"] and frame.mention.unit == "%"


def _is_gain(frame: Frame) -> bool:
    """ "a 17x compression ratio", "5x energy efficiency": a multiple of what is the better the more it is."""
    entry = frame.entry
    return entry is not None and entry.kind in ("time", "resource") and entry.better == "higher" and frame.after[:1] not in "OD"


def _is_overhead(frame: Frame) -> bool:
    """ "with 15% training overhead": a change for the worse."""
    relative = frame.mention.measure.relative and frame.change is None
    return relative and frame.metric is not None and frame.sentence.words[frame.metric[1] - 1].startswith("overhead")


def _of_a_cost(frame: Frame) -> bool:
    """ "requires less than 1% computational cost": a share, though of nothing named."""
    entry = frame.entry
    little = (frame.mention.bound == "up_to" and frame.words_before[-1:] != ["up to"]) or frame.words_before[-1:] in (
        ["only"],
        ["just"],
        ["merely"],
    )
    return (
        little
        and frame.rule == "Q metric"
        and entry is not None
        and entry.kind in ("time", "resource")
        and entry.better == "lower"
    )


def _share(frame: Frame, after: str) -> bool:
    """ "96% of the throughput of X", "only 0.5% of the parameters": a share of another's value."""
    return (after.startswith(("O", "RO")) and frame.rule not in ("metric of", "Q at metric")) or re.match(
        r"R?D[wNMH]*MO", after
    ) is not None


def kind_of(frame: Frame, comparison: Comparison) -> Kind:
    """The unit decides where it is one of time or cost; else the metric, else the word of change, else accuracy."""
    unit, entry = frame.mention.measure, frame.entry
    time: Kind = "speed" if comparison == "absolute" else "speedup"
    if is_success(frame):
        return "accuracy"
    if frame.rule == "training data":
        return "resource"
    if unit.reports == "time":
        return "resource" if entry is not None and entry.kind == "resource" and not _times(frame) else time
    if unit.reports == "cost":
        return "resource"
    change = frame.change_entry
    if change is not None and change.kind == "time":
        return time
    if entry is not None and entry.kind != "any":
        return _kind(entry.kind, time)
    if frame.rule == "Q fewer things":
        return "resource"
    if change is not None and change.kind is not None:
        return _kind(change.kind, time)
    return "accuracy"


def _times(frame: Frame) -> bool:
    """Whether a metric is a cost in time: "runtime overhead"."""
    if frame.metric is None:
        return False
    entries = (metric_entry(frame.sentence, n, n + 1) for n in range(*frame.metric))
    return any(entry is not None and entry.kind == "time" for entry in entries)


def _kind(kind: str, time: Kind) -> Kind:
    if kind == "time":
        return time
    return "resource" if kind == "resource" else "accuracy"


def effect_of(frame: Frame) -> Effect:
    """Whether a change is for the better: a rise or fall by the metric, a gain or harm by its word, a sign by itself."""
    change, entry = frame.change_entry, frame.entry
    lower = entry is not None and entry.better == "lower"
    if _within(frame) or _is_overhead(frame):
        return "worse"
    if change is None and (verb := _MULTIPLIES.fullmatch(frame.mention.text.lower())):
        return "better" if (verb[1] == "halv") == lower else "worse"
    if change is None and _is_gain(frame):
        return "better"
    if change is None:
        negative = frame.mention.text.startswith("-")
        return "better" if negative == lower else "worse"
    match change.effect:
        case "gain":
            return "better"
        case "harm":
            return "worse"
        case "rise":
            return "worse" if lower else "better"
        case _ if frame.rule == "Q fewer things":
            return "better"
        case "loss":
            return "better" if lower else "worse"
        case _:
            return "better" if lower or entry is None or entry.kind == "any" else "worse"
