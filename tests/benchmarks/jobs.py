"""How many abstracts a second a job labels, by the rules in one process and in several, and in how much memory.

    python -m tests.benchmarks.jobs [INPUT] [--documents N] [--workers 1 2] [--model] [--plain]

The abstracts of the input are repeated under new ids, on the fly, into the standard input of `extractor run -`; the folder
is removed at the end. The rate leaves the first tenth out, in which processes start. Memory is what the command and its
processes hold, sampled on the way: it is flat if it does not grow with the documents. With `--model` a model is asked, too,
which answers at once from a process of its own: the rate is what one process of the command can do. With `--plain` the
documents hold nothing to label, which is several times quicker and shows what is kept of each.
"""

import argparse
import asyncio
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from aiohttp import web

from extractor.jobs.job import Description
from extractor.sources import Sourced, read
from tests.labelling.model_server import right_labels, shown
from tests.llm.server import Request, Server, completion

ROOT = Path(__file__).parents[2]
ABSTRACTS = ROOT / "evals" / "corpus" / "abstracts.txt"
SAMPLES = 10
PLAIN = ("On reading", "We say what reading is, what it was, and what it can be.")


@dataclass(frozen=True, slots=True)
class Measured:
    """One job: documents a second, calls of a model for each, and megabytes in all processes at each tenth of the input."""

    rate: float
    calls: float
    memory: list[float]

    def __str__(self) -> str:
        asked = f" ({self.rate * self.calls * 60:,.0f} calls a minute)" if self.calls else ""
        return f"{self.rate:8,.0f} abstracts/s{asked}; {' '.join(f'{each:.0f}' for each in self.memory)}"


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and return 1 if a job fails."""
    parser = argparse.ArgumentParser(description="Abstracts per second and memory of whole jobs.")
    parser.add_argument("input", nargs="?", default=str(ABSTRACTS), help="any input that `extractor run` reads")
    parser.add_argument("--documents", type=int, default=20_000, help="documents of each job (default 20,000)")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2], help="processes of each job by rules (default 1 2)")
    parser.add_argument("--model", action="store_true", help="also a job whose model answers at once")
    parser.add_argument("--plain", action="store_true", help="documents without a number or a device")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve:
        asyncio.run(_serve())
        return 0
    papers = [PLAIN] if options.plain else abstracts(options.input)
    print(f"{options.documents:,} documents a job, from {len(papers):,} abstracts repeated; memory in MB at each tenth")
    first: Measured | None = None
    for workers in options.workers:
        if (done := piped(papers, options.documents, ["--workers", str(workers)])) is None:
            return 1
        first = first or done
        print(f"--workers {workers}: {done.rate / first.rate:4.2f} times the first; {done}", flush=True)
    if options.model:
        with _answering() as url:
            asking = ["--model", "openai/m", "--base-url", url, "--no-cache", "--narrow-schema", "never", "--concurrency", "64"]
            if (done := piped(papers, options.documents, asking)) is None:
                return 1
        print(f"--model: {done}")
    return 0


def abstracts(source: str) -> list[tuple[str, str]]:
    """Title and text of each abstract of an input. Raises `SystemExit` if it holds none."""
    papers = [(item.document.title, item.document.abstract) for item in read([source]) if isinstance(item, Sourced)]
    if not papers:
        raise SystemExit(f"{source} holds no abstract; name a file that holds some")
    return papers


@dataclass(frozen=True, slots=True)
class Ran:
    """`extractor run` over a file: documents a second by its own clock, and CPU milliseconds a document with its start."""

    rate: float
    cpu: float


def run_file(papers: list[tuple[str, str]], documents: int, options: Sequence[str]) -> Ran:
    """Run one job over a file of so many documents. Raises `SystemExit` with what it said if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "papers.jsonl").write_bytes(b"".join(_lines(papers, documents)))
        command = [sys.executable, "-m", "extractor.cli", "run", "papers.jsonl", "-o", "job", *options]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise SystemExit(done.stderr)
        took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        told = Description.read(Path(folder, "job"))
        return Ran(told.counts.documents / told.seconds, 1000 * took / told.counts.documents)


def piped(papers: list[tuple[str, str]], documents: int, options: Sequence[str]) -> Measured | None:
    """Run one job over what is piped into it; None if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "extractor.cli", "run", "-", "-o", folder, "--fresh", *options]
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
        calls = Description.read(Path(folder)).counts.calls
        return Measured((documents - tenth) / seconds, calls / documents, memory)


@contextmanager
def _answering() -> Iterator[str]:
    """The address of a model in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.jobs", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


async def _serve() -> None:
    """Answer as the rules would, which are asked once about each abstract."""
    known: dict[str, bytes] = {}

    async def answer(request: Request) -> web.StreamResponse:
        document = shown(request)
        if (body := known.get(document.text)) is None:
            said = (await right_labels(document)).model_dump_json()
            body = known[document.text] = json.dumps(completion(said)).encode()
        return web.Response(body=body, content_type="application/json")

    async with Server(answer) as server:
        print(server.url, flush=True)
        await asyncio.Event().wait()


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
