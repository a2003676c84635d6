"""What is sent to a provider's batches, what is not, and what it costs."""

import re
from pathlib import Path

import pytest

from extractor import extract, read_extractions
from extractor.llm.batch import Capacity
from extractor.llm.batch.openai import OpenAIBatches
from tests.cli.batch.steps import ALL, CREATE, MODELS, accounted_for, asked, extractor, run, small, submit
from tests.cli.jobs import KEY, PAPERS, failures, ids, job, write
from tests.labelling.model_server import ModelServer, unsure
from tests.llm.batch_server import BatchProvider
from tests.llm.server import fails

BATCHED = [paper["id"] for paper in PAPERS[1:]]  # the first is asked online


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
        assert (record.claims, record.hardware, record.system) == (unsure(same.claims), same.hardware, same.system)
        made = record.provenance
        by_model = ("llm", MODELS[kind], "label@2")
        assert (made.labeller, made.model, made.prompt) == (("rules", "rules", None) if record.id == "nothing" else by_model)
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


@pytest.mark.parametrize(
    ("capacity", "sizes"),
    [(Capacity(3, 1_000_000), [3, 3, 1]), (Capacity(1_000, 30_000), [2, 2, 2, 1])],
    ids=["requests", "bytes"],
)
def test_a_job_is_split_by_the_providers_limits(
    capacity: Capacity, sizes: list[int], server: ModelServer, provider: BatchProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OpenAIBatches, "capacity", capacity)
    assert run(server).exit_code == 3
    assert [len(batch.lines) for batch in provider.batches.values()] == sizes
    assert all(len(content) <= capacity.bytes for name, content in provider.files.values() if name.startswith("extractor"))
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
