"""`extractor run --batch` and `extractor batch`: a job's whole life at a provider on loopback."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from extractor import extract, read_extractions
from extractor.cli import app
from extractor.documents import Document
from extractor.jobs.batch_folder import Plan, Store
from extractor.llm.batch import Room
from extractor.llm.batch_anthropic import AnthropicBatches
from extractor.llm.batch_openai import OpenAIBatches
from extractor.llm.clock import Clock
from tests.cli.test_models import NOTHING, PAPERS, failures, ids, job
from tests.labelling.model_server import ModelServer, right_labels
from tests.llm.batch_server import BatchProvider, Kept
from tests.llm.server import breaks_off, fails, hangs, resets

RIGHT = {
    paper["title"]: asyncio.run(right_labels(Document("", paper["title"], paper["abstract"]))).model_dump(mode="json")
    for paper in PAPERS
}
KEY = "sk-loopback-0123456789abcdef"
BATCHED = [paper["id"] for paper in PAPERS[1:]]  # the first is asked online
MODELS = {"openai": "openai/m", "anthropic": "anthropic/claude-sonnet-4-5"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own, a cache and keys of its own, and no waiting."""

    async def pass_by(_clock: Clock, _seconds: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXTRACTOR_CACHE", str(tmp_path / "cache.sqlite3"))
    monkeypatch.setenv("EXTRACTOR_KEYS", str(tmp_path / "keys.toml"))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setattr(Clock, "sleep", pass_by)
    write([*PAPERS, NOTHING, {"id": "bad"}])
    return tmp_path


@pytest.fixture
def provider() -> BatchProvider:
    return BatchProvider()


@pytest.fixture
def server(provider: BatchProvider) -> Iterator[ModelServer]:
    with ModelServer(provider) as running:
        yield running


def write(papers: list[dict[str, str]]) -> None:
    Path("papers.jsonl").write_text("".join(json.dumps(paper) + "\n" for paper in papers), encoding="utf-8")


def extractor(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def asked(server: ModelServer, provider: str = "openai") -> list[str]:
    """The options that name the model."""
    return ["-m", MODELS[provider], "--base-url", server.url if provider == "openai" else server.server.root]


def run(server: ModelServer, *options: str, output: str = "job", provider: str = "openai") -> Result:
    return extractor("run", "papers.jsonl", "-o", output, "--batch", *asked(server, provider), *options)


def submit(server: ModelServer, *options: str, provider: str = "openai") -> Result:
    return extractor("batch", "submit", "papers.jsonl", "-o", "job", *asked(server, provider), *options)


def written(folder: str = "job") -> dict[str, float | None]:
    """The cost of each record, by id."""
    return {record.id: record.provenance.cost_usd for record in read_extractions(folder)}


def accounted_for(folder: str = "job") -> list[str]:
    """The ids in the two files of a job."""
    return sorted([*ids(folder), *(failure["id"] for failure in failures(folder))])


ALL = sorted([*(paper["id"] for paper in PAPERS), "nothing", "bad"])
CREATE = {"openai": "POST /batches", "anthropic": "POST /messages/batches"}


@pytest.mark.parametrize("kind", MODELS)
def test_a_job_in_batches_gives_the_records_of_calls_at_half_the_price(
    kind: str, server: ModelServer, provider: BatchProvider, home: Path
) -> None:
    done = run(server, "--price", "10,100", provider=kind)
    assert (done.exit_code, done.stdout) == (3, "")  # one record cannot be read
    assert ids() == [*(paper["id"] for paper in PAPERS), "nothing"]
    assert [failure["id"] for failure in failures()] == ["bad"]
    for record in read_extractions("job"):
        same = extract(record.title, record.abstract, id=record.id)
        assert (record.claims, record.hardware, record.system) == (same.claims, same.hardware, same.system)
        made = record.provenance
        assert (made.labeller, made.model, made.prompt) == ("llm", MODELS[kind], "label@1")
        # 100 tokens in, 10 out
        calls, cost = (0, 0.0) if record.id == "nothing" else (1, 0.001 if record.id in BATCHED else 0.002)
        assert (made.calls, made.cached) == (calls, False)
        assert made.cost_usd == pytest.approx(cost)
    assert provider.calls.count(CREATE[kind]) == 1
    assert job()["spent_usd"] == pytest.approx(0.002 + 7 * 0.001)
    assert job()["finished"] is not None
    for file in home.rglob("*"):
        assert file.is_dir() or KEY.encode() not in file.read_bytes(), file
    assert not list(Path("job", "batch").glob("requests*"))
    before = len(provider.calls)
    again = extractor("run", "papers.jsonl", "-o", "again", *asked(server, kind))
    assert (again.exit_code, len(provider.calls)) == (3, before)  # all in the cache
    assert "cached 8" in " ".join(again.stderr.split())


def test_each_state_is_told_once(server: ModelServer, provider: BatchProvider) -> None:
    provider.life = ["validating", "validating", "in_progress", "in_progress", "finalizing", "completed"]
    told = [line for line in run(server).stderr.splitlines() if line.startswith("batch 1 of 1: ")]
    states = ["sent, 7 requests, batch_1", "validating, 0", "in progress, 0", "finalizing, 0", "completed, 7"]
    assert [line.removeprefix("batch 1 of 1: ").split(" of ")[0] for line in told] == states


def test_ids_with_odd_characters_have_custom_ids_that_every_provider_takes(
    server: ModelServer, provider: BatchProvider
) -> None:
    odd = ["http://x/?a=b#c", "é 漢\u202e", "x" * 300, "a\tb", "'; --"]
    write([{**paper, "id": name} for paper, name in zip(PAPERS, ["first", *odd], strict=False)])
    assert run(server).exit_code == 0
    assert sorted(ids()) == sorted(["first", *odd])
    [batch] = provider.batches.values()
    names = [line["custom_id"] for line in batch.lines]
    assert len(set(names)) == len(odd)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in names)


def small(monkeypatch: pytest.MonkeyPatch, requests: int) -> None:
    """Let the providers take only so many requests in a batch."""
    for service in (OpenAIBatches, AnthropicBatches):
        monkeypatch.setattr(service, "room", Room(requests, 1_000_000))


class KilledError(BaseException):
    """Stands for kill -9 between two steps."""


def killing(monkeypatch: pytest.MonkeyPatch, at: int, before: bool) -> None:
    """Let the process end at the given writing of the state, before or after it."""
    save, count = Store.save, 0

    def dying(self: Store, plan: Plan) -> None:
        nonlocal count
        count += 1
        if count == at and before:
            raise KilledError
        save(self, plan)
        if count == at:
            raise KilledError

    monkeypatch.setattr(Store, "save", dying)


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
    provider.after["POST /batches"] = [hangs]
    command = [sys.executable, "-m", "extractor.cli", "run", "papers.jsonl", "-o", "job", "--batch", *asked(server)]
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": root}, stderr=subprocess.PIPE)
    while not provider.batches:
        assert process.poll() is None
        time.sleep(0.02)
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
@pytest.mark.parametrize(
    ("life", "cause"),
    [
        (["in_progress", "expired"], "the batch expired before it was answered"),
        (["in_progress", "completed"], "the batch"),
    ],
    ids=["expired", "errors"],
)
def test_what_a_batch_leaves_is_a_failure_or_asked_online(
    life: list[str], cause: str, kind: str, server: ModelServer, provider: BatchProvider
) -> None:
    left = {paper["title"]: None if life[1] == "expired" else 500 for paper in PAPERS[3:6]}
    provider.life = life
    provider.answer = lambda document: left.get(document.title, {})
    done = run(server, provider=kind)
    assert done.exit_code == 3
    assert accounted_for() == ALL
    gone = {failure["id"]: failure for failure in failures() if failure["id"] != "bad"}
    assert sorted(gone) == sorted(paper["id"] for paper in PAPERS[3:6])
    for failure in gone.values():
        assert failure["cause"].startswith(cause)
        assert "overloaded" in failure["cause"] or life[1] == "expired"
        assert "--retry-online" in failure["fix"]
    spent = job()["spent_usd"]
    rest = extractor("batch", "collect", "job", "--retry-online")
    assert rest.exit_code == 3
    assert [failure["id"] for failure in failures()] == ["bad"]
    assert ids() == [*(paper["id"] for paper in PAPERS), "nothing"]
    assert job()["spent_usd"] == spent  # no price is known
    assert len(provider.batches) == 1


def test_a_refused_batch_says_why_and_the_same_command_sends_it_anew(server: ModelServer, provider: BatchProvider) -> None:
    provider.life = ["validating", "failed"]
    provider.errors = [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached.", "line": None}]
    done = run(server)
    assert (done.exit_code, accounted_for()) == (3, ALL)
    assert failures()[0]["cause"] == "the provider refused the batch: Enqueued token limit reached"
    provider.life = ["in_progress", "completed"]
    assert run(server).exit_code == 3
    assert (len(provider.batches), [failure["id"] for failure in failures()]) == (2, ["bad"])


def wrong(document: Document) -> dict[str, Any] | str:
    """A name that is not in the text for one document, no labels at all for another."""
    if document.title == PAPERS[4]["title"]:
        return "I would rather not."
    if document.title == PAPERS[3]["title"]:
        return RIGHT[document.title] | {"system": "HAL 9000"}
    return {}


def test_a_wrong_answer_is_kept_with_rejections_and_no_answer_is_a_failure(
    server: ModelServer, provider: BatchProvider
) -> None:
    provider.answer = wrong
    assert run(server, "--price", "10,100").exit_code == 3
    records = {record.id: record for record in read_extractions("job")}
    kept = records[PAPERS[3]["id"]]
    assert [(rejection.field, rejection.value) for rejection in kept.rejected] == [("system", "HAL 9000")]
    assert kept.claims == extract(kept.title, kept.abstract).claims
    [failure] = [failure for failure in failures() if failure["id"] == PAPERS[4]["id"]]
    assert failure["cause"] == "the reply of openai/m did not fit the schema and could not be told so in 1 attempt"
    assert job()["spent_usd"] == pytest.approx(0.002 + 7 * 0.001)  # the failed one was billed
    before = len(provider.calls)
    assert run(server, output="other").exit_code == 3  # the cache holds no answer that nobody was told is wrong
    asked_again = sum(len(batch.lines) for batch in provider.batches.values()) - 7
    assert provider.calls.count("POST /chat/completions") + asked_again == 1 + 2
    assert len(provider.calls) > before


def test_a_wrong_answer_is_told_back_online(server: ModelServer, provider: BatchProvider) -> None:
    provider.answer = wrong
    done = run(server, "--price", "10,100", "--retry-online")
    assert done.exit_code == 3
    assert [failure["id"] for failure in failures()] == ["bad"]
    told = [request for request in server.requests if "HAL 9000" in str(request.body)]
    assert len([request for request in told if request.path.endswith("/completions")]) == 1
    records = {record.id: record for record in read_extractions("job")}
    mended = records[PAPERS[3]["id"]]
    assert (mended.rejected, mended.provenance.calls, mended.provenance.attempts) == ((), 2, 2)
    assert mended.provenance.cost_usd == pytest.approx(0.001 + 0.002)
    assert job()["spent_usd"] == pytest.approx(0.002 + 7 * 0.001 + 2 * 0.002)


def test_results_in_any_order_twice_unknown_and_torn(server: ModelServer, provider: BatchProvider) -> None:
    def muddle(lines: list[bytes]) -> list[bytes]:
        stranger = json.dumps(json.loads(lines[0]) | {"custom_id": "nobody"}).encode() + b"\n"
        failed = [
            json.dumps({"custom_id": json.loads(line)["custom_id"], "error": {"code": "x"}}).encode() for line in lines[2:4]
        ]
        return [b"no JSON\n", failed[0] + b"\n", stranger, lines[2], *lines[::-1][:-1], b"\n", failed[1] + b"\n", lines[0][:40]]

    provider.order = muddle
    done = run(server)
    assert done.exit_code == 3
    assert "1 of no request of this job, 2 of requests answered before, 2 unreadable" in done.stderr
    assert "the results break off in the middle of a line" in done.stderr
    assert accounted_for() == ALL
    [failure] = [failure for failure in failures() if failure["id"] != "bad"]
    assert failure["cause"] == "the results of the batch hold no line for it"
    assert ids() == [*(paper["id"] for paper in PAPERS if paper["id"] != failure["id"]), "nothing"]


@pytest.mark.parametrize("kind", MODELS)
def test_a_download_that_breaks_off_is_repeated(kind: str, server: ModelServer, provider: BatchProvider) -> None:
    route = {"openai": "GET /files/*/content", "anthropic": "GET /messages/batches/*/results"}[kind]
    provider.instead[route] = [breaks_off, fails(503)]
    done = run(server, provider=kind)
    assert (done.exit_code, accounted_for()) == (3, ALL), done.output
    assert len(failures()) == 1


@pytest.mark.parametrize(
    ("room", "sizes"),
    [(Room(3, 1_000_000), [3, 3, 1]), (Room(1_000, 30_000), [2, 2, 2, 1])],
    ids=["requests", "bytes"],
)
def test_a_job_is_split_by_the_providers_limits(
    room: Room, sizes: list[int], server: ModelServer, provider: BatchProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OpenAIBatches, "room", room)
    assert run(server).exit_code == 3
    assert [len(batch.lines) for batch in provider.batches.values()] == sizes
    assert all(len(content) <= room.bytes for name, content in provider.files.values() if name.startswith("extractor"))
    assert [batch.metadata["extractor_batch"] for batch in provider.batches.values()] == [str(n + 1) for n in range(len(sizes))]
    assert ids() == [*(paper["id"] for paper in PAPERS), "nothing"]


def test_the_same_question_is_put_once(server: ModelServer, provider: BatchProvider) -> None:
    write([PAPERS[0], PAPERS[1], PAPERS[1] | {"id": "twin"}, PAPERS[2]])
    assert run(server, "--price", "10,100", "--no-cache").exit_code == 0
    [batch] = provider.batches.values()
    assert len(batch.lines) == 2
    twin = {record.id: record for record in read_extractions("job")}["twin"]
    assert (twin.provenance.cached, twin.provenance.calls, twin.provenance.cost_usd) == (True, 0, 0.0)
    assert job()["spent_usd"] == pytest.approx(0.002 + 2 * 0.001)


def test_a_cap_is_kept_before_anything_is_sent_and_a_higher_one_goes_on(
    server: ModelServer, provider: BatchProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch, 4)
    # A request may cost half of the $0.4096 of the longest answer.
    priced = ("--price", "0,100")
    done = run(server, *priced, "--max-cost", "0.5")
    assert (done.exit_code, provider.batches, provider.files) == (3, {}, {})
    assert "$0.0010 of the $0.5 cap is spent or under way and batch 1 may cost $0.8192" in done.stderr
    done = run(server, *priced, "--max-cost", "1")
    assert (done.exit_code, [len(batch.lines) for batch in provider.batches.values()]) == (3, [4])
    assert run(server, *priced, "--max-cost", "2").exit_code == 3
    assert [len(batch.lines) for batch in provider.batches.values()] == [4, 3]
    assert accounted_for() == ALL
    assert job()["spent_usd"] == pytest.approx(0.001 + 7 * 0.0005)


def test_a_dry_run_tells_the_price_of_batches_and_sends_nothing(server: ModelServer, provider: BatchProvider) -> None:
    usual, half = (
        float(
            extractor("run", "papers.jsonl", *asked(server), "--dry-run", "--price", "100,100", *more)
            .stdout.splitlines()[-1]
            .split()[5]
        )
        for more in ([], ["--batch"])
    )
    assert half == pytest.approx(usual / 2, abs=1e-4)
    assert (provider.calls, Path("claims").exists()) == ([], False)


@pytest.mark.parametrize("kind", MODELS)
def test_a_wrong_key_is_one_line_in_every_step(kind: str, server: ModelServer, provider: BatchProvider) -> None:
    denied = fails(401, f"Incorrect API key provided: {KEY}")
    online, looked = {
        "openai": ("POST /chat/completions", "GET /batches/*"),
        "anthropic": ("POST /messages", "GET /messages/batches/*"),
    }[kind]
    provider.instead[online] = [denied]
    done = run(server, provider=kind)
    assert (done.exit_code, provider.batches, done.stderr.count("\n")) == (1, {}, 1), done.stderr
    provider.instead[CREATE[kind]] = [denied]
    done = submit(server, provider=kind)
    assert (done.exit_code, provider.batches) == (3, {})  # the first was answered
    assert done.stderr.splitlines()[-1].startswith("extractor: cannot create batch 1: ")
    assert submit(server, provider=kind).exit_code == 0
    for step in ("status", "collect"):
        provider.instead[looked] = [denied]
        done = extractor("batch", step, "job")
        [line] = done.stderr.splitlines()
        assert (done.exit_code, line.startswith("extractor: cannot look at batch batch_1: ")) == (1, True)
        assert "_API_KEY to a valid key" in line
        assert KEY not in done.output
    assert run(server, provider=kind).exit_code == 3
    assert accounted_for() == ALL


def test_a_server_without_batches_is_one_line_with_the_fix(server: ModelServer, provider: BatchProvider) -> None:
    provider.instead = {route: [fails(404, "Not Found")] for route in ("GET /files", "POST /files")}
    done = run(server)
    assert done.exit_code == 3
    assert f"cannot upload batch 1: {server.url} answered 404: Not Found. Check that {server.url} has batches" in done.stderr


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


def test_collecting_takes_what_is_there_and_leaves_the_rest(
    server: ModelServer, provider: BatchProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch, 4)
    provider.answer = lambda document: 500 if document.title == PAPERS[1]["title"] else {}
    assert submit(server, "--price", "10,100").exit_code == 0
    assert "extractor batch collect job" in submit(server).stderr  # again: nothing is sent twice
    assert len(provider.batches) == 2
    provider.batches["batch_2"].looks = -3
    for _ in range(3):
        extractor("batch", "status", "job")
    done = extractor("batch", "collect", "job")
    assert (done.exit_code, "3 requests are not answered yet" in done.stderr) == (3, True)
    assert ids() == [PAPERS[0]["id"], "nothing", *(paper["id"] for paper in PAPERS[2:5])]
    assert job()["finished"] is None
    table = extractor("batch", "status", "job").stdout
    assert re.search(r"1  completed +4 +3 +1  batch_1, collected", table)
    assert "10 documents, 3 requests not collected yet" in table
    done = [extractor("batch", "collect", "job") for _ in range(4)][-1]
    assert (done.exit_code, accounted_for()) == (3, ALL)
    assert ids() == [*(paper["id"] for paper in PAPERS if paper is not PAPERS[1]), "nothing"]
    assert job()["spent_usd"] == pytest.approx(0.002 + 6 * 0.001)


def test_a_job_goes_on_elsewhere_with_its_folder_alone(
    server: ModelServer, provider: BatchProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = (Path(__file__).parents[2] / "prompts" / "label.md").read_text(encoding="utf-8")
    Path("mine.md").write_text(prompt.replace("name: label", "name: mine"), encoding="utf-8")
    assert submit(server, "--prompt", "mine.md").exit_code == 0
    shutil.move("job", "elsewhere")
    for gone in ("papers.jsonl", "mine.md", "cache.sqlite3"):
        Path(gone).unlink()
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    done = [extractor("batch", "collect", "elsewhere") for _ in range(3)][-1]
    assert (done.exit_code, accounted_for("elsewhere")) == (3, ALL), done.output
    assert {record.provenance.prompt for record in read_extractions("elsewhere")} == {"mine@1"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "papers.jsonl", "-o", "job"], "job has batches that are not collected. Run with --batch"),
        (["run", "papers.jsonl", "-o", "job", "--fresh"], "job has batches that are not collected"),
        (["run", "papers.jsonl", "-o", "job", "--batch", "--fresh"], "Run `extractor batch cancel job` first."),
        (["run", "papers.jsonl", "-o", "job", "--batch", "--narrow-schema", "never"], "narrow_schema was True, is now False"),
        (["run", "papers.jsonl", "-o", "-", "--batch"], "Name one with -o."),
        (["run", "papers.jsonl", "-o", "new", "--retry-online"], "Give it with --batch"),
        (["batch", "export", "job"], "has no request that is not sent yet"),
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["batch", "collect", "nothing"], "nothing holds no batches."),
        (["run", "papers.jsonl", "--batch"], "The built-in rules need no batches."),
        (["run", "papers.jsonl", "--batch", "-m", "gemini/g"], "extractor knows no batches of gemini."),
    ],
    ids=["no job", "rules", "no batches"],
)
def test_what_has_no_batches_is_told_so(arguments: list[str], message: str) -> None:
    done = extractor(*arguments)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.stderr
    assert message in done.stderr
    assert not Path("nothing").exists()


