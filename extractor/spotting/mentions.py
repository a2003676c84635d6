"""What spotting finds: numbered mentions of quantities and hardware, with offsets into the unmodified text."""

from bisect import bisect_right
from dataclasses import dataclass

from extractor.documents import Span
from extractor.records import Bound, Category


@dataclass(frozen=True, slots=True)
class QuantityMention:
    """A number or range in the text. `low` and `high` are in `unit` (canonical name, or None), equal for a single number."""

    id: int
    span: Span
    text: str
    low: float
    high: float
    unit: str | None
    bound: Bound


@dataclass(frozen=True, slots=True)
class HardwareMention:
    """A phrase that names computing hardware: a product (`specific`) or a class."""

    id: int
    span: Span
    text: str
    specific: bool
    category: Category


@dataclass(frozen=True, slots=True)
class Mentions:
    """Every mention of one text in reading order. Ids count from 1: quantities first, then hardware, never shared."""

    text: str
    sentences: tuple[Span, ...]
    quantities: tuple[QuantityMention, ...]
    hardware: tuple[HardwareMention, ...]

    def sentence_at(self, position: int) -> Span:
        """The sentence that holds a code point."""
        behind = bisect_right(self.sentences, (position, len(self.text)))
        return self.sentences[max(0, behind - 1)]
