"""Tables as files for other programs: CSV, TSV, Parquet, XLSX, SQLite, DuckDB. Rows are written as they are read.

A target is whole or not there: everything is written beside it and moved into its place at the end.
"""

import csv
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Final, Protocol

from extractor.errors import UsageError
from extractor.outputs.columns import TABLES, Cell, declared
from extractor.outputs.tables import Row, arrow_batch, arrow_schema, package, read_rows


class Writer(Protocol):
    """Takes the rows of tables in batches. `close` is called at the end; `whole` says whether everything was written."""

    def write(self, table: str, rows: Sequence[Row]) -> None: ...

    def close(self, *, whole: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its writer, made with the path of its file, or of a folder that gets a file for each table."""

    writer: Callable[[Path], Writer]
    one_file: bool


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the files, and how many rows of each table."""

    files: tuple[Path, ...]
    rows: dict[str, int]


def export(paths: Iterable[str | Path], name: str, target: Path, *, named: str | None = None) -> Exported:
    """Write the tables of jobs to a target: a folder for csv, tsv and parquet, a file for xlsx, sqlite and duckdb.

    A file that is there is replaced when the new one is whole. `named` is what the job is called of which the paths are parts.
    Raises `UsageError` for a format that does not exist, a target of the wrong kind or a package that is not installed,
    `DataError` for a document that stands in a job twice, and what `read_rows` raises.
    """
    if name not in FORMATS:
        raise UsageError(f"There is no format {name!r}. Use one of {', '.join(FORMATS)}.")
    kind = FORMATS[name]
    if kind.one_file and target.is_dir():
        raise UsageError(f"{target} is a folder. Name the file to write: -o {target / f'tables.{name}'}.")
    if not kind.one_file and target.exists() and not target.is_dir():
        raise UsageError(f"{target} is a file. Name the folder to write to.")
    batches = _started(read_rows(paths, named=named))
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        rows = _written(kind.writer(staged / target.name if kind.one_file else staged), batches)
        if not kind.one_file:
            target.mkdir(exist_ok=True)
        return Exported(tuple(_moved(staged, target, into=not kind.one_file)), rows)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _started(batches: Iterator[tuple[str, list[Row]]]) -> Iterator[tuple[str, list[Row]]]:
    """The same batches, the first one read: a job that is not there is told before anything is made."""
    first = next(batches, None)
    return batches if first is None else chain([first], batches)


def _written(writer: Writer, batches: Iterable[tuple[str, list[Row]]]) -> dict[str, int]:
    rows, whole = dict.fromkeys(TABLES, 0), False
    try:
        for table, batch in batches:
            writer.write(table, batch)
            rows[table] += len(batch)
        whole = True
    finally:
        writer.close(whole=whole)
    return rows


def _moved(staged: Path, target: Path, *, into: bool) -> Iterator[Path]:
    for file in sorted(path for path in staged.iterdir() if path.is_file()):
        yield file.replace(target / file.name if into else target)


# CSV and TSV

_FORMULA = re.compile(r"'*[=+\-@＝＋－＠\t\r\n]")
_NUMBER = re.compile(r"[+-]?[\d.,]+\s?\\?%?")


def guarded(cell: Cell) -> Cell:
    """A cell that a spreadsheet takes for text: one that starts as a formula does and is not a number gets a "'" before it."""
    if isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def unguarded(cell: str) -> str:
    """The text of a cell that `guarded` wrote."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


class _Delimited:
    def __init__(self, folder: Path, *, suffix: str, delimiter: str) -> None:
        self._open = ExitStack()
        self._writers = {}
        for table, columns in TABLES.items():
            file: IO[str] = self._open.enter_context((folder / f"{table}.{suffix}").open("w", encoding="utf-8", newline=""))
            self._writers[table] = csv.writer(file, delimiter=delimiter, lineterminator="\n")
            self._writers[table].writerow(column.name for column in columns)

    def write(self, table: str, rows: Sequence[Row]) -> None:
        self._writers[table].writerows([_as_written(cell) for cell in row] for row in rows)

    def close(self, *, whole: bool) -> None:  # noqa: ARG002 (a part is thrown away)
        self._open.close()


def _as_written(cell: Cell) -> Cell:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return guarded(cell)


# Parquet and DuckDB


class _Parquet:
    def __init__(self, folder: Path) -> None:
        parquet = package("pyarrow.parquet")
        self._schemas = {table: arrow_schema(table) for table in TABLES}
        self._writers = {
            table: parquet.ParquetWriter(folder / f"{table}.parquet", schema, compression="zstd")
            for table, schema in self._schemas.items()
        }

    def write(self, table: str, rows: Sequence[Row]) -> None:
        self._writers[table].write_batch(arrow_batch(self._schemas[table], rows))

    def close(self, *, whole: bool) -> None:  # noqa: ARG002 (a part is thrown away)
        for writer in self._writers.values():
            writer.close()


_DUCKDB_TYPES: Final = {"text": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN"}


class _DuckDB:
    def __init__(self, file: Path) -> None:
        self._schemas = {table: arrow_schema(table) for table in TABLES}
        settings = {"memory_limit": "192MB", "threads": 2, "temp_directory": str(file.parent / "spilled")}
        self._database = package("duckdb").connect(file, config=settings)
        self._database.begin()  # at once: the disk is waited for after each transaction
        for table, columns in TABLES.items():
            self._database.execute(f"CREATE TABLE {table} ({', '.join(declared(c, _DUCKDB_TYPES) for c in columns)})")
            for column in columns:
                about = column.about.replace("'", "''")
                self._database.execute(f"COMMENT ON COLUMN {table}.{column.name} IS '{about}'")
        self._database.commit()

    def write(self, table: str, rows: Sequence[Row]) -> None:
        self._database.register("batch", arrow_batch(self._schemas[table], rows))
        self._database.execute(f"INSERT INTO {table} SELECT * FROM batch")  # noqa: S608 (the name is one of TABLES)
        self._database.unregister("batch")

    def close(self, *, whole: bool) -> None:  # noqa: ARG002 (a part is thrown away)
        self._database.close()


def _sqlite(file: Path) -> Writer:
    from extractor.outputs.sqlite import SQLite

    return SQLite(file)


def _xlsx(file: Path) -> Writer:
    from extractor.outputs.xlsx import XLSX

    return XLSX(file)


FORMATS: Final = {
    "csv": Format(lambda folder: _Delimited(folder, suffix="csv", delimiter=","), one_file=False),
    "tsv": Format(lambda folder: _Delimited(folder, suffix="tsv", delimiter="\t"), one_file=False),
    "parquet": Format(_Parquet, one_file=False),
    "xlsx": Format(_xlsx, one_file=True),
    "sqlite": Format(_sqlite, one_file=True),
    "duckdb": Format(_DuckDB, one_file=True),
}
