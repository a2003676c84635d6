"""Reading an abstract takes time in proportion to its length, whatever is repeated in it."""

import asyncio
import gc
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time
from types import FrameType

import pytest

from extractor.documents import Document
from extractor.labelling.rules import RulesLabeller
from extractor.worker import extract_document

SHORT, LONG = 10_000, 80_000
"""Characters of an abstract that are compared."""
SECONDS = 1.0
"""CPU time that the longer one may take."""
MARGIN = 3
"""How many times the CPU time of one character may grow from the shorter one to the longer one."""
BLUR = 0.01
"""CPU time below which a difference is that of the clock and of the machine."""

CHARACTERS = [*"7-–−,.:;/\\'~^_+%$<>()[]{}! \n", *"axX×±½⁵µ😀", "\r\n", "\u00a0", "\u2009"]
NUMBERS = [
    *(
        "1-",
        "1–",
        "1,",
        "1.",
        "1 ",
        "1/",
        "1:",
        "1 (",
        "1(",
        "[1]",
        "[1,",
        "{1}",
        "$1$",
        "1e5",
        "10^{",
        "10^5 ",
        "1x",
        "1×",
        "1 x ",
    ),
    *(
        "1k",
        "1 K ",
        "1 to ",
        "1 and ",
        "1 ± ",
        "12 500 ",
        "12,500 ",
        "1\\,",
        "1{,}",
        "1 of ",
        "from 1 to 2 ",
        "between 1 and 2 ",
    ),
    *("p < 0.05 ", "(95% CI 1-2) ", "one ", "a ", "one-", "two orders of magnitude ", "twice ", "\\mathbf{1}", "\\SI{1}{ms} "),
    *("&#177;", "<sup>4</sup>"),
]
UNITS = ["1 ms ", "1ms", "1%, ", "1\\% ", "$1\\times$ ", "1 GB s−1 ", "1 per ", "20 ms\n", "up to 1% ", "per second "]
WORDS = [
    *(
        "&times;",
        "&",
        "<jats:p>",
        "\\text{",
        "GPU ",
        "GPU-",
        "FPGA/",
        "Raspberry Pi 4 ",
        "NVIDIA A100 80GB ",
        "Intel Core i7-",
        "tern",
    ),
    *(
        "tern-",
        "tern_",
        "Tern ",
        "Tern-",
        "TERN",
        "(Tern) ",
        "We propose Tern. ",
        "a.b.",
        "e.g. ",
        "A. ",
        "http://t.co/",
        "on the ",
    ),
    *("x" * 60 + " ", "Ab" * 40 + " ", "our method ", "accuracy of 91% on CIFAR-10, ", "reduces latency by 5 ms, "),
    *("improves F1 from 80 to 90. ", "Tern is 2x faster than Gull. "),
]
PATTERNS = [*CHARACTERS, *NUMBERS, *UNITS, *WORDS]


class OutOfTimeError(Exception):
    """The CPU time of a measurement is used up."""


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Raise `OutOfTimeError` in the block when it has used so much CPU time."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise OutOfTimeError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def seconds(pattern: str, characters: int) -> float:
    """CPU time of spotting, labelling and grounding an abstract of one pattern; infinite when it takes much too long."""
    document = Document("d", "Tern: Fast Birds", (pattern * (characters // len(pattern) + 1))[:characters])
    gc.freeze()  # what other tests have left is not looked through for garbage meanwhile
    start = process_time()
    try:
        with limit(2.5 * SECONDS):
            asyncio.run(extract_document(document, RulesLabeller()))
    except OutOfTimeError:
        return float("inf")
    finally:
        gc.unfreeze()
    return process_time() - start


def grows(pattern: str) -> str | None:
    """What is wrong with the time of a pattern; measured anew where it is, since other processes blur it."""
    fault = None
    for _ in range(2):
        short = seconds(pattern, SHORT)
        long = seconds(pattern, LONG) if short < SECONDS else short
        if long >= SECONDS:
            fault = f"{LONG} characters take {long:.2f} s"
        elif long > MARGIN * LONG / SHORT * max(short, BLUR):
            fault = f"{SHORT} characters take {short:.3f} s, {LONG} take {long:.3f} s"
        else:
            return None
        if long > 2 * SECONDS:
            break
    return fault


def test_there_are_at_least_100_patterns() -> None:
    assert len(PATTERNS) == len(set(PATTERNS)) >= 100


@pytest.mark.parametrize("pattern", [pytest.param(pattern, id=f"{n}: {pattern[:12]!r}") for n, pattern in enumerate(PATTERNS)])
def test_time_is_linear(pattern: str) -> None:
    assert grows(pattern) is None


@pytest.mark.parametrize("power", [1, 2])
def test_growth_would_be_seen(power: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time of a path that takes a second for 100,000 characters, or grows with the square of them."""
    monkeypatch.setattr(f"{__name__}.seconds", lambda _pattern, characters: (characters / 100_000) ** power)
    assert (grows("a") is None) == (power == 1)


def test_a_measurement_that_takes_too_long_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(_document: Document, _labeller: RulesLabeller) -> None:
        while True:
            pass

    monkeypatch.setattr(f"{__name__}.extract_document", endless)
    monkeypatch.setattr(f"{__name__}.SECONDS", 0.01)
    assert seconds("a", SHORT) == float("inf")
