"""Lines of a byte stream, in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from extractor.sources.base import MAX_RECORD

_BOM = b"\xef\xbb\xbf"
_SKIP = 1 << 16


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end (`\\n` or `\\r\\n`). If it is `too_long`, `raw` is only its beginning."""

    number: int
    raw: bytes
    too_long: bool


def read_lines(stream: BinaryIO) -> Iterator[Line]:
    """The lines of a stream, counted from 1, without a leading byte order mark."""
    number = 0
    while raw := stream.readline(MAX_RECORD + 1):
        number += 1
        too_long = len(raw) > MAX_RECORD and not raw.endswith(b"\n")
        if too_long:
            while (rest := stream.readline(_SKIP)) and not rest.endswith(b"\n"):
                pass
        if number == 1:
            raw = raw.removeprefix(_BOM)
        yield Line(number, raw.rstrip(b"\r\n"), too_long)
