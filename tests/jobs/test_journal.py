"""A job's folder: what is done stays done, what failed is tried again, and nothing is mixed."""

import datetime
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from io import BufferedRandom
from pathlib import Path
from typing import Any

import pytest

from extractor.documents import Document
from extractor.errors import Spent, UsageError
from extractor.jobs import journal as module
from extractor.jobs.job import Counts, Job, Watch
from extractor.jobs.journal import Journal
from extractor.jobs.lines import Line
from extractor.jobs.sinks import Portion
from extractor.labelling.models import ModelOptions
from extractor.outputs.jsonl import read_extractions, to_line
from extractor.records import Extraction, Failure, Provenance
from extractor.scratch import Scratch

JOB = Job(inputs=("input.jsonl",))
MODEL = replace(JOB, model=ModelOptions("openai/m"))
NAMES = {"title": ["title"], "abstract": ["abstract", "summary"], "id": ["id", "arxiv_id"]}


def document(name: str, abstract: str = "An abstract.") -> Document:
    return Document(name, "A title", abstract)


def record(source: Document) -> Extraction:
    return Extraction(
        id=source.id,
        title=source.title,
        abstract=source.abstract,
        system=None,
        claims=(),
        hardware=(),
        provenance=Provenance(extractor="0.1.0", labeller="rules", model="rules"),
    )


def failure(name: str) -> Failure:
    return Failure(id=name, source="input.jsonl", line=1, cause="no answer", fix="Try again.")


def run(
    folder: Path,
    documents: Iterable[Document],
    *,
    job: Job = JOB,
    settings: Mapping[str, Any] | None = None,
    fresh: bool = False,
    fails: str = "",
    stop: bool = False,
) -> list[str]:
    """One run over the documents; those in `fails` fail; without its end if it is to `stop`. Returns the ids that it did."""
    did = []
    with Journal(folder, job, settings or {}, fresh=fresh) as journal:
        for source in documents:
            if journal.is_done(source):
                continue
            did.append(source.id)
            if source.id in fails:
                journal.fail(failure(source.id))
            else:
                journal.add(record(source))
        if not stop:
            journal.finish()
    return did


def ids(folder: Path) -> list[str]:
    return [extraction.id for extraction in read_extractions(folder)]


def failed(folder: Path) -> list[str]:
    return [json.loads(line)["id"] for line in (folder / "failures.jsonl").read_bytes().splitlines()]


def described(folder: Path) -> dict[str, Any]:
    description: dict[str, Any] = json.loads((folder / "job.json").read_bytes())
    return description


ABC = [document("a"), document("b"), document("c")]


def test_a_folder_holds_three_files_that_say_what_ran(tmp_path: Path) -> None:
    run(tmp_path / "new" / "job", ABC, fails="b")
    folder = tmp_path / "new" / "job"
    assert sorted(file.name for file in folder.iterdir()) == ["extractions.jsonl", "failures.jsonl", "job.json"]
    assert (ids(folder), failed(folder)) == (["a", "c"], ["b"])
    job = described(folder)
    assert (job["inputs"], job["model"], job["extractor"], job["settings"]) == (
        ["input.jsonl"],
        "rules",
        "0.1.0",
        {"fields": NAMES},
    )
    assert job["counts"] == {
        "documents": 3,
        "failed": 1,
        "claims": {"speedup": 0, "speed": 0, "accuracy": 0, "resource": 0},
        "hardware": 0,
        "rejected": 0,
        "rejected_by_reason": {},
        "uncalled": 2,
        "cached": 0,
        "calls": 0,
        "reasks": 0,
        "input_tokens": 0,
        "output_tokens": 0,
        "cost_usd": 0.0,
    }
    assert job["started"] <= job["finished"]
    assert job["seconds"] >= 0


def test_the_same_job_again_does_nothing_and_changes_nothing(tmp_path: Path) -> None:
    run(tmp_path, ABC)
    before = (tmp_path / "extractions.jsonl").read_bytes()
    assert run(tmp_path, ABC) == []
    assert (tmp_path / "extractions.jsonl").read_bytes() == before
    assert described(tmp_path)["counts"]["documents"] == 3


def test_what_failed_is_tried_again_and_takes_its_place(tmp_path: Path) -> None:
    run(tmp_path, ABC, fails="b")
    assert run(tmp_path, ABC) == ["b"]
    assert (ids(tmp_path), failed(tmp_path)) == (["a", "b", "c"], [])
    assert described(tmp_path)["counts"]["failed"] == 0


def test_what_fails_again_is_listed_once(tmp_path: Path) -> None:
    for _ in range(3):
        run(tmp_path, ABC, fails="b")
    assert (ids(tmp_path), failed(tmp_path)) == (["a", "c"], ["b"])
    assert described(tmp_path)["counts"]["documents"] == 3


