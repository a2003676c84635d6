"""How quickly a server answers the page of a large job.

    python -m tests.benchmarks.explorer [--claims 200000]

Makes a job of so many claims, reads it into the index, and asks each question three times: CPU time of this process, the least.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from extractor.outputs.explorer import Explorer
from tests.outputs.explorer.jobs import job, many

QUESTIONS = [
    ("counts", ""),
    ("counts", "kind=speedup"),
    ("counts", "kind=speedup&hardware_category=gpu"),
    ("counts", "q=system4+latency"),
    ("rows", ""),
    ("rows", "sort=-factor&offset=5000"),
    ("charts", ""),
    ("document", "document=d7"),
]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claims", type=int, default=200_000)
    claims = parser.parse_args(arguments).claims
    with tempfile.TemporaryDirectory() as scratch:
        explorer = Explorer([job(Path(scratch) / "job", many(claims))], Path(scratch) / "index.sqlite")
        print(f"{claims:,} claims read in {cpu(lambda: read(explorer)):.1f} s")
        for name, query in QUESTIONS:
            best = min(cpu(lambda name=name, query=query: explorer.answer(name, query)) for _ in range(3))  # type: ignore[misc]
            print(f"{name + '?' + query:<45}{1000 * best:>7.0f} ms")
    return 0


def read(explorer: Explorer) -> None:
    """Ask until the index knows the whole job: it reads on for a second each time."""
    while explorer.answer("counts", "")["read"] < 1:
        pass


def cpu(act: Callable[[], object]) -> float:
    """Seconds of CPU time."""
    start = time.process_time()
    act()
    return time.process_time() - start


if __name__ == "__main__":
    raise SystemExit(main())
