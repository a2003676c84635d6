"""How many documents a second a service extracts for many clients at once, and `extractor run` with as many processes.

    python -m tests.benchmarks.service [--clients 64] [--workers 1] [--seconds 5] [--rounds 3] [--documents 1]

The two alternate, since the machine may be shared. Every client has a connection of its own and sends the next abstract when it
has the answer to the one before. Also prints what CPU a document takes in the service, in its workers and in `run`, which a
shared machine changes little.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.jobs import ABSTRACTS, ROOT, abstracts, run_file


@dataclass(frozen=True, slots=True)
class Load:
    """What clients saw: documents a second, and seconds of their requests."""

    rate: float
    seconds: list[float]

    def quantile(self, part: float) -> float:
        """The time in milliseconds that this part of the requests took at most."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def bodies(documents: int) -> list[bytes]:
    """Requests with so many of the real abstracts each."""
    papers = [{"id": f"{n}", "title": title, "abstract": text} for n, (title, text) in enumerate(abstracts(str(ABSTRACTS)))]
    if documents == 1:
        return [json.dumps(paper).encode() for paper in papers]
    return [
        json.dumps([papers[(n + k) % len(papers)] for k in range(documents)]).encode() for n in range(0, len(papers), documents)
    ]


@contextmanager
def serving(workers: int) -> Iterator[tuple[int, int]]:
    """A service in a process of its own; its port and its process."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "extractor.cli", "serve", "--port", "0", "--workers", str(workers)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            said = process.stderr.readline()
            port = re.search(r":(\d+),", said)
            assert port is not None, said
            try:
                yield int(port[1]), process.pid
            finally:
                process.terminate()


def cpu(process: int) -> tuple[float, float]:
    """Seconds of CPU that a process and its children have taken (Linux)."""
    threads = Path(f"/proc/{process}/task").iterdir()
    children = {child for thread in threads for child in (thread / "children").read_text().split()}
    mine, *theirs = (_seconds(each) for each in [str(process), *children])
    return mine, sum(theirs)


def _seconds(process: str) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def client(port: int, asked: list[bytes], start: int, until: float, seconds: list[float]) -> None:
    """Ask again and again, over one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    n = start
    while time.monotonic() < until:
        body = asked[n % len(asked)]
        began = time.monotonic()
        writer.write(b"POST /v1/extract HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        length = re.search(rb"content-length: (\d+)", head)
        assert length is not None, head
        await reader.readexactly(int(length[1]))
        seconds.append(time.monotonic() - began)
        n += 1
    writer.close()


def crowd(port: int, clients: int, seconds: float, documents: int) -> Load:
    """So many clients at once, in one process."""

    async def all_of_them() -> list[float]:
        asked, took = bodies(documents), list[float]()
        until = time.monotonic() + seconds
        await asyncio.gather(*(client(port, asked, n * 7, until, took) for n in range(clients)))
        return took

    began = time.monotonic()
    took = asyncio.run(all_of_them())
    return Load(documents * len(took) / (time.monotonic() - began), took)


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print a line for each round and what comes of them."""
    parser = argparse.ArgumentParser(description="The throughput of a service.")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--documents", type=int, default=1, help="in a request")
    options = parser.parse_args(arguments)
    parts, papers = [], abstracts(str(ABSTRACTS))
    copies = max(1, int(options.seconds * 600 * options.workers / 143))
    with serving(options.workers) as (port, process):
        crowd(port, options.clients, 1.0, options.documents)
        for _ in range(options.rounds):
            before = cpu(process)
            load = crowd(port, options.clients, options.seconds, options.documents)
            done = options.documents * len(load.seconds)
            mine, theirs = (1000 * (now - then) / done for now, then in zip(cpu(process), before, strict=True))
            ran = run_file(papers, len(papers) * copies, ["--workers", str(options.workers)])
            parts.append(load.rate / ran.rate)
            print(f"service {load.rate:,.0f}/s, p50 {load.quantile(0.5):.0f} ms, p99 {load.quantile(0.99):.0f} ms; ", end="")
            print(f"run {ran.rate:,.0f}/s; part {parts[-1]:.2f}; ", end="")
            print(f"CPU ms a document: service {mine:.2f}, workers {theirs:.2f}; run {ran.cpu:.2f} with its start", flush=True)
    print(f"median part of the throughput of run: {statistics.median(parts):.2f}")


if __name__ == "__main__":
    main()
