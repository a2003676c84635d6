"""How long a job takes on a cluster, what limits it and what it costs, from measured constants.

    python -m tests.benchmarks.scaling [--documents 250000000] [--machines 1 10 100] [--set NAME=VALUE ...]
    python -m tests.benchmarks.scaling --measure [INPUT]

The first prints the table of docs/scaling.md: each shard of the job passes through the driver, an actor, the provider, the
keeper of the limits and the file system, each of which is busy with it for as long as the constants say; what is busy longest
is the limit. The second measures the constants of the software on this machine, in CPU time, the least of several rounds; with
`--ray`, what a message to an actor takes is in them. Those of a provider, of machines and of prices are not ours to measure:
set yours.
"""

import argparse
import heapq
import itertools
import json
import pickle
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from time import process_time

from extractor.jobs.flow import Item
from extractor.jobs.job import Job
from extractor.jobs.ray.engine import cluster
from extractor.jobs.ray.leases import Leases
from extractor.jobs.ray.shards import Shard
from extractor.jobs.runner import Runner
from extractor.llm.limits import Limits
from extractor.outputs.export import export
from extractor.sources import Sourced, read
from extractor.spotting import spot

ROOT = Path(__file__).parents[2]
ABSTRACTS = ROOT / "evals" / "corpus" / "abstracts.txt"
CASSETTES = ROOT / "evals" / "cassettes"
ROUNDS = 3
_MESSAGES = 2
"""To the keeper of the limits, for a call."""
_DAY, _HOUR = 86_400, 3_600
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Constants:
    """Seconds are of one core, and of one document where nothing else is said."""

    # Of the software: `--measure` prints them.
    read_s: float = 28e-6
    """To read a record in the driver, know its id, and pack it for an actor."""
    rules_s: float = 0.57e-3
    """To label by the rules and write down, in an actor."""
    shard_s: float = 2.2e-3
    """To open and close a shard's folder."""
    call_s: float = 0.9e-3
    """To ask a model and write down, beside the waiting."""
    lease_s: float = 0.71e-3
    """A message to the keeper of the limits."""
    input_bytes: float = 2_990
    """What the driver sends to an actor."""
    record_bytes: float = 2_160
    """What an actor writes."""
    called: float = 0.582
    """Share of the documents in which there is something to ask about."""
    input_tokens: float = 2_830
    """Of a call."""
    output_tokens: float = 176
    # Of what is rented: set yours.
    cores: int = 16
    """Of a machine."""
    machine_usd: float = 0.7
    """An hour of it."""
    network_bytes: float = 1.25e9
    """A second, of the driver's machine."""
    store_bytes: float = 1e9
    """A second that the shared file system takes."""
    start_s: float = 60.0
    """Until the actors of a cluster are up."""
    shard: int = 10_000
    """Documents of a shard."""
    # Of a provider: set yours.
    latency_s: float = 2.0
    """Of a call."""
    concurrency: int = 2_000
    calls_a_minute: float = 30_000
    tokens_a_minute: float = 150e6
    input_usd: float = 0.15
    """For a million tokens: what litellm's table says of gpt-4o-mini."""
    output_usd: float = 0.60
    batch_price: float = 0.5
    batch_tokens_a_day: float = 15e9
    # Of a model on machines of one's own: set yours.
    gpu_calls: float = 20.0
    """A second, of one machine."""
    gpu_usd: float = 4.0
    """An hour of it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A way to do a job: the share of the documents that a model is asked about, and where it is."""

    name: str
    share: float = 0.0
    model: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """Hours, what was busy longest and for which part of the time, and US dollars for machines and for the model."""

    hours: float
    limit: str
    busy: float
    machines_usd: float
    model_usd: float


PLANS = (
    Plan("rules"),
    *(Plan(f"{share:.0%} unsure, asked online", share, "online") for share in (0.1, 0.3)),
    *(Plan(f"{share:.0%} unsure, in batches", share, "batches") for share in (0.1, 0.3)),
    *(Plan(f"{share:.0%} unsure, own model", share, "own") for share in (0.1, 0.3)),
    Plan("all asked, own model", 1.0, "own"),
)


