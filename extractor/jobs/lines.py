"""Where the records of a job stand in its file, by their ids, and where the input has those ids."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict

from extractor.records import Kind, Provenance
from extractor.scratch import Scratch, digest


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, defer_build=True)


class _KnownClaim(_Part):
    kind: Kind


class _KnownRejection(_Part):
    reason: str


class KnownRecord(_Part):
    """What is counted and compared of an `Extraction` that this program wrote: read in a third of the time of all of it."""

    id: str
    title: str
    abstract: str
    claims: tuple[_KnownClaim, ...]
    hardware: tuple[object, ...]
    rejected: tuple[_KnownRejection, ...]
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Line:
    """A line of `extractions.jsonl`."""

    offset: int
    length: int

    def read(self, file: BinaryIO) -> bytes:
        """The line."""
        file.seek(self.offset)
        return file.read(self.length)


class Lines:
    """The lines of a file by the id of their record, each with the place of that id in the input.

    `broken` says that the file holds lines which no longer count.
    """

    def __init__(self) -> None:
        self._rows = Scratch("lines (id INTEGER PRIMARY KEY, offset INTEGER, length INTEGER, content INTEGER, nth INTEGER)")
        self._asked = 0
        self.broken = False

    def put(self, name: str, offset: int, length: int, content: int | None = None) -> Line | None:
        """Note a line; the older one of that id, which no longer counts, if there is one."""
        key = digest(name)
        if self._rows.change("INSERT OR IGNORE INTO lines VALUES (?, ?, ?, ?, NULL)", (key, offset, length, content)):
            return None
        old = self._at(key)
        self._rows.change("UPDATE lines SET offset = ?, length = ?, content = ? WHERE id = ?", (offset, length, content, key))
        return old

    def ask(self, name: str, content: int) -> tuple[bool, Line | None]:
        """Note that the input has a document here. Whether its line is there, else its line of another content."""
        key = digest(name)
        self._asked += 1
        if self._rows.change("INSERT OR IGNORE INTO lines VALUES (?, NULL, NULL, NULL, ?)", (key, self._asked)):
            return False, None
        self._rows.change("UPDATE lines SET nth = ? WHERE id = ?", (self._asked, key))
        row = self._rows.row("SELECT content FROM lines WHERE id = ? AND offset IS NOT NULL", (key,))
        if row is None:
            return False, None
        if row[0] == content:
            return True, None
        return False, self.drop(name)

    def has(self, name: str) -> bool:
        """Whether an id has a line that counts."""
        return self._rows.row("SELECT 1 FROM lines WHERE id = ? AND offset IS NOT NULL", (name,)) is not None

    def drop(self, name: str) -> Line | None:
        """Count an id's line no longer, and return it if there is one."""
        key = digest(name)
        old = self._at(key)
        if old is not None:
            self._rows.change("UPDATE lines SET offset = NULL WHERE id = ?", (key,))
        return old

    def unasked(self) -> int:
        """How many lines are of ids that the input did not have."""
        row = self._rows.row("SELECT count(*) FROM lines WHERE offset IS NOT NULL AND nth IS NULL")
        return int(row[0]) if row else 0

    def in_order(self) -> bool:
        """Whether the lines stand in the order of the input, those of ids that it did not have at the end."""
        last = -1
        for line in self.that_count(by_input=True):
            if line.offset < last:
                return False
            last = line.offset
        return True

    def that_count(self, *, by_input: bool) -> Iterator[Line]:
        """The lines that count, in the order of the input or as they stand."""
        counting = "SELECT offset, length FROM lines WHERE offset IS NOT NULL"
        for row in self._rows.rows(counting + " ORDER BY " + ("nth IS NULL, nth, offset" if by_input else "offset")):
            yield Line(*row)

    def close(self) -> None:
        """Let go of the memory."""
        self._rows.close()

    def _at(self, key: int) -> Line | None:
        row = self._rows.row("SELECT offset, length FROM lines WHERE id = ? AND offset IS NOT NULL", (key,))
        if row is None:
            return None
        self.broken = True
        return Line(*row)
