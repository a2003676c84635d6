"""A job's folder after a cut, a kill or a full disk: what was written counts, what was cut off is done anew."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from extractor.documents import Document
from extractor.jobs import journal as module
from extractor.jobs.journal import Journal
from tests.jobs.journals import ABC, JOB, described, document, failed, failure, ids, record, run


def test_a_folder_that_goes_away_while_it_is_opened_leaves_no_file_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_folder: Path) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(module, "_sync_folder", gone)
    journal = Journal(tmp_path, JOB)
    with pytest.raises(FileNotFoundError), journal:
        pass
    assert journal._extractions.closed
    assert journal._failures.closed


def test_every_cut_of_the_file_is_repaired(tmp_path: Path) -> None:
    run(tmp_path, ABC)
    file = tmp_path / "extractions.jsonl"
    whole = file.read_bytes()
    ends = [n for n, byte in enumerate(whole) if byte == ord("\n")]
    for cut in sorted({*range(0, len(whole), 29), *(end + step for end in ends for step in (-1, 0, 1))}):
        file.write_bytes(whole[:cut])
        run(tmp_path, ABC)
        assert file.read_bytes() == whole, cut


def test_an_unreadable_line_in_the_middle_is_done_anew(tmp_path: Path) -> None:
    run(tmp_path, ABC)
    file = tmp_path / "extractions.jsonl"
    whole = file.read_bytes()
    lines = whole.splitlines(keepends=True)
    file.write_bytes(lines[0] + b"\x00\x00 what a crashed disk leaves\n" + lines[2])
    assert run(tmp_path, ABC) == ["b"]
    assert file.read_bytes() == whole


def test_a_file_of_nothing_but_unreadable_lines_is_done_anew(tmp_path: Path) -> None:
    run(tmp_path, ABC)
    file = tmp_path / "extractions.jsonl"
    whole = file.read_bytes()
    file.write_bytes(b"nothing\n")
    assert run(tmp_path, ABC) == ["a", "b", "c"]
    assert file.read_bytes() == whole


def test_a_record_is_in_the_file_as_soon_as_it_is_added(tmp_path: Path) -> None:
    with Journal(tmp_path, JOB) as journal:
        for n, source in enumerate(ABC, 1):
            journal.add(record(source))
            assert len(ids(tmp_path)) == n
        journal.fail(failure("d"))
        assert failed(tmp_path) == ["d"]


def test_a_crash_while_running_keeps_what_is_done(tmp_path: Path) -> None:
    def documents() -> Iterator[Document]:
        yield document("a")
        raise RuntimeError("power")

    with pytest.raises(RuntimeError, match="power"):
        run(tmp_path, documents())
    assert ids(tmp_path) == ["a"]
    assert described(tmp_path)["counts"]["documents"] == 1


def test_a_journal_that_is_killed_at_its_very_start_is_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "extractions.jsonl").touch()
    assert run(tmp_path, ABC) == ["a", "b", "c"]


def test_a_stop_leaves_no_line_that_no_longer_counts(tmp_path: Path) -> None:
    run(tmp_path, ABC)
    changed = document("b", "Another abstract.")
    with Journal(tmp_path, JOB) as journal:
        assert [journal.is_done(source) for source in (ABC[0], changed)] == [True, False]
        assert (journal.changed, journal.counts.documents) == (1, 2)
    assert (ids(tmp_path), described(tmp_path)["counts"]["documents"]) == (["a", "c"], 2)
    assert run(tmp_path, [ABC[0], changed, ABC[2]]) == ["b"]
    assert ids(tmp_path) == ["a", "b", "c"]


def test_the_disk_is_asked_for_no_more_than_a_second_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs: list[float] = []
    clock = [0.0]
    monkeypatch.setattr(module, "perf_counter", lambda: clock[0])
    with Journal(tmp_path, JOB) as journal:
        monkeypatch.setattr(Journal, "_sync", lambda _journal: syncs.append(clock[0]))
        for n in range(100):
            clock[0] += 0.1
            journal.add(record(document(str(n))))
        monkeypatch.undo()
    assert len(syncs) in (9, 10)


def test_what_stopped_a_job_says_more_than_the_disk_that_is_full_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_journal: Journal) -> None:
        raise OSError(28, "No space left on device")

    def stops(error: Exception | None) -> None:
        with monkeypatch.context() as patch, Journal(tmp_path, JOB):
            patch.setattr(Journal, "_sync", full)
            if error is not None:
                raise error

    with pytest.raises(RuntimeError, match="power"):
        stops(RuntimeError("power"))
    with pytest.raises(OSError, match="No space left"):
        stops(None)


def test_a_slow_disk_is_asked_for_a_twentieth_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs: list[float] = []
    clock = [0.0]

    def slow(_journal: Journal) -> None:
        syncs.append(clock[0])
        clock[0] += 0.5

    monkeypatch.setattr(module, "perf_counter", lambda: clock[0])
    with Journal(tmp_path, JOB) as journal:
        monkeypatch.setattr(Journal, "_sync", slow)
        for n in range(300):
            clock[0] += 0.1
            journal.add(record(document(str(n))))
        monkeypatch.undo()
    assert len(syncs) == 3  # a second after the start, and ten after each
