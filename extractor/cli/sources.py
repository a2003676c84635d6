"""`extractor sources`: what is read, and what an input is taken for."""

import sys
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli import options
from extractor.cli.table import wrapped
from extractor.cli.terminal import plain, width
from extractor.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor.sources.base import Format
    from extractor.sources.formats import Refused

_FILES = 20
"""Files of a folder that are listed."""
_DOCUMENTS = 3
_SHOWN = 300
"""Characters of an abstract that are shown."""


def sources(
    name: Annotated[
        str | None, typer.Argument(metavar="INPUT", help="A file, folder or glob; without it, all formats.", show_default=False)
    ] = None,
    fields: options.Fields = "",
    as_format: options.Format = None,
) -> None:
    """Say which formats are read, or what an input is taken for.

    An input is shown with the format of each file and its first three documents, as `extractor run` would read them.

    Example: extractor sources papers.bib

    Exit codes: 0 it is read, 1 it is not recognised or its first records cannot be read, 2 wrong usage.
    """
    for line in _formats() if name is None else _look(name, fields, as_format):
        typer.echo(line)


def _formats() -> "Iterator[str]":
    from extractor.sources.formats import FORMATS, slug
    from extractor.sources.opening import PACKED_SUFFIXES
    from extractor.sources.shapes import SHAPES

    yield from wrapped("A file's first bytes say which format it has; where they do not, its suffix does.", width())
    yield ""
    for known in FORMATS:
        yield f"{known.name} (--format {slug(known.name)})"
        yield from _indented(f"recognised by {known.signs}")
        if known.suffixes:
            yield from _indented(f"suffixes {' '.join(known.suffixes)}")
    yield ""
    shapes = ", ".join(dict.fromkeys(shape.name for shape in SHAPES))
    yield from wrapped(f"Records in JSON, Parquet and Arrow may have the shape of {shapes}.", width())
    yield from wrapped(f"Any file may be packed ({' '.join(PACKED_SUFFIXES)}) and in UTF-8 or UTF-16.", width())


def _indented(text: str) -> list[str]:
    return wrapped(text, width(), "  ", "    ")


def _verdict(known: "Format | Refused", head: bytes, as_format: str | None) -> str:
    from extractor.sources.formats import Refused
    from extractor.sources.shapes import shape_in

    if isinstance(known, Refused):
        return f"{known.cause}. {known.fix}"
    shape = shape_in(head) if known.name.startswith("JSON") else None
    why = "as --format says" if as_format else f"by {known.signs}"
    return f"{known.name}{f', {shape.name}' if shape else ''}, {why}"


def _look(name: str, mapping: str, as_format: str | None) -> "Iterator[str]":
    from io import BytesIO
    from itertools import islice

    from extractor.sources import BadRecord, Fields, read
    from extractor.sources.formats import Refused, named
    from extractor.sources.opening import HEAD, STDIN, expand, name_of
    from extractor.sources.reading import taken_for

    stdin = BytesIO(sys.stdin.buffer.read(16 * HEAD)) if name == STDIN else None
    files = expand([name])
    read_at_all = False
    for n, file in enumerate(files):
        try:
            known, head = taken_for(file, stdin)
        except OSError as error:
            known, head = Refused(f"cannot be read: {error.strerror or error}", "Check the file and its permissions."), b""
        known = named(as_format) if as_format else known
        if stdin:
            stdin.seek(0)
        read_at_all = read_at_all or not isinstance(known, Refused)
        if n < _FILES:
            verdict = plain(f"{name_of(file.path)}: {_verdict(known, head, as_format)}")
            yield from wrapped(verdict, width(piped=sys.maxsize), others="    ")
        elif read_at_all:
            yield f"and {len(files) - n:,} more"
            break
    if not read_at_all:
        raise DataError(f"{name} is not read.")
    bad = 0
    for item in islice(read([name], Fields.parse(mapping) if mapping else Fields(), stdin, as_format=as_format), _DOCUMENTS):
        yield ""
        if isinstance(item, BadRecord):
            bad += 1
            yield from wrapped(plain(f"{item.location}: {item.cause}. {item.fix}"), width(piped=sys.maxsize), others="    ")
            continue
        document = item.document
        yield from wrapped(plain(f"{document.id} ({item.location})"), width(piped=sys.maxsize), others="    ")
        yield from _indented(plain(document.title) or "(no title)")
        yield from _indented(textwrap.shorten(plain(document.abstract), _SHOWN, placeholder=" ..."))
        for known_as, value in document.source.items():
            yield from _indented(plain(f"{known_as}: {'; '.join(value) if isinstance(value, list) else value}"))
    if bad == _DOCUMENTS:
        raise DataError(f"None of the first {_DOCUMENTS} records of {name} can be read.")
