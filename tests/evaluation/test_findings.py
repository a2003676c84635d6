"""Spotting coverage: a gold quantity counts as read when one mention on it has its low, high, unit and bound."""

from typing import Any

import pytest

from extractor.evaluation.findings import cover, spotting_errors
from extractor.evaluation.metrics import Share, to_dict
from extractor.spotting import HardwareMention, Mentions, QuantityMention
from tests.evaluation.planted import ACCURACY, DOCUMENT, GOLD, NANO, PHONES, SPEED, SPEEDUP, replace, span_of


def quantity(span: tuple[int, int] = SPEED.span, **changes: Any) -> QuantityMention:
    meaning: dict[str, Any] = {"low": 40.0, "high": 40.0, "unit": "ms", "bound": "exact"} | changes
    return QuantityMention(id=1, span=span, text=DOCUMENT.text[slice(*span)], **meaning)


def mentions(*quantities: QuantityMention, hardware: tuple[HardwareMention, ...] = ()) -> Mentions:
    return Mentions(DOCUMENT.text, ((0, len(DOCUMENT.text)),), quantities, hardware)


ONLY_SPEED = replace(GOLD, claims=(SPEED,), hardware=(NANO, PHONES))
SHORT = (SPEED.span[0], SPEED.span[0] + 2)
BESIDE = (SPEED.span[1], SPEED.span[1] + 4)


@pytest.mark.parametrize(
    ("found", "near"),
    [
        pytest.param([quantity(span=BESIDE)], 0, id="beside the quantity"),
        pytest.param([], 0, id="none"),
        pytest.param([quantity(low=4.0)], 1, id="low"),
        pytest.param([quantity(high=41.0)], 1, id="high"),
        pytest.param([quantity(unit="s")], 1, id="unit"),
        pytest.param([quantity(unit=None)], 1, id="no unit"),
        pytest.param([quantity(bound="approx")], 1, id="bound"),
        pytest.param([quantity(span=SHORT, unit=None), quantity(span=SPEED.span, bound="up_to")], 2, id="two half right"),
    ],
)
def test_a_quantity_that_is_not_read(found: list[QuantityMention], near: int) -> None:
    ((claim, mentioned),) = spotting_errors(ONLY_SPEED, mentions(*found)).quantities
    assert claim is SPEED
    assert len(mentioned) == near


@pytest.mark.parametrize(
    "found",
    [
        pytest.param([quantity()], id="equal"),
        pytest.param([quantity(span=SHORT)], id="overlapping"),
        pytest.param([quantity(unit="s"), quantity()], id="one of two"),
    ],
)
def test_a_quantity_that_is_read(found: list[QuantityMention]) -> None:
    assert spotting_errors(ONLY_SPEED, mentions(*found)).quantities == ()


def test_a_hardware_name_is_covered_by_any_overlapping_mention() -> None:
    board = HardwareMention(2, span_of("Nano"), "Nano", False, "other")
    assert spotting_errors(ONLY_SPEED, mentions(hardware=(board,))).hardware == (PHONES,)


def test_coverage_counts_what_spotting_finds_in_the_texts() -> None:
    """The planted text is plain enough for spotting; one gold value is falsified, so that listed and read differ."""
    wrong = ACCURACY.quantity.model_copy(update={"high": 99.0})
    coverage = cover([replace(GOLD, claims=(SPEEDUP, SPEED, replace(ACCURACY, quantity=wrong))), GOLD])
    assert coverage.listed == Share(6, 6)
    assert coverage.read == Share(5, 6)
    assert coverage.hardware == Share(4, 4)
    assert to_dict(coverage)["read"] == {"right": 5, "total": 6, "value": 5 / 6}


def test_no_gold_has_no_coverage() -> None:
    assert cover([]).read.value is None
