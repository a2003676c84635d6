import asyncio
import tomllib
from importlib.resources import files

import pytest

from extractor.documents import Document
from extractor.grounding import ground
from extractor.labelling import confidence
from extractor.labelling.rules import RulesLabeller
from extractor.records import Extraction
from extractor.spotting import spot
from tests.evaluation.calibrate import lessons

SURE = "FastNet reduces latency by 24%."


def extracted(abstract: str, title: str = "FastNet: Quick Networks") -> Extraction:
    """What the rules make of an abstract."""
    document = Document("d", title, abstract)
    mentions = spot(document.text)
    return ground(document, mentions, asyncio.run(RulesLabeller().label(document, mentions)))


@pytest.mark.parametrize(
    ("doubt", "abstract"),
    [
        ("a value", "FastNet has an accuracy of 93.1%."),
        ("a cost", "FastNet has a memory footprint of 12 MB."),
        ("a second or longer", "FastNet has a latency of 12 s."),
        ("nothing governs it", "Our demo answers in 40 ms."),
        ("taken over from another", "FastNet improves accuracy by 2.3% and 3.1%, and recall by 4.5% (12.2x)."),
        ("its own row", "The arm succeeds in 37 of 40 trials."),
        ("a share by default", "FastNet reaches 93.1%."),
        ("no metric", "FastNet is 2.3x faster."),
        ("in words", "FastNet halves the latency."),
        ("a range", "FastNet is 2-3x faster."),
    ],
)
def test_a_doubt_makes_no_claim_surer(doubt: str, abstract: str) -> None:
    document = Document("d", "FastNet: Quick Networks", abstract)
    decided = RulesLabeller().decide(document, spot(document.text))
    found = [dict(zip(confidence.CLAIM, confidence.claim_features(claim), strict=True)) for claim in decided.claims]
    assert any(doubts[doubt] for doubts in found)
    assert dict(zip(confidence.CLAIM, confidence.weights()[0].weights, strict=True))[doubt] <= 0


@pytest.mark.parametrize(
    "more",
    [
        SURE.replace("24", "41"),
        "It has an accuracy of 93.1%.",
        "The rover drove 300 m in the park.",
        "It is evaluated on smartphones.",
        "Intelligence on edge devices grows.",
    ],
)
def test_each_number_and_device_makes_a_record_less_sure(more: str) -> None:
    few, many = extracted(SURE).confidence, extracted(f"{SURE} {more}").confidence
    assert few is not None
    assert many is not None
    assert 0 < many < few < 1


def test_a_record_without_a_doubt_is_as_sure_as_its_weights_allow() -> None:
    claim, record = confidence.weights()
    nothing, one = extracted("Nothing is measured."), extracted(SURE)
    assert nothing.confidence == record.probability([0] * len(confidence.RECORD))
    assert [each.confidence for each in one.claims] == [claim.probability([0] * len(confidence.CLAIM))]


def test_the_weights_are_those_that_the_present_rules_teach() -> None:
    """Where it fails because a rule has changed: `python -m tests.evaluation.calibrate` learns them anew."""
    table = tomllib.loads((files("extractor.labelling") / confidence.WEIGHTS).read_text(encoding="utf-8"))
    for lesson in lessons():
        kept = table[lesson.name]
        intercept, weights = lesson.weights(kept["penalty"])
        assert [kept["intercept"], *kept["weights"].values()] == pytest.approx([intercept, *weights], abs=0.011)
        assert tuple(kept["weights"]) == lesson.features
