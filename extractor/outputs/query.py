"""Questions to the tables of jobs in SQL. DuckDB answers; the question can read the tables and nothing else."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from extractor.errors import UsageError
from extractor.outputs.export import export
from extractor.outputs.tables import package

_LOCKED: Final = {
    "enable_external_access": "false",
    "lock_configuration": "true",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "python_enable_replacements": "false",  # a name in SQL is never a variable of this program
    "memory_limit": "1GB",
}
_EXAMPLE = re.compile(r"^-- Example: (.+)$", re.MULTILINE)
_COMMENT = re.compile(r"^-- ?(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """A question that everyone has: its name, what it answers, an example, its SQL."""

    name: str
    about: str
    example: str
    sql: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The columns of an answer and its rows, read in batches."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


def named_queries() -> tuple[NamedQuery, ...]:
    """The questions that come with the package, by name."""
    folder = files(__package__).joinpath("queries")
    texts = {file.name.removesuffix(".sql"): file.read_text(encoding="utf-8") for file in folder.iterdir()}
    return tuple(_named(name, texts[name]) for name in sorted(texts))


def _named(name: str, text: str) -> NamedQuery:
    head = [line for line in _COMMENT.findall(text) if not line.startswith("Example: ")]
    [example] = _EXAMPLE.findall(text)
    return NamedQuery(name, " ".join(head), example, text)


def named_query(name: str) -> NamedQuery:
    """One of them. Raises `UsageError` for a name that it does not know."""
    known = {query.name: query for query in named_queries()}
    if name not in known:
        raise UsageError(f"There is no query {name!r}. Use one of {', '.join(known)}.")
    return known[name]


@contextmanager
def ask(paths: Sequence[str | Path], sql: str, *, limit: int | None = None) -> Iterator[Answer]:
    """The answer to a question about jobs, or about one database that `export` wrote for DuckDB.

    The tables are built for the question and dropped with it. Raises `UsageError` for SQL that DuckDB does not accept, and
    what `read_rows` raises.
    """
    duckdb = package("duckdb")
    with tempfile.TemporaryDirectory(prefix="extractor-") as scratch:
        database = _database(paths, Path(scratch))
        settings = _LOCKED | {"temp_directory": str(Path(scratch) / "spilled")}
        try:
            with duckdb.connect(database, read_only=True, config=settings) as connection:
                yield _answer(connection, sql, limit)
        except duckdb.Error as error:
            raise UsageError(f"{_cause(error)} docs/tables.md lists the tables and columns.") from None


def _database(paths: Sequence[str | Path], scratch: Path) -> Path:
    [path, *others] = [Path(path) for path in paths]
    if not others and path.suffix == ".duckdb" and path.is_file():
        return path
    return export(paths, "duckdb", scratch / "tables.duckdb").files[0]


def _answer(connection: Any, sql: str, limit: int | None) -> Answer:
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise UsageError(f"A question is one statement, and these are {len(statements)}.")
    found = connection.execute(statements[0])
    if found.description is None:
        raise UsageError("The statement gives no rows. Ask with SELECT.")
    return Answer(tuple(column[0] for column in found.description), _rows(found, limit))


def _rows(found: Any, limit: int | None) -> Iterator[tuple[Any, ...]]:
    left = limit
    while left is None or left > 0:
        rows = found.fetchmany(1024 if left is None else min(left, 1024))
        if not rows:
            return
        yield from rows
        left = None if left is None else left - len(rows)


def _cause(error: Exception) -> str:
    """The first line of DuckDB's message, and the column or table that it means where it says so."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    hints = [line for line in lines[1:] if line.startswith(("Did you mean", "Candidate"))]
    return ". ".join(line.rstrip(".") for line in [*lines[:1], *hints[:1]]) + "."
