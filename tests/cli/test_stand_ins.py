"""`extractor run --votes` and `--fallback`: several answers to one question, with servers on loopback in the models' places."""

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from typer.testing import CliRunner, Result

from extractor import extract, read_extractions
from extractor.cli import app
from tests.cli.jobs import failures, job, write
from tests.labelling.model_server import ModelServer, is_reask, labels, once_two_are_asked, shown
from tests.llm.server import Act, Request, fails, says

PAPERS = [
    {"id": str(n), "title": f"FastNet {n}", "abstract": f"FastNet is {n}x faster than SlowNet on a Jetson Nano."}
    for n in (2, 3, 4)
]
DOOMED = PAPERS[1]


@pytest.fixture(autouse=True)
def papers(home: Path) -> None:
    write(PAPERS)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """The server at which `hosted_vllm/b` is found."""
    with ModelServer() as running:
        monkeypatch.setenv("HOSTED_VLLM_API_BASE", running.url)
        yield running


def run(server: ModelServer, *options: str, output: str = "job") -> Result:
    arguments = ["run", "papers.jsonl", "-m", "openai/m", "--base-url", server.url, "-o", output, *options]
    return CliRunner().invoke(app, arguments)


def answerers() -> list[tuple[str, str]]:
    return [(record.id, record.provenance.model) for record in read_extractions("job")]


def for_doomed(act: Act) -> Act:
    """That act for one of the documents, right labels for the rest."""

    async def chosen(request: Request) -> web.StreamResponse:
        return await (act if shown(request).title == DOOMED["title"] else labels())(request)

    return chosen


def second_dismisses(request: Request, right: dict[str, Any]) -> dict[str, Any]:
    dismissed = [label["mention"] for label in right["claims"]]
    return right if request.body["seed"] != 2 else right | {"claims": [], "not_claims": [*right["not_claims"], *dismissed]}


def test_votes_ask_with_a_seed_each_and_the_share_that_agrees_is_the_confidence() -> None:
    with ModelServer(once_two_are_asked(labels(second_dismisses))) as server:
        done = run(server, "--votes", "3")
    assert done.exit_code == 0, done.stderr
    asked = sorted((shown(request).title, request.body["seed"], request.body["temperature"]) for request in server.requests)
    assert asked == [(paper["title"], seed, 0.7) for paper in PAPERS for seed in (1, 2, 3)]
    assert server.server.most_at_once > 1
    for record in read_extractions("job"):
        same = extract(record.title, record.abstract, id=record.id)
        assert record.claims == tuple(claim.model_copy(update={"confidence": 2 / 3}) for claim in same.claims)
        assert (record.hardware, record.system) == (same.hardware, same.system)
        made = record.provenance
        assert (made.labeller, made.model, made.calls, made.attempts, made.input_tokens) == ("llm", "openai/m", 3, 1, 300)
    counts, settings = job()["counts"], job()["settings"]
    assert (counts["calls"], counts["reasks"], counts["input_tokens"]) == (9, 0, 900)
    assert (settings["votes"], settings["temperature"]) == (3, 0.7)


def test_one_vote_is_one_answer_at_temperature_0_without_a_seed(server: ModelServer) -> None:
    assert run(server, "--votes", "1").exit_code == 0
    assert [(request.body["temperature"], request.body.get("seed")) for request in server.requests] == [(0.0, None)] * 3
    assert {claim.confidence for record in read_extractions("job") for claim in record.claims} == {None}
    assert "votes" not in job()["settings"]


def test_the_cache_keeps_the_samples_apart_and_more_votes_ask_only_for_the_new_ones(server: ModelServer) -> None:
    assert run(server, "--votes", "3").exit_code == 0
    assert run(server, "--votes", "3", output="again").exit_code == 0
    assert (len(server.requests), job("again")["counts"]["cached"]) == (9, len(PAPERS))
    assert run(server, "--votes", "4", output="more").exit_code == 0
    assert [request.body["seed"] for request in server.requests[9:]] == [4, 4, 4]


