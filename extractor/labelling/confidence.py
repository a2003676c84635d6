"""How sure the rules are that a claim is right, and a whole record, by what they know of their decisions.

Both are logistic regressions. A feature of a claim is a doubt, which holds or not; a feature of a record counts the numbers or
names of hardware for which a doubt holds, as log(1 + n). `confidence.toml` holds the weights, which
`python -m tests.evaluation.calibrate` learns from annotated abstracts.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from math import exp, log1p
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from extractor.labelling.rules.claims import Attached
    from extractor.labelling.rules.judging import Judged
    from extractor.labelling.rules.labeller import Decided

WEIGHTS = "confidence.toml"
_DIGITS = 3
_DOUBTFUL = 2
"""A claim is doubtful from so many doubts on."""

CLAIM: "Mapping[str, Callable[[Attached], bool]]" = {
    "a value": lambda claim: claim.sense.comparison != "change",
    "a cost": lambda claim: claim.sense.kind == "resource" and claim.sense.comparison != "change",
    "a second or longer": lambda claim: (
        claim.judged.frame.mention.measure.dimension == "time" and claim.judged.frame.mention.measure.base >= 1
    ),
    "nothing governs it": lambda claim: claim.judged.frame.row is None,
    "taken over from another": lambda claim: claim.judged.frame.row is not None and claim.judged.frame.row.side == "shared",
    "its own row": lambda claim: claim.judged.row is not None and bool(claim.judged.row.kind or claim.judged.row.comparison),
    "a share by default": lambda claim: claim.sense.why[0] is None and claim.judged.frame.mention.unit == "%",
    "no metric": lambda claim: claim.judged.frame.metric is None,
    "in words": lambda claim: not any(map(str.isdigit, claim.judged.frame.mention.text)),
    "a range": lambda claim: claim.judged.frame.mention.low != claim.judged.frame.mention.high,
    "in the title": lambda claim: not claim.judged.frame.sentence.span[0],
}
"""What is doubtful about a claim, by name."""

_DOUBTS = tuple(CLAIM.values())
OF_NUMBERS = ("claims", "values", "doubtful claims", "others by default")
OF_HARDWARE = ("hardware", "classes that are targets", "classes of two minds", "classes that no row decides")
RECORD = (*OF_NUMBERS, *OF_HARDWARE)
"""What is counted of a record, by name: its claims, those that are no change, those that are doubtful, and the numbers that are
no claim though no word says so; its names of hardware, the classes among its targets, the categories of classes of which two
mentions are decided differently, and those of which no row decides any."""


class Logistic(NamedTuple):
    """A logistic regression: its weights are in the order of its features."""

    intercept: float
    weights: tuple[float, ...]

    def probability(self, features: Sequence[float]) -> float:
        """The probability, rounded, so that every machine says the same."""
        score = self.intercept
        for weight, feature in zip(self.weights, features, strict=True):
            if feature:
                score += weight * feature
        return round(1 / (1 + exp(-score)), _DIGITS)


@cache
def weights() -> tuple[Logistic, Logistic]:
    """The regressions for claims and for records."""
    table = tomllib.loads((files("extractor.labelling") / WEIGHTS).read_text(encoding="utf-8"))
    claim, record = table["claim"], table["record"]
    return (
        Logistic(claim["intercept"], tuple(claim["weights"][name] for name in CLAIM)),
        Logistic(record["intercept"], tuple(record["weights"][name] for name in RECORD)),
    )


def assess(decided: "Decided") -> tuple[dict[int, float], float, frozenset[int]]:
    """The probability that each claim is right in kind, comparison, value and unit, by its mention; that of the record, that
    each claim and each target is there and right, and nothing else is; and the mentions that are no claim by default."""
    claim, record = weights()
    doubts = [claim_features(each) for each in decided.claims]
    of_claims = {
        each.judged.frame.mention.id: claim.probability(found) for each, found in zip(decided.claims, doubts, strict=True)
    }
    left = by_default(decided)
    return of_claims, record.probability(record_features(decided, doubts, len(left))), left


def claim_features(claim: "Attached") -> list[bool]:
    """The doubts about a claim."""
    return [doubts(claim) for doubts in _DOUBTS]


def record_features(decided: "Decided", doubts: Sequence[Sequence[bool]], left: int) -> list[float]:
    """The doubts about a record, given those about its claims, and how many numbers are no claim by default."""
    if not (decided.numbers or decided.hardware):  # as in 4 of 10 abstracts of the arXiv corpus
        return [0.0] * len(RECORD)
    roles: dict[str, set[str | None]] = {}
    targets = {label.mention for label in decided.labels.hardware}
    classes = 0
    for place, row in decided.hardware:
        if not place.mention.specific:
            roles.setdefault(place.mention.category, set()).add(row.role if row else None)
            classes += place.mention.id in targets
    counts = (
        len(doubts),
        sum(each[0] for each in doubts),
        sum(sum(each) >= _DOUBTFUL for each in doubts),
        left,
        len(decided.hardware),
        classes,
        sum(len(each) > 1 for each in roles.values()),
        sum(each == {None} for each in roles.values()),
    )
    return [log1p(count) if count else 0.0 for count in counts]


def by_default(decided: "Decided") -> frozenset[int]:
    """The mentions of the numbers that are no claim though no word says so."""
    return frozenset(judged.frame.mention.id for judged, claim in decided.numbers if claim is None and _is_left(judged))


def _is_left(judged: "Judged") -> bool:
    """Whether no word near a number says that it is no claim."""
    row = judged.row
    return row is None or not (row.near or row.counts)
