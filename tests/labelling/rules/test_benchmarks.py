"""Which words call the paper's own system a benchmark or a dataset, and which only stand beside its name."""

import pytest

from extractor.labelling.rules.benchmarks import benchmark_of


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Zeta: A Large-Scale Benchmark for Repairs", id="apposed in the title"),
        pytest.param("T\nWe present Zeta (Zero-shot Tasks), a new and diverse dataset.", id="apposed behind parentheses"),
        pytest.param("T\nZeta is the first corpus of orchard calls.", id="said to be one"),
        pytest.param("Zeta: Benchmarking Agents in Orchards", id="benchmarking, in the title"),
        pytest.param("T\nWe release the Zeta dataset, which holds 10 hours.", id="head of the name"),
        pytest.param("T\nWe build an image benchmark called Zeta.", id="called"),
        pytest.param("T\nTo this end, we built our evaluation suite, Zeta.", id="apposed name"),
    ],
)
def test_the_paper_presents_a_benchmark(text: str) -> None:
    assert benchmark_of(text, "Zeta") == "Zeta"


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
    assert benchmark_of(text, "Zeta") is None


def test_without_a_name_there_is_none() -> None:
    assert benchmark_of("We present a new benchmark.", None) is None
