"""JSON records: one on each line, in an array, or one after another however they are broken into lines.

An array is cut into records by counting brackets outside strings; each record is then parsed by itself. A streaming parser
such as ijson stops at the first error and does not say on which line a record starts; here a damaged record costs that record.
"""

import json
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Literal, NoReturn

from extractor.sources.base import BOM, MAX_RECORD, TOO_LONG, Fault, Fields, Format, Paper
from extractor.sources.fields import Number, Record, kind, paper
from extractor.sources.opening import not_decoded, read_lines
from extractor.sources.shapes import AROUND, LISTS, SHAPES, Shape

_CHUNK = 1 << 16
_INDENT = 100
_WHOLE_ON_A_LINE = re.compile(rb"\{[^\n]*(?:\}\s*\n|\Z)")
_OBJECT_OR_ARRAY = re.compile(rb"\{|\[\s*[{\]]")  # a title may begin with a bracket too
_START = re.compile(rb"(?:" + BOM + rb")?\s*")
_SPACE = re.compile(rb"\s*")
_SEPARATORS = re.compile(rb"[\s,]*")
_OUTSIDE = re.compile(rb'["{}\[\],\n]')
_RECORD = b"r"
_OPENING = {b"}": b"{" + _RECORD, b"]": b"["}
_INSIDE = re.compile(rb'["\\\n]')
_UNCLOSED = (
    "not JSON: a string, an object or a list is not closed",
    "Close what the record opens, or write it with a JSON library.",
)
_CUT = ("the array has no end; the file may be cut off", "Check that the file is whole.")
_BEYOND = ("text after the end of the array", "Write one array, or one object a line in a file named .jsonl.")
_TOKEN = re.compile(rb'"(?:[^"\\\n]|\\.)*"|[{}\[\]:]')
_OBJECT_OR_NONE = re.compile(rb"\s*[{\]]")
_OF_RECORDS = frozenset([b"title", b"abstract", b"summary", b"id"])


def read_json_lines(stream: BinaryIO, fields: Fields) -> Iterator[Paper | Fault]:
    """Read one record a line; blank lines are skipped."""
    for line in read_lines(stream):
        if line.too_long:
            yield Fault(line.number, *TOO_LONG)
        elif line.raw.strip():
            yield _parse(line.raw, line.number, fields)


def read_json_array(stream: BinaryIO, fields: Fields) -> Iterator[Paper | Fault]:
    """Read the records of an array, or of the answer of a service; commas between them may be missing or too many."""
    text = _Text(stream)
    text.skip(_START)
    in_array, depth, cut_off, answers = text.starts_with(b"["), 0, False, True
    if in_array:
        text.drop(1)
    while True:
        text.skip(_SEPARATORS)
        if answers and not in_array:
            found = text.envelope()
            answers = found is not None
            if found:
                at, depth = found
                text.drop(at)
                in_array = True
                continue
        if text.empty:
            if in_array and not cut_off:
                yield Fault(text.line, *_CUT)
            return
        if in_array and text.starts_with(b"]"):
            text.drop(1)
            in_array = not depth
            if depth:  # another answer may follow
                text.close(depth)
                depth = 0
                continue
            text.skip(_SPACE)
            if not text.empty:
                yield Fault(text.line, *_BEYOND)
            return
        line = text.line
        record = text.take()
        cut_off = text.empty and not isinstance(record, bytes)
        yield _parse(record, line, fields) if isinstance(record, bytes) else record


