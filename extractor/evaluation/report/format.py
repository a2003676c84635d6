"""The format of `report.json`: what was evaluated, every figure with the counts behind it, and each abstract with its errors.

The other two reports are written from this one alone. `docs/report.schema.json` is its JSON Schema. What evaluation counts and
measures (gold, scores, estimates, usage) stands here as it is.
"""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from extractor.evaluation.cascades import Point
from extractor.evaluation.findings import Coverage, Error, WrongField
from extractor.evaluation.gold import GoldClaim, GoldHardware
from extractor.evaluation.metrics import Scores
from extractor.evaluation.statistics import Difference, Estimate
from extractor.evaluation.systems import LeftOut
from extractor.evaluation.usage import Usage
from extractor.records import Claim, HardwareTarget, Kind, Rejection

REPORT_VERSION: Final = 3


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SystemReport(_Part):
    """One system: a model with a prompt; how it did, in figures and in words, and what it took."""

    name: str
    model: str
    prompt: str | None
    prompt_sha256: str | None
    verdict: str
    headline: dict[str, Estimate]
    figures: Scores
    usage: Usage


class ComparisonReport(_Part):
    """`theirs` minus `ours`, figure by figure, over the same documents, and what that means in words."""

    ours: str
    theirs: str
    headline: dict[str, Difference]
    verdict: str
    power: str = Field(description="The smallest difference in claims right that these documents can tell between the two")
    only_ours: int = Field(description="Documents whose claims are all right in ours and not in theirs")
    only_theirs: int = Field(description="Documents whose claims are all right in theirs and not in ours")


class ErrorReport(_Part):
    """One error. `gold` and `predicted` count from 0 in the document's and the system's claims or hardware; or are null."""

    error: Error
    item: Literal["claim", "hardware", "system"]
    kind: Kind | None
    gold: int | None
    predicted: int | None
    fields: dict[str, WrongField]
    again: bool = Field(description="Spurious at a place whose gold claim has its prediction already")
    read: tuple[str, ...] = Field(description="What spotting read in its place")


class PredictionReport(_Part):
    """What one system wrote of one document. `pairs` are (gold, prediction), both counted from 0."""

    system: str | None
    claims: tuple[Claim, ...]
    hardware: tuple[HardwareTarget, ...]
    rejected: tuple[Rejection, ...]
    claim_pairs: tuple[tuple[int, int], ...]
    hardware_pairs: tuple[tuple[int, int], ...]
    errors: tuple[ErrorReport, ...]
    claims_right: bool = Field(description="Every claim found, strictly right, and none spurious")


class DocumentReport(_Part):
    """One abstract: its gold, what spotting makes of it, and what each system wrote, in the order of `systems`."""

    id: str
    title: str
    abstract: str
    system: str | None
    claims: tuple[GoldClaim, ...]
    hardware: tuple[GoldHardware, ...]
    spotting_errors: tuple[ErrorReport, ...]
    predictions: tuple[PredictionReport, ...]

    @property
    def text(self) -> str:
        """The string that every span counts in."""
        return f"{self.title}\n{self.abstract}"


class GoldReport(_Part):
    """A set of gold: what it is, how much there is, and the SHA-256 of it as it was read."""

    name: str
    about: str = Field(description="What the abstracts are, in a phrase; may be empty")
    held_out: bool = Field(description="Only figures are shown, so that nobody fits rules or prompts to these abstracts")
    documents: int
    claims: int
    hardware: int
    sha256: str


class CascadeReport(_Part):
    """A system `ours` with what `theirs` adds to it, from no abstract asked to all about which it may be asked."""

    ours: str
    theirs: str
    points: tuple[Point, ...]


class SetReport(_Part):
    """An evaluation of systems on one set of annotated abstracts, which are all listed unless the set is held out."""

    gold: GoldReport
    power: str | None = Field(description="The smallest difference that can be told from the first system; null without one")
    spotting: Coverage
    systems: tuple[SystemReport, ...]
    comparisons: tuple[ComparisonReport, ...]
    cascades: tuple[CascadeReport, ...]
    left_out: tuple[LeftOut, ...]
    documents: tuple[DocumentReport, ...]


class Report(_Part):
    """An evaluation of one or more systems, on each set of annotated abstracts by itself. It holds no time."""

    report_version: Literal[3] = REPORT_VERSION
    extractor: str
    sets: tuple[SetReport, ...]


def report_schema() -> dict[str, Any]:
    """JSON Schema of `report.json`."""
    return Report.model_json_schema(mode="serialization")
