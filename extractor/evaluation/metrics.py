"""The figures of an evaluation, as pure functions of aligned documents."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args

from extractor.evaluation.gold import GoldHardware
from extractor.evaluation.matching import Alignment, Matching, agreement, compare_phrases, is_strict
from extractor.records import PHRASE_FIELDS, HardwareTarget, Kind

KINDS: tuple[Kind, ...] = get_args(Kind)
CLAIM_FIELDS = ("kind", "comparison", "effect", "value", "unit", "bound", *PHRASE_FIELDS)


@dataclass(frozen=True, slots=True)
class Share:
    """`right` of `total`."""

    right: int
    total: int

    @property
    def value(self) -> float | None:
        """The share in [0, 1]; None of nothing."""
        return self.right / self.total if self.total else None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items of gold and prediction found a partner: `found` did, `spurious` predictions and `missed` gold did not."""

    found: int
    spurious: int
    missed: int

    @property
    def precision(self) -> float | None:
        """Share of the predictions that are right; 0 if nothing was predicted though gold has something."""
        return self._ratio(self.found, self.found + self.spurious)

    @property
    def recall(self) -> float | None:
        """Share of the gold that was found; 0 if gold has nothing though something was predicted."""
        return self._ratio(self.found, self.found + self.missed)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; 0 if nothing was found."""
        return self._ratio(2 * self.found, 2 * self.found + self.spurious + self.missed)

    def _ratio(self, part: int, whole: int) -> float | None:
        """None where gold and prediction are both empty: there is nothing to be right or wrong about."""
        if self == Counts(0, 0, 0):
            return None
        return part / whole if whole else 0.0


@dataclass(frozen=True, slots=True)
class ClaimScores:
    """How well claims were found: `detection` by place, `strict` by place, kind, comparison, value and unit."""

    detection: Counts
    strict: Counts


@dataclass(frozen=True, slots=True)
class Scores:
    """All figures of one labeller on a set of documents.

    `exact` gives the accuracy of each field over the matched claims, `soft` and `named` that of the phrases alone: `named`
    is the exact accuracy over the claims where gold, prediction or both name the phrase.
    `category` counts matched products alone, because classes match by category.
    """

    documents: int
    claims: ClaimScores
    by_kind: dict[Kind, ClaimScores]
    exact: dict[str, Share]
    soft: dict[str, Share]
    named: dict[str, Share]
    hardware: Counts
    products: Counts
    classes: Counts
    role: Share
    category: Share
    system_exact: Share
    system_soft: Share

    def as_dict(self) -> dict[str, Any]:
        """The counts with the ratios that follow from them, for JSON."""
        return {
            "documents": self.documents,
            "claims": _claim_figures(self.claims),
            "by_kind": {kind: _claim_figures(scores) for kind, scores in self.by_kind.items()},
            "fields": {name: self._field_figures(name) for name in self.exact},
            "hardware": {
                "all": count_figures(self.hardware),
                "products": count_figures(self.products),
                "classes": count_figures(self.classes),
                "role": share_figures(self.role),
                "category": share_figures(self.category),
            },
            "system": {"exact": share_figures(self.system_exact), "soft": share_figures(self.system_soft)},
        }

    def _field_figures(self, name: str) -> dict[str, dict[str, float | None]]:
        ways = {"exact": self.exact, "soft": self.soft, "named": self.named}
        return {way: share_figures(shares[name]) for way, shares in ways.items() if name in shares}


def score(alignments: Iterable[Alignment]) -> Scores:
    """Sum the documents up: counts are pooled over all of them (micro averages), so long abstracts weigh more."""
    documents = tuple(alignments)
    pairs = [
        (gold.kind, claim.kind, agreement(document.gold, gold, claim))
        for document in documents
        for gold, claim in document.claims.pairs
    ]
    expected = Counter(gold.kind for document in documents for gold in document.gold.claims)
    predicted = Counter(claim.kind for document in documents for claim in document.extraction.claims)
    found = Counter(kind for kind, said, _ in pairs if kind == said)
    strict = Counter(kind for kind, _, fields in pairs if is_strict(fields))
    targets = [pair for document in documents for pair in document.hardware.pairs]
    systems = [compare_phrases(document.gold.system, document.extraction.system) for document in documents]
    return Scores(
        documents=len(documents),
        claims=ClaimScores(
            _counts(len(pairs), expected.total(), predicted.total()),
            _counts(strict.total(), expected.total(), predicted.total()),
        ),
        by_kind={
            kind: ClaimScores(
                _counts(found[kind], expected[kind], predicted[kind]), _counts(strict[kind], expected[kind], predicted[kind])
            )
            for kind in KINDS
        },
        exact={name: share(fields[name].exact for *_, fields in pairs) for name in CLAIM_FIELDS},
        soft={name: share(fields[name].soft for *_, fields in pairs) for name in PHRASE_FIELDS},
        named={name: share(fields[name].exact for *_, fields in pairs if fields[name].named) for name in PHRASE_FIELDS},
        hardware=_hardware_counts(documents, lambda _: True),
        products=_hardware_counts(documents, lambda target: target.specific),
        classes=_hardware_counts(documents, lambda target: not target.specific),
        role=share(gold.role == target.role for gold, target in targets),
        category=share(gold.category == target.category for gold, target in targets if gold.specific),
        system_exact=share(system.exact for system in systems),
        system_soft=share(system.soft for system in systems),
    )


def share(outcomes: Iterable[bool]) -> Share:
    """How many of the outcomes are true."""
    outcomes = tuple(outcomes)
    return Share(sum(outcomes), len(outcomes))


def count_figures(counts: Counts) -> dict[str, float | None]:
    """Counts with precision, recall and F1."""
    return asdict(counts) | {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}


def share_figures(share: Share) -> dict[str, float | None]:
    """A share with its value."""
    return asdict(share) | {"value": share.value}


def _claim_figures(scores: ClaimScores) -> dict[str, dict[str, float | None]]:
    return {"detection": count_figures(scores.detection), "strict": count_figures(scores.strict)}


def _counts(found: int, expected: int, predicted: int) -> Counts:
    return Counts(found, predicted - found, expected - found)


def _hardware_counts(documents: Sequence[Alignment], chosen: Callable[[GoldHardware | HardwareTarget], bool]) -> Counts:
    """Pool the matchings of the targets that are `chosen`; both sides of a pair always are products, or both classes."""
    matchings: list[Matching[GoldHardware, HardwareTarget]] = [document.hardware for document in documents]
    return Counts(
        found=sum(chosen(gold) for matching in matchings for gold, _ in matching.pairs),
        spurious=sum(chosen(target) for matching in matchings for target in matching.spurious),
        missed=sum(chosen(gold) for matching in matchings for gold in matching.missed),
    )
