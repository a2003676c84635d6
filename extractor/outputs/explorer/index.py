"""The claims of jobs in a SQLite file that can be asked quickly, and that follows a job while it runs.

A claim's row leaves out what its document holds already; `FILLED` says what the rows of an answer have.
"""

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Final

from extractor.outputs.columns import TABLES, Cell, declared
from extractor.outputs.explorer.facets import FACETS, searched_text
from extractor.outputs.jsonl import EXTRACTIONS, FAILURES, from_line, read_failures
from extractor.outputs.tables import failure_row, flatten, job_parts
from extractor.records import Extraction

_VERSION: Final = 1
_TYPES: Final = {"text": "TEXT", "integer": "INTEGER", "number": "REAL", "boolean": "INTEGER"}
_OF_DOCUMENT: Final = {column.name for column in TABLES["documents"]}
_FACETED: Final = {facet.column for facet in FACETS}
_MODEL: Final = next(column for column in TABLES["documents"] if column.name == "model")

CLAIM_COLUMNS: Final = (
    *(c for c in TABLES["claims"] if c.name != "sentence" and (c.name not in _OF_DOCUMENT or c.name in _FACETED)),
    _MODEL,
)
"""What a claim's own row holds: not the words of its document, apart from those that it is filtered by."""
TARGET_COLUMNS: Final = tuple(column for column in TABLES["hardware"] if column.name not in _OF_DOCUMENT)
_NAMES: Final = {table: [column.name for column in columns] for table, columns in TABLES.items()}


