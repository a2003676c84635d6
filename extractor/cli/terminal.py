"""What is said to a person: one line, a job's progress while it runs, what it came to, and what stopped it.

Text of an abstract is shown, never obeyed: no mark-up, no control characters. On a terminal lines move, a log gets a line
every half minute, or JSON.
"""

import os
import re
import shutil
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import typer

from extractor.cli.codes import ALL_DONE, DONE_WITH_FAILURES, INTERRUPTED, NOTHING_DONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from extractor.jobs.job import Counts, Outcome, Progress
    from extractor.jobs.sinks import Watched

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


def width(*, piped: int = 80) -> int:
    """Columns that a line on standard output may have: those of the terminal or of COLUMNS, else `piped`."""
    return shutil.get_terminal_size((piped, 24)).columns if sys.stdout.isatty() or "COLUMNS" in os.environ else piped


def console() -> "Console":
    """A console that takes text literally: no mark-up, no emoji codes, no guessed highlights."""
    from rich.console import Console

    return Console(markup=False, emoji=False, highlight=False, soft_wrap=False)


REDRAW = 0.2
"""Seconds between two pictures on a terminal."""
LOG = 30.0
"""Seconds between two lines in a log."""

Part = tuple[int, str]
"""A piece of a line, after its rank: where there is no room for all, the highest ranks are left out first."""


@contextmanager
def progress(job: "Watched", max_cost: float | None, *, calls: bool) -> Iterator[None]:
    """Show how far a job is while it runs; `calls` says that a model is asked."""

    def lines() -> list[Sequence[Part]]:
        now, counts = job.progress(), job.counts
        return [documents(now), *([model(counts, job.spent, max_cost)] if calls else [])] if now else []

    if TALK.as_json:
        with _every(LOG, lambda: tell("progress", **facts(job))):
            yield
    elif sys.stderr.isatty():
        with Live(sys.stderr, lines).moving():
            yield
    else:
        with _every(LOG, lambda: say("; ".join(fit(parts, sys.maxsize) for parts in lines()))):
            yield


def facts(job: "Watched") -> dict[str, object]:
    """What a JSON line says of the progress."""
    now, counts = job.progress(), job.counts
    tokens = {"input_tokens": counts.input_tokens, "output_tokens": counts.output_tokens}
    return (now.as_json() if now else {}) | {"calls": counts.calls, **tokens, "spent_usd": round(job.spent, 6)}


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
        try:
            with TALK.above(self.say), _every(REDRAW, self.draw):
                yield
        finally:
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


_LISTED_FAILURES = 10
_LISTED_SKIPPED = 5


def summarise(counts: "Counts", seconds: float, *, calls: bool) -> None:
    """Print the counts; `calls` says that a model was asked."""
    if TALK.as_json:
        tell("summary", **counts.as_json(), seconds=round(seconds, 1))
        return
    rows = [
        ("documents", f"{counts.documents:,}"),
        ("claims", f"{sum(counts.claims.values()):,}"),
        *((f"  {kind}", f"{number:,}") for kind, number in counts.claims.items()),
        ("hardware", f"{counts.hardware:,}"),
        ("rejected", f"{counts.rejected:,}"),
        *((f"  {reason}", f"{number:,}") for reason, number in sorted(counts.rejected_by_reason.items())),
        ("failed", f"{counts.failed:,}"),
        ("seconds", f"{seconds:.1f}"),
    ]
    if calls:
        rows[-1:-1] = [
            ("calls", f"{counts.calls:,}"),
            ("  re-asked", f"{counts.reasks:,}"),
            ("no call", f"{counts.uncalled:,}"),
            ("cached", f"{counts.cached:,}"),
            ("tokens in", f"{counts.input_tokens:,}"),
            ("tokens out", f"{counts.output_tokens:,}"),
            ("cost", "unknown" if counts.cost_usd is None else f"${counts.cost_usd:.4f}"),
        ]
    first, second = (max(len(row[n]) for row in rows) for n in (0, 1))
    for name, number in rows:
        say(f"{name:<{max(12, first + 2)}}{number:>{second}}")


