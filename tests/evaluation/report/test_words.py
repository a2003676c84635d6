"""Figures, intervals and money are written alike in every form of a report."""

import pytest

from extractor.evaluation.report.words import OF_CLAIMS, OF_FIELDS, chance, interval, money, percent, points
from extractor.evaluation.statistics import HEADLINE, Difference, Estimate


def test_every_headline_figure_has_its_words() -> None:
    assert {*OF_CLAIMS, *OF_FIELDS} == set(HEADLINE)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        pytest.param(percent(0.98649), "98.6", id="share"),
        pytest.param(percent(None), "-", id="nothing to measure"),
        pytest.param(points(0.0123), "+1.2", id="rise"),
        pytest.param(points(-0.0123), "−1.2", id="fall"),
        pytest.param(points(-0.0001), "0.0", id="a fall too small to show"),
        pytest.param(interval(Estimate(value=0.5, low=0.4, high=0.61)), "40.0–61.0", id="interval"),
        pytest.param(interval(Estimate(value=0.9, low=0.804, high=1.0)), "80.4–100", id="interval up to all"),
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
