"""A job in batches goes on where it was stopped, with its folder alone, and pays nothing twice."""

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from aiohttp import web
from typer.testing import Result

from extractor import read_extractions
from extractor.jobs.batch.store import Store
from extractor.llm.limits import Clock
from tests.cli.batch.steps import ALL, CREATE, MODELS, KilledError, accounted_for, asked, extractor, killing, run, small, submit
from tests.cli.jobs import PAPERS, failures, write
from tests.labelling.model_server import ModelServer
from tests.llm.batch_server import BatchProvider, Kept
from tests.llm.server import Request, fails, hangs, resets

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("kind", "before"),
    [("openai", True), ("openai", False), ("anthropic", True)],
    ids=["openai", "openai, written", "anthropic"],
)
def test_killed_at_any_writing_of_the_state_a_copy_of_the_folder_goes_on_and_pays_nothing_twice(
    kind: str, before: bool, server: ModelServer, provider: BatchProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers = PAPERS[: 3 if kind == "openai" and before else 2]
    small(monkeypatch, 1)
    write([*papers, {"id": "bad"}])
    provider.life = ["in_progress", "completed"]
    survived = False
    kills = 0
    while not survived:
        kills += 1
        provider.batches.clear()
        provider.calls.clear()
        folder = f"job{kills}"
        with pytest.MonkeyPatch.context() as death:
            killing(death, kills, before)
            try:
                done: Result | None = run(server, "--no-cache", output=folder, provider=kind)
            except KilledError:
                done = None
        survived = done is not None
        if done is None:
            shutil.copytree(folder, f"copy{kills}")
            done = run(server, "--no-cache", output=(folder := f"copy{kills}"), provider=kind)
        assert done.exit_code == 3, done.output
        assert accounted_for(folder) == sorted(["bad", *(paper["id"] for paper in papers)])
        online = sum(route in {"POST /chat/completions", "POST /messages"} for route in provider.calls)
        assert online + sum(len(batch.lines) for batch in provider.batches.values()) == len(papers)
    assert kills > 3 * len(papers)  # in every state


@pytest.mark.parametrize("kind", MODELS)
def test_a_batch_that_was_created_unheard_is_not_created_again(kind: str, server: ModelServer, provider: BatchProvider) -> None:
    provider.after[CREATE[kind]] = [resets]
    done = run(server, provider=kind)
    assert (done.exit_code, len(provider.batches)) == (3, 1), done.output
    assert accounted_for() == ALL


def test_killed_while_the_batch_is_created_the_job_finds_it(server: ModelServer, provider: BatchProvider) -> None:
    created = threading.Event()

    async def unheard(request: Request) -> web.StreamResponse:
        created.set()
        return await hangs(request)

    provider.after["POST /batches"] = [unheard]
    command = [sys.executable, "-m", "extractor.cli", "run", "papers.jsonl", "-o", "job", "--batch", *asked(server)]
    root = str(ROOT)
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": root}, stderr=subprocess.PIPE)
    assert created.wait(60)
    process.kill()
    process.communicate()
    assert Store(Path("job")).need().batches[0].id is None
    done = run(server)
    assert (done.exit_code, len(provider.batches)) == (3, 1)
    assert accounted_for() == ALL


def test_another_jobs_batch_of_the_same_size_and_time_is_given_back(
    server: ModelServer, provider: BatchProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as death:
        killing(death, 2, before=False)  # sending has begun, nothing is sent
        with pytest.raises(KilledError):
            run(server, provider="anthropic")
    line = {
        "custom_id": "theirs",
        "params": {"messages": [{"role": "user", "content": "Title: A\nAbstract: B\n\nQuantities:\n"}]},
    }
    provider.batches["batch_0"] = Kept("batch_0", [line] * 7)
    done = run(server, provider="anthropic")
    assert "batch_0 turned out to be another job's" in done.stderr
    assert (done.exit_code, sorted(provider.batches)) == (3, ["batch_0", "batch_2"])
    assert accounted_for() == ALL


@pytest.mark.parametrize("kind", MODELS)
def test_a_cancelled_job_keeps_what_was_answered_and_the_same_command_does_the_rest(
    kind: str, server: ModelServer, provider: BatchProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch, 4)
    left = {paper["title"] for paper in PAPERS[2:5]}
    provider.answer = lambda document: None if document.title in left else {}
    assert submit(server, provider=kind).exit_code == 0
    done = extractor("batch", "cancel", "job")
    assert (done.exit_code, [batch.cancelled for batch in provider.batches.values()]) == (0, [True, True])
    assert "batch 1 of 2: cancelling" in done.stderr
    rows = json.loads(extractor("batch", "status", "job", "--json").stdout)["batches"]
    assert [row["state"] for row in rows] == ["cancelled", "cancelled"]
    assert extractor("batch", "collect", "job").exit_code == 3
    assert accounted_for() == ALL
    gone = [failure for failure in failures() if failure["id"] != "bad"]
    assert {failure["cause"] for failure in gone} == {"the batch was cancelled before it was answered"}
    assert len(gone) == 3
    provider.answer = None
    assert run(server, provider=kind).exit_code == 3
    assert [failure["id"] for failure in failures()] == ["bad"]
    assert sum(len(batch.lines) for batch in provider.batches.values()) == 7 + 2  # one is asked online first


def test_batches_that_were_never_sent_are_cancelled_without_a_call(server: ModelServer, provider: BatchProvider) -> None:
    provider.instead["POST /files"] = [fails(401)]
    assert submit(server).exit_code == 3
    assert extractor("batch", "cancel", "job").exit_code == 0
    assert extractor("batch", "collect", "job").exit_code == 3
    assert (accounted_for(), provider.batches) == (ALL, {})
    assert failures()[0]["cause"] == "the batch was cancelled before it was answered"


def test_a_job_goes_on_elsewhere_with_its_folder_alone(
    server: ModelServer, provider: BatchProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = (ROOT / "prompts" / "label.md").read_text(encoding="utf-8")
    Path("mine.md").write_text(prompt.replace("name: label", "name: mine"), encoding="utf-8")
    assert submit(server, "--prompt", "mine.md").exit_code == 0
    shutil.move("job", "elsewhere")
    for gone in ("papers.jsonl", "mine.md", "cache.sqlite3"):
        Path(gone).unlink()
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    done = [extractor("batch", "collect", "elsewhere") for _ in range(3)][-1]
    assert (done.exit_code, accounted_for("elsewhere")) == (3, ALL), done.output
    assert {record.provenance.prompt for record in read_extractions("elsewhere")} == {"mine@2", None}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "papers.jsonl", "-o", "job"], "job has batches that are not collected. Run with --batch"),
        (["run", "papers.jsonl", "-o", "job", "--fresh"], "job has batches that are not collected"),
        (["run", "papers.jsonl", "-o", "job", "--batch", "--fresh"], "Run `extractor batch cancel job` first."),
        (["run", "papers.jsonl", "-o", "job", "--batch", "--narrow-schema", "never"], "narrow_schema was True, is now False"),
        (["run", "papers.jsonl", "-o", "-", "--batch"], "Name one with -o."),
        (["run", "papers.jsonl", "-o", "new", "--retry-online"], "Give it with --batch"),
        (["batch", "export", "-o", "job"], "has no request that is not sent yet"),
        (["batch", "export", "-o", "new"], "new holds no batches. Send some with `extractor batch submit INPUT... -o new`."),
        (["batch", "import", "job", "nowhere.jsonl"], "nowhere.jsonl does not exist"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_would_pay_twice_or_lose_answers_is_refused(
    arguments: list[str], message: str, server: ModelServer, provider: BatchProvider
) -> None:
    assert submit(server).exit_code == 0
    calls = len(provider.calls)
    done = extractor(*arguments, *(asked(server) if arguments[0] == "run" else []))
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.stderr
    assert message in done.stderr
    assert len(provider.calls) == calls


def test_a_second_process_is_kept_out(server: ModelServer) -> None:
    assert submit(server).exit_code == 0
    with Store(Path("job")).locked():
        done = extractor("batch", "collect", "job")
    assert (done.exit_code, "Another process is at work on the batches of job" in done.stderr) == (2, True)


def test_interrupted_while_it_waits_the_job_goes_on_with_the_same_command(
    server: ModelServer, provider: BatchProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupt(_clock: Clock, _seconds: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as impatient:
        impatient.setattr(Clock, "sleep", interrupt)
        done = run(server)
    assert done.exit_code == 130
    assert "Interrupted: what was sent goes on at the provider." in done.stderr.splitlines()[-1]
    assert run(server).exit_code == 3
    assert (accounted_for(), len(provider.batches)) == (ALL, 1)


def test_status_tells_of_the_batches_and_retry_waits_for_them(server: ModelServer, provider: BatchProvider) -> None:
    assert submit(server).exit_code == 0
    facts = json.loads(extractor("status", "job", "--json").stdout)
    waiting = facts["batches"]["waiting"]
    assert (facts["state"], facts["pending"], facts["done"] + facts["failed"] + waiting) == ("waiting", waiting, len(ALL))
    lines = extractor("status", "job").stdout.splitlines()
    assert lines[0].split() == ["state", "waiting"]
    assert f"batches   0 of 1 ended, {waiting} requests not collected (see `extractor batch status`)" in lines
    assert extractor("retry", "job").exit_code == 3  # one record cannot be read
    assert provider.calls.count("POST /batches") == 1
    assert accounted_for() == ALL
    facts = json.loads(extractor("status", "job", "--json").stdout)
    assert (facts["state"], facts["pending"], facts["batches"]) == ("finished", 0, None)
