import asyncio
from dataclasses import replace

import pytest

from extractor.evaluation.cascades import Point, cascade
from extractor.evaluation.gold import read_gold
from extractor.evaluation.matching import Alignment
from extractor.evaluation.sets import read_sets
from extractor.evaluation.statistics import values
from extractor.evaluation.systems import Recording, align_all, recorded
from extractor.labelling.rules import RulesLabeller
from tests.benchmarks.parts import labeller_without
from tests.evaluation import replies
from tests.gold import GOLD, SEEDS

SETS = read_sets(GOLD)
SOME = read_gold(SEEDS)[:30]


def without(part: str) -> tuple[Alignment, ...]:
    return asyncio.run(align_all(SOME, labeller_without({part})))


def of(model: str, alignment: Alignment) -> Alignment:
    """The record as one that this model has added to."""
    made = alignment.extraction.provenance.model_copy(update={"model": model})
    return replace(alignment, extraction=alignment.extraction.model_copy(update={"provenance": made}))


def test_a_cascade_goes_from_ours_to_theirs_with_the_least_sure_first() -> None:
    ours, theirs = without(""), [of("openai/m", each) for each in without("claims:governed")]
    theirs[:10] = ours[:10]  # nothing may be asked about these
    points = cascade(ours, theirs)
    for point, whole in ((points[0], values(ours)), (points[-1], values(theirs))):
        assert point == Point(point.asked, whole["strict_f1"], whole["documents_right"])
    assert (points[0].asked, points[-1].asked) == (0.0, 2 / 3)
    assert [point.asked for point in points] == sorted({point.asked for point in points})
    least = min(each.extraction.confidence or 0.0 for each in ours[10:])
    first = [b if a.extraction.confidence == least else a for a, b in zip(ours, theirs, strict=True)]
    assert points[1].strict_f1 == values(first)["strict_f1"]


def test_without_confidence_there_is_no_cascade() -> None:
    ours = without("")
    silent = [
        Alignment(each.gold, each.extraction.model_copy(update={"confidence": None}), each.claims, each.hardware)
        for each in ours
    ]
    assert cascade(silent, ours) == cascade([], []) == ()


@pytest.mark.parametrize("model", recorded(SETS, replies.CASSETTES), ids=lambda each: f"{each.options.model} {each.label}")
def test_no_headline_figure_of_any_set_is_worse_for_asking_a_recorded_model(model: Recording) -> None:
    for gold in SETS:
        rules = values(asyncio.run(align_all(gold.documents, RulesLabeller())))
        asked = values(replies.cascade(gold, model.options))
        worse = {name: (value, asked[name]) for name, value in rules.items() if (asked[name] or 0.0) < (value or 0.0)}
        assert worse == {}, gold.name
