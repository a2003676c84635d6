"""A service that is killed again and again while its clients' jobs run loses none of them and pays nothing twice.

    python -m tests.chaos.service_kills [--jobs 10] [--documents 60] [--kills 10] [--seed 1]

A job is handed in each time that the service has started, which is then ended by SIGKILL at a random moment. The model's
server counts what it is asked; the reply cache is off, so that what the jobs' folders alone keep is seen. Prints what happened
and each promise, and returns 1 if one is broken.
"""

import argparse
import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from aiohttp import web

from tests.chaos.kills import ROOT, name_of, papers
from tests.labelling.model_server import ModelServer, right_labels, shown
from tests.llm.server import Request, says

CONCURRENCY = 16
WINDOW = 16
"""Documents that a job with three quarters of these calls has under way at once."""


class Model:
    """Answers as the rules do, after a moment, and counts."""

    def __init__(self, seed: int) -> None:
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self._dice = random.Random(seed)

    async def act(self, request: Request) -> web.StreamResponse:
        """Answer one request."""
        document = shown(request)
        name = name_of(document.title)
        self.asked[name] += 1
        await asyncio.sleep(self._dice.uniform(0.0, 0.1))
        labels = (await right_labels(document)).model_dump_json()
        self.answered[name] += 1
        return await says(labels)(request)


class Running:
    """The service in a process of its own, which is started again and again over the same jobs."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        self._command = [
            sys.executable,
            "-m",
            "extractor.cli",
            "serve",
            "--port",
            "0",
            "--model",
            "openai/m",
            "--base-url",
            url,
        ]
        self._command += ["--no-cache", "--concurrency", str(CONCURRENCY), "--price", "1,1"]
        self._environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENAI_API_KEY": "sk-loopback-0123456789"}
        self.url = ""

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.log = (self.home / "log").open("a+")
        before = self.log.seek(0, os.SEEK_END)
        self.process = subprocess.Popen(self._command, cwd=self.home, env=self._environment, stderr=self.log)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            self.log.seek(before)
            if found := re.search(r"Serving on (http://\S+?),", self.log.read()):
                self.url = found[1]
                return
            time.sleep(0.02)
        raise RuntimeError("the service does not start")

    def end(self, number: signal.Signals) -> int:
        """End it; how it ended."""
        self.process.send_signal(number)
        self.log.close()
        return self.process.wait(60)

    def ask(self, method: str, path: str, **how: Any) -> dict[str, Any]:
        """The answer to a request."""
        answer = httpx.request(method, self.url + path, timeout=60, trust_env=False, **how)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told

    def done(self) -> set[str]:
        """The ids whose records are whole in a job's file."""
        lines = [line for file in self.home.glob("jobs/*/extractions.jsonl") for line in file.read_bytes().splitlines(True)]
        return {json.loads(line)["id"] for line in lines if line.endswith(b"\n")}


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and return 1 if a promise is broken."""
    parser = argparse.ArgumentParser(description="A service that is killed again and again.")
    parser.add_argument("--jobs", type=int, default=10)
    parser.add_argument("--documents", type=int, default=60, help="of each job")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        broken = _run(Path(folder), options.jobs, options.documents, options.kills, options.seed)
    print(f"{time.monotonic() - began:.0f} s; {f'{broken} BROKEN' if broken else 'every promise kept'}")
    return 1 if broken else 0


def _run(home: Path, jobs: int, documents: int, kills: int, seed: int) -> int:
    dice, model = random.Random(seed), Model(seed)
    written = list(papers(jobs * documents))
    asked_again: Counter[str] = Counter()
    states: dict[str, dict[str, Any]] = {}
    code = 0
    handed_in: dict[str, list[str]] = {}
    with ModelServer(model.act) as server:
        service = Running(home, server.url)
        done: set[str] = set()
        for turn in range(max(jobs, kills + 1)):
            before = model.asked.copy()
            service.start()
            if turn < jobs:
                part = written[turn * documents : (turn + 1) * documents]
                body = "".join(json.dumps(paper) + "\n" for paper in part).encode()
                id = service.ask("POST", "/v1/jobs", params={"name": "papers.jsonl"}, content=body)["id"]
                handed_in[id] = [paper["id"] for paper in part]
            if turn < kills:
                _wait(model, model.asked.total() + dice.randrange(1, 2 * jobs * documents // (kills + 1)))
                time.sleep(dice.uniform(0, 0.2))
                service.end(signal.SIGKILL)
                print(f"killed with {len(service.done()):,} done, {model.asked.total():,} requests so far", flush=True)
            else:
                _finish(service, handed_in)
                states = {id: service.ask("GET", f"/v1/jobs/{id}") for id in handed_in}
                code = service.end(signal.SIGTERM)
            asked_again += Counter({name: model.asked[name] - before[name] for name in done})
            done = service.done()
        log = (home / "log").read_text()
    lost = sum(model.answered.values()) - len(model.answered)
    print(f"{lost:,} answers of {sum(model.answered.values()):,} were lost with the calls under way")
    faults = [*_faults(home, handed_in, states), *([f"a traceback:\n{log}"] if "Traceback" in log else [])]
    faults += [f"{asked_again.total()} requests for documents that were done"] if asked_again.total() else []
    faults += [f"{lost} answers lost, more than {WINDOW} at each of {kills} kills"] if lost > kills * WINDOW else []
    faults += [f"the service ended with {code} when it was asked to"] if code else []
    for fault in faults:
        print(f"BROKEN: {fault}")
    return len(faults)


def _wait(model: Model, requests: int) -> None:
    """Wait until the model has had so many requests, or has no more to answer."""
    deadline = time.monotonic() + 15
    while model.asked.total() < requests and time.monotonic() < deadline:
        time.sleep(0.005)


def _finish(service: Running, handed_in: dict[str, list[str]]) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        states = {job["id"]: job["state"] for job in service.ask("GET", "/v1/jobs")["jobs"]}
        if all(states.get(id) == "finished" for id in handed_in):
            return
        time.sleep(0.2)


def _faults(home: Path, handed_in: dict[str, list[str]], states: dict[str, dict[str, Any]]) -> Iterator[str]:
    """What is not as it should be at the end."""
    for id, ids in handed_in.items():
        lines = (home / "jobs" / id / "extractions.jsonl").read_bytes().splitlines()
        if [json.loads(line)["id"] for line in lines] != ids:
            yield f"the records of {id} are not those of its documents, in their order"
        if states[id]["state"] != "finished" or states[id]["done"] != len(ids) or states[id]["failed"]:
            yield f"{id} is said to be {states[id]['state']} with {states[id]['done']} done and {states[id]['failed']} failed"
        cost = sum(json.loads(line)["provenance"]["cost_usd"] for line in lines)
        if states[id]["spent_usd"] < cost - 1e-6:
            yield f"{id} says that less was spent than its records cost"


if __name__ == "__main__":
    sys.exit(main())
