"""`extractor batch export` and `import`: requests and results by file."""

import json
from pathlib import Path

import pytest

from extractor.jobs.batch.store import Store
from tests.cli.batch.steps import ALL, MODELS, accounted_for, answered_elsewhere, extractor, small
from tests.cli.jobs import KEY, PAPERS, ids, job
from tests.labelling.model_server import ModelServer
from tests.llm.batch_server import BatchProvider


@pytest.mark.parametrize("kind", MODELS)
def test_requests_and_results_go_by_file_without_a_connection_or_a_key(
    kind: str, provider: BatchProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    small(monkeypatch, 5)
    model = {"openai": "openai/gpt-4o-mini", "anthropic": MODELS["anthropic"]}[kind]
    done = extractor("batch", "export", "papers.jsonl", "-o", "job", "-m", model, "--requests", "ask.jsonl")
    assert (done.exit_code, done.stdout.split()) == (0, ["ask-1.jsonl", "ask-2.jsonl"]), done.output
    lines = [json.loads(line) for name in done.stdout.split() for line in Path(name).read_bytes().splitlines()]
    assert len(lines) == len(PAPERS)
    again = extractor("batch", "export", "-o", "job", "--requests", "again.jsonl")
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
    extractor("batch", "export", "papers.jsonl", "-o", "job", "-m", "openai/gpt-4o-mini")
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
