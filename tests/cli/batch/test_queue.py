"""A job that is larger than its provider's queue is sent bit by bit, and each of its requests is answered once."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import Result

from extractor.jobs.batch.plan import Plan
from extractor.jobs.batch.store import Store
from tests.cli.batch.steps import ALL, KilledError, accounted_for, answered_elsewhere, extractor, killing, run, small, submit
from tests.cli.jobs import PAPERS, failures, ids, job, write
from tests.labelling.model_server import ModelServer
from tests.llm.batch_server import BatchProvider
from tests.llm.server import fails

WAITING = "requests wait for room at the provider; `extractor batch collect job` sends what has room then."
REFUSALS = {
    "openai": ("openai", None, "Enqueued token limit reached for m in organization org-A. Limit: {limit:,} enqueued tokens."),
    "azure": ("openai", None, "The number of enqueued tokens has surpassed the configured limit of 10K for the deployment."),
    "no figure": ("openai", None, "Enqueued token limit reached."),
    "when it is created": ("openai", 429, "Enqueued token limit reached. Limit: {limit:,} enqueued tokens."),
    "as a bad request": ("openai", 400, "Enqueued token limit reached. Limit: {limit:,} enqueued tokens."),
    "anthropic": ("anthropic", 429, "Too many batch requests in the processing queue (limit: {limit})."),
}


def plan(folder: str = "job") -> Plan:
    return Store(Path(folder)).need()


def answered_once(provider: BatchProvider, requests: int = 7) -> bool:
    """Whether so many requests were answered, each once. One of the eight papers is asked online."""
    return list(provider.answered.values()) == [1] * requests


def sizes(provider: BatchProvider, refused: bool = False) -> list[int]:
    """How many requests the batches hold that were accepted, or refused."""
    return [len(batch.lines) for batch in provider.batches.values() if batch.refused is refused]


@pytest.mark.parametrize(("kind", "status", "message"), REFUSALS.values(), ids=REFUSALS)
def test_a_job_larger_than_the_queue_is_wholly_answered(
    kind: str, status: int | None, message: str, server: ModelServer, provider: BatchProvider
) -> None:
    provider.queue, provider.by_requests = (3, True) if kind == "anthropic" else (10_000, False)
    provider.full, provider.at_once = message, status
    done = run(server, "--price", "10,100", provider=kind)
    assert (done.exit_code, accounted_for()) == (3, ALL), done.output
    assert ids() == [*(paper["id"] for paper in PAPERS), "nothing"]
    assert [failure["id"] for failure in failures()] == ["bad"]
    assert answered_once(provider)
    assert job()["spent_usd"] == pytest.approx(0.002 + 7 * 0.001)
    assert not list(Path("job", "batch").glob("requests*"))
    assert [part.number for part in plan().batches] == list(range(1, len(plan().batches) + 1))
    table = extractor("batch", "status", "job").stdout
    assert [int(row.split()[3]) for row in table.splitlines()[1:-1]] == sizes(provider)
    assert "10 documents, 0 requests not collected yet" in table


def test_a_figure_leads_to_batches_that_fit_at_once(server: ModelServer, provider: BatchProvider) -> None:
    provider.queue = 12_000
    assert run(server).exit_code == 3
    assert (sizes(provider, refused=True), sizes(provider)) == ([7], [2, 2, 3])


@pytest.mark.parametrize(("at_once", "before"), [(None, False), (429, True)], ids=["when validated", "when created"])
def test_killed_at_any_writing_of_the_state_nothing_is_paid_twice(
    at_once: int | None, before: bool, server: ModelServer, provider: BatchProvider
) -> None:
    papers = PAPERS[:3]
    write([*papers, {"id": "bad"}])
    provider.life = ["in_progress", "completed"]
    provider.queue, provider.at_once = 3_500, at_once  # one request at a time
    kills, done = 0, None
    while done is None:
        kills += 1
        for kept in (provider.batches, provider.files, provider.calls):
            kept.clear()
        with pytest.MonkeyPatch.context() as death:
            killing(death, kills, before)
            try:
                done = run(server, "--no-cache", output=f"job{kills}")
            except KilledError:
                shutil.copytree(f"job{kills}", f"copy{kills}")
        folder = f"job{kills}" if done else f"copy{kills}"
        again: Result = done or run(server, "--no-cache", output=folder)
        assert again.exit_code == 3, again.output
        assert accounted_for(folder) == sorted(["bad", *(paper["id"] for paper in papers)])
        assert [failure["id"] for failure in failures(folder)] == ["bad"]
        assert answered_once(provider, len(papers) - provider.calls.count("POST /chat/completions"))
    assert kills > 12  # in every state of the refused batch and of its two pieces


def test_batches_that_end_before_they_are_looked_at_are_fetched(server: ModelServer, provider: BatchProvider) -> None:
    provider.queue = 12_000
    provider.life = ["completed"]
    assert run(server).exit_code == 3
    assert (sizes(provider), answered_once(provider), accounted_for()) == ([2, 2, 3], True, ALL)


def test_step_by_step_each_step_sends_what_has_room(server: ModelServer, provider: BatchProvider) -> None:
    provider.queue = 12_000
    provider.life = ["in_progress", "completed"]
    assert submit(server).exit_code == 0  # the provider has not looked at it
    shown = extractor("batch", "status", "job").stdout
    assert "planned" in shown
    assert f"7 {WAITING}" in shown
    again = submit(server)
    assert (again.exit_code, again.stderr.splitlines()[-2]) == (3, f"5 {WAITING}")
    facts = json.loads(extractor("batch", "status", "job", "--json").stdout)["batches"]
    assert [(row["state"], row["requests"]) for row in facts] == [("completed", 2), ("planned", 2), ("planned", 3)]
    done = extractor("batch", "collect", "job")
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (3, f"3 {WAITING}")
    assert "4 documents are written; 5 requests are not answered yet. Collect later." in done.stderr
    for _ in range(5):  # the provider is looked at twice for each batch
        done = extractor("batch", "collect", "job")
    assert (done.exit_code, accounted_for()) == (3, ALL), done.output
    assert answered_once(provider)
    assert ids() == [*(paper["id"] for paper in PAPERS), "nothing"]


def test_a_batch_beside_others_of_the_job_waits_for_them_whole(
    server: ModelServer, provider: BatchProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch, 3)
    provider.queue = 20_000  # more than six requests have
    assert run(server).exit_code == 3
    assert (sizes(provider, refused=True), sizes(provider)) == ([1], [3, 3, 1])
    assert (answered_once(provider), accounted_for()) == (True, ALL)


def test_other_jobs_batches_leave_less_room(server: ModelServer, provider: BatchProvider) -> None:
    provider.queue, provider.others = 100_000, 92_000  # the job has 23,000
    assert run(server).exit_code == 3
    assert (answered_once(provider), accounted_for()) == (True, ALL)
    assert max(sizes(provider)) < 7


@pytest.mark.parametrize("at_once", [None, 429], ids=["when validated", "when created"])
def test_a_queue_that_stays_full_stops_the_job_and_a_later_command_goes_on(
    at_once: int | None, server: ModelServer, provider: BatchProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("extractor.jobs.batch.batches._PATIENCE", 2 * 3600.0)
    provider.queue = provider.others = 500_000
    provider.at_once = at_once
    done = run(server)
    assert (done.exit_code, provider.answered) == (3, {})  # one was asked online
    [line] = [line for line in done.stderr.splitlines() if line.startswith("extractor: ")]
    assert line.startswith("extractor: the provider's queue has had no room for batch 1 for 2 hours: ")
    assert "Enqueued token limit reached" in line
    assert "Run the same command again when other batches of the organisation have ended, or without --batch." in line
    creations = provider.calls.count("POST /batches")
    assert creations < 2 * 6 + 8
    extractor("batch", "collect", "job")
    assert provider.calls.count("POST /batches") == creations + 1  # a step tries once
    assert f"7 {WAITING}" in extractor("batch", "status", "job").stdout
    provider.others = 0
    assert run(server).exit_code == 3
    assert (sizes(provider), answered_once(provider), accounted_for()) == ([7], True, ALL)


def test_a_request_that_is_larger_than_the_queue_is_a_failure_with_its_fix(
    server: ModelServer, provider: BatchProvider
) -> None:
    long = PAPERS[3] | {"abstract": PAPERS[3]["abstract"] + " It is described in the paper." * 800}
    write([*PAPERS[:3], long, *PAPERS[4:]])
    provider.queue = 6_000
    done = run(server)
    [failure] = failures()
    assert (done.exit_code, failure["id"]) == (3, long["id"])
    assert failure["cause"].startswith("the provider refused the batch: Enqueued token limit reached for m")
    assert "have the quota raised" in failure["fix"]
    assert answered_once(provider, 6)
    assert run(server, "--retry-online", "--no-cache").exit_code == 0
    assert ids() == [paper["id"] for paper in PAPERS]


def test_a_cap_is_kept_bit_by_bit(server: ModelServer, provider: BatchProvider) -> None:
    provider.queue = 10_000
    # A request may cost half of the $0.4096 of the longest answer, and costs $0.0005.
    priced = ("--price", "0,100", "--prompt", "label@1")
    whole = run(server, *priced, "--max-cost", "1")
    assert (whole.exit_code, provider.batches) == (3, {})
    assert "batch 1 may cost $1.4336" in whole.stderr
    assert submit(server, *priced, "--max-cost", "1.5").exit_code == 0
    extractor("batch", "status", "job")
    done = submit(server, *priced, "--max-cost", "0.3")
    assert (done.exit_code, sizes(provider)) == (3, [])
    assert "$0.0010 of the $0.3 cap is spent or under way and batch 1 may cost $0.41" in done.stderr
    again = extractor("batch", "collect", "job")  # the cap that was given last holds
    assert (again.exit_code, sizes(provider), "of the $0.3 cap" in again.stderr) == (3, [], True)
    stopped = run(server, *priced, "--max-cost", "0.65")
    assert (stopped.exit_code, sizes(provider)) == (3, [2])
    assert "batch 3 may cost $0.60" in stopped.stderr or "batch 2 may cost $0.41" in stopped.stderr
    assert job()["spent_usd"] == pytest.approx(0.001 + 2 * 0.0005)  # what was answered is written, so the rest is counted well
    assert run(server, *priced, "--max-cost", "0.65").exit_code == 3
    assert sizes(provider) == [2, 2]
    assert run(server, *priced, "--max-cost", "0.65").exit_code == 3
    assert (answered_once(provider), accounted_for()) == (True, ALL)
    assert job()["spent_usd"] == pytest.approx(0.001 + 7 * 0.0005)


def test_what_waits_can_be_cancelled(server: ModelServer, provider: BatchProvider) -> None:
    provider.queue = 12_000
    assert submit(server).exit_code == 0
    extractor("batch", "status", "job")
    assert submit(server).exit_code == 3
    assert extractor("batch", "cancel", "job").exit_code == 0
    provider.queue = 100_000
    assert extractor("batch", "collect", "job").exit_code == 3
    assert (len(failures()), accounted_for()) == (1 + 5, ALL)
    assert not list(Path("job", "batch").glob("requests*"))
    assert run(server).exit_code == 3
    assert ([failure["id"] for failure in failures()], accounted_for()) == (["bad"], ALL)


def test_what_waits_can_go_by_file(server: ModelServer, provider: BatchProvider) -> None:
    provider.queue = 12_000
    assert submit(server).exit_code == 0
    extractor("batch", "status", "job")
    assert submit(server).exit_code == 3
    done = extractor("batch", "export", "-o", "job", "--requests", "ask.jsonl")
    files = [Path(name) for name in done.stdout.split()]
    assert [len(file.read_bytes().splitlines()) for file in files] == [2, 3]
    sent = [line for batch in provider.batches.values() if batch.refused for line in batch.lines]
    assert [json.loads(line) for file in files for line in file.read_bytes().splitlines()] == sent[2:]
    Path("results.jsonl").write_bytes(answered_elsewhere(provider, "openai", files[1]))
    done = extractor("batch", "import", "job", "results.jsonl")
    assert (done.exit_code, len(ids())) == (3, 1 + 3 + 1), done.output
    assert "4 requests are not answered yet" in done.stderr
    Path("results.jsonl").write_bytes(answered_elsewhere(provider, "openai", files[0]))
    extractor("batch", "import", "job", "results.jsonl")
    for _ in range(3):
        extractor("batch", "collect", "job")
    assert (sizes(provider), accounted_for(), [failure["id"] for failure in failures()]) == ([2], ALL, ["bad"])


def test_a_piece_that_expires_leaves_its_own_documents_alone(server: ModelServer, provider: BatchProvider) -> None:
    provider.queue = 12_000
    gone = {PAPERS[3]["title"], PAPERS[4]["title"]}  # the second piece
    provider.answer = lambda document: None if document.title in gone else {}
    assert run(server, "--retry-online").exit_code == 3
    assert ([failure["id"] for failure in failures()], accounted_for()) == (["bad"], ALL)
    assert provider.calls.count("POST /chat/completions") == 1 + 2


def test_a_wrong_key_on_the_way_stops_with_what_is_answered_written(server: ModelServer, provider: BatchProvider) -> None:
    provider.queue = 12_000
    assert submit(server).exit_code == 0
    extractor("batch", "status", "job")
    assert submit(server).exit_code == 3
    provider.instead["POST /files"] = [fails(401)]
    assert run(server).exit_code == 3
    assert len(ids()) == 1 + 2 + 1
    assert run(server).exit_code == 3
    assert (answered_once(provider), accounted_for()) == (True, ALL)
