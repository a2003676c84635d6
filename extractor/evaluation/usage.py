"""What a system took for its answers, and what of them grounding did not accept."""

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from pydantic import computed_field

from extractor.evaluation.metrics import COUNTED, Share, share, to_dict
from extractor.records import PHRASE_FIELDS, Extraction

UNANSWERED = "reply"
"""The rejected field of a document for which the model gave no usable answer."""

_LABEL = re.compile(r"(?:claims|hardware)\[\d+\](?:\.mention)?")
_PHRASE = re.compile(rf"claims\[\d+\]\.(?:{'|'.join(PHRASE_FIELDS)})|system")
_NOT_FOUND = "not found in the text"


@dataclass(frozen=True, slots=True)
class PerAbstract:
    """What a system takes for one abstract, on average; dollars are None where no price is known, and all of no abstract."""

    __pydantic_config__ = COUNTED

    calls: float | None
    reasks: float | None
    input_tokens: float | None
    output_tokens: float | None
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a system took, and what of its answers grounding did not accept; zeros for the rules, which ask nobody.

    Sums over documents. `uncalled` ones held nothing to label, `unanswered` ones got no usable answer.

    `cost_usd` is None where the price of any document is not known. `rejected` counts what grounding did not accept, by reason;
    `refused` is the share of the labels (of claims and hardware) that it rejected whole, `ungrounded` that of the phrases (of
    claims and systems) that it did not find in the text.
    """

    __pydantic_config__ = COUNTED

    documents: int
    uncalled: int
    unanswered: int
    calls: int
    reasks: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    rejected: dict[str, int]
    refused: Share
    ungrounded: Share

    @computed_field  # type: ignore[prop-decorator]
    @property
    def without_call(self) -> Share:
        """The documents that needed no call."""
        return Share(self.uncalled, self.documents)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def per_abstract(self) -> PerAbstract:
        """What the sums make per abstract."""
        return PerAbstract(**{field.name: self.each(getattr(self, field.name)) for field in fields(PerAbstract)})

    def each(self, total: float | None) -> float | None:
        """A sum per document; None where there is no sum or no document."""
        return total / self.documents if self.documents and total is not None else None

    def as_dict(self) -> dict[str, Any]:
        """The sums with what they make per abstract, for JSON."""
        figures = to_dict(self)
        without_call = figures.pop("without_call")
        return figures | {"without_call": without_call}


def usage(extractions: Iterable[Extraction]) -> Usage:
    """Sum up the provenance and the rejections of extractions."""
    records = list(extractions)
    made = [record.provenance for record in records]
    prices = [each.cost_usd for each in made if each.cost_usd is not None]
    rejected = [rejection for record in records for rejection in record.rejected]
    reasons = Counter(rejection.reason for rejection in rejected if rejection.field != UNANSWERED)
    labels = sum(len(record.claims) + len(record.hardware) for record in records)
    phrases = sum(_phrases(record) for record in records)
    missing = [rejection.reason == _NOT_FOUND for rejection in rejected if _PHRASE.fullmatch(rejection.field)]
    return Usage(
        documents=len(records),
        uncalled=sum(not (each.calls or each.cached) for each in made),
        unanswered=sum(rejection.field == UNANSWERED for rejection in rejected),
        calls=sum(each.calls for each in made),
        reasks=sum(max(0, each.attempts - 1) for each in made),
        input_tokens=sum(each.input_tokens for each in made),
        output_tokens=sum(each.output_tokens for each in made),
        cost_usd=math.fsum(prices) if len(prices) == len(made) else None,
        rejected=dict(sorted(reasons.items())),
        refused=share([False] * labels + [True for rejection in rejected if _LABEL.fullmatch(rejection.field)]),
        ungrounded=share([False] * phrases + missing),
    )


def _phrases(record: Extraction) -> int:
    """The phrases that a record has kept."""
    kept = (getattr(claim, name) for claim in record.claims for name in PHRASE_FIELDS)
    return sum(phrase is not None for phrase in (record.system, *kept))
