"""How a model call fails for good, and what it had cost by then.

ProviderError (extractor.errors)
└── CallError          this document gets no answer; the next one may
    └── JobError      no later document can fare better: the job stops at once, and resumes when the cause is mended
        └── BudgetError the next call could pass the cap on cost

Each says a cause and a fix. None holds a reply of the model or a key.
"""

from dataclasses import dataclass

from extractor.errors import ProviderError


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent on one document, over all its attempts, the failed ones too.

    `calls` counts HTTP requests that were sent; `attempts` counts the times the model was asked (1, plus its re-asks).
    `cost_usd` is None where no price is known.
    """

    calls: int = 0
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0


class CallError(ProviderError):
    """A document for which the model gave no usable answer."""

    def __init__(self, cause: str, fix: str, spent: Spent | None = None) -> None:
        super().__init__(f"{cause}. {fix}")
        self.cause = cause
        self.fix = fix
        self.spent = spent or Spent()


class JobError(CallError):
    """A failure that every later document would meet as well."""


class BudgetError(JobError):
    """The cap on cost is reached, or cannot be kept."""
