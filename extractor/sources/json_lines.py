"""JSON Lines: one JSON object a line; blank lines count for nothing."""

from collections.abc import Iterator
from typing import BinaryIO

from extractor.sources.base import TOO_LONG, Fault, Fields, Paper
from extractor.sources.json_record import parse_record
from extractor.sources.lines import read_lines


def read_json_lines(stream: BinaryIO, fields: Fields) -> Iterator[Paper | Fault]:
    """Read one record a line."""
    for line in read_lines(stream):
        if line.too_long:
            yield Fault(line.number, *TOO_LONG)
        elif line.raw.strip():
            yield parse_record(line.raw, line.number, fields)
