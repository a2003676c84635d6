"""The built-in rules and spotting stay above the floors that the project promises on its annotated abstracts.

The floors are what a first version owes, well below what is measured (`extractor eval`): they catch a rule that breaks, and
leave room for one that trades an abstract here for a rule that holds elsewhere.
"""

import asyncio

import pytest

from extractor.evaluation import GoldDocument, Scores, align_all, read_gold, score
from extractor.evaluation.findings import cover
from extractor.labelling.rules import RulesLabeller
from tests.gold import SEEDS


@pytest.fixture(scope="module")
def gold() -> tuple[GoldDocument, ...]:
    return read_gold(SEEDS)


@pytest.fixture(scope="module")
def scores(gold: tuple[GoldDocument, ...]) -> Scores:
    return score(asyncio.run(align_all(gold, RulesLabeller())))


def test_spotting(gold: tuple[GoldDocument, ...]) -> None:
    coverage = cover(gold)
    assert (coverage.read.value or 0) >= 0.99
    assert (coverage.hardware.value or 0) >= 0.97


def test_claims(scores: Scores) -> None:
    assert (scores.claims.detection.f1 or 0) >= 0.85
    assert (scores.claims.strict.f1 or 0) >= 0.75


def test_hardware(scores: Scores) -> None:
    assert (scores.hardware.all.f1 or 0) >= 0.75
