"""What a job has done so far, in numbers."""

from dataclasses import asdict, dataclass, field
from typing import Any, get_args

from extractor.llm.failures import Spent
from extractor.records import Extraction, Kind


@dataclass(slots=True)
class Counts:
    """Sums over the records of a job. `documents` counts every input record; `failed` of them have no extraction.

    `uncalled` documents took no call because nothing was spotted in them (or rules labelled them), `cached` ones because
    their replies were kept. Calls, tokens and cost include those of the documents that failed. `cost_usd` is None once the
    price of a single document is not known.
    """

    documents: int = 0
    failed: int = 0
    claims: dict[str, int] = field(default_factory=lambda: dict.fromkeys(get_args(Kind), 0))
    hardware: int = 0
    rejected: int = 0
    rejected_by_reason: dict[str, int] = field(default_factory=dict)
    uncalled: int = 0
    cached: int = 0
    calls: int = 0
    reasks: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0

    @property
    def extracted(self) -> int:
        """Documents that have an extraction."""
        return self.documents - self.failed

    def add(self, record: Extraction) -> None:
        """Count an extraction."""
        self.documents += 1
        for claim in record.claims:
            self.claims[claim.kind] += 1
        self.hardware += len(record.hardware)
        self.rejected += len(record.rejected)
        for rejection in record.rejected:
            self.rejected_by_reason[rejection.reason] = self.rejected_by_reason.get(rejection.reason, 0) + 1
        made = record.provenance
        self.cached += made.cached
        self.uncalled += not (made.calls or made.cached)
        self._spend(made.calls, made.attempts, made.input_tokens, made.output_tokens, made.cost_usd)

    def fail(self, spent: Spent | None = None) -> None:
        """Count an input without an extraction, and what was spent on it."""
        self.documents += 1
        self.failed += 1
        if spent is not None:
            self._spend(spent.calls, spent.attempts, spent.input_tokens, spent.output_tokens, spent.cost_usd)

    def _spend(self, calls: int, attempts: int, input_tokens: int, output_tokens: int, cost_usd: float | None) -> None:
        self.calls += calls
        self.reasks += max(0, attempts - 1)
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens
        self.cost_usd = None if self.cost_usd is None or cost_usd is None else self.cost_usd + cost_usd

    def as_json(self) -> dict[str, Any]:
        """The counts as they stand in `job.json`."""
        return asdict(self)