def test_a_stopped_run_says_that_it_is_not_finished_and_is_finished_by_the_next(tmp_path: Path) -> None:
    run(tmp_path, ABC[:2], stop=True)
    assert described(tmp_path)["finished"] is None
    started = described(tmp_path)["started"]
    assert run(tmp_path, ABC) == ["c"]
    assert ids(tmp_path) == ["a", "b", "c"]
    assert described(tmp_path)["finished"] is not None
    assert described(tmp_path)["started"] == started


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


def test_a_document_whose_text_changed_is_done_anew(tmp_path: Path) -> None:
    run(tmp_path, ABC)
    changed = [document("a"), document("b", "Another abstract."), document("c")]
    assert run(tmp_path, changed) == ["b"]
    assert [extraction.abstract for extraction in read_extractions(tmp_path)] == [
        "An abstract.",
        "Another abstract.",
        "An abstract.",
    ]
    assert described(tmp_path)["counts"]["documents"] == 3


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


def test_what_is_done_and_then_fails_is_in_one_place_only(tmp_path: Path) -> None:
    run(tmp_path, ABC)
    run(tmp_path, [document("a"), document("b", "Another abstract."), document("c")], fails="b")
    assert (ids(tmp_path), failed(tmp_path)) == (["a", "c"], ["b"])
    assert described(tmp_path)["counts"]["documents"] == 3


def test_fresh_starts_over(tmp_path: Path) -> None:
    run(tmp_path, ABC, fails="c")
    assert run(tmp_path, ABC[1:], fresh=True, job=Job(("other.jsonl",), ModelOptions("other/m"), "title=t")) == ["b", "c"]
    assert (ids(tmp_path), failed(tmp_path)) == (["b", "c"], [])
    assert described(tmp_path)["model"] == "other/m"


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        pytest.param(replace(JOB, model=ModelOptions("a/gpt")), "model was rules, is now a/gpt", id="model"),
        pytest.param(replace(JOB, fields="title=t"), "|summary,id=id|arxiv_id,title=title, is now abstract=", id="fields"),
        pytest.param(replace(JOB, inputs=("b.txt",)), "inputs was input.jsonl, is now b.txt", id="inputs"),
    ],
)
def test_a_folder_of_another_job_is_refused_untouched(tmp_path: Path, other: Job, difference: str) -> None:
    run(tmp_path, ABC, fails="b")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(UsageError) as caught:
        run(tmp_path, ABC, job=other)
    assert difference in str(caught.value)
    assert "-o" in str(caught.value)
    assert "--fresh" in str(caught.value)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_folder_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path, ABC)
    monkeypatch.setattr("extractor.jobs.job.__version__", "9")
    with pytest.raises(UsageError, match=r"extractor was 0\.1\.0, is now 9"):
        run(tmp_path, ABC)


def test_inputs_can_be_added(tmp_path: Path) -> None:
    run(tmp_path, ABC)
    assert run(tmp_path, [*ABC, document("d")], job=replace(JOB, inputs=("input.jsonl", "more.jsonl"))) == ["d"]
    assert described(tmp_path)["inputs"] == ["input.jsonl", "more.jsonl"]


@pytest.mark.parametrize("description", [None, b"", b"[]", b'{"inputs": 1}', b"\xff"])
def test_a_folder_that_nothing_describes_is_refused(tmp_path: Path, description: bytes | None) -> None:
    run(tmp_path, ABC)
    if description is None:
        (tmp_path / "job.json").unlink()
    else:
        (tmp_path / "job.json").write_bytes(description)
    with pytest.raises(UsageError, match=r"job\.json.*--fresh"):
        run(tmp_path, ABC)
    assert ids(tmp_path) == ["a", "b", "c"]


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    with Journal(tmp_path, JOB) as journal:
        journal.add(record(document("a")))
        with pytest.raises(UsageError, match=r"Another run is writing to .*Wait for it"):
            run(tmp_path, ABC, fresh=True)
        assert ids(tmp_path) == ["a"]
    assert run(tmp_path, ABC) == ["b", "c"]


@pytest.mark.parametrize(("other", "said"), [(JOB, None), (MODEL, "model was openai/m, is now rules")], ids=["same", "other"])
def test_a_run_that_waited_for_the_lock_sees_what_the_one_before_has_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: Job, said: str | None
) -> None:
    """The other run begins when this one has looked at the folder, and puts sorted records in the place of the open file."""
    free = module.lock

    def late(file: BufferedRandom) -> bool:
        monkeypatch.setattr(module, "lock", free)
        run(tmp_path, [ABC[0]], job=other)
        run(tmp_path, [ABC[1], ABC[0]], job=other)  # sorts
        return free(file)

    monkeypatch.setattr(module, "lock", late)
    if said is None:
        assert run(tmp_path, ABC) == ["c"]
        assert ids(tmp_path) == ["a", "b", "c"]
    else:
        with pytest.raises(UsageError, match=said):
            run(tmp_path, ABC)
        assert ids(tmp_path) == ["b", "a"]


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


