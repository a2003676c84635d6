"""The figures of an evaluation, as pure functions of aligned documents."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import ConfigDict, Field, TypeAdapter, computed_field

from extractor.evaluation.gold import GoldClaim, GoldHardware
from extractor.evaluation.matching import Agreement, Alignment, Matching, agreement, compare_phrases, is_complete, is_strict
from extractor.records import PHRASE_FIELDS, Claim, Comparison, HardwareTarget, Kind
from extractor.spotting import known_unit

KINDS: tuple[Kind, ...] = get_args(Kind)
COMPARISONS: tuple[Comparison, ...] = get_args(Comparison)
UnitGroup = Literal["time", "rate", "ratio", "percent", "cost", "other"]
UNIT_GROUPS: tuple[UnitGroup, ...] = get_args(UnitGroup)
CLAIM_FIELDS = ("kind", "comparison", "effect", "value", "unit", "bound", *PHRASE_FIELDS)
WAYS = ("detection", "strict", "complete")
"""The ways in which a claim counts as found."""

BINS = 5
"""Bins of confidence, each with as many claims, so far as claims of one confidence allow. Five, since chance alone gives 120
claims that are as often right as they say, about 92%, an error of 0.04, and in ten bins of 0.06."""

K = TypeVar("K", bound=str)
Pair = tuple[GoldClaim, Claim, dict[str, Agreement]]
"""A matched claim: gold, prediction, and where their fields agree."""


def _closed(schema: dict[str, Any]) -> None:
    schema["additionalProperties"] = False
    for each in schema["properties"].values():
        each.pop("readOnly", None)


COUNTED = ConfigDict(extra="ignore", json_schema_extra=_closed)
"""In JSON the ratios that follow from counts stand beside them; when it is read they follow again."""


@dataclass(frozen=True, slots=True)
class Share:
    """`right` of `total`."""

    __pydantic_config__ = COUNTED

    right: int
    total: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def value(self) -> float | None:
        """The share in [0, 1]; None of nothing."""
        return self.right / self.total if self.total else None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items of gold and prediction found a partner: `found` did, `spurious` predictions and `missed` gold did not."""

    __pydantic_config__ = COUNTED

    found: int
    spurious: int
    missed: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def precision(self) -> float | None:
        """Share of the predictions that are right; 0 if nothing was predicted though gold has something."""
        return self._ratio(self.found, self.found + self.spurious)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def recall(self) -> float | None:
        """Share of the gold that was found; 0 if gold has nothing though something was predicted."""
        return self._ratio(self.found, self.found + self.missed)

    @computed_field  # type: ignore[prop-decorator]
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
class Means:
    """Precision, recall and F1 averaged over the `documents` that have an item in gold or prediction (macro averages)."""

    documents: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class ClaimScores:
    """How well claims were found: `detection` by place, `strict` by place, kind, comparison, value and unit, `complete` by all.

    All is every field, with phrases that agree at least softly.
    """

    detection: Counts
    strict: Counts
    complete: Counts


@dataclass(frozen=True, slots=True)
class ClaimMeans:
    """As `ClaimScores`, averaged over documents instead of pooled."""

    detection: Means
    strict: Means
    complete: Means


@dataclass(frozen=True, slots=True)
class Bin:
    """The claims of a bin: lowest and highest confidence, how many, their mean confidence, how many are strictly right."""

    __pydantic_config__ = COUNTED

    low: float
    high: float
    claims: int
    confidence: float
    right: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def accuracy(self) -> float | None:
        """The share that is right; None of an empty bin."""
        return self.right / self.claims if self.claims else None


