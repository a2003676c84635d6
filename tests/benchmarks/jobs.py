"""How many abstracts a second a job labels by the rules, with one process and with several, and in how much memory.

    python -m tests.benchmarks.jobs [INPUT] [--documents N] [--workers 1 2] [--plain]

The abstracts of the input are repeated under new ids, on the fly, into the standard input of `extractor run -`; the folder
is removed at the end. The rate leaves the first tenth out, in which processes start. Memory is what the command and its
processes hold, sampled on the way: it is flat if it does not grow with the documents. With `--plain` the documents hold
nothing to label, which is several times quicker and shows what is kept of each.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from extractor.sources import Sourced, read

ROOT = Path(__file__).parents[2]
ABSTRACTS = ROOT / "evals" / "corpus" / "abstracts.txt"
SAMPLES = 10


@dataclass(frozen=True, slots=True)
class Measured:
    """One job: documents a second, and megabytes in all processes at each tenth of the input."""

    workers: int
    rate: float
    memory: list[float]


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and return 1 if a job fails."""
    parser = argparse.ArgumentParser(description="Abstracts per second and memory of a whole job with the rules.")
    parser.add_argument("input", nargs="?", default=str(ABSTRACTS), help="any input that `extractor run` reads")
    parser.add_argument("--documents", type=int, default=20_000, help="documents of each job (default 20,000)")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="processes of each job (default 1 2)")
    parser.add_argument("--plain", action="store_true", help="documents without a number or a device")
    options = parser.parse_args(arguments)
    papers = [(item.document.title, item.document.abstract) for item in read([options.input]) if isinstance(item, Sourced)]
    if not papers:
        raise SystemExit(f"{options.input} holds no abstract; name a file that holds some")
    if options.plain:
        papers = [("On reading", "We say what reading is, what it was, and what it can be.")]
    print(f"{options.documents:,} documents a job, from {len(papers):,} abstracts repeated; memory in MB at each tenth")
    done = []
    for workers in options.workers:
        measured = _job(papers, options.documents, workers)
        if measured is None:
            return 1
        done.append(measured)
        memory = " ".join(f"{each:.0f}" for each in measured.memory)
        ratio = measured.rate / done[0].rate
        print(f"--workers {workers}: {measured.rate:8,.0f} abstracts/s, {ratio:4.2f} times the first; {memory}")
    return 0


def _job(papers: list[tuple[str, str]], documents: int, workers: int) -> Measured | None:
    """Run one job; None if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "extractor.cli", "run", "-", "-o", folder, "--workers", str(workers), "--fresh"]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        assert process.stdin is not None
        memory, began = [], 0.0
        tenth = max(1, documents // SAMPLES)
        for number, line in enumerate(_lines(papers, documents), 1):
            process.stdin.write(line)
            if number == tenth:
                began = perf_counter()
            if number % tenth == 0:
                memory.append(_megabytes(process.pid))
        _, talk = process.communicate()
        seconds = perf_counter() - began
        if process.returncode:
            print(talk.decode(), file=sys.stderr)
            return None
        return Measured(workers, (documents - tenth) / seconds, memory)


def _lines(papers: list[tuple[str, str]], documents: int) -> Iterator[bytes]:
    for number, (title, abstract) in enumerate(itertools.islice(itertools.cycle(papers), documents)):
        yield json.dumps({"id": f"{number:09}", "title": title, "abstract": abstract}).encode() + b"\n"


def _megabytes(process: int) -> float:
    """What a process and its children hold."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,rss="], capture_output=True, text=True, check=True).stdout
    rows = [[int(cell) for cell in line.split()] for line in listed.splitlines()]
    return sum(rss for pid, parent, rss in rows if process in (pid, parent)) / 1024


if __name__ == "__main__":
    sys.exit(main())