ASKED = {"base_url": "http://127.0.0.1:1/v1", "prompt": "label@1", "narrow_schema": True}


@pytest.mark.parametrize(("name", "now"), [("base_url", None), ("prompt", "label@2"), ("narrow_schema", False)])
def test_another_question_to_the_model_is_another_job(tmp_path: Path, name: str, now: object) -> None:
    run(tmp_path, ABC, job=MODEL, settings=ASKED)
    assert described(tmp_path)["settings"] == {"fields": NAMES, **ASKED}
    with pytest.raises(UsageError, match=f"{name} was {ASKED[name]}, is now {now}"):
        run(tmp_path, ABC, job=MODEL, settings=ASKED | {name: now})
    assert run(tmp_path, ABC, job=MODEL, settings=ASKED) == []


def test_records_come_into_the_order_of_the_input_however_they_were_written(tmp_path: Path) -> None:
    run(tmp_path, [ABC[1]], stop=True)
    with Journal(tmp_path, JOB) as journal:
        wanted = [source for source in ABC if not journal.is_done(source)]
        for source in reversed(wanted):
            journal.add(record(source))
        journal.finish()
    assert ids(tmp_path) == ["a", "b", "c"]


def test_a_look_writes_nothing_and_knows_what_is_done(tmp_path: Path) -> None:
    run(tmp_path, ABC[:2], stop=True)
    with (tmp_path / "extractions.jsonl").open("ab") as file:
        file.write(b'{"half')
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    journal = Journal(tmp_path, JOB).look()
    assert [journal.is_done(source) for source in ABC] == [True, True, False]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert not Journal(tmp_path, JOB, fresh=True).look().is_done(ABC[0])
    assert not Journal(tmp_path / "new", JOB).look().is_done(ABC[0])
    assert not (tmp_path / "new").exists()


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


def test_a_job_is_opened_again_in_a_time_that_grows_with_its_records_and_not_with_their_square(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, [document(str(n)) for n in range(200)])
    asked: list[str] = []
    for name in ("change", "row", "rows"):
        real = getattr(Scratch, name)

        def counted(self: Scratch, statement: str, *values: Any, real: Any = real) -> Any:
            asked.append(statement)
            return real(self, statement, *values)

        monkeypatch.setattr(Scratch, name, counted)
    with Journal(tmp_path, JOB) as journal:
        assert (journal.resumed, len(asked)) == (200, 200)
    assert not any("count" in statement for statement in asked)


def test_what_a_run_left_that_was_killed_while_sorting_is_cleared_away(tmp_path: Path) -> None:
    run(tmp_path, ABC)
    for name in ("extractions.jsonl.new", "job.json.new"):
        (tmp_path / name).write_bytes(b"half")
    assert run(tmp_path, ABC) == []
    assert sorted(file.name for file in tmp_path.iterdir()) == ["extractions.jsonl", "failures.jsonl", "job.json"]


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


@pytest.mark.parametrize("sort", [True, False], ids=["input", "completion"])
def test_the_order_of_completion_can_stay(tmp_path: Path, sort: bool) -> None:
    with Journal(tmp_path, JOB, sort=sort) as journal:
        assert [journal.is_done(source) for source in ABC] == [False] * 3
        for source in reversed(ABC):
            journal.add(record(source))
        journal.finish()
    assert ids(tmp_path) == (["a", "b", "c"] if sort else ["c", "b", "a"])


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


@pytest.mark.parametrize(("after", "copied"), [([], False), ([ABC[2]], True)], ids=["in order", "out of order"])
def test_records_that_stand_in_order_are_not_copied(tmp_path: Path, after: list[Document], copied: bool) -> None:
    run(tmp_path, [ABC[0], *after, ABC[1]], stop=True)
    file = (tmp_path / "extractions.jsonl").stat().st_ino
    run(tmp_path, ABC)
    assert ids(tmp_path) == ["a", "b", "c"]
    assert ((tmp_path / "extractions.jsonl").stat().st_ino != file) is copied


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


def test_a_changed_prompt_of_the_same_name_is_told_without_a_hash(tmp_path: Path) -> None:
    asked = ASKED | {"prompt_sha256": "a" * 64, "schema_sha256": "b" * 64}
    run(tmp_path, ABC, job=MODEL, settings=asked)
    for name in ("prompt", "schema"):
        with pytest.raises(UsageError, match=rf"holds another job: the {name} has changed\. Choose another folder with -o, or"):
            run(tmp_path, ABC, job=MODEL, settings=asked | {f"{name}_sha256": "c" * 64})
