"""How much of the gold spotting lists at all: what it does not list, no labeller can claim."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from extractor.documents import Span
from extractor.evaluation.gold import GoldClaim, GoldDocument, GoldHardware
from extractor.evaluation.matching import overlap, same_value
from extractor.evaluation.metrics import Share, share_figures
from extractor.spotting import HardwareMention, Mentions, QuantityMention, spot

M = TypeVar("M", QuantityMention, HardwareMention)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What spotting lists of one or more documents.

    `listed` gold quantities are overlapped by a mention, `read` ones by a mention whose low, high, unit and bound are right.
    """

    listed: Share
    read: Share
    hardware: Share

    def as_dict(self) -> dict[str, dict[str, float | None]]:
        """The shares with their values, for JSON."""
        return {name: share_figures(getattr(self, name)) for name in ("listed", "read", "hardware")}


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
