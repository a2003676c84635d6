"""What all tests share."""

import gc
import os
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import settings
from typer.main import get_command

# The same examples on every run, and no clock: a slow machine must not fail a test that holds.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

os.environ.pop("COLUMNS", None)  # pytest-xdist sets it for its workers, and what a command prints would depend on it


def pytest_collection_finish() -> None:
    """Keep the garbage collector from looking through all modules and tests again and again: they stay to the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def commands() -> Iterator[None]:
    """Build the tree of commands once, and not for each call of one: that takes 6 ms, more than most commands do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.testing._get_command", cache(get_command))
        yield
