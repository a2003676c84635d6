"""`extractor run --model`: what a model's answers, faults and failures come to, with a server on loopback in its place."""

import asyncio
import json
import random
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from typer.testing import CliRunner, Result

from extractor import extract, read_extractions
from extractor.cli import app
from extractor.llm.endpoints import resolve
from extractor.llm.pricing import price_of
from tests.cli.jobs import KEY, NOTHING, PAPERS, failures, ids, job, real, write
from tests.labelling.model_server import ModelServer, is_reask, labels, once_two_are_asked, right_labels, shown, unsure
from tests.llm.server import Act, Request, completion, fails, hangs

if TYPE_CHECKING:
    from tests.cli.conftest import Program


@pytest.fixture(autouse=True)
def papers(home: Path) -> None:
    write(PAPERS)


def run(server: ModelServer, *options: str, output: str = "job", model: str = "openai/m") -> Result:
    arguments = ["run", "papers.jsonl", "-m", model, "--base-url", server.url, "-o", output, *options]
    return CliRunner().invoke(app, arguments)


def only_for(wanted: str, act: Act, otherwise: Act) -> Act:
    """One act for the document of that title, another for the rest."""

    async def chosen(request: Request) -> web.StreamResponse:
        return await (act if shown(request).title == wanted else otherwise)(request)

    return chosen


def test_right_labels_become_the_records_that_the_rules_would_give() -> None:
    write([*PAPERS, NOTHING])
    with ModelServer(once_two_are_asked(labels())) as server:
        done = run(server)
    assert (done.exit_code, done.stdout) == (0, "")
    records = list(read_extractions("job"))
    assert [record.id for record in records] == [*(paper["id"] for paper in PAPERS), "nothing"]
    for record in records:
        same = extract(record.title, record.abstract, id=record.id)
        assert (record.claims, record.hardware, record.system) == (unsure(same.claims), same.hardware, same.system)
        made = record.provenance
        by = ("rules", "rules", None) if record.id == "nothing" else ("llm", "openai/m", "label@2")
        assert (made.labeller, made.model, made.prompt) == by
    assert len(server.requests) == len(PAPERS)  # one for each abstract with a number, none for the one without
    assert server.server.most_at_once > 1
    talk = {" ".join(line.split()) for line in done.stderr.splitlines()}
    expected = {"calls 8", "re-asked 0", "no call 1", "cached 0", "tokens in 800", "tokens out 80", "cost unknown"}
    assert expected <= talk


def test_the_job_file_says_who_was_asked_what_and_holds_no_key(server: ModelServer, home: Path) -> None:
    assert run(server).exit_code == 0
    settings = job()["settings"]
    assert settings["base_url"] == server.url
    assert settings["prompt"] == "label@2"
    assert (len(settings["prompt_sha256"]), settings["narrow_schema"]) == (64, True)
    assert job()["counts"]["calls"] == len(PAPERS)
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    for file in home.rglob("*"):
        assert file.is_dir() or KEY.encode() not in file.read_bytes(), file


def test_a_wrong_phrase_is_told_back_and_mended() -> None:
    def invent(request: Request, right: dict[str, Any]) -> dict[str, Any]:
        return right if is_reask(request) else right | {"system": "HAL 9000"}

    with ModelServer(labels(invent)) as server:
        done = run(server)
    assert done.exit_code == 0
    assert len(server.requests) == 2 * len(PAPERS)
    told = next(str(request.body["messages"][-1]["content"]) for request in server.requests if is_reask(request))
    assert "system 'HAL 9000' is not in the abstract" in told
    assert "http" not in told
    assert job()["counts"]["rejected"] == 0
    assert job()["counts"]["reasks"] == len(PAPERS)


def test_what_is_never_mended_is_rejected_and_the_rest_kept() -> None:
    with ModelServer(labels(lambda _request, right: right | {"system": "HAL 9000"})) as server:
        done = run(server)
    assert done.exit_code == 0
    assert len(server.requests) == 2 * len(PAPERS)  # asked, and told once what was wrong: the same again is not told again
    for record in read_extractions("job"):
        assert record.claims == unsure(extract(record.title, record.abstract).claims)
        assert [(rejection.field, rejection.value) for rejection in record.rejected] == [("system", "HAL 9000")]
    assert job()["counts"]["rejected_by_reason"] == {"not found in the text": len(PAPERS)}
    assert f"not found in the text {len(PAPERS)}" in " ".join(done.stderr.split())


