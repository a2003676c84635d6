"""What all tests share."""

import os

from hypothesis import settings

# The same examples on every run, and no clock: a slow machine must not fail a test that holds.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

os.environ.pop("COLUMNS", None)  # pytest-xdist sets it for its workers, and what a command prints would depend on it
