"""What a model call costs on the client's side, beside the least it can cost and beside what people would use instead.

    python -m tests.benchmarks.llm_client [--only NAME...] [--documents N] [--in-flight N...] [--rounds N]

A server in a process of its own answers on loopback: first at once, to measure CPU seconds of a client's process per call; then
after 0.5 to 1.5 s, as models do, to measure throughput with many calls in flight. Each client has a process of its own, each
library an environment. They take turns, and the table shows medians: one machine's speed moves between rounds, so only ratios
within a run mean something.
"""

import argparse
import asyncio
import itertools
import json
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from extractor._version import __version__
from extractor.labels import Labels
from extractor.llm.structured import strict
from tests.benchmarks import clients
from tests.benchmarks.environments import UnavailableError, interpreter, version
from tests.benchmarks.figures import Result, Row, Skipped, printed, rounds

LIBRARIES = {"AsyncOpenAI": "openai", "instructor": "instructor", "litellm": "litellm", "langextract": "langextract"}
"""Clients that need an environment of their own; the others run in the package's."""
NAMES = [*clients.CLIENTS, "langextract"]
BASE = "bare aiohttp"
CPU = "CPU a call"
IN_FLIGHT = (64, 256, 1000)
FORM = {"type": "json_schema", "json_schema": {"name": "Labels", "strict": True, "schema": strict(Labels.model_json_schema())}}
# Lengths of real answers: spread evenly, in the same order for every client.
DELAYS = [0.5 + (number * 0.6180339887) % 1.0 for number in range(997)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and return 1 if the package's client is slower than it promises."""
    parser = argparse.ArgumentParser(description="The cost of a model call on the client's side.")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, help="these clients alone", metavar="NAME")
    parser.add_argument("--documents", type=int, default=300, help="calls a round that are answered at once (default 300)")
    parser.add_argument(
        "--in-flight", type=int, nargs="*", default=list(IN_FLIGHT), help="calls at once where answers take time"
    )
    parser.add_argument("--rounds", type=int, default=3, help="turns of each client (default 3)")
    parser.add_argument("--serve", choices=["at-once", "later"], help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve:
        asyncio.run(_serve(options.serve == "later"))
        return 0
    result = measure(options.only, options.documents, options.in_flight, options.rounds)
    print(printed(result))
    if not {BASE, "extractor"} <= set(options.only):
        return 0
    kept = keeps_promise(result) and not {BASE, "extractor"} & {each.name for each in result.skipped}
    print(f"promise (CPU at most 2.5 times aiohttp's, throughput at least 0.9 of it): {'kept' if kept else 'BROKEN'}")
    return 0 if kept else 1


def measure(
    names: Sequence[str] = NAMES,
    documents: int = 300,
    in_flight: Sequence[int] = IN_FLIGHT,
    turns: int = 3,
    slow_turns: int = 1,
) -> Result:
    """CPU of a call of each client, and its throughput with so many calls in flight; `slow_turns` are the rounds of the latter.

    A client waits for its turn in each round, and its first turn, which imports packages and opens connections, does not count.
    """
    skipped: list[Skipped] = []
    rows: list[Row] = []
    interpreters = dict(_interpreters(names, skipped))
    for when, plans in (("at-once", [(CPU, documents, 16, turns)]), ("later", [_slow(many, slow_turns) for many in in_flight])):
        if not plans:
            continue
        with ExitStack() as stack:
            url = stack.enter_context(Answering(when))
            asking = {name: stack.enter_context(Asking(name, python, url)) for name, python in interpreters.items()}
            for what, many, at_once, repeats in [("", 20, 16, 1), *plans]:
                taken: dict[str, list[tuple[float, float]]] = {name: [] for name in asking}
                for _, (name, client) in itertools.product(range(repeats), [*asking.items()]):
                    try:
                        taken[name].append(client.turn(many, at_once))
                    except UnavailableError as error:
                        skipped.append(Skipped(name, error.why))
                        del asking[name], taken[name], interpreters[name]
                for name, times in taken.items() if what else ():
                    cpu = [1e3 * cpu / many for cpu, _ in times]
                    rate = [many / wall for _, wall in times]
                    rows.append(Row(name, what, "ms" if what == CPU else "calls/s", rounds(cpu if what == CPU else rate)))
    versions = {name: version(LIBRARIES[name]) if name in LIBRARIES else __version__ for name in interpreters}
    versions |= {BASE: metadata.version("aiohttp")} if BASE in versions else {}
    return Result("A call of a model, on the client's side", tuple(rows), tuple(skipped), BASE, versions)


def keeps_promise(result: Result) -> bool:
    """Whether the package's clients are as quick as is promised, on the client's side, beside bare aiohttp in the same run."""
    kept = True
    for base in (row for row in result.rows if row.name == BASE):
        for name in ("extractor", "extractor, caching"):
            if mine := result.row(name, base.what):
                ratio = mine.ratio(base)
                kept = kept and (ratio <= 2.5 if base.what == CPU else ratio >= 0.9)
    return kept


def _slow(in_flight: int, turns: int) -> tuple[str, int, int, int]:
    """What is measured of slow answers: four in a row each, two where a thousand are in flight and some need minutes."""
    return f"{in_flight} in flight", max(2 * in_flight, min(4 * in_flight, 1200)), in_flight, turns


def _interpreters(names: Sequence[str], skipped: list[Skipped]) -> Iterator[tuple[str, Path]]:
    for name in names:
        try:
            yield name, interpreter(LIBRARIES[name]) if name in LIBRARIES else Path(sys.executable)
        except UnavailableError as error:
            skipped.append(Skipped(name, error.why))


class Asking:
    """The process of a client, for as long as the context lasts. `turn` raises `UnavailableError` if it fails."""

    def __init__(self, name: str, python: Path, url: str) -> None:
        self._name = name
        of_its_own = f"{url.removesuffix('/v1')}/langextract/v1" if name == "langextract" else url
        command = [str(python), "-P", "-W", "ignore", clients.__file__, name, of_its_own]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        self._say(FORM)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def turn(self, documents: int, in_flight: int) -> tuple[float, float]:
        """CPU and wall seconds of so many documents."""
        self._say({"documents": documents, "in_flight": in_flight})
        assert self._process.stdout is not None
        if not (said := self._process.stdout.readline()):
            raise UnavailableError(self._name, "it failed, as its process says above")
        cpu, wall = json.loads(said)
        return cpu, wall

    def _say(self, value: Any) -> None:
        assert self._process.stdin is not None
        print(json.dumps(value), file=self._process.stdin, flush=True)


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
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    delays: Iterator[float] = itertools.cycle(DELAYS)
    app = web.Application()
    for path, said in (("/v1", clients.LABELS), ("/langextract/v1", clients.EXTRACTIONS)):
        app.router.add_post(f"{path}/chat/completions", _answer(json.dumps(said), delays if later else None))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", flush=True)
    await asyncio.Event().wait()


def _answer(content: str, delays: Iterator[float] | None) -> Any:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
    usage = {"prompt_tokens": 1200, "completion_tokens": 300, "total_tokens": 1500}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    payload = json.dumps(body).encode()

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        if delays is not None:
            await asyncio.sleep(next(delays))
        return web.Response(body=payload, content_type="application/json")

    return answer


if __name__ == "__main__":
    sys.exit(main())
