"""How fast large inputs are read, and in how much memory.

    python -m tests.benchmarks.reading [--megabytes 1000] [--rows 200000]

Writes JSON Lines of so many megabytes, the same packed with gzip, and a Parquet file of so many rows into a temporary folder,
and reads each in a process of its own: records a second in the first and the last fifth, and the largest memory. Leaves with
1 if a file took more than 300 MB, or if the last fifth was read at less than half the rate of the first.
"""

import argparse
import gzip
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

LARGEST = 300
"""Megabytes of memory."""
_WORDS = [
    "we",
    "present",
    "a",
    "model",
    "that",
    "runs",
    "on",
    "the",
    "board",
    "and",
    "needs",
    "less",
    "memory",
    "than",
    "before",
    "at",
    "the",
    "same",
    "accuracy",
    "2.3x",
    "faster",
]
_GROUP = 50_000
_READ = """
import resource, sys
from pathlib import Path
from time import perf_counter
from extractor.sources import Sourced, read

total, marks, n = int(sys.argv[2]), [perf_counter()], 0
for n, item in enumerate(read([sys.argv[1]]), 1):
    assert isinstance(item, Sourced), item
    if n * 5 // total > len(marks) - 1:
        marks.append(perf_counter())
assert n == total, (n, total)
# Linux counts the memory of the process that started this one into ru_maxrss.
status = Path("/proc/self/status")
peak = int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024 if status.exists() else (
    resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
print(total / 5 / (marks[1] - marks[0]), total / 5 / (marks[5] - marks[4]), peak)
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """Records a second in the first and the last fifth of a file, and the largest memory in megabytes."""

    first: float
    last: float
    memory: float

    @property
    def good(self) -> bool:
        return self.memory <= LARGEST and self.last >= self.first / 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Reading of large inputs.")
    parser.add_argument("--megabytes", type=int, default=1000, help="of JSON Lines (default: 1000)")
    parser.add_argument("--rows", type=int, default=200_000, help="of Parquet (default: 200000)")
    options = parser.parse_args(arguments)
    good = True
    with tempfile.TemporaryDirectory() as folder:
        lines, packed, table = (Path(folder) / name for name in ("in.jsonl", "in.jsonl.gz", "in.parquet"))
        count = write_lines(lines, packed, options.megabytes)
        write_table(table, options.rows)
        for file, records in ((lines, count), (packed, count), (table, options.rows)):
            reading = measure(file, records)
            good = good and reading.good
            print(
                f"{file.name}: {file.stat().st_size / 1e6:,.0f} MB, {records:,} records, {reading.first:,.0f}/s at first, "
                f"{reading.last:,.0f}/s at last, {reading.memory:.0f} MB of memory"
            )
    return 0 if good else 1


def papers() -> Iterator[dict[str, object]]:
    """Papers without end, each another one."""
    noise, n = random.Random(1), 0
    while True:
        n += 1
        words = [" ".join(noise.choices(_WORDS, k=k)) for k in (8, 220)]
        yield {
            "id": f"p{n}",
            "title": words[0],
            "abstract": words[1],
            "doi": f"10.1000/{n}",
            "year": 2024,
            "authors": ["Ada Tern"],
        }


def write_lines(lines: Path, packed: Path, megabytes: int) -> int:
    """Write so many megabytes twice, plain and packed; how many records they are."""
    size = count = 0
    with lines.open("wb") as file, gzip.open(packed, "wb", compresslevel=1) as zipped:
        for paper in papers():
            line = json.dumps(paper).encode() + b"\n"
            file.write(line)
            zipped.write(line)
            size, count = size + len(line), count + 1
            if size >= megabytes * 1e6:
                break
    return count


def write_table(table: Path, rows: int) -> None:
    """Write a Parquet file, in row groups."""
    import pyarrow as pa
    from pyarrow import parquet

    source = papers()
    schema = pa.Table.from_pylist([next(source)]).schema
    with parquet.ParquetWriter(table, schema) as writer:
        for start in range(0, rows, _GROUP):
            writer.write_table(pa.Table.from_pylist([next(source) for _ in range(min(_GROUP, rows - start))], schema))


def measure(file: Path, records: int) -> Reading:
    """Read a file in a process of its own."""
    done = subprocess.run([sys.executable, "-c", _READ, str(file), str(records)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return Reading(*map(float, done.stdout.split()))


if __name__ == "__main__":
    sys.exit(main())