class Index:
    """The index of jobs. `job_parts` says which paths are jobs, and raises where one is not there."""

    def __init__(self, paths: Sequence[str | Path], file: Path) -> None:
        self.file = file
        self._parts = job_parts(paths)
        self._read: list[tuple[str, int, str]] = []

    def connect(self) -> sqlite3.Connection:
        """A connection of one's own."""
        connection = sqlite3.connect(self.file, isolation_level=None, timeout=60)
        connection.execute("PRAGMA synchronous = OFF")  # what is lost is read again
        return connection

    def refresh(self, seconds: float = float("inf")) -> float:
        """Read what was appended since, for so long. Returns which share of the bytes has been read.

        A line without its end is left for the next time. Everything is read anew where a file was replaced.
        """
        now = [(_mark(part), _size(_records(part)), _failed(part)) for _, part in self._parts]
        if now == self._read and self.file.exists():
            return 1.0
        with closing(self.connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                _prepare(connection, [(job, str(part), _mark(part)) for job, part in self._parts])
                share = _Reading(connection, time.monotonic() + seconds).read()
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
        self._read = now if share == 1 else []
        return share


def _mark(part: Path) -> str:
    """Another one where the file of records was replaced."""
    try:
        found = _records(part).stat()
    except FileNotFoundError:
        return ""
    return f"{found.st_dev}:{found.st_ino}"


def _records(part: Path) -> Path:
    return part / EXTRACTIONS if part.is_dir() else part


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _tail(file: Path, offset: int) -> str:
    """What stands before an offset: a file that was replaced may get the number of one that is gone."""
    if offset == 0:
        return ""
    with file.open("rb") as lines:
        lines.seek(max(0, offset - 4096))
        return blake2b(lines.read(min(offset, 4096)), digest_size=16).hexdigest()


def _failed(part: Path) -> str:
    """Another text where the file of failures is another."""
    file = part / FAILURES
    return f"{file.stat().st_mtime_ns}:{file.stat().st_size}" if file.is_file() else ""


def _prepare(connection: sqlite3.Connection, parts: list[tuple[str, str, str]]) -> None:
    """Make the tables, unless they are there and hold the beginning of just these files."""
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    [(version,)] = connection.execute("PRAGMA user_version")
    if version == _VERSION and "parts" in tables:
        read = connection.execute("SELECT job, part, mark, offset, tail FROM parts ORDER BY key").fetchall()
        same = all(_tail(_records(Path(part)), offset) == tail for _, part, _, offset, tail in read)
        if [row[:3] for row in read] == parts and same:
            return
    for name in tables:
        connection.execute(f"DROP TABLE {name}")
    own = ", ".join(declared(column, _TYPES) for column in CLAIM_COLUMNS)
    of_target = ", ".join(declared(column, _TYPES) for column in TARGET_COLUMNS)
    of_document = ", ".join(declared(column, _TYPES) for column in TABLES["documents"])
    of_failure = ", ".join(declared(column, _TYPES) for column in TABLES["failures"])
    for table in (
        "parts (key INTEGER PRIMARY KEY, job TEXT, part TEXT, mark TEXT, offset INTEGER, tail TEXT, failures TEXT)",
        f"documents (key INTEGER PRIMARY KEY, {of_document}, rejected TEXT)",
        f"claims (key INTEGER PRIMARY KEY, document_key INTEGER, {own})",
        f"hardware (document_key INTEGER, {of_target})",
        f"failures (part INTEGER, {of_failure})",
        "texts (key INTEGER PRIMARY KEY, words TEXT)",
        "words (facet TEXT, word, part TEXT, label TEXT, claims INTEGER, UNIQUE (facet, word, part))",
    ):
        connection.execute(f"CREATE TABLE {table}")
    for index in ("documents (document)", "claims (document_key)", "hardware (document_key)", "words (facet, part)"):
        connection.execute(f"CREATE INDEX {index.replace(' (', '_').rstrip(')').replace(', ', '_')} ON {index}")
    connection.executemany("INSERT INTO parts VALUES (NULL, ?, ?, ?, 0, '', '')", parts)
    connection.execute(f"PRAGMA user_version = {_VERSION}")


class _Reading:
    """One time that an index is brought up to date, until a moment of the monotonic clock."""

    def __init__(self, connection: sqlite3.Connection, until: float) -> None:
        self._connection = connection
        self._until = until
        self._words: Counter[tuple[str, Cell]] = Counter()

    def read(self) -> float:
        read, of = 0, 0
        parts = self._connection.execute("SELECT key, job, part, offset, failures FROM parts").fetchall()
        for key, job, part, offset, failures in parts:
            file = _records(Path(part))
            reached = self._records(file, job, offset)
            self._connection.execute(
                "UPDATE parts SET offset = ?, tail = ? WHERE key = ?", (reached, _tail(file, reached), key)
            )
            if Path(part).is_dir():
                self._failures(key, Path(part), job, failures)
            read, of = read + reached, of + file.stat().st_size
        self._count()
        return read / of if of else 1.0

    def _records(self, file: Path, job: str, offset: int) -> int:
        """Read whole lines from an offset on; the offset behind the last of them."""
        with file.open("rb") as lines:
            lines.seek(offset)
            for line in lines:
                if not line.endswith(b"\n") or time.monotonic() > self._until:
                    break
                if not line.isspace():
                    self._add(from_line(line, Extraction, f"{file}, at byte {offset}"), job)
                offset += len(line)
        return offset

    def _add(self, record: Extraction, job: str) -> None:
        rows = flatten(record, job)
        document = dict(zip(_NAMES["documents"], rows["documents"][0], strict=True))
        rejected = json.dumps([each.model_dump() for each in record.rejected], ensure_ascii=False)
        key = self._insert("documents", [None, *document.values(), rejected])
        for row in rows["claims"]:
            claim = dict(zip(_NAMES["claims"], row, strict=True)) | {"model": document["model"]}
            at = self._insert("claims", [None, key, *(claim[column.name] for column in CLAIM_COLUMNS)])
            self._insert("texts", [at, searched_text(claim)])
            self._words.update((facet.name, claim[facet.column]) for facet in FACETS)
        for row in rows["hardware"]:
            target = dict(zip(_NAMES["hardware"], row, strict=True))
            self._insert("hardware", [key, *(target[column.name] for column in TARGET_COLUMNS)])

    def _insert(self, table: str, cells: Sequence[Cell]) -> int | None:
        marks = ", ".join("?" * len(cells))
        return self._connection.execute(f"INSERT INTO {table} VALUES ({marks})", cells).lastrowid

    def _failures(self, key: int, folder: Path, job: str, before: str) -> None:
        now = _failed(folder)
        if now != before:
            self._connection.execute("DELETE FROM failures WHERE part = ?", (key,))
            for failure in read_failures(folder):
                self._insert("failures", [key, *failure_row(failure, job)])
            self._connection.execute("UPDATE parts SET failures = ? WHERE key = ?", (now, key))

    def _count(self) -> None:
        """Add what the cells of the new claims count as."""
        facets = {facet.name: facet for facet in FACETS}
        self._connection.executemany(
            "INSERT INTO words VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (facet, word, part) DO UPDATE SET claims = claims + excluded.claims",
            chain.from_iterable(
                [(name, word, part, label, times) for part, label in facets[name].parts_of(word)]
                for (name, word), times in self._words.items()
                if word is not None
            ),
        )
