"""The records of a job's folder come into the order of the input, at the end, and only where that is to be done."""

import os
from pathlib import Path

import pytest

from extractor.documents import Document
from extractor.errors import UsageError
from extractor.jobs.journal import Journal
from extractor.jobs.lines import Line
from tests.jobs.journals import ABC, JOB, described, document, ids, record, run


def test_records_follow_the_order_of_the_input(tmp_path: Path) -> None:
    run(tmp_path, ABC, fails="ab")
    assert run(tmp_path, [document("d"), *ABC[::-1]]) == ["d", "b", "a"]
    assert ids(tmp_path) == ["d", "c", "b", "a"]


def test_what_left_the_input_is_kept_at_the_end_and_counted(tmp_path: Path) -> None:
    run(tmp_path, ABC)
    with Journal(tmp_path, JOB) as journal:
        assert journal.is_done(ABC[2])
        journal.finish()
    assert journal.kept == 2
    assert ids(tmp_path) == ["c", "a", "b"]
    assert described(tmp_path)["counts"]["documents"] == 3


def test_records_come_into_the_order_of_the_input_however_they_were_written(tmp_path: Path) -> None:
    run(tmp_path, [ABC[1]], stop=True)
    with Journal(tmp_path, JOB) as journal:
        wanted = [source for source in ABC if not journal.is_done(source)]
        for source in reversed(wanted):
            journal.add(record(source))
        journal.finish()
    assert ids(tmp_path) == ["a", "b", "c"]


def test_what_a_run_left_that_was_killed_while_sorting_is_cleared_away(tmp_path: Path) -> None:
    run(tmp_path, ABC)
    for name in ("extractions.jsonl.new", "job.json.new"):
        (tmp_path / name).write_bytes(b"half")
    assert run(tmp_path, ABC) == []
    assert sorted(file.name for file in tmp_path.iterdir()) == ["extractions.jsonl", "failures.jsonl", "job.json"]


@pytest.mark.parametrize("sort", [True, False], ids=["input", "completion"])
def test_the_order_of_completion_can_stay(tmp_path: Path, sort: bool) -> None:
    with Journal(tmp_path, JOB, sort=sort) as journal:
        assert [journal.is_done(source) for source in ABC] == [False] * 3
        for source in reversed(ABC):
            journal.add(record(source))
        journal.finish()
    assert ids(tmp_path) == (["a", "b", "c"] if sort else ["c", "b", "a"])


@pytest.mark.parametrize(
    ("sort", "scattered", "indexed"), [(True, True, True), (True, False, False), (False, True, False)], ids=str
)
def test_only_records_that_are_to_be_sorted_are_indexed(tmp_path: Path, sort: bool, scattered: bool, indexed: bool) -> None:
    with Journal(tmp_path, JOB, sort=sort, scattered=scattered) as journal:
        assert (journal._lines is not None) is indexed


def test_records_that_are_not_to_be_sorted_are_not_copied(tmp_path: Path) -> None:
    run(tmp_path, [ABC[1]], stop=True)
    file = (tmp_path / "extractions.jsonl").stat().st_ino
    with Journal(tmp_path, JOB, sort=False) as journal:
        for source in ABC:
            if not journal.is_done(source):
                journal.add(record(source))
        journal.finish()
    assert ids(tmp_path) == ["b", "a", "c"]
    assert (tmp_path / "extractions.jsonl").stat().st_ino == file


@pytest.mark.parametrize(("after", "copied"), [([], False), ([ABC[2]], True)], ids=["in order", "out of order"])
def test_records_that_stand_in_order_are_not_copied(tmp_path: Path, after: list[Document], copied: bool) -> None:
    run(tmp_path, [ABC[0], *after, ABC[1]], stop=True)
    file = (tmp_path / "extractions.jsonl").stat().st_ino
    run(tmp_path, ABC)
    assert ids(tmp_path) == ["a", "b", "c"]
    assert ((tmp_path / "extractions.jsonl").stat().st_ino != file) is copied


def test_job_json_says_how_long_the_sorted_file_is(tmp_path: Path) -> None:
    run(tmp_path, ABC)
    run(tmp_path, [ABC[0], document("b", "Another abstract."), ABC[2]])
    file = (tmp_path / "extractions.jsonl").stat()
    modified = file.st_mtime_ns // 1000
    assert described(tmp_path)["written"] == {"extractions": file.st_size, "modified": modified, "failures": 0}


@pytest.mark.parametrize(("again", "done"), [(False, ["a"]), (True, [])], ids=["as it is", "its time put back"])
def test_records_are_examined_where_another_program_wrote(again: bool, done: list[str], tmp_path: Path) -> None:
    run(tmp_path, ABC)
    file = tmp_path / "extractions.jsonl"
    before = file.stat().st_mtime_ns
    file.write_bytes(file.read_bytes().replace(b'"schema_version":1', b'"schema_version":9', 1))
    if again:
        os.utime(file, ns=(before, before))
    assert run(tmp_path, ABC) == done


def test_a_second_run_is_told_also_when_the_first_has_sorted_its_records(tmp_path: Path) -> None:
    run(tmp_path, ABC, fails="a")
    with Journal(tmp_path, JOB) as journal:
        for source in ABC:
            if not journal.is_done(source):
                journal.add(record(source))
        journal.finish()
        assert ids(tmp_path) == ["a", "b", "c"]
        with pytest.raises(UsageError, match="Another run is writing"):
            run(tmp_path, ABC)


def test_no_room_to_sort_in_loses_nothing_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path, ABC, fails="a")
    with monkeypatch.context() as patch:

        def full(_line: Line, _file: object) -> bytes:
            raise OSError(28, "No space left on device")

        patch.setattr(Line, "read", full)
        with pytest.raises(OSError, match="No space left"):
            run(tmp_path, ABC)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["extractions.jsonl", "failures.jsonl", "job.json"]
    assert sorted(ids(tmp_path)) == ["a", "b", "c"]
    assert run(tmp_path, ABC) == []
    assert ids(tmp_path) == ["a", "b", "c"]
