"""Records written as lines come back as they were; a line that is no record is named."""

from collections.abc import Callable
from pathlib import Path

import pytest

from extractor import Document, Extraction, extract, read_extractions
from extractor.errors import DataError, UsageError
from extractor.outputs.jsonl import to_line

RECORDS = [
    extract("FastNet", "FastNet is 2.3x faster than SlowNet on a Jetson Nano.", id="1"),
    extract("Größe\u2028 \x1b[1m", "a line end\nand 日本 𝛼, 30\\%", id="ü/#2"),
]


def write(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"".join(lines))
    return path


def test_a_record_is_one_line() -> None:
    assert [to_line(record).count(b"\n") for record in RECORDS] == [1, 1]


@pytest.mark.parametrize("name", [lambda folder: folder, str, lambda folder: folder / "extractions.jsonl"])
def test_a_job_is_read_back(tmp_path: Path, name: Callable[[Path], Path | str]) -> None:
    write(tmp_path / "extractions.jsonl", *map(to_line, RECORDS))
    assert list(read_extractions(name(tmp_path))) == RECORDS


def test_blank_lines_are_skipped(tmp_path: Path) -> None:
    assert list(read_extractions(write(tmp_path / "x.jsonl", b"\n", to_line(RECORDS[0]), b" \r\n"))) == RECORDS[:1]


def test_records_are_read_one_by_one(tmp_path: Path) -> None:
    records = read_extractions(write(tmp_path / "x.jsonl", to_line(RECORDS[0]), b"no record\n"))
    assert next(records) == RECORDS[0]
    with pytest.raises(DataError):
        next(records)


@pytest.mark.parametrize(
    ("line", "cause", "fix"),
    [
        pytest.param(b"no record\n", "Invalid JSON", "Delete the line", id="not JSON"),
        pytest.param(b'{"id": "1"}\n', "title: Field required", "Delete the line", id="not a record"),
        pytest.param(to_line(RECORDS[0]).replace(b'"id"', b'"name"', 1), "id: Field required", "Delete", id="another name"),
        pytest.param(to_line(RECORDS[0]).replace(b'version":1', b'version":9'), "schema_version", "Delete", id="later version"),
        pytest.param(to_line(RECORDS[0])[:-40], "cut off", "Run the same command again", id="torn"),
        pytest.param(b'{"id": "\xff"}\n', "Invalid JSON", "Delete the line", id="not UTF-8"),
    ],
)
def test_a_line_that_is_no_record_is_named(tmp_path: Path, line: bytes, cause: str, fix: str) -> None:
    path = write(tmp_path / "x.jsonl", to_line(RECORDS[0]), line)
    with pytest.raises(DataError) as caught:
        list(read_extractions(path))
    message = str(caught.value)
    assert message.startswith(f"{path}:2: ")
    assert cause in message
    assert fix in message
    assert "\n" not in message


def test_a_missing_job_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"does not exist\. Name a folder"):
        read_extractions(tmp_path)


def test_the_types_are_the_public_ones() -> None:
    assert isinstance(RECORDS[0], Extraction)
    assert Document("1", "a", "b").text == "a\nb"
