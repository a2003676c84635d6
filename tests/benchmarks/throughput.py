"""How many abstracts a second one core labels by the built-in rules, and in how much memory.

    python -m tests.benchmarks.throughput [INPUT] [--seconds N | --documents N]

Reads the input again and again until the time is up or the number is reached, and checks on the way that every span of
every record holds its field. The times are CPU seconds of this process, so a busy machine does not blur them; the first
abstracts, which load lexicons and unit tables, are timed apart.
"""

import argparse
import asyncio
import itertools
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import process_time

from extractor.documents import Document
from extractor.grounding import ground
from extractor.labelling.rules import RulesLabeller
from extractor.records import PHRASE_FIELDS, Extraction
from extractor.sources import BadRecord, read
from extractor.spotting import spot

STEPS = ("spot", "label", "ground")
WARM_UP = 100
"""Abstracts after which what is loaded when it is first needed has been."""

ABSTRACTS = Path(__file__).parents[2] / "evals" / "corpus" / "abstracts.txt"


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and return 1 if a span does not hold its field."""
    parser = argparse.ArgumentParser(description="Abstracts per second on one core, with the built-in rules.")
    parser.add_argument("input", nargs="?", default=str(ABSTRACTS), help="any input that `extractor run` reads")
    limit = parser.add_mutually_exclusive_group()
    limit.add_argument("--seconds", type=float, default=5.0, help="CPU time to spend on the three steps (default 5)")
    limit.add_argument("--documents", type=_positive, help="documents to label after warming up, instead")
    options = parser.parse_args(arguments)
    at_start = peak_megabytes()
    measured = asyncio.run(measure(options.input, options.seconds, options.documents))
    print(f"{options.input}: {measured.documents + WARM_UP:,} abstracts, {measured.claims:,} claims")
    for name, spent in (*measured.steps.items(), ("total", sum(measured.steps.values()))):
        each = spent / measured.documents
        print(f"{name:<12} {1 / each:10,.0f} abstracts/s {1e6 * each:10,.0f} us each")
    print(f"warm-up      {measured.warm_up:.2f} s for the first {WARM_UP}")
    print(f"peak memory  {peak_megabytes():.0f} MB ({at_start:.0f} MB before the first document)")
    faults = measured.faults
    print(f"spans        {'all hold their fields' if not faults else f'{faults} do not hold their fields'}")
    return 1 if faults else 0


@dataclass(frozen=True, slots=True)
class Measured:
    """CPU seconds of each step over so many documents, those of the warm-up apart; claims and faults of both."""

    documents: int
    steps: dict[str, float]
    warm_up: float
    claims: int
    faults: int

    @property
    def rate(self) -> float:
        """Documents a second in all three steps."""
        return self.documents / sum(self.steps.values())


async def measure(source: str, seconds: float, documents: int | None = None) -> Measured:
    """Label the documents of an input over and over, for so long, or so many after the warm-up."""
    labeller = RulesLabeller()
    warm_up, steps = dict.fromkeys(STEPS, 0.0), dict.fromkeys(STEPS, 0.0)
    number = claims = faults = 0
    last = None if documents is None else WARM_UP + documents
    for document in itertools.islice(_forever(source), last):
        number += 1
        times = [process_time()]
        mentions = spot(document.text)
        times.append(process_time())
        labelled = await labeller.label(document, mentions)
        times.append(process_time())
        record = ground(document, mentions, labelled)
        times.append(process_time())
        timed = steps if number > WARM_UP else warm_up
        for name, (before, after) in zip(STEPS, itertools.pairwise(times), strict=True):
            timed[name] += after - before
        claims += len(record.claims)
        for fault in span_faults(record):
            faults += 1
            print(f"{record.id}: {fault}", file=sys.stderr)
        if documents is None and sum(steps.values()) >= seconds:
            break
    return Measured(number - WARM_UP, steps, sum(warm_up.values()), claims, faults)


def span_faults(record: Extraction) -> Iterator[str]:
    """Each field whose span in the text holds something else."""
    text = record.text
    fields = [("system", record.system, None if record.system is None else _first(text, record.system))]
    for n, claim in enumerate(record.claims):
        fields.append((f"claims[{n}].quantity", claim.quantity.text, claim.spans.quantity))
        fields += [(f"claims[{n}].{name}", getattr(claim, name), getattr(claim.spans, name)) for name in PHRASE_FIELDS]
    fields += [(f"hardware[{n}]", target.name, target.span) for n, target in enumerate(record.hardware)]
    for where, value, span in fields:
        if value != (None if span is None else text[slice(*span)]):
            yield f"{where} is {value!r}, its span {span}"


def _positive(value: str) -> int:
    if not value.isdecimal() or int(value) == 0:
        raise argparse.ArgumentTypeError("write a whole number of at least 1")
    return int(value)


def peak_megabytes() -> float:
    """The most memory that this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _forever(source: str) -> Iterator[Document]:
    """The documents of the input, over and over. Raises `SystemExit` if it holds none."""
    while True:
        empty = True
        for item in read([source]):
            if not isinstance(item, BadRecord):
                empty = False
                yield item.document
        if empty:
            raise SystemExit(f"{source} holds no abstract; name a file that holds some")


def _first(text: str, phrase: str) -> tuple[int, int] | None:
    start = text.find(phrase)
    return None if start == -1 else (start, start + len(phrase))


if __name__ == "__main__":
    sys.exit(main())