@dataclass(frozen=True, slots=True)
class Calibration:
    """How confidence and being right go together over the claims, and the records, that have a confidence.

    `error` is the expected calibration error: how far each bin's accuracy is from its mean confidence, weighted by its claims.
    `brier` is the mean square of confidence minus outcome (1 right, 0 not). Both are 0 at best and 1 at worst. `auroc` is how
    often, of a right and a wrong record, the right one has the higher confidence; a tie is half. None where either is missing.
    `sure` counts the records of at least 0.9, and which of them are right.
    """

    claims: int
    bins: tuple[Bin, ...]
    error: float
    brier: float
    records: int
    auroc: float | None
    sure: Share


@dataclass(frozen=True, slots=True)
class Foretold:
    """The confidence of each claim of a document that has one, and whether it is right; the same of the record."""

    claims: tuple[tuple[float, bool], ...]
    record: tuple[float, bool] | None


@dataclass(frozen=True, slots=True)
class FieldScores:
    """How often a field of a matched claim agrees: exactly; a phrase also softly, and exactly where it is `named`.

    A phrase is named unless it is null on both sides.
    """

    exact: Share
    soft: Share | None = None
    named: Share | None = None


@dataclass(frozen=True, slots=True)
class HardwareScores:
    """Hardware targets in all and by sort; `role` of the matched ones, `category` of the matched products.

    Classes match by category, so theirs says nothing.
    """

    all: Counts
    products: Counts
    classes: Counts
    role: Share
    category: Share


@dataclass(frozen=True, slots=True)
class SystemScores:
    """How often the name of the paper's system agrees."""

    exact: Share
    soft: Share


Confusion = Annotated[
    dict[str, dict[str, int]], Field(description="Gold kind, or spurious, -> predicted kind, or missed -> number of claims")
]


@dataclass(frozen=True, slots=True)
class Scores:
    """All figures of one labeller on a set of documents; docs/evaluation.md defines them."""

    documents: int
    claims: ClaimScores
    macro: ClaimMeans
    by_kind: dict[Kind, ClaimScores]
    by_comparison: dict[Comparison, ClaimScores]
    by_unit: dict[str, ClaimScores]
    confusion: Confusion
    fields: dict[str, FieldScores]
    hardware: HardwareScores
    system: SystemScores
    documents_right: Share
    documents_complete: Share
    calibration: Annotated[Calibration | None, Field(description="Null where no predicted claim has a confidence")]

    def as_dict(self) -> dict[str, Any]:
        """The figures for JSON; of a field, those that it has."""
        figures = to_dict(self)
        fields = figures["fields"].items()
        return figures | {"fields": {name: {way: each for way, each in ways.items() if each} for name, ways in fields}}


def score(alignments: Iterable[Alignment]) -> Scores:
    """Sum the documents up: all but `macro` pools the counts (micro averages), so abstracts with more claims weigh more."""
    documents = tuple(alignments)
    paired = [_pairs(document) for document in documents]
    pairs = [pair for each in paired for pair in each]
    targets = [pair for document in documents for pair in document.hardware.pairs]
    systems = [compare_phrases(document.gold.system, document.extraction.system) for document in documents]
    each = [_claim_scores(document, found) for document, found in zip(documents, paired, strict=True)]
    return Scores(
        documents=len(documents),
        claims=ClaimScores(*(pool(getattr(scores, way) for scores in each) for way in WAYS)),
        macro=ClaimMeans(*(macro(getattr(scores, way) for scores in each) for way in WAYS)),
        by_kind=_by(KINDS, lambda claim: claim.kind, documents, pairs),
        by_comparison=_by(COMPARISONS, lambda claim: claim.comparison, documents, pairs),
        by_unit=_by(UNIT_GROUPS, lambda claim: unit_group(claim.quantity.unit), documents, pairs),
        confusion=confusion(documents),
        fields={name: _field(name, [fields[name] for *_, fields in pairs]) for name in CLAIM_FIELDS},
        hardware=HardwareScores(
            all=_hardware_counts(documents, lambda _: True),
            products=_hardware_counts(documents, lambda target: target.specific),
            classes=_hardware_counts(documents, lambda target: not target.specific),
            role=share(gold.role == target.role for gold, target in targets),
            category=share(gold.category == target.category for gold, target in targets if gold.specific),
        ),
        system=SystemScores(share(system.exact for system in systems), share(system.soft for system in systems)),
        documents_right=share(is_right(document) for document in documents),
        documents_complete=share(
            is_right(document) and system.soft and all(is_complete(fields) for *_, fields in pairs)
            for document, system, pairs in zip(documents, systems, paired, strict=True)
        ),
        calibration=calibrate(documents),
    )


