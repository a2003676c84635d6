"""Confidence is held against what is strictly right, with the figures worked out by hand."""

import pytest

from extractor.evaluation import align, score
from extractor.evaluation.metrics import Bin, calibrate
from extractor.records import Claim
from tests.evaluation.planted import ACCURACY, GOLD, SPEED, SPEEDUP, extraction, predict


def sure(claim: Claim, confidence: float | None) -> Claim:
    return claim.model_copy(update={"confidence": confidence})


def test_bins_errors_and_brier_score() -> None:
    # right with 0.95 and with 0.75; wrong unit with 0.85; spurious with 0.78; one claim says nothing about itself
    claims = (
        sure(predict(SPEEDUP), 0.95),
        sure(predict(SPEED, unit="s"), 0.85),
        sure(predict(ACCURACY), 0.75),
        sure(predict(SPEEDUP, span=SPEEDUP.restated[0]), 0.78),
        predict(SPEED, span=(SPEED.span[1], SPEED.span[1] + 4)),
    )
    found = calibrate([align(GOLD, extraction(claims))])
    assert found is not None
    assert found.claims == 4
    assert [(each.claims, each.right) for each in found.bins] == [(0, 0)] * 7 + [(2, 1), (1, 0), (1, 1)]
    assert [each.accuracy for each in found.bins] == [None] * 7 + [0.5, 0.0, 1.0]
    assert [each.confidence for each in found.bins[6:]] == [None, pytest.approx(0.765), 0.85, 0.95]
    assert found.error == pytest.approx((2 * 0.265 + 0.85 + 0.05) / 4)
    assert found.brier == pytest.approx((0.05**2 + 0.85**2 + 0.25**2 + 0.78**2) / 4)


@pytest.mark.parametrize(
    ("confidence", "error", "brier"), [(1.0, 0.0, 0.0), (0.0, 1.0, 1.0), (0.5, 0.5, 0.25)], ids=["sure", "unsure", "even"]
)
def test_ends(confidence: float, error: float, brier: float) -> None:
    found = calibrate([align(GOLD, extraction((sure(predict(SPEED), confidence),)))])
    assert found is not None
    assert (found.error, found.brier) == (error, brier)
    [held] = [each for each in found.bins if each.claims]
    assert held.low <= confidence
    assert confidence < held.high or held == Bin(0.9, 1.0, 1, 1.0, 1)


@pytest.mark.parametrize("claims", [(), (predict(SPEED), predict(ACCURACY))], ids=["no claims", "no confidence"])
def test_without_confidence_there_is_nothing_to_calibrate(claims: tuple[Claim, ...]) -> None:
    alignments = [align(GOLD, extraction(claims))]
    assert calibrate(alignments) is calibrate([]) is None
    assert score(alignments).as_dict()["calibration"] is None


def test_the_json_form_holds_the_accuracy_of_each_bin() -> None:
    figures = score([align(GOLD, extraction((sure(predict(SPEED), 0.9),)))]).as_dict()["calibration"]
    assert figures["claims"] == 1
    assert figures["bins"][-1] == {"low": 0.9, "high": 1.0, "claims": 1, "confidence": 0.9, "right": 1, "accuracy": 1.0}
    assert figures["error"] == pytest.approx(0.1)
