"""What is shown of a running job: what fits, in place, and what a log gets."""

import io
import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer

from extractor.cli import terminal as module
from extractor.cli.terminal import TALK, Live, Part, clock, documents, fit, model, progress, say, short
from extractor.errors import BudgetError, JobError
from extractor.jobs.job import Counts, Job, Outcome, Progress, Watch
from extractor.jobs.journal import Journal

AT = Progress(done=12_345, failed=3, pending=87_655, read_through=False, in_flight=32, rate=41.2, eta=2127.0)
SPENT = Counts(documents=12_348, failed=3, calls=12_000, input_tokens=9_800_000, output_tokens=1_234_567, cost_usd=2.5)


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (80, "12,345 done, 3 failed, 32 in flight, about 87,655 to go, 41/s, ETA 35:27"),
        (60, "12,345 done, 3 failed, about 87,655 to go, 41/s, ETA 35:27"),
        (40, "12,345 done, 3 failed, 41/s, ETA 35:27"),
        (25, "12,345 done, 3 failed"),
        (12, "12,345 done"),
        (5, ""),
    ],
)
def test_documents(width: int, line: str) -> None:
    assert fit(documents(AT), width) == line


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (80, "12,000 calls, 9.8M tokens in, 1.2M out, $2.5000 of $5"),
        (40, "9.8M tokens in, 1.2M out, $2.5000 of $5"),
        (30, "9.8M tokens in, $2.5000 of $5"),
        (20, "$2.5000 of $5"),
    ],
)
def test_model(width: int, line: str) -> None:
    assert fit(model(SPENT, 2.5, 5.0), width) == line


def test_what_is_not_known_is_not_made_up() -> None:
    pipe = Progress(done=5, failed=0, pending=None, read_through=False, in_flight=0, rate=0.0, eta=None)
    assert fit(documents(pipe), 80) == "5 done, 0 failed, 0/s"
    assert fit(model(Counts(calls=2, cost_usd=None), 0.0, None), 80) == "2 calls, 0 tokens in, 0 out, cost unknown"


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (0.42, "0.42"), (7.31, "7.3"), (580.4, "580"), (9999, "9,999"), (12_400, "12.4k"), (1.2e6, "1.2M")],
)
def test_short_numbers(number: float, text: str) -> None:
    assert short(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (42.4, "0:42"), (751, "12:31"), (3723, "1:02:03"), (273_900, "3d 04:05")]
)
def test_durations(seconds: float, text: str) -> None:
    assert clock(seconds) == text


class Terminal:
    """A terminal that knows what the live lines use, and wraps anew when its width changes."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.rows: list[str] = [""]
        self.row = self.column = 0

    def feed(self, text: str) -> None:
        for code in re.findall(r"\x1b\[\d*[A-Z]|.|\n", text, re.DOTALL):
            if code == "\r":
                self.column = 0
            elif code == "\n":
                self.row, self.column = self.row + 1, 0
                if self.row == len(self.rows):
                    self.rows.append("")
            elif code.endswith("A") and code.startswith("\x1b"):
                self.row -= int(code[2:-1])
                assert self.row >= 0
            elif code == "\x1b[K":
                self.rows[self.row] = self.rows[self.row][: self.column]
            elif code == "\x1b[J":
                self.rows[self.row] = self.rows[self.row][: self.column]
                del self.rows[self.row + 1 :]
            else:
                assert self.column < self.columns, "the line is too long"
                line = self.rows[self.row]
                self.rows[self.row] = line[: self.column] + code + line[self.column + 1 :]
                self.column += 1

    def resize(self, columns: int) -> None:
        """Wrap what is wider into rows of the new width, as terminals do; the cursor stays at its character."""
        rows: list[str] = []
        row = column = 0
        for n, line in enumerate(self.rows):
            if n == self.row:
                row, column = len(rows) + self.column // columns, self.column % columns
            rows += [line[start : start + columns] for start in range(0, max(1, len(line)), columns)]
        self.columns, self.rows, self.row, self.column = columns, rows, row, column


class Drawn(io.StringIO):
    """A stream to a terminal."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__()
        self.terminal = terminal
        self.writes: list[str] = []
        self.written = threading.Event()

    def write(self, text: str) -> int:
        self.writes.append(text)
        self.terminal.feed(text)
        self.written.set()
        return len(text)


@pytest.fixture
def terminal() -> Terminal:
    return Terminal(80)


@pytest.fixture
def drawn(terminal: Terminal) -> Drawn:
    return Drawn(terminal)


@pytest.fixture
def live(terminal: Terminal, drawn: Drawn) -> Live:
    lines: list[Sequence[Part]] = [documents(AT), model(SPENT, 2.5, 5.0)]
    return Live(drawn, lambda: lines, lambda: terminal.columns)


