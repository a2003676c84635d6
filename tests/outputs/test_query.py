"""Questions: every named one runs, answers what it says, and no question reaches beyond the tables."""

from pathlib import Path
from typing import Any

import pytest

from extractor import extract
from extractor.errors import UsageError
from extractor.outputs.export import export
from extractor.outputs.query import ask, named_queries, named_query
from tests.outputs.support import write_job

DOCUMENTS = {
    "phone": "FastNet is 2x faster than SlowNet on a Snapdragon 865.",
    "other": "QuickNet has 80% lower latency than SlowNet on a Snapdragon 865. It reduces memory by 50%.",
    "both": "SwiftNet is 3x faster than SlowNet. We evaluate on the Jetson Nano.",
    "slow": "TardyNet is 10x slower than SlowNet on an NVIDIA A100 GPU.",
    "score": "FastNet achieves an accuracy of 71.2% on ImageNet.",
    "again": "FastNet achieves an accuracy of 70.1% on ImageNet.",
    "raised": "GrowNet improves accuracy on ImageNet from 55.5% to 66.6%.",
    "held against": "TwoNet achieves an accuracy of 60.1% (vs. 55.1%) on CIFAR-10.",
    "listed": "OneNet achieves an accuracy of 61.1% on CIFAR-10 and 71.1% on CIFAR-10.",
    "no name": "We achieve an accuracy of 80.1% on the test set.",
    "no name again": "We achieve an accuracy of 80.2% on the test set.",
}


@pytest.fixture
def job(tmp_path: Path) -> Path:
    return write_job(tmp_path / "job", [extract("A title", text, id=id) for id, text in DOCUMENTS.items()])


def answer(job: Path, sql: str, limit: int | None = None) -> list[dict[str, Any]]:
    with ask([job], sql, limit=limit) as found:
        return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


@pytest.mark.parametrize("query", named_queries(), ids=lambda query: query.name)
def test_each_named_query_runs_and_says_what_it_is_for(query: Any, job: Path) -> None:
    with ask([job], query.sql) as found:
        assert found.columns
        assert list(found.rows) or query.name == "unsure"
    assert query.about.endswith(".")
    assert query.example.startswith(f"extractor query claims --name {query.name}")


def test_the_best_speedup_per_device(job: Path) -> None:
    rows = answer(job, named_query("best-speedup-per-device").sql)
    assert [(row["category"], row["times"], row["document"]) for row in rows] == [
        ("mobile", 5.0, "other"),
        ("edge", 3.0, "both"),
    ]
    assert rows[0]["baseline"] == "SlowNet"
    assert rows[0]["sentence"].startswith("QuickNet has 80% lower latency")
    assert rows[1]["device"] == "Jetson Nano"


def test_conflicts_are_one_system_with_other_values_elsewhere(job: Path) -> None:
    rows = answer(job, named_query("conflicts").sql)
    assert [(row["quantity"], row["document"]) for row in rows] == [("70.1%", "again"), ("71.2%", "score")]


def test_a_leaderboard_has_the_larger_value_first_and_no_value_that_another_one_starts_from(job: Path) -> None:
    rows = answer(job, named_query("leaderboard").sql)
    assert [(row["dataset"], row["quantity"]) for row in rows] == [
        *(("CIFAR-10", quantity) for quantity in ("71.1%", "61.1%", "60.1%")),
        *(("ImageNet", quantity) for quantity in ("71.2%", "70.1%", "66.6%")),
    ]


def test_a_limit(job: Path) -> None:
    assert len(answer(job, "SELECT * FROM claims", 2)) == 2
    assert len(answer(job, "SELECT * FROM range(3000)", 2000)) == 2000


def test_a_database_that_was_exported_is_asked_as_it_is(job: Path, tmp_path: Path) -> None:
    export([job], "duckdb", tmp_path / "out.duckdb")
    before = (tmp_path / "out.duckdb").read_bytes()
    assert answer(tmp_path / "out.duckdb", "SELECT count(*) AS n FROM documents") == [{"n": len(DOCUMENTS)}]
    assert (tmp_path / "out.duckdb").read_bytes() == before


REFUSED = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM glob('/*')",
    "COPY claims TO 'out.csv'",
    "ATTACH 'other.db'",
    "SET enable_external_access = true",
    "INSTALL httpfs",
    "DELETE FROM claims",
    "CREATE TABLE mine AS SELECT 1",
    "SELECT 1; SELECT 2",
    "",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_a_question_reaches_nothing_but_the_tables(sql: str, job: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError):
        answer(job, sql)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_wrong_name_is_told_in_one_line_with_what_there_is(job: Path) -> None:
    with pytest.raises(UsageError, match=r"quantty.*Candidate.*quantity.*docs/tables.md") as caught:
        answer(job, "SELECT quantty FROM claims")
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="no query 'best'"):
        named_query("best")
