"""A record whose phrases are not in its text cannot exist, and the published schema is the model's."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from extractor.records import (
    Bound,
    Category,
    Claim,
    Comparison,
    Effect,
    Extraction,
    HardwareTarget,
    Kind,
    Provenance,
    Quantity,
    Role,
    Spans,
    extraction_schema,
)

SCHEMA = Path(__file__).parents[1] / "docs" / "extraction.schema.json"
TITLE = "FastNet"
ABSTRACT = "FastNet is 2.3x faster than SlowNet on a Jetson Nano."
TEXT = f"{TITLE}\n{ABSTRACT}"


def span(phrase: str) -> tuple[int, int]:
    start = TEXT.index(phrase)
    return start, start + len(phrase)


def claim(**changes: Any) -> dict[str, Any]:
    spans = {"quantity": span("2.3x"), "baseline": span("SlowNet")} | changes.pop("spans", {})
    return {
        "kind": "speedup",
        "comparison": "change",
        "effect": "better",
        "quantity": {"text": "2.3x", "low": 2.3, "high": 2.3, "unit": "x", "bound": "exact"},
        "metric": None,
        "subject": None,
        "baseline": "SlowNet",
        "dataset": None,
        "hardware": None,
        "spans": spans,
        "sentence": (8, len(TEXT)),
    } | changes


def record(**changes: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "title": TITLE,
        "abstract": ABSTRACT,
        "system": "FastNet",
        "claims": [claim()],
        "hardware": [
            {"name": "Jetson Nano", "specific": True, "category": "edge", "role": "evaluated", "span": span("Jetson Nano")}
        ],
        "provenance": {"extractor": "0.1.0", "labeller": "rules", "model": "rules"},
    } | changes


def test_a_sound_record_is_accepted() -> None:
    extraction = Extraction.model_validate(record())
    assert extraction.claims[0].quantity.low == 2.3
    assert extraction.text == TEXT


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        pytest.param({"system": "OtherNet"}, "system is not in the text", id="system not in the text"),
        pytest.param({"claims": [claim(baseline="FastNet")]}, "claims[0].baseline", id="phrase is not what its span holds"),
        pytest.param(
            {"claims": [claim(spans={"quantity": (0, 4)})]}, "claims[0].quantity", id="number is not what its span holds"
        ),
        pytest.param({"claims": [claim(spans={"baseline": None})]}, "claims[0].baseline", id="phrase without a span"),
        pytest.param({"claims": [claim(spans={"metric": (0, 7)})]}, "claims[0].metric", id="span without a phrase"),
        pytest.param({"claims": [claim(spans={"baseline": (900, 907)})]}, "claims[0].baseline", id="span outside the text"),
        pytest.param({"claims": [claim(effect=None)]}, "effect is set for a change", id="change without effect"),
        pytest.param({"claims": [claim(comparison="absolute")]}, "effect is set for a change", id="effect without change"),
        pytest.param({"claims": [claim(kind="fast")]}, "kind", id="unknown kind"),
        pytest.param({"claims": [claim(color="red")]}, "color", id="unknown field"),
        pytest.param({"schema_version": 2}, "schema_version", id="another schema version"),
        pytest.param(
            {"hardware": [record()["hardware"][0] | {"span": (0, 3)}]}, "hardware[0].name", id="hardware not in its span"
        ),
    ],
)
def test_an_unsound_record_is_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Extraction.model_validate(record(**changes))
    assert complaint in str(caught.value)


def test_a_record_does_not_change() -> None:
    extraction = Extraction.model_validate(record())
    with pytest.raises(ValidationError, match="frozen"):
        extraction.system = None


def test_a_record_survives_json() -> None:
    extraction = Extraction.model_validate(record())
    assert Extraction.model_validate_json(extraction.model_dump_json()) == extraction


@given(before=st.text(), phrase=st.text(min_size=1), after=st.text())
def test_spans_count_code_points(before: str, phrase: str, after: str) -> None:
    start = len(before) + 1
    target = HardwareTarget(name=phrase, specific=True, category="gpu", role="evaluated", span=(start, start + len(phrase)))
    extraction = Extraction(
        id="1",
        title=before,
        abstract=phrase + after,
        system=None,
        claims=(),
        hardware=(target,),
        provenance=Provenance(extractor="0", labeller="rules", model="rules"),
    )
    assert Extraction.model_validate_json(extraction.model_dump_json()) == extraction


def test_the_published_schema_is_that_of_the_model() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == extraction_schema(), (
        "extractor schema > docs/extraction.schema.json; and raise SCHEMA_VERSION if a reader of the old form would break"
    )


@pytest.mark.parametrize("names", [Kind, Comparison, Effect, Bound, Category, Role])
def test_the_schema_names_every_value(names: Any) -> None:
    assert json.dumps(list(get_args(names))) in json.dumps(extraction_schema())


def test_every_field_is_required_or_has_a_default_in_the_schema() -> None:
    definitions = extraction_schema()["$defs"]
    assert set(definitions) >= {kind.__name__ for kind in (Claim, HardwareTarget, Quantity, Spans, Provenance)}
    loose = {name for name, definition in definitions.items() if definition["additionalProperties"] is not False}
    assert loose == {"Source"}  # the user may keep fields of any name


def _properties(schema: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, field in schema["properties"].items():
        yield f"{path}.{name}", field
    for name, model in schema.get("$defs", {}).items():
        yield from _properties(model, name)


@pytest.mark.parametrize(("name", "field"), [*_properties(extraction_schema(), "Extraction")])
def test_the_schema_describes_every_field_and_value(name: str, field: Any) -> None:
    description = field["description"]
    assert description.endswith(".")
    values = {
        value for option in [field, *field.get("anyOf", ())] for value in option.get("enum", [option.get("const")]) if value
    }
    assert {value for value in values if not re.search(rf"\b{value}\b", description)} == set()


def test_what_the_source_knows_is_kept_and_is_absent_where_it_knows_nothing() -> None:
    known = {"doi": "10.1000/x", "year": 2024, "authors": ["Ada Lovelace"], "tldr": {"text": ["any", 1]}}
    extraction = Extraction.model_validate(record(source=known))
    assert extraction.model_dump()["source"] == known
    assert Extraction.model_validate_json(extraction.model_dump_json()) == extraction
    assert "source" not in Extraction.model_validate(record()).model_dump_json()