def test_a_folder_of_other_votes_is_refused(server: ModelServer) -> None:
    assert run(server, "--votes", "3").exit_code == 0
    done = run(server, "--votes", "5")
    assert (done.exit_code, len(server.requests)) == (2, 9)
    assert "votes was 3, is now 5" in done.stderr


def test_a_dry_run_counts_a_call_for_each_vote_that_is_not_kept(server: ModelServer) -> None:
    def foresee(*options: str) -> dict[str, float]:
        done = run(server, "--dry-run", "--price", "1000,1000", "-o", "other", *options)
        return {
            name.strip(): float(value.replace(",", ""))
            for name, _, value in (line.rpartition(" ") for line in done.stdout.splitlines())
        }

    one, three = foresee(), foresee("--votes", "3")
    assert (one["need a call"], three["need a call"], three["calls"]) == (3, 3, 9)
    assert "calls" not in one
    for name in ("input tokens, about", "output tokens, about", "cost in US dollars, about"):
        assert three[name] == pytest.approx(3 * one[name])
    assert run(server, "--votes", "2").exit_code == 0
    assert foresee("--votes", "4")["calls"] == 6


def test_a_sample_that_fails_is_left_out_and_a_server_without_seeds_is_told_of_once() -> None:
    answers = cycle([labels(), says("I would rather not."), labels()])

    async def act(request: Request) -> web.StreamResponse:
        if "seed" in request.body:
            return await fails(400, "Unrecognized request argument: seed", param="seed")(request)
        return await (next(answers) if not is_reask(request) else says("Never."))(request)

    with ModelServer(act) as server:
        done = run(server, "--votes", "3", "--concurrency", "1")
    assert done.exit_code == 0, done.stderr
    assert done.stderr.count("does not take 'seed'") == 1
    lost = "the reply of openai/m did not fit the schema in 3 attempts"
    for record in read_extractions("job"):
        assert [(each.value, each.reason) for each in record.rejected] == [(lost, "gave no answer")]
        assert [claim.confidence for claim in record.claims] == [1.0]
    assert job()["counts"]["calls"] == len(server.requests)


FAILURES = [
    pytest.param(fails(400, "too long"), id="refused"),
    pytest.param(says("I would rather not."), id="not the schema"),
    pytest.param(says('{"system": ', finish="length"), id="cut off"),
    pytest.param(says("", finish="content_filter"), id="filtered"),
    pytest.param(fails(503), id="an outage that outlasts the retries"),
]


@pytest.mark.parametrize("act", FAILURES)
def test_another_model_answers_for_what_fails_for_good(act: Act, stand_in: ModelServer) -> None:
    with ModelServer(for_doomed(act)) as server:
        done = run(server, "--fallback", "hosted_vllm/b", "--fallback", "rules", "--concurrency", "1")
    assert (done.exit_code, failures()) == (0, [])
    assert answerers() == [("2", "openai/m"), ("3", "hosted_vllm/b"), ("4", "openai/m")]
    assert [shown(request).title for request in stand_in.requests] == [DOOMED["title"]]
    assert stand_in.requests[0].body["model"] == "b"
    counts = job()["counts"]
    assert counts["calls"] == len(server.requests) + 1
    assert counts["rejected_by_reason"] == {"gave no answer": 1}


def test_when_all_fail_the_rules_answer_with_all_that_it_cost(stand_in: ModelServer) -> None:
    stand_in.server.acts = [says("Neither would I.")]
    with ModelServer(for_doomed(says("I would rather not."))) as server:
        done = run(server, "--fallback", "hosted_vllm/b", "--fallback", "rules", "--price", "1,1")
    assert done.exit_code == 0
    record = next(record for record in read_extractions("job") if record.id == DOOMED["id"])
    made = record.provenance
    assert (made.labeller, made.model, made.calls, made.input_tokens) == ("rules", "rules", 6, 600)
    assert made.cost_usd == pytest.approx(6 * 110e-6)
    assert job()["spent_usd"] == pytest.approx(8 * 110e-6)
    assert [each.value for each in record.rejected] == [
        f"the reply of {model} did not fit the schema in 3 attempts" for model in ("openai/m", "hosted_vllm/b")
    ]


