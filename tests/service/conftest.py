"""A service with the rules, for the tests of a module together: it takes a second to begin."""

from collections.abc import Iterator

import pytest

from extractor.service.settings import Settings
from tests.service.serving import Running, serving


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with one process, without tokens."""
    with serving(Settings(tmp_path_factory.mktemp("service") / "jobs")) as running:
        yield running
