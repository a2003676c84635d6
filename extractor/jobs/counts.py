"""What a job has done so far, in numbers."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, get_args

from extractor.errors import Spent
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

    def add(self, record: Extraction, times: int = 1) -> None:
        """Count an extraction; with -1, take one out that was counted before."""
        self.documents += times
        for claim in record.claims:
            self.claims[claim.kind] += times
        self.hardware += times * len(record.hardware)
        self.rejected += times * len(record.rejected)
        for rejection in record.rejected:
            left = self.rejected_by_reason.pop(rejection.reason, 0) + times
            if left:
                self.rejected_by_reason[rejection.reason] = left
        made = record.provenance
        self.cached += times * made.cached
        self.uncalled += times * (not (made.calls or made.cached))
        self._spend(Spent(made.calls, made.attempts, made.input_tokens, made.output_tokens, made.cost_usd), times)

    def fail(self, spent: Spent | None = None) -> None:
        """Count an input without an extraction, and what was spent on it."""
        self.documents += 1
        self.failed += 1
        if spent is not None:
            self._spend(spent)

    def merge(self, other: "Counts") -> None:
        """Add the counts of other records."""
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            if isinstance(mine, dict):
                for name, number in theirs.items():
                    mine[name] = mine.get(name, 0) + number
            else:
                setattr(self, each.name, None if mine is None or theirs is None else mine + theirs)

    def _spend(self, spent: Spent, times: int = 1) -> None:
        self.calls += times * spent.calls
        self.reasks += times * max(0, spent.attempts - 1)
        self.input_tokens += times * spent.input_tokens
        self.output_tokens += times * spent.output_tokens
        known = None not in (self.cost_usd, spent.cost_usd)
        self.cost_usd = (self.cost_usd or 0.0) + times * (spent.cost_usd or 0.0) if known else None

    def as_json(self) -> dict[str, Any]:
        """The counts as they stand in `job.json`."""
        return asdict(self)
