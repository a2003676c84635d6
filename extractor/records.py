"""The data model of the output: one `Extraction` per abstract, one `Failure` per input that gave none.

Field names, enumerations and units are those of the annotation guidelines. A record checks itself when it is built: the
characters of each span, each run of white space made one space, equal the field that the span belongs to. So a record whose
phrases are not in its text cannot exist.
"""

from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator, with_config

from extractor.documents import Source, Span, joined, spaced

SCHEMA_VERSION: Final = 1

Kind = Literal["speedup", "speed", "accuracy", "resource"]
Comparison = Literal["absolute", "change", "fraction"]
Effect = Literal["better", "worse"]
Bound = Literal["exact", "up_to", "at_least", "approx"]
Role = Literal["evaluated", "intended"]
Category = Literal[
    "cpu", "gpu", "npu", "fpga", "mcu", "mobile", "wearable", "edge", "pc", "server", "robot", "network", "quantum", "other"
]
PhraseField = Literal["metric", "subject", "baseline", "dataset", "hardware"]
PHRASE_FIELDS: tuple[PhraseField, ...] = ("metric", "subject", "baseline", "dataset", "hardware")


with_config(ConfigDict(extra="allow", use_attribute_docstrings=True))(Source)  # the fields that the user keeps


class Record(BaseModel):
    """Base of the output models: immutable, and strict about its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Quantity(Record):
    """A number or range as written, and what it means: `low` and `high` are in `unit`, equal for a single number."""

    text: str = Field(description="The number with its sign and unit, as written.")
    low: float = Field(description="The number, or the low end of a range, in `unit`.")
    high: float = Field(description="The number, or the high end of a range, in `unit`.")
    unit: str | None = Field(
        description="The unit's canonical name: x (times, or a fraction without %), % (also points), s, ms, FPS, MB, params, "
        "...; null for a bare score."
    )
    bound: Bound = Field(
        description="What a word of bound says of the number. exact: none; up_to: it is the most; at_least: it is the least; "
        "approx: it is near."
    )


class Spans(Record):
    """Where the fields of a claim stand in the text; null where the field is null."""

    quantity: Span = Field(description="Of `quantity.text`.")
    metric: Span | None = Field(default=None, description="Of `metric`.")
    subject: Span | None = Field(default=None, description="Of `subject`.")
    baseline: Span | None = Field(default=None, description="Of `baseline`.")
    dataset: Span | None = Field(default=None, description="Of `dataset`.")
    hardware: Span | None = Field(default=None, description="Of `hardware`.")


class Claim(Record):
    """One number that says how fast, how good or how cheap something is. `effect` is set for a change and only then."""

    kind: Kind = Field(
        description="speedup: a relative change in time or rate; speed: an absolute time or rate; accuracy: the quality of "
        "results on a task; resource: what it costs other than time."
    )
    comparison: Comparison = Field(
        description="absolute: the value itself; change: a difference from a baseline; fraction: a share of its value."
    )
    effect: Effect | None = Field(
        description="Of a change, how it compares with the baseline. better: it is what is wanted; worse: it is not; null for "
        "what is not a change."
    )
    quantity: Quantity = Field(description="The number.")
    metric: str | None = Field(description="The words that name what is measured; null if the text names nothing.")
    subject: str | None = Field(
        description="The words that name what the number is about; null means the paper's own system, unnamed there."
    )
    baseline: str | None = Field(
        description="Of a change or fraction, the words that name what it is compared with; null if not named."
    )
    dataset: str | None = Field(
        description="The dataset, benchmark or task on which the number holds, as named; null if not named."
    )
    hardware: str | None = Field(description="The device on which the number was obtained, as named; null if not stated.")
    spans: Spans = Field(description="Where the number and the phrases stand.")
    sentence: Span = Field(description="The sentence that states the claim: start and exclusive end.")
    confidence: float | None = Field(
        default=None,
        description="The probability, 0 to 1, that kind, comparison, value and unit are right; null where nobody knows it.",
    )

    @model_validator(mode="after")
    def _effect_goes_with_change(self) -> Self:
        if (self.effect is not None) != (self.comparison == "change"):
            raise ValueError("effect is set for a change and only then")
        return self


class HardwareTarget(Record):
    """Computing hardware on which the paper's own contribution runs, is evaluated or is meant to run."""

    name: str = Field(description="The shortest noun phrase that names it, as written.")
    specific: bool = Field(description="true for a named product or chip family, false for a class.")
    category: Category = Field(
        description="cpu; gpu; npu: NPU, TPU, DSP, accelerator, custom processor; fpga; mcu: microcontroller; mobile: phone, "
        "tablet, mobile SoC; wearable; edge: IoT, embedded, single-board computer; pc: laptop, desktop; server: cluster, "
        "data centre, cloud; robot; network: router, base station; quantum; other."
    )
    role: Role = Field(
        description="evaluated: results were obtained or a deployment was shown on it; intended: the paper is made for it."
    )
    span: Span = Field(description="Where the name stands: start and exclusive end.")