def test_without_the_rules_what_all_fail_on_is_a_failure_with_all_causes(stand_in: ModelServer) -> None:
    stand_in.server.acts = [fails(400, "too long")]
    with ModelServer(for_doomed(fails(400, "too long"))) as server:
        done = run(server, "--fallback", "hosted_vllm/b")
    assert done.exit_code == 3
    [failure] = failures()
    assert failure["cause"] == f"{server.url} answered 400: too long; then {stand_in.url} answered 400: too long"


@pytest.mark.parametrize(
    ("act", "message"),
    [
        pytest.param(fails(401, "Incorrect API key provided"), "Set OPENAI_API_KEY to a valid key", id="wrong key"),
        pytest.param(fails(404, "no such model", code="model_not_found"), "has the model 'm'", id="unknown model"),
        pytest.param(fails(429, "quota", type="insufficient_quota"), "Add credit or raise the quota", id="no credit"),
    ],
)
def test_what_a_person_must_mend_stops_the_job_all_the_same(act: Act, message: str) -> None:
    with ModelServer(act) as server:
        done = run(server, "--fallback", "rules")
    assert done.exit_code == 1
    assert message in done.stderr
    assert answerers() == []


def test_a_fallback_with_a_wrong_key_stops_nothing(stand_in: ModelServer) -> None:
    stand_in.server.acts = [fails(401, "no entry")]
    with ModelServer(fails(400, "too long")) as server:
        done = run(server, "--fallback", "hosted_vllm/b", "--fallback", "rules", "--concurrency", "1")
    assert (done.exit_code, len(stand_in.requests) > 0) == (0, True)
    assert {model for _, model in answerers()} == {"rules"}
    assert done.stderr.count("A fallback is left out from here on") == 1


@pytest.mark.parametrize("command", ["run", "retry"])
def test_a_fallback_given_later_answers_for_what_had_failed_and_for_nothing_else(stand_in: ModelServer, command: str) -> None:
    with ModelServer(for_doomed(fails(400, "too long"))) as server:
        assert run(server).exit_code == 3
        assert answerers() == [("2", "openai/m"), ("4", "openai/m")]
        options = ("--fallback", "hosted_vllm/b")
        done = run(server, *options) if command == "run" else CliRunner().invoke(app, ["retry", "job", *options])
    assert (done.exit_code, failures()) == (0, [])
    assert answerers() == [("2", "openai/m"), ("3", "hosted_vllm/b"), ("4", "openai/m")]
    assert len(stand_in.requests) == 1
    assert job()["options"]["model"]["fallbacks"] == ["hosted_vllm/b"]


def test_a_job_goes_on_with_its_votes_and_fallbacks(stand_in: ModelServer) -> None:
    stand_in.server.acts = [fails(400, "too long")]
    with ModelServer(for_doomed(fails(400, "too long"))) as server:
        assert run(server, "--votes", "2", "--fallback", "hosted_vllm/b").exit_code == 3
        stand_in.server.acts = [labels()]
        assert CliRunner().invoke(app, ["retry", "job"]).exit_code == 0
    assert answerers() == [("2", "openai/m"), ("3", "hosted_vllm/b"), ("4", "openai/m")]
    assert sorted(request.body["seed"] for request in stand_in.requests) == [1, 1, 2, 2]


def test_votes_hold_for_the_fallback_too(stand_in: ModelServer) -> None:
    with ModelServer(for_doomed(fails(400, "too long"))) as server:
        done = run(server, "--votes", "2", "--fallback", "hosted_vllm/b")
    assert done.exit_code == 0, done.stderr
    assert sorted(request.body["seed"] for request in stand_in.requests) == [1, 2]
    record = next(record for record in read_extractions("job") if record.id == DOOMED["id"])
    assert (record.provenance.model, record.claims[0].confidence) == ("hosted_vllm/b", 1.0)
    assert [each.value for each in record.rejected] == [f"no answer in 2 samples: {server.url} answered 400: too long"]


