"""What a job's folder may have become, and what an unset variable makes of a command: one line, and nothing lost."""

import io
import json
import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from extractor.cli import app
from extractor.cli.terminal import exit_code
from extractor.documents import shortened
from extractor.errors import UsageError
from extractor.jobs.job import Description, Job
from extractor.jobs.journal import Journal
from extractor.jobs.runner import Runner

PAPER = '{"id": "%s", "title": "FastNet", "abstract": "FastNet is 2.5x faster than SlowNet on a GPU."}\n'
BAD = '{"id": "%s", "title": "no abstract"}\n'
COMMANDS = (("run", "papers.jsonl", "-o", "job"), ("status", "job"), ("status", "job", "--json"), ("retry", "job"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "papers.jsonl").write_text(PAPER % "a" + BAD % "b" + PAPER % "c")
    return tmp_path


def extractor(*arguments: str) -> Result:
    done = CliRunner().invoke(app, arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.fixture
def job(home: Path) -> Path:
    """The folder of a job that has run, with a failure."""
    assert extractor("run", "papers.jsonl", "-o", "job").exit_code == 3
    return home / "job"


# Arguments


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", ""], "An argument is empty"),
        (["run", "papers.jsonl", ""], "An argument is empty"),
        (["run", " \t"], "An argument is empty"),
        (["run", "papers.jsonl", "-o", ""], "An argument is empty"),
        (["run", "papers.jsonl", "--output="], "--output is given nothing"),
        (["run", "papers.jsonl", "--model", ""], "An argument is empty"),
        (["run", "papers.jsonl", "--base-url="], "--base-url is given nothing"),
        (["run", "papers.jsonl", "--prompt", ""], "An argument is empty"),
        (["status", ""], "An argument is empty"),
        (["retry", ""], "An argument is empty"),
        (["show", ""], "An argument is empty"),
        (["batch", "submit", "", "-o", "job", "-m", "openai/m"], "An argument is empty"),
        (["batch", "collect", ""], "An argument is empty"),
    ],
    ids=" ".join,
)
def test_an_unset_variable_is_wrong_usage_and_nothing_is_read(home: Path, arguments: list[str], words: str) -> None:
    done = extractor(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"extractor: {words}, as when a variable of the shell is not set. Give it a value, or leave it out.\n"
    assert sorted(path.name for path in home.iterdir()) == ["papers.jsonl"]


# job.json

WRONG: tuple[Any, ...] = (None, True, -1, 2**70, 1.5, float("nan"), float("inf"), "text", [], [1], {}, {"x": {"y": 1}})


def places(value: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of everything in a JSON object."""
    for name, inner in value.items():
        yield (*at, name)
        if isinstance(inner, dict):
            yield from places(inner, (*at, name))


def edited(description: Any, at: tuple[str, ...], value: Any) -> Any:
    name, *rest = at
    return description | {name: edited(description[name], tuple(rest), value) if rest else value}


def test_no_edit_of_job_json_is_a_traceback(job: Path) -> None:
    """Everything in it, by everything that JSON has: each command works or says what is wrong, in one line."""
    kept = json.loads((job / "job.json").read_bytes())
    said: list[str] = []
    for at in places(kept):
        for value in WRONG:
            (job / "job.json").write_text(json.dumps(edited(kept, at, value)))
            try:
                told = Description.read(job)
                Journal(job, Job(("papers.jsonl",))).look()
            except UsageError as error:
                said.append(str(error))
            else:
                assert isinstance(told.job, Job | None)
                assert extractor("status", "job").exit_code == 0
    assert len(said) > 300
    assert all("is not the description of a job" in line or "holds another job" in line for line in said)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("at", "value"),
    [
        (("counts",), []),
        (("counts", "documents"), "three"),
        (("counts", "failed"), None),
        (("counts", "cost_usd"), "0"),
        (("written", "extractions"), -1),
        (("written", "extractions"), 2**80),
        (("settings", "fields"), 5),
        (("settings", "fields", "title"), "title"),
        (("options",), 5),
        (("options", "model"), "rules"),
        (("options", "model", "votes"), "many"),
        (("options", "model", "votes"), 0),
        (("options", "model", "fallbacks"), 7),
        (("options", "model", "prompt"), 7),
        (("options", "workers"), 0),
        (("options", "order"), "none"),
        (("inputs",), "papers.jsonl"),
        (("inputs",), [5]),
        (("directory",), 5),
        (("progress",), "far"),
        (("progress", "pending"), "some"),
        (("spent_usd",), "much"),
        (("seconds",), float("inf")),
        (("started",), 0),
        (("finished",), 1),
    ],
    ids=str,
)
def test_a_wrong_type_in_job_json_is_told_alike_by_all(
    job: Path, command: tuple[str, ...], at: tuple[str, ...], value: Any
) -> None:
    (job / "job.json").write_text(json.dumps(edited(json.loads((job / "job.json").read_bytes()), at, value)))
    before = (job / "extractions.jsonl").read_bytes()
    done = extractor(*command)
    assert (done.exit_code, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert "job.json is not the description of a job." in line
    assert (job / "extractions.jsonl").read_bytes() == before


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[" * 100_000, b"9" * 5_000, b'{"settings": {"a": ' + b"[" * 100_000, b"null"], ids=range(6)
)
def test_what_is_no_job_json_is_told_alike_by_all(job: Path, command: tuple[str, ...], content: bytes) -> None:
    (job / "job.json").write_bytes(content)
    done = extractor(*command)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "job.json is not the description of a job." in done.stderr


@pytest.mark.parametrize("at", [("started",), ("model",), ("updated",), ("finished",), ("stopped",)], ids=str)
@pytest.mark.parametrize("sequence", ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\r", "\x08", "\u202e", "\u2028"], ids=ascii)
def test_status_obeys_nothing_that_job_json_holds(job: Path, at: tuple[str, ...], sequence: str) -> None:
    (job / "job.json").write_text(json.dumps(edited(json.loads((job / "job.json").read_bytes()), at, f"x{sequence}y")))
    for arguments in (("status", "job"), ("status", "job", "--json")):
        done = extractor(*arguments)
        assert done.exit_code == 0
        assert all(line.isprintable() for line in done.stdout.split("\n"))


def test_status_obeys_nothing_that_a_failure_holds(job: Path) -> None:
    with (job / "failures.jsonl").open("a") as failures:
        failure = {
            "id": "x\x1b[2J",
            "source": "s\x1b[2J",
            "line": 1,
            "cause": "bad \x1b[2J word",
            "fix": "Mend \x1b]0;a\x07 it.",
        }
        failures.write(json.dumps(failure) + "\n")
    done = extractor("status", "job")
    assert "bad" in done.stdout
    assert all(line.isprintable() for line in done.stdout.split("\n"))


# Files of the folder


def link(file: Path) -> None:
    file.symlink_to(file.parent.parent / "elsewhere")


def link_to_a_file(file: Path) -> None:
    (file.parent.parent / "elsewhere").write_bytes(b"mine\n")
    link(file)


MAKE: dict[str, tuple[Callable[[Path], None], str]] = {
    "a link to nothing": (link, "is a link"),
    "a link to a file": (link_to_a_file, "is a link"),
    "a pipe": (os.mkfifo, "is a pipe or a device"),
    "a folder": (Path.mkdir, "is a folder"),
}


@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize("name", ["extractions.jsonl", "failures.jsonl", "job.json"])
@pytest.mark.parametrize(
    "command",
    [*COMMANDS[:2], ("run", "papers.jsonl", "-o", "job", "--fresh"), ("run", "papers.jsonl", "-o", "job", "--dry-run")],
)
def test_what_is_no_file_in_the_folder_is_refused_and_not_written_to(
    home: Path, job: Path, kind: str, name: str, command: tuple[str, ...]
) -> None:
    make, words = MAKE[kind]
    (job / name).unlink()
    make(job / name)
    done = extractor(*command)
    if command[-1] == "--dry-run":
        assert done.exit_code == 0  # the rules cost nothing, whatever is there
        return
    assert (done.exit_code, done.stdout) == (2, "")
    told = f"{Path('job', name)} {words}, not a file of a job."
    if (name, kind) == ("job.json", "a folder") and command[-1] != "--fresh":
        told = "job.json is not the description of a job."
    assert told in done.stderr
    assert not (home / "elsewhere").exists() or (home / "elsewhere").read_bytes() == b"mine\n"


ODD = {
    "another job's": "true",
    "a file in its place": "rm -r job; echo mine > job",
    "other files": "echo { > job/job.json; echo mine > job/extractions.jsonl",
    "records without a job": "rm job/job.json",
    "a pipe": "rm job/extractions.jsonl; mkfifo job/extractions.jsonl",
    "a folder in a file's place": "rm job/job.json; mkdir job/job.json",
    "a link that goes in circles": "rm -r job; ln -s job job",
}


def state(folder: Path) -> list[object]:
    return [(path, (at := path.lstat()).st_size, at.st_mtime_ns, at.st_ino) for path in sorted(folder.rglob("*"))]


@pytest.mark.parametrize("odd", ODD)
def test_a_dry_run_minds_nothing_that_is_in_the_folder_and_leaves_it_alone(home: Path, job: Path, odd: str) -> None:
    dry = ("run", "papers.jsonl", "-m", "openai/m", "--base-url", "http://127.0.0.1:9/v1", "--price", "0,0", "--dry-run")
    empty = extractor(*dry, "-o", "new")
    subprocess.run(["sh", "-c", ODD[odd]], check=True)
    before = state(home)
    done = extractor(*dry, "-o", "job")
    assert (done.exit_code, done.stdout) == (0, empty.stdout), done.output
    assert done.stderr.startswith("As if job were empty: ") or odd == "a file in its place"
    assert state(home) == before


def test_what_is_written_anew_does_not_follow_a_link(home: Path, job: Path) -> None:
    (home / "elsewhere").write_bytes(b"mine\n")
    for name in ("job.json.new", "extractions.jsonl.new"):
        (job / name).symlink_to(home / "elsewhere")
    assert extractor("run", "papers.jsonl", "-o", "job").exit_code == 3
    assert (home / "elsewhere").read_bytes() == b"mine\n"


def cut(file: Path) -> None:
    os.truncate(file, 10)


def empty(file: Path) -> None:
    file.write_bytes(b"")


def replace(file: Path) -> None:
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content)


def write_to(file: Path) -> None:
    with file.open("ab") as stream:
        stream.write(b"note\n")


class Slow(io.RawIOBase):
    """Papers of which the last ones come when something was done to the job."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._parts = [PAPER % f"p{n}" for n in range(8)]
        self._act = act

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if len(self._parts) == 4:
            self._act()
        part = self._parts.pop(0).encode() if self._parts else b""
        buffer[: len(part)] = part
        return len(part)


@pytest.mark.parametrize("act", [cut, empty, Path.unlink, replace, write_to])
@pytest.mark.parametrize("name", ["extractions.jsonl", "failures.jsonl"])
def test_a_file_that_changes_under_a_job_stops_it_and_the_next_run_mends_that(
    home: Path, act: Callable[[Path], None], name: str
) -> None:
    (home / "job").mkdir()
    slow = Slow(lambda: act(home / "job" / name))
    if name == "failures.jsonl":
        slow._parts[0] = BAD % "p0"
    job = Job(("-",))
    outcome = Runner(job, stdin=slow).run(home / "job")  # type: ignore[arg-type]
    assert outcome.stopped is not None
    assert f"{name} was changed by another program while the job ran" in str(outcome.stopped)
    assert exit_code(outcome) == 3
    assert "was changed by another program" in extractor("status", "job").stdout
    again = Runner(job, stdin=io.BytesIO("".join(PAPER % f"p{n}" for n in range(8)).encode())).run(home / "job")
    assert (again.stopped, again.counts.extracted, again.counts.failed) == (None, 8, 0)
    records = [json.loads(line) for line in (home / "job" / "extractions.jsonl").read_bytes().splitlines()]
    assert [record["id"] for record in records] == [f"p{n}" for n in range(8)]


def test_a_file_that_changed_is_not_put_in_order_by_what_was_known_of_it(home: Path) -> None:
    """Where its lines stood is no longer where they stand."""
    job = Job(("-",))
    papers = [PAPER % f"p{n}" for n in range(8)]
    Runner(job, stdin=io.BytesIO("".join(papers[:3]).encode())).run(home / "job")
    records = home / "job" / "extractions.jsonl"
    left: list[bytes] = []

    def shift() -> None:
        records.write_bytes(b"".join(records.read_bytes().splitlines(keepends=True)[1:]))
        left.append(records.read_bytes())

    slow = Slow(shift)
    slow._parts[1] = slow._parts[1].replace("2.5x", "3.5x")  # its older line counts no longer
    assert Runner(job, stdin=slow).run(home / "job").stopped is not None  # type: ignore[arg-type]
    assert [records.read_bytes()] == left
    again = Runner(job, stdin=io.BytesIO("".join(papers).encode())).run(home / "job")
    assert (again.stopped, again.counts.extracted) == (None, 8)


def test_a_file_that_is_cut_after_the_last_record_stops_the_job_too(home: Path) -> None:
    stop = threading.Event()

    def over() -> Iterator[Any]:
        yield from runner_items
        cut(home / "job" / "extractions.jsonl")
        stop.set()

    runner = Runner(Job(("papers.jsonl",)))
    runner_items = runner.items
    runner.items = over()
    outcome = runner.run(home / "job")
    assert stop.is_set()
    assert "was changed by another program" in str(outcome.stopped)


# Lines


def test_a_long_id_is_shortened_wherever_it_is_printed(home: Path) -> None:
    long = "i" * 5_000
    (home / "papers.jsonl").write_text(PAPER % long + (PAPER % long).replace("FastNet", "SlowNet"))
    done = extractor("run", "papers.jsonl", "-o", "job")
    assert done.exit_code == 3
    said = [done.stderr, extractor("status", "job").stdout, extractor("show", "job").stdout]
    said.append(extractor("show", "job", long + "x").stderr)
    assert max(len(line) for text in said for line in text.splitlines()) < 400
    assert json.loads((home / "job" / "extractions.jsonl").read_bytes())["id"] == long
    assert extractor("show", "job", long).exit_code == 0


@pytest.mark.parametrize("length", [1, 79, 80, 81, 1000])
def test_a_shortened_text_has_its_beginning_and_its_end(length: int) -> None:
    text = "".join(chr(97 + n % 26) for n in range(length))
    short = shortened(text)
    assert len(short) <= 80
    assert (short == text) is (length <= 80)
    first, _, last = short.partition("…")
    assert text.startswith(first)
    assert text.endswith(last)


def test_a_name_that_is_not_utf_8_is_said_in_bytes(home: Path) -> None:
    name = os.fsdecode(b"caf\xe9.jsonl")
    done = extractor("run", name)
    assert done.exit_code == 2
    assert re.search(r"There is no such file or folder: caf\\xe9\.jsonl\.", done.stderr)
