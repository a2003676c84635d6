import asyncio

from extractor.evaluation.cascades import Point, cascade
from extractor.evaluation.gold import read_gold
from extractor.evaluation.matching import Alignment
from extractor.evaluation.statistics import values
from extractor.evaluation.systems import align_all
from tests.benchmarks.parts import labeller_without
from tests.gold import SEEDS

GOLD = read_gold(SEEDS)[:30]


def without(part: str) -> tuple[Alignment, ...]:
    return asyncio.run(align_all(GOLD, labeller_without({part})))


def test_a_cascade_goes_from_ours_to_theirs_with_the_least_sure_first() -> None:
    ours, theirs = without(""), without("claims:governed")
    points = cascade(ours, theirs)
    for point, whole in ((points[0], values(ours)), (points[-1], values(theirs))):
        assert point == Point(point.asked, whole["strict_f1"], whole["documents_right"])
    assert (points[0].asked, points[-1].asked) == (0.0, 1.0)
    assert [point.asked for point in points] == sorted({point.asked for point in points})
    least = min(each.extraction.confidence or 0.0 for each in ours)
    first = [b if a.extraction.confidence == least else a for a, b in zip(ours, theirs, strict=True)]
    assert points[1].strict_f1 == values(first)["strict_f1"]


def test_without_confidence_there_is_no_cascade() -> None:
    ours = without("")
    silent = [
        Alignment(each.gold, each.extraction.model_copy(update={"confidence": None}), each.claims, each.hardware)
        for each in ours
    ]
    assert cascade(silent, ours) == cascade([], []) == ()
