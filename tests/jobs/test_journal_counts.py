"""What a job's folder says of its documents, calls, cost and time, across stops and kills."""

import datetime
import json
from pathlib import Path

import pytest

from extractor.documents import Document
from extractor.errors import Spent
from extractor.jobs import journal as module
from extractor.jobs.job import Counts, Watch
from extractor.jobs.journal import Journal
from extractor.jobs.sinks import Portion
from extractor.outputs.jsonl import to_line
from extractor.records import Extraction
from tests.jobs.journals import ABC, JOB, described, failed, failure, ids, record, run


def test_what_failed_and_what_was_killed_has_been_spent_all_the_same(tmp_path: Path) -> None:
    paid = record(ABC[0]).provenance.model_copy(update={"cost_usd": 0.25})
    with Journal(tmp_path, JOB) as journal:
        journal.add(record(ABC[0]).model_copy(update={"provenance": paid}))
        journal.fail(failure("b"), Spent(calls=2, cost_usd=0.5))
    assert (described(tmp_path)["spent_usd"], described(tmp_path)["counts"]["cost_usd"]) == (0.75, 0.75)
    with Journal(tmp_path, JOB) as journal:
        assert (journal.spent, journal.counts.cost_usd) == (0.75, 0.25)
    described_before = described(tmp_path) | {"spent_usd": 0.0}  # as a killed run leaves it
    (tmp_path / "job.json").write_text(json.dumps(described_before))
    assert Journal(tmp_path, JOB).look().spent == 0.25


def test_what_several_documents_came_to_is_taken_at_once(tmp_path: Path) -> None:
    run(tmp_path, ABC[:1])
    portion = Portion([(source.id, to_line(record(source))) for source in ABC[1:]], [failure("d")])
    for source in ABC[1:]:
        portion.counts.add(record(source))
    portion.counts.fail()
    with Journal(tmp_path, JOB) as journal:
        assert [journal.is_done(source) for source in ABC] == [True, False, False]
        journal.take(portion)
        journal.finish()
    assert (ids(tmp_path), failed(tmp_path)) == (["a", "b", "c"], ["d"])
    assert (described(tmp_path)["counts"]["documents"], described(tmp_path)["counts"]["failed"]) == (4, 1)


def test_job_json_follows_a_running_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SYNC", 0.0)
    monkeypatch.setattr(module, "_SYNC_SHARE", 0.0)
    watch = Watch()
    with Journal(tmp_path, JOB, watch=watch) as journal:
        for n, source in enumerate(ABC, 1):
            watch.read = n
            journal.add(record(source))
            now = described(tmp_path)
            assert (now["counts"]["documents"], now["progress"]["done"], now["finished"]) == (n, n, None)
            assert now["written"]["extractions"] == (tmp_path / "extractions.jsonl").stat().st_size


def test_what_was_spent_after_the_last_sync_of_a_killed_run_is_known_from_its_records(tmp_path: Path) -> None:
    def paid(source: Document, cost: float) -> Extraction:
        made = record(source).provenance.model_copy(update={"cost_usd": cost})
        return record(source).model_copy(update={"provenance": made})

    with Journal(tmp_path, JOB) as journal:
        journal.add(paid(ABC[0], 0.25))
        journal.fail(failure("x"), Spent(calls=1, cost_usd=1.0))
    with (tmp_path / "extractions.jsonl").open("ab") as file:
        file.write(to_line(paid(ABC[1], 0.5)))
    assert Journal(tmp_path, JOB).look().spent == 1.75


def test_calls_that_no_record_came_of_are_paid_for_all_the_same(tmp_path: Path) -> None:
    paid = record(ABC[0]).provenance.model_copy(update={"cost_usd": 0.25})
    with Journal(tmp_path, JOB) as journal:
        journal.charge(0.75)
        assert journal.spent == 0.75
        journal.add(record(ABC[0]).model_copy(update={"provenance": paid}))
        assert journal.spent == 0.75  # the record's cost is in it
        journal.charge(0.5)
    assert described(tmp_path)["spent_usd"] == 0.75
    assert Journal(tmp_path, JOB).look().spent == 0.75


def test_a_document_that_is_written_twice_counts_once(tmp_path: Path) -> None:
    with Journal(tmp_path, JOB) as journal:
        for source in (ABC[0], ABC[1], ABC[0]):
            journal.add(record(source))
        assert journal.counts.documents == 2
    assert sorted(ids(tmp_path)) == ["a", "b"]


def test_a_failure_without_an_id_takes_no_record_away(tmp_path: Path) -> None:
    run(tmp_path, ABC, stop=True)
    with Journal(tmp_path, JOB) as journal:
        journal.fail(failure("x").model_copy(update={"id": None}))
        assert journal.counts.extracted == 3
    assert ids(tmp_path) == ["a", "b", "c"]


def test_what_other_processes_have_spent_counts(tmp_path: Path) -> None:
    portion = Portion([("a", to_line(record(ABC[0])))], counts=Counts(documents=1, cost_usd=0.5))
    with Journal(tmp_path, JOB) as journal:
        journal.take(portion)
    assert described(tmp_path)["spent_usd"] == 0.5


def test_a_job_goes_on_counting_its_time(tmp_path: Path) -> None:
    run(tmp_path, ABC[:2], stop=True)
    before = described(tmp_path) | {"seconds": 100.0, "started": "2020-01-01T00:00:00+00:00"}
    (tmp_path / "job.json").write_text(json.dumps(before))
    run(tmp_path, ABC)
    assert described(tmp_path)["seconds"] >= 100
    assert described(tmp_path)["started"] == before["started"]


@pytest.mark.parametrize("jump", [-86_400, 86_400], ids=["back", "forward"])
def test_a_clock_that_jumps_changes_no_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: int) -> None:
    class Jumping(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> "Jumping":
            return super().now(tz) + datetime.timedelta(seconds=jump)

    with Journal(tmp_path, JOB, watch=Watch()) as journal:
        journal.add(record(ABC[0]))
        monkeypatch.setattr(module, "datetime", Jumping)
        journal.add(record(ABC[1]))
        progress = journal.progress()
        assert progress is not None
        assert 0 <= progress.rate < float("inf")
        journal.finish()
    assert 0 <= described(tmp_path)["seconds"] < 3600
    assert run(tmp_path, ABC) == ["c"]
    assert ids(tmp_path) == ["a", "b", "c"]
