"""`extractor status` and `extractor retry`: how far a job is, and its failures again."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from extractor import read_extractions
from extractor.cli import app
from extractor.jobs.job import Job
from extractor.jobs.journal import Journal
from extractor.jobs.progress import Watch

GOOD = '{"id": "%s", "title": "FastNet", "abstract": "FastNet is 2.5x faster than SlowNet on a GPU."}\n'
BAD = '{"id": "%s", "title": "no abstract"}\n'


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "papers.jsonl").write_text(GOOD % "a" + BAD % "b" + BAD % "c" + GOOD % "d" + "nonsense\n")
    return tmp_path


def extractor(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, arguments, input=stdin)


def state(folder: str = "job") -> dict[str, Any]:
    shown = extractor("status", folder, "--json")
    assert shown.exit_code == 0, shown.stderr
    facts: dict[str, Any] = json.loads(shown.stdout)
    return facts


def test_a_finished_job(home: Path) -> None:
    assert extractor("run", "papers.jsonl", "-o", "job").exit_code == 3
    shown = extractor("status", "job")
    assert shown.exit_code == 0
    rows = dict(line.split(maxsplit=1) for line in shown.stdout.splitlines()[:4])
    assert rows == {"state": "finished", "done": "2", "failed": "3", "pending": "0"}
    first, second = shown.stdout.splitlines()[-2:]
    assert first.split(maxsplit=1)[0] == "2"
    assert "no abstract" in first
    assert second.split(maxsplit=1)[0] == "1"
    facts = state()
    assert (facts["done"], facts["failed"], facts["pending"], facts["finished"] is None) == (2, 3, 0, False)
    assert sum(group["count"] for group in facts["failures"]) == 3


def test_a_running_job_and_what_a_killed_one_wrote_last(home: Path) -> None:
    assert extractor("run", "papers.jsonl", "-o", "job").exit_code == 3
    line = (home / "job" / "extractions.jsonl").read_bytes().splitlines(keepends=True)[0]
    job = Job(("papers.jsonl",))
    with Journal(home / "job", job, watch=Watch(read=10, settled=4)) as journal:
        journal._sync()
        with (home / "job" / "extractions.jsonl").open("ab") as file:
            file.write(line + b'{"half')
        facts = state()
        assert (facts["state"], facts["done"], facts["failed"], facts["in_flight"]) == ("running", 3, 0, 6)
        assert "pending   unknown (nobody knows how much a pipe will bring)" in extractor("status", "job").stdout
        with pytest.raises(Exception, match="Another run"):
            Journal(home / "job", job).__enter__()
    assert state()["state"] == "stopped"
    assert "ETA" not in extractor("status", "job").stdout


def test_causes_that_differ_in_names_and_numbers_are_one(home: Path) -> None:
    (home / "papers.jsonl").write_text("".join(GOOD % name for name in "aabbccd"))
    assert extractor("run", "papers.jsonl", "-o", "job").exit_code == 3
    [group] = state()["failures"]
    assert (group["count"], group["fix"]) == (3, "Give each its own id.")
    assert group["cause"].startswith('two records have the id "a"')


@pytest.mark.parametrize("command", ["status", "retry"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "holds no job.json", id="none"),
        pytest.param("[]", "is not the description of a job", id="no object"),
        pytest.param("{", "is not the description of a job", id="torn"),
        pytest.param('{"name": "train", "counts": 5}', "is not the description of a job", id="another program's"),
    ],
)
def test_a_folder_without_a_job(home: Path, command: str, content: str | None, message: str) -> None:
    (home / "job").mkdir()
    if content is not None:
        (home / "job" / "job.json").write_text(content)
    done = extractor(command, "job")
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"{message}. Name a folder that `extractor run` writes or wrote.\n" in done.stderr


def test_retry_does_what_failed_with_the_options_of_the_job_from_anywhere(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["--fields", "title=headline,abstract=body", "--order", "completion"]
    paper = '{"id": "%s", "headline": "FastNet", "body": "%s"}\n'
    (home / "papers.jsonl").write_text(
        paper % ("a", "It is 2x faster.") + paper % ("b", "") + paper % ("c", "It is 3x faster.")
    )
    assert extractor("run", "papers.jsonl", "-o", "job", *arguments).exit_code == 3
    (home / "papers.jsonl").write_text(
        "".join(paper % (name, "It is 2x faster.") for name in "ab") + paper % ("c", "It is 3x faster.")
    )
    (home / "elsewhere").mkdir()
    monkeypatch.chdir(home / "elsewhere")
    done = extractor("retry", "../job")
    assert done.exit_code == 0, done.stderr
    assert "2 done before" in done.stderr
    assert [record.id for record in read_extractions(home / "job")] == ["a", "c", "b"]  # in the order of completion
    monkeypatch.chdir(home)
    again = extractor("retry", "job")
    assert (again.exit_code, again.stderr) == (0, "Nothing has failed in job.\n")


def test_retry_cannot_read_standard_input_again(home: Path) -> None:
    assert extractor("run", "-", "-o", "job", stdin=BAD % "a").exit_code == 1
    done = extractor("retry", "job")
    assert done.exit_code == 2
    assert "standard input, which is gone. Run its command again" in done.stderr


def test_retry_says_where_the_job_was_started_if_that_is_gone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "there").mkdir()
    (home / "papers.jsonl").rename(home / "there" / "papers.jsonl")
    monkeypatch.chdir(home / "there")
    assert extractor("run", "papers.jsonl", "-o", "../job").exit_code == 3
    monkeypatch.chdir(home)
    (home / "there" / "papers.jsonl").unlink()
    assert "There is no such file or folder: papers.jsonl" in extractor("retry", "job").stderr
    monkeypatch.chdir(home)
    (home / "there").rmdir()
    done = extractor("retry", "job")
    assert done.exit_code == 2
    assert f"started in {home / 'there'}, which is not here" in done.stderr
