"""A job from its description, without a command line: what it loads, what it writes, how it ends."""

import asyncio
import io
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from extractor import read_extractions
from extractor.errors import UsageError
from extractor.jobs.job import Description, Job
from extractor.jobs.journal import Journal
from extractor.jobs.runner import Runner, processes_for
from extractor.jobs.sinks import Streams
from extractor.labelling.models import ModelOptions
from tests.labelling.model_server import ModelServer, labels
from tests.llm.server import Request

PAPERS = [{"id": name, "title": "FastNet", "abstract": f"It is {n}x faster than SlowNet."} for n, name in enumerate("abc", 2)]
BAD = {"id": "bad", "title": "FastNet", "abstract": ""}


@pytest.fixture
def papers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXTRACTOR_CACHE", str(tmp_path / "cache.sqlite3"))
    file = tmp_path / "papers.jsonl"
    file.write_text("".join(json.dumps(paper) + "\n" for paper in [*PAPERS, BAD]))
    return file


@pytest.mark.parametrize(
    ("size", "cores", "processes"),
    [(None, 4, 1), (0, 4, 1), (3_999_999, 4, 1), (4_000_000, 4, 4), (4_000_000, 1, 1), (10**12, 64, 8)],
)
def test_an_input_of_some_size_gets_a_process_for_each_core(
    size: int | None, cores: int, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _process: set(range(cores)), raising=False)
    assert processes_for(size) == processes


