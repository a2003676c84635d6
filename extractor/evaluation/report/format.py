"""The format of `report.json`: what was evaluated, every figure with the counts behind it, and each abstract with its errors.

The other two reports are written from this one alone. `docs/report.schema.json` is its JSON Schema. What evaluation keeps in a
form that JSON can hold (gold, estimates, means) stands here as it is; a `Figures` or `Report` class adds the ratios to counts.
"""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from extractor.evaluation.findings import Error, WrongField
from extractor.evaluation.gold import GoldClaim, GoldHardware
from extractor.evaluation.metrics import ClaimMeans
from extractor.evaluation.statistics import Difference, Estimate
from extractor.evaluation.systems import LeftOut
from extractor.records import (
    Claim,
    Comparison,
    HardwareTarget,
    Kind,
    Rejection,
)

REPORT_VERSION: Final = 1


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CountFigures(_Part):
    """Gold with a partner, predictions without one, gold without one, and what follows from them."""

    found: int
    spurious: int
    missed: int
    precision: float | None
    recall: float | None
    f1: float | None


class ShareFigures(_Part):
    """`right` of `total`."""

    right: int
    total: int
    value: float | None


class ClaimFigures(_Part):
    """Claims by place (`detection`), and by place, kind, comparison, value and unit (`strict`)."""

    detection: CountFigures
    strict: CountFigures


class FieldFigures(_Part):
    """How often a field of a matched claim agrees: exactly; for phrases also softly, and exactly where it is named."""

    exact: ShareFigures
    soft: ShareFigures | None = None
    named: ShareFigures | None = None


class HardwareFigures(_Part):
    """Hardware targets in all and by sort; `role` of the found ones, `category` of the found products."""

    all: CountFigures
    products: CountFigures
    classes: CountFigures
    role: ShareFigures
    category: ShareFigures


class SystemNameFigures(_Part):
    """How often the name of the paper's system agrees."""

    exact: ShareFigures
    soft: ShareFigures


class BinFigures(_Part):
    """The claims with a confidence from `low` up to `high`, and how many of them are strictly right."""

    low: float
    high: float
    claims: int
    confidence: float | None
    right: int
    accuracy: float | None


class CalibrationFigures(_Part):
    """How far confidence can be believed: expected calibration error and Brier score, 0 at best and 1 at worst."""

    claims: int
    bins: tuple[BinFigures, ...]
    error: float
    brier: float


class Figures(_Part):
    """All figures of one system; docs/evaluation.md defines them."""

    documents: int
    claims: ClaimFigures
    macro: ClaimMeans
    by_kind: dict[Kind, ClaimFigures]
    by_comparison: dict[Comparison, ClaimFigures]
    by_unit: dict[str, ClaimFigures]
    confusion: dict[str, dict[str, int]] = Field(
        description="Gold kind, or spurious, -> predicted kind, or missed -> number of claims"
    )
    fields: dict[str, FieldFigures]
    hardware: HardwareFigures
    system: SystemNameFigures
    documents_right: ShareFigures
    calibration: CalibrationFigures | None = Field(description="Null where no predicted claim has a confidence")


class UsagePerAbstract(_Part):
    """What a system takes for one abstract, on average; dollars are null where no price is known."""

    calls: float | None
    reasks: float | None
    input_tokens: float | None
    output_tokens: float | None
    cost_usd: float | None


class UsageReport(_Part):
    """What a system took in all, and what of its answers grounding did not accept; zeros for the rules, which ask nobody."""

    documents: int
    uncalled: int
    unanswered: int
    calls: int
    reasks: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    rejected: dict[str, int]
    refused: ShareFigures
    ungrounded: ShareFigures
    without_call: ShareFigures
    per_abstract: UsagePerAbstract


class SystemReport(_Part):
    """One system: a model with a prompt; how it did, in figures and in words, and what it took."""

    name: str
    model: str
    prompt: str | None
    prompt_sha256: str | None
    verdict: str
    headline: dict[str, Estimate]
    figures: Figures
    usage: UsageReport


class ComparisonReport(_Part):
    """`theirs` minus `ours`, figure by figure, over the same documents, and what that means in words."""

    ours: str
    theirs: str
    headline: dict[str, Difference]
    verdict: str
    power: str = Field(description="The smallest difference in strict F1 that these documents can tell between the two")


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
    """The gold: how much there is, and the SHA-256 of it as it was read."""

    documents: int
    claims: int
    hardware: int
    sha256: str


class SpottingReport(_Part):
    """How much of the gold spotting lists and reads right: what it does not list, no system can claim."""

    listed: ShareFigures
    read: ShareFigures
    hardware: ShareFigures


class Report(_Part):
    """An evaluation of one or more systems on the same annotated abstracts. It holds no time."""

    report_version: Literal[1] = REPORT_VERSION
    extractor: str
    gold: GoldReport
    power: str
    spotting: SpottingReport
    systems: tuple[SystemReport, ...]
    comparisons: tuple[ComparisonReport, ...]
    left_out: tuple[LeftOut, ...]
    documents: tuple[DocumentReport, ...]


def report_schema() -> dict[str, Any]:
    """JSON Schema of `report.json`."""
    return Report.model_json_schema(mode="serialization")
