"""A provider of batches on loopback, and papers for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.jobs import NOTHING, PAPERS, write
from tests.labelling.model_server import ModelServer
from tests.llm.batch_server import BatchProvider


@pytest.fixture(autouse=True)
def papers(home: Path) -> None:
    """Papers to label, one that holds nothing and a record that cannot be read."""
    write([*PAPERS, NOTHING, {"id": "bad"}])


@pytest.fixture
def provider() -> BatchProvider:
    return BatchProvider()


@pytest.fixture
def server(provider: BatchProvider) -> Iterator[ModelServer]:
    with ModelServer(provider) as running:
        yield running
