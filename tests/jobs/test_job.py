"""How far a job is: done, failed, pending, and when it ends."""

import json
from pathlib import Path

import pytest

from extractor.jobs import job as module
from extractor.jobs.job import Counts, Watch
from extractor.sources import Gauge, read


class Half(Gauge):
    """An input of which a part has been read."""

    def __init__(self, part: float | None) -> None:
        super().__init__()
        self.read = part

    def part(self) -> float | None:
        return self.read


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of the module, in its only item."""
    clock = [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: clock[0])
    return clock


def test_what_is_left_is_estimated_by_the_bytes_until_the_input_is_read_through(now: list[float]) -> None:
    watch, counts = Watch(Half(0.25)), Counts(documents=30, failed=2)
    watch.read, watch.settled = 40, 30
    now[0] += 10
    at = watch.progress(counts)
    assert (at.done, at.failed, at.in_flight, at.pending) == (28, 2, 10, 10 + 120)
    assert (at.rate, at.read_through) == (3.0, False)
    assert at.eta == pytest.approx(130 / 3)
    watch.read_through = True
    assert watch.progress(counts).pending == 10


def test_what_was_done_before_is_neither_fast_nor_pending(now: list[float]) -> None:
    watch = Watch(Half(0.5))
    watch.read = watch.skipped = 60
    now[0] += 5
    at = watch.progress(Counts(documents=100), before=100)
    assert (at.pending, at.rate, at.eta) == (20, 0.0, None)


def test_the_rate_is_that_of_the_last_minute(now: list[float]) -> None:
    watch = Watch(Half(0.5))
    for second in range(200):
        now[0] += 1
        watch.read = watch.settled = watch.settled + (10 if second < 100 else 1)
        watch.progress(Counts())
    assert watch.progress(Counts()).rate == pytest.approx(1.0)


def test_of_a_pipe_nothing_is_foreseen(now: list[float]) -> None:
    watch = Watch(Half(None))
    watch.read = watch.settled = 5
    now[0] += 1
    at = watch.progress(Counts())
    assert (at.pending, at.eta) == (None, None)
    assert json.loads(json.dumps(at.as_json()))["pending"] is None


def test_a_gauge_follows_the_bytes_of_all_files(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.jsonl").write_text('{"title": "T", "abstract": "A."}\n' * 5000)
    gauge = Gauge()
    assert gauge.part() is None
    seen = [gauge.part() or 0.0 for _ in read([str(tmp_path)], gauge=gauge)]
    assert seen == sorted(seen)
    assert seen[0] < 0.001
    assert seen[4999] == pytest.approx(0.5, abs=0.001)
    assert (seen[-1], gauge.part()) == (1.0, 1.0)


def test_a_gauge_knows_nothing_of_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"title": "T", "abstract": "A."}\n')
    gauge = Gauge()
    with (tmp_path / "a.jsonl").open("rb") as stdin:
        assert len(list(read([str(tmp_path / "a.jsonl"), "-"], stdin=stdin, gauge=gauge))) == 2
    assert gauge.part() is None
