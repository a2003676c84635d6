"""Text for a terminal. What an abstract holds is shown, never obeyed: no mark-up, no control characters."""

import os
import sys
import unicodedata
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def plain(text: str) -> str:
    """The text with each control, direction and line-end character as one space: offsets stay what they were."""
    if text.isprintable():
        return text
    return "".join(" " if unicodedata.category(character) in _HIDDEN else character for character in text)


class _Talk:
    """How standard error is spoken to: plain lines for people or JSON, and above what moves there."""

    def __init__(self) -> None:
        self.as_json = False
        self._above: Callable[[str], None] | None = None

    @contextmanager
    def above(self, say: "Callable[[str], None]") -> "Iterator[None]":
        """Let lines be printed by who keeps others moving below them."""
        self._above = say
        try:
            yield
        finally:
            self._above = None

    def say(self, line: str) -> None:
        """Print one line on standard error."""
        if self.as_json:
            tell("message", message=line)
        elif self._above is not None:
            self._above(plain(line))
        else:
            print(plain(line), file=sys.stderr)  # noqa: T201 (a message to the user)


TALK = _Talk()
say = TALK.say


def tell(event: str, **facts: Any) -> None:
    """Print one JSON object on standard error: what happened, when, and the facts."""
    import json
    from datetime import UTC, datetime

    now = datetime.now(UTC).isoformat(timespec="seconds")
    print(json.dumps({"time": now, "event": event, **facts}), file=sys.stderr, flush=True)  # noqa: T201 (a log)


def silence() -> None:
    """Send what standard output still holds into nothing: its reader is gone or its disk is full, and exiting flushes it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def open_closed() -> None:
    """Give standard streams that the caller has closed (`>&-`) a file: the job's first file would get their number.

    Nothing comes from standard input then, standard error goes nowhere, and writing to standard output is an error.
    """
    for name, mode, flags in (("stdin", "r", os.O_RDONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_WRONLY)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, flags), mode, encoding="utf-8"))


def console() -> "Console":
    """A console that takes text literally: no mark-up, no emoji codes, no guessed highlights."""
    from rich.console import Console

    return Console(markup=False, emoji=False, highlight=False, soft_wrap=False)
