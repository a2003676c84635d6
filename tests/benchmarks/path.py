"""Through how many files one abstract passes, and how often it changes rooms on its way.

    python -m tests.benchmarks.path [--package FOLDER] [--rooms]

Runs `extractor run` on one abstract, with the rules and with a model on this machine, under Python's profiler. A file counts
when one of its functions is called, what runs while a module is imported left out. A room is a folder of the package, or a
module beside the folders; each call into another room than the call before it was in is a change. `--package` measures
another checkout, `--rooms` prints the rooms in the order in which they are entered.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.labelling.model_server import ModelServer

ROOT = Path(__file__).parents[2]
ABSTRACT = {
    "id": "one",
    "title": "FastNet: Quick Networks",
    "abstract": "We present FastNet. FastNet is 2.3x faster than SlowNet on a Jetson Nano, uses 40% less memory and reaches "
    "91.5% accuracy on ImageNet.",
}
_PROFILED = """
import json, sys, threading
from pathlib import Path
import extractor.cli
home = str(Path(extractor.cli.__file__).parents[1]) + "/"
calls = []

def is_import(frame):
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_code.co_filename.startswith(home):
            return True
        frame = frame.f_back
    return False

def note(frame, event, _argument):
    name = frame.f_code.co_filename
    if event == "call" and name.startswith(home) and not is_import(frame):
        calls.append(name.removeprefix(home))

target = sys.argv.pop(1)
threading.setprofile(note)
sys.setprofile(note)
try:
    extractor.cli.main()
finally:
    sys.setprofile(None)
    Path(target).write_text(json.dumps(calls))
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="The path of one abstract through the code.")
    parser.add_argument("--package", type=Path, default=ROOT, help="the checkout to measure (default: this one)")
    parser.add_argument("--rooms", action="store_true", help="print the rooms in the order in which they are entered")
    options = parser.parse_args(arguments)
    with ModelServer() as server:
        model = ["--model", "openai/m", "--base-url", server.url, "--no-cache"]
        for name, asked in (("rules", []), ("a model", model)):
            calls = calls_of(asked, options.package)
            print(f"with {name}: {len(set(calls))} files, {changes(calls)} changes of room")
            if options.rooms:
                print("  " + " > ".join(name for name, _ in itertools.groupby(map(room, calls))))
    return 0


def calls_of(arguments: Sequence[str], package: Path = ROOT) -> list[str]:
    """The file of each call into the package while `extractor run` extracts the abstract, in order, relative to the package."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "one.jsonl", Path(folder) / "calls.json"
        source.write_text(json.dumps(ABSTRACT) + "\n", encoding="utf-8")
        command = [sys.executable, "-c", _PROFILED, str(target), "run", str(source), "-o", f"{folder}/out", *arguments]
        environment = os.environ | {"PYTHONPATH": str(package), "OPENAI_API_KEY": ""}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        return list(json.loads(target.read_text(encoding="utf-8")))


def changes(calls: Sequence[str]) -> int:
    """How often a call is in another room than the one before."""
    return sum(room(before) != room(after) for before, after in itertools.pairwise(calls))


def room(file: str) -> str:
    """The folder that a file of the package stands in, or the file itself if that is the package's own folder."""
    return file.rpartition("/")[0] or file


if __name__ == "__main__":
    sys.exit(main())
