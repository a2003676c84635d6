"""Tables: every claim, target, document and failure is one row, with its values where the columns say."""

import json
from pathlib import Path
from typing import Any

import pytest

from extractor import extract, read_claims
from extractor.errors import UsageError
from extractor.outputs.columns import TABLES, hardware_category
from extractor.outputs.jsonl import to_line
from extractor.outputs.tables import arrow_schema, flatten, read_rows, read_table
from extractor.records import HardwareTarget
from tests.outputs.reference import reference
from tests.outputs.support import EMPTY, FAILURE, NASTY, RECORDS, TWO_DEVICES, write_job

ROOT = Path(__file__).parents[2]


def rows(table: str, *jobs: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_table(table, *jobs).to_pylist()
    return found


@pytest.fixture
def job(tmp_path: Path) -> Path:
    return write_job(tmp_path / "job")


def test_each_thing_is_one_row(job: Path) -> None:
    assert [row["document"] for row in rows("documents", job)] == [record.id for record in RECORDS]
    assert len(rows("claims", job)) == sum(len(record.claims) for record in RECORDS) > 4
    assert len(rows("hardware", job)) == sum(len(record.hardware) for record in RECORDS) >= 2
    [failure] = rows("failures", job)
    assert (failure["document"], failure["line"], failure["cause"]) == (None, 7, FAILURE.cause)


def test_a_claim_says_all_that_is_known_of_it(job: Path) -> None:
    first, claim = rows("claims", job)[0], TWO_DEVICES.claims[0]
    text = TWO_DEVICES.text
    assert (first["document"], first["claim"], first["title"]) == (TWO_DEVICES.id, 0, TWO_DEVICES.title)
    assert (first["kind"], first["comparison"], first["effect"]) == ("speedup", "change", "better")
    assert (first["quantity"], first["low"], first["high"], first["unit"]) == ("2.3x", 2.3, 2.3, "x")
    assert (first["value"], first["base_unit"], first["factor"], first["factor_rule"]) == (2.3, "ratio", 2.3, "times better")
    assert (first["baseline"], first["system"], first["subject_key"]) == ("SlowNet", "FastNet", "fastnet")
    assert text[first["quantity_start"] : first["quantity_end"]] == "2.3x"
    assert text[first["baseline_start"] : first["baseline_end"]] == "SlowNet"
    assert text[first["sentence_start"] : first["sentence_end"]] == first["sentence"]
    assert first["sentence"].endswith("Raspberry Pi 4.")
    assert first["confidence"] == claim.confidence
    assert (first["doi"], first["pmid"], first["year"]) == ("10.1/ab", "38000001", 2024)
    assert first["authors"] == "Ada B.; Cy D."
    assert json.loads(first["kept"]) == {"note": "=1+1"}


def test_values_come_in_base_units_and_ranges_have_two_ends(job: Path) -> None:
    by_quantity = {row["quantity"]: row for row in rows("claims", job)}
    assert by_quantity["8 MB"]["value"] == 8e6
    energy = by_quantity["18-25%"]
    assert (energy["value_low"], energy["value"], energy["base_unit"]) == (18, 25, "%")
    assert [energy["factor_low"], energy["factor"]] == pytest.approx([1 / 0.82, 1 / 0.75])


def test_a_subject_that_is_not_named_is_the_system(job: Path) -> None:
    claims = [claim.model_copy(update={"subject": None}) for claim in TWO_DEVICES.claims]
    record = TWO_DEVICES.model_copy(update={"claims": tuple(claims)})
    subjects = [row[[c.name for c in TABLES["claims"]].index("subject")] for row in flatten(record)["claims"]]
    assert set(subjects) == {"FastNet"}


CATEGORIES = [
    ("It is 2x faster on a Jetson Nano.", "edge"),
    ("It is 2x faster on an Intel Core i7 CPU and an NVIDIA A100 GPU.", "cpu; gpu"),
    ("Made for the Jetson Nano. It is 2x faster on Jetson Nano boards.", "edge"),
    ("It is 2x faster.", None),
]


@pytest.mark.parametrize(("text", "category"), CATEGORIES, ids=[row[0] for row in CATEGORIES])
def test_the_category_of_the_devices_that_a_claim_names(text: str, category: str | None) -> None:
    record = extract("FastNet", text)
    [claim] = record.claims
    start = text.find(" on ") + 4
    if category and "and an" in text:  # a labeller may name both in one phrase
        span = (len("FastNet\n") + start, len("FastNet\n") + len(text) - 1)
        spans = claim.spans.model_copy(update={"hardware": span})
        claim = claim.model_copy(update={"hardware": text[start:-1], "spans": spans})
    assert hardware_category(record, claim) == category


def test_a_target_that_is_named_elsewhere_goes_before_the_lexicon() -> None:
    record = extract("FastNet on Jetson Nano", "It is 2x faster on Jetson Nano boards.")
    target = HardwareTarget(name="Jetson Nano", specific=True, category="robot", role="evaluated", span=(11, 22))
    record, start = record.model_copy(update={"hardware": (target,)}), record.text.index("Jetson Nano boards")
    for words in ("Jetson Nano boards", "Jetson"):  # more words than the target has, and fewer
        spans = record.claims[0].spans.model_copy(update={"hardware": (start, start + len(words))})
        claim = record.claims[0].model_copy(update={"hardware": words, "spans": spans})
        assert hardware_category(record, claim) == "robot"


def test_without_a_target_the_lexicon_knows_the_category() -> None:
    record = extract("FastNet", "It is 2x faster on a Jetson Nano.").model_copy(update={"hardware": ()})
    assert hardware_category(record, record.claims[0]) == "edge"


def test_several_jobs_are_one_table_and_a_job_may_be_sharded(job: Path, tmp_path: Path) -> None:
    sharded = tmp_path / "sharded"
    write_job(sharded / "shards" / "00000", [TWO_DEVICES], failures=())
    write_job(sharded / "shards" / "00001", [NASTY])
    both = rows("documents", job, sharded)
    assert [(row["job"], row["document"]) for row in both] == [
        *((str(job), record.id) for record in RECORDS),
        *((str(sharded), record.id) for record in (TWO_DEVICES, NASTY)),
    ]
    assert len(rows("failures", job, sharded)) == 2


def test_a_file_is_read_as_its_folder_is(job: Path) -> None:
    file = job / "extractions.jsonl"
    assert [r | {"job": ""} for r in rows("claims", file)] == [r | {"job": ""} for r in rows("claims", job)]


def test_rows_come_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("extractor.outputs.tables.BATCH", 2)
    write_job(tmp_path / "job", [EMPTY] * 5, failures=())
    assert [len(batch) for _, batch in read_rows([tmp_path / "job"])] == [2, 2, 1]


def test_a_job_that_is_not_there_or_named_twice_is_told_at_once(job: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        next(read_rows([job, tmp_path / "nothing"]))
    with pytest.raises(UsageError, match="is named twice"):
        next(read_rows([job, job / "." / "../job"]))


def test_an_empty_job_has_tables_with_their_columns(tmp_path: Path) -> None:
    write_job(tmp_path / "job", [], failures=())
    for table, columns in TABLES.items():
        assert read_table(table, tmp_path / "job").column_names == [column.name for column in columns]


def test_what_is_never_null_is_not(job: Path) -> None:
    for table, columns in TABLES.items():
        found = read_table(table, job)
        assert {c.name for c in columns if not c.null and found[c.name].null_count} == set()
        assert arrow_schema(table).equals(found.schema)


def test_names_are_unique_and_one_column_has_one_type() -> None:
    for columns in TABLES.values():
        assert len({column.name for column in columns}) == len(columns)
    types = {(column.name, column.type) for columns in TABLES.values() for column in columns}
    assert len({name for name, _ in types}) == len(types)


def test_the_public_name(job: Path) -> None:
    assert read_claims(job).equals(read_table("claims", job))
    assert read_claims(str(job)).num_rows == len(rows("claims", job))


def test_the_source_is_in_the_record_only_where_there_is_one() -> None:
    assert b'"source"' in to_line(TWO_DEVICES)
    assert b'"source"' not in to_line(NASTY)
    assert type(TWO_DEVICES).model_validate_json(to_line(TWO_DEVICES)) == TWO_DEVICES


def test_the_documented_tables_are_the_tables() -> None:
    documented = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    assert documented == reference(), "python -m tests.outputs.reference > docs/tables.md"
