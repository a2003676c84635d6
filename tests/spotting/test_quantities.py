"""Every number that abstracts hold is read to its value, unit and bound, at its exact place; names and references are not."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from extractor.evaluation.gold import read_gold
from extractor.spotting import spot

CASES = json.loads(Path(__file__).with_name("quantities.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("text", "expected"), CASES["found"], ids=[text for text, _ in CASES["found"]])
def test_reads_value_unit_and_bound(text: str, expected: list[list[object]]) -> None:
    assert [[m.text, m.low, m.high, m.unit, m.bound] for m in spot(text).quantities] == expected


@pytest.mark.parametrize("text", CASES["left alone"])
def test_leaves_names_and_references_alone(text: str) -> None:
    assert spot(f"We study {text} here.").quantities == ()


@pytest.mark.parametrize("text", [text for text, _ in CASES["found"]])
def test_spans_hold_the_text_wherever_it_stands(text: str) -> None:
    whole = f"Ünïcode 😀 title\nWe show it: {text} in all."
    for mention in spot(whole).quantities:
        assert whole[slice(*mention.span)] == mention.text


@given(
    st.integers(0, 10**7),
    st.integers(0, 3),
    st.sampled_from([("ms", "ms"), (" seconds", "s"), ("x", "x"), ("\\%", "%"), (" GB", "GB")]),
)
def test_any_number_is_read_to_its_value(digits: int, decimals: int, unit: tuple[str, str]) -> None:
    written = f"{digits / 10**decimals:.{decimals}f}"
    (mention,) = spot(f"it needs {written}{unit[0]} in all").quantities
    assert (mention.text, mention.low, mention.high, mention.unit) == (
        written + unit[0],
        float(written),
        float(written),
        unit[1],
    )


@given(st.integers(1000, 10**9))
def test_grouped_digits_are_one_number(value: int) -> None:
    (mention,) = spot(f"has {value:,} MB in all").quantities
    assert (mention.text, mention.low) == (f"{value:,} MB", value)


@given(st.text(alphabet=st.sampled_from("0123456789.,-+–%$\\{}^_x×~/() \nkMBaeimnorst"), max_size=60))
@example("1e999")
@example("10^{999}")
@example("9 orders of magnitude 999 orders of magnitude")
@example("\\frac{1}{0} 1/0")
def test_any_text_gives_ordered_mentions_that_hold_their_text(text: str) -> None:
    mentions = spot(text).quantities
    assert [m.id for m in mentions] == list(range(1, len(mentions) + 1))
    ends = 0
    for mention in mentions:
        start, end = mention.span
        assert ends <= start < end
        assert text[start:end] == mention.text
        assert mention.low <= mention.high < float("inf")
        ends = end


@given(st.text(max_size=200))
def test_any_unicode_is_survived(text: str) -> None:
    mentions = spot(text)
    assert all(text[slice(*m.span)] == m.text for m in mentions.quantities)
    assert all(text[slice(*m.span)] == m.text for m in mentions.hardware)


def test_numbers_inside_hardware_names_are_no_quantities() -> None:
    mentions = spot("Edge\nIt runs on a Raspberry Pi 4 in 20 ms.")
    assert [m.text for m in mentions.quantities] == ["20 ms"]


def test_ids_are_unique_across_quantities_and_hardware() -> None:
    mentions = spot("Edge\nIt runs at 40 FPS and 3 W on a Jetson Nano and a Raspberry Pi 4.")
    ids = [m.id for m in mentions.quantities] + [m.id for m in mentions.hardware]
    assert ids == list(range(1, len(ids) + 1))
    assert len(ids) >= 4


def test_99_percent_of_the_annotated_quantities_are_read_right() -> None:
    right = total = 0
    for gold in read_gold(Path("evals/gold/seeds")):
        mentions = spot(gold.document.text).quantities
        for claim in gold.claims:
            total += 1
            right += any(
                m.span[0] < claim.span[1]
                and claim.span[0] < m.span[1]
                and m.low == pytest.approx(claim.quantity.low, rel=1e-3)
                and m.high == pytest.approx(claim.quantity.high, rel=1e-3)
                and (m.unit, m.bound) == (claim.quantity.unit, claim.quantity.bound)
                for m in mentions
            )
    assert total == 185
    assert right / total >= 0.99
