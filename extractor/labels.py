"""The door between labellers and the rest: `Labels`, and the `Labeller` protocol that the rules and the models share."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from extractor.documents import Document
from extractor.records import Comparison, Effect, Kind, Provenance, Rejection, Role
from extractor.spotting.mentions import Mentions


class _Label(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClaimLabel(_Label):
    """A quantity mention that is a claim. Phrases are verbatim substrings of the text, or null."""

    mention: int
    metric: str | None
    subject: str | None
    kind: Kind
    comparison: Comparison
    effect: Effect | None
    baseline: str | None
    dataset: str | None
    hardware: str | None


class HardwareLabel(_Label):
    """A hardware mention that is a target of the paper's own contribution."""

    mention: int
    role: Role


class Labels(_Label):
    """What a labeller says of one document: mention ids and phrases, never text for numbers. Each mention id occurs once."""

    system: str | None
    claims: tuple[ClaimLabel, ...]
    not_claims: tuple[int, ...]
    hardware: tuple[HardwareLabel, ...]
    not_hardware: tuple[int, ...]
    missed: tuple[str, ...] = ()


class Labelled(NamedTuple):
    """Labels with what they cost. `provenance` lacks only the wall time, which the worker measures.

    `confidence` holds, by mention, how far a claim can be believed (0 to 1), and `of_record` how far all of it can, where the
    labeller knows it; `by_default` are the mentions of which nothing said that they are no claims. `rejected` says which
    answers were to be had and were not.
    """

    labels: Labels
    provenance: Provenance
    confidence: Mapping[int, float] = MappingProxyType({})
    rejected: tuple[Rejection, ...] = ()
    of_record: float | None = None
    by_default: frozenset[int] = frozenset()


class Labeller(Protocol):
    """Anything that labels mentions: the built-in rules, or a model."""

    name: str

    async def label(self, document: Document, mentions: Mentions) -> Labelled:
        """Label the mentions of one document. Raises `ProviderError` when no answer can be had."""
        ...
