"""A job on a Ray cluster of two nodes, which lose actors and one another: the records are those of one machine.

`make ray` runs this, with what it needs; the cluster is started once. What needs no cluster is in `tests/jobs/ray`.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import ray
from aiohttp import web
from ray.cluster_utils import Cluster

from extractor.jobs.job import Job, Outcome
from extractor.jobs.ray.engine import RayRunner
from extractor.jobs.runner import Runner
from extractor.labelling.models import ModelOptions
from extractor.outputs.jsonl import read_extractions, read_failures
from tests.chaos.kills import papers
from tests.labelling.model_server import ModelServer, right_labels, shown
from tests.llm.server import Request, completion

ROOT = Path(__file__).parents[2]
OBJECTS = 100 << 20
"""Bytes of a node's object store."""
TRIES = 3
"""Starts of a node: on a machine that is busy Ray gives up waiting for its own processes after 15 s."""
PER_MINUTE, WINDOW = 1500, 10.0
CONCURRENCY, ACTORS = 16, 4
READ, WROTE = 100, 10
"""Tokens of a reply, at a dollar for a million each."""

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # Ray leaves files and sockets to the end of the process
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def ports() -> dict[str, int]:
    """Free ports for a node's own processes: else its start waits for them to choose some, and gives up on a busy machine."""
    names = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port", "runtime_env_agent_port")
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in names]
        for each in sockets:
            each.bind(("", 0))
        return {name: each.getsockname()[1] for name, each in zip(names, sockets, strict=True)}


def add_node(cluster: Cluster) -> Any:
    """Start a node of two cores."""
    for left in reversed(range(TRIES)):
        try:
            return cluster.add_node(num_cpus=2, object_store_memory=OBJECTS, include_dashboard=False, **ports())
        except Exception as error:
            if not left:
                raise
            print(f"A node did not start, again: {error}")
    raise AssertionError


