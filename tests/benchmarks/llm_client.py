"""What a model call costs the client, beside the least it can cost and beside openai's own client.

    python -m tests.benchmarks.llm_client [--documents N] [--in-flight N] [--rounds N] [--cpu-only]

A server in a process of its own answers on loopback: first at once, to measure CPU seconds of this process per document; then
after 0.5 to 1.5 s, as models do, to measure throughput with many calls in flight. The clients take turns, and the table
shows medians: one machine's speed moves between rounds, so only ratios within a run mean something.
"""

import argparse
import asyncio
import itertools
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

from aiohttp import ClientSession, TCPConnector, web
from pydantic import SecretStr

from extractor.labels import Labels
from extractor.llm.cache import ReplyCache
from extractor.llm.client import ModelClient, Settings
from extractor.llm.limits import Limits
from extractor.llm.structured import strict

Ask = Callable[[list[dict[str, str]]], Awaitable[object]]
CLAIM = {"kind": "speedup", "comparison": "change", "effect": "better", "metric": "throughput", "subject": "Ours"}
NAMES = {"baseline": "the baseline", "dataset": None, "hardware": "an A100"}
LABELS = {
    "system": "Ours",
    "claims": [{"mention": number, **CLAIM, **NAMES} for number in range(4)],
    "not_claims": [4, 5],
    "hardware": [{"mention": 0, "role": "evaluated"}],
    "not_hardware": [],
    "missed": [],
}
RULES = "Label each numbered mention of the abstract. " * 60
SCHEMA = {"name": "Labels", "strict": True, "schema": strict(Labels.model_json_schema())}
FORMAT = {"type": "json_schema", "json_schema": SCHEMA}
# Lengths of real answers: spread evenly, in the same order for every client.
DELAYS = [0.5 + (number * 0.6180339887) % 1.0 for number in range(997)]


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table, and return 1 if the client is slower than it promises."""
    parser = argparse.ArgumentParser(description="The cost of a model call on the client's side.")
    parser.add_argument("--documents", type=int, default=1500, help="documents a round (default 1500)")
    parser.add_argument("--in-flight", type=int, default=256, help="calls at once where answers take time (default 256)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each client (default 3)")
    parser.add_argument("--cpu-only", action="store_true", help="leave the slow answers out")
    parser.add_argument("--serve", choices=["at-once", "later"], help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve:
        asyncio.run(_serve(options.serve == "later"))
        return 0
    return asyncio.run(_measure(options))


async def _measure(options: argparse.Namespace) -> int:
    clients: dict[str, Client] = {"bare aiohttp": bare_aiohttp, "bare AsyncOpenAI": bare_openai, "extractor": ours}
    clients["extractor, caching"] = ours_caching
    cpu: dict[str, list[float]] = {name: [] for name in clients}
    rate: dict[str, list[float]] = {name: [] for name in clients}
    with Answering("at-once") as url:
        for turn in range(options.rounds + 1):
            for name, client in clients.items():
                spent, _ = await _run(client, url, options.documents if turn else 100, 16)
                if turn:  # the first turn imports packages and opens connections
                    cpu[name].append(spent)
    if not options.cpu_only:
        with Answering("later") as url:
            for _ in range(options.rounds):
                for name, client in clients.items():
                    _, taken = await _run(client, url, options.documents, options.in_flight)
                    rate[name].append(1 / taken)
    ideal = options.in_flight / (sum(DELAYS) / len(DELAYS))
    print(f"{'':<20} {'CPU a document':>15} {'of aiohttp':>11} {'of AsyncOpenAI':>15}", end="")
    print(f" {'documents/s':>12} {'of ideal':>9} {'of aiohttp':>11}" if rate["extractor"] else "")
    for name in clients:
        line = f"{name:<20} {1e3 * median(cpu[name]):>12.3f} ms {_ratio(cpu, name, 'bare aiohttp'):>10.2f}x"
        line += f" {_ratio(cpu, name, 'bare AsyncOpenAI'):>14.2f}x"
        if rate[name]:
            speed = median(rate[name])
            line += f" {speed:>12.0f} {speed / ideal:>9.0%} {_ratio(rate, name, 'bare aiohttp'):>10.2f}x"
        print(line)
    print(f"{options.documents} documents a round, {options.rounds} rounds; documents/s with {options.in_flight} in flight")
    kept = all(_ratio(cpu, name, "bare aiohttp") <= 2.5 for name in ("extractor", "extractor, caching"))
    if rate["extractor"]:
        kept = kept and _ratio(rate, "extractor", "bare aiohttp") >= 0.9
    print(f"promise (CPU at most 2.5 times aiohttp's, throughput at least 0.9 of it): {'kept' if kept else 'BROKEN'}")
    return 0 if kept else 1


def _ratio(values: dict[str, list[float]], name: str, other: str) -> float:
    """The median of the rounds' own ratios: what moves the machine moves both clients of a round."""
    return median(mine / theirs for mine, theirs in zip(values[name], values[other], strict=True))