@pytest.mark.parametrize("output", ["job", "-"])
def test_a_wrong_key_stops_the_job_at_once_with_the_fix(output: str) -> None:
    write([NOTHING, *PAPERS])
    with ModelServer(fails(401, "Incorrect API key provided")) as server:
        done = run(server, "--concurrency", "2", output=output)
        assert len(server.requests) <= 2
    assert done.exit_code == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(
        f"extractor: {server.url} answered 401: Incorrect API key provided. Set OPENAI_API_KEY to a valid key"
    )
    if output == "job":
        assert (ids(), failures()) == (["nothing"], [])


@pytest.mark.parametrize(
    ("act", "message"),
    [
        pytest.param(fails(404, "no such model", code="model_not_found"), "has the model 'm'", id="unknown model"),
        pytest.param(fails(429, "quota", type="insufficient_quota"), "Add credit or raise the quota", id="no credit"),
    ],
)
def test_what_no_later_document_can_pass_stops_the_job(act: Act, message: str) -> None:
    with ModelServer(act) as server:
        done = run(server, "--concurrency", "1")
        assert len(server.requests) == 1
    assert done.exit_code == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_server_that_is_not_there_stops_the_job() -> None:
    with ModelServer() as gone:
        pass
    done = run(gone)
    assert done.exit_code == 1
    assert f"no connection to {gone.url}" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_job_that_is_stopped_on_the_way_keeps_what_is_done_and_goes_on_from_there() -> None:
    with ModelServer(*[labels()] * 3, fails(401)) as server:
        done = run(server, "--concurrency", "1")
        assert done.exit_code == 3
        assert "What is done is in job; the same command goes on from there." in done.stderr.splitlines()[-1]
        assert (ids(), failures(), job()["finished"]) == ([paper["id"] for paper in PAPERS[:3]], [], None)
        server.server.acts = [labels()]
        assert run(server, "--no-cache").exit_code == 0
        assert len(server.requests) == len(PAPERS) + 1
    assert ids() == [paper["id"] for paper in PAPERS]


def test_rate_limits_and_outages_are_waited_out() -> None:
    with ModelServer(fails(429, headers={"Retry-After": "0.01"}), fails(503), fails(429), labels()) as server:
        done = run(server, "--concurrency", "1")
    assert (done.exit_code, ids()) == (0, [paper["id"] for paper in PAPERS])
    assert len(server.requests) == 3 + len(PAPERS)
    assert job()["counts"]["calls"] == 3 + len(PAPERS)


def test_a_document_that_fails_for_good_is_a_failure_with_cause_and_fix_and_its_cost() -> None:
    doomed = PAPERS[2]

    def babble(request: Request, right: dict[str, Any]) -> dict[str, Any] | str:
        return "I would rather not." if shown(request).title == doomed["title"] else right

    with ModelServer(labels(babble)) as server:
        done = run(server, "--price", "1,1")
    assert done.exit_code == 3
    [failure] = failures()
    assert (failure["id"], failure["line"]) == (doomed["id"], 3)
    assert failure["cause"] == "the reply of openai/m did not fit the schema in 3 attempts"
    assert failure["fix"].startswith("Use a stronger model")
    assert "rather not" not in Path("job", "failures.jsonl").read_text()
    assert ids() == [paper["id"] for paper in PAPERS if paper is not doomed]
    counts = job()["counts"]
    assert (counts["calls"], counts["input_tokens"]) == (2 + len(PAPERS), 100 * (2 + len(PAPERS)))
    assert counts["cost_usd"] == pytest.approx(110e-6 * counts["calls"])
    assert job()["spent_usd"] == pytest.approx(counts["cost_usd"])


def test_the_second_run_asks_only_for_what_failed() -> None:
    doomed = PAPERS[2]["title"]
    with ModelServer(only_for(doomed, fails(400, "too long"), labels())) as server:
        assert run(server, "--no-cache").exit_code == 3
        server.server.acts = [labels()]
        before = len(server.requests)
        done = run(server, "--no-cache")
        assert [shown(request).title for request in server.requests[before:]] == [doomed]
    assert (done.exit_code, ids(), failures()) == (0, [paper["id"] for paper in PAPERS], [])


def test_the_cache_answers_in_another_folder_and_no_cache_asks_anew(server: ModelServer) -> None:
    assert run(server).exit_code == 0
    done = run(server, output="again")
    assert (done.exit_code, len(server.requests)) == (0, len(PAPERS))
    assert f"cached {len(PAPERS)}" in " ".join(done.stderr.split())
    assert [record.claims for record in read_extractions("again")] == [record.claims for record in read_extractions("job")]
    assert run(server, "--no-cache", output="anew").exit_code == 0
    assert len(server.requests) == 2 * len(PAPERS)


