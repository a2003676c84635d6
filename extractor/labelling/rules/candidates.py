"""Which quantity mentions are claims: ordered, named rules, of which the first that decides wins."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from math import inf

from extractor.labelling.rules.frames import DAY, Frame, is_score
from extractor.labelling.rules.reading import Metric, load
from extractor.spotting import Unit

Verdict = bool | None
"""Whether a quantity is a claim; None where a rule says nothing of it."""

_SURE = frozenset(
    [
        "metric of",
        "from to",
        "in parentheses",
        "listed value",
        "listed change",
        "name of",
        "Q metric change",
        "changed by",
        "changed in by",
        "changes by",
        "nominal change",
        "and metric by",
        "changed",
        "change is",
        "metric reaches",
    ]
)
"""Rules of the frame that make even a bare number or one of an odd unit a claim."""


@dataclass(frozen=True, slots=True)
class _Counts:
    setting: re.Pattern[str]
    after: frozenset[str]
    things: frozenset[str]
    data: frozenset[str]
    describes: frozenset[str]
    limited: frozenset[str]
    models: frozenset[str]
    trained: frozenset[str]
    multiples: frozenset[str]
    succeeds: frozenset[str]
    others: re.Pattern[str]
    own: re.Pattern[str]


@cache
def _counts() -> _Counts:
    lists = load("counts")
    settings = "|".join(map(re.escape, lists["settings"]))
    names = ("after", "things", "data", "describes", "limited", "models", "trained", "multiples", "succeeds")
    return _Counts(
        setting=re.compile(rf"\b(?:{settings})s?(?: of| is|=| :)?(?: as small as| as large as| [a-z]+)?$"),
        others=re.compile(rf"\b{lists['others']}\s(?:\w+[ -]){{0,3}}{lists['works']}\b", re.IGNORECASE),
        own=re.compile(rf"\b{lists['own']}\b", re.IGNORECASE),
        **{name: frozenset(lists[name]) for name in names},
    )


_AT_VALUE = re.compile(r"A[BDR]*[NM]=$")
_OF_A_DEVICE = re.compile(r"H[wN]*W[BDR]*$")
_PARTS = frozenset(["camera", "battery", "laser", "supply", "card"])
_DEVICE_BEHIND = re.compile(r"H(?![wN]*M)")


def setting(frame: Frame) -> Verdict:
    """No: a setting ("batch size 10", "AP at IoU=0.5") or a device's specification ("an MCU with 256 KB RAM")."""
    if frame.change is not None or frame.rule == "from to":
        return None
    if _AT_VALUE.search(frame.before):
        return False
    if frame.mention.unit is None and frame.after.startswith("/") and "." not in frame.mention.text:
        return False  # a formula
    costs = frame.mention.measure.reports == "cost"
    if costs and (_OF_A_DEVICE.search(frame.before) or _DEVICE_BEHIND.match(frame.after)):
        return False
    if costs and not _PARTS.isdisjoint(frame.words_after[:2]) and frame.after[:1] not in "OI,&":
        return False
    if frame.mention.unit == "Hz" and frame.words_after[:1] in (
        ["sampling"],
        ["sampling rate"],
        ["camera"],
        ["video"],
        ["input"],
    ):
        return False
    if frame.words_before[-1:] == ["at"] and frame.entry == Metric("resource", "higher"):
        return False  # "at 50% sparsity"
    return False if _counts().setting.search(" ".join(frame.words_before[-6:])) else None


def statistic(frame: Frame) -> Verdict:
    """No: a p-value, a sample size, a confidence interval, an age."""
    before, after = frame.words_before[-2:], frame.words_after[:2]
    if (before and before[-1] in ("±", "\\pm")) or frame.words_before[-3:] == ["+", "/", "-"]:
        return False
    if frame.mention.unit is None and before and before[-1] in ("p", "version", "section"):
        return False
    if frame.mention.unit is None and before in (
        ["p", "="],
        ["p", "<"],
        ["n", "="],
        ["k", "="],
        ["r", "="],
        ["d", "="],
        ["m", "="],
    ):
        return False
    if "threshold" in frame.words_after[:3]:
        return False
    if frame.mention.unit == "years":
        return None if frame.rule == "metric of" and "." in frame.mention.text else False  # "an MAE of 4.27 years"
    return False if after and (after[0] in _counts().after or " ".join(after) in _counts().after) else None


