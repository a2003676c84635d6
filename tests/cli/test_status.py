"""`extractor status` and `extractor retry`: how far a job is, and its failures again."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from extractor import read_extractions
from extractor.cli import app
from extractor.jobs.job import Job, Watch
from extractor.jobs.journal import Journal, lock
from extractor.outputs.jsonl import to_line
from extractor.records import Failure

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
        assert "pending    unknown (nobody knows how much a pipe will bring)" in extractor("status", "job").stdout
        with pytest.raises(Exception, match="Another run"):
            Journal(home / "job", job).__enter__()
    assert state()["state"] == "stopped"
    assert "ETA" not in extractor("status", "job").stdout


def a_job(home: Path, *, late: int = 0, failed_late: int = 0, causes: str = "ab", **facts: Any) -> None:
    """The folder of a job with 8 documents done and 2 failed when its `job.json` was written, and what came since."""
    folder = home / "job"
    folder.mkdir()
    lines = [Failure(id=None, source="in", line=1, cause=f"cause {cause}", fix="Mend it.") for cause in causes]
    failures = [to_line(line) for line in [*lines, *lines[:1] * failed_late]]
    (folder / "extractions.jsonl").write_bytes(b"{}\n" * (8 + late))
    (folder / "failures.jsonl").write_bytes(b"".join(failures))
    progress = {"pending": 7, "read_through": False, "in_flight": 3, "rate": 2.0, "eta": 3.5}
    description = {
        "settings": {},
        "counts": {"documents": 10, "failed": 2, "calls": 0, "cost_usd": 0.0},
        "progress": progress | {name: facts.pop(name) for name in [*facts] if name in progress},
        "written": {"extractions": 24, "failures": sum(map(len, failures[: len(causes)]))},
        "spent_usd": 0.0,
        "seconds": 5.0,
        "started": "then",
        "updated": "later",
        "finished": None,
    }
    (folder / "job.json").write_text(json.dumps(description | facts))


@contextmanager
def locked(folder: Path, name: str = "extractions.jsonl") -> Iterator[None]:
    """As while a job runs."""
    with (folder / "job" / name).open("ab") as file:
        assert lock(file)
        yield


@pytest.mark.parametrize(
    ("late", "failed_late", "pending", "left"), [(0, 0, 7, 7), (2, 1, 7, 4), (2, 1, 2, 0), (0, 2, 7, 5), (3, 0, 7, 4)]
)
def test_what_a_killed_job_wrote_last_is_done_and_no_longer_pending(
    home: Path, late: int, failed_late: int, pending: int, left: int
) -> None:
    a_job(home, late=late, failed_late=failed_late, pending=pending)
    facts = state()
    assert (facts["done"], facts["failed"], facts["pending"]) == (8 + late, 2 + failed_late, left)
    assert (facts["state"], facts["in_flight"], facts["rate"], facts["eta"]) == ("stopped", 0, None, None)


def test_a_job_that_runs_again_after_its_end_is_running_and_has_something_to_do(home: Path) -> None:
    a_job(home, finished="now")
    facts = state()
    assert (facts["state"], facts["pending"], facts["exactly"], facts["in_flight"]) == ("finished", 0, True, 0)
    with locked(home):
        facts = state()
        assert (facts["state"], facts["pending"]) == ("running", 7)
        assert (facts["in_flight"], facts["rate"], facts["eta"]) == (3, 2.0, 3.5)


@pytest.mark.parametrize(
    ("facts", "exactly"), [({}, False), ({"read_through": True}, True), ({"finished": "now"}, True)], ids=str
)
def test_what_is_left_is_exact_when_the_input_was_read_through(home: Path, facts: dict[str, Any], exactly: bool) -> None:
    a_job(home, **facts)
    assert state()["exactly"] is exactly
    assert ("about" in extractor("status", "job").stdout) is not exactly


@pytest.mark.parametrize(
    ("calls", "cost", "spent", "row"),
    [
        (0, 0.0, 0.0, None),
        (0, 0.0, 0.5, "cost      $0.0000 (all runs: $0.5000)"),
        (3, 0.25, 0.0, "cost      $0.2500 (all runs: $0.0000)"),
        (3, None, 0.0, "cost      unknown"),
    ],
    ids=["rules", "spent before", "calls", "no price"],
)
def test_what_a_job_has_cost(home: Path, calls: int, cost: float | None, spent: float, row: str | None) -> None:
    a_job(home, counts={"documents": 10, "failed": 2, "calls": calls, "cost_usd": cost}, spent_usd=spent)
    shown = extractor("status", "job").stdout.splitlines()
    assert [line for line in shown if line.startswith("cost")] == ([row] if row else [])
    assert any(line.startswith("calls") for line in shown) is bool(calls)


def test_more_causes_than_are_told_apart_are_other_causes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("extractor.jobs.state"), "_CAUSES", 2)  # the package has the command by that name
    a_job(home, causes="aabcda")
    groups = [(group["count"], group["cause"]) for group in state()["failures"]]
    assert groups == [(3, "cause a"), (2, "other causes"), (1, "cause b")]


def test_causes_that_differ_in_names_and_numbers_are_one(home: Path) -> None:
    other = GOOD.replace("2.5x", "3x")  # one id with two texts
    (home / "papers.jsonl").write_text("".join(GOOD % name + other % name for name in "abc") + GOOD % "d")
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