def list_failures(folder: Path, failed: int) -> None:
    """One line for each of the first failures."""
    from itertools import islice

    from extractor.outputs.jsonl import FAILURES, SHARDS, read_failures

    for failure in islice(read_failures(folder), _LISTED_FAILURES):
        place = failure.source if failure.line is None else f"{failure.source}:{failure.line}"
        say(f"{place}: {failure.cause.rstrip('.')}. {failure.fix}")
    if failed > _LISTED_FAILURES:
        say(f"and {failed - _LISTED_FAILURES:,} more in {folder if (folder / SHARDS).is_dir() else folder / FAILURES}")


def leave(outcome: "Outcome", folder: Path | None, interrupted: str) -> NoReturn:
    """Say what a job has come to, in its folder or on standard output, and leave with its exit code."""
    if outcome.interrupted:
        say(interrupted)
        raise typer.Exit(INTERRUPTED)
    report(outcome, folder)
    raise typer.Exit(exit_code(outcome))


def passed_over(repeated: int, skipped: Sequence[str]) -> None:
    """Say how many documents came twice, and which files no format recognises."""
    if repeated:
        several = repeated > 1
        say(f"{repeated:,} document{'s' * several} came again in the input and {'were' if several else 'was'} read once")
    if skipped:
        listed = ", ".join(Path(name).name for name in skipped[:_LISTED_SKIPPED])
        more = f" and {len(skipped) - _LISTED_SKIPPED:,} more" if len(skipped) > _LISTED_SKIPPED else ""
        say(f"{len(skipped):,} file{'s' * (len(skipped) > 1)} skipped, not recognised: {listed}{more}")


def records_of(folder: Path) -> Path:
    """Where the records of a job are."""
    from extractor.outputs.jsonl import EXTRACTIONS, SHARDS

    return folder / (SHARDS if (folder / SHARDS).is_dir() else EXTRACTIONS)


def report(outcome: "Outcome", folder: Path | None) -> None:
    """Say what a job has come to."""
    counts, stopped = outcome.counts, outcome.stopped
    if stopped is None or outcome.answered or counts.failed:
        summarise(counts, outcome.seconds, calls=outcome.calls)
    passed_over(outcome.repeated, outcome.skipped)
    if folder is None:
        if stopped is not None:
            say(f"extractor: {stopped}")
        return
    if counts.failed:
        list_failures(folder, counts.failed)
    if outcome.changed:
        say(f"{outcome.changed:,} of the documents had another text before and were done anew")
    if outcome.kept:
        say(f"{outcome.kept:,} of the documents are no longer in the input; --fresh drops them")
    if stopped is None:
        say(str(records_of(folder)))
    else:
        goes_on = f" What is done is in {folder}; the same command goes on from there." if outcome.answered else ""
        say(f"extractor: {stopped}{goes_on}")


def exit_code(outcome: "Outcome") -> int:
    """How a job has ended."""
    from extractor.errors import BudgetError

    counts, stopped = outcome.counts, outcome.stopped
    if stopped is None:
        return ALL_DONE if not counts.failed else DONE_WITH_FAILURES if counts.extracted else NOTHING_DONE
    return DONE_WITH_FAILURES if outcome.answered or isinstance(stopped, BudgetError) else NOTHING_DONE


@contextmanager
def mishaps(target: str, interrupted: str) -> Iterator[None]:
    """Say in one line what stopped a job from outside, and leave with the code for it."""
    try:
        yield
    except KeyboardInterrupt:
        say(interrupted)
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        raise
    except OSError as error:
        silence()
        say(f"extractor: Cannot write {error.filename or target}: {error.strerror}. Mend that or choose another -o.")
        raise typer.Exit(NOTHING_DONE) from None