def test_a_dry_run_sends_and_writes_nothing(server: ModelServer, home: Path) -> None:
    write([*PAPERS, NOTHING])
    before = sorted(home.rglob("*"))
    done = run(server, "--dry-run", "--price", "0.5,2", "--max-cost", "0.001")
    assert (done.exit_code, done.stderr, server.requests) == (0, "", [])
    assert sorted(home.rglob("*")) == before
    figures = dict(line.rsplit(maxsplit=1) for line in done.stdout.splitlines()[:-1])
    assert (figures["documents"], figures["need a call"], figures["without a number or hardware"]) == ("9", "8", "1")
    tokens = [int(figures[f"{way} tokens, about"].replace(",", "")) for way in ("input", "output")]
    assert float(figures["cost in US dollars, about"]) == pytest.approx((tokens[0] * 0.5 + tokens[1] * 2) / 1e6, abs=1e-4)
    assert done.stdout.splitlines()[-1] == "The job would stop at its cap of $0.001."


def test_a_dry_run_tells_what_the_providers_cache_saves(home: Path) -> None:
    """All calls begin with the same instructions and examples: the first pays for them in full."""
    write(PAPERS)
    done = CliRunner().invoke(app, ["run", "papers.jsonl", "-m", "openai/gpt-4o-mini", "--dry-run"])
    rows = (line.rsplit(maxsplit=1) for line in done.stdout.splitlines())
    figures = {name.strip(): float(value.replace(",", "")) for name, value in rows}
    price = price_of(resolve("openai/gpt-4o-mini"))
    assert price is not None
    assert price.cached_input is not None
    kept = figures["the same in each call"] * (1 - 1 / len(PAPERS))
    assert 0 < kept < figures["input tokens, about"]
    saved = kept * (price.input - price.cached_input)
    assert figures["cost in US dollars, about"] - figures["with that part cached"] == pytest.approx(saved, abs=2e-4)


@pytest.mark.parametrize(
    ("cap", "spent", "said"),
    [(0.0, 0.0, None), (0.5, 0.5, None), (0.5, 0.75, "The job would stop at its cap of $0.5, $0.7500 of it spent.")],
    ids=["costs nothing", "spent to the cent", "spent more"],
)
def test_a_dry_run_counts_what_was_spent_before(server: ModelServer, cap: float, spent: float, said: str | None) -> None:
    """Everything is done, so that what is left costs nothing."""
    write(PAPERS[:1])
    assert run(server, "--price", "0,0").exit_code == 0
    Path("job", "job.json").write_text(json.dumps(job() | {"spent_usd": spent}))
    last = run(server, "--dry-run", "--price", "0,0", "--max-cost", str(cap)).stdout.splitlines()[-1]
    assert (last if "stop" in last else None) == said


def test_a_dry_run_knows_what_is_done_and_what_is_cached(server: ModelServer) -> None:
    write(PAPERS[:3])
    assert run(server).exit_code == 0
    write(PAPERS)
    assert "done before                            3" in run(server, "--dry-run").stdout
    elsewhere = run(server, "--dry-run", output="other").stdout
    assert "in the cache                           3" in elsewhere
    assert "need a call                            5" in elsewhere
    assert "no price is known for openai/m. Give --price IN,OUT" in elsewhere
    assert not Path("other").exists()


def test_a_cap_on_cost_stops_before_it_is_passed_and_a_higher_one_goes_on() -> None:
    with ModelServer() as server:
        # An answer costs a cent; before it is there, it could cost the $4.096 of the longest one.
        priced = ("--price", "0,1000", "--concurrency", "1")
        done = run(server, *priced, "--max-cost", "4.13")
        assert done.exit_code == 3
        assert "$0.0400 of the $4.13 cap is spent and the next call may cost $4.0960" in done.stderr.splitlines()[-1]
        count = len(server.requests)
        assert count == 4
        assert job()["spent_usd"] == pytest.approx(0.01 * count)
        assert len(ids()) == count
        again = run(server, *priced, "--max-cost", "4.13")
        assert (again.exit_code, len(server.requests)) == (3, count)
        rest = run(server, *priced, "--max-cost", "10")
        assert (rest.exit_code, len(server.requests)) == (0, len(PAPERS))
    assert job()["counts"]["cost_usd"] == pytest.approx(0.01 * len(PAPERS))


