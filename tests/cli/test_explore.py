"""`extractor explore`: the page's path is on standard output, and what cannot be is one line."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.outputs.explorer.jobs import FAST, job

if TYPE_CHECKING:
    from tests.cli.conftest import Command


def test_the_page_stands_in_the_job_unless_told_otherwise(extractor: "Command", tmp_path: Path) -> None:
    job(tmp_path / "job")
    done = extractor("explore", "job")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"job/explorer.html\n", b"")
    assert "Claims of job" in (tmp_path / "job" / "explorer.html").read_text(encoding="utf-8")


def test_several_jobs_need_a_place(extractor: "Command", tmp_path: Path) -> None:
    job(tmp_path / "job")
    job(tmp_path / "other", [FAST])
    done = extractor("explore", "job", "other")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Say where with -o" in done.stderr
    assert extractor("explore", "job", "other", "-o", "both.html").returncode == 0
    assert b"Claims of job, other" in (tmp_path / "both.html").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere does not exist"),
        (["job", "-o", "job"], "is a folder. Name the file to write"),
        (["job", "--where", "colour=red"], "nothing called 'colour'"),
    ],
)
def test_what_cannot_be_shown_is_one_line(arguments: list[str], message: str, extractor: "Command", tmp_path: Path) -> None:
    job(tmp_path / "job")
    done = extractor("explore", *arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    [line] = done.stderr.decode().splitlines()
    assert message in line
