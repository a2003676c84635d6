"""Recorded HTTP: a call of the client is recorded and played again by vcr, and a miss ends at once."""

from pathlib import Path
from typing import Any

import pytest
import vcr  # type: ignore[import-untyped]  # ships no types
from vcr.errors import CannotOverwriteExistingCassetteException  # type: ignore[import-untyped]

from extractor.errors import JobError
from tests.llm.server import Server, says
from tests.llm.support import MESSAGES, REX, FakeClock, client, run

MATCH = ["method", "path", "body"]


def cassette(path: Path, mode: str) -> Any:
    """A cassette as an evaluation uses it."""
    return vcr.use_cassette(str(path), record_mode=mode, match_on=MATCH, filter_headers=["authorization"])


@pytest.mark.parametrize("model", ["openai/m", "mistral/mistral-large-latest"], ids=["direct", "litellm"])
def test_a_call_is_recorded_and_played_again_without_a_server(tmp_path: Path, model: str) -> None:
    path = tmp_path / "rex.yaml"

    async def scene() -> None:
        async with Server(says("no"), says(REX)) as server:
            with cassette(path, "once"):
                async with client(server, model) as asked:
                    recorded = await asked.ask(MESSAGES)
            assert len(server.requests) == 2
        with cassette(path, "none") as played:
            async with client(server, model) as asked:
                assert await asked.ask(MESSAGES) == recorded
            assert played.all_played

    run(scene())


@pytest.mark.parametrize("model", ["openai/m", "mistral/mistral-large-latest"], ids=["direct", "litellm"])
def test_a_miss_stops_the_job_at_once_and_keeps_vcrs_account(tmp_path: Path, model: str) -> None:
    path = tmp_path / "rex.yaml"

    async def scene() -> None:
        clock = FakeClock()
        async with Server(says(REX)) as server:
            with cassette(path, "once"):
                async with client(server, model) as asked:
                    await asked.ask(MESSAGES)
            with cassette(path, "none"):
                async with client(server, model, clock=clock) as asked:
                    with pytest.raises(JobError, match="no recorded reply for this request") as caught:
                        await asked.ask([{"role": "user", "content": "Something else."}])
            assert len(server.requests) == 1
        assert isinstance(caught.value.__cause__, CannotOverwriteExistingCassetteException)
        assert clock.slept == []

    run(scene())
