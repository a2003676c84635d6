"""The tables of a job: `documents`, `claims`, `hardware` and `failures`, one flattening for every format and reader.

Arrow is imported when a table is made of it, and not before.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from extractor.errors import UsageError, install
from extractor.outputs.columns import TABLES, Cell, ClaimRow, DocumentRow, FailureRow, TargetRow
from extractor.outputs.factors import factor_of
from extractor.outputs.jsonl import parts_of, read_extractions, read_failures
from extractor.records import Extraction, Failure
from extractor.spotting.units import in_base_unit

if TYPE_CHECKING:
    import pyarrow as pa

Row = tuple[Cell, ...]
BATCH: Final = 4096
"""Rows that are held at a time."""


def flatten(record: Extraction, job: str = "") -> dict[str, list[Row]]:
    """The rows of one record, by table."""
    claims = []
    for number, claim in enumerate(record.claims):
        low, base_unit = in_base_unit(claim.quantity.low, claim.quantity.unit)
        high, _ = in_base_unit(claim.quantity.high, claim.quantity.unit)
        factor, subject = factor_of(claim, record.text), claim.subject or record.system
        claims.append(ClaimRow(job, record, number, claim, factor, low, high, base_unit, subject))
    targets = [TargetRow(job, record, number, target) for number, target in enumerate(record.hardware)]
    made: dict[str, Sequence[Any]] = {"documents": [DocumentRow(job, record)], "claims": claims, "hardware": targets}
    return {table: [_row(table, thing) for thing in things] for table, things in made.items()}


def failure_row(failure: Failure, job: str = "") -> Row:
    """The row of one failure."""
    return _row("failures", FailureRow(job, failure))


def _row(table: str, thing: Any) -> Row:
    return tuple(column.read(thing) for column in TABLES[table])


def read_rows(
    paths: Iterable[str | Path], tables: Iterable[str] = TABLES, named: str | None = None
) -> Iterator[tuple[str, list[Row]]]:
    """The rows of jobs, by table and in batches: `documents` before what leads to them.

    A path is a job's folder, sharded or not, or an `extractions.jsonl`; it is what the job is called, unless that is `named`.
    Raises what `read_extractions` raises, and `UsageError` for a job that is named twice.
    """
    parts = job_parts(paths)
    wanted = [table for table in TABLES if table in set(tables)]
    held: dict[str, list[Row]] = {table: [] for table in wanted}
    for job, part in parts:
        for rows in _of_part(named or job, part, wanted):
            for table in wanted:
                held[table] += rows.get(table, ())
            if any(len(held[table]) >= BATCH for table in wanted):
                yield from _taken(held)
    yield from _taken(held)


def _taken(held: dict[str, list[Row]]) -> Iterator[tuple[str, list[Row]]]:
    for table, rows in held.items():
        if rows:
            held[table] = []
            yield table, rows


def _of_part(job: str, part: Path, wanted: Sequence[str]) -> Iterator[dict[str, list[Row]]]:
    if set(wanted) - {"failures"}:
        for record in read_extractions(part):
            yield flatten(record, job)
    if "failures" in wanted and part.is_dir():
        for failure in read_failures(part):
            yield {"failures": [failure_row(failure, job)]}


def job_parts(paths: Iterable[str | Path]) -> list[tuple[str, Path]]:
    """Each job with its folder or file, one for each shard. Raises `UsageError` where one is not there or is named twice."""
    found: list[tuple[str, Path]] = []
    seen: set[Path] = set()
    for path in map(Path, paths):
        if path.resolve() in seen:
            raise UsageError(f"{path} is named twice. Name each job once.")
        seen.add(path.resolve())
        for part in parts_of(path):
            read_extractions(part)  # that the file exists is told before anything is written
            found.append((str(path), part))
    return found


# Arrow


def arrow_schema(table: str) -> "pa.Schema":
    """The schema of a table, with each column's meaning in its metadata."""
    arrow = package("pyarrow")
    types = {"text": arrow.string(), "integer": arrow.int64(), "number": arrow.float64(), "boolean": arrow.bool_()}
    fields = [arrow.field(c.name, types[c.type], nullable=bool(c.null), metadata={"about": c.about}) for c in TABLES[table]]
    schema: pa.Schema = arrow.schema(fields)
    return schema


def arrow_batch(schema: "pa.Schema", rows: Sequence[Row]) -> "pa.RecordBatch":
    """Rows of a table as Arrow, one row at least.

    They pass through JSON: `pyarrow.array` imports pandas where that is installed, to see whether it is given something of
    pandas, and a short command would take a third longer.
    """
    arrow, reader = package("pyarrow"), package("pyarrow.json")
    lines = b"".join(json.dumps(dict(zip(schema.names, row, strict=True))).encode() + b"\n" for row in rows)
    whole = reader.ReadOptions(use_threads=False, block_size=len(lines) + 1)
    read = reader.read_json(arrow.BufferReader(lines), whole, reader.ParseOptions(explicit_schema=schema))
    [batch] = arrow.Table.from_arrays(read.columns, schema=schema).to_batches()
    found: pa.RecordBatch = batch
    return found


def read_table(table: str, *paths: str | Path) -> "pa.Table":
    """A table of one or several jobs."""
    schema = arrow_schema(table)
    batches = (arrow_batch(schema, rows) for _, rows in read_rows(paths, [table]))
    found: pa.Table = package("pyarrow").Table.from_batches(batches, schema=schema)
    return found


def read_claims(*paths: str | Path) -> "pa.Table":
    """The claims of one or several jobs as an Arrow table, one row a claim.

    A path is a job's folder or its `extractions.jsonl`. `.to_pandas()` and `polars.from_arrow()` go on from there. Raises what
    `read_extractions` raises, and `UsageError` where the extra `tables` is not installed.
    """
    return read_table("claims", *paths)


def package(name: str) -> Any:
    """A package of the extra `tables`. Raises `UsageError` where it is not installed."""
    try:
        return import_module(name)
    except ImportError:
        raise UsageError(f"{name.partition('.')[0]} is not installed. {install('tables')}.") from None
