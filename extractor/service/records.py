"""Parts of a job's `extractions.jsonl` while it may grow: whole lines, behind a mark, or a range of bytes."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from extractor.jobs.job import file_of
from extractor.outputs.jsonl import EXTRACTIONS
from extractor.service.problems import ProblemError

_CHUNK = 1 << 18
_RANGE = re.compile(r"bytes=(\d{1,18})?-(\d{1,18})?")
_MARK = re.compile(r"([0-9a-f]{1,16})-([0-9a-f]{1,16})")


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes `start` to `end` of a file of which `size` are whole lines. `next` is the mark behind them."""

    file: BinaryIO
    start: int
    end: int
    size: int

    @property
    def next(self) -> str:
        """What `after` takes to go on from here; it names the file too, which the end of a job may replace by a sorted one."""
        return f"{os.fstat(self.file.fileno()).st_ino:x}-{self.end:x}"

    def chunks(self) -> Iterator[bytes]:
        """The bytes; the file is closed behind them."""
        with self.file as file:
            file.seek(self.start)
            left = self.end - self.start
            while left > 0 and (chunk := file.read(min(_CHUNK, left))):
                left -= len(chunk)
                yield chunk


def part(folder: Path, after: str | None, limit: int | None, asked: str | None) -> Part | None:
    """The part of a job's records that is asked for; None where it has none yet. Raises `ProblemError`.

    `after` is the mark of an earlier part, `limit` how many records may come, `asked` a Range header, which counts if it is one
    range of bytes.
    """
    path = file_of(folder, EXTRACTIONS)
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    try:
        size = _whole(file)
        start, end = (0, size) if after is None else (_place(file, after, size), size)
        if limit is not None:
            end = _behind(file, start, limit, size)
        elif after is None and (match := _RANGE.fullmatch(asked or "")) and any(match.groups()):
            start, end = _range(match, size)
        return Part(file, start, end, size)
    except BaseException:
        file.close()
        raise


def _whole(file: BinaryIO) -> int:
    """Where the last whole line ends."""
    end = file.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - _CHUNK)
        file.seek(start)
        if (found := file.read(end - start).rfind(b"\n")) >= 0:
            return start + found + 1
        end = start
    return 0


def _place(file: BinaryIO, after: str, size: int) -> int:
    match = _MARK.fullmatch(after)
    if match is None:
        raise ProblemError(422, "`after` is not the mark of an earlier answer", "Give the X-Next header of one.")
    if int(match[1], 16) != os.fstat(file.fileno()).st_ino or (place := int(match[2], 16)) > size:
        fix = "Read them again from the start; a job that is finished is not sorted any more."
        raise ProblemError(409, "The records were sorted into the order of the input meanwhile", fix)
    return place


def _behind(file: BinaryIO, start: int, limit: int, size: int) -> int:
    """Where the line of that number from `start` on ends."""
    file.seek(start)
    place = start
    for _ in range(limit):
        if place >= size:
            break
        place += len(file.readline())
    return min(place, size)


def _range(match: re.Match[str], size: int) -> tuple[int, int]:
    first, last = match.groups()
    start = max(0, size - int(last)) if first is None else int(first)
    end = size if first is None or last is None else min(size, int(last) + 1)
    if start >= size or start >= end:
        raise ProblemError(416, f"The range is not within the {size:,} bytes that there are", "Ask for a range of those.")
    return start, end
