"""A JSON array of objects, or objects one after another however they are broken into lines.

The bytes are cut into records by counting brackets outside strings; each record is then parsed by itself. A streaming parser
such as ijson stops at the first error and does not say on which line a record starts; here a damaged record costs that record.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

from extractor.sources.base import MAX_RECORD, TOO_LONG, Fault, Fields, Paper
from extractor.sources.json_record import parse_record

_CHUNK = 1 << 16
_INDENT = 100
_BOM = b"\xef\xbb\xbf"
_SEPARATORS = re.compile(rb"[\s,]*")
_OUTSIDE = re.compile(rb'["{}\[\],\n]')
_INSIDE = re.compile(rb'["\\\n]')
_UNCLOSED = (
    "not JSON: a string, an object or a list is not closed",
    "Close what the record opens, or write it with a JSON library.",
)
_CUT = ("the array has no end; the file may be cut off", "Check that the file is whole.")
_BEYOND = ("text after the end of the array", "Write one array, or one object a line in a file named .jsonl.")


def read_json_array(stream: BinaryIO, fields: Fields) -> Iterator[Paper | Fault]:
    """Read the records of an array; commas between them may be missing or too many."""
    text = _Text(stream)
    text.skip(re.compile(rb"(?:" + _BOM + rb")?\s*"))
    in_array = text.data.startswith(b"[")
    if in_array:
        text.drop(1)
    cut_off = False
    while True:
        text.skip(_SEPARATORS)
        if not text.data:
            if in_array and not cut_off:
                yield Fault(text.line, *_CUT)
            return
        if in_array and text.data.startswith(b"]"):
            text.drop(1)
            text.skip(re.compile(rb"\s*"))
            if text.data:
                yield Fault(text.line, *_BEYOND)
            return
        line = text.line
        record = text.take()
        cut_off = not text.data and not isinstance(record, bytes)
        yield parse_record(record, line, fields) if isinstance(record, bytes) else record


@dataclass(slots=True)
class _Scan:
    """How far a record is read: the place in the data, the brackets that would close it, and whether a string is open."""

    at: int = 0
    closing: bytearray = field(default_factory=bytearray)
    in_string: bool = False

    @property
    def open(self) -> bool:
        return bool(self.closing) or self.in_string

    def run(self, data: bytes) -> Literal["end", "broken", "more"]:
        """Go on to the record's end, the end of the data, or what JSON forbids: a line end in a string, a wrong bracket.

        After a wrong bracket the place is the record's start: what should have closed before may stand anywhere.
        """
        while found := (_INSIDE if self.in_string else _OUTSIDE).search(data, self.at):
            mark, start = found[0], found.start()
            if mark == b"\\":
                if start + 1 == len(data):
                    self.at = start
                    return "more"
                self.at = start + 2
                continue
            if self.in_string:
                if mark == b"\n":
                    self.at = start
                    return "broken"
                self.in_string = False
            elif mark == b'"':
                self.in_string = True
            elif mark in b"{[":
                self.closing += b"}" if mark == b"{" else b"]"
            elif not self.closing:  # a bare word, or a bracket that nothing opened
                self.at = start or 1
                return "end"
            elif mark in b"}]":
                if not self.closing.endswith(mark):
                    self.at = 0
                    return "broken"
                self.closing.pop()
            self.at = start + 1
            if mark in b'"}]' and not self.open:
                return "end"
        self.at = len(data)
        return "more"


@dataclass(slots=True)
class _Text:
    """The part of a stream that is not read yet, as far as it is in memory, and the line that it starts on."""

    stream: BinaryIO
    data: bytes = b""
    line: int = 1
    indent: int = 0

    def fill(self) -> bool:
        chunk = self.stream.read(_CHUNK)
        self.data += chunk
        return bool(chunk)

    def drop(self, end: int) -> None:
        dropped = self.data[:end]
        self.line += dropped.count(b"\n")
        self.indent = end - dropped.rfind(b"\n") - 1 if b"\n" in dropped else self.indent + end
        self.data = self.data[end:]

    def skip(self, pattern: re.Pattern[bytes]) -> None:
        """Drop what the pattern matches, over the borders of chunks."""
        while True:
            match = pattern.match(self.data)
            self.drop(match.end() if match else 0)
            if self.data or not self.fill():
                return

    def take(self) -> bytes | Fault:
        """Take the record that the data starts with. A damaged one ends where the next line starts a record, if one does."""
        first, scan, too_long = self.line, _Scan(), False
        next_record = re.compile(rb"\n[ \t,]{0,%d}(?=\{)" % (min(self.indent, _INDENT) + 1))
        while (state := scan.run(self.data)) == "more":
            if len(self.data) > MAX_RECORD:
                if not too_long and (found := next_record.search(self.data, 1)):
                    self.drop(found.end())
                    return Fault(first, *_UNCLOSED)
                too_long = True
                self.drop(scan.at)
                scan.at = 0
            if not self.fill():
                if not scan.open:  # a bare word
                    break
                found = next_record.search(self.data, 1)
                self.drop(found.end() if found else len(self.data))
                return Fault(first, *(TOO_LONG if too_long else _UNCLOSED))
        if state == "broken":
            self.leave(next_record, scan.at)
            return Fault(first, *_UNCLOSED)
        record = self.data[: scan.at]
        self.drop(scan.at)
        return Fault(first, *TOO_LONG) if too_long or len(record) > MAX_RECORD else record

    def leave(self, next_record: re.Pattern[bytes], at: int) -> None:
        """Drop everything up to the next record from `at` on."""
        while not (found := next_record.search(self.data, at)):
            tail = self.data.rfind(b"\n", at)  # what follows the last line end may be the indent of the next record
            self.drop(tail if tail >= len(self.data) - _INDENT - 2 else len(self.data))
            at = 0
            if not self.fill():
                self.drop(len(self.data))
                return
        self.drop(found.end())