WIDE = [
    "12,345 done, 3 failed, 32 in flight, about 87,655 to go, 41/s, ETA 35:27",
    "12,000 calls, 9.8M tokens in, 1.2M out, $2.5000 of $5",
]
NARROW = ["12,345 done, 3 failed, 41/s, ETA 35:27", "9.8M tokens in, 1.2M out, $2.5000 of $5"]


def test_lines_are_drawn_over_in_place_in_one_write_each(live: Live, terminal: Terminal, drawn: Drawn) -> None:
    terminal.feed("before\n")
    for _ in range(3):
        live.draw()
        assert terminal.rows == ["before", *WIDE]
    assert len(drawn.writes) == 3
    assert "\x1b[J" not in "".join(drawn.writes[1:])  # nothing is wiped before it is drawn over: nothing flickers


def test_what_is_said_scrolls_by_above(live: Live, terminal: Terminal) -> None:
    live.draw()
    live.say("openai/m does not take 'temperature'")
    live.draw()
    assert terminal.rows == ["openai/m does not take 'temperature'", *WIDE]


@pytest.mark.parametrize("columns", [40, 41, 60, 79, 100])
def test_a_change_of_width_leaves_nothing_behind(live: Live, terminal: Terminal, columns: int) -> None:
    terminal.feed("before\n")
    live.draw()
    terminal.resize(columns)
    live.draw()
    assert terminal.rows[0] == "before"
    assert len(terminal.rows) == 3
    if columns == 40:
        assert terminal.rows[1:] == NARROW
    terminal.resize(80)
    live.draw()
    assert terminal.rows == ["before", *WIDE]


def test_at_the_end_nothing_is_left(live: Live, terminal: Terminal, drawn: Drawn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REDRAW", 0.001)
    terminal.feed("before\n")
    with live.moving():
        assert drawn.written.wait(30)
        say("between")
        assert terminal.rows == ["before", "between", *WIDE]
    assert terminal.rows == ["before", "between", ""]


@contextmanager
def once(seconds: float, act: Callable[[], None]) -> Iterator[None]:
    """As if half a minute had passed."""
    assert seconds == 30
    act()
    yield


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_a_log_gets_a_line_now_and_then(
    as_json: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "_every", once)
    monkeypatch.setattr(TALK, "as_json", as_json)
    journal = Journal(tmp_path, Job(("papers.jsonl",)), watch=Watch())
    journal.counts = SPENT
    journal.charge(2.5)
    with progress(journal, None, calls=True):
        pass
    lines = capsys.readouterr().err.splitlines()
    assert lines
    if as_json:
        said = json.loads(lines[0])
        assert (said["event"], said["done"], said["failed"], said["spent_usd"]) == ("progress", 12_345, 3, 2.5)
        assert said["time"].endswith("+00:00")
    else:
        assert lines[0] == "12,345 done, 3 failed, 0/s; 12,000 calls, 9.8M tokens in, 1.2M out, $2.5000"


STOPPED = JobError("the key is wrong", "Set it.")
AT_ITS_CAP = BudgetError("the cap is reached", "Raise it.")


@pytest.mark.parametrize(
    ("counts", "stopped", "code", "summed_up"),
    [
        (Counts(documents=2), None, 0, True),
        (Counts(), None, 0, True),
        (Counts(documents=2, failed=1), None, 3, True),
        (Counts(documents=2, failed=2), None, 1, True),
        (Counts(documents=2), STOPPED, 3, True),
        (Counts(documents=2, uncalled=2), STOPPED, 1, False),
        (Counts(), STOPPED, 1, False),
        (Counts(documents=1, failed=1), STOPPED, 1, True),
        (Counts(), AT_ITS_CAP, 3, False),
    ],
    ids=[
        "all done", "nothing to do", "some failed", "all failed", "stopped on the way", "stopped, none needed a call",
        "stopped at once", "stopped after a failure", "at its cap at once",
    ],
)  # fmt: skip
def test_how_a_job_has_ended(
    counts: Counts, stopped: JobError | None, code: int, summed_up: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = Outcome(counts, stopped=stopped)
    assert module.exit_code(outcome) == code
    module.report(outcome, None)
    said = capsys.readouterr().err.splitlines()
    assert any(line.startswith("documents ") for line in said) is summed_up
    assert [line for line in said if line.startswith("extractor:")] == ([f"extractor: {stopped}"] if stopped else [])


def test_an_interrupted_job_says_only_that(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as left:
        module.leave(Outcome(Counts(documents=2), interrupted=True), None, "Interrupted.")
    assert (left.value.exit_code, capsys.readouterr().err) == (130, "Interrupted.\n")
