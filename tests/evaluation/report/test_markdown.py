"""The pull request says what moved, without taking names for mark-up."""

import re

import pytest

from extractor.evaluation import align
from extractor.evaluation.report import assemble
from extractor.evaluation.report.markdown import markdown
from extractor.evaluation.systems import LeftOut, System
from tests.evaluation.planted import GOLD, perfect, replace
from tests.evaluation.report.reports import FLAWED, evaluated, flawed, report, right


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
    assert "### openai/b against rules, on three" in text
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
    both = (good, bad) if better_first else (bad, good)
    text = markdown(assemble([evaluated(*both, documents=golds)]))
    said = re.search(r"- rose: (.*)\n- fell: (.*)\n- not told apart: (.*)", text)
    assert said
    moved, nothing = (said[2], said[1]) if better_first else (said[1], said[2])
    assert "claims right " + ("−" if better_first else "+") in moved
    assert "p = 0.0078)" in moved
    assert nothing == "nothing"


def test_markdown_of_one_system_compares_nothing() -> None:
    assert " against " not in markdown(report(right()))


def test_markdown_tells_a_system_that_is_not_recorded_from_one_that_finds_nothing() -> None:
    unrecorded = LeftOut("openai/a", "nothing is recorded of it on these abstracts", recorded=False)
    text = markdown(assemble([evaluated(right(), left_out=(unrecorded,)), evaluated(right(), flawed("openai/a"), name="more")]))
    assert "| openai/a | not recorded |" in text
    assert text.index("## three") < text.index("not recorded") < text.index("## more")
    assert "Left out" not in text
