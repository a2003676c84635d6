"""Intervals hold the truth as often as they say, chance alone is found out as chance, and the words say what the figures do."""

import math
import random
import runpy
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.stats import bootstrap, permutation_test

from extractor.errors import DataError, UsageError
from extractor.evaluation import Alignment, GoldDocument, Scores, align, score, statistics
from extractor.evaluation.statistics import (
    HEADLINE,
    Difference,
    Estimate,
    detectable,
    differences,
    estimates,
    power_in_words,
    verdict,
)
from extractor.records import Claim
from tests.evaluation.planted import GOLD, NANO, SPEED, SPEEDUP, extraction, perfect, predict, replace, span_of, target

NOTHING = replace(GOLD, claims=(), hardware=())
ONE = replace(GOLD, claims=(SPEED,), hardware=())
THREE = replace(GOLD, hardware=())
BESIDE = tuple(predict(SPEED, span=span_of(word)) for word in ("Overall", "Squid"))
FOUND = tuple(predict(claim) for claim in GOLD.claims)


class Outcome(NamedTuple):
    """What a system makes of an abstract, and in which share of the abstracts of its sort; the counts are written by hand."""

    share: float
    alignment: Alignment
    strict: int
    detected: int


def outcome(share: float, gold: GoldDocument, said: tuple[Claim, ...], strict: int, detected: int) -> Outcome:
    return Outcome(share, align(gold, extraction(said)), strict, detected)


Population = tuple[tuple[float, tuple[Outcome, ...]], ...]
POPULATION: Population = (
    (0.45, (outcome(0.9, NOTHING, (), 0, 0), outcome(0.1, NOTHING, BESIDE[:1], 0, 0))),
    (
        0.3,
        (
            outcome(0.7, ONE, FOUND[1:2], 1, 1),
            outcome(0.1, ONE, (predict(SPEED, unit="s"),), 0, 1),
            outcome(0.2, ONE, (), 0, 0),
        ),
    ),
    (
        0.25,
        (
            outcome(0.5, THREE, FOUND, 3, 3),
            outcome(0.2, THREE, FOUND[:2], 2, 2),
            outcome(0.1, THREE, (predict(SPEEDUP, kind="speed"), *FOUND[1:]), 2, 3),
            outcome(0.1, THREE, (*FOUND[:1], *BESIDE), 1, 1),
            outcome(0.1, THREE, (), 0, 0),
        ),
    ),
)


SILENT: Population = (POPULATION[0], (POPULATION[1][0], (outcome(1.0, ONE, (), 0, 0),)), POPULATION[2])
"""As if the system never said anything about an abstract with one claim."""


def truth(count: Callable[[Outcome], int], population: Population = POPULATION) -> float:
    """F1 over the whole population, by its definition."""
    found = in_all = 0.0
    for sort, outcomes in population:
        for each in outcomes:
            found += sort * each.share * count(each)
            in_all += sort * each.share * (len(each.alignment.gold.claims) + len(each.alignment.extraction.claims))
    return 2 * found / in_all


TRUTH = {"strict_f1": truth(lambda each: each.strict), "detection_f1": truth(lambda each: each.detected)}


def draw(chance: random.Random, documents: int, ours: Population = POPULATION) -> tuple[list[Alignment], list[Alignment]]:
    """What two systems make of the same abstracts, independent of each other."""
    sorts = chance.choices(range(3), [sort for sort, _ in POPULATION], k=documents)
    first, second = ([_one(chance, population[n][1]) for n in sorts] for population in (ours, POPULATION))
    return first, second


