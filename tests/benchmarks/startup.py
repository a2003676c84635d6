"""CPU seconds until a command has answered: of the package's commands, and of importing what people would use instead."""

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks.environments import PINS, UnavailableError, interpreter, version
from tests.benchmarks.figures import Result, Row, Skipped, rounds
from tests.benchmarks.jobs import ROOT
from tests.benchmarks.path import ABSTRACT

Command = Sequence[str | Path]
WHAT = "CPU from start to end"


def measure(turns: int, libraries: Sequence[str] = tuple(PINS)) -> Result:
    """Each command as often as there are turns, in turn, after one that does not count: it fills caches of files."""
    skipped: list[Skipped] = []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "one.jsonl").write_text(json.dumps(ABSTRACT) + "\n", encoding="utf-8")
        commands = {**_ours(), **dict(_imports(libraries, skipped))}
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(turns + 1):
            for name, command in commands.items():
                seconds = cpu_of(command, folder)
                if turn:
                    taken[name].append(seconds)
    versions = {_first_line(name): version(name) for name in libraries}
    rows = tuple(Row(name, WHAT, "s", rounds(seconds)) for name, seconds in taken.items())
    return Result("Start-up", rows, tuple(skipped), None, versions)


def _ours() -> dict[str, Command]:
    extractor = [sys.executable, "-m", "extractor.cli"]
    return {
        "extractor --help": [*extractor, "--help"],
        "extractor run, one abstract": [*extractor, "run", "one.jsonl", "-o", "job", "--fresh"],
    }


def _imports(libraries: Sequence[str], skipped: list[Skipped]) -> Iterator[tuple[str, Command]]:
    for library in libraries:
        try:
            yield _first_line(library), [interpreter(library), "-c", _first_line(library)]
        except UnavailableError as error:
            skipped.append(Skipped(_first_line(library), error.why))


def _first_line(library: str) -> str:
    """What a program that uses a library begins with; some load the most of themselves only when a name is asked for."""
    return {"instructor": "from instructor import from_openai", "langextract": "from langextract import extract"}.get(
        library, f"import {library}"
    )


def cpu_of(command: Command, folder: str) -> float:
    """CPU seconds of a command and what it starts. Raises `SystemExit` with what it said if it fails."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(done.stderr)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