@dataclass(slots=True)
class _Scan:
    """How far a record is read: up to `place`, an offset in the stream; its open brackets; whether a string is open.

    An open object that begins near the start of a line, as a record does, is an `r` in `brackets`, its place is in `starts`.
    """

    place: int
    brackets: bytearray = field(default_factory=bytearray)
    in_string: bool = False
    starts: deque[int] = field(default_factory=deque)

    @property
    def open(self) -> bool:
        return bool(self.brackets) or self.in_string

    def run(self, data: bytes, origin: int, first: int) -> Literal["end", "broken", "more"]:
        """Go on to the record's end, the end of the data, or what JSON forbids: a line end in a string, a wrong bracket.

        `origin` is the place of the data, `first` the index in it where the record starts.
        """
        at = self.place - origin
        state: Literal["end", "broken", "more"] = "more"
        while state == "more" and (found := (_INSIDE if self.in_string else _OUTSIDE).search(data, at)):
            mark, start = found[0], found.start()
            at = start + 1
            if mark == b"\\":
                if at == len(data):
                    self.place = origin + start
                    return "more"
                at += 1
            elif self.in_string:
                if mark == b"\n":
                    at, state = start, "broken"
                else:
                    self.in_string = False
                    state = "more" if self.brackets else "end"
            elif mark == b'"':
                self.in_string = True
            elif mark in b"{[":
                if mark == b"{" and data.rfind(b"\n", max(first, start - _INDENT - 2), start) >= 0:
                    self.starts.append(origin + start)
                    mark = _RECORD
                self.brackets += mark
            elif not self.brackets:  # a bare word, or a bracket that nothing opened
                at, state = max(start, first + 1), "end"
            elif mark in b"}]":
                if self.brackets[-1] not in _OPENING[mark]:
                    at, state = start, "broken"
                else:
                    if self.brackets.endswith(_RECORD):
                        self.starts.pop()
                    self.brackets.pop()
                    state = "more" if self.brackets else "end"
        self.place = origin + (len(data) if state == "more" else at)
        return state

    def resumes(self, place: int) -> bool:
        """Take the scan for that of the record at `place`, if that is one of the open objects."""
        while self.starts and self.starts[0] < place:
            self.starts.popleft()
            del self.brackets[: self.brackets.index(_RECORD) + 1]
        if not self.starts or self.starts[0] > place:
            return False
        del self.brackets[: self.brackets.index(_RECORD)]
        return True

    def forget(self) -> None:
        """Let no record resume this scan: the data behind it is dropped."""
        if self.starts:
            self.starts.clear()
            self.brackets = self.brackets.replace(_RECORD, b"{")


@dataclass(slots=True)
class _Text:
    """A stream as far as it is in memory: `data` from `start` on is not read yet and starts on line `line`."""

    stream: BinaryIO
    data: bytes = b""
    start: int = 0
    origin: int = 0
    line: int = 1
    indent: int = 0
    failed: _Scan = field(default_factory=lambda: _Scan(0))

    @property
    def empty(self) -> bool:
        return self.start == len(self.data)

    def starts_with(self, mark: bytes) -> bool:
        return self.data.startswith(mark, self.start)

    def fill(self) -> bool:
        chunk = self.stream.read(_CHUNK)
        self.origin += self.start
        self.data, self.start = self.data[self.start :] + chunk, 0
        return bool(chunk)

    def drop(self, size: int) -> None:
        end = self.start + size
        self.line += self.data.count(b"\n", self.start, end)
        line_end = self.data.rfind(b"\n", self.start, end)
        self.indent = end - line_end - 1 if line_end >= 0 else self.indent + size
        self.start = end

    def drop_to(self, place: int) -> None:
        self.drop(place - self.origin - self.start)

    def skip(self, pattern: re.Pattern[bytes]) -> None:
        """Drop what the pattern matches, over the borders of chunks."""
        while True:
            match = pattern.match(self.data, self.start)
            self.drop(match.end() - self.start if match else 0)
            if not self.empty or not self.fill():
                return

    def envelope(self) -> tuple[int, int] | None:
        """How many bytes on the records of an answer begin, if one starts here, and how deep they stand in it."""
        if not self.starts_with(b"{"):
            return None
        while len(self.data) - self.start < _CHUNK and self.fill():
            pass
        return _envelope(self.data[self.start : self.start + _CHUNK])

    def close(self, depth: int) -> None:
        """Drop the rest of an answer of which so many objects are open."""
        scan = _Scan(self.origin + self.start, bytearray(b"{" * depth))
        while scan.run(self.data, self.origin, self.start) == "more":
            self.drop_to(scan.place)
            scan.forget()
            if not self.fill():
                return
        self.drop_to(scan.place)

    def take(self) -> bytes | Fault:
        """Take the record that the data starts with. A damaged one ends where the next line starts a record, if one does.

        Such a record may stand inside the damaged one, unclosed too: its scan goes on where that of the damaged one stopped.
        """
        line, here, too_long = self.line, self.origin + self.start, False
        scan = self.failed if self.failed.resumes(here) else _Scan(here)
        next_record = re.compile(rb"\n[ \t,]{0,%d}(?=\{)" % (min(self.indent, _INDENT) + 1))
        while (state := scan.run(self.data, self.origin, self.start)) == "more":
            if len(self.data) - self.start > MAX_RECORD:
                if not too_long and (found := next_record.search(self.data, self.start + 1)):
                    self.drop(found.end() - self.start)
                    self.failed = scan
                    return Fault(line, *_UNCLOSED)
                too_long = True
                self.drop_to(scan.place)
                scan.forget()
            if not self.fill():
                if not scan.open:  # a bare word
                    break
                found = next_record.search(self.data, self.start + 1)
                self.drop((found.end() if found else len(self.data)) - self.start)
                self.failed = scan
                return Fault(line, *(TOO_LONG if too_long else _UNCLOSED))
        if state == "broken":
            # After a wrong bracket the next record may stand anywhere: what should have closed before it did not.
            self.leave(next_record, scan.place - self.origin if scan.in_string else self.start)
            self.failed = scan
            return Fault(line, *_UNCLOSED)
        size = scan.place - self.origin - self.start
        record = self.data[self.start : self.start + size]
        self.drop(size)
        return Fault(line, *TOO_LONG) if too_long or size > MAX_RECORD else record

    def leave(self, next_record: re.Pattern[bytes], index: int) -> None:
        """Drop everything up to the next record from `index` on."""
        while not (found := next_record.search(self.data, index)):
            end = len(self.data)
            tail = self.data.rfind(b"\n", max(index, end - _INDENT - 2))  # perhaps the indent of the next record
            self.drop((end if tail < 0 else tail) - self.start)
            if not self.fill():
                self.drop(len(self.data))
                return
            index = 0
        self.drop(found.end() - self.start)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