def _one(chance: random.Random, outcomes: tuple[Outcome, ...]) -> Alignment:
    return chance.choices(outcomes, [each.share for each in outcomes])[0].alignment


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer resamples, and each alignment is scored once: hundreds of studies in seconds."""
    kept: dict[int, Scores] = {}

    def score_once(documents: Sequence[Alignment]) -> Scores:
        [document] = documents
        return kept.get(id(document)) or kept.setdefault(id(document), score(documents))

    monkeypatch.setattr(statistics, "score", score_once)
    monkeypatch.setattr(statistics, "RESAMPLES", 300)


@pytest.mark.usefixtures("quick")
def test_intervals_hold_the_truth_in_95_of_100_studies() -> None:
    chance = random.Random(1)
    studies = 250
    held = dict.fromkeys(TRUTH, 0)
    for study in range(studies):
        found = estimates(draw(chance, 143)[0], seed=study)
        for name, true in TRUTH.items():
            low, high = found[name].low, found[name].high
            assert low is not None
            assert high is not None
            held[name] += low <= true <= high
    assert all(0.92 <= times / studies <= 0.98 for times in held.values()), held


@pytest.mark.usefixtures("quick")
def test_where_only_chance_is_at_work_5_of_100_studies_find_a_difference() -> None:
    chance = random.Random(2)
    studies = 300
    p_values, held = [], 0
    for study in range(studies):
        found = differences(*draw(chance, 100), seed=study)["strict_f1"]
        assert found.p is not None
        assert found.low is not None
        assert found.high is not None
        p_values.append(found.p)
        held += found.low <= 0 <= found.high
    shares = {level: sum(p <= level for p in p_values) / studies for level in (0.05, 0.25, 0.5, 0.75)}
    assert 0.03 <= shares[0.05] <= 0.07
    assert all(abs(share - level) <= 0.05 for level, share in shares.items()), shares
    assert 0.92 <= held / studies <= 0.98


@pytest.mark.usefixtures("quick")
def test_the_detectable_difference_is_found_in_80_of_100_studies() -> None:
    chance = random.Random(3)
    true = TRUTH["strict_f1"] - truth(lambda each: each.strict, SILENT)
    smallest = detectable(*draw(chance, 3000, SILENT))
    assert smallest is not None
    documents = round(3000 * (smallest / true) ** 2)  # as many as have this very difference as their smallest
    assert 100 < documents < 300
    p_values = [differences(*draw(chance, documents, SILENT), seed=study)["strict_f1"].p for study in range(120)]
    assert 0.72 <= sum(p is not None and p <= 0.05 for p in p_values) / 120 <= 0.88


SAMPLE = draw(random.Random(4), 60, SILENT)


def test_a_headline_figure_is_the_figure_of_all_documents() -> None:
    found, scores = estimates(SAMPLE[0]), score(SAMPLE[0])
    soft = {name: field.soft.value for name, field in scores.fields.items() if field.soft is not None}
    assert tuple(found) == tuple(HEADLINE)
    assert {name: each.value for name, each in found.items()} == {
        "detection_f1": scores.claims.detection.f1,
        "strict_f1": scores.claims.strict.f1,
        "complete_f1": scores.claims.complete.f1,
        "hardware_f1": None,
        "metric": soft["metric"],
        "subject": soft["subject"],
        "baseline": soft["baseline"],
        "dataset": soft["dataset"],
        "system": scores.system.exact.value,
        "documents_right": scores.documents_right.value,
        "documents_complete": scores.documents_complete.value,
    }


def parts(alignments: Sequence[Alignment]) -> tuple[Any, Any]:
    """Above and below the bar of strict F1."""
    counts = [score([document]).claims.strict for document in alignments]
    return np.array([2 * c.found for c in counts]), np.array([2 * c.found + c.spurious + c.missed for c in counts])


def test_intervals_are_scipy_s() -> None:
    def ratio(above: Any, below: Any, axis: int) -> Any:
        return above.sum(axis) / below.sum(axis)

    def apart(above_a: Any, below_a: Any, above_b: Any, below_b: Any, axis: int) -> Any:
        return ratio(above_b, below_b, axis) - ratio(above_a, below_a, axis)

    ways: dict[str, Any] = {"paired": True, "method": "percentile", "n_resamples": 10_000, "rng": np.random.default_rng(1)}
    single = bootstrap(parts(SAMPLE[0]), ratio, **ways).confidence_interval
    ours = estimates(SAMPLE[0])["strict_f1"]
    assert (ours.low, ours.high) == pytest.approx(tuple(single), abs=0.012)
    both = bootstrap((*parts(SAMPLE[0]), *parts(SAMPLE[1])), apart, **ways).confidence_interval
    difference = differences(*SAMPLE)["strict_f1"]
    assert (difference.low, difference.high) == pytest.approx(tuple(both), abs=0.012)


@pytest.mark.parametrize(("documents", "within"), [(10, 1e-12), (60, 0.03)], ids=["every swap", "random swaps"])
def test_p_values_are_scipy_s(documents: int, within: float) -> None:
    ours, theirs = SAMPLE[0][:documents], SAMPLE[1][:documents]
    above, below = (np.concatenate(both) for both in zip(parts(ours), parts(theirs), strict=True))

    def apart(a: Any, b: Any, axis: int) -> Any:
        """scipy swaps what belongs together by its place in both systems' counts."""
        return above[b].sum(axis) / below[b].sum(axis) - above[a].sum(axis) / below[a].sum(axis)

    places = np.arange(documents), np.arange(documents, 2 * documents)
    theirs_p = permutation_test(
        places, apart, permutation_type="samples", n_resamples=3000, rng=np.random.default_rng(1)
    ).pvalue
    found = differences(ours, theirs)["strict_f1"]
    assert found.value
    assert found.p == pytest.approx(theirs_p, abs=within)


