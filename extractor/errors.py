"""The exceptions of the package, split by who can mend them.

ExtractorError
├── UsageError              the user: a wrong argument, an unreadable path, a setting that contradicts another
├── DataError               the data: an input file, gold file or record that is not what it should be
└── ProviderError           the provider: a model call that failed for good
    └── CallError           this document gets no answer; the next one may
        └── JobError        no later document can fare better: the job stops at once, and resumes when the cause is mended
            ├── BudgetError the next call could pass the cap on cost
            └── StoppedError the job was asked to stop before the document was done

Anything else that is raised is a bug. Each message says the cause and the fix in one line, and none holds a model's reply or
a key.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from extractor.records import Provenance


class ExtractorError(Exception):
    """Base of every error that the package raises on purpose."""


class UsageError(ExtractorError):
    """The call or command cannot be carried out as asked."""


class ProviderError(ExtractorError):
    """A model provider did not answer in a usable way."""


class DataError(ExtractorError):
    """A file or record does not hold what it should."""


def install(extra: str) -> str:
    """How the packages of an extra are installed; the package is on no index, so it is done where its source is."""
    return f"Install it with `pip install '.[{extra}]'` in the repository"


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

    @classmethod
    def of(cls, made: "Provenance") -> "Spent":
        """What a record says that it has cost."""
        return cls(made.calls, made.attempts, made.input_tokens, made.output_tokens, made.cost_usd)

    @classmethod
    def together(cls, parts: Iterable["Spent"]) -> "Spent":
        """What several labellers spent on one document. They ask the same thing: `attempts` is 1, plus the re-asks of all."""
        spent = list(parts)
        costs = [part.cost_usd for part in spent if part.cost_usd is not None]
        return cls(
            calls=sum(part.calls for part in spent),
            attempts=any(part.attempts for part in spent) + sum(max(0, part.attempts - 1) for part in spent),
            input_tokens=sum(part.input_tokens for part in spent),
            output_tokens=sum(part.output_tokens for part in spent),
            cost_usd=sum(costs) if len(costs) == len(spent) else None,
        )


class CallError(ProviderError):
    """A document for which the model gave no usable answer."""

    def __init__(self, cause: str, fix: str, spent: Spent | None = None) -> None:
        super().__init__(f"{cause}. {fix}")
        self.cause = cause
        self.fix = fix
        self.spent = spent or Spent()

    def __reduce__(self) -> tuple[type[Self], tuple[str, str, Spent]]:
        return type(self), (self.cause, self.fix, self.spent)  # between processes


class JobError(CallError):
    """A failure that every later document would meet as well."""


class BudgetError(JobError):
    """The cap on cost is reached, or cannot be kept."""


class StoppedError(JobError):
    """The job was asked to stop, and this document would have had to wait; it is neither done nor failed."""
