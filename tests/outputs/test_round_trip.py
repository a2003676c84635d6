"""Every sample, whole and damaged, through the command: looked at, run, exported, and read back by other programs."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from extractor.cli import app
from extractor.outputs.columns import TABLES
from extractor.outputs.export import FORMATS
from extractor.outputs.tables import read_table
from tests.outputs.readers import READERS, Rows, as_read
from tests.sources.support import BINARY, SAMPLES, TABLE, WRITTEN

NAMES = sorted([path.name for path in SAMPLES.iterdir()] + [*BINARY])
OF_ITS_FORMAT = {"job", "document", "seconds", "doi", "arxiv_id", "pmid", "url", "year", "authors", "venue", "categories"}
"""Columns that differ between samples of the same papers: what their formats know of a paper, and the time that it took."""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """All samples."""
    folder = tmp_path_factory.mktemp("binary")
    for name, write in BINARY.items():
        write(TABLE, folder / name)
    return {name: folder / name if name in BINARY else SAMPLES / name for name in NAMES}


@pytest.fixture(scope="module")
def jobs(samples: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The job of each sample."""
    folder = tmp_path_factory.mktemp("jobs")
    for name, file in samples.items():
        done = run("run", file, "-o", folder / name)
        assert done.exit_code == (3 if ".malformed" in name else 0), done.output
    return {name: folder / name for name in samples}


@pytest.fixture(scope="module")
def exports(jobs: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The tables of all jobs in each format."""
    folder = tmp_path_factory.mktemp("tables")
    for name in FORMATS:
        done = run("export", *jobs.values(), "--to", name, "-o", folder / name)
        assert done.exit_code == 0, done.output
    return {name: folder / name for name in FORMATS}


def rows(table: str, *of: Path) -> Rows:
    found: Rows = read_table(table, *of).to_pylist()
    return found


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shown_is_what_is_run(name: str, samples: Mapping[str, Path], jobs: Mapping[str, Path]) -> None:
    said = run("sources", samples[name])
    assert said.exit_code == 0, said.output
    shown = [line.rpartition(" (")[0] for line in said.stdout.splitlines() if line.endswith(")") and not line.startswith(" ")]
    documents = [row["document"] for row in rows("documents", jobs[name])]
    assert shown == documents[: len(shown)]
    assert len(shown) == len(documents) or (".malformed" in name and shown)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_gives_the_tables_of_the_same_papers_in_json_lines(name: str, jobs: Mapping[str, Path]) -> None:
    known = WRITTEN.get(name, ("", [], ()))[2]

    def of_papers(job: Path, table: str) -> list[list[tuple[str, object]]]:
        kept = {column.name for column in TABLES[table]} - OF_ITS_FORMAT | set(known)
        found = [[(key, cell) for key, cell in row.items() if key in kept] for row in rows(table, job)]
        return sorted(found, key=repr)

    for table in ("documents", "claims", "hardware"):
        assert of_papers(jobs[name], table) == of_papers(jobs["papers.jsonl"], table) != []
    assert bool(rows("failures", jobs[name])) == (".malformed" in name)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("reader", READERS)
def test_the_tables_of_all_samples_read_back(
    reader: str, table: str, jobs: Mapping[str, Path], exports: Mapping[str, Path]
) -> None:
    name, read = READERS[reader]
    assert as_read(reader, read(exports[name], table)) == as_read(reader, rows(table, *jobs.values()))
