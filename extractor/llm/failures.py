"""How a model call fails for good, and what it had cost by then.

ProviderError (extractor.errors)
└── CallError          this document gets no answer; the next one may
    └── JobError      no later document can fare better: the job stops at once, and resumes when the cause is mended
        └── BudgetError the next call could pass the cap on cost

Each says a cause and a fix. None holds a reply of the model or a key.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import SecretStr

from extractor.errors import ProviderError
from extractor.records import Provenance

_LONGEST_CAUSE = 300  # characters; some providers send the whole request back


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
    def of(cls, made: Provenance) -> "Spent":
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


class JobError(CallError):
    """A failure that every later document would meet as well."""


class BudgetError(JobError):
    """The cap on cost is reached, or cannot be kept."""


def shown(text: str, key: SecretStr | None = None) -> str:
    """A provider's words on one line, without the key and of bearable length."""
    text = " ".join(text.split())
    if key is not None:
        text = text.replace(key.get_secret_value(), "[key]")  # before it is cut: half a key would not be found
    return text if len(text) <= _LONGEST_CAUSE else text[: _LONGEST_CAUSE - 3] + "..."
