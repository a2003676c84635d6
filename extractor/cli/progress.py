"""How far a job is, on standard error: lines that move on a terminal, a line every half minute in a log, or JSON."""

import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from extractor.cli.terminal import TALK, say, tell

if TYPE_CHECKING:
    from extractor.jobs.counts import Counts
    from extractor.jobs.progress import Progress, Watch

REDRAW = 0.2
"""Seconds between two pictures on a terminal."""
LOG = 30.0
"""Seconds between two lines in a log."""

Part = tuple[int, str]
"""A piece of a line, after its rank: where there is no room for all, the highest ranks are left out first."""


@contextmanager
def shown(watch: "Watch", spent: Callable[[], float], max_cost: float | None, *, calls: bool) -> Iterator[None]:
    """Show a job's progress while it runs. `spent` is in US dollars; `calls` says that a model is asked."""

    def lines() -> list[Sequence[Part]]:
        progress, counts = watch.progress(), watch.counts
        return [documents(progress), *([model(counts, spent(), max_cost)] if calls else [])]

    if TALK.as_json:
        with _every(LOG, lambda: tell("progress", **facts(watch.progress(), watch.counts, spent()))):
            yield
    elif sys.stderr.isatty():
        with Live(sys.stderr, lines).moving():
            yield
    else:
        with _every(LOG, lambda: say("; ".join(fit(parts, sys.maxsize) for parts in lines()))):
            yield


def facts(progress: "Progress", counts: "Counts", spent: float) -> dict[str, object]:
    """What a JSON line says of the progress."""
    tokens = {"input_tokens": counts.input_tokens, "output_tokens": counts.output_tokens}
    return progress.as_json() | {"calls": counts.calls, **tokens, "spent_usd": round(spent, 6)}


def documents(progress: "Progress") -> list[Part]:
    """The line about documents."""
    parts = [(0, f"{progress.done:,} done"), (1, f"{progress.failed:,} failed")]
    if progress.in_flight:
        parts.append((5, f"{progress.in_flight:,} in flight"))
    if progress.pending is not None:
        parts.append((4, f"{'' if progress.read_through else 'about '}{progress.pending:,} to go"))
    parts.append((2, f"{short(progress.rate)}/s"))
    if progress.eta is not None:
        parts.append((3, f"ETA {clock(progress.eta)}"))
    return parts


def model(counts: "Counts", spent: float, max_cost: float | None) -> list[Part]:
    """The line about what a model was asked."""
    parts = [
        (3, f"{counts.calls:,} calls"),
        (1, f"{short(counts.input_tokens)} tokens in"),
        (2, f"{short(counts.output_tokens)} out"),
    ]
    cap = "" if max_cost is None else f" of ${max_cost:g}"
    known = counts.cost_usd is not None or spent
    return [*parts, (0, f"${spent:.4f}{cap}" if known else "cost unknown")]


def fit(parts: Sequence[Part], width: int) -> str:
    """The parts in one line of at most so many characters."""
    ranks = sorted(rank for rank, _ in parts)
    while ranks:
        line = ", ".join(text for rank, text in parts if rank <= ranks[-1])
        if len(line) <= width:
            return line
        ranks.pop()
    return ""


def short(number: float) -> str:
    """A number in three digits or so: 0.42, 7.3, 580, 12.4k, 1.2M."""
    for unit, size in (("M", 1e6), ("k", 1e4)):
        if number >= size:
            return f"{number / (1e6 if unit == 'M' else 1e3):.1f}{unit}"
    return f"{number:,.0f}" if number >= 10 or number == int(number) else f"{number:.1f}" if number >= 1 else f"{number:.2f}"


def clock(seconds: float) -> str:
    """A duration as 0:42, 12:31, 1:02:03 or 3d 04:05."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}d {hour:02}:{minute:02}"
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


class Live:
    """Lines at the bottom of a terminal that are drawn over in place; what is said meanwhile scrolls by above them.

    Each picture is one write, and nothing is cleared before it is drawn over, so nothing flickers. The width is asked for anew
    each time; terminals wrap what stands there when they become narrower, so it is counted in rows of the new width.
    """

    def __init__(
        self, stream: TextIO, lines: Callable[[], Sequence[Sequence[Part]]], width: Callable[[], int] | None = None
    ) -> None:
        self._stream, self._lines = stream, lines
        self._width = width or (lambda: shutil.get_terminal_size().columns)
        self._drawn: list[str] = []
        self._columns = 0
        self._lock = threading.Lock()

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Draw until left, then take the lines away."""
        TALK.above = self.say
        try:
            with _every(REDRAW, self.draw):
                yield
        finally:
            TALK.above = None
            with self._lock:
                self._put([], "")

    def draw(self) -> None:
        """Draw the lines as they are now."""
        with self._lock:
            self._put(self._lines(), "")

    def say(self, line: str) -> None:
        """Print a line above."""
        with self._lock:
            self._put(self._lines(), line + "\n")

    def _put(self, lines: Sequence[Sequence[Part]], above: str) -> None:
        columns = self._width()
        room = max(1, columns - 1)  # a full line would wrap in some terminals
        rows = sum(max(1, -(-len(line) // columns)) for line in self._drawn)
        back = f"\r\x1b[{rows - 1}A" if rows > 1 else "\r"
        wipe = "\x1b[J" if above or not lines or columns != self._columns else ""
        drawn = [fit(parts, room) for parts in lines]
        self._stream.write(back + wipe + above + "\n".join(f"{line}\x1b[K" for line in drawn))
        self._stream.flush()
        self._drawn, self._columns = drawn, columns


@contextmanager
def _every(seconds: float, act: Callable[[], None]) -> Iterator[None]:
    """Call on a thread every so often, so that it goes on where a job waits."""
    over = threading.Event()

    def loop() -> None:
        with suppress(OSError):  # whoever read it is gone
            while not over.wait(seconds):
                act()

    thread = threading.Thread(target=loop, name="extractor progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