def pool(counts: Iterable[Counts]) -> Counts:
    """The sums of counts; zeros of none."""
    counts = tuple(counts)
    return Counts(sum(c.found for c in counts), sum(c.spurious for c in counts), sum(c.missed for c in counts))


def macro(counts: Iterable[Counts]) -> Means:
    """The mean over documents, given the counts of each.

    A document without an item on either side has no ratio and is left out; one with items on one side alone has 0. None of no
    document.
    """
    scored = [each for each in counts if each != Counts(0, 0, 0)]
    if not scored:
        return Means(0, None, None, None)
    return Means(
        documents=len(scored),
        precision=fmean(each.precision or 0.0 for each in scored),
        recall=fmean(each.recall or 0.0 for each in scored),
        f1=fmean(each.f1 or 0.0 for each in scored),
    )


def confusion(alignments: Iterable[Alignment]) -> Confusion:
    """How often each gold kind was taken for which kind; all cells are there, zeros too, but "spurious" -> "missed"."""
    table: Confusion = {kind: dict.fromkeys((*KINDS, "missed"), 0) for kind in KINDS}
    table["spurious"] = dict.fromkeys(KINDS, 0)
    for document in alignments:
        for gold, claim in document.claims.pairs:
            table[gold.kind][claim.kind] += 1
        for gold in document.claims.missed:
            table[gold.kind]["missed"] += 1
        for claim in document.claims.spurious:
            table["spurious"][claim.kind] += 1
    return table


def is_right(document: Alignment) -> bool:
    """Whether every claim and hardware target of a document is there and right, and nothing else.

    Claims are right as in `strict`; hardware by its role, and products by their category too. A document that has neither, in
    gold and prediction, is right.
    """
    claims, hardware = document.claims, document.hardware
    return (
        not (claims.missed or claims.spurious or hardware.missed or hardware.spurious)
        and all(is_strict(fields) for *_, fields in _pairs(document))
        and all(gold.role == target.role and gold.category == target.category for gold, target in hardware.pairs)
    )


def calibrate(alignments: Iterable[Alignment]) -> Calibration | None:
    """Compare confidence and outcome of claims in bins of as many claims, and of records in rank; None without a claim's.

    A claim is right if it has a partner with which it agrees strictly, so spurious ones are wrong; a record as in `is_right`.
    Claims of one confidence are in one bin, that of the middle of their ranks.
    """
    return calibration([foretold(document) for document in alignments])


def calibration(documents: Sequence[Foretold]) -> Calibration | None:
    """The calibration of what was foretold of each document; None where nothing was of any claim."""
    outcomes = [outcome for document in documents for outcome in document.claims]
    if not outcomes:
        return None
    ranks: dict[float, list[bool]] = {}
    for confidence, right in sorted(outcomes):
        ranks.setdefault(confidence, []).append(right)
    bins: dict[int, list[tuple[float, bool]]] = {}
    first = 0
    for confidence, rights in ranks.items():
        middle = (2 * first + len(rights) - 1) / (2 * len(outcomes))
        bins.setdefault(int(middle * BINS), []).extend((confidence, right) for right in rights)
        first += len(rights)
    filled = tuple(
        Bin(each[0][0], each[-1][0], len(each), fmean(c for c, _ in each), sum(right for _, right in each))
        for each in bins.values()
    )
    records = [document.record for document in documents if document.record is not None]
    return Calibration(
        claims=len(outcomes),
        bins=filled,
        error=sum(abs(each.right - each.claims * each.confidence) for each in filled) / len(outcomes),
        brier=fmean((confidence - right) ** 2 for confidence, right in outcomes),
        records=len(records),
        auroc=_auroc(records),
        sure=share(right for confidence, right in records if confidence >= 0.9),
    )


