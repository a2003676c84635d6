"""Replies kept from one run to the next, in one SQLite file that several processes share.

A reply is found again by everything that shaped it: model, address, messages, schema and parameters. What is kept is the text
of the model, which is validated anew whenever it is read: a change of the schema or the checks can't let an old reply by.
"""

import asyncio
import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractor.errors import UsageError

Message = Mapping[str, Any]
_VERSION = 1  # of the table; a file of another version is emptied, it is a cache
# Earlier files are WITHOUT ROWID, which moves whole replies about: three times the CPU, twice the room. They serve as well.
_CREATE = """
CREATE TABLE IF NOT EXISTS replies (
    key BLOB PRIMARY KEY, model TEXT NOT NULL, reply TEXT NOT NULL, settled INTEGER NOT NULL, stored REAL NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A reply from the cache. `settled` says that the model was told the faults in it and did not mend them."""

    text: str
    settled: bool


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """What a cache file holds. Times are seconds since the epoch, None when it is empty."""

    path: Path
    bytes: int
    replies: dict[str, int]
    oldest: float | None
    newest: float | None


def default_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Where replies are kept: `EXTRACTOR_CACHE`, else `extractor/replies.sqlite3` in the user's cache folder."""
    if named := environ.get("EXTRACTOR_CACHE"):
        return Path(named)
    home = environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "extractor" / "replies.sqlite3"


class Shape:
    """What shapes every reply of a job alike, and with the messages gives the key of each."""

    def __init__(self, model: str, base_url: str | None, schema: object, parameters: object) -> None:
        self._hash = hashlib.sha256(_encode([model, base_url, schema, parameters]) + b"\n[")
        self._opening: Sequence[Message] = ()
        self._opened = self._hash

    def key_of(self, messages: Sequence[Message]) -> bytes:
        """The key of the reply to these messages: 32 bytes that differ when anything that shaped it differs.

        All messages but the last are mostly the job's prompt: they are hashed again only when they are others.
        """
        *opening, last = messages
        if opening != self._opening:
            opened = self._hash.copy()
            opened.update(b"".join(_encode(message) + b", " for message in opening))
            self._opening, self._opened = [dict(message) for message in opening], opened
        key = self._opened.copy()
        key.update(_encode(last) + b"]")
        return key.digest()


_encode_text = json.JSONEncoder(sort_keys=True).encode


def _encode(value: object) -> bytes:
    return _encode_text(value).encode()


