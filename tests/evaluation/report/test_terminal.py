"""The headline fits a terminal, the tables say what the figures say, and the list names each error once."""

import re
from pathlib import Path

import pytest

from extractor.cli.table import page
from extractor.evaluation import GoldDocument, align, score
from extractor.evaluation.findings import Coverage
from extractor.evaluation.metrics import Share
from extractor.evaluation.report.terminal import headline, list_errors, table
from extractor.evaluation.usage import Usage, usage
from extractor.records import Extraction, Provenance, Rejection
from tests.evaluation.planted import (
    ACCURACY,
    GOLD,
    NANO,
    PHONES,
    SPEED,
    SPEEDUP,
    extraction,
    perfect,
    predict,
    replace,
    span_of,
    target,
)
from tests.evaluation.report.reports import flawed, report, right

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "evaluation.md"
AGAIN = "... image on mobile phones. Overall, being [2.5x] faster than Squid, Kraken scores 71% ac..."
PHONES_AROUND = "...etson Nano. It needs 40 ms per image on [mobile phones]. Overall, being 2.5x faster than Squid,..."
SPEED_AROUND = "...r than Squid on a Jetson Nano. It needs [40 ms] per image on mobile phones. Overall, be..."
KRAKEN_AROUND = "Kraken: fast inference [Kraken] runs 2.5x faster than Squid on a Jetson..."
OVERALL_AROUND = "...needs 40 ms per image on mobile phones. [Overall], being 2.5x faster than Squid, Kraken s..."
OF_SPOTTING = ("  misread", "  unspotted")


def listed(record: Extraction, gold: GoldDocument = GOLD) -> list[str]:
    """The errors of the labeller; those of spotting have their own test."""
    return [line for line in list_errors([align(gold, record)]) if not line.startswith(OF_SPOTTING)]


def test_a_perfect_extraction_has_no_error() -> None:
    assert listed(perfect(GOLD))[1:] == []


def test_each_error_has_one_line() -> None:
    claims = (
        predict(SPEEDUP, kind="speed", subject="Squid", baseline=None),
        predict(SPEEDUP, span=SPEEDUP.restated[0]),
        predict(ACCURACY, low=70.0, metric="71% accuracy"),
    )
    hardware = (target(NANO, role="intended"), target(NANO, span=span_of("Kraken", 1), name="Kraken"))
    heading, *lines = listed(extraction(claims, hardware, "Squid"))
    assert heading == "planted  Kraken: fast inference"
    assert [(kind, what) for kind, what, *_ in (line.strip().split(maxsplit=1) for line in lines)] == [
        ("wrong", "system: 'Kraken' -> 'Squid'"),
        ("missed", f"'40 ms' speed absolute  {SPEED_AROUND}"),
        ("spurious", f"'2.5x' speedup change better  (a gold claim that has its prediction)  {AGAIN}"),
        ("wrong", "'2.5x' kind: 'speedup' -> 'speed'; subject: 'Kraken' -> 'Squid'; baseline: 'Squid' -> None"),
        ("wrong", "'71%' value: 71 -> 70..71; ~metric: 'accuracy' -> '71% accuracy'"),
        ("missed", f"hardware 'mobile phones' mobile evaluated  {PHONES_AROUND}"),
        ("spurious", f"hardware 'Kraken' edge evaluated  {KRAKEN_AROUND}"),
        ("wrong", "hardware 'Jetson Nano' role: evaluated -> intended"),
    ]


def test_the_system_s_name_in_other_case_is_no_error() -> None:
    assert listed(perfect(GOLD), replace(GOLD, system="KRAKEN"))[1:] == []


def test_spotting_errors_come_first() -> None:
    """Gold that contradicts the text stands for a spotter that misreads it: a false value, a quantity without a number."""
    value = SPEED.quantity.model_copy(update={"high": 99.0})
    word = SPEEDUP.quantity.model_copy(update={"text": "faster"})
    claims = (replace(SPEEDUP, quantity=word, span=span_of("fast"), restated=()), replace(SPEED, quantity=value))
    gold = replace(GOLD, claims=claims, hardware=(replace(PHONES, name="Overall", span=span_of("Overall")),))
    lines = [line for line in list_errors([align(gold, extraction())]) if line.startswith(OF_SPOTTING)]
    assert lines == [
        "  unspotted  'faster' [2.5 x exact]  Kraken: [fast] inference Kraken runs 2.5x faster than ...",
        "  misread    '40 ms' [40..99 ms exact] -> '40 ms' [40 ms exact]",
        f"  unspotted  hardware 'Overall'  {OVERALL_AROUND}",
    ]


