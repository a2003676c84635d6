"""A job's folder that somebody has edited, linked or cut: a line that says so, never a traceback, nothing lost elsewhere."""

import json
import os
import random
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from typer.testing import CliRunner, Result

from extractor.cli import app
from tests.cli.jobs import PAPERS, ids, write
from tests.labelling.model_server import ModelServer, labels
from tests.llm.server import Request

if TYPE_CHECKING:
    from tests.cli.conftest import Program

RUNNER = CliRunner()
BROKEN = {"id": "broken", "title": 7}
NO_JOB = "is not the description of a job"
OTHERS: list[Any] = [None, 7, -1.5, "x", "", True, [], [7], {}, {"x": 7}]
COMMANDS = {"status": ["status", "job"], "retry": ["retry", "job"], "run": ["run", "papers.jsonl", "-o", "job"]}


@pytest.fixture(autouse=True)
def folder(home: Path) -> Path:
    """A job of two papers and a record that cannot be read."""
    write(PAPERS[:2])
    with Path("papers.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(BROKEN) + "\n")
    assert invoke("run").exit_code == 3
    return home / "job"


def invoke(command: str) -> Result:
    """Run a command on the folder; a traceback is an error."""
    done = RUNNER.invoke(app, COMMANDS[command], color=True)
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    assert "Traceback" not in done.output
    return done


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value, but for itself."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    for key, each in inside:
        yield (*at, key)
        yield from paths(each, (*at, key))


def put(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    """A JSON value with another in one place."""
    value = json.loads(json.dumps(value))
    inside = value
    for key in at[:-1]:
        inside = inside[key]
    inside[at[-1]] = new
    return value


def kind(value: object) -> str:
    """The type of a JSON value; numbers are one."""
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def test_a_description_of_wrong_types_is_told_alike_by_all_commands(folder: Path) -> None:
    """Each place of a real job.json with a value of another type, thrown with one pair of dice."""
    dice = random.Random(12)
    file = folder / "job.json"
    real = json.loads(file.read_bytes())
    kept = {each.name: each.read_bytes() for each in folder.iterdir()}
    wrong: list[str] = []
    for at in paths(real):
        old = real
        for key in at:
            old = old[key]
        if old is None:
            continue  # a price, a time or a figure that is not known yet
        new = dice.choice([other for other in OTHERS if other is not None and kind(other) != kind(old)])
        file.write_text(json.dumps(put(real, at, new)), encoding="utf-8")
        told = {}
        for command, arguments in COMMANDS.items():
            done = RUNNER.invoke(app, arguments)
            bug = done.exception is not None and not isinstance(done.exception, SystemExit)
            told[command] = repr(done.exception) if bug else f"{done.exit_code} {done.stderr.strip()}"
            for name, content in kept.items():
                if name != "job.json" and (folder / name).read_bytes() != content:
                    (folder / name).write_bytes(content)
        # What decides the content is compared with the command, so it may be told as another job's.
        another = " holds another job: " if at[0] in {"settings", "inputs", "model", "extractor"} else NO_JOB
        if not all(
            each.startswith("2 ") and (NO_JOB in each or (command == "run" and another in each))
            for command, each in told.items()
        ):
            wrong.append(f"{'.'.join(map(str, at))} = {new!r}: {told}")
    assert not wrong, f"{len(wrong)} of them:\n" + "\n".join(wrong)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"7",
        b'"job"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"settings": ' * 5000,
        b"{}",
        b"\x00" * 100,
        b"9" * 5000,
    ],
    ids=["empty", "brace", "null", "list", "number", "string", "no UTF-8", "brackets", "depth", "object", "zeros", "digits"],
)
def test_what_is_no_description_is_told_alike_by_all_commands(folder: Path, content: bytes, command: str) -> None:
    (folder / "job.json").write_bytes(content)
    done = invoke(command)
    assert (done.exit_code, done.stdout) == (2, "")
    assert NO_JOB in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_in_the_place_of_the_description_is_told_alike(folder: Path, command: str) -> None:
    (folder / "job.json").unlink()
    (folder / "job.json").mkdir()
    done = invoke(command)
    assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)
    assert NO_JOB in done.stderr


