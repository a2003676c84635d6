"""The columns of the tables: name, type, meaning, where it is read, and when it is null."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

from extractor.documents import Source
from extractor.outputs.factors import Factor
from extractor.outputs.names import name_key, phrase_key
from extractor.records import Claim, Extraction, Failure, HardwareTarget

Type = Literal["text", "integer", "number", "boolean"]
Cell = str | int | float | bool | None
LIST: Final = "; "
"""What stands between the parts of a cell that holds several."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. `read` takes what a row is made of: a document, a claim, a target or a failure with its job."""

    name: str
    type: Type
    about: str
    read: Callable[[Any], Cell]
    null: str = ""
    """When it is null; never, where this is empty."""


def declared(column: Column, types: Mapping[str, str]) -> str:
    """A column as SQL declares it, with a database's names of the types."""
    return f"{column.name} {types[column.type]}{'' if column.null else ' NOT NULL'}"


@dataclass(frozen=True, slots=True)
class DocumentRow:
    job: str
    record: Extraction


@dataclass(frozen=True, slots=True)
class ClaimRow:
    job: str
    record: Extraction
    number: int
    claim: Claim
    factor: Factor
    low: float
    high: float
    base_unit: str | None
    subject: str | None


@dataclass(frozen=True, slots=True)
class TargetRow:
    job: str
    record: Extraction
    number: int
    target: HardwareTarget


@dataclass(frozen=True, slots=True)
class FailureRow:
    job: str
    failure: Failure


def hardware_category(record: Extraction, claim: Claim) -> str | None:
    """The categories of the devices that a claim names, joined; None where it does not name a known one.

    They are those of the document's targets that stand in the claim's words, else of targets that hold the words, else those
    that the hardware lexicon gives.
    """
    if claim.hardware is None or claim.spans.hardware is None:
        return None
    start, end = claim.spans.hardware
    words = f" {phrase_key(claim.hardware)} "
    keys = [(target, f" {phrase_key(target.name)} ") for target in record.hardware]
    targets = [t for t, key in keys if (t.span[0] < end and start < t.span[1]) or key in words]
    targets = targets or [t for t, key in keys if words in key]
    return LIST.join(sorted({target.category for target in targets} or _lexical_categories(claim.hardware))) or None


@lru_cache(maxsize=4096)
def _lexical_categories(words: str) -> frozenset[str]:
    from extractor.spotting import spot  # few claims need the lexicon of hardware, which takes long to load

    return frozenset(mention.category for mention in spot(words).hardware)


def _known(name: str) -> Callable[[Any], Cell]:
    return lambda row: _text_of(row.record.source.get(name))


def _text_of(known: object) -> str | None:
    if known is None:
        return None
    return LIST.join(known) if isinstance(known, list) else str(known)


def _year(row: Any) -> int | None:
    year = str(row.record.source.get("year", ""))
    return int(year) if year.isdecimal() else None


def _kept(row: Any) -> str | None:
    kept = {name: value for name, value in row.record.source.items() if name not in Source.__annotations__}
    return json.dumps(kept, ensure_ascii=False) if kept else None


def _span(name: str, about: str, end: int) -> Column:
    def read(row: ClaimRow) -> int | None:
        span = getattr(row.claim.spans, name)
        return None if span is None else span[end]

    if name == "quantity":
        return Column(f"{name}_{'end' if end else 'start'}", "integer", about, read)
    return Column(f"{name}_{'end' if end else 'start'}", "integer", about, read, null=f"the text names no {name}")


def _key(phrase: str | None, normal: Callable[[str], str]) -> str | None:
    return None if phrase is None else normal(phrase)