async def _run(client: "Client", url: str, documents: int, in_flight: int) -> tuple[float, float]:
    """CPU and wall seconds per document."""
    numbers = iter(range(documents))

    async def worker(ask: Ask) -> None:
        for number in numbers:
            await ask(_messages(number))

    async with client(url, in_flight) as ask:
        cpu, wall = process_time(), perf_counter()
        await asyncio.gather(*(worker(ask) for _ in range(in_flight)))
        return (process_time() - cpu) / documents, (perf_counter() - wall) / documents


def _messages(number: int) -> list[dict[str, str]]:
    abstract = f"Abstract {number}. " + "We are 2.3x faster. " * 70
    return [{"role": "system", "content": RULES}, {"role": "user", "content": abstract}]


@asynccontextmanager
async def bare_aiohttp(url: str, in_flight: int) -> AsyncIterator[Ask]:
    """The least there is: encode, post, decode."""
    async with ClientSession(connector=TCPConnector(limit=0)) as session:

        async def ask(messages: list[dict[str, str]]) -> object:
            body = {"model": "m", "temperature": 0.0, "response_format": FORMAT, "messages": messages}
            async with session.post(f"{url}/chat/completions", json=body) as response:
                return json.loads(json.loads(await response.read())["choices"][0]["message"]["content"])

        yield ask


@asynccontextmanager
async def bare_openai(url: str, in_flight: int) -> AsyncIterator[Ask]:
    """openai's client as its documentation uses it, without retries."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:

        async def ask(messages: Any) -> object:
            form: Any = FORMAT
            reply = await client.chat.completions.create(model="m", temperature=0.0, response_format=form, messages=messages)
            return json.loads(reply.choices[0].message.content or "")

        yield ask


@asynccontextmanager
async def ours(url: str, in_flight: int, cache: ReplyCache | None = None) -> AsyncIterator[Ask]:
    """The package's client: limits, retries, prices, validation and checks."""
    settings = Settings(limits=Limits(concurrency=in_flight))
    async with ModelClient("openai/m", Labels, base_url=url, key=SecretStr("none"), settings=settings, cache=cache) as client:

        async def ask(messages: list[dict[str, str]]) -> object:
            return await client.ask(messages, check=_check)

        yield ask


def _check(labels: Labels) -> list[str]:
    labelled = [claim.mention for claim in labels.claims] + list(labels.not_claims)
    return [f"mention {number} has no label" for number in range(6) if number not in labelled]


@asynccontextmanager
async def ours_caching(url: str, in_flight: int) -> AsyncIterator[Ask]:
    """The same with a cache that knows none of the documents yet."""
    from tempfile import TemporaryDirectory

    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        yield await stack.enter_async_context(ours(url, in_flight, ReplyCache(Path(folder) / "replies.sqlite3")))


Client = Callable[[str, int], Any]


class Answering:
    """The answering process, for as long as the context lasts."""

    def __init__(self, when: str) -> None:
        command = [sys.executable, "-m", "tests.benchmarks.llm_client", "--serve", when]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


async def _serve(later: bool) -> None:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": json.dumps(LABELS)}}
    usage = {"prompt_tokens": 1200, "completion_tokens": 300, "total_tokens": 1500}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    payload = json.dumps(body).encode()
    delays: Iterator[float] = itertools.cycle(DELAYS)

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        if later:
            await asyncio.sleep(next(delays))
        return web.Response(body=payload, content_type="application/json")

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    sys.exit(main())