def test_status_shows_no_escape_sequence_of_the_description(folder: Path) -> None:
    evil = "\x1b]0;owned\x07\x1b[31m\x9b2J\u202eabc\r\n"
    file = folder / "job.json"
    real = json.loads(file.read_bytes())
    for name in ("model", "started", "updated", "finished", "extractor", "directory"):
        file.write_text(json.dumps(real | {name: evil}), encoding="utf-8")
        for command in ("status", "retry", "run"):
            done = invoke(command)
            assert not any(character in done.output for character in "\x1b\x07\x9b\u202e\r"), (name, command, done.output)
            file.write_text(json.dumps(real | {name: evil}), encoding="utf-8")


def started(program: "Program", *arguments: str) -> tuple[int, str]:
    """Exit code and standard error of a command that has to end within ten seconds."""
    process = program.start(*arguments)
    try:
        _, said = process.communicate(b"", timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        pytest.fail(f"{arguments} hangs")
    return process.returncode, said.decode()


@pytest.mark.parametrize("name", ["failures.jsonl", "extractions.jsonl"])
def test_a_link_in_the_place_of_a_file_is_refused_and_what_it_points_at_is_left_alone(folder: Path, name: str) -> None:
    victim = folder.parent / "diary.txt"
    victim.write_text("dear diary\n")
    (folder / name).unlink()
    (folder / name).symlink_to(victim)
    for options in ([], ["--fresh"]):
        done = RUNNER.invoke(app, [*COMMANDS["run"], *options])
        assert done.exit_code in {1, 2}, done.output
        assert done.exception is None or isinstance(done.exception, SystemExit)
        assert name in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert victim.read_text() == "dear diary\n"


def test_a_pipe_in_the_place_of_a_file_is_refused(folder: Path, program: "Program") -> None:
    (folder / "failures.jsonl").unlink()
    os.mkfifo(folder / "failures.jsonl")
    code, said = started(program, "run", "papers.jsonl", "-o", "job")
    assert code in {1, 2}
    assert "failures.jsonl" in said
    assert "Traceback" not in said
    code, said = started(program, "status", "job")
    assert "Traceback" not in said


@pytest.mark.parametrize("left", ["nothing", "half", "half a line"])
def test_records_that_shrink_under_a_running_job_end_it(home: Path, left: str) -> None:
    """What was done is gone, and exit code 0 would say that all is there."""
    write(PAPERS)
    records = home / "cut" / "extractions.jsonl"
    sizes: list[int] = []

    async def act(request: Request) -> web.StreamResponse:
        sizes.append(records.stat().st_size)
        if len(sizes) == 6:
            size = {"nothing": 0, "half": sizes[3], "half a line": sizes[3] + 7}[left]
            os.truncate(records, size)
        return await labels()(request)

    with ModelServer(act) as server:
        arguments = ["run", "papers.jsonl", "-m", "openai/m", "--base-url", server.url, "-o", "cut", "--concurrency", "1"]
        done = RUNNER.invoke(app, arguments)
        assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
        assert done.exit_code == 3, done.output
        assert "extractions.jsonl" in done.stderr
        server.server.acts = [labels()]
        again = RUNNER.invoke(app, arguments)
        assert again.exit_code == 0, again.output
    assert ids("cut") == [paper["id"] for paper in PAPERS]


def test_a_worker_that_is_killed_while_it_starts_is_replaced(program: "Program", home: Path) -> None:
    """The first four are killed as soon as they are there, also those that take the place of others."""
    process = program.start("run", "papers.jsonl", "-o", "by-workers", "--workers", "2")
    killed: set[str] = set()
    while len(killed) < 4 and process.poll() is None:
        children = Path(f"/proc/{process.pid}/task").glob("*/children")
        for child in {name for file in children for name in _read(file).split()}:
            if child not in killed and "spawn_main" in _read(Path(f"/proc/{child}/cmdline")):
                os.kill(int(child), signal.SIGKILL)
                killed.add(child)
    _, said = process.communicate(timeout=60)
    assert len(killed) >= 4
    assert process.returncode == 3, said  # for the record that cannot be read
    assert ids("by-workers") == [paper["id"] for paper in PAPERS[:2]]


def _read(file: Path) -> str:
    """A file of /proc, whose process may be gone."""
    try:
        return file.read_text()
    except OSError:
        return ""