def simulate(constants: Constants, plan: Plan, documents: int, machines: int) -> Result:
    """A job on so many machines. Those of the own model are as many again."""
    of = constants
    calls_a_document = plan.share * of.called
    online = plan.model in {"online", "own"}
    cores = machines * of.cores
    concurrency = of.concurrency if plan.model == "online" else int(2 * machines * of.gpu_calls * of.latency_s)
    actors = max(1, min(cores - (machines == 1), concurrency)) if online else max(1, cores - (machines == 1))
    own = of.rules_s + (calls_a_document * of.call_s if online else 0.0)
    waiting = calls_a_document * of.latency_s / max(1.0, concurrency / actors) if online else 0.0
    rates = {
        "online": min(of.calls_a_minute, of.tokens_a_minute / (of.input_tokens + of.output_tokens)) / 60,
        "own": machines * of.gpu_calls,
    }
    shared = {
        "file system": of.record_bytes / of.store_bytes,
        **({"keeper of the limits": calls_a_document * 2 * of.lease_s} if plan.model == "online" else {}),
        **(
            {"provider" if plan.model == "online" else "model's machines": calls_a_document / rates[plan.model]}
            if online
            else {}
        ),
    }
    driver = of.read_s + (of.input_bytes / of.network_bytes if machines > 1 else 0.0)
    each = {"driver": driver, **shared}
    ended, busy = _run(documents, of.shard, each, of.shard_s, max(own, waiting), actors)
    busy["cores" if own >= waiting else "latency"] = busy.pop("actors")
    seconds = of.start_s + ended
    model = calls_a_document * documents * (of.input_tokens * of.input_usd + of.output_tokens * of.output_usd) / 1e6
    machines_usd = seconds / _HOUR * machines * of.machine_usd
    if plan.model == "batches":
        model *= of.batch_price
        tokens = calls_a_document * documents * (of.input_tokens + of.output_tokens)
        if (days := tokens / of.batch_tokens_a_day) * _DAY > seconds:  # they are sent while the rules go on
            seconds = days * _DAY
            busy = {"provider": seconds}
    if plan.model == "own":
        model = seconds / _HOUR * machines * of.gpu_usd
    limit = max(busy, key=lambda name: busy[name])
    return Result(seconds / _HOUR, limit, busy[limit] / seconds, machines_usd, model if plan.share else 0.0)


def _run(
    documents: int, size: int, each: dict[str, float], opening: float, work: float, actors: int
) -> tuple[float, dict[str, float]]:
    """Pass shards through the driver, an actor and what all share, and return when the last is done and how long each was busy.

    `each` document keeps the driver and what all share busy for so long, one shard after the other; an actor `work`s on it
    meanwhile. The driver reads one shard ahead of the actors.
    """
    free = dict.fromkeys(each, 0.0)
    busy = dict.fromkeys([*each, "actors"], 0.0)
    idle = [0.0] * actors
    under_way: deque[float] = deque()
    ended = 0.0
    for first in range(0, documents, size):
        count = min(size, documents - first)
        room = under_way.popleft() if len(under_way) > actors else 0.0
        free["driver"] = begun = max(free["driver"], room) + count * each["driver"]
        start = max(begun, heapq.heappop(idle))
        done = start + opening + count * work
        for name, seconds in each.items():
            if name != "driver":
                free[name] = max(free[name], start) + count * seconds
                done = max(done, free[name])
            busy[name] += count * seconds
        busy["actors"] += (opening + count * work) / actors
        heapq.heappush(idle, done)
        under_way.append(done)
        ended = max(ended, done)
    return ended, busy


def table(constants: Constants, documents: int, machines: Sequence[int]) -> Iterator[str]:
    """The lines of a Markdown table: a row for each plan and number of machines."""
    yield "| plan | machines | time | limit | busy | machines, $ | model, $ |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for plan in PLANS:
        for count in machines:
            of = simulate(constants, plan, documents, count)
            time = f"{of.hours:.1f} h" if of.hours < 72 else f"{of.hours / 24:,.0f} days"
            limit = f"{of.limit} | {of.busy:.0%}"
            yield f"| {plan.name} | {count} | {time} | {limit} | {of.machines_usd:,.0f} | {of.model_usd:,.0f} |"