def multiple(frame: Frame) -> Verdict:
    """No: multiples in words that compare nothing ("our contribution is twofold")."""
    if frame.mention.text.lower().endswith("factors") and frame.change is None:
        return False
    if frame.mention.text.lower() not in _counts().multiples or frame.change is not None:
        return None
    return None if frame.rule in ("Q of metric", "Q metric") and frame.after[:1] in "OD" else False


def training_time(frame: Frame) -> Verdict:
    """Yes: days that training takes; no: other days."""
    if frame.mention.measure.reports != "time" or frame.mention.measure.base < DAY:
        return None
    words = frame.sentence.words[max(0, frame.first - 8) : frame.first]
    return any(word in _counts().trained or word in ("takes", "took", "time") for word in words)


_DATA_NAME = re.compile(r"[-O]?[DBR]*([wNM]+)")


def training_data(frame: Frame) -> Verdict:
    """Yes: data that training takes ("pretrained using 1k hours of audio", "only 5% training data"). The data are the metric.

    A bare number or a share has to be put as little.
    """
    before, after, unit = frame.words_before, frame.words_after, frame.mention.unit
    if unit in (None, "%"):
        little = not _counts().limited.isdisjoint(before[-1:]) and not frame.after.startswith("O")
        trains = [*before[-4:-1], *after[:1]] if little else []
    else:
        trains = before[-3:] if _amounts_to_data(frame.mention.measure) else []
    if _counts().trained.isdisjoint(trains) or _counts().data.isdisjoint([*after[:6], frame.mention.text.split()[-1]]):
        return None
    match = _DATA_NAME.match(frame.after)
    if match and (frame.metric is None or frame.metric[0] == frame.last):
        frame.metric = frame.last + match.start(1), frame.last + match.end(1)
    frame.rule, frame.change = "training data", None
    return True


def _amounts_to_data(unit: Unit) -> bool:
    """Whether data are given in a unit: seconds or more, tokens, examples."""
    return unit.dimension in ("tokens", "examples") or (unit.dimension == "time" and unit.base >= 1)


def achieved_share(frame: Frame) -> Verdict:
    """Yes: the share in which a system succeeds ("detects 95% of attacks")."""
    if frame.mention.unit != "%" or not frame.after.startswith("O"):
        return None
    if frame.change is None and frame.words_after[1:3] == ["the", "time"]:
        frame.rule, frame.metric = "achieved share", None
        return True
    if frame.rule and (frame.entry is None or frame.entry != Metric("accuracy", "lower")):
        return None
    words = frame.words_before[-6:] if re.search("[vVC]", frame.before) else frame.sentence.words[: frame.first]
    if _counts().succeeds.isdisjoint(words):
        return None
    frame.rule = "achieved share"
    return True


_SHARE_AS_SUBJECT = re.compile(r"O[DwNMH]*[vV]")
_OPENS_CLAUSE = re.compile(r"(?:^|[Sp,&])[BDR]*$")


def share_of_things(frame: Frame) -> Verdict:
    """No: a share of people or things ("30% of participants"), unless a method needs it ("with only 1% of the data")."""
    if not frame.mention.measure.relative or not frame.after.startswith("O") or frame.change is not None:
        return None
    if frame.words_before[-1:] in (["first"], ["last"], ["remaining"], ["other"]):
        return False
    if any(word.startswith("account") for word in frame.words_before[-4:]):
        return False
    if _OPENS_CLAUSE.search(frame.before) and _SHARE_AS_SUBJECT.match(frame.after):
        return False
    words = " ".join(frame.words_after[1:6]).split()
    if not any(word in _counts().things or word.removesuffix("s") in _counts().things for word in words[:4]):
        return None
    needs = {"only", "just", "merely", "with", "using", "by using", "uses", "use", "requires", "requiring", "than"}
    return not needs.isdisjoint(frame.words_before[-4:]) and not _counts().data.isdisjoint(words)


