"""The terminal and the pull request say the same figures, in little room and without taking names for mark-up."""

import re

import pytest
from rich.console import Console

from extractor.evaluation import align
from extractor.evaluation.report import assemble
from extractor.evaluation.report.markdown import markdown
from extractor.evaluation.report.terminal import headline
from extractor.evaluation.report.words import OF_CLAIMS, OF_WORDS, chance, interval, money, percent, points
from extractor.evaluation.statistics import HEADLINE, Difference, Estimate
from extractor.evaluation.systems import LeftOut, System
from tests.evaluation.planted import GOLD, perfect, replace
from tests.evaluation.report.reports import FLAWED, flawed, report, right


def test_every_headline_figure_has_its_words() -> None:
    assert {*OF_CLAIMS, *OF_WORDS} == set(HEADLINE)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        pytest.param(percent(0.98649), "98.6", id="share"),
        pytest.param(percent(None), "-", id="nothing to measure"),
        pytest.param(points(0.0123), "+1.2", id="rise"),
        pytest.param(points(-0.0123), "−1.2", id="fall"),
        pytest.param(points(-0.0001), "0.0", id="a fall too small to show"),
        pytest.param(interval(Estimate(value=0.5, low=0.4, high=0.61)), "40.0–61.0", id="interval"),
        pytest.param(interval(Estimate(value=0.5, low=None, high=None)), "", id="no interval"),
        pytest.param(interval(Difference(value=0, low=-0.1, high=0.2, p=1)), "−10.0 to +20.0", id="of a difference"),
        pytest.param(chance(0.0001), "< 0.001", id="small p"),
        pytest.param(chance(0.0312), "0.031", id="p"),
        pytest.param(money(None), "?", id="no price"),
        pytest.param(money(0.0), "0", id="free"),
        pytest.param(money(1.2345), "1.23", id="dollars"),
        pytest.param(money(0.00123), "0.0012", id="parts of a cent"),
    ],
)
def test_numbers(shown: str, expected: str) -> None:
    assert shown == expected


def lines(*names: str, width: int = 80) -> list[str]:
    console = Console(width=width, markup=False, emoji=False, highlight=False)
    systems = [right(), *(flawed(name) for name in names)]
    with console.capture() as capture:
        console.print(headline(report(*systems)))
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.mark.parametrize(
    "names", [(), ("openai/a",), ("openai/qwen2.5-coder-1.5b-instruct-q4_k_m", "ollama/b", "ollama/c", "x/d")]
)
def test_the_headline_fits_80_columns_with_all_its_figures(names: tuple[str, ...]) -> None:
    shown = lines(*names)
    assert max(map(len, shown)) <= 80
    assert not [line for line in shown if "…" in line]
    rows = [line.split()[1:] for line in shown if line.startswith("rules   ")]
    assert rows == [["100.0"] * 4 + ["0", "0"], ["100.0"] * 5]


def test_the_headline_says_intervals_costs_and_verdicts() -> None:
    shown = "\n".join(lines("openai/flawed"))
    assert shown.startswith("3 documents, 6 claims, 4 hardware targets")
    assert "openai/flawed finds 5 of 6 claims" in shown
    assert re.search(r"66\.7.*\n.*\d+\.\d–100\.0", shown)
    assert " 330 " in shown


def test_markdown_tables_are_whole() -> None:
    text = markdown(report(right(), flawed("openai/a|b_c")))
    tables = [block.splitlines() for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)]
    assert len(tables) == 2
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table}) == 1
    assert r"openai/a\|b\_c" in text
    assert "[report.html](report.html)" in text


def test_markdown_says_what_moved_and_where() -> None:
    text = markdown(report(right(), flawed("openai/b"), left_out=(LeftOut("openai/old", "it is *not* recorded"),)))
    assert "## openai/b against rules" in text
    assert "- rose: nothing\n- fell: nothing\n- not told apart: claims found −" in text  # three abstracts tell nothing
    assert "- all claims right only in rules: 1 abstract: planted" in text
    assert "- all claims right only in openai/b: 0 abstracts\n" in text
    assert r"Left out: **openai/old**. it is \*not\* recorded" in text


@pytest.mark.parametrize("better_first", [True, False])
def test_what_is_sure_rose_or_fell(better_first: bool) -> None:
    """The same errors in each of eight abstracts: of 256 ways to exchange them, 2 differ as much."""
    golds = [replace(GOLD, document=replace(GOLD.document, id=str(n))) for n in range(8)]
    good = System("good", "good", None, None, tuple(align(gold, perfect(gold)) for gold in golds))
    bad = System("bad", "bad", None, None, tuple(align(gold, FLAWED) for gold in golds))
    text = markdown(assemble(golds, (good, bad) if better_first else (bad, good)))
    said = re.search(r"- rose: (.*)\n- fell: (.*)\n- not told apart: (.*)", text)
    assert said
    moved, nothing = (said[2], said[1]) if better_first else (said[1], said[2])
    assert "claims right " + ("−" if better_first else "+") in moved
    assert "p = 0.0078)" in moved
    assert nothing == "nothing"


def test_markdown_of_one_system_compares_nothing() -> None:
    assert " against " not in markdown(report(right()))
