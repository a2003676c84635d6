"""What is printed fits its terminal and breaks no word, at 80 columns and at 40, with the longest values that are real."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from extractor.cli import app
from extractor.cli.table import _size as cells
from extractor.cli.table import cut, pairs, table

LONG = "openai/qwen2.5-coder-1.5b-instruct-q4_k_m"
PAPERS = [
    {
        "id": "10.1145/3649329.3655665-supplementary-material-version-2",
        "title": "ResourceAwareNet: Hardware-in-the-Loop Optimisation of Networks for Intermittently-Powered Devices",
        "abstract": "On the NVIDIA Jetson AGX Xavier Developer Kit, ResourceAwareNet reduces end-to-end first-token latency of "
        "large vision-language models by 12,345.67 milliseconds and is up to 1.5 times faster than Compression-Aware-Baseline "
        "on the Kinetics-Skeleton-400 dataset with 968M-parameters.",
    },
    {
        "id": "b",
        "title": "日本語の題名はとても長いので四十の桁には収まらない物である",
        "abstract": "速度は2.3x faster than 基準 on a GPU.",
    },
    {"id": "c", "title": "no abstract"},
]
COMMANDS = [
    "status job",
    "show job 10.1145",
    "query job --name best-speedup-per-device --format table",
    "query job --format table",
    "query --list",
    "sources",
    "sources papers.jsonl",
    "keys list",
    "cache info",
]
SQL = "SELECT c.*, d.title FROM claims c JOIN documents d USING (document)"


@pytest.fixture
def job(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOOGLE_VERTEX_LARGE_LANGUAGE_MODELS_API_KEY", "x")
    Path("papers.jsonl").write_text("".join(json.dumps(paper) + "\n" for paper in PAPERS))
    assert CliRunner().invoke(app, ["run", "papers.jsonl", "-o", "job"]).exit_code == 3
    return home


@pytest.mark.parametrize("columns", [80, 40])
@pytest.mark.parametrize("command", COMMANDS)
def test_lines_fit_and_no_word_is_broken(command: str, columns: int, job: Path) -> None:
    arguments = command.split() + ([SQL] if command == "query job --format table" else [])

    def shown(columns: int) -> list[str]:
        done = CliRunner().invoke(app, arguments, env={"COLUMNS": str(columns)})
        assert (done.exit_code, done.exception) == (0, None), done.output
        return done.stdout.splitlines()

    lines, whole = shown(columns), shown(5_000)
    assert [line for line in lines if cells(line) > columns and " " in line.strip()] == []
    broken = {word for line in lines for word in line.split()} - {word for line in whole for word in line.split()}
    assert {word for word in broken if not word.endswith(":") and "…" not in word and word.isascii()} == set()


words = st.text("abc-#/.é", min_size=1, max_size=12)
texts = st.lists(words, max_size=8).map(" ".join)


@given(
    st.integers(1, 5).flatmap(lambda n: st.lists(st.lists(texts, min_size=n, max_size=n), min_size=1, max_size=4)),
    st.integers(24, 80),
    st.integers(0, 4),
)
def test_a_table_of_anything_fits_and_holds_every_word(rows: list[list[str]], columns: int, right: int) -> None:
    names = [f"n{place}" for place in range(len(rows[0]))]
    heading, *blocks = table(names, rows, columns, right={right})
    assert max(map(cells, [*heading, *(line for block in blocks for line in block)]), default=0) <= columns
    for row, block in zip(rows, blocks, strict=True):
        printed = " ".join(block).split()
        assert sorted(word for cell in row for word in cell.split()) == sorted(
            word for word in printed if word.rstrip(":") not in names
        )


def test_what_gives_where_there_is_no_room() -> None:
    rows = [(LONG, "89.7\n86.0–93.0", "2,709"), ("rules", "98.6\n97.1–99.7", "0")]
    assert table(("", "claims found", "tokens"), rows, 30, right={1, 2}) == [
        ["                claims", "                 found  tokens"],
        ["openai/qwen2.5-coder…ct-q4_k_m", "                  89.7   2,709", "             86.0–93.0"],
        ["rules             98.6       0", "             97.1–99.7"],
    ]
    facts = [("because", "the disk is full"), ("done", "1")]
    assert [*pairs(facts, 20)] == ["because  the disk is", "         full", "done     1"]
    assert cut("abstracts#1  Kraken: Inherently Parallel Transformers", 30) == "abstracts#1  Kraken: ..."
    assert cut("short", 30) == "short"
