"""A job that is killed again and again, against a server that misbehaves in every way, ends as if nothing had been.

    python -m tests.chaos.kills [--documents 2000] [--kills 10] [--seed 1]

The command runs in a process of its own, which is ended by SIGKILL at random moments and started again. Of the server's replies
5% are errors 500, 3% dropped connections, 2% cut off, 2% of a wrong shape, 1% never come; now and then a burst of 429; and it
never takes some of the documents. The reply cache is off, so that what the job's folder alone keeps is seen. Prints what
happened and each promise, and returns 1 if one is broken.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from aiohttp import web

from extractor.documents import Document
from extractor.records import Extraction, Failure
from extractor.sources import Sourced, read
from extractor.spotting import spot
from tests.labelling.model_server import ModelServer, right_labels, shown
from tests.llm.server import Act, Request, breaks_off, fails, hangs, resets, says

ROOT = Path(__file__).parents[2]
ABSTRACTS = ROOT / "evals" / "corpus" / "abstracts.txt"
CONCURRENCY = 32
WINDOW = CONCURRENCY + CONCURRENCY // 4 + 1
"""Documents that are under way at once."""
REFUSED = 100
"""One of so many documents is never taken."""
BURST, CALM = 12, 300
"""Replies in a burst of 429, and between two bursts."""
FATES: list[tuple[float, str]] = [
    (0.05, "error 500"),
    (0.03, "dropped"),
    (0.01, "broken off"),
    (0.01, "cut off"),
    (0.02, "wrong shape"),
    (0.01, "hung"),
]


class Chaos:
    """What the server does, seeded: the fate of a document's nth request is the same in every run."""

    def __init__(self, seed: int, refused: set[str]) -> None:
        self.seed = seed
        self.refused = refused
        self.fates: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.requests = 0
        self._labels: dict[str, str] = {}

    async def act(self, request: Request) -> web.StreamResponse:
        """Answer one request."""
        document = shown(request)
        name = name_of(document.title)
        self.requests += 1
        self.asked[name] += 1
        await asyncio.sleep(random.Random(f"{self.seed} {name} {self.asked[name]} wait").uniform(0.0, 0.2))
        fate = self._fate(name)
        self.fates[fate] += 1
        return await (await self._deed(fate, name, document))(request)

    def _fate(self, name: str) -> str:
        if name in self.refused:
            return "refused"
        if self.requests % (BURST + CALM) < BURST:
            return "429"
        draw = random.Random(f"{self.seed} {name} {self.asked[name]}").random()
        for share, fate in FATES:
            if draw < share:
                return fate
            draw -= share
        return "answered"

    async def _deed(self, fate: str, name: str, document: Document) -> Act:
        deeds: dict[str, Act] = {
            "refused": fails(400, "the input is too long"),
            "429": fails(429, headers={"Retry-After": "0.1"}),
            "error 500": fails(500),
            "dropped": resets,
            "broken off": breaks_off,
            "wrong shape": says({"claims": "many"}),
            "hung": hangs,
        }
        if fate in deeds:
            return deeds[fate]
        if name not in self._labels:
            self._labels[name] = (await right_labels(document)).model_dump_json()
        labels = self._labels[name]
        if fate == "cut off":
            return says(labels[: len(labels) // 2], finish="length")
        self.answered[name] += 1
        return says(labels)


def name_of(title: str) -> str:
    """The id of a document, which its title ends with."""
    return title.rpartition(" ")[2]


def papers(count: int) -> Iterator[dict[str, str]]:
    """Real abstracts that need a call, again and again, each with a name in letters, which are no quantity."""
    found = [item.document for item in read([str(ABSTRACTS)]) if isinstance(item, Sourced)]
    called = [document for document in found if (mentions := spot(document.text)).quantities or mentions.hardware]
    for n, document in enumerate(islice(cycle(called), count)):
        name = "q" + "".join(chr(ord("a") + int(digit)) for digit in f"{n:05}")
        yield {"id": name, "title": f"{document.title} {name}", "abstract": document.abstract}


class Job:
    """The command, which is started again and again on the same folder."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        self.folder = home / "job"
        where = ["papers.jsonl", "-o", "job", "-m", "openai/m", "--base-url", url]
        how = ["--no-cache", "--timeout", "3", "--concurrency", str(CONCURRENCY), "--price", "1,1"]
        self._command = [sys.executable, "-m", "extractor.cli", "run", *where, *how]
        self._environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENAI_API_KEY": "sk-loopback-0123456789"}

    def start(self) -> subprocess.Popen[bytes]:
        """Start it."""
        with (self.home / "log").open("ab") as log:
            return subprocess.Popen(self._command, cwd=self.home, env=self._environment, stderr=log)

    def done(self) -> set[str]:
        """The ids whose records are whole in the file."""
        file = self.folder / "extractions.jsonl"
        lines = file.read_bytes().splitlines(keepends=True) if file.exists() else []
        return {json.loads(line)["id"] for line in lines if line.endswith(b"\n")}


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and return 1 if a promise is broken."""
    parser = argparse.ArgumentParser(description="A job that is killed again and again.")
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        broken = _run(Path(folder), options.documents, options.kills, options.seed)
    print(f"{time.monotonic() - began:.0f} s; {f'{broken} BROKEN' if broken else 'every promise kept'}")
    return 1 if broken else 0


def _run(home: Path, count: int, kills: int, seed: int) -> int:
    dice = random.Random(seed)
    written = list(papers(count))
    (home / "papers.jsonl").write_text("".join(json.dumps(paper) + "\n" for paper in written), encoding="utf-8")
    ids = [paper["id"] for paper in written]
    chaos = Chaos(seed, set(ids[::REFUSED]))
    asked_again: Counter[str] = Counter()
    with ModelServer(chaos.act) as server:
        job = Job(home, server.url)
        done: set[str] = set()
        for _ in range(kills):
            before = chaos.asked.copy()
            process = job.start()
            _wait(process, chaos, chaos.requests + dice.randrange(2 * count // (kills + 1)))
            time.sleep(dice.uniform(0, 0.3))
            process.send_signal(signal.SIGKILL)
            process.wait()
            asked_again += Counter({name: chaos.asked[name] - before[name] for name in done})
            done = job.done()
            print(f"killed with {len(done):,} done, {chaos.requests:,} requests so far")
        before = chaos.asked.copy()
        process = job.start()
        code = process.wait()
        asked_again += Counter({name: chaos.asked[name] - before[name] for name in done})
        print("replies: " + ", ".join(f"{number:,} {fate}" for fate, number in chaos.fates.most_common()))
        log = (home / "log").read_text()
    lost = sum(chaos.answered.values()) - len(chaos.answered)
    print(f"{lost:,} answers of {sum(chaos.answered.values()):,} were lost with the calls under way")
    faults = [*_faults(job, ids, chaos, code), *([f"a traceback:\n{log}"] if "Traceback" in log else [])]
    if asked_again.total():
        faults.append(f"{asked_again.total()} requests for documents that were done")
    if lost > kills * WINDOW:
        faults.append(f"{lost} answers lost, more than the {WINDOW} under way at each of {kills} kills")
    for fault in faults:
        print(f"BROKEN: {fault}")
    return len(faults)


def _wait(process: subprocess.Popen[bytes], chaos: Chaos, requests: int) -> None:
    """Wait until the server has had so many requests."""
    deadline = time.monotonic() + 60
    while chaos.requests < requests and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)


def _faults(job: Job, ids: list[str], chaos: Chaos, code: int) -> Iterator[str]:
    """What is not as it should be at the end."""
    if code != 3:
        yield f"the last run ended with {code}, not with 3 for the documents that are refused"
    extractions, failures = ((job.folder / name).read_bytes() for name in ("extractions.jsonl", "failures.jsonl"))
    if not (extractions.endswith(b"\n") and failures.endswith(b"\n")):
        yield "a file does not end with a line end"
    records = [Extraction.model_validate_json(line) for line in extractions.splitlines()]
    failed = [Failure.model_validate_json(line) for line in failures.splitlines()]
    done, not_done = [record.id for record in records], {failure.id for failure in failed}
    if sorted([*done, *(failure.id or "" for failure in failed)]) != sorted(ids):
        yield "not every id is in exactly one file"
    if done != [name for name in ids if name not in not_done]:
        yield "the records are not in the order of the input"
    if not not_done >= chaos.refused:
        yield "a document that was refused has no failure"
    description = json.loads((job.folder / "job.json").read_bytes())
    counts, made = description["counts"], [record.provenance for record in records]
    wanted: dict[str, Any] = {
        "documents": len(ids),
        "failed": len(failed),
        "cached": 0,
        "claims": {kind: sum(claim.kind == kind for record in records for claim in record.claims) for kind in counts["claims"]},
        "hardware": sum(len(record.hardware) for record in records),
        "input_tokens": sum(each.input_tokens for each in made),
        "output_tokens": sum(each.output_tokens for each in made),
    }
    for name, value in wanted.items():
        if counts[name] != value and not (name.endswith("tokens") and len(failed) > len(chaos.refused)):
            yield f"job.json counts {name} as {counts[name]}, the files hold {value}"
    if abs(counts["cost_usd"] - 1e-6 * (counts["input_tokens"] + counts["output_tokens"])) > 1e-9:
        yield f"the cost of {counts['cost_usd']} is not that of the tokens"
    if description["spent_usd"] < counts["cost_usd"] - 1e-6 or description["finished"] is None:
        yield "job.json says that less was spent than the records cost, or that the job is not finished"


if __name__ == "__main__":
    sys.exit(main())