class Nodes:
    """The cluster: its head and one more node."""

    def __init__(self) -> None:
        self.cluster = Cluster()
        add_node(self.cluster)
        self.other = add_node(self.cluster)

    def replace_one(self) -> None:
        """Kill the node that is not the head and start another. Returns when an actor works on that."""
        self.cluster.remove_node(self.other, allow_graceful=False)
        self.other = add_node(self.cluster)
        [raylet] = self.other.all_processes["raylet"]
        until = time.monotonic() + 60
        while not any(parent == raylet.process.pid for _, parent in processes("Worker")):
            assert time.monotonic() < until
            time.sleep(0.05)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        patch.setenv("OPENAI_API_KEY", "sk-loopback-0123456789")
        started = Nodes()
        try:
            ray.init(address=started.cluster.address, log_to_driver=False, logging_level="ERROR")
            yield started
        finally:
            ray.shutdown()
            started.cluster.shutdown()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(count: int) -> list[str]:
    """An input of so many real abstracts with names of their own, and two bad records; the names."""
    found = list(papers(count))
    lines = [json.dumps(paper) for paper in found]
    lines[10:10] = ["not JSON", json.dumps({"id": "bad", "title": "x"})]
    Path("papers.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [paper["id"] for paper in found]


def run(options: ModelOptions | None = None, shards: int = 12) -> Outcome:
    return RayRunner(Job(("papers.jsonl",), options or ModelOptions(), engine="ray", shards=shards), print).run(Path("job"))


def alone(options: ModelOptions | None = None) -> Outcome:
    return Runner(Job(("papers.jsonl",), options or ModelOptions())).run(Path("alone"))


def records(folder: str) -> list[dict[str, Any]]:
    """What a folder holds, without how long it took."""
    found = [record.model_dump(mode="json") for record in read_extractions(folder)]
    return [each | {"provenance": each["provenance"] | {"seconds": 0}} for each in found]


def processes(kind: str) -> Iterator[tuple[int, int]]:
    """The processes of actors, with what has started each."""
    for place in Path("/proc").iterdir():
        if place.name.isdecimal():
            try:
                words, stat = (place / "cmdline").read_bytes(), (place / "stat").read_text()
            except OSError:
                continue
            if words.startswith(f"ray::{kind}".encode()):
                yield int(place.name), int(stat.rpartition(")")[2].split()[1])


def kill(kind: str) -> None:
    """End the process of one actor, as the system does when memory runs out."""
    process, _ = next(processes(kind))
    os.kill(process, signal.SIGKILL)


class Loopback:
    """A model that labels as the rules do. It counts who asks when, and does something at some of its requests."""

    def __init__(self, at: dict[int, Callable[[], None]] | None = None, seconds: float = 0.0) -> None:
        self.asked: Counter[str] = Counter()
        self.times: list[float] = []
        self._at, self._seconds = dict(at or {}), seconds
        self.answers = threading.Event()
        self.answers.set()
        self.server = ModelServer(self._act)
        self.faults: list[BaseException] = []

    @property
    def options(self) -> ModelOptions:
        """How it is asked."""
        return ModelOptions("openai/m", self.server.url, cache=False, concurrency=CONCURRENCY, price="1,1", max_cost=50.0)

    async def _act(self, request: Request) -> web.StreamResponse:
        document = shown(request)
        self.asked[document.title] += 1
        self.times.append(time.monotonic())
        if (deed := self._at.pop(len(self.times), None)) is not None:
            threading.Thread(target=self._do, args=(deed,), daemon=True).start()
        await asyncio.sleep(self._seconds)
        await asyncio.to_thread(self.answers.wait)
        return web.json_response(completion((await right_labels(document)).model_dump_json()))

    def _do(self, deed: Callable[[], None]) -> None:
        try:
            deed()
        except BaseException as error:  # noqa: BLE001 (the test looks at it)
            self.faults.append(error)

    def check(self, names: list[str], losses: int) -> None:
        """That every document was asked, none that was done again, and of those under way at a loss each at most twice."""
        assert self.faults == []
        assert self._at == {}
        assert sorted(title.rpartition(" ")[2] for title in self.asked) == sorted(names)
        again = sum(self.asked.values()) - len(self.asked)
        assert again <= losses * CONCURRENCY
        assert max(self.asked.values()) <= 1 + losses


def most_in(window: float, times: list[float]) -> int:
    """The most that came in so many seconds."""
    times = sorted(times)
    first = most = 0
    for last, at in enumerate(times):
        while times[first] <= at - window:
            first += 1
        most = max(most, last + 1 - first)
    return most


def test_rules_on_two_nodes_with_an_actor_killed_give_the_records_of_one_machine(nodes: Nodes) -> None:
    write(1500)

    def once_some_are_whole() -> None:
        while not [*Path("job/shards").glob("*")]:
            time.sleep(0.01)
        kill("Worker")

    killer = threading.Thread(target=once_some_are_whole, daemon=True)
    killer.start()
    outcome, same = run(shards=40), alone()
    killer.join(10)
    assert (outcome.counts, outcome.stopped) == (same.counts, None)
    assert records("job") == records("alone")
    assert [*read_failures("job")] == [*read_failures("alone")]


def test_four_actors_keep_the_rate_and_lose_nothing_with_an_actor_and_the_keeper_of_the_limits_killed(nodes: Nodes) -> None:
    names = write(500)
    loopback = Loopback({120: lambda: kill("Worker"), 240: lambda: kill("Leases")}, seconds=0.2)
    with loopback.server:
        outcome = run(replace(loopback.options, requests_per_minute=PER_MINUTE))
        loopback.check(names, losses=1)
        times, billed = list(loopback.times), len(loopback.times)
        same = alone(loopback.options)
    assert (outcome.counts.extracted, outcome.counts.failed, outcome.stopped) == (500, 2, None)
    assert outcome.counts.claims == same.counts.claims
    assert records("job") == records("alone")
    most = most_in(WINDOW, times)
    allowed = PER_MINUTE / 60 * WINDOW
    print(f"{len(times)} calls in {times[-1] - times[0]:.1f} s, {most} in ten seconds where {allowed:.0f} are allowed")
    assert most <= 1.05 * allowed
    spent = json.loads(Path("job/job.json").read_bytes())["spent_usd"]
    cost = (READ + WROTE) * 1e-6
    assert (len(names) * cost - 1e-6 <= spent, spent >= (billed - CONCURRENCY) * cost - 1e-6) == (True, True)


def test_the_command_interrupted_and_killed_goes_on_with_any_number_of_shards(nodes: Nodes) -> None:
    names = write(200)
    command = [sys.executable, "-m", "extractor.cli", "run", "papers.jsonl", "-o", "job", "--engine", "ray"]
    command += ["--address", nodes.cluster.address, "-m", "openai/m", "--no-cache", "--concurrency", str(CONCURRENCY)]
    loopback = Loopback(seconds=0.1)
    with loopback.server:
        command += ["--base-url", loopback.server.url]
        codes = []
        for asked, how, shards in ((40, signal.SIGINT, 8), (100, signal.SIGKILL, 3), (10_000, None, 50)):
            process = subprocess.Popen([*command, "--shards", str(shards)], env=os.environ | {"PYTHONPATH": str(ROOT)})
            while len(loopback.times) < asked and process.poll() is None:
                time.sleep(0.02)
            if how is not None:
                process.send_signal(how)
            codes.append(process.wait(60))
        loopback.check(names, losses=1)
        alone(loopback.options)
    assert codes == [130, -signal.SIGKILL, 3]
    assert records("job") == [each | {"provenance": each["provenance"] | {"cost_usd": None}} for each in records("alone")]


def test_a_node_that_is_lost_costs_no_record_and_one_that_comes_later_is_worked_on(nodes: Nodes) -> None:
    names = write(200)
    loopback = Loopback(seconds=0.1)
    with loopback.server, ThreadPoolExecutor() as aside:
        running = aside.submit(run, loopback.options)
        while len(loopback.times) < 60 and not running.done():
            time.sleep(0.02)
        loopback.answers.clear()
        try:
            nodes.replace_one()  # on the main thread, as Ray wants it
        finally:
            loopback.answers.set()
        outcome = running.result()
        loopback.check(names, losses=1)
        same = alone(loopback.options)
    assert (outcome.counts.extracted, outcome.counts.failed, outcome.stopped) == (200, 2, None)
    assert outcome.counts.claims == same.counts.claims
    assert records("job") == records("alone")