def test_a_cap_holds_for_many_calls_at_once_whose_true_cost_nobody_knows_before() -> None:
    """An answer costs $1 to $4.096; a call is set aside at the most that it can cost, and the rest given back."""
    write(real(60))
    cap, dice = 40.0, random.Random(7)
    billed = 0.0

    async def answer(request: Request) -> web.StreamResponse:
        nonlocal billed
        for _ in range(dice.randrange(40)):  # answers come in another order than they were asked
            await asyncio.sleep(0)
        written = dice.randint(1000, 4096)
        billed += written * 1e-3
        labels = (await right_labels(shown(request))).model_dump_json()
        usage = {"prompt_tokens": 0, "completion_tokens": written, "total_tokens": written}
        return web.json_response(completion(labels) | {"usage": usage})

    with ModelServer(answer) as server:
        for _ in range(2):
            done = run(server, "--price", "0,1000", "--concurrency", "32", "--max-cost", f"{cap:g}", "--no-cache")
            assert done.exit_code == 3
            assert "of the $40 cap is spent and the next call may cost $4.0960" in done.stderr.splitlines()[-1]
            assert cap - 4.096 < billed <= cap
            assert job()["spent_usd"] == pytest.approx(billed)
            assert len(ids()) == len(server.requests)
        assert server.server.most_at_once > 1


def test_calls_for_a_document_that_the_cap_stops_in_the_middle_are_not_forgotten() -> None:
    with ModelServer(labels(lambda _request, _labels: "no labels")) as server:
        # Two calls fit, the third could pass the cap; neither of the two is in a record.
        for _ in range(2):
            done = run(server, "--price", "0,1000", "--concurrency", "1", "--max-cost", "4.115")
            assert "$0.0200 of the $4.115 cap is spent" in done.stderr.splitlines()[-1]
            assert (len(server.requests), job()["spent_usd"], job()["counts"]["calls"]) == (2, pytest.approx(0.02), 0)
    assert "cost      $0.0000 (all runs: $0.0200)" in CliRunner().invoke(app, ["status", "job"]).stdout


def test_a_cap_below_the_first_call_sends_nothing_and_says_that_more_is_needed(server: ModelServer) -> None:
    done = run(server, "--price", "1,1000", "--max-cost", "0.0001")
    assert (done.exit_code, server.requests) == (3, [])
    assert "Run the same command with a higher --max-cost" in done.stderr


def test_records_stream_in_the_order_of_the_input() -> None:
    first, others, over = PAPERS[0]["title"], len(PAPERS) - 1, asyncio.Event()

    async def first_comes_last(request: Request) -> web.StreamResponse:
        nonlocal others
        if shown(request).title == first:
            await over.wait()
        response = await labels()(request)
        others -= shown(request).title != first
        if others == 0:
            over.set()
        return response

    with ModelServer(first_comes_last) as server:
        done = run(server, output="-")
    assert done.exit_code == 0
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [paper["id"] for paper in PAPERS]


@pytest.mark.parametrize(
    ("options", "difference"),
    [
        pytest.param(["--prompt", "mine.md"], "prompt was label@2, is now mine@7", id="prompt"),
        pytest.param(["--narrow-schema", "never"], "narrow_schema was True, is now False", id="schema"),
        pytest.param(["--base-url", "http://127.0.0.1:9/v1"], "is now http://127.0.0.1:9/v1", id="address"),
        pytest.param(["--model", "openai/other"], "model was openai/m, is now openai/other", id="model"),
    ],
)
def test_a_folder_of_other_questions_is_refused(server: ModelServer, options: list[str], difference: str) -> None:
    built_in = (Path(__file__).parents[2] / "prompts" / "label.md").read_text(encoding="utf-8")
    Path("mine.md").write_text(built_in.replace("name: label\nversion: 2", "name: mine\nversion: 7"), encoding="utf-8")
    assert run(server).exit_code == 0
    done = run(server, *options)
    assert done.exit_code == 2
    assert difference in done.stderr
    assert "or start over with --fresh" in done.stderr
    assert run(server, "--concurrency", "2", "--price", "1,1").exit_code == 0  # how fast and how dear is no difference


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(["--max-cost", "1"], "no price is known for openai/m", id="a cap without a price"),
        pytest.param(["--price", "cheap"], "'cheap' is not IN,OUT", id="no price"),
        pytest.param(["--prompt", "nowhere.md"], "Cannot read the prompt nowhere.md", id="no prompt"),
        pytest.param(["--base-url", "ftp://x"], "is not an http address", id="no address"),
        pytest.param(["--narrow-schema", "perhaps"], "perhaps", id="no choice"),
    ],
)
def test_wrong_options_are_told_before_anything_is_sent(server: ModelServer, options: list[str], message: str) -> None:
    done = run(server, *options)
    assert (done.exit_code, server.requests) == (2, [])
    assert message in done.stderr
    assert not Path("job").exists()


