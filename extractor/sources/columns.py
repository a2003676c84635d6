"""Tables in binary formats: Parquet, Arrow and Feather by pyarrow, XLSX by openpyxl. Both come with the extra `formats`."""

import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

from extractor.errors import install
from extractor.sources.base import MAX_RECORD, TOO_LONG, Fault, Fields, Format, Paper
from extractor.sources.fields import HEADER_ROWS, Record, by_name, names_abstract, no_column, paper, standard_names
from extractor.sources.json_records import shape_of

_ROWS = 256
"""Rows that are in memory at once; an abstract has 1,500 bytes."""
_TO_FILE = ("cannot be read from a pipe or packed", "Save it to a file of its own, unpacked.")
_DAMAGED = "Write it again with the library that made it."
_LARGEST = 2_000_000_000
"""Bytes of a workbook when unpacked: its texts are held in memory."""
_EXCEL_ERRORS = frozenset(["#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!"])


def read_parquet(stream: io.BufferedReader, fields: Fields) -> Iterator[Paper | Fault]:
    """Read the rows of a Parquet file, the columns that are used alone."""
    if not stream.seekable():
        yield Fault(1, f"Parquet {_TO_FILE[0]}", _TO_FILE[1])
        return
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        yield _uninstalled("pyarrow")
        return
    row = 1
    try:
        file = parquet.ParquetFile(stream, buffer_size=1 << 16, pre_buffer=False)
        names = _used(file.schema_arrow.names, fields)
        total, size = file.metadata.num_rows, _size(stream)
        for batch in file.iter_batches(_ROWS, columns=names, use_threads=False):
            yield from _papers(batch.to_pylist(), row, fields)
            row += batch.num_rows
            stream.seek(size * row // (total + 1))  # how far the reading is
    except (pa.ArrowException, ValueError, UnicodeDecodeError) as error:
        yield Fault(row, f"damaged: {_line(error)}", _DAMAGED)


def read_arrow(stream: io.BufferedReader, fields: Fields) -> Iterator[Paper | Fault]:
    """Read the rows of an Arrow file, which Feather writes too, or of an Arrow stream, batch by batch."""
    try:
        import pyarrow as pa
    except ImportError:
        yield _uninstalled("pyarrow")
        return
    in_file = stream.peek(8)[:6] == b"ARROW1"
    if in_file and not stream.seekable():
        yield Fault(1, f"Arrow {_TO_FILE[0]}", _TO_FILE[1])
        return
    row = 1
    try:
        reader = pa.ipc.open_file(stream) if in_file else pa.ipc.open_stream(stream)
        names = _used(reader.schema.names, fields)
        batches = map(reader.get_batch, range(reader.num_record_batches)) if in_file else reader
        for batch in batches:
            chosen = batch.select(names)
            for start in range(0, chosen.num_rows, _ROWS):
                yield from _papers(chosen.slice(start, _ROWS).to_pylist(), row + start, fields)
            row += chosen.num_rows
    except (pa.ArrowException, ValueError, UnicodeDecodeError) as error:
        yield Fault(row, f"damaged: {_line(error)}", _DAMAGED)


def _papers(rows: Iterable[Record], row: int, fields: Fields) -> Iterator[Paper | Fault]:
    for line, record in enumerate(rows, row):
        if sum(len(value) for value in record.values() if isinstance(value, str)) > MAX_RECORD:
            yield Fault(line, *TOO_LONG)
            continue
        shape = shape_of(record)
        yield paper(record, line, fields, shape.flat if shape else None)


def _used(names: list[str], fields: Fields) -> list[str]:
    """The columns that hold what is read: those by the usual names, by the user's, and all of a shape that is known."""
    asked = {part for name in fields.abstract for part in (name, name.partition(".")[0])}
    if shape_of(dict.fromkeys(names)) or not (asked & set(names) or names_abstract(names, fields)):
        return names
    asked |= {part for name in (fields.title, *fields.id, *fields.keep) for part in (name, name.partition(".")[0])}
    return [name for name in names if name in asked or standard_names([name])]


def _size(stream: io.BufferedReader) -> int:
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    return size


def read_xlsx(stream: io.BufferedReader, fields: Fields) -> Iterator[Paper | Fault]:
    """Read the rows of each sheet whose first rows name a column for the abstract."""
    if not stream.seekable():
        yield Fault(1, f"XLSX {_TO_FILE[0]}", _TO_FILE[1])
        return
    try:
        import defusedxml
        import openpyxl
    except ImportError:
        yield _uninstalled("openpyxl, defusedxml")
        return
    try:
        if sum(part.file_size for part in zipfile.ZipFile(stream).infolist()) > _LARGEST:
            yield Fault(1, f"a workbook of more than {_LARGEST:,} bytes when unpacked", "Save its sheet as CSV.")
            return
        with warnings.catch_warnings(action="ignore"):  # of styles and extensions that do not matter here
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
        try:
            yield from _sheets(book, fields)
        finally:
            book.close()
    except (
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        TypeError,
        EOFError,
        SyntaxError,
        defusedxml.DefusedXmlException,
    ) as error:
        yield Fault(1, f"not a workbook that can be read: {_line(error)}", "Save it again as .xlsx, or as CSV.")


def _sheets(book: Any, fields: Fields) -> Iterator[Paper | Fault]:
    seen: list[str] = []
    found = False
    for sheet in book.worksheets:
        header: list[str] | None = None
        for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
            row = [_cell(value) for value in cells]
            if header is None:
                if names_abstract(row, fields):
                    header = row
                elif number >= HEADER_ROWS:
                    break
                elif number == 1:
                    seen += [cell for cell in row if cell]
            elif any(row):
                yield from _papers([by_name(header, row)], number, fields)
        found = found or header is not None
    if not found:
        yield Fault(1, *no_column(seen, fields))


def _cell(value: object) -> str:
    if value is None or value in _EXCEL_ERRORS:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), str(value)).strip()


def _uninstalled(package: str) -> Fault:
    return Fault(1, f"read by a package that is not installed ({package})", f"{install('formats')}.")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


PARQUET = Format("Parquet", (".parquet", ".pq"), lambda head: head.startswith(b"PAR1"), read_parquet, "its first bytes, PAR1")
ARROW = Format(
    "Arrow",
    (".arrow", ".feather", ".ipc", ".arrows"),
    lambda head: head.startswith((b"ARROW1", b"\xff\xff\xff\xff")),
    read_arrow,
    "its first bytes, ARROW1, or those of an Arrow stream; Feather is the same",
)
XLSX = Format(
    "XLSX",
    (".xlsx", ".xlsm"),
    lambda head: head.startswith(b"PK\x03\x04") and b"xl/" in head,
    read_xlsx,
    "a ZIP file with a folder xl",
)