def test_the_same_seed_gives_the_same_and_another_one_nearly(monkeypatch: pytest.MonkeyPatch) -> None:
    first = repr((estimates(SAMPLE[0]), differences(*SAMPLE)))
    monkeypatch.setattr(statistics, "_CHUNK", 50_000)
    assert repr((estimates(SAMPLE[0]), differences(*SAMPLE))) == first
    other = differences(*SAMPLE, seed=1)["strict_f1"]
    assert other != differences(*SAMPLE)["strict_f1"]
    assert other.p == pytest.approx(differences(*SAMPLE)["strict_f1"].p, abs=0.02)


def test_a_system_does_not_differ_from_itself() -> None:
    found = differences(SAMPLE[0], SAMPLE[0])
    assert found["hardware_f1"] == Difference(None, None, None, None)
    assert {name: each for name, each in found.items() if name != "hardware_f1"} == dict.fromkeys(
        [name for name in HEADLINE if name != "hardware_f1"], Difference(0.0, 0.0, 0.0, 1.0)
    )
    assert detectable(SAMPLE[0], SAMPLE[0]) is None


def test_sides_change_the_sign_alone() -> None:
    there, back = differences(*SAMPLE)["strict_f1"], differences(SAMPLE[1], SAMPLE[0])["strict_f1"]
    assert there.value is not None
    assert there.low is not None
    assert there.high is not None
    assert (back.value, back.low, back.high, back.p) == pytest.approx((-there.value, -there.high, -there.low, there.p))


RIGHT, WRONG = align(ONE, extraction(FOUND[1:2])), align(ONE, extraction())
EMPTY = align(NOTHING, extraction())


@pytest.mark.parametrize(
    ("alignments", "figure", "expected"),
    [
        pytest.param([], "system", Estimate(None, None, None), id="no document"),
        pytest.param([RIGHT], "strict_f1", Estimate(1.0, None, None), id="one document"),
        pytest.param([EMPTY] * 5, "strict_f1", Estimate(None, None, None), id="nothing to score"),
        pytest.param([EMPTY] * 5 + [WRONG], "strict_f1", Estimate(0.0, None, None), id="something in one document"),
        pytest.param([WRONG] * 5, "metric", Estimate(None, None, None), id="no matched claim"),
        pytest.param([RIGHT] * 5, "strict_f1", Estimate(1.0, 1.0, 1.0), id="all right"),
        pytest.param([WRONG] * 5, "strict_f1", Estimate(0.0, 0.0, 0.0), id="all wrong"),
        pytest.param([EMPTY, EMPTY, RIGHT, RIGHT], "metric", Estimate(1.0, 1.0, 1.0), id="resamples without any to score"),
        pytest.param([RIGHT, WRONG], "documents_right", Estimate(0.5, 0.0, 1.0), id="two documents"),
    ],
)
def test_estimates_of_little(alignments: list[Alignment], figure: str, expected: Estimate) -> None:
    assert estimates(alignments)[figure] == expected


@pytest.mark.parametrize(
    ("ours", "theirs", "figure", "expected"),
    [
        pytest.param([], [], "system", Difference(None, None, None, None), id="no document"),
        pytest.param([WRONG], [RIGHT], "strict_f1", Difference(1.0, None, None, None), id="one document"),
        pytest.param([EMPTY] * 9, [EMPTY] * 9, "strict_f1", Difference(None, None, None, None), id="nothing to score"),
        pytest.param([RIGHT] * 9, [WRONG] * 9, "metric", Difference(None, None, None, None), id="one has nothing to score"),
        pytest.param([RIGHT, WRONG], [RIGHT] * 2, "metric", Difference(0.0, None, None, None), id="ours in one document"),
        pytest.param([RIGHT] * 2, [RIGHT, WRONG], "metric", Difference(0.0, None, None, None), id="theirs in one document"),
        pytest.param([WRONG] * 2, [RIGHT] * 2, "strict_f1", Difference(1.0, 1.0, 1.0, 2 / 2**2), id="2 of 4 swaps"),
        pytest.param([RIGHT] * 6, [WRONG] * 6, "strict_f1", Difference(-1.0, -1.0, -1.0, 2 / 2**6), id="2 of 64 swaps"),
        pytest.param([RIGHT] * 13, [WRONG] * 13, "strict_f1", Difference(-1.0, -1.0, -1.0, 2 / 2**13), id="2 of 8,192 swaps"),
        pytest.param([WRONG] * 99, [RIGHT] * 99, "strict_f1", Difference(1.0, 1.0, 1.0, 1 / 10_001), id="no random swap"),
    ],
)
def test_differences_of_little(ours: list[Alignment], theirs: list[Alignment], figure: str, expected: Difference) -> None:
    assert differences(ours, theirs)[figure] == expected


