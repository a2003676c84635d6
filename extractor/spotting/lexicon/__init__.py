"""The lexicons of spotting: data files, read once."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def load(name: str) -> dict[str, Any]:
    """One lexicon, by the name of its file without the suffix."""
    return tomllib.loads((files(__name__) / f"{name}.toml").read_text(encoding="utf-8"))
