"""Inputs that nobody means to give: an empty name, loops of links, names that are no text, ids as long as books."""

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from extractor.cli import app
from tests.cli.jobs import PAPERS, failures, ids, write

if TYPE_CHECKING:
    from tests.cli.conftest import Program

RUNNER = CliRunner()


@pytest.fixture(autouse=True)
def papers(home: Path) -> None:
    write(PAPERS[:2])


@pytest.mark.parametrize("inputs", [[""], ["", "papers.jsonl"], ["papers.jsonl", ""]], ids=["alone", "first", "last"])
def test_an_empty_name_is_a_usage_error(inputs: list[str]) -> None:
    """`extractor run "$PAPERS"`, where the variable is not set, must not read the working folder."""
    done = RUNNER.invoke(app, ["run", *inputs, "-o", "job"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "empty" in done.stderr
    assert not Path("job").exists()


def ends(program: "Program", *arguments: str) -> tuple[int, str]:
    """Exit code and standard error of a command that has to end within ten seconds."""
    process = program.start(*arguments)
    try:
        _, said = process.communicate(b"", timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        pytest.fail(f"{arguments} hangs")
    return process.returncode, said.decode(errors="surrogateescape")


@pytest.mark.parametrize("pattern", ["loops/**", "loops/**/*.jsonl", "**/papers.jsonl", "loops"])
def test_a_pattern_over_loops_of_links_ends_and_reads_each_file_once(pattern: str, program: "Program", home: Path) -> None:
    inside = home / "loops" / "a" / "b"
    inside.mkdir(parents=True)
    (home / "papers.jsonl").rename(inside / "papers.jsonl")
    for n in range(3):
        (inside / f"up{n}").symlink_to(home / "loops")
        (home / "loops" / f"here{n}").symlink_to(".")
    code, said = ends(program, "run", pattern, "-o", "job")
    assert code == 0, said
    assert ids() == [paper["id"] for paper in PAPERS[:2]]


def test_a_file_whose_name_is_no_text_is_told(program: "Program", home: Path) -> None:
    """Its name cannot stand in a record: records without an id of their own would need it."""
    name = os.fsencode(home) + b"/caf\xe9.jsonl"
    paper = {name: text for name, text in PAPERS[0].items() if name != "id"}
    with open(name, "w", encoding="utf-8") as file:  # noqa: PTH123 (a path of bytes)
        file.write(json.dumps(paper) + "\n")
    code, said = ends(program, "run", os.fsdecode(name), "-o", "job")
    assert code in {1, 2}, said
    assert "UTF-8" in said
    assert "name" in said
    assert "bug" not in said
    assert "surrogate" not in said


def test_a_long_id_is_shortened_where_it_is_printed() -> None:
    long = "id" * 50_000
    write([{**PAPERS[0], "id": long}, {**PAPERS[1], "id": long}, {"id": long + "x", "title": "A", "abstract": ""}])
    done = RUNNER.invoke(app, ["run", "papers.jsonl", "-o", "job"])
    assert done.exit_code == 3
    assert ids() == [long]  # it is whole where it is kept
    assert max(map(len, done.stderr.splitlines())) < 500
    assert failures()
    for command in (["status", "job"], ["show", "job"], ["show", "job", long], ["show", "job", "no" * 50_000]):
        shown = RUNNER.invoke(app, command)
        assert shown.exception is None or isinstance(shown.exception, SystemExit)
        longest = max(map(len, shown.output.splitlines()), default=0)
        assert longest < 2000, f"{command[0]}: a line of {longest:,} characters"
