"""Answers that were had elsewhere than by a call of this client: the results of a batch."""

from dataclasses import dataclass
from typing import Protocol

from extractor.llm.completions import Completion
from extractor.llm.structured import Mode


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """An answer to a question. `mode` is how it was asked, `price` what a token of it cost, as a fraction of the usual price.

    `reask` allows telling the model what is wrong with it, by calls. `counted` says that another document had the same
    question and bears its cost.
    """

    completion: Completion
    mode: Mode
    price: float
    reask: bool = False
    counted: bool = False


class Answers(Protocol):
    """Answers by the names of their questions (`ModelClient.question`)."""

    def find(self, question: str) -> KnownAnswer | None:
        """The answer, or None for a question that is to be asked. Raises `CallError` when it was asked and got no answer."""
        ...
