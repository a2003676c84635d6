"""A job's folder: what is done stays done, what failed is tried again, and nothing is mixed."""

from dataclasses import replace
from io import BufferedRandom
from pathlib import Path
from typing import Any

import pytest

from extractor.errors import UsageError
from extractor.jobs import journal as module
from extractor.jobs.job import Job
from extractor.jobs.journal import Journal
from extractor.labelling.models import ModelOptions
from extractor.outputs.jsonl import read_extractions
from extractor.scratch import Scratch
from tests.jobs.journals import ABC, JOB, MODEL, described, document, failed, ids, record, run

NAMES = {"title": ["title"], "abstract": ["abstract", "summary"], "id": ["id", "arxiv_id"]}

ASKED = {"base_url": "http://127.0.0.1:1/v1", "prompt": "label@1", "narrow_schema": True}


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


@pytest.mark.parametrize(("name", "now"), [("base_url", None), ("prompt", "label@2"), ("narrow_schema", False)])
def test_another_question_to_the_model_is_another_job(tmp_path: Path, name: str, now: object) -> None:
    run(tmp_path, ABC, job=MODEL, settings=ASKED)
    assert described(tmp_path)["settings"] == {"fields": NAMES, **ASKED}
    with pytest.raises(UsageError, match=f"{name} was {ASKED[name]}, is now {now}"):
        run(tmp_path, ABC, job=MODEL, settings=ASKED | {name: now})
    assert run(tmp_path, ABC, job=MODEL, settings=ASKED) == []


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


def test_a_changed_prompt_of_the_same_name_is_told_without_a_hash(tmp_path: Path) -> None:
    asked = ASKED | {"prompt_sha256": "a" * 64, "schema_sha256": "b" * 64}
    run(tmp_path, ABC, job=MODEL, settings=asked)
    for name in ("prompt", "schema"):
        with pytest.raises(UsageError, match=rf"holds another job: the {name} has changed\. Choose another folder with -o, or"):
            run(tmp_path, ABC, job=MODEL, settings=asked | {f"{name}_sha256": "c" * 64})
