"""The data model of the output: one `Extraction` per abstract, one `Failure` per input that gave none.

Field names, enumerations and units are those of the annotation guidelines. A record checks itself when it is built: each
span's characters equal the field that it belongs to, so a record whose phrases are not in its text cannot exist.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from extractor.documents import Span

SCHEMA_VERSION: Final = 1

Kind = Literal["speedup", "speed", "accuracy", "resource"]
Comparison = Literal["absolute", "change", "fraction"]
Effect = Literal["better", "worse"]
Bound = Literal["exact", "up_to", "at_least", "approx"]
Role = Literal["evaluated", "intended"]
Category = Literal[
    "cpu", "gpu", "npu", "fpga", "mcu", "mobile", "wearable", "edge", "pc", "server", "robot", "network", "quantum", "other"
]
Known = str | int | tuple[str, ...]
"""What a source knows of a document under one name."""
PhraseField = Literal["metric", "subject", "baseline", "dataset", "hardware"]
PHRASE_FIELDS: tuple[PhraseField, ...] = ("metric", "subject", "baseline", "dataset", "hardware")


class Record(BaseModel):
    """Base of the output models: immutable, and strict about its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Quantity(Record):
    """A number or range as written, and what it means: `low` and `high` are in `unit`, equal for a single number."""

    text: str
    low: float
    high: float
    unit: str | None
    bound: Bound


class Spans(Record):
    """Where the fields of a claim stand in the text; null where the field is null."""

    quantity: Span
    metric: Span | None = None
    subject: Span | None = None
    baseline: Span | None = None
    dataset: Span | None = None
    hardware: Span | None = None


class Claim(Record):
    """One number that says how fast, how good or how cheap something is. `effect` is set for a change and only then."""

    kind: Kind
    comparison: Comparison
    effect: Effect | None
    quantity: Quantity
    metric: str | None
    subject: str | None
    baseline: str | None
    dataset: str | None
    hardware: str | None
    spans: Spans
    sentence: Span
    confidence: float | None = None

    @model_validator(mode="after")
    def _effect_goes_with_change(self) -> Self:
        if (self.effect is not None) != (self.comparison == "change"):
            raise ValueError("effect is set for a change and only then")
        return self


class HardwareTarget(Record):
    """Computing hardware on which the paper's own contribution runs, is evaluated or is meant to run."""

    name: str
    specific: bool
    category: Category
    role: Role
    span: Span


class Rejection(Record):
    """What a labeller returned and grounding did not accept: where it stood, what it said, why it is out."""

    field: str
    value: str
    reason: str


class Provenance(Record):
    """Who produced a record and what it cost. `seconds` is wall time; `cost_usd` is null where no price is known."""

    extractor: str
    labeller: str
    model: str
    prompt: str | None = None
    prompt_sha256: str | None = None
    calls: int = 0
    attempts: int = 0
    cached: bool = False
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    seconds: float = 0.0


class Extraction(Record):
    """What one abstract claims. `text` (not stored) is `title + "\\n" + abstract`, and `text[start:end]` equals each field."""

    schema_version: Literal[1] = SCHEMA_VERSION
    id: str
    title: str
    abstract: str
    system: str | None
    claims: tuple[Claim, ...]
    hardware: tuple[HardwareTarget, ...]
    rejected: tuple[Rejection, ...] = ()
    provenance: Provenance
    source: Mapping[str, Known] = Field(default_factory=dict, exclude_if=lambda source: not source)

    @property
    def text(self) -> str:
        """The string that every span of the record counts in."""
        return f"{self.title}\n{self.abstract}"

    @model_validator(mode="after")
    def _spans_equal_fields(self) -> Self:
        text = self.text
        if self.system is not None and self.system not in text:
            raise ValueError("system is not in the text")
        for n, claim in enumerate(self.claims):
            _check(text, claim.spans.quantity, claim.quantity.text, f"claims[{n}].quantity")
            for name in PHRASE_FIELDS:
                _check(text, getattr(claim.spans, name), getattr(claim, name), f"claims[{n}].{name}")
        for n, target in enumerate(self.hardware):
            _check(text, target.span, target.name, f"hardware[{n}].name")
        return self


def _check(text: str, span: Span | None, value: str | None, where: str) -> None:
    found = None if span is None else text[span[0] : span[1]]
    if found != value:
        raise ValueError(f"{where} is {value!r}, but its span {span} holds {found!r}")


class Failure(Record):
    """An input that gave no extraction: where it stands, why it failed, what mends it. `line` counts from 1."""

    id: str | None
    source: str
    line: int | None
    cause: str
    fix: str


def extraction_schema() -> dict[str, Any]:
    """JSON Schema of one line of `extractions.jsonl`."""
    return Extraction.model_json_schema(mode="serialization")