def test_a_missing_package_is_one_line_with_the_command(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("extractor.labelling.models.find_spec", lambda name: None if name == "openai" else sys)
    done = run(server)
    assert done.exit_code == 2
    assert "A model needs openai. Install it with `pip install '.[llm]'`" in done.stderr


def test_no_key_for_a_provider_that_wants_one_is_told_without_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    done = CliRunner().invoke(app, ["run", "papers.jsonl", "-m", "openai/m", "-o", "job"])
    assert done.exit_code == 1
    assert "no key for openai/m. Set OPENAI_API_KEY, store one with `extractor keys set`" in done.stderr


def test_ctrl_c_once_saves_what_is_under_way_and_twice_stops_now(program: "Program", home: Path) -> None:
    """A pipe stays open all the while: records are written before it ends, and an interrupted job does not wait for it."""
    answered = {paper["title"] for paper in PAPERS[:3]}
    slow = PAPERS[3]["title"]
    interrupted = threading.Event()

    async def act(request: Request) -> web.StreamResponse:
        title = shown(request).title
        if title == slow:
            await asyncio.to_thread(interrupted.wait)
        return await (answer if title in {*answered, slow} else hangs)(request)

    async def answer(request: Request) -> web.StreamResponse:
        return web.json_response(completion((await right_labels(shown(request))).model_dump_json()))

    def wait_for(records: int, requests: int) -> None:
        deadline = time.monotonic() + 60
        while not file.exists() or file.read_bytes().count(b"\n") < records or len(server.requests) < requests:
            assert time.monotonic() < deadline, "the job wrote too little"
            time.sleep(0.02)

    file = home / "job" / "extractions.jsonl"
    lines = [json.dumps(paper).encode() + b"\n" for paper in PAPERS[:5]]
    with ModelServer(act) as server:
        arguments = ["run", "-", "-m", "openai/m", "--base-url", server.url, "-o", "job", "--no-cache"]
        process = program.start(*arguments)
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(b"".join(lines))
        process.stdin.flush()
        wait_for(records=3, requests=5)
        process.send_signal(signal.SIGTERM)
        said = process.stderr.readline()
        assert said == b"Stopping after the documents under way (2); Ctrl-C again stops now.\n"
        interrupted.set()
        wait_for(records=4, requests=5)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        _, talk = process.communicate()
        assert process.returncode == 130
        assert talk == b"Interrupted: what is done is in job. Run the same command again for the rest.\n"
        server.server.acts = [answer]
        before = len(server.requests)
        done = program(*arguments, stdin=b"".join(lines))
        assert done.returncode == 0, done.stderr
        asked = {shown(request).title for request in server.requests[before:]}
    assert asked == {PAPERS[4]["title"]}
    assert ids() == [paper["id"] for paper in PAPERS[:5]]


def test_in_an_outage_job_json_goes_on_and_ctrl_c_stops_at_once(program: "Program", home: Path) -> None:
    answered = {paper["title"] for paper in PAPERS[:3]}

    async def act(request: Request) -> web.StreamResponse:
        return await (labels() if shown(request).title in answered else fails(503))(request)

    with ModelServer(act) as server:
        process = program.start("run", "papers.jsonl", "-m", "openai/m", "--base-url", server.url, "-o", "job")
        assert process.stderr is not None
        assert b"answered 503: no luck. Waiting for it, until " in process.stderr.readline()
        deadline = time.monotonic() + 60
        while (job()["progress"] or {}).get("in_flight") != len(PAPERS) - 3:  # nothing is written, and it is known all the same
            assert time.monotonic() < deadline, "job.json stands still"
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, talk = process.communicate(timeout=20)
    assert process.returncode == 130
    trying = b"Stopping after the documents under way (1); Ctrl-C again stops now.\n"  # whether the server is back, just then
    assert talk.removeprefix(trying) == b"Interrupted: what is done is in job. Run the same command again for the rest.\n"
    assert ids() == [paper["id"] for paper in PAPERS[:3]]
