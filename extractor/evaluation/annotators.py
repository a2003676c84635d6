"""How far two people who annotated the same documents agree: the ceiling that a model can be held to."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from extractor._version import __version__
from extractor.documents import Span
from extractor.errors import DataError
from extractor.evaluation.gold import GoldClaim, GoldDocument
from extractor.evaluation.matching import Alignment, claim_overlap, hardware_likeness, match, same_value
from extractor.evaluation.metrics import Scores, score
from extractor.evaluation.report.terminal import Table
from extractor.evaluation.statistics import HEADLINE, Estimate, estimates
from extractor.records import PHRASE_FIELDS, Claim, Extraction, HardwareTarget, Provenance, Spans

ANNOTATOR = "annotator"
"""Who labelled, in a record made of an annotation."""


@dataclass(frozen=True, slots=True)
class Annotators:
    """Two annotations, aligned document by document; `only_first` and `only_second` are the ids that have no counterpart."""

    alignments: tuple[Alignment, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The figures of `extractor eval` with the intervals of the headline ones, for JSON; the first is the gold."""
        intervals = {name: asdict(estimate) for name, estimate in estimates(self.alignments).items()}
        only = {"only_first": self.only_first, "only_second": self.only_second}
        return {**score(self.alignments).as_dict(), "headline": intervals, **only}

    def table(self) -> list[str | Table]:
        """The figures for which it does not matter who comes first, for a terminal."""
        intervals = estimates(self.alignments)
        rows = Table(("", "agreement", "95% interval", "of"))
        for label, value, of, headline in _figures(score(self.alignments)):
            between = "" if headline is None else _between(intervals[headline])
            rows.add_row(label, "-" if value is None else f"{value:.3f}", between, f"{of:,}")
        number = len(self.alignments)
        return [f"{number:,} abstract{'' if number == 1 else 's'} annotated by both", rows]


def _figures(scores: Scores) -> Iterator[tuple[str, float | None, int, str | None]]:
    """What is shown of the scores: label, value, of how many, and the headline figure that it is."""
    for label, counts, headline in (
        ("claims found: F1", scores.claims.detection, "detection_f1"),
        ("claims alike: F1", scores.claims.strict, "strict_f1"),
        ("hardware: F1", scores.hardware.all, "hardware_f1"),
    ):
        yield label, counts.f1, counts.found + counts.spurious + counts.missed, headline
    for name, field in scores.fields.items():
        yield f"claim: {name}", field.exact.value, field.exact.total, None
        if field.soft is not None:
            yield "  softly", field.soft.value, field.soft.total, name if name in HEADLINE else None
    role, category = scores.hardware.role, scores.hardware.category
    yield "hardware: role", role.value, role.total, None
    yield "products: category", category.value, category.total, None
    yield "system", scores.system.exact.value, scores.documents, "system"
    yield "  softly", scores.system.soft.value, scores.documents, None
    yield "abstracts alike", scores.documents_right.value, scores.documents, "documents_right"


def _between(estimate: Estimate) -> str:
    return "" if estimate.low is None or estimate.high is None else f"{estimate.low:.3f} to {estimate.high:.3f}"


def align_annotators(first: Sequence[GoldDocument], second: Sequence[GoldDocument]) -> Annotators:
    """Align the documents that both annotated, by their ids; the first stands in for gold, the second for the prediction.

    Claims match if either's quantity is where the other has it, restatements included, and values and subjects are read
    from both sides: F1 and the agreement of fields are the same whoever comes first. Raises `DataError` if the two have
    different texts of a document.
    """
    ours, theirs = ({gold.document.id: gold for gold in side} for side in (first, second))
    return Annotators(
        alignments=tuple(_align(gold, theirs[id]) for id, gold in ours.items() if id in theirs),
        only_first=tuple(id for id in ours if id not in theirs),
        only_second=tuple(id for id in theirs if id not in ours),
    )


def as_extraction(gold: GoldDocument) -> Extraction:
    """What an annotator says, as the record of a labeller. Spans of phrases are where they first occur."""
    text = gold.document.text
    return Extraction(
        id=gold.document.id,
        title=gold.document.title,
        abstract=gold.document.abstract,
        system=gold.system,
        claims=tuple(_as_claim(claim, text) for claim in gold.claims),
        hardware=tuple(HardwareTarget(**asdict(each)) for each in gold.hardware),
        provenance=Provenance(extractor=__version__, labeller=ANNOTATOR, model=ANNOTATOR),
    )


def _as_claim(claim: GoldClaim, text: str) -> Claim:
    phrases = {name: getattr(claim, name) for name in PHRASE_FIELDS}
    places = {name: None if phrase is None else _first(phrase, text) for name, phrase in phrases.items()}
    return Claim(
        kind=claim.kind,
        comparison=claim.comparison,
        effect=claim.effect,
        quantity=claim.quantity,
        spans=Spans(quantity=claim.span, **places),
        sentence=(0, len(text)),
        **phrases,
    )


def _first(phrase: str, text: str) -> Span:
    start = text.index(phrase)
    return start, start + len(phrase)


def _align(first: GoldDocument, second: GoldDocument) -> Alignment:
    if first.document.text != second.document.text:
        cause = f"the two annotations of {first.document.id} are of different texts"
        raise DataError(f"{cause}; give both the same title and abstract, or take one of them out")
    text, said = first.document.text, as_extraction(second)
    # A gold file has one claim at a place, so the place leads from one form of a claim to the other.
    theirs = {claim.span: claim for claim in second.claims}

    def likeness(gold: GoldClaim, claim: Claim) -> float:
        return max(claim_overlap(gold, claim), claim_overlap(theirs[claim.spans.quantity], _as_claim(gold, text)))

    claims = match(first.claims, said.claims, likeness)
    pairs = tuple(_read_alike(gold, claim, first.system, second.system) for gold, claim in claims.pairs)
    return Alignment(first, said, replace(claims, pairs=pairs), match(first.hardware, said.hardware, hardware_likeness))


def _read_alike(gold: GoldClaim, claim: Claim, ours: str | None, theirs: str | None) -> tuple[GoldClaim, Claim]:
    """A matched pair as it can be compared from either side.

    A gold value may be a rounded one, and a null subject is read as the gold's system: here either may have rounded, and a null
    beside a name is read as its annotator's system, or else the other's.
    """
    said = claim.quantity
    if same_value(said, gold.quantity):
        said = said.model_copy(update={"low": gold.quantity.low, "high": gold.quantity.high})
    subjects = gold.subject, claim.subject
    if subjects != (None, None):
        subjects = gold.subject or ours or theirs, claim.subject or theirs or ours
    return replace(gold, subject=subjects[0]), claim.model_copy(update={"quantity": said, "subject": subjects[1]})