def measure(source: str) -> dict[str, float]:
    """The constants of the software on this machine, by their names."""
    items = [*read([source])]
    size = len(items)
    documents = [item.document for item in items if isinstance(item, Sourced)]

    def driver() -> None:
        found: list[Item] = [*read([source])]
        shard = Shard(0, found)
        _ = shard.plan
        pickle.dumps([*shard], 5)

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        numbers = itertools.count()

        def label(what: list[Item]) -> Callable[[], None]:
            return lambda: _none(Runner(Job((source,)), items=what).run(home / f"job{next(numbers)}"))

        many = [*itertools.islice(itertools.cycle(items), 1000)]
        label(items)()  # what is loaded once
        whole = _least(label(many))
        opening = _least(label(items[:1]))
        written = (home / f"job{ROUNDS}" / "extractions.jsonl").stat().st_size / len(many)
        tables = _least(lambda: _none(export([home / f"job{ROUNDS}"], "parquet", home / "tables"))) / len(many)
        leases = Leases(str(home), {"m": Limits(requests_per_minute=1e9)}, 1e9, 0.0)
        messages = itertools.count(1)

        def ask() -> None:
            for _ in range(500):
                leases.ask("w", next(messages), [("take", "m", 1000), ("hold", 0.01), ("put", 0.01, 0.005)])

        lease = _least(ask) / 500
    asked = sum(bool((mentions := spot(each.text)).quantities or mentions.hardware) for each in documents) / size
    read_tokens, written_tokens = _tokens()
    return {
        "read_s": _least(driver) / size,
        "rules_s": (whole - opening) / len(many),
        "tables_s": tables,
        "shard_s": opening,
        "lease_s": lease,
        "input_bytes": len(pickle.dumps(items, 5)) / size,
        "record_bytes": written,
        "called": asked,
        "input_tokens": read_tokens,
        "output_tokens": written_tokens,
    }


class _Timed(Leases):
    """Says how long its process has worked, Ray's own threads with it."""

    def worked(self) -> float:
        return process_time()


def over_ray(messages: int = 3000) -> float:
    """CPU seconds that the process of the keeper of the limits takes for a message."""
    with tempfile.TemporaryDirectory() as folder, cluster(None, lambda _lines: None) as ray:
        keeper = ray.remote(_Timed).options(num_cpus=0).remote(folder, {"m": Limits(requests_per_minute=1e9)}, 1e9, 0.0)
        acts = [("take", "m", 1000), ("hold", 0.01), ("put", 0.01, 0.005)]
        ray.get([keeper.ask.remote("w", n, acts) for n in range(1, 100)])
        began = ray.get(keeper.worked.remote())
        ray.get([keeper.ask.remote("w", n, acts) for n in range(100, 100 + messages)])
        seconds: float = ray.get(keeper.worked.remote()) - began
    return seconds / messages


def _least(work: Callable[[], None]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = process_time()
        work()
        times.append(process_time() - began)
    return min(times)


def _none(_value: object) -> None:
    return


def _tokens() -> tuple[float, float]:
    """Tokens read and written for an abstract that a model was asked about, re-asks with it, in the recorded replies."""
    files = sorted(CASSETTES.rglob("s*.json"))
    told = [each["response"]["json"]["usage"] for file in files for each in json.loads(file.read_bytes())["interactions"]]
    read, written = (sum(usage[name] for usage in told) for name in ("prompt_tokens", "completion_tokens"))
    return read / len(files), written / len(files)


def _setting(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    if name not in {field.name for field in fields(Constants)}:
        raise argparse.ArgumentTypeError(f"there is no constant {name!r}")
    return name, float(value)


def main(arguments: list[str] | None = None) -> int:
    """Print the table, or the measured constants as JSON."""
    parser = argparse.ArgumentParser(description="A job on a cluster: time, limit, cost.")
    parser.add_argument("--documents", type=int, default=250_000_000)
    parser.add_argument("--machines", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--set", type=_setting, action="append", default=[], metavar="NAME=VALUE", help="another constant")
    parser.add_argument("--measure", nargs="?", const=str(ABSTRACTS), metavar="INPUT", help="measure on this machine instead")
    parser.add_argument("--ray", action="store_true", help="measure also what a message to an actor takes")
    options = parser.parse_args(arguments)
    if options.measure:
        measured = measure(options.measure) | ({"lease_s": over_ray()} if options.ray else {})
        print(json.dumps({name: float(f"{value:.3g}") for name, value in measured.items()}, indent=1))
        return 0
    for line in table(replace(Constants(), **dict(options.set)), options.documents, options.machines):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
