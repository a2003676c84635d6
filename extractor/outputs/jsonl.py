"""JSON Lines: one record a line, UTF-8, written as it comes and read back one by one."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from extractor.errors import DataError, UsageError
from extractor.records import Extraction, Failure, Record

EXTRACTIONS = "extractions.jsonl"
FAILURES = "failures.jsonl"
SHARDS = "shards"
"""The folder that makes a job's folder one in shards: it holds a folder a shard."""
AnyRecord = TypeVar("AnyRecord", bound=Record)


def to_line(record: Record) -> bytes:
    """A record as one line of JSON with its line end."""
    return record.__pydantic_serializer__.to_json(record) + b"\n"


def parts_of(path: str | Path) -> list[Path]:
    """The folders of a sharded job's shards, in order; else the path itself."""
    shards = Path(path) / SHARDS
    return numbered(shards) if shards.is_dir() else [Path(path)]


def numbered(folder: Path) -> list[Path]:
    """The folders in a folder whose names are numbers, in order."""
    return sorted((place for place in folder.glob("[0-9]*") if place.name.isdecimal()), key=lambda place: int(place.name))


def read_extractions(path: str | Path) -> Iterator[Extraction]:
    """Read the extractions of a job, one by one.

    `path` is a job's folder, also one in shards, or an `extractions.jsonl`. Raises `UsageError` at once if there is no such
    file, and `DataError` with file and line when it meets a line that is not an extraction.
    """
    files = [part / EXTRACTIONS if part.is_dir() else part for part in parts_of(path)]
    for file in files:
        if not file.is_file():
            raise UsageError(f"{file} does not exist. Name a folder that `extractor run` wrote, or its {EXTRACTIONS}.")
    return chain.from_iterable(_read(file, Extraction) for file in files)


def read_failures(folder: str | Path) -> Iterator[Failure]:
    """Read the failures of a job's folder, one by one. Raises `DataError` at a line that is not one."""
    files = (part / FAILURES for part in parts_of(folder))
    return chain.from_iterable(_read(file, Failure) for file in files if file.is_file())


def _read(file: Path, model: type[AnyRecord]) -> Iterator[AnyRecord]:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.isspace():
                continue
            yield from_line(line, model, f"{file}:{number}")


def from_line(line: bytes, model: type[AnyRecord], where: str) -> AnyRecord:
    """The record of a line. Raises `DataError`, with where the line stands, if it is not one."""
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        raise DataError(f"{where}: {_cause(line, model, error)}") from None


def _cause(line: bytes, model: type[Record], error: ValidationError) -> str:
    """Cause and fix of a line that is not a record."""
    if not line.endswith(b"\n"):
        return "the line is cut off. Run the same command again: it repairs the file and does the rest."
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(step) for step in first["loc"])
    what = f"{where}: {first['msg']}" if where else first["msg"]
    kind = "an extraction" if model is Extraction else "a failure"
    return f"not {kind} ({what}). Delete the line and run the same command again, or start over with --fresh."