@pytest.mark.parametrize("compare", [differences, detectable])
@pytest.mark.parametrize("theirs", [[WRONG], [EMPTY, RIGHT], []], ids=["fewer", "another order", "none"])
def test_other_documents_are_refused(compare: Callable[..., object], theirs: list[Alignment]) -> None:
    with pytest.raises(DataError, match=r"same annotated abstracts in the same order; evaluate both with the same --gold$"):
        compare([RIGHT, EMPTY], theirs)


def test_the_detectable_difference_of_shares() -> None:
    """30 abstracts only they have right, 10 only we have, 60 are alike: (30 + 10 - 20 * 20 / 100) / 99 is the variance."""
    ours, theirs = [WRONG] * 30 + [RIGHT] * 70, [RIGHT] * 30 + [WRONG] * 10 + [RIGHT] * 60
    error = math.sqrt((40 - 4) / 99 / 100)
    assert detectable(ours, theirs, figure="documents_right") == pytest.approx((1.959964 + 0.841621) * error, rel=1e-6)
    alone = math.sqrt(2 * 0.3 * 0.7 / 99)
    assert detectable(ours, figure="documents_right") == pytest.approx((1.959964 + 0.841621) * alone, rel=1e-6)


@pytest.mark.parametrize(
    ("ours", "theirs", "figure"),
    [
        pytest.param([], None, "strict_f1", id="no document"),
        pytest.param([RIGHT], [WRONG], "strict_f1", id="one document"),
        pytest.param([RIGHT] * 9, None, "strict_f1", id="no spread"),
        pytest.param([EMPTY] * 9, [EMPTY] * 9, "strict_f1", id="nothing to score"),
        pytest.param([RIGHT] * 9, [WRONG] * 9, "metric", id="one has nothing to score"),
    ],
)
def test_nothing_is_detectable(ours: list[Alignment], theirs: list[Alignment] | None, figure: str) -> None:
    assert detectable(ours, theirs, figure=figure) is None


@pytest.mark.parametrize(
    ("smallest", "documents", "figure", "words"),
    [
        (0.0417, 143, "strict_f1", "143 abstracts can tell a difference of about 4 points in claims right"),
        (0.0149, 2000, "system", "2,000 abstracts can tell a difference of about 1.5 points in system names"),
        (None, 1, "strict_f1", "1 abstract cannot tell any difference in claims right"),
    ],
)
def test_power_in_words(smallest: float | None, documents: int, figure: str, words: str) -> None:
    assert power_in_words(smallest, documents, figure) == words


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        pytest.param(
            Difference(0.0312, 0.0041, 0.0583, 0.0241),
            "B is better than A by 3.1 points in claims right (95% interval +0.4 to +5.8, p = 0.024).",
            id="better",
        ),
        pytest.param(
            Difference(-0.2, -0.3, -0.1, 0.0001),
            "B is worse than A by 20.0 points in claims right (95% interval -30.0 to -10.0, p < 0.001).",
            id="worse",
        ),
        pytest.param(
            Difference(-0.012, -0.03, 0.0001, 0.06),
            "No difference in claims right that these abstracts can tell: "
            "B is 1.2 points below A (95% interval -3.0 to 0.0, p = 0.060).",
            id="no difference",
        ),
        pytest.param(
            Difference(0.0, 0.0, 0.0, 1.0),
            "No difference in claims right that these abstracts can tell: A and B are equal (95% interval 0.0 to 0.0, p = 1).",
            id="equal",
        ),
        pytest.param(
            Difference(0.5, None, None, None),
            "Too few abstracts to compare A and B in claims right: on these, B is 50.0 points above A.",
            id="too few",
        ),
        pytest.param(
            Difference(None, None, None, None),
            "A and B cannot be compared in claims right: there is nothing to score.",
            id="nothing",
        ),
    ],
)
def test_verdicts(difference: Difference, words: str) -> None:
    assert verdict(difference, "A", "B") == words


def test_hardware_has_intervals_too() -> None:
    bare = replace(GOLD, claims=())
    alignments = [align(bare, extraction((), (target(NANO),))), align(bare, perfect(bare))] * 20
    found = estimates(alignments)["hardware_f1"]
    assert found.value == pytest.approx(2 * 60 / (2 * 60 + 20))
    assert found.low is not None
    assert found.high is not None
    assert 0.75 < found.low < 0.857 < found.high < 0.95


def test_without_numpy_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(UsageError, match=r"needs numpy\. Install it with `pip install '\.\[eval\]'`"):
        runpy.run_path(statistics.__file__)