class Rejection(Record):
    """What a labeller returned and grounding did not accept: where it stood, what it said, why it is out."""

    field: str = Field(description="Where in the labeller's answer it stood.")
    value: str = Field(description="What it said.")
    reason: str = Field(description="Why it is not in the record.")


class Provenance(Record):
    """Who produced a record and what it cost. `seconds` is wall time; `cost_usd` is null where no price is known."""

    extractor: str = Field(description="The version of the program.")
    labeller: str = Field(description="The labeller: rules, or llm for a model.")
    model: str = Field(description="The model's name; rules for the built-in labeller.")
    prompt: str | None = Field(default=None, description="The prompt's name and version; null where no model labels.")
    prompt_sha256: str | None = Field(default=None, description="The SHA-256 of the prompt; null where no model labels.")
    calls: int = Field(default=0, description="HTTP requests that were sent.")
    attempts: int = Field(default=0, description="Times that the model was asked: 1, and its re-asks.")
    cached: bool = Field(default=False, description="Whether the reply came from the cache.")
    input_tokens: int = Field(default=0, description="Tokens sent.")
    output_tokens: int = Field(default=0, description="Tokens received.")
    cost_usd: float | None = Field(default=0.0, description="US dollars; null where no price is known.")
    seconds: float = Field(default=0.0, description="Wall time in seconds.")


class Extraction(Record):
    """What one abstract claims. `text` (not stored) is `title + "\\n" + abstract`, the title on one line.

    `text[start:end]` equals each field, with each run of white space made one space: a field holds no line break. `source` is
    absent where the input knows nothing beside the text.
    """

    schema_version: Literal[1] = Field(default=SCHEMA_VERSION, description="1: the form that this schema describes.")
    id: str = Field(description="The document's id, unique within a job.")
    title: str = Field(description="The title, as the source has it.")
    abstract: str = Field(description="The abstract, as the source has it.")
    system: str | None = Field(description="The name that the paper gives to its own system; null if it gives none.")
    claims: tuple[Claim, ...] = Field(description="What the abstract claims.")
    hardware: tuple[HardwareTarget, ...] = Field(description="The hardware that the paper targets.")
    confidence: float | None = Field(
        default=None,
        description="The probability, 0 to 1, that nothing is wrong or missing: each claim is right in kind, comparison, value "
        "and unit, each target in role and category; null where nobody knows it.",
    )
    rejected: tuple[Rejection, ...] = Field(default=(), description="What the labeller returned and was not accepted.")
    provenance: Provenance = Field(description="Who made the record, and at what cost.")
    source: Source = Field(
        default_factory=Source,
        exclude_if=lambda source: not source,
        description="What the input knew of the document beside its text. Left out where it knew nothing.",
    )

    @property
    def text(self) -> str:
        """The string that every span of the record counts in."""
        return joined(self.title, self.abstract)

    @model_validator(mode="after")
    def _spans_equal_fields(self) -> Self:
        text = self.text
        if self.system is not None and self.system not in text and self.system not in spaced(text):
            raise ValueError("system is not in the text")
        for n, claim in enumerate(self.claims):
            _check(text, claim.spans.quantity, claim.quantity.text, "claims", n, "quantity")
            for name in PHRASE_FIELDS:
                _check(text, getattr(claim.spans, name), getattr(claim, name), "claims", n, name)
        for n, target in enumerate(self.hardware):
            _check(text, target.span, target.name, "hardware", n, "name")
        return self


def _check(text: str, span: Span | None, value: str | None, listed: str, n: int, field: str) -> None:
    found = None if span is None else text[span[0] : span[1]]
    if found != value and (found is None or value is None or spaced(found) != spaced(value)):
        raise ValueError(f"{listed}[{n}].{field} is {value!r}, but its span {span} holds {found!r}")


class Failure(Record):
    """An input that gave no extraction: where it stands, why it failed, what mends it. `line` counts from 1."""

    id: str | None = Field(description="The id, where the input gives one.")
    source: str = Field(description="The input file.")
    line: int | None = Field(description="The line in it, from 1; null where it has no lines.")
    cause: str = Field(description="Why it failed.")
    fix: str = Field(description="What mends it.")


def extraction_schema() -> dict[str, Any]:
    """JSON Schema of one line of `extractions.jsonl`."""
    return Extraction.model_json_schema(mode="serialization")