class ReplyCache:
    """The cache of one process. Reads take 20 microseconds on the event loop; writes are gathered and made on a thread.

    A file that SQLite cannot open is renamed and replaced by a new one, with one line to `notice`; where a file cannot
    be used, nothing is cached. Replies not yet written when a process is killed are asked for again.
    """

    def __init__(self, path: Path | None = None, notice: Callable[[str], None] = lambda _line: None) -> None:
        self.path = path or default_path()
        self._notice = notice
        self._reading: sqlite3.Connection | None = None
        self._writing: sqlite3.Connection | None = None  # used on the writer's thread; opening one per batch costs more than it
        self._waiting: dict[bytes, tuple[str, str, bool, float]] = {}
        self._writer: asyncio.Task[None] | None = None
        self._off = False

    def get(self, key: bytes) -> Kept | None:
        """The reply kept under a key, also one that waits to be written."""
        if waiting := self._waiting.get(key):
            return Kept(waiting[1], waiting[2])
        if self._off:
            return None
        try:
            self._reading = self._reading or self._open(timeout=1.0)
            row = self._reading.execute("SELECT reply, settled FROM replies WHERE key = ?", (key,)).fetchone()
        except (sqlite3.Error, OSError) as error:
            if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY:
                self._go_without(error)
            return None
        return Kept(row[0], bool(row[1])) if row else None

    def put(self, key: bytes, model: str, kept: Kept) -> None:
        """Keep a reply. Returns at once; call from the event loop, and `close` before it ends."""
        if self._off:
            return
        self._waiting[key] = (model, kept.text, kept.settled, time.time())
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write_waiting())

    async def close(self) -> None:
        """Write what waits, and close the file."""
        if self._writer is not None:
            await self._writer
        for connection in (self._reading, self._writing):
            if connection is not None:
                with suppress(sqlite3.Error):
                    connection.close()
        self._reading = self._writing = None

    async def _write_waiting(self) -> None:
        while self._waiting and not self._off:
            batch = dict(self._waiting)
            try:
                await asyncio.to_thread(self._write, batch)
            except (sqlite3.Error, OSError) as error:
                self._go_without(error)
            else:
                for key, value in batch.items():
                    if self._waiting.get(key) is value:
                        del self._waiting[key]
        self._waiting.clear()

    def _write(self, batch: Mapping[bytes, tuple[str, str, bool, float]]) -> None:
        self._writing = self._writing or self._open()
        with self._writing:
            rows = [(key, *value) for key, value in batch.items()]
            self._writing.executemany("INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?, ?)", rows)

    def _open(self, timeout: float = 10.0) -> sqlite3.Connection:
        try:
            return _connect(self.path, timeout)
        except sqlite3.OperationalError:  # a lock, a full disk, missing permissions: the file itself is sound
            raise
        except sqlite3.DatabaseError:
            aside = self.path.with_name(f"{self.path.name}.damaged-{int(time.time())}")
            self.path.replace(aside)
            for file in _files(self.path)[1:]:
                file.unlink(missing_ok=True)
            self._notice(f"The reply cache was damaged; it is now {aside.name}, and a new one was started.")
            return _connect(self.path, timeout)

    def _go_without(self, error: Exception) -> None:
        if not self._off:
            self._off = True
            self._notice(f"The reply cache {self.path} can't be used ({error}); going on without it.")


def info(path: Path | None = None) -> CacheInfo:
    """What is in a cache file; a file that is not there is an empty cache. Raises `UsageError` for one that can't be read."""
    path = path or default_path()
    if not path.exists():
        return CacheInfo(path, 0, {}, None, None)
    try:
        with closing(_connect(path)) as connection:
            replies = dict(connection.execute("SELECT model, COUNT(*) FROM replies GROUP BY model ORDER BY model").fetchall())
            oldest, newest = connection.execute("SELECT MIN(stored), MAX(stored) FROM replies").fetchone()
    except (sqlite3.Error, OSError) as error:
        raise UsageError(f"the reply cache {path} can't be read ({error}). Remove the file.") from None
    size = sum(file.stat().st_size for file in _files(path) if file.exists())
    return CacheInfo(path, size, replies, oldest, newest)


def clear(path: Path | None = None) -> int:
    """Forget all replies and return how many there were. Safe while other processes use the file. Raises `UsageError`."""
    path = path or default_path()
    if not path.exists():
        return 0
    try:
        with closing(_connect(path)) as connection:
            with connection:
                count: int = connection.execute("DELETE FROM replies").rowcount
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except (sqlite3.Error, OSError) as error:
        raise UsageError(f"the reply cache {path} can't be cleared ({error}). Remove the file instead.") from None
    return count


def _connect(path: Path, timeout: float = 10.0) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=timeout, check_same_thread=False)
    try:
        _switch_to_wal(connection, timeout)
        # With WAL, NORMAL can lose the last commits to a power cut but never breaks the file, and spares a disk sync each.
        connection.execute("PRAGMA synchronous = NORMAL")
        if connection.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                if connection.execute("PRAGMA user_version").fetchone()[0] != _VERSION:  # another process may have been first
                    connection.execute("DROP TABLE IF EXISTS replies")
                    connection.execute(_CREATE)
                    connection.execute(f"PRAGMA user_version = {_VERSION}")
    except BaseException:
        connection.close()
        raise
    return connection


def _switch_to_wal(connection: sqlite3.Connection, timeout: float) -> None:
    """Let readers go on while one process writes. SQLite does not wait for another process that switches, so this does."""
    until = time.monotonic() + timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _files(path: Path) -> tuple[Path, Path, Path]:
    return path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")
