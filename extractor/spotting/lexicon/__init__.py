"""The lexicons of spotting: data files, read once."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

KeyWord = tuple[int, str, str]
"""A word of a lexicon in a view, in lower case: its place, the word, and the word before it."""


@cache
def load(name: str) -> dict[str, Any]:
    """One lexicon, by the name of its file without the suffix."""
    return tomllib.loads((files(__name__) / f"{name}.toml").read_text(encoding="utf-8"))