_DECODER = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=_no_constant)


def _parse(raw: bytes, line: int, fields: Fields) -> Paper | Fault:
    """Read the bytes of one record that starts at `line`. Strings come out as they went in."""
    try:
        record = _DECODER.decode(raw.decode())
    except UnicodeDecodeError as error:
        return Fault(line, *not_decoded(error))
    except json.JSONDecodeError as error:
        where = f"line {line + error.lineno - 1}, column {error.colno}"
        return Fault(
            line, f"not JSON: {error.msg.removesuffix(' at')} ({where})", "Mend the record, or write it with a JSON library."
        )
    except (ValueError, RecursionError):  # NaN and Infinity; thousands of brackets
        return Fault(line, "not JSON: a number or a nesting that JSON readers refuse", "Write the record with a JSON library.")
    if not isinstance(record, dict):
        return Fault(line, f"{kind(record)}, not an object", 'Write each record as {"title": ..., "abstract": ...}.')
    shape = shape_of(record)
    return paper(record, line, fields, shape.flat if shape else None)


def shape_of(record: Record) -> Shape | None:
    """The shape of a record; None for a plain one."""
    names = record.keys()
    return next((shape for shape in SHAPES if shape.has <= names), None)


def _envelope(data: bytes, at: int = 0) -> tuple[int, int] | None:
    """Where the records of a service's answer begin, `{"data": [...]}`, and how many objects are open there; None for another.

    A record may have such a field too: what has a title or an id before it is a record.
    """
    names: list[bytes] = []
    last = b""
    for found in _TOKEN.finditer(data, at):
        mark = found[0]
        if mark.startswith(b'"'):
            last = mark[1:-1]
        elif mark == b":":
            names[-1:] = [last]
            if len(names) == 1 and last in _OF_RECORDS:
                return None
        elif mark == b"{":
            names.append(b"")
        elif mark == b"}":
            names.pop()
        elif mark == b"[" and names[-1:] and names[-1] in LISTS and all(name in AROUND for name in names[:-1]):
            return (found.end(), len(names)) if _OBJECT_OR_NONE.match(data, found.end()) else None
        elif mark == b"[":
            names.append(b"[")
        elif mark == b"]":
            names.pop()
        if not names:
            return None
    return None


JSON_LINES = Format(
    "JSON Lines",
    (".jsonl", ".ndjson"),
    lambda head: _WHOLE_ON_A_LINE.match(head) is not None and not _envelope(head),
    read_json_lines,
    "a first line that is an object",
)
JSON = Format(
    "JSON",
    (".json",),
    lambda head: _OBJECT_OR_ARRAY.match(head) is not None,
    read_json_array,
    'an array of objects, an object over several lines, or an answer such as {"data": [...]}',
)