def test_a_second_process_is_kept_out(server: ModelServer) -> None:
    assert submit(server).exit_code == 0
    with Store(Path("job")).locked():
        done = extractor("batch", "collect", "job")
    assert (done.exit_code, "Another process is at work on the batches of job" in done.stderr) == (2, True)


def answered_elsewhere(provider: BatchProvider, kind: str, requests: Path) -> bytes:
    """What a provider makes of an exported file."""
    batch = Kept("batch_1", [json.loads(line) for line in requests.read_bytes().splitlines()])

    async def results() -> list[bytes]:
        if kind == "anthropic":
            return await provider._messages(batch)
        good, bad = await provider._results(batch)
        return [*bad, *good]

    return b"".join(asyncio.run(results()))


@pytest.mark.parametrize("kind", MODELS)
def test_requests_and_results_go_by_file_without_a_connection_or_a_key(
    kind: str, provider: BatchProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    small(monkeypatch, 5)
    model = {"openai": "openai/gpt-4o-mini", "anthropic": MODELS["anthropic"]}[kind]
    done = extractor("batch", "export", "job", "papers.jsonl", "-m", model, "-o", "ask.jsonl")
    assert (done.exit_code, done.stdout.split()) == (0, ["ask-1.jsonl", "ask-2.jsonl"]), done.output
    lines = [json.loads(line) for name in done.stdout.split() for line in Path(name).read_bytes().splitlines()]
    assert len(lines) == len(PAPERS)
    again = extractor("batch", "export", "job", "-o", "again.jsonl")
    assert Path(again.stdout.split()[0]).read_bytes() == Path("ask-1.jsonl").read_bytes()
    with monkeypatch.context() as key:
        key.setenv("OPENAI_API_KEY", KEY)
        key.setenv("ANTHROPIC_API_KEY", KEY)
        refused = extractor("run", "papers.jsonl", "-o", "job", "-m", model, "--batch")
    assert (refused.exit_code, "were exported and wait for their results" in refused.stderr) == (2, True)

    doomed = PAPERS[6]["title"]
    provider.answer = lambda document: 500 if document.title == doomed else {}
    results = [answered_elsewhere(provider, kind, Path(name)) for name in ("ask-1.jsonl", "ask-2.jsonl")]
    Path("one.jsonl").write_bytes(results[0][:-200])  # torn
    done = extractor("batch", "import", "job", "one.jsonl")
    assert (done.exit_code, "one.jsonl: 4 results" in done.stderr) == (3, True), done.output
    assert "3 requests are not answered yet" in done.stderr
    Path("both.jsonl").write_bytes(b"".join(results))
    done = extractor("batch", "import", "job", "both.jsonl")
    assert (done.exit_code, accounted_for()) == (3, ALL), done.output
    assert ids() == [*(paper["id"] for paper in PAPERS if paper["title"] != doomed), "nothing"]
    assert job()["finished"] is not None


def test_a_foreign_file_changes_nothing(server: ModelServer, provider: BatchProvider) -> None:
    extractor("batch", "export", "job", "papers.jsonl", "-m", "openai/gpt-4o-mini")
    before = Store(Path("job")).need()
    foreign = [
        b"",
        b"no results\n",
        b'{"custom_id": "a", "response": {"status_code": 200, "body": {}}}\n',
        Path("papers.jsonl").read_bytes(),
    ]
    for content in foreign:
        Path("theirs.jsonl").write_bytes(content)
        done = extractor("batch", "import", "job", "theirs.jsonl")
        assert (done.exit_code, done.stderr.count("\n")) == (1, 1), done.stderr
        assert "lines answers a request of job. Import the file that the provider gave" in done.stderr
    assert Store(Path("job")).need() == before
    assert list(Store(Path("job")).results.iterdir()) == []


def test_what_was_counted_is_not_counted_again(
    server: ModelServer, provider: BatchProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch, 4)
    write([*PAPERS[:5], PAPERS[5], PAPERS[1] | {"id": "twin"}])
    provider.life = ["in_progress", "completed"]
    provider.answer = lambda document: "I would rather not." if document.title == PAPERS[2]["title"] else {}
    assert submit(server, "--price", "10,100", "--no-cache").exit_code == 0
    provider.batches["batch_2"].looks = -2
    spent = []
    for _ in range(4):  # the second batch ends with the third look
        assert extractor("batch", "collect", "job").exit_code == 3
        spent.append(job()["spent_usd"])
    first, whole = 0.002 + 4 * 0.001, 0.002 + 5 * 0.001
    assert spent == [pytest.approx(cost) for cost in (first, first, whole, whole)]
    records = Path("job", "extractions.jsonl")
    records.write_bytes(records.read_bytes()[:-20])  # the last one, the twin's, is torn
    assert extractor("batch", "collect", "job").exit_code == 3
    assert (ids()[-1], job()["spent_usd"]) == ("twin", pytest.approx(whole))


def test_a_cap_holds_also_for_what_is_asked_again_online(server: ModelServer, provider: BatchProvider) -> None:
    provider.answer = lambda document: 500 if document.title in {paper["title"] for paper in PAPERS[1:7]} else {}
    priced = ("--price", "0,100")  # a call may cost $0.4096, and costs $0.001
    assert run(server, *priced, "--max-cost", "3").exit_code == 3
    assert job()["spent_usd"] == pytest.approx(0.001 + 0.0005)
    store = Store(Path("job"))
    plan = store.need()
    plan.model["max_cost"] = 0.4
    store.save(plan)
    calls = len(provider.calls)
    done = extractor("batch", "collect", "job", "--retry-online")
    assert (done.exit_code, len(provider.calls)) == (3, calls)
    assert "$0.0015 of the $0.4 cap is spent and the next call may cost $0.4096" in done.stderr
    plan.model["max_cost"] = 3
    store.save(plan)
    assert extractor("batch", "collect", "job", "--retry-online").exit_code == 3
    assert ([failure["id"] for failure in failures()], job()["spent_usd"]) == (["bad"], pytest.approx(7 * 0.001 + 0.0005))


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


def test_what_failed_is_sent_again_by_retry(server: ModelServer, provider: BatchProvider) -> None:
    provider.answer = lambda document: 500 if document.title in {PAPERS[1]["title"], PAPERS[2]["title"]} else {}
    assert run(server).exit_code == 3
    provider.answer = None
    done = extractor("retry", "job")
    assert (done.exit_code, [failure["id"] for failure in failures()]) == (3, ["bad"]), done.output
    assert [len(batch.lines) for batch in provider.batches.values()] == [7, 1]  # one is asked online first


def test_a_fallback_stands_in_for_what_a_batch_leaves(server: ModelServer, provider: BatchProvider) -> None:
    provider.answer = lambda document: 500 if document.title == PAPERS[1]["title"] else {}
    assert run(server, "--fallback", "rules").exit_code == 3
    assert [failure["id"] for failure in failures()] == ["bad"]
    made = {record.id: record.provenance.labeller for record in read_extractions("job")}
    assert (made.pop(PAPERS[1]["id"]), set(made.values())) == ("rules", {"llm"})
    assert run(server, "--votes", "3", output="votes").exit_code == 2


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
