"""The folder of a job in shards: damaged it is mended or refused in one line, its tables are those of its records."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest
from pyarrow import parquet

from extractor.errors import UsageError
from extractor.jobs.job import Job
from extractor.jobs.ray.engine import RayRunner
from extractor.jobs.ray.worker import Worker
from extractor.jobs.runner import Runner
from extractor.jobs.state import state_of
from extractor.labelling.models import ModelOptions
from extractor.outputs.jsonl import read_failures
from extractor.outputs.tables import read_table
from tests.jobs.ray.here import Here, RayError, RayTaskError
from tests.jobs.ray.jobs import BAD, MANY, command, local, records, run, whole, write
from tests.labelling.model_server import ModelServer, labels

JOB, MANIFEST, SHARD = Path("job"), Path("job/manifest.json"), Path("job/shards/00003")
RECORDS = SHARD / "extractions.jsonl"


def cut_off() -> None:
    RECORDS.write_bytes(RECORDS.read_bytes()[:-10])


def a_line_less() -> None:
    RECORDS.write_bytes(b"".join(RECORDS.read_bytes().splitlines(keepends=True)[1:]))


def left_out() -> None:
    manifest = json.loads(MANIFEST.read_bytes())
    del manifest["shards"][3]
    MANIFEST.write_text(json.dumps(manifest))


def not_moved_yet() -> None:
    SHARD.rename("job/unfinished/00003")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(cut_off, id="the records of a shard are cut off"),
        pytest.param(a_line_less, id="a record is gone"),
        pytest.param(lambda: shutil.rmtree(SHARD), id="a shard is gone"),
        pytest.param(not_moved_yet, id="killed before a shard is moved"),
        pytest.param(left_out, id="killed before the manifest is written"),
        pytest.param(MANIFEST.unlink, id="the manifest is gone"),
        pytest.param(lambda: shutil.rmtree("job/leases"), id="the leases are gone"),
        pytest.param(lambda: Path("job/unfinished/.00003.x").mkdir(), id="killed while tables are written"),
    ],
)
def test_a_folder_that_was_damaged_is_made_whole_by_the_same_command_and_any_number_of_shards(
    damage: Callable[[], None],
) -> None:
    run()
    before = records("job"), [*read_failures("job")]
    damage()
    outcome = run(shards=17)
    assert (outcome.stopped, outcome.counts.documents, len(whole())) == (None, 41, 6)
    assert (records("job"), [*read_failures("job")]) == before
    assert [*Path("job/unfinished").iterdir()] == []


@pytest.mark.parametrize(
    ("file", "remove", "before", "after"),
    [
        pytest.param(MANIFEST, MANIFEST, "{", "[", id="manifest"),
        pytest.param(MANIFEST, MANIFEST, '"records_a_shard": 7', '"records_a_shard": 0', id="shards of nothing"),
        pytest.param(MANIFEST, MANIFEST, "shards/00001", "shards/x", id="folder that is no shard's"),
        pytest.param(MANIFEST, MANIFEST, '"documents": 7', '"documents": "7"', id="counts that are none"),
        pytest.param(SHARD / "shard.json", SHARD, "{", "[", id="plan of a shard"),
        pytest.param(SHARD / "job.json", SHARD, "{", "[", id="description of a shard"),
    ],
)
def test_what_cannot_be_read_is_told_with_what_to_remove(file: Path, remove: Path, before: str, after: str) -> None:
    run()
    found = records("job")
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))
    if file.parent == SHARD:
        left_out()  # else nobody looks at it
    with pytest.raises(UsageError, match=rf"{file} is not .*Remove {remove.resolve()} and run the same command again"):
        run()
    shutil.rmtree(remove) if remove.is_dir() else remove.unlink()
    run()
    assert records("job") == found


def test_a_record_that_is_damaged_is_told_with_its_line_and_done_anew_when_that_is_deleted() -> None:
    run()
    before = records("job")
    good, bad = RECORDS.read_bytes(), RECORDS.read_bytes().replace(b'"claims":', b'"clams!":', 1)
    RECORDS.write_bytes(bad)
    shown = command("export", "job", "--to", "csv", "-o", "tables")
    assert (shown.exit_code, "job/shards/00003/extractions.jsonl:1: not an extraction" in shown.stderr) == (1, True)
    assert "Delete the line and run the same command again" in shown.stderr
    RECORDS.write_bytes(b"".join(good.splitlines(keepends=True)[1:]))
    run()
    assert records("job") == before


def test_a_folder_without_a_description_is_refused() -> None:
    run()
    Path("job/job.json").unlink()
    with pytest.raises(UsageError, match=r"job has no job.json that says what made its shards\. Choose another folder"):
        run()


def test_another_number_of_shards_is_said_to_change_nothing() -> None:
    run()
    said: list[str] = []
    run(shards=9, said=said)
    run(shards=None, said=said)
    assert said == ["40 done before", "--shards 9 changes nothing: the first run fixed 7 records a shard.", "40 done before"]


@pytest.mark.parametrize(
    ("papers", "count"),
    [
        pytest.param([], 1, id="empty"),
        pytest.param(MANY[:3], 3, id="fewer records than shards"),
        pytest.param([BAD, *MANY[:2], BAD | {"id": "b"}, MANY[2], BAD | {"id": "c"}], 6, id="bad records"),
    ],
)
def test_an_odd_input_comes_to_the_same_as_on_one_machine(papers: list[dict[str, str]], count: int) -> None:
    write(papers)
    done = [
        command("run", "papers.jsonl", "-o", folder, *more)
        for folder, more in (("job", ("--engine", "ray", "--shards", "10")), ("local", ()))
    ]
    told = [[line for line in each.stderr.splitlines() if "papers.jsonl" in line] for each in done]
    assert (done[0].exit_code, told[0]) == (done[1].exit_code, told[1])
    assert len(whole()) == count
    assert (records("job"), [*read_failures("job")]) == (records("local"), [*read_failures("local")])


def rows(table: Any) -> list[dict[str, Any]]:
    """Those of a table, without what the job is called and how long it took."""
    found: list[dict[str, Any]] = table.select([n for n in table.column_names if n not in {"job", "seconds"}]).to_pylist()
    return found


def tables(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of a job by table."""
    named = ("documents", "claims", "hardware", "failures")
    return {name: rows(read_table(name, folder)) for name in named}