_SOURCE = (
    Column("doi", "text", "The document's DOI.", _known("doi"), null="the input does not have it"),
    Column("arxiv_id", "text", "Its arXiv identifier.", _known("arxiv_id"), null="the input does not have it"),
    Column("pmid", "text", "Its number in PubMed.", _known("pmid"), null="the input does not have it"),
    Column("url", "text", "Where it stands.", _known("url"), null="the input does not have it"),
    Column("year", "integer", "The year in which it appeared.", _year, null="the input does not have it"),
    Column("authors", "text", "Its authors, a semicolon between them.", _known("authors"), null="the input does not have it"),
    Column("venue", "text", "The journal, conference or archive.", _known("venue"), null="the input does not have it"),
    Column(
        "categories", "text", "Its subjects, a semicolon between them.", _known("categories"), null="the input does not have it"
    ),
    Column("kept", "text", "What else of the input was kept, as a JSON object.", _kept, null="nothing else was kept"),
)
_PLACE = (
    Column("job", "text", "The job's folder, as it was named.", lambda r: r.job),
    Column("document", "text", "The document's id, unique within a job.", lambda r: r.record.id),
)
_DOCUMENTS = (
    *_PLACE,
    Column("title", "text", "Its title.", lambda r: r.record.title),
    Column("abstract", "text", "Its abstract.", lambda r: r.record.abstract),
    Column(
        "system", "text", "The name of the paper's own system.", lambda r: r.record.system, null="the paper does not name one"
    ),
    Column(
        "system_key", "text", "The system's normal form.", lambda r: _key(r.record.system, name_key), null="`system` is null"
    ),
    Column("claim_count", "integer", "Its claims.", lambda r: len(r.record.claims)),
    Column("hardware_count", "integer", "Its hardware targets.", lambda r: len(r.record.hardware)),
    Column("rejected_count", "integer", "What the labeller returned and was not accepted.", lambda r: len(r.record.rejected)),
    Column(
        "record_confidence",
        "number",
        "The probability, 0 to 1, that its claims and targets are all there and right.",
        lambda r: r.record.confidence,
        null="the labeller does not know it",
    ),
    Column("extractor", "text", "The version that made the record.", lambda r: r.record.provenance.extractor),
    Column("labeller", "text", "What labelled it.", lambda r: r.record.provenance.labeller),
    Column("model", "text", "The model that labelled it.", lambda r: r.record.provenance.model),
    Column("prompt", "text", "The prompt's name and version.", lambda r: r.record.provenance.prompt, null="no model was asked"),
    Column("calls", "integer", "Calls that were made for it.", lambda r: r.record.provenance.calls),
    Column("attempts", "integer", "Times that the model was asked.", lambda r: r.record.provenance.attempts),
    Column("cached", "boolean", "Whether the reply came from the cache.", lambda r: r.record.provenance.cached),
    Column("input_tokens", "integer", "Tokens sent.", lambda r: r.record.provenance.input_tokens),
    Column("output_tokens", "integer", "Tokens received.", lambda r: r.record.provenance.output_tokens),
    Column("cost_usd", "number", "US dollars.", lambda r: r.record.provenance.cost_usd, null="no price is known"),
    Column("seconds", "number", "Wall time, in seconds.", lambda r: r.record.provenance.seconds),
    *_SOURCE,
)
_CLAIMS = (
    *_PLACE,
    Column("claim", "integer", "Which of the document's claims it is, from 0.", lambda r: r.number),
    Column("title", "text", "The document's title.", lambda r: r.record.title),
    Column("kind", "text", "speedup, speed, accuracy or resource.", lambda r: r.claim.kind),
    Column("comparison", "text", "absolute, change or fraction.", lambda r: r.claim.comparison),
    Column("effect", "text", "better or worse.", lambda r: r.claim.effect, null="the claim is not a change"),
    Column("quantity", "text", "The number as written.", lambda r: r.claim.quantity.text),
    Column("low", "number", "The number, or the low end of a range, in `unit`.", lambda r: r.claim.quantity.low),
    Column("high", "number", "The number, or the high end of a range, in `unit`.", lambda r: r.claim.quantity.high),
    Column("unit", "text", "The unit as the guidelines name it.", lambda r: r.claim.quantity.unit, null="a bare score"),
    Column("bound", "text", "exact, up_to, at_least or approx.", lambda r: r.claim.quantity.bound),
    Column("value_low", "number", "`low` in `base_unit`.", lambda r: r.low),
    Column("value", "number", "`high` in `base_unit`.", lambda r: r.high),
    Column(
        "base_unit",
        "text",
        "The base unit of the unit's dimension: s, B, J, W, Hz, FLOPs, ratio (of x), USD; another unit is its own base.",
        lambda r: r.base_unit,
        null="a bare score",
    ),
    Column("factor_low", "number", "`low` said as times better.", lambda r: r.factor.low, null="`factor` is null"),
    Column(
        "factor",
        "number",
        "`high` said as times better: above 1 better than the baseline, below 1 worse.",
        lambda r: r.factor.high,
        null="the claim is an absolute value, or the text does not allow a factor; `factor_rule` says why",
    ),
    Column(
        "factor_rule",
        "text",
        "The rule below that gave the factor, or that says why the text does not allow one.",
        lambda r: r.factor.rule,
        null="the claim is an absolute value",
    ),
    Column("metric", "text", "What is measured, as named.", lambda r: r.claim.metric, null="the text does not name one"),
    Column(
        "metric_key",
        "text",
        "The metric's normal form: case, hyphens and plural do not matter.",
        lambda r: _key(r.claim.metric, phrase_key),
        null="`metric` is null",
    ),
    Column(
        "subject",
        "text",
        "What the number is about: as named, or the paper's system where the text names nothing.",
        lambda r: r.subject,
        null="neither is named",
    ),
    Column(
        "subject_key",
        "text",
        "The subject's normal form: case, hyphens and spaces do not matter.",
        lambda r: _key(r.subject, name_key),
        null="`subject` is null",
    ),
    Column(
        "baseline", "text", "What it is compared with, as named.", lambda r: r.claim.baseline, null="the text does not name one"
    ),
    Column("dataset", "text", "On what it holds, as named.", lambda r: r.claim.dataset, null="the text does not name one"),
    Column(
        "dataset_key",
        "text",
        "The dataset's normal form: case, hyphens and spaces do not matter.",
        lambda r: _key(r.claim.dataset, name_key),
        null="`dataset` is null",
    ),
    Column(
        "hardware",
        "text",
        "The device on which it holds, as named.",
        lambda r: r.claim.hardware,
        null="the text does not name one",
    ),
    Column(
        "hardware_key",
        "text",
        "The hardware's normal form: case, hyphens and plural do not matter.",
        lambda r: _key(r.claim.hardware, phrase_key),
        null="`hardware` is null",
    ),
    Column(
        "hardware_category",
        "text",
        "The category of the device; of several, a semicolon between them.",
        lambda r: hardware_category(r.record, r.claim),
        null="`hardware` is null or of no known category",
    ),
    Column(
        "system", "text", "The name of the paper's own system.", lambda r: r.record.system, null="the paper does not name one"
    ),
    Column(
        "sentence", "text", "The sentence that says it.", lambda r: r.record.text[r.claim.sentence[0] : r.claim.sentence[1]]
    ),
    Column(
        "confidence",
        "number",
        "The probability, 0 to 1, that the claim is right.",
        lambda r: r.claim.confidence,
        null="the labeller does not know it",
    ),
    *(
        _span(name, f"Where `{name}` {('starts', 'ends (exclusive)')[end]} in the text, in code points.", end)
        for name in ("quantity", "metric", "subject", "baseline", "dataset", "hardware")
        for end in (0, 1)
    ),
    Column("sentence_start", "integer", "Where the sentence starts.", lambda r: r.claim.sentence[0]),
    Column("sentence_end", "integer", "Where the sentence ends (exclusive).", lambda r: r.claim.sentence[1]),
    *_SOURCE,
)
_HARDWARE = (
    *_PLACE,
    Column("target", "integer", "Which of the document's targets it is, from 0.", lambda r: r.number),
    Column("name", "text", "The device or class, as named.", lambda r: r.target.name),
    Column("hardware_key", "text", "Its normal form, as in `claims`.", lambda r: phrase_key(r.target.name)),
    Column("category", "text", "Its category, as in the guidelines.", lambda r: r.target.category),
    Column("role", "text", "evaluated or intended.", lambda r: r.target.role),
    Column("specific", "boolean", "Whether it is a named product.", lambda r: r.target.specific),
    Column("name_start", "integer", "Where the name starts in the text, in code points.", lambda r: r.target.span[0]),
    Column("name_end", "integer", "Where it ends (exclusive).", lambda r: r.target.span[1]),
)
_FAILURES = (
    Column("job", "text", "The job's folder, as it was named.", lambda r: r.job),
    Column("document", "text", "The document's id.", lambda r: r.failure.id, null="the input record does not have one"),
    Column("source", "text", "The input file.", lambda r: r.failure.source),
    Column("line", "integer", "The line in it, from 1.", lambda r: r.failure.line, null="the input has no lines"),
    Column("cause", "text", "Why it gave no record.", lambda r: r.failure.cause),
    Column("fix", "text", "What mends it.", lambda r: r.failure.fix),
)
TABLES: Final[Mapping[str, tuple[Column, ...]]] = {
    "documents": _DOCUMENTS,
    "claims": _CLAIMS,
    "hardware": _HARDWARE,
    "failures": _FAILURES,
}
"""The tables and their columns, in order. `job` and `document` lead from a claim or a target to its document."""
