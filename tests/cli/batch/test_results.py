"""What the results of batches become: records, failures, and questions that are put again."""

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from extractor import extract, read_extractions
from extractor.documents import Document
from extractor.jobs.batch.store import Store
from tests.cli.batch.steps import ALL, MODELS, accounted_for, extractor, run, small, submit
from tests.cli.jobs import PAPERS, failures, ids, job, write
from tests.labelling.model_server import ModelServer, right_labels, unsure
from tests.llm.batch_server import BatchProvider
from tests.llm.server import Request, breaks_off, completion, fails

RIGHT = {
    paper["title"]: asyncio.run(right_labels(Document("", paper["title"], paper["abstract"]))).model_dump(mode="json")
    for paper in PAPERS
}


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize(
    ("life", "cause"),
    [(["in_progress", "expired"], "the batch expired before it was answered"), (["in_progress", "completed"], "the batch")],
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
    provider.errors = [{"code": "billing_hard_limit_reached", "message": "Billing hard limit has been reached.", "line": None}]
    done = run(server)
    assert (done.exit_code, accounted_for()) == (3, ALL)
    assert failures()[0]["cause"] == "the provider refused the batch: Billing hard limit has been reached"
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
    assert kept.claims == unsure(extract(kept.title, kept.abstract).claims)
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
    assert (made.pop(PAPERS[1]["id"]), made.pop("nothing"), set(made.values())) == ("rules", "rules", {"llm"})
    assert run(server, "--votes", "3", output="votes").exit_code == 2


def test_what_the_cap_stops_in_the_middle_of_a_document_is_counted(server: ModelServer, provider: BatchProvider) -> None:
    """A call for a document that got no record is paid for, and is not forgotten when its other answers are written."""
    none, wrong = PAPERS[4]["title"], PAPERS[5]["title"]
    provider.answer = lambda document: 500 if document.title == none else "I would not." if document.title == wrong else {}
    assert submit(server, "--price", "0,100", "--max-cost", "3", "--max-output-tokens", "4096").exit_code == 0
    provider.life = ["completed"]
    paid = job()["spent_usd"] + 0.0005 * (len(PAPERS) - 3)  # one was asked online, two get no answer that is of use
    store = Store(Path("job"))

    async def at_length(request: Request) -> web.StreamResponse:
        usage = {"prompt_tokens": 100, "completion_tokens": 1_000, "total_tokens": 1_100}
        return web.json_response(completion("I would rather not.") | {"usage": usage})

    provider.online = at_length
    for cap in (paid + 0.45, paid + 0.55, paid + 0.65):  # a call may cost $0.4096, and costs $0.1
        plan = store.need()
        plan.model["max_cost"] = cap
        store.save(plan)
        calls = provider.calls.count("POST /chat/completions")
        done = extractor("batch", "collect", "job", "--retry-online")
        assert done.exit_code == 3
        assert "cap is spent and the next call may cost $0.4096" in done.stderr
        made = provider.calls.count("POST /chat/completions") - calls
        assert made > 0
        paid += 0.1 * made
        assert job()["spent_usd"] == pytest.approx(paid)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batches", 5),
        ("batches", [5]),
        ("model", []),
        ("model", {"model": 5}),
        ("options", "x"),
        ("options", []),
        ("options", {"model": {"votes": "x"}}),
        ("inputs", 5),
        ("inputs", [5]),
        ("directory", 5),
        ("key", None),
        ("closed", "no"),
    ],
)
def test_a_state_of_wrong_types_is_told_in_one_line(server: ModelServer, name: str, value: Any) -> None:
    assert submit(server).exit_code == 0
    file = Path("job", "batch", "batches.json")
    file.write_text(json.dumps(json.loads(file.read_bytes()) | {name: value}))
    for command in (["batch", "status", "job"], ["batch", "collect", "job"], ["status", "job"], ["batch", "cancel", "job"]):
        done = extractor(*command)
        assert (done.exit_code, done.stdout) == (2, "")
        assert "batches.json does not tell a job's batches." in done.stderr


def test_batch_status_obeys_nothing_that_its_state_holds(server: ModelServer) -> None:
    assert submit(server).exit_code == 0
    file = Path("job", "batch", "batches.json")
    plan = json.loads(file.read_bytes())
    plan["batches"][0] |= {"id": None, "state": "planned", "cause": "a \x1b[2J cause \x9b1m"}
    file.write_text(json.dumps(plan))
    done = extractor("batch", "status", "job")
    assert "cause" in done.stdout
    assert all(line.isprintable() for line in done.stdout.splitlines())


@pytest.mark.parametrize("name", ["batches.json", "documents.jsonl", "lock"])
def test_a_pipe_in_the_place_of_a_batch_s_file_is_refused(server: ModelServer, name: str) -> None:
    assert submit(server).exit_code == 0
    Path("job", "batch", name).unlink()
    os.mkfifo(Path("job", "batch", name))
    done = extractor("batch", "collect", "job")
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"{name} is a pipe or a device, not a file of a job." in done.stderr


def test_a_state_that_was_left_half_written_is_replaced_and_no_link_is_followed(server: ModelServer) -> None:
    assert submit(server).exit_code == 0
    Path("elsewhere").write_bytes(b"mine")
    Path("job", "batch", "batches.json.new").symlink_to(Path("elsewhere").absolute())
    assert extractor("batch", "collect", "job").exit_code == 3
    assert Path("elsewhere").read_bytes() == b"mine"
