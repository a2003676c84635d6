"""The benchmark of a model call keeps its promise on a short run, and would say if it did not."""

import pytest

from tests.benchmarks import llm_client


def test_a_call_costs_at_most_two_and_a_half_times_the_least_it_can(capsys: pytest.CaptureFixture[str]) -> None:
    assert llm_client.main(["--cpu-only", "--documents", "150", "--rounds", "3"]) == 0
    heading, *rows, note, promise = capsys.readouterr().out.splitlines()
    assert heading.split("  ")[-1] == "of AsyncOpenAI"
    assert [row[:20].strip() for row in rows] == ["bare aiohttp", "bare AsyncOpenAI", "extractor", "extractor, caching"]
    assert note.startswith("150 documents a round")
    assert promise.endswith(": kept")


def test_a_slow_client_breaks_the_promise(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(llm_client, "ours", llm_client.bare_openai)
    monkeypatch.setattr(llm_client, "ours_caching", llm_client.bare_aiohttp)
    assert llm_client.main(["--cpu-only", "--documents", "50", "--rounds", "1"]) == 1
    assert capsys.readouterr().out.rstrip().endswith(": BROKEN")