def stored() -> dict[str, list[dict[str, Any]]]:
    """The same of the Parquet files of a job in shards, which say where it is."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name in ("documents", "claims", "hardware", "failures"):
        for folder in whole():
            table = parquet.read_table(JOB / folder / f"{name}.parquet")
            assert set(table["job"].to_pylist()) <= {str(JOB.resolve())}
            found.setdefault(name, []).extend(rows(table))
    return found


def test_each_shard_has_its_tables_and_they_follow_its_records(ray: Here) -> None:
    run(parquet=True)
    local()
    assert stored() == tables(Path("local"))
    before = {file: file.stat().st_mtime_ns for file in JOB.glob("shards/*/*.parquet")}
    write([*MANY[:20], BAD | {"abstract": "It is 3x faster than SlowNet."}, *MANY[20:]])
    run(parquet=True)
    local()
    assert stored() == tables(Path("local"))
    assert {file.parent.name for file, at in before.items() if file.stat().st_mtime_ns != at} == {"00002"}


def test_tables_that_come_later_ask_nothing_and_those_that_are_not_wanted_any_more_do_not_stay_behind() -> None:
    with ModelServer(labels()) as server:
        options = ModelOptions("openai/m", server.url, cache=False, price="1,1")
        run(options)
        asked, spent = len(server.requests), state_of(JOB)["spent_usd"]
        run(options, parquet=True)
        assert (len(server.requests), stored()) == (asked, tables(JOB))
        assert state_of(JOB)["spent_usd"] == pytest.approx(spent, abs=1e-6)
        write([MANY[0] | {"abstract": "It is 3x faster than SlowNet."}, *MANY[1:20], BAD, *MANY[20:]])
        run(options)
    assert sorted(file.parent.name for file in JOB.glob("shards/*/claims.parquet")) == [f"0000{n}" for n in (1, 3, 4, 5)]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("a bug")], ids=["disk", "bug"])
def test_a_worker_that_fails_leaves_its_shard_for_the_next_run(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("extractor.jobs.ray.worker.export", fail)
        with pytest.raises((OSError, RayTaskError), match=r"No space|a bug"):
            run(parquet=True)
    assert whole() == []
    outcome = run(parquet=True)
    assert (outcome.counts.extracted, outcome.stopped, stored()) == (40, None, tables(JOB))


def test_what_ray_cannot_do_is_told_in_a_line(ray: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    def put(_value: Any) -> None:
        raise RayError("The disk of the node is full.\nMore about it.")

    with monkeypatch.context() as patch:
        patch.setattr(ray, "put", put)
        stopped = run().stopped
    assert str(stopped).startswith("Ray has failed at shard 00000 (The disk of the node is full.). Mend that")
    assert run().counts.extracted == 40


def test_a_machine_that_does_not_see_the_folder_is_named(tmp_path: Path) -> None:
    done = Worker("w", Job(("papers.jsonl",)), None).run([], str(tmp_path / "elsewhere/unfinished/00000"))
    assert "unfinished/00000. Name a folder with -o that all machines see." in str(done.error)
    assert not (tmp_path / "elsewhere").exists()


def files() -> dict[Path, bytes]:
    """All that is in the job's folder."""
    return {file: file.read_bytes() for file in JOB.rglob("*") if file.is_file()}


