"""A job's folder: what is done stays done, what failed is tried again, and nothing is mixed."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from extractor.documents import Document
from extractor.errors import UsageError
from extractor.jobs.journal import Job, Journal
from extractor.outputs.jsonl import read_extractions
from extractor.records import Extraction, Failure, Provenance

JOB = Job(inputs=("input.jsonl",), model="rules", fields={"title": ["title"]}, extractor="0.1.0")


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
    folder: Path, documents: Iterable[Document], *, job: Job = JOB, fresh: bool = False, fails: str = "", stop: bool = False
) -> list[str]:
    """One run over the documents; those in `fails` fail; without its end if it is to `stop`. Returns the ids that it did."""
    did = []
    with Journal(folder, job, fresh=fresh) as journal:
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
        {"fields": {"title": ["title"]}},
    )
    assert job["counts"] == {
        "documents": 3,
        "failed": 1,
        "claims": {"speedup": 0, "speed": 0, "accuracy": 0, "resource": 0},
        "hardware": 0,
        "rejected": 0,
        "calls": 0,
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
    assert run(tmp_path, ABC[1:], fresh=True, job=Job(("other.jsonl",), "other", {}, "9")) == ["b", "c"]
    assert (ids(tmp_path), failed(tmp_path)) == (["b", "c"], [])
    assert described(tmp_path)["model"] == "other"


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        pytest.param(Job(JOB.inputs, "gpt", JOB.fields, "0.1.0"), "model was rules, is now gpt", id="model"),
        pytest.param(Job(JOB.inputs, "rules", JOB.fields, "0.2.0"), "extractor was 0.1.0, is now 0.2.0", id="version"),
        pytest.param(
            Job(JOB.inputs, "rules", {"title": ["t"]}, "0.1.0"), "fields was title=title, is now title=t", id="fields"
        ),
        pytest.param(Job(("b.txt",), "rules", JOB.fields, "0.1.0"), "inputs was input.jsonl, is now b.txt", id="inputs"),
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


def test_inputs_can_be_added(tmp_path: Path) -> None:
    run(tmp_path, ABC)
    assert run(tmp_path, [*ABC, document("d")], job=Job(("input.jsonl", "more.jsonl"), "rules", JOB.fields, "0.1.0")) == ["d"]
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
