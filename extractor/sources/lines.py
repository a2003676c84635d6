"""Lines of text: cut out of a stream in bounded memory, and decoded by what the file itself shows of its encoding."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from extractor.sources.base import BOM, MAX_RECORD

_SKIP = 1 << 16
_UTF_8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end (`\\n` or `\\r\\n`). If it is `too_long`, `raw` is only its beginning."""

    number: int
    raw: bytes
    too_long: bool


def read_lines(stream: BinaryIO) -> Iterator[Line]:
    """Yield the lines of a stream, counted from 1, without a leading byte order mark, in bounded memory."""
    number = 0
    while raw := stream.readline(MAX_RECORD + 1):
        number += 1
        too_long = len(raw) > MAX_RECORD and not raw.endswith(b"\n")
        if too_long:
            while (rest := stream.readline(_SKIP)) and not rest.endswith(b"\n"):
                pass
        if number == 1:
            raw = raw.removeprefix(BOM)
        yield Line(number, raw.rstrip(b"\r\n"), too_long)


class Encoding:
    """The encoding of a file: UTF-8, or Windows-1252 where the first bytes beyond ASCII make no character of UTF-8.

    A file that shows one of UTF-8 is UTF-8 for good: what does not decode in it is damaged.
    """

    def __init__(self, head: bytes = b"") -> None:
        self.name: str | None = None
        self._judge(head)

    def decode(self, raw: bytes) -> str:
        """Decode bytes. Raises UnicodeDecodeError."""
        if self.name is None:
            self._judge(raw)
        return raw.decode(self.name or "utf-8")

    def _judge(self, raw: bytes) -> None:
        if not raw.isascii():
            self.name = "utf-8" if _UTF_8.search(raw) else "cp1252"


def not_decoded(error: UnicodeDecodeError) -> tuple[str, str]:
    """Cause and fix of bytes that do not decode."""
    name = "UTF-8" if error.encoding == "utf-8" else "Windows-1252"
    byte = error.object[error.start]
    return f"not {name}: byte 0x{byte:02x} at offset {error.start} of the record", "Convert the file to UTF-8."
