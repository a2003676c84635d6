"""What a large job must remember and memory should not hold, in a temporary database.

SQLite keeps it in a file that has no name and is gone when the process ends, however it ends; up to 16 MB stay in memory, so a
small job never touches the disk. An entry takes 9 microseconds, an int in a dict 1; ten million ids in a dict take 1.1 GB.
"""

import errno
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any
from weakref import finalize


class Scratch:
    """One temporary database. Raises `OSError` where its file has no room."""

    def __init__(self, table: str) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        # Nobody reads it after a crash, so it needs no journal and no waiting for the disk.
        for setting in ("cache_size = -16384", "journal_mode = OFF", "synchronous = OFF"):
            self._database.execute(f"PRAGMA {setting}")
        self._database.execute(f"CREATE TABLE {table}")
        self._database.execute("BEGIN")
        # Whoever only looks into something has no end to close it at; Python warns of a database that is dropped open.
        self.close = finalize(self, self._database.close)
        """Drop it. It may be closed twice, and is when nobody holds it any more."""

    def change(self, statement: str, values: Sequence[int | str | None] = ()) -> int:
        """Run a statement and return how many rows it has changed. A text among the values stands for its digest."""
        try:
            return self._database.execute(statement, _digested(values)).rowcount
        except sqlite3.Error as error:
            raise _no_room(error) from None

    def row(self, statement: str, values: Sequence[int | str | None] = ()) -> tuple[Any, ...] | None:
        """The first row of a query, or None. A text among the values stands for its digest."""
        try:
            row: tuple[Any, ...] | None = self._database.execute(statement, _digested(values)).fetchone()
        except sqlite3.Error as error:
            raise _no_room(error) from None
        return row

    def rows(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, one by one."""
        try:
            yield from self._database.execute(statement)
        except sqlite3.Error as error:
            raise _no_room(error) from None


def digest(text: str) -> int:
    """A key for a text in this process, 64 bits with a sign: among ten million, two share one with a probability of 3e-6."""
    return hash(text)  # SipHash with a random key, an eighth of the time of blake2b


def _digested(values: Sequence[int | str | None]) -> list[int | None]:
    return [digest(value) if isinstance(value, str) else value for value in values]


def _no_room(error: sqlite3.Error) -> OSError:
    return OSError(errno.ENOSPC, f"{error}; free some room there or set TMPDIR to another folder", "the temporary folder")
