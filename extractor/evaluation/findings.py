"""What spotting and a labeller get wrong, error by error: the list of errors and the report's page both show these.

What spotting does not list, no labeller can claim, so how much of the gold it lists is counted here too.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from extractor.documents import Span
from extractor.evaluation.gold import GoldClaim, GoldDocument, GoldHardware
from extractor.evaluation.matching import Alignment, agreement, claim_overlap, compare_phrases, overlap, same_value
from extractor.evaluation.metrics import Share
from extractor.records import Claim, HardwareTarget, Quantity
from extractor.spotting import HardwareMention, Mentions, QuantityMention, spot

Error = Literal["unspotted", "misread", "missed", "spurious", "wrong"]

M = TypeVar("M", QuantityMention, HardwareMention)


@dataclass(frozen=True, slots=True)
class WrongField:
    """What the gold and the prediction write into a field, as text; `soft` where the two agree softly."""

    gold: str
    predicted: str
    soft: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """One error: of a claim or a hardware target, or, where `gold` and `predicted` both are None, of the system's name.

    `again` marks a spurious claim at a place whose gold claim has its prediction already. `near` is what spotting read instead.
    """

    error: Error
    gold: GoldClaim | GoldHardware | None = None
    predicted: Claim | HardwareTarget | None = None
    fields: Mapping[str, WrongField] = field(default_factory=dict)
    again: bool = False
    near: tuple[QuantityMention, ...] = ()


def of_spotting(gold: GoldDocument) -> Iterator[Finding]:
    """What spotting does not list (`unspotted`) or reads otherwise (`misread`); every labeller builds on that."""
    missing = spotting_errors(gold)
    for claim, near in missing.quantities:
        yield Finding("misread" if near else "unspotted", claim, near=near)
    for target in missing.hardware:
        yield Finding("unspotted", target)


def of_labelling(alignment: Alignment) -> Iterator[Finding]:
    """What is `missed`, `spurious` or `wrong` in an extraction: the system first, then claims, then hardware."""
    gold = alignment.gold
    system = compare_phrases(gold.system, alignment.extraction.system)
    if not system.exact:
        yield Finding("wrong", fields={"system": WrongField(repr(gold.system), repr(alignment.extraction.system), system.soft)})
    for claim in alignment.claims.missed:
        yield Finding("missed", claim)
    for predicted in alignment.claims.spurious:
        yield Finding("spurious", predicted=predicted, again=any(claim_overlap(each, predicted) for each in gold.claims))
    for claim, predicted in alignment.claims.pairs:
        wrong = {
            name: WrongField(value_of(claim, name), value_of(predicted, name), agrees.soft)
            for name, agrees in agreement(gold, claim, predicted).items()
            if not agrees.exact
        }
        if wrong:
            yield Finding("wrong", claim, predicted, wrong)
    for target in alignment.hardware.missed:
        yield Finding("missed", target)
    for said in alignment.hardware.spurious:
        yield Finding("spurious", predicted=said)
    for target, said in alignment.hardware.pairs:
        differ = {
            name: WrongField(getattr(target, name), getattr(said, name), soft=False)
            for name in ("category", "role")
            if getattr(target, name) != getattr(said, name)
        }
        if differ:
            yield Finding("wrong", target, said, differ)


def value_of(claim: GoldClaim | Claim, name: str) -> str:
    """A field of a claim as text; `value` is its number or range."""
    if name == "value":
        return range_of(claim.quantity)
    owner = claim.quantity if name in ("unit", "bound") else claim
    return repr(getattr(owner, name))


def range_of(quantity: Quantity | QuantityMention) -> str:
    """`9.1`, or `1.4..6.9` for a range."""
    ends = dict.fromkeys((f"{quantity.low:.10g}", f"{quantity.high:.10g}"))
    return "..".join(ends)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What spotting lists of one or more documents.

    `listed` gold quantities are overlapped by a mention, `read` ones by a mention whose low, high, unit and bound are right.
    """

    listed: Share
    read: Share
    hardware: Share


@dataclass(frozen=True, slots=True)
class SpottingErrors:
    """The gold of one document that spotting missed, each quantity with the mentions that overlap it though they are wrong."""

    quantities: tuple[tuple[GoldClaim, tuple[QuantityMention, ...]], ...]
    hardware: tuple[GoldHardware, ...]


def spotting_errors(gold: GoldDocument, mentions: Mentions | None = None) -> SpottingErrors:
    """What spotting misses or misreads in one document; `mentions` if they are known already."""
    mentions = mentions or spot(gold.document.text)
    quantities = []
    for claim in gold.claims:
        near = tuple(_at(claim.span, mentions.quantities))
        if not any(reads(claim, mention) for mention in near):
            quantities.append((claim, near))
    hardware = tuple(target for target in gold.hardware if not [*_at(target.span, mentions.hardware)])
    return SpottingErrors(tuple(quantities), hardware)


def cover(documents: Iterable[GoldDocument]) -> Coverage:
    """Spot each document and count what is covered."""
    quantities = listed = read = hardware = named = 0
    for gold in documents:
        errors = spotting_errors(gold)
        quantities += len(gold.claims)
        hardware += len(gold.hardware)
        listed += len(gold.claims) - sum(not near for _, near in errors.quantities)
        read += len(gold.claims) - len(errors.quantities)
        named += len(gold.hardware) - len(errors.hardware)
    return Coverage(Share(listed, quantities), Share(read, quantities), Share(named, hardware))


def reads(claim: GoldClaim, mention: QuantityMention) -> bool:
    """Whether a mention says what the gold quantity says: low, high, unit and bound."""
    quantity = claim.quantity
    return same_value(quantity, mention) and quantity.unit == mention.unit and quantity.bound == mention.bound


def _at(place: Span, mentions: Iterable[M]) -> Iterator[M]:
    return (mention for mention in mentions if overlap(place, mention.span))
