"""What a job has done so far, in numbers."""

from dataclasses import dataclass, field
from typing import Any, get_args

from extractor.records import Extraction, Kind


@dataclass(slots=True)
class Counts:
    """Sums over the records of a job. `documents` counts every input record; `failed` of them have no extraction.

    `cost_usd` is None once the price of a single record is not known.
    """

    documents: int = 0
    failed: int = 0
    claims: dict[str, int] = field(default_factory=lambda: dict.fromkeys(get_args(Kind), 0))
    hardware: int = 0
    rejected: int = 0
    calls: int = 0
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
        made = record.provenance
        self.calls += made.calls
        self.input_tokens += made.input_tokens
        self.output_tokens += made.output_tokens
        self.cost_usd = None if self.cost_usd is None or made.cost_usd is None else self.cost_usd + made.cost_usd

    def fail(self) -> None:
        """Count an input without an extraction."""
        self.documents += 1
        self.failed += 1

    def as_json(self) -> dict[str, Any]:
        """The counts as they stand in `job.json`."""
        return {
            "documents": self.documents,
            "failed": self.failed,
            "claims": self.claims,
            "hardware": self.hardware,
            "rejected": self.rejected,
            "calls": self.calls,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cost_usd": self.cost_usd,
        }
