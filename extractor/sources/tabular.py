"""Tables of text: CSV and TSV, whatever separates the columns, with a header that names them.

The csv module parses; here a record that it cannot parse costs that record, and an unclosed quote not what follows it.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from io import BufferedReader
from itertools import islice

from extractor.sources.base import MAX_RECORD, TOO_LONG, Fault, Fields, Format, Paper
from extractor.sources.fields import HEADER_ROWS, by_name, names_abstract, no_column, paper, standard_names
from extractor.sources.opening import Encoding, not_decoded
from extractor.sources.tagged import WOS_TAGS, web_of_science

_HEAD = 1 << 16
_SEPARATORS = ",;\t|"
_UNQUOTED = (
    "a quotation mark inside a field or one that is not closed",
    "Double the quotation marks inside a quoted field, and close it.",
)


class _TooLongError(Exception):
    pass


def read_csv(stream: BufferedReader, fields: Fields, separators: str = _SEPARATORS) -> Iterator[Paper | Fault]:
    """Read one record a row. A field in quotation marks may hold line breaks."""
    if csv.field_size_limit() < MAX_RECORD:
        csv.field_size_limit(MAX_RECORD)
    encoding = Encoding(stream.peek(_HEAD)[:_HEAD])
    lines = _Lines(stream, encoding)
    separator = lines.skip_to_header(separators, fields)
    header: list[str] | None = None
    flat = None
    while (found := lines.row(separator)) is not None:
        line, row = found
        if isinstance(row, Fault):
            yield row
        elif not any(cell.strip() for cell in row):
            continue
        elif header is None:
            header = [cell.strip().lstrip("\ufeff") for cell in row]
            flat = web_of_science if set(header) >= WOS_TAGS else None
            if not _is_header(header, fields):
                yield Fault(line, *no_column(header, fields))
                return
        elif any(cell.strip() for cell in row[len(header) :]):
            fix = "Put quotation marks around a field that holds the separator or a line break."
            yield Fault(line, f"{len(row)} columns, and the header has {len(header)}", fix)
        else:
            yield paper(by_name(header, row), line, fields, flat)


class _Lines:
    """The lines of a table, decoded, with their ends; some of them may be read again."""

    def __init__(self, stream: BufferedReader, encoding: Encoding) -> None:
        self._stream, self._encoding = stream, encoding
        self._again: deque[tuple[int, bytes]] = deque()
        self._number = 0

    def skip_to_header(self, separators: str, fields: Fields) -> str:
        """Leave out what stands above the header. What separates its columns, or those of the first line if it is missing."""
        first = list(islice(iter(self._next, None), HEADER_ROWS))
        texts = [raw.decode(errors="replace") for _, raw in first]
        header = next((n for n, text in enumerate(texts) if _is_whole_header(_cells(text, separators), fields)), 0)
        self._again.extend(first[header:])
        return _separator(texts[header], separators) if texts else separators[0]

    def row(self, separator: str) -> tuple[int, list[str] | Fault] | None:
        """The line of the next record, and its cells or why it has none; None at the end."""
        used: list[tuple[int, bytes]] = []

        def lines() -> Iterator[str]:
            size = 0
            while (line := self._next()) is not None:
                used.append(line)
                size += len(line[1])
                if size > MAX_RECORD:
                    raise _TooLongError
                yield self._encoding.decode(line[1])

        try:
            row = next(csv.reader(lines(), delimiter=separator, strict=True), None)
        except _TooLongError:
            fault = TOO_LONG if len(used) == 1 else _UNQUOTED
        except UnicodeDecodeError as error:
            fault = not_decoded(error)
        except csv.Error as error:
            if separator == "\t" and b"\0" not in used[0][1]:  # in many of these files a quotation mark is one more character
                self._again.extendleft(reversed(used[1:]))
                return used[0][0], self._encoding.decode(used[0][1]).rstrip("\n").split("\t")
            fault = ("holds a NUL character", "Take it out; the file may be damaged.") if "NUL" in str(error) else _UNQUOTED
        else:
            return None if row is None else (used[0][0], row)
        self._again.extendleft(reversed(used[1:]))
        return used[0][0], Fault(used[0][0], *fault)

    def _next(self) -> tuple[int, bytes] | None:
        if self._again:
            return self._again.popleft()
        raw = self._stream.readline(MAX_RECORD + 1)
        if not raw:
            return None
        self._number += 1
        end = raw
        while len(end) > _HEAD and not end.endswith(b"\n"):  # too long: only the beginning is kept
            end = self._stream.readline(MAX_RECORD + 1)
        if self._number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        return self._number, raw.replace(b"\r\n", b"\n")


def _separator(line: str, separators: str) -> str:
    """What separates the columns of a header: what gives it the most columns outside quotation marks."""
    bare = re.sub(r'"[^"]*"', "", line)
    return max(separators, key=bare.count)


def _recognises(head: bytes, separators: str) -> bool:
    """Whether one of the first lines names a column for the abstract and one for the title or an id."""
    for line in head.split(b"\n", HEADER_ROWS)[:HEADER_ROWS]:
        if _is_whole_header(_cells(line.decode(errors="replace"), separators), Fields()):
            return True
    return False


def _cells(line: str, separators: str) -> list[str]:
    """What a line that may be a header holds between its separators."""
    if len(line) > 20_000:
        return []
    return [cell.strip().strip('"') for cell in line.lstrip("\ufeff").split(_separator(line, separators))]


def _is_whole_header(cells: Sequence[str], fields: Fields) -> bool:
    """Whether a column holds the abstract and another one the title or an id; of a row, a cell may happen to be called so."""
    others = {"title", "id", "doi"} & standard_names(cells).keys() or {fields.title, *fields.id} & set(cells)
    return _is_header(cells, fields) and (bool(others) or set(cells) >= WOS_TAGS)


def _is_header(cells: Sequence[str], fields: Fields) -> bool:
    return names_abstract(cells, fields) or set(cells) >= WOS_TAGS


def looks_tabular(head: bytes) -> bool:
    """Whether text stands in columns, however these are called: three lines and more with the same separators, two at least."""
    lines = [line for line in head.split(b"\n")[:40] if line.strip()]
    lines = lines[:-1] if len(head) >= _HEAD else lines
    for separator in (b"\t", b";", b",", b"|"):
        counts = {re.sub(rb'"[^"]*"', b"", line).count(separator) for line in lines}
        if len(lines) >= 3 and len(counts) == 1 and min(counts) >= 2:
            return True
    return False


CSV = Format(
    "CSV",
    (".csv",),
    partial(_recognises, separators=",;|"),
    read_csv,
    "a line among the first ten that names columns such as title and abstract",
)
TSV = Format(
    "TSV",
    (".tsv", ".tab"),
    partial(_recognises, separators="\t"),
    partial(read_csv, separators="\t"),
    "a line among the first ten that names columns such as title and abstract, or TI and AB, with tabs between them",
)
