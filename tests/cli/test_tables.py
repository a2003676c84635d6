"""`extractor export` and `extractor query`: what is asked for is on standard output, talk is not."""

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.outputs.support import RECORDS, write_job

if TYPE_CHECKING:
    from tests.cli.conftest import Command, Program


@pytest.fixture
def job(tmp_path: Path) -> Path:
    return write_job(tmp_path / "job")


@pytest.mark.parametrize(
    ("name", "file"), [("csv", "job/tables/claims.csv"), ("sqlite", "job/tables.sqlite"), ("xlsx", "job/tables.xlsx")]
)
def test_tables_go_into_the_job_unless_told_otherwise(name: str, file: str, extractor: "Command", job: Path) -> None:
    done = extractor("export", "job", "--to", name)
    assert (done.returncode, file in done.stdout.decode().split()) == (0, True)
    assert (job.parent / file).stat().st_size
    assert done.stderr.decode().startswith(f"{len(RECORDS)} documents, ")


def test_several_formats_are_written_at_once_into_one_folder(extractor: "Command", job: Path) -> None:
    done = extractor("export", "job", "--to", "csv", "--to", "sqlite", "--to", "csv", "-o", "all")
    assert done.returncode == 0, done.stderr
    tables = ("claims", "documents", "failures", "hardware")
    assert done.stdout.decode().split() == [*(f"all/tables/{name}.csv" for name in tables), "all/tables.sqlite"]


@pytest.mark.parametrize(
    "arguments", [("export", "job", "--to", "csv"), ("explore", "job"), ("gold", "new", "job"), ("batch", "export", "job")]
)
def test_an_address_does_not_become_a_folder_of_that_name(arguments: tuple[str, ...], extractor: "Command", job: Path) -> None:
    done = extractor(*arguments, "-o", "s3://bucket/tables")
    told = "extractor: s3://bucket/tables is an address, and -o needs a file system. Name a path, and copy it there later.\n"
    assert (done.returncode, done.stderr.decode()) == (2, told)
    assert [*job.parent.iterdir()] == [job]


def test_several_jobs_need_a_place(extractor: "Command", job: Path) -> None:
    write_job(job.parent / "other", [])
    done = extractor("export", "job", "other", "--to", "csv")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Say where with -o" in done.stderr
    assert extractor("export", "job", "other", "--to", "csv", "-o", "both").returncode == 0


def test_on_a_pipe_an_answer_is_csv(program: "Program", job: Path) -> None:
    done = program("query", "job", "SELECT title, claim_count FROM documents")
    assert done.returncode == 0, done.stderr
    assert list(csv.reader(io.StringIO(done.stdout.decode()))) == [
        ["title", "claim_count"],
        *([f"'{r.title}" if r.title.startswith("=") else r.title, str(len(r.claims))] for r in RECORDS),
    ]


def test_an_answer_in_json_has_a_line_a_row(extractor: "Command", job: Path) -> None:
    done = extractor("query", "job", "SELECT document, factor FROM claims WHERE quantity = '2.3x'", "--format", "json")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [{"document": RECORDS[0].id, "factor": 2.3}]


@pytest.mark.parametrize("width", ["40", "80"])
def test_a_table_fits_the_terminal_and_breaks_no_word(width: str, extractor: "Command", job: Path) -> None:
    sql = "SELECT document, quantity, factor, sentence FROM claims ORDER BY claim"
    done = extractor("query", "job", sql, "--format", "table", env={"COLUMNS": width})
    lines = done.stdout.decode().splitlines()
    assert max(map(len, lines)) <= int(width)
    words = set(" ".join(lines).split())
    assert {word for claim in RECORDS[0].claims for word in RECORDS[0].text[slice(*claim.sentence)].split()} <= words
    assert "\x1b" not in done.stdout.decode()


def test_named_queries_are_listed_and_asked(extractor: "Command", job: Path) -> None:
    listed = extractor("query", "--list").stdout.decode()
    assert "best-speedup-per-device\n" in listed
    done = extractor("query", "job", "--name", "best-speedup-per-device")
    assert done.stdout.splitlines()[1].startswith(b"edge,2.3,2.3x,")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["query"], "Name a job's folder"),
        (["query", "job"], "ask in SQL or with --name"),
        (["query", "job", "SELECT 1", "--name", "devices"], "ask in SQL or with --name"),
        (["query", "job", "--name", "nothing"], "There is no query 'nothing'"),
        (["query", "job", "SELEC"], "syntax error"),
        (["query", "nowhere", "SELECT 1"], "nowhere does not exist"),
        (["export", "nowhere", "--to", "csv"], "does not exist"),
    ],
)
def test_what_cannot_be_asked_is_one_line(arguments: list[str], message: str, extractor: "Command", job: Path) -> None:
    done = extractor(*arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    [line] = done.stderr.decode().splitlines()
    assert message in line
