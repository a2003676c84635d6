"""Text for a terminal. What an abstract holds is shown, never obeyed: no mark-up, no control characters."""

import os
import sys
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def plain(text: str) -> str:
    """The text with each control, direction and line-end character as one space: offsets stay what they were."""
    if text.isprintable():
        return text
    return "".join(" " if unicodedata.category(character) in _HIDDEN else character for character in text)


def say(line: str) -> None:
    """Print one line on standard error."""
    print(plain(line), file=sys.stderr)  # noqa: T201 (a message to the user)


def silence() -> None:
    """Send what standard output still holds into nothing: its reader is gone or its disk is full, and exiting flushes it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def console(*, stderr: bool = False) -> "Console":
    """A console that takes text literally: no mark-up, no emoji codes, no guessed highlights."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=False)
