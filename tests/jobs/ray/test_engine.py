"""A job in shards: the same records as on one machine, whole or not there, and what becomes of it when things go wrong.

The actors are objects of this process (`here`); `tests/cluster` has them on a cluster.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from extractor.errors import BudgetError, UsageError
from extractor.jobs.job import Job
from extractor.jobs.journal import Journal
from extractor.jobs.ray.engine import RayRunner
from extractor.jobs.ray.shards import Shards
from extractor.jobs.ray.worker import Worker
from extractor.jobs.runner import Runner
from extractor.jobs.state import state_of
from extractor.labelling.models import ModelOptions
from extractor.outputs.jsonl import read_failures
from tests.jobs.ray.here import Actor, Here, OutOfMemoryError, RayActorError
from tests.jobs.ray.jobs import BAD, MANY, command, local, records, run, whole, write
from tests.labelling.model_server import ModelServer, labels, shown
from tests.llm.server import Request, fails


def test_the_records_are_those_of_one_machine_and_every_reader_takes_them() -> None:
    outcome, alone = run(), local()
    assert (outcome.counts, outcome.stopped, outcome.interrupted) == (alone.counts, None, False)
    assert records("job") == records("local")
    assert [*read_failures("job")] == [*read_failures("local")]
    assert len(whole()) == 6
    for arguments in (["show"], ["query", "--name", "best-speedup-per-device"], ["export", "--to", "csv", "-o"], ["explore"]):
        name, *rest = arguments
        told = [command(name, folder, *rest, *([f"of-{folder}"] if "-o" in rest else [])) for folder in ("job", "local")]
        assert [each.exit_code for each in told] == [0, 0]
        if name != "explore" and "-o" not in rest:
            assert told[0].stdout == told[1].stdout
    assert Path("of-job/claims.csv").read_text().replace("\njob,", "\nlocal,") == Path("of-local/claims.csv").read_text()
    states = [state_of(Path(folder)) for folder in ("job", "local")]
    same = ("state", "done", "failed", "pending", "failures")
    assert [states[0][name] for name in same] == [states[1][name] for name in same]


def test_the_same_command_skips_what_is_whole_and_tries_what_failed_again(ray: Here) -> None:
    said: list[str] = []
    run()
    before = {place: place.stat().st_mtime_ns for place in Path("job/shards").glob("*/extractions.jsonl")}
    write([*MANY[:20], {**BAD, "abstract": "It is 3x faster than SlowNet."}, *MANY[20:]])
    done = len(ray.workers())
    outcome = run(said=said)
    assert (outcome.counts.extracted, outcome.counts.failed, said) == (41, 0, ["40 done before"])
    assert len(ray.workers()) - done == 1  # one shard was left, and nobody starts for the others
    changed = [place for place, at in before.items() if place.stat().st_mtime_ns != at]
    assert len(changed) == 1
    local()
    assert records("job") == records("local")
    assert [*Path("job/unfinished").iterdir()] == []


def test_new_records_at_the_end_and_a_changed_text_are_done() -> None:
    write(MANY[:30])
    run()
    write([*MANY[:10], MANY[10] | {"abstract": "It is 7x faster than SlowNet."}, *MANY[11:]])
    outcome = run(shards=2)  # how long a shard is was fixed by the first run
    assert (outcome.counts.extracted, outcome.changed, len(whole())) == (40, 1, 8)
    local()
    assert records("job") == records("local")


@pytest.mark.parametrize(
    ("papers", "message"),
    [
        pytest.param(MANY[1:], f'have moved since the job began: "{MANY[0]["id"]}" was in ', id="moved"),
        pytest.param(MANY[:14], "the input has fewer records than before: shard 00002 of ", id="cut off"),
    ],
)
def test_an_input_whose_records_have_moved_is_refused_and_loses_nothing(papers: list[dict[str, str]], message: str) -> None:
    write(MANY)
    run()
    before = sorted(map(str, records("job")))
    write(papers)
    try:
        said = str(run().stopped)
    except UsageError as error:
        said = str(error)
    assert message in said
    shown = [*records("job"), *(each for place in Path("job/unfinished").iterdir() for each in records(str(place)))]
    assert [each for each in before if each not in map(str, shown)] == []
    write(MANY)
    run()
    assert sorted(map(str, records("job"))) == before


def with_model(act: Any, each: Callable[[ModelServer, ModelOptions], None], **options: Any) -> None:
    with ModelServer(act) as server:
        usual = ModelOptions("openai/m", server.url, cache=False, concurrency=4, price="1,1")
        each(server, replace(usual, **options))


def test_a_model_answers_the_same(ray: Here) -> None:
    def each(server: ModelServer, options: ModelOptions) -> None:
        outcome, alone = run(options), local(options)
        assert (outcome.counts.calls, outcome.stopped) == (alone.counts.calls, None)
        assert outcome.counts.cost_usd == pytest.approx(alone.counts.cost_usd)
        assert records("job") == records("local")
        assert json.loads(Path("job/job.json").read_bytes())["spent_usd"] == pytest.approx(alone.counts.cost_usd, abs=1e-6)

    with_model(labels(), each)


def test_a_document_that_failed_is_asked_about_again(ray: Here) -> None:
    refused = {MANY[3]["title"]}
    right = labels()

    async def act(request: Request) -> web.StreamResponse:
        said = fails(400, "the input is too long") if shown(request).title in refused else right
        return await said(request)

    def each(server: ModelServer, options: ModelOptions) -> None:
        assert (first := run(options).counts).failed == 2
        asked = len(server.requests)
        refused.clear()
        again = run(options).counts
        assert (again.extracted, again.failed, len(server.requests) - asked) == (first.extracted + 1, 1, 1)

    with_model(act, each)


def test_the_cap_is_that_of_all_runs_and_actors_together(ray: Here) -> None:
    def each(server: ModelServer, options: ModelOptions) -> None:
        stopped = run(options)
        assert isinstance(stopped.stopped, BudgetError)
        asked = len(server.requests)
        spent = state_of(Path("job"))["spent_usd"]
        assert (0 < asked < 40, 0 < spent <= 0.1) == (True, True)
        assert isinstance(run(options).stopped, BudgetError)
        assert (len(server.requests) - asked <= 4, state_of(Path("job"))["spent_usd"] <= 0.1) == (True, True)

    with_model(labels(), each, price="10,100", max_cost=0.1, max_output_tokens=400)


def test_an_error_that_hits_every_document_stops_all_actors() -> None:
    def each(server: ModelServer, options: ModelOptions) -> None:
        outcome = run(options)
        assert "key" in str(outcome.stopped)
        assert len(server.requests) < 20
        assert whole() == []

    with_model(fails(401, "Incorrect API key provided"), each)


def test_a_lost_actor_costs_no_record_and_only_the_calls_that_were_under_way(ray: Here) -> None:
    asked: list[str] = []
    right = labels()

    async def act(request: Request) -> web.StreamResponse:
        asked.append(shown(request).title)
        if (error := {9: RayActorError, 21: OutOfMemoryError}.get(len(asked))) is not None:
            next(worker for worker in ray.workers() if not worker.dead).kill(error("killed"))
        return await right(request)

    def each(server: ModelServer, options: ModelOptions) -> None:
        outcome = run(options)
        assert (outcome.counts.extracted, outcome.counts.failed, outcome.stopped) == (40, 1, None)
        times = [asked.count(title) for title in set(asked)]
        assert (max(times) <= 3, sum(times) - len(times) <= 2 * 4) == (True, True)
        local(options)
        assert [each["id"] for each in records("job")] == [each["id"] for each in records("local")]

    with_model(act, each)


def test_workers_that_cannot_start_are_told_with_the_cause(ray: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_worker: Worker) -> None:
        raise UsageError("pyarrow is not installed. Install it.")

    with monkeypatch.context() as patch:
        patch.setattr(Worker, "ready", refuse)
        assert "(pyarrow is not installed. Install it.). Mend that there." in str(run().stopped)
    with monkeypatch.context() as patch:
        patch.setattr(
            "tests.jobs.ray.here.Actor", lambda made: Actor(made, OutOfMemoryError("no memory is left. More about it"))
        )
        assert "(no memory is left). Give the machines" in str(run().stopped)
    assert run().counts.extracted == 40


def test_a_job_that_is_asked_to_stop_goes_on_later(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = RayRunner(Job(("papers.jsonl",), engine="ray", shards=20))
    finish = Shards.finish

    def stop_then(shards: Shards, *done: Any) -> None:
        finish(shards, *done)
        runner.stop.ask()

    with monkeypatch.context() as patch:
        patch.setattr(Shards, "finish", stop_then)
        outcome = runner.run(Path("job"))
    assert outcome.interrupted
    assert 0 < len(whole()) < 20
    assert run(shards=20).counts.extracted == 40
    local()
    assert records("job") == records("local")


def test_a_job_in_shards_and_one_of_one_machine_keep_out_of_each_others_folder() -> None:
    run()
    local()
    with pytest.raises(UsageError, match="job holds a job in shards"):
        Runner(Job(("papers.jsonl",))).run(Path("job"))
    with pytest.raises(UsageError, match="job holds a job in shards"):
        Journal(Path("job"), Job(("papers.jsonl",))).look()
    with pytest.raises(UsageError, match="local holds a job that is not in shards"):
        RayRunner(Job(("papers.jsonl",), engine="ray")).run(Path("local"))


@pytest.mark.parametrize(
    ("address", "message"),
    [("127.0.0.1:1", "No Ray cluster answers at 127.0.0.1:1."), ("ray://head:10001", "is not HOST:PORT")],
)
def test_an_address_without_a_cluster_is_told_at_once(address: str, message: str) -> None:
    done = command("run", "papers.jsonl", "-o", "job", "--engine", "ray", "--address", address)
    assert (done.exit_code, message in done.stderr, len(done.stderr.splitlines())) == (2, True, 1)
    assert not Path("job").exists()


def test_without_ray_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    done = command("run", "papers.jsonl", "-o", "job", "--engine", "ray")
    assert (done.exit_code, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert "pip install '.[ray]'" in line


def test_the_command_ends_as_on_one_machine() -> None:
    done = command("run", "papers.jsonl", "-o", "job", "--engine", "ray", "--shards", "3")
    assert done.exit_code == 3
    assert "papers.jsonl:21: no abstract." in done.stderr
    assert done.stderr.endswith("job/shards\n")
    again = command("retry", "job")
    assert (again.exit_code, "40 done before" in again.stderr) == (3, True)
    assert command("run", "papers.jsonl", "-o", "job", "--shards", "3").exit_code == 2
