"""One abstract takes a short way through the code; where these numbers grow, a wall stands in the wrong place."""

from tests.benchmarks.path import calls_of, changes, room
from tests.labelling.model_server import ModelServer


def test_with_the_rules() -> None:
    calls = calls_of([])
    assert {"cli/run.py", "grounding.py", "worker.py"} < set(calls)
    assert len(set(calls)) <= 40
    assert changes(calls) <= 58


def test_with_a_model() -> None:
    with ModelServer() as server:
        calls = calls_of(["--model", "openai/m", "--base-url", server.url, "--no-cache"])
    assert {"cli/run.py", "llm/client.py", "labelling/llm.py"} < set(calls)
    assert len(set(calls)) <= 41
    assert changes(calls) <= 98


def test_a_change_of_room() -> None:
    assert [room(file) for file in ("worker.py", "llm/client.py", "llm/batch/openai.py")] == ["worker.py", "llm", "llm/batch"]
    assert changes(["worker.py", "llm/client.py", "llm/cache.py", "worker.py", "records.py"]) == 3
    assert changes([]) == 0
