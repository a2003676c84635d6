"""How far the reading is, to the byte."""

import io
from contextlib import suppress
from pathlib import Path

import pytest

from extractor.sources import Gauge, read

LINE = '{"title": "T", "abstract": "A."}\n'


def test_the_part_is_exact_after_each_record_of_each_file(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(LINE * 3)
    (tmp_path / "b.jsonl").write_text(LINE)
    gauge = Gauge()
    assert [gauge.part() for _ in read([str(tmp_path)], gauge=gauge)] == [0.25, 0.5, 0.75, 1.0]


def test_nothing_is_read_at_first(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    gauge = Gauge()
    gauge.measure([tmp_path / "a"])
    assert gauge.part() == 0.0


def test_between_two_files_the_first_counts(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(b"0123456789")
    gauge = Gauge()
    gauge.measure([tmp_path / "a", tmp_path / "b"])
    with (tmp_path / "a").open("rb") as stream:
        with gauge.reading(stream):
            stream.read(4)
            assert gauge.part() == 0.2
        assert gauge.part() == 0.2
        with gauge.reading(stream):
            stream.read(2)
            assert gauge.part() == 0.5
        assert gauge.part() == 0.5


def test_a_file_that_grows_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    gauge = Gauge()
    gauge.measure([tmp_path / "a"])
    (tmp_path / "a").write_bytes(b"0123456789" * 2)
    with (tmp_path / "a").open("rb") as stream, gauge.reading(stream):
        stream.read()
        assert gauge.part() == 1.0


@pytest.mark.parametrize("name", ["missing", "folder", "x" * 300], ids=["missing", "folder", "name too long"])
def test_one_that_is_not_a_file_makes_the_size_unknown(name: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    (tmp_path / "folder").mkdir()
    gauge = Gauge()
    gauge.measure([tmp_path / "a"])
    gauge.measure([tmp_path / "a", tmp_path / name])
    assert gauge.part() is None
    with (tmp_path / "a").open("rb") as stream, gauge.reading(stream):
        stream.read()
        assert gauge.part() is None


def test_standard_input_is_not_a_file_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-").write_text(LINE)
    gauge = Gauge()
    assert [gauge.part() for _ in read(["-"], stdin=io.BytesIO(LINE.encode()), gauge=gauge)] == [None]


def test_empty_files_have_no_part(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    gauge = Gauge()
    gauge.measure([tmp_path / "a"])
    assert gauge.part() is None


def test_a_stream_that_another_thread_closes_counts_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    gauge = Gauge()
    gauge.measure([tmp_path / "a"])
    stream = (tmp_path / "a").open("rb")
    part: float | None = None
    with suppress(ValueError), gauge.reading(stream):
        stream.close()
        part = gauge.part()
    assert part == 0.0
