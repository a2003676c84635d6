"""Which words call the paper's own system a benchmark or a dataset, and which only stand beside its name."""

import pytest

from extractor.labelling.rules.lexicon import lexicon
from extractor.labelling.rules.system import is_benchmark

NOUNS = lexicon().lists["benchmarks"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Zeta: A Large-Scale Benchmark for Repairs", id="apposed in the title"),
        pytest.param("T\nWe present Zeta (Zero-shot Tasks), a new and diverse dataset.", id="apposed behind parentheses"),
        pytest.param("T\nZeta is the first corpus of orchard calls.", id="said to be one"),
        pytest.param("T\nWe build an image benchmark called Zeta.", id="called"),
        pytest.param("T\nWe introduce the Zoo Eating Task Benchmark (Zeta).", id="introduced"),
        pytest.param("T\nTo this end, we built our evaluation suite, Zeta.", id="apposed name"),
        *(f"T\nWe build an image benchmark {called} Zeta." for called in ("named", "dubbed", "termed")),
        *(
            f"Zeta: A Dataset {behind} Trees"
            for behind in ("for", "of", "that", "which", "to", "with", "on", "from", "by", "in")
        ),
    ],
)
def test_the_paper_presents_a_benchmark(text: str) -> None:
    assert is_benchmark("Zeta", text, NOUNS)


def test_a_name_says_that_it_is_one() -> None:
    assert is_benchmark("ZetaBench+", "ZetaBench+: Repairs at Scale", NOUNS)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Zeta: A Framework for Benchmark Construction", id="a framework for one"),
        pytest.param("T\nZeta, a method that sets a new benchmark.", id="a method that sets one"),
        pytest.param("T\nOn a new benchmark, Zeta wins.", id="measured on one"),
        pytest.param("T\nZeta wins on the Zeta dataset.", id="named, but not presented"),
        pytest.param("T\nExisting approaches fail. Zeta: benchmarking is easy.", id="no title"),
        pytest.param("Zeta: A Dataset Distillation Method", id="a noun before the head"),
    ],
)
def test_the_paper_presents_none(text: str) -> None:
    assert not is_benchmark("Zeta", text, NOUNS)
