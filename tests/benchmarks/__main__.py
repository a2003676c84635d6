"""All figures that are measured beside others, in one run: `make bench`.

    python -m tests.benchmarks [--only NAME...] [--base-url URL] [--write FILE...]

Prints a table for each benchmark, with ratios of the same run, and keeps them in build/bench.json. A benchmark is a function
that gives a `Result`. `--only` measures some and leaves the others in the file as they are; `--write` renews the tables of
documents from the file. What cannot be measured here is skipped, with a line that says why.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from extractor.errors import install
from tests.benchmarks import figures, jobs, llm_client, startup, throughput, tokens
from tests.benchmarks.figures import Result, Row, Skipped, rounds

STORE = jobs.ROOT / "build" / "bench.json"


@dataclass(frozen=True, slots=True)
class Options:
    """How much is measured, on which abstracts, and which server answers."""

    rounds: int
    memory: int
    source: str
    base_url: str | None
    model: str | None


def rules(options: Options) -> Result:
    """The built-in rules on one core, file to file and in process."""
    papers, taken = jobs.abstracts(options.source), [jobs.run_file([jobs.PLAIN], 1, [])]  # the first fills caches of files
    steps = []
    for _ in range(options.rounds):
        taken.append(jobs.run_file(papers, 5_000, ["--workers", "1"]))
        steps.append(asyncio.run(throughput.measure(options.source, 3.0)).rate)
    rates = {
        "file to file, with its start": [1000 / each.cpu for each in taken[1:]],
        "spot, label and ground, in process": steps,
    }
    rows = [Row(name, "on one core", "abstracts/s", rounds(each)) for name, each in rates.items()]
    return Result("The built-in rules", tuple(rows))


def calls(options: Options) -> Result:
    """What a call costs its client, and its throughput."""
    return llm_client.measure(turns=options.rounds)


def right_claims(options: Options) -> Result:
    """What a model writes for a right claim."""
    return tokens.measure(options.base_url, options.model)


def start(options: Options) -> Result:
    """How soon a command answers."""
    return startup.measure(options.rounds)


def ray(options: Options) -> Result:
    """The rules on a Ray cluster of this machine, with more and more workers."""
    title, documents = "A job on Ray, on this machine alone", 20_000
    if find_spec("ray") is None:
        return Result(title, (), (Skipped("ray", f"it is not installed. {install('ray')}"),))
    papers, rows = jobs.abstracts(options.source), []
    for name, asked in {
        "the local engine": ["--workers", "1"],
        **{f"Ray, {n} worker{'s'[: n - 1]}": _on_ray(n) for n in (1, 2, 4)},
    }.items():
        rows.append(Row(name, "rate", "abstracts/s", rounds([jobs.run_file(papers, documents, asked).rate])))
    return Result(title, tuple(rows), base="the local engine", versions={})


def _on_ray(workers: int) -> list[str]:
    return ["--engine", "ray", "--workers", str(workers)]


def memory(options: Options) -> Result:
    """What a job holds as it goes on."""
    name = f"{options.memory:,} abstracts"
    measured = jobs.piped(jobs.abstracts(options.source), options.memory, ["--workers", "1"])
    if measured is None:
        raise SystemExit("the job failed")
    rows = [
        Row(name, f"after {part}", "MB", rounds([measured.memory[n]]))
        for part, n in (("a tenth", 0), ("a half", 4), ("all", -1))
    ]
    return Result("Memory of a job by the rules", tuple(rows))


Benchmark = Callable[[Options], Result]
BENCHMARKS: dict[str, Benchmark] = {
    "rules": rules,
    "calls": calls,
    "tokens": right_claims,
    "start": start,
    "memory": memory,
    "ray": ray,
}


def headline(results: Mapping[str, Result]) -> str:
    """What a README quotes: calls of a model beside others, and the rules."""
    made, ours = results["calls"], results["calls"].row("extractor", llm_client.CPU)
    if ours is None:
        raise SystemExit("the package's own client was not measured: run --only calls")
    theirs = [row for row in made.rows if row.what == llm_client.CPU and row.name in llm_client.LIBRARIES]
    times = ", ".join(f"{row.name} {figures.number(row.ratio(ours))}" for row in sorted(theirs, key=lambda row: row.value))
    [rate, *_] = results["rules"].rows
    return (
        f"A call of a model takes {figures.number(ours.value)} ms of the client's CPU, others so many times that: {times}. "
        f"The rules read, label and write {figures.number(rate.value)} abstracts a second on one core, in "
        f"{figures.number(results['memory'].rows[-1].value)} MB."
    )


def blocks(results: Mapping[str, Result]) -> dict[str, str]:
    """What documents show, by the names of their blocks."""
    tables = {name: figures.markdown(result) for name, result in results.items()}
    return tables | {"headline": headline(results), "machine": f"{figures.machine()}."}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, keep, and write into documents."""
    parser = argparse.ArgumentParser(
        description="The figures of the package, beside others'.", prog="python -m tests.benchmarks"
    )
    parser.add_argument("--only", nargs="*", choices=[*BENCHMARKS], default=[*BENCHMARKS], help="measure these", metavar="NAME")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (default 3)")
    parser.add_argument(
        "--memory", type=int, default=30_000, help="abstracts of the job whose memory is measured (default 30,000)"
    )
    parser.add_argument("--input", default=str(jobs.ABSTRACTS), help="abstracts for the rules (default: evals/corpus)")
    parser.add_argument(
        "--base-url", help="a server of a model, whose replies are recorded; without it the recorded ones count"
    )
    parser.add_argument("--model", help="the name to ask that server for (default: the first that it lists)")
    parser.add_argument("--write", type=Path, nargs="*", default=[], help="documents whose tables are renewed", metavar="FILE")
    options = parser.parse_args(arguments)
    asked = Options(options.rounds, options.memory, options.input, options.base_url, options.model)
    results = figures.read(STORE)
    for name in options.only:
        results[name] = BENCHMARKS[name](asked)
        print(figures.printed(results[name]), end="\n\n", flush=True)
        figures.write(STORE, results)
    for path in options.write:
        try:
            written = figures.replaced(path.read_text(encoding="utf-8"), blocks(results))
        except KeyError as error:
            raise SystemExit(f"{path} shows {error}, which is not in {STORE}; measure it first") from None
        path.write_text(written, encoding="utf-8")
    print(f"kept in {STORE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