def tokens_of_input(frame: Frame) -> Verdict:
    """No: tokens that nothing puts as few ("videos with 1M tokens")."""
    if frame.mention.unit != "tokens" or frame.rule not in ("", "Q metric", "metric Q", "reported"):
        return None
    return None if frame.mention.bound == "up_to" or not _counts().limited.isdisjoint(frame.words_before[-3:]) else False


def duration_of_data(frame: Frame) -> Verdict:
    """No: hours of video, seconds of audio, minutes long, "every 5 seconds"."""
    if frame.mention.measure.reports != "time" or not frame.mention.measure.base:
        return None
    words, before = frame.words_after[:4], frame.words_before[-2:]
    if frame.after[:1] in "&,;":
        return None
    overhead = frame.entry is not None and "overhead" in words
    if words[:1] == ["of"] and frame.rule != "metric of" and not overhead:
        return None if {"latency", "delay", "training", "inference", "compute", "gpu", "cpu", "core"} & set(words) else False
    if before in (["longer", "than"], ["shorter", "than"]):
        return False
    if before and before[-1] in ("every", "each", "first", "last", "next", "past"):
        return False
    if not words:
        return None
    return False if words[0] in ("long", "each", "apart", "ahead") or not _counts().data.isdisjoint(words[:3]) else None


_FOOTPRINT = frozenset(["footprint", "size", "budget"])


def model_variant(frame: Frame) -> Verdict:
    """No: a size that names a model ("a 70B-parameter model", "a model with 7B parameters") and is not put as small."""
    if frame.mention.unit != "params" or frame.change is not None:
        return None
    before, after = frame.words_before[-4:], frame.words_after[:3]
    if frame.rule in ("metric of", "from to") or before[-1:] in (["from"], ["to"]):
        return False if any(word.startswith(("rang", "scal", "span")) or word == "from" for word in before) else None
    if frame.mention.bound == "up_to" or not _counts().limited.isdisjoint(before) or not _FOOTPRINT.isdisjoint(after):
        return None
    if not _counts().models.isdisjoint(after) or (before[-1:] == ["with"] and "V" not in frame.before):
        return False
    return None if "V" in frame.before[-8:] else False


def description(frame: Frame) -> Verdict:
    """No: the size of a dataset ("comprises 12 hours, 1 TB"), which no metric or word of change governs."""
    entry = frame.entry
    if frame.rule not in ("", "Q metric") or (entry is not None and entry.kind != "any"):
        return None
    unit = frame.mention.measure
    if unit.relative or unit.dimension in ("level", "rate", "parameters") or (unit.dimension == "time" and unit.base < 1):
        return None
    before = frame.sentence.words[max(0, frame.first - 10) : frame.first]
    return None if _counts().describes.isdisjoint(before) else False


_LARGER = re.compile(r"[wNM/]*?[wN](?=[^wNM/]|$)")


def larger_thing(frame: Frame) -> Verdict:
    """No: a multiple that sizes another thing ("10x larger models")."""
    if frame.rule != "Q change" or frame.sentence.words[frame.change or 0] not in ("larger", "bigger"):
        return None
    return False if _LARGER.match(frame.sentence.codes, (frame.change or 0) + 1) else None


def odd_unit(frame: Frame) -> Verdict:
    """No: another unit (metres, degrees) that no metric or change clearly governs."""
    unit = frame.mention.measure
    if unit.relative or unit.dimension == "level" or unit.reports or frame.mention.unit is None or frame.rule in _SURE:
        return None
    if frame.rule == "Q metric" and frame.entry is not None and frame.entry.kind == "accuracy":
        return None  # "30 cm tracking error"
    return False


_PRICES = ("cost", "price", "pric", "budget", "expens", "cheap", "spen", "paid", "pay")