@pytest.mark.parametrize(
    ("options", "many"),
    [({}, True), ({"workers": 1}, False), ({"inputs": ("-",)}, False)],
    ids=["nothing said", "one process asked for", "a stream"],
)
def test_nobody_says_how_many_processes(
    options: dict[str, Any], many: bool, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("extractor.jobs.runner._PAYS", papers.stat().st_size)
    monkeypatch.setattr("os.sched_getaffinity", lambda _process: {0, 1}, raising=False)
    asked: list[int] = []

    async def run_workers(_items: object, workers: int, *_: object, **__: object) -> bool:
        asked.append(workers)
        return True

    monkeypatch.setattr("extractor.jobs.workers.run_workers", run_workers)
    Runner(Job(**{"inputs": ("papers.jsonl",), **options}), stdin=io.BytesIO()).run(Streams(io.BytesIO(), io.BytesIO()))
    assert asked == ([2] if many else [])


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


def test_a_job_with_rules_loads_nothing_of_models_or_terminals(papers: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from extractor.jobs.runner import Runner; from extractor.jobs.job import Job;"
        "outcome = Runner(Job(('papers.jsonl',))).run(Path('job')); assert outcome.counts.extracted == 3, outcome;"
        "print(*sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=papers.parent, check=True, text=True)
    loaded = done.stdout.split()
    assert "extractor.labelling.rules.labeller" in loaded
    unwanted = ("extractor.llm", "extractor.cli", "typer", "click", "rich", "aiohttp", "openai")
    assert [name for name in loaded if name.startswith(unwanted)] == []


def test_a_folder_tells_what_came_of_a_job_and_goes_on(papers: Path, tmp_path: Path) -> None:
    said: list[str] = []
    outcome = Runner(Job(("papers.jsonl",)), said.append).run(tmp_path / "job")
    assert (outcome.counts.extracted, outcome.counts.failed, outcome.calls) == (3, 1, False)
    assert (outcome.stopped, outcome.interrupted, outcome.changed, outcome.kept, said) == (None, False, 0, 0, [])
    again = Runner(Job(("papers.jsonl",)), said.append).run(tmp_path / "job")
    assert (again.counts.extracted, again.counts.failed, said) == (3, 1, ["3 done before"])
    assert Description.read(tmp_path / "job").job == Job(("papers.jsonl",))


def test_streams_get_what_a_folder_would(papers: Path, tmp_path: Path) -> None:
    streams = Streams(extractions := io.BytesIO(), failures := io.BytesIO())
    with papers.open("rb") as stdin:
        outcome = Runner(Job(("-",)), stdin=stdin).run(streams)
    assert (outcome.counts.extracted, outcome.counts.failed) == (3, 1)
    assert [json.loads(line)["id"] for line in extractions.getvalue().splitlines()] == ["a", "b", "c"]
    assert [json.loads(line)["id"] for line in failures.getvalue().splitlines()] == ["bad"]


@pytest.mark.parametrize(
    ("job", "message"),
    [
        pytest.param(Job(("papers.jsonl",), ModelOptions("openai/m"), workers=2), "--workers is for the rules", id="workers"),
        pytest.param(Job(("papers.jsonl",), ModelOptions("gpt-9")), "no model 'gpt-9'", id="model"),
        pytest.param(Job(("nowhere.jsonl",)), "no such file or folder: nowhere.jsonl", id="input"),
        pytest.param(Job(("papers.jsonl",), fields="name=x"), "field mapping 'name=x' cannot be read", id="fields"),
    ],
)
def test_a_job_that_cannot_run_is_refused_before_anything_is_made(papers: Path, job: Job, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Runner(job)
    assert list(papers.parent.iterdir()) == [papers]


def test_online_retries_without_batches_are_refused(papers: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--retry-online is for what batches left"):
        Runner(Job(("papers.jsonl",), retry_online=True)).run(tmp_path / "job")
    assert not (tmp_path / "job").exists()


def test_batches_need_a_folder(papers: Path) -> None:
    with pytest.raises(UsageError, match="Batches need a folder"):
        Runner(Job(("papers.jsonl",), batch=True)).run(Streams(io.BytesIO(), io.BytesIO()))


@pytest.mark.parametrize("target", ["job", None], ids=["folder", "streams"])
def test_a_job_that_is_asked_to_stop_ends_between_two_documents_and_says_so(
    papers: Path, tmp_path: Path, target: str | None
) -> None:
    runner = Runner(Job(("papers.jsonl",)))
    assert runner.stop.ask() is False  # there is nothing that it could lose
    outcome = runner.run(Streams(io.BytesIO(), io.BytesIO()) if target is None else tmp_path / target)
    assert (outcome.interrupted, outcome.counts.documents, outcome.stopped) == (True, 1, None)
    if target is not None:
        assert Description.read(tmp_path / target).finished is None


def test_a_stop_from_another_thread_lets_calls_under_way_end(papers: Path, tmp_path: Path) -> None:
    said: list[str] = []
    heard: list[bool] = []
    told = threading.Event()

    def hear(line: str) -> None:
        said.append(line)
        told.set()

    async def act(request: Request) -> web.StreamResponse:
        heard.append(runner.stop.ask()) if not heard else None
        await asyncio.to_thread(told.wait, 10)  # or it has ended before there is anything to say
        return await labels()(request)

    with ModelServer(act) as server:
        model = ModelOptions("openai/m", server.url, concurrency=1)
        runner = Runner(Job(("papers.jsonl",), model), hear)
        outcome = runner.run(tmp_path / "job")
    assert (heard, outcome.interrupted, outcome.stopped) == ([True], True, None)
    done = len(list(read_extractions(tmp_path / "job")))
    assert said == [f"Stopping after the documents under way ({done}); Ctrl-C again stops now."]
    assert 1 <= done == outcome.counts.extracted < 3


def test_progress_can_be_watched_while_a_job_runs(papers: Path, tmp_path: Path) -> None:
    seen: list[tuple[int | None, int | None]] = []

    @contextmanager
    def watching(journal: Journal) -> Iterator[None]:
        before = journal.progress()
        yield
        after = journal.progress()
        assert before is not None
        assert after is not None
        seen.extend([(before.done, before.pending), (after.done, after.pending)])

    Runner(Job(("papers.jsonl",))).run(tmp_path / "job", watching=watching)
    assert seen == [(0, None), (3, 0)]


def test_what_a_job_has_spent_before_counts_against_its_cap(papers: Path, tmp_path: Path, server: ModelServer) -> None:
    def runner(cap: float | None) -> Runner:
        options = ModelOptions("openai/m", server.url, price="1000,1000", max_cost=cap, cache=False)
        return Runner(Job(("papers.jsonl",), options))

    first = runner(None).run(tmp_path / "job")
    spent = Description.read(tmp_path / "job").spent_usd
    assert first.counts.cost_usd == pytest.approx(spent, abs=1e-6)
    more = json.dumps({"id": "d", "title": "FastNet", "abstract": "It is 9x faster than SlowNet."})
    with papers.open("a") as file:
        file.write(more + "\n")
    calls = len(server.requests)
    stopped = runner(spent).run(tmp_path / "job").stopped
    assert stopped is not None
    assert f"${spent:.4f} of the ${spent:g} cap is spent" in str(stopped)
    assert len(server.requests) == calls
    assert runner(spent).estimate(tmp_path / "job").spent == pytest.approx(spent)


def test_an_estimate_counts_and_makes_no_call_no_cache_no_folder(papers: Path, tmp_path: Path, server: ModelServer) -> None:
    total = Runner(Job(("papers.jsonl",), ModelOptions("openai/m", server.url))).estimate(tmp_path / "job")
    assert (total.documents, total.asked, total.calls, total.unreadable, total.done) == (4, 3, 3, 1, 0)
    assert (server.requests, sorted(file.name for file in tmp_path.iterdir())) == ([], ["papers.jsonl"])
