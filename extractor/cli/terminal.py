"""Text for a terminal. What an abstract holds is shown, never obeyed: no mark-up, no control characters."""

import os
import re
import sys
import unicodedata
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

_LONG_WORD, _LONG_LINE = 300, 3_000
"""Characters from which on a word or a line is shortened; few paths are as long."""
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def shown(line: str) -> str:
    """A line as it is printed: nothing in it is obeyed, bytes that are not UTF-8 are escaped, and no word fills a screen."""
    if line.isascii() and line.isprintable() and len(line) < _LONG_WORD:
        return line

    from extractor.documents import shortened

    readable = re.sub("[\ud800-\udfff]", _escaped, line)
    return shortened(re.sub(rf"\S{{{_LONG_WORD},}}", lambda word: shortened(word[0]), plain(readable)), _LONG_LINE)


def _escaped(half: re.Match[str]) -> str:
    code = ord(half[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


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
            tell("message", message=shown(line))
        elif self._above is not None:
            self._above(shown(line))
        else:
            print(shown(line), file=sys.stderr)  # noqa: T201 (a message to the user)


TALK = _Talk()
say = TALK.say


def out(line: str) -> None:
    """Print one line on standard output."""
    print(shown(line))  # noqa: T201 (the data that was asked for)


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