def test_the_lines_in_the_documentation_are_real() -> None:
    value = SPEED.quantity.model_copy(update={"high": 99.0})
    gold = replace(GOLD, claims=(replace(SPEED, quantity=value), ACCURACY))
    lines = [*list_errors([align(gold, extraction((predict(ACCURACY, low=70.0, metric="71% accuracy"),)))])]
    shown = DOCUMENTATION.read_text(encoding="utf-8").partition("```\nplanted")[2].partition("\n```")[0].splitlines()[1:]
    assert len(shown) == 3
    assert set(shown) <= set(lines)


def rendered(record: Extraction, used: Usage | None = None) -> list[str]:
    coverage = Coverage(Share(3, 4), Share(1, 4), Share(0, 0))
    parts = table("planted", score([align(GOLD, record)]), coverage, used)
    return [" ".join(line.split()) for line in page(parts, 200)]


def test_the_table_shows_ratios_and_the_counts_behind_them() -> None:
    rows = rendered(extraction((predict(SPEEDUP), predict(ACCURACY, unit=None, metric="71% accuracy"))))
    assert "planted: 1 abstract" in rows
    assert "claims: detection 1.000 0.667 0.800 2 0 1" in rows
    assert "claims: strict 0.500 0.333 0.400 1 1 2" in rows
    assert "hardware 0.000 0.000 0.000 0 0 2" in rows
    assert "claim: unit 0.500 2" in rows
    assert "claim: metric 0.500 1.000 2 0.000 1" in rows
    assert "system 1.000 1.000 1" in rows
    assert "abstracts right 0.000 1" in rows
    assert "in every field 0.000 1" in rows
    assert "quantities listed 0.750 3/4" in rows
    assert "quantities read right 0.250 1/4" in rows


def test_a_ratio_of_nothing_is_a_dash() -> None:
    rows = rendered(extraction())
    assert "claim: unit - 0" in rows
    assert "resource - - - 0 0 0" in rows
    assert "hardware names listed - 0/0" in rows


def test_the_table_shows_what_a_model_took_and_what_was_rejected() -> None:
    made = Provenance(extractor="0", labeller="llm", model="m", calls=2, attempts=2, cost_usd=0.0125)
    invented = Rejection(field="claims[0].metric", value="?", reason="not found in the text")
    record = extraction((predict(ACCURACY),)).model_copy(update={"provenance": made, "rejected": (invented,)})
    rows = rendered(record, usage([record, record]))
    assert "calls 2.000 4" in rows
    assert "dollars 0.0125 0.0250" in rows
    assert "labels refused 0.000 0/2" in rows
    assert "phrases ungrounded 0.200 2/10" in rows
    unpriced = record.model_copy(update={"provenance": made.model_copy(update={"cost_usd": None})})
    assert "dollars - -" in rendered(record, usage([unpriced]))


def lines(*names: str, width: int = 80) -> list[str]:
    systems = [right(), *(flawed(name) for name in names)]
    return [*page(headline(report(*systems)), width)]


@pytest.mark.parametrize(
    "names", [(), ("openai/a",), ("openai/qwen2.5-coder-1.5b-instruct-q4_k_m", "ollama/b", "ollama/c", "x/d")]
)
def test_the_headline_fits_80_columns_with_all_its_figures(names: tuple[str, ...]) -> None:
    shown = lines(*names)
    assert max(map(len, shown)) <= 80
    assert not [line for line in shown if "…" in line]
    rows = [line.split()[1:] for line in shown if line.startswith("  rules  ")]
    assert rows == [["100.0"] * 5 + ["0", "0"], ["100.0"] * 6]


def test_the_headline_fits_40_columns_and_breaks_no_word() -> None:
    whole, shown = ([*lines("openai/qwen2.5-coder-1.5b-instruct-q4_k_m", width=width)] for width in (500, 40))
    assert max(map(len, shown)) <= 40
    words = {word for line in shown for word in line.split()} - {word for line in whole for word in line.split()}
    assert {word for word in words if "…" not in word and not word.endswith(":")} == set()


def test_the_headline_says_intervals_costs_and_verdicts() -> None:
    shown = "\n".join(lines("openai/flawed"))
    assert shown.startswith("three: 3 abstracts, 6 claims, 4 hardware targets: planted ones")
    assert "openai/flawed finds 5 of 6 claims" in shown
    assert re.search(r"66\.7.*\n.*\d+\.\d–100", shown)
    assert " 330 " in shown