def test_a_dry_run_knows_what_is_done_in_whole_shards_and_others() -> None:
    with ModelServer(labels()) as server:
        asked = ["-m", "openai/m", "--base-url", server.url, "--no-cache", "--price", "1,1"]
        every = ["run", "papers.jsonl", *asked, "--dry-run", "--engine", "ray", "--shards", "6"]
        fresh = command(*every, "-o", "job")
        assert not JOB.exists()
        assert fresh.stdout == command(*every[:-4], "-o", "local").stdout
        run(ModelOptions("openai/m", server.url, cache=False, price="1,1"))
        not_moved_yet()
        cut = Path("job/unfinished/00003/extractions.jsonl")
        cut.write_bytes(b"".join(cut.read_bytes().splitlines(keepends=True)[:3]))
        write([MANY[0] | {"abstract": "It is 3x faster than SlowNet."}, *MANY[1:20], BAD, *MANY[20:]])
        before = files()
        dry = command(*every, "-o", "job")
        told = dict(line.rsplit(None, 1) for line in dry.stdout.splitlines())
        assert files() == before
        assert (told["documents"], told["done before"], told["unreadable"]) == ("41", "35", "1")
        calls = len(server.requests)
        assert run(ModelOptions("openai/m", server.url, cache=False, price="1,1")).counts.extracted == 40
        assert len(server.requests) - calls == int(told["need a call"])


def test_the_input_may_be_in_an_object_store(ray: Here) -> None:
    store = fsspec.filesystem("memory")
    for number, line in enumerate(Path("papers.jsonl").read_bytes().splitlines()):
        store.pipe(f"/of-a-cluster/{number:02}.json", line)
    try:
        RayRunner(Job(("memory://of-a-cluster",), engine="ray", shards=6)).run(JOB)
        Runner(Job(("memory://of-a-cluster",))).run(Path("local"))
    finally:
        store.rm("/of-a-cluster", recursive=True)
    assert (records("job"), [*read_failures("job")]) == (records("local"), [*read_failures("local")])
    assert len(records("job")) == 40


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-o", "s3://bucket/job", "--engine", "ray"), "s3://bucket/job is an address, and -o needs a file system."),
        (("-o", "job", "--parquet"), "--parquet is for --engine ray. Run `extractor export job --to parquet` after the job."),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_written(options: tuple[str, ...], message: str) -> None:
    done = command("run", "papers.jsonl", *options)
    assert (done.exit_code, done.stderr.splitlines()[0].removeprefix("extractor: ")[: len(message)]) == (2, message)
    assert [*Path().iterdir()] == [Path("papers.jsonl")]
