"""The steps of a job in batches, and how to stop it between two of them."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from extractor.cli import app
from extractor.jobs.batch.plan import Plan
from extractor.jobs.batch.store import Store
from extractor.llm.batch import Capacity
from extractor.llm.batch.anthropic import AnthropicBatches
from extractor.llm.batch.openai import OpenAIBatches
from tests.cli.jobs import PAPERS, failures, ids
from tests.labelling.model_server import ModelServer
from tests.llm.batch_server import BatchProvider, Kept

ALL = sorted([*(paper["id"] for paper in PAPERS), "nothing", "bad"])
MODELS = {"openai": "openai/m", "anthropic": "anthropic/claude-sonnet-4-5"}
CREATE = {"openai": "POST /batches", "anthropic": "POST /messages/batches"}


def extractor(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def asked(server: ModelServer, provider: str = "openai") -> list[str]:
    """The options that name the model."""
    return ["-m", MODELS[provider], "--base-url", server.url if provider == "openai" else server.server.root]


def run(server: ModelServer, *options: str, output: str = "job", provider: str = "openai") -> Result:
    return extractor("run", "papers.jsonl", "-o", output, "--batch", *asked(server, provider), *options)


def submit(server: ModelServer, *options: str, provider: str = "openai") -> Result:
    return extractor("batch", "submit", "papers.jsonl", "-o", "job", *asked(server, provider), *options)


def accounted_for(folder: str = "job") -> list[str]:
    """The ids in the two files of a job."""
    return sorted([*ids(folder), *(failure["id"] for failure in failures(folder))])


def answered_elsewhere(provider: BatchProvider, kind: str, requests: Path) -> bytes:
    """What a provider makes of an exported file."""
    batch = Kept("batch_1", [json.loads(line) for line in requests.read_bytes().splitlines()])

    async def results() -> list[bytes]:
        if kind == "anthropic":
            return await provider._messages(batch)
        good, bad = await provider._results(batch)
        return [*bad, *good]

    return b"".join(asyncio.run(results()))


def small(monkeypatch: pytest.MonkeyPatch, requests: int) -> None:
    """Let the providers take only so many requests in a batch."""
    for service in (OpenAIBatches, AnthropicBatches):
        monkeypatch.setattr(service, "capacity", Capacity(requests, 1_000_000))


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
