"""What a model was asked in an evaluation, and what of its answers was rejected."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from extractor.evaluation.aligning import UNANSWERED
from extractor.evaluation.metrics import Share, share_figures
from extractor.records import Extraction


@dataclass(frozen=True, slots=True)
class Usage:
    """Sums over documents. `uncalled` ones held nothing to label, `unanswered` ones got no usable answer.

    `rejected` counts what grounding did not accept, by reason.
    """

    documents: int
    uncalled: int
    unanswered: int
    calls: int
    reasks: int
    input_tokens: int
    output_tokens: int
    rejected: dict[str, int]

    @property
    def without_call(self) -> Share:
        """The documents that needed no call."""
        return Share(self.uncalled, self.documents)

    def each(self, total: int) -> float | None:
        """A sum per document."""
        return total / self.documents if self.documents else None

    def as_dict(self) -> dict[str, Any]:
        """The sums with what they make per abstract, for JSON."""
        sums = asdict(self)
        names = ("calls", "reasks", "input_tokens", "output_tokens")
        per_abstract = {name: self.each(sums[name]) for name in names}
        return {**sums, "per_abstract": per_abstract, "without_call": share_figures(self.without_call)}


def usage(extractions: Iterable[Extraction]) -> Usage:
    """Sum up the provenance and the rejections of extractions."""
    records = list(extractions)
    made = [record.provenance for record in records]
    rejected = [rejection for record in records for rejection in record.rejected]
    reasons = Counter(rejection.reason for rejection in rejected if rejection.field != UNANSWERED)
    return Usage(
        documents=len(records),
        uncalled=sum(not (each.calls or each.cached) for each in made),
        unanswered=sum(rejection.field == UNANSWERED for rejection in rejected),
        calls=sum(each.calls for each in made),
        reasks=sum(max(0, each.attempts - 1) for each in made),
        input_tokens=sum(each.input_tokens for each in made),
        output_tokens=sum(each.output_tokens for each in made),
        rejected=dict(sorted(reasons.items())),
    )