def _auroc(outcomes: Sequence[tuple[float, bool]]) -> float | None:
    right, wrong = ([confidence for confidence, each in outcomes if each == what] for what in (True, False))
    if not right or not wrong:
        return None
    return sum((r > w) + (r == w) / 2 for r in right for w in wrong) / (len(right) * len(wrong))


def unit_group(unit: str | None) -> UnitGroup:
    """The group under which claims with this canonical unit are counted; "other" for a bare score, and for "dB"."""
    if unit == "x":
        return "ratio"
    if unit == "%":
        return "percent"
    known = known_unit(unit)
    if known.reports == "cost":
        return "cost"
    if known.reports == "time":
        return "time" if known.dimension == "time" else "rate"
    return "other"


def share(outcomes: Iterable[bool]) -> Share:
    """How many of the outcomes are true."""
    outcomes = tuple(outcomes)
    return Share(sum(outcomes), len(outcomes))


def to_dict(figures: object) -> dict[str, Any]:
    """Figures for JSON: the counts with the ratios that follow from them."""
    found: dict[str, Any] = TypeAdapter(type(figures)).dump_python(figures)
    return found


def _field(name: str, pairs: Sequence[Agreement]) -> FieldScores:
    exact = share(each.exact for each in pairs)
    if name not in PHRASE_FIELDS:
        return FieldScores(exact)
    return FieldScores(exact, share(each.soft for each in pairs), share(each.exact for each in pairs if each.named))


def _pairs(document: Alignment) -> list[Pair]:
    return [(gold, claim, agreement(document.gold, gold, claim)) for gold, claim in document.claims.pairs]


def _claim_scores(document: Alignment, pairs: Sequence[Pair]) -> ClaimScores:
    expected, predicted = len(document.gold.claims), len(document.extraction.claims)
    strict = sum(is_strict(fields) for *_, fields in pairs)
    complete = sum(is_complete(fields) for *_, fields in pairs)
    return ClaimScores(*(_counts(found, expected, predicted) for found in (len(pairs), strict, complete)))


def _by(
    groups: Iterable[K], group: Callable[[GoldClaim | Claim], K], documents: Sequence[Alignment], pairs: Sequence[Pair]
) -> dict[K, ClaimScores]:
    """The counts of each group. A pair counts for its group if both sides are in it; strict and complete pairs always are."""
    expected = Counter(group(gold) for document in documents for gold in document.gold.claims)
    predicted = Counter(group(claim) for document in documents for claim in document.extraction.claims)
    found = Counter(group(gold) for gold, claim, _ in pairs if group(gold) == group(claim))
    strict = Counter(group(gold) for gold, _, fields in pairs if is_strict(fields))
    complete = Counter(group(gold) for gold, _, fields in pairs if is_complete(fields))
    return {
        name: ClaimScores(*(_counts(each[name], expected[name], predicted[name]) for each in (found, strict, complete)))
        for name in groups
    }


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


def foretold(document: Alignment) -> Foretold:
    """What the confidences of a document foretell, and what came."""
    confidence = document.extraction.confidence
    return Foretold(tuple(_outcomes(document)), None if confidence is None else (confidence, is_right(document)))


def _outcomes(document: Alignment) -> Iterator[tuple[float, bool]]:
    """The confidence of each predicted claim that has one, and whether the claim is right."""
    for gold, claim in document.claims.pairs:
        if claim.confidence is not None:
            yield claim.confidence, is_strict(agreement(document.gold, gold, claim))
    yield from ((claim.confidence, False) for claim in document.claims.spurious if claim.confidence is not None)
