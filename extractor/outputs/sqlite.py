"""Tables as a SQLite database."""

import errno
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from extractor.errors import DataError
from extractor.outputs.columns import TABLES, declared
from extractor.outputs.tables import Row

_SQLITE_TYPES: Final = {"text": "TEXT", "integer": "INTEGER", "number": "REAL", "boolean": "INTEGER"}
_BELOW: Final = ("claims", "hardware")
"""The tables whose rows belong to a document."""
_INDEXES: Final = {
    "claims": ("document_key", "kind", "metric_key", "dataset_key", "hardware_key", "factor"),
    "hardware": ("document_key", "hardware_key", "category"),
}
_SEARCHED: Final = {
    "documents": ("title", "abstract"),
    "claims": ("sentence", "title", "metric", "subject", "baseline", "dataset", "hardware"),
}


class SQLite:
    """With primary and foreign keys, and full-text search in `documents_fts` and `claims_fts`, as Datasette shows it."""

    def __init__(self, file: Path) -> None:
        self._database = sqlite3.connect(file, isolation_level=None)
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -16384", "foreign_keys = ON"):
            self._database.execute(f"PRAGMA {setting}")  # nobody reads it before it is whole
        self._database.execute("BEGIN")
        for table, columns in TABLES.items():
            parts = ["key INTEGER PRIMARY KEY"]
            if table in _BELOW:
                parts.append("document_key INTEGER NOT NULL REFERENCES documents(key)")
            parts += [declared(column, _SQLITE_TYPES) for column in columns]
            parts += ["UNIQUE (job, document)"] if table == "documents" else []
            self._database.execute(f"CREATE TABLE {table} ({', '.join(parts)})")
        self._inserts = {table: _insert(table, len(columns)) for table, columns in TABLES.items()}

    def write(self, table: str, rows: Sequence[Row]) -> None:
        try:
            self._database.executemany(self._inserts[table], rows)
        except sqlite3.IntegrityError:
            raise DataError("A document stands in a job twice. Run the job again with --fresh, or delete a line.") from None
        except sqlite3.OperationalError as error:
            raise OSError(errno.EIO, str(error), "the database") from None

    def close(self, *, whole: bool) -> None:
        try:
            if not whole:
                return
            for table, columns in _INDEXES.items():
                for column in columns:
                    self._database.execute(f"CREATE INDEX {table}_{column} ON {table}({column})")
            for table, columns in _SEARCHED.items():
                fts = f"{table}_fts"
                self._database.execute(
                    f"CREATE VIRTUAL TABLE {fts} USING fts5({', '.join(columns)}, content='{table}', content_rowid='key')"
                )
                self._database.execute(f"INSERT INTO {fts}({fts}) VALUES ('rebuild')")  # noqa: S608 (its own names)
            self._database.execute("COMMIT")
        finally:
            self._database.close()


def _insert(table: str, size: int) -> str:
    """A row below a document finds it by its first two cells, which SQLite calls column1 and column2."""
    key = "(SELECT key FROM documents WHERE job = column1 AND document = column2), " if table in _BELOW else ""
    cells = ", ".join("?" * size)
    return f"INSERT INTO {table} SELECT NULL, {key}* FROM (VALUES ({cells}))"  # noqa: S608 (the name is one of TABLES)