def test_the_cap_on_cost_counts_every_vote_and_every_fallback(stand_in: ModelServer) -> None:
    """An answer costs a cent; before it is there, it could cost the $4.096 of the longest one."""
    with ModelServer(for_doomed(says("I would rather not."))) as server:
        options = ("--votes", "2", "--fallback", "hosted_vllm/b", "--price", "0,1000", "--concurrency", "1")
        done = run(server, *options, "--max-cost", "4.13")
        assert done.exit_code == 3
        assert "$0.0400 of the $4.13 cap is spent" in done.stderr
        assert (len(server.requests), len(stand_in.requests), answerers()) == (4, 0, [("2", "openai/m")])
        done = run(server, *options, "--max-cost", "10")
    assert (done.exit_code, len(stand_in.requests)) == (0, 2)
    assert [model for _, model in answerers()] == ["openai/m", "hosted_vllm/b", "openai/m"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(
            ["-m", "rules", "--votes", "3"], "--votes asks a model again, and the rules always answer", id="votes of rules"
        ),
        pytest.param(
            ["-m", "rules", "--fallback", "openai/m"], "--fallback stands in for a model that fails", id="rules never fail"
        ),
        pytest.param(
            ["--fallback", "rules", "--fallback", "openai/b"], "so nothing after it is ever asked", id="after the rules"
        ),
        pytest.param(["--fallback", "gpt-9"], "There is no model 'gpt-9'", id="no such name"),
        pytest.param(["--fallback", "hosted_vllm/b", "--max-cost", "1", "--price", "cheap"], "is not IN,OUT", id="no price"),
        pytest.param(["--votes", "0"], "--votes", id="no votes"),
    ],
)
def test_what_makes_no_sense_is_told_before_anything_is_sent(server: ModelServer, options: list[str], message: str) -> None:
    done = run(server, *options)
    assert (done.exit_code, server.requests) == (2, [])
    assert message in done.stderr
    assert not Path("job").exists()


def test_a_cap_needs_the_price_of_each_fallback(monkeypatch: pytest.MonkeyPatch, stand_in: ModelServer) -> None:
    arguments = [
        "run",
        "papers.jsonl",
        "-m",
        "openai/gpt-4o-mini",
        "-o",
        "job",
        "--max-cost",
        "1",
        "--fallback",
        "hosted_vllm/b",
    ]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert "no price is known for hosted_vllm/b, so the cap of $1 cannot be kept. Give --price" in done.stderr


def test_a_model_that_is_asked_where_the_rules_are_unsure_adds_the_number_that_they_left_open() -> None:
    sure = {
        "id": "sure",
        "title": "Kraken",
        "abstract": "Kraken is 2.5x faster than Squid and reaches 91% accuracy on ImageNet.",
    }
    write([sure, sure | {"id": "open", "abstract": f"{sure['abstract']} It weighs 3 kg."}])

    def claims_it(_request: Request, right: dict[str, Any]) -> dict[str, Any]:
        claim = right["claims"][-1] | {"mention": right["not_claims"][0], "kind": "resource", "metric": "weighs"}
        return right | {"claims": [*right["claims"], claim], "not_claims": []}

    with ModelServer(labels(claims_it)) as server:
        planned = run(server, "--when-unsure", "1", "--dry-run", "--price", "1,1")
        asked_before = len(server.requests)
        assert run(server, "--when-unsure", "1").exit_code == 0
        assert (asked_before, len(server.requests)) == (0, 1)
    assert [line.split()[-1] for line in planned.stdout.splitlines() if "rules" in line or "need" in line] == ["1", "1"]
    assert "saved by --when-unsure" in planned.stdout
    assert answerers() == [("sure", "rules"), ("open", "openai/m")]
    before, after = ([(claim.quantity.text, claim.metric) for claim in record.claims] for record in read_extractions("job"))
    assert after == [*before, ("3 kg", "weighs")]