def sum_of_money(frame: Frame) -> Verdict:
    """No: money in a sentence that speaks of no cost ("over $2 billion in annual sales")."""
    if frame.mention.measure.dimension != "money" or "for" in frame.words_before[-2:]:
        return None
    return None if any(word.startswith(_PRICES) for word in frame.sentence.words) else False


def background(frame: Frame) -> Verdict:
    """No: a sentence about what others do, without a word of the paper's own work or results."""
    return False if frame.mention.span[0] - frame.sentence.span[0] >= _background_from(frame.sentence.line) else None


@lru_cache(maxsize=64)
def _background_from(line: str) -> float:
    """From which place on a sentence tells what others do; infinity if it speaks of the paper's own work, or of no others."""
    others = _counts().others.search(line)
    return inf if others is None or _counts().own.search(line) else others.end()


_LARGE = re.compile(r"[\d ](?:[kKMB]|thousand|million|billion)$")
_COUNTED = re.compile(r"[wN]{1,4}")


def count(frame: Frame) -> Verdict:
    """No: a bare number that counts things ("80 devices") or that no metric or change governs."""
    mention = frame.mention
    counted = _counted_follows(frame)
    if mention.unit is not None or (mention.text[:1] == "+" and not counted):
        return None
    costs = frame.entry is not None and frame.entry.kind == "resource"
    little = not _counts().limited.isdisjoint(frame.words_before[-3:])
    if _LARGE.search(mention.text) and (not costs or (frame.rule == "Q metric" and not little)):
        return False
    if counted and costs and frame.rule == "Q metric" and little:
        return None
    if frame.rule in _SURE:
        scored = frame.rule == "metric of" and "." in mention.text and mention.text[-1:].isdigit()
        return False if (counted and not scored) or _of_the(frame) else None
    if (
        frame.rule == "Q change"
        and frame.change_entry is not None
        and frame.change_entry.kind is not None
        and "T" in frame.after[:3]
    ):
        return None
    if frame.change is not None and "." in mention.text and not counted:
        return None
    if frame.rule == "reported" or (frame.rule in ("Q metric", "Q in metric", "metric Q", "Q name") and "." in mention.text):
        return None
    if frame.rule == "metric Q" and frame.entry is not None and frame.entry.kind == "accuracy":
        return None  # "PSNR above 30"
    return False


def _counted_follows(frame: Frame) -> bool:
    """Whether a plural stands behind the number; a name in capitals is not one ("88.7 ANLS")."""
    match = _COUNTED.match(frame.after)
    if match is None:
        return False
    last = frame.last + match.end()
    return re.search("[^s']s$", frame.sentence.phrase(last - 1, last)) is not None


def _of_the(frame: Frame) -> bool:
    """ "the complexity of the 29-DoF robot": a number inside a noun phrase."""
    return frame.words_before[-1:] == ["the"] and frame.after[:1] in ("-", "N", "w")


def evident(frame: Frame) -> Verdict:
    """Yes: a metric or a word of change governs it, or its unit is one of time or cost."""
    mention = frame.mention
    if frame.rule or (frame.size == 2 and is_score(frame) and "T" in frame.sentence.codes[frame.first : frame.last]):
        return True
    if mention.unit == "Hz" and "V" not in frame.before[-5:]:
        return None
    if mention.measure.reports:
        return True
    return True if mention.text[:1] == "+" and (mention.unit is not None or "." in mention.text) else None


RULES: tuple[Callable[[Frame], Verdict], ...] = (
    setting,
    training_time,
    statistic,
    multiple,
    training_data,
    achieved_share,
    share_of_things,
    tokens_of_input,
    duration_of_data,
    model_variant,
    description,
    larger_thing,
    odd_unit,
    sum_of_money,
    background,
    count,
    evident,
)
"""In order; the first that decides wins."""


def judge(frame: Frame) -> tuple[bool, str]:
    """Whether a quantity is a claim, and the name of the rule that decided; what no rule decides is not a claim."""
    for rule in RULES:
        verdict = rule(frame)
        if verdict is not None:
            return verdict, rule.__name__
    return False, "nothing"
