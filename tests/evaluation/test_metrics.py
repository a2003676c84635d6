"""Figures of planted documents, with the expected counts written out by hand."""

from typing import Any

import pytest

from extractor.evaluation import align, read_gold, score
from extractor.evaluation.metrics import (
    CLAIM_FIELDS,
    KINDS,
    Bin,
    Counts,
    Foretold,
    Means,
    Scores,
    Share,
    SystemScores,
    UnitGroup,
    calibrate,
    calibration,
    macro,
    share,
    unit_group,
)
from extractor.records import PHRASE_FIELDS, Claim, HardwareTarget
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
from tests.gold import SEEDS

THREE = (predict(SPEEDUP), predict(SPEED), predict(ACCURACY))


def scores(claims: tuple[Claim, ...] = (), hardware: tuple[HardwareTarget, ...] = (), system: str | None = "Kraken") -> Scores:
    return score([align(GOLD, extraction(claims, hardware, system))])


@pytest.mark.parametrize(
    ("counts", "precision", "recall", "f1"),
    [
        pytest.param(Counts(0, 0, 0), None, None, None, id="nothing expected, nothing predicted"),
        pytest.param(Counts(0, 0, 4), 0.0, 0.0, 0.0, id="nothing predicted"),
        pytest.param(Counts(0, 4, 0), 0.0, 0.0, 0.0, id="nothing expected"),
        pytest.param(Counts(0, 2, 4), 0.0, 0.0, 0.0, id="nothing found"),
        pytest.param(Counts(3, 1, 3), 3 / 4, 1 / 2, 3 / 5, id="some"),
        pytest.param(Counts(3, 0, 0), 1.0, 1.0, 1.0, id="all"),
    ],
)
def test_ratios(counts: Counts, precision: float | None, recall: float | None, f1: float | None) -> None:
    assert (counts.precision, counts.recall, counts.f1) == (precision, recall, f1)


def test_shares() -> None:
    assert share([]).value is None
    assert share([True, False, True, True]) == Share(3, 4)
    assert Share(3, 4).value == 0.75


def test_a_wrong_kind_is_spurious_for_one_kind_and_missed_for_the_other() -> None:
    found = scores((predict(SPEED, kind="resource"), predict(ACCURACY)))
    assert found.claims.detection == Counts(2, 0, 1)
    assert found.claims.strict == Counts(1, 1, 2)
    assert {kind: by.detection for kind, by in found.by_kind.items()} == {
        "speedup": Counts(0, 0, 1),
        "speed": Counts(0, 0, 1),
        "accuracy": Counts(1, 0, 0),
        "resource": Counts(0, 1, 0),
    }


def test_strict_counts_of_the_kinds_add_up() -> None:
    found = scores((predict(SPEED, kind="resource"), predict(ACCURACY, unit=None), predict(SPEEDUP)))
    parts = [by.strict for by in found.by_kind.values()]
    whole = Counts(sum(c.found for c in parts), sum(c.spurious for c in parts), sum(c.missed for c in parts))
    assert found.claims.strict == whole == Counts(1, 2, 2)


def test_groups_take_a_pair_if_both_sides_are_in_them() -> None:
    """A change said to be a fraction, ms said to be s (still a time) and % said to be none, and a claim beside the numbers."""
    beside = predict(SPEED, span=span_of("Overall"), unit="MB")
    found = scores(
        (predict(SPEEDUP, comparison="fraction", effect=None), predict(SPEED, unit="s"), predict(ACCURACY, unit=None), beside)
    )
    nothing = Counts(0, 0, 0)
    assert {name: (by.detection, by.strict) for name, by in found.by_comparison.items()} == {
        "absolute": (Counts(2, 1, 0), Counts(0, 3, 2)),
        "change": (Counts(0, 0, 1), Counts(0, 0, 1)),
        "fraction": (Counts(0, 1, 0), Counts(0, 1, 0)),
    }
    assert {name: (by.detection, by.strict) for name, by in found.by_unit.items()} == {
        "time": (Counts(1, 0, 0), Counts(0, 1, 1)),
        "rate": (nothing, nothing),
        "ratio": (Counts(1, 0, 0), Counts(0, 1, 1)),
        "percent": (Counts(0, 0, 1), Counts(0, 0, 1)),
        "cost": (Counts(0, 1, 0), Counts(0, 1, 0)),
        "other": (Counts(0, 1, 0), Counts(0, 1, 0)),
    }


@pytest.mark.parametrize(
    ("counts", "means"),
    [
        pytest.param([], Means(0, None, None, None), id="no document"),
        pytest.param([Counts(0, 0, 0)] * 2, Means(0, None, None, None), id="nothing in any"),
        pytest.param([Counts(2, 0, 0), Counts(0, 0, 0)], Means(1, 1.0, 1.0, 1.0), id="nothing in one"),
        pytest.param([Counts(2, 0, 0), Counts(0, 0, 5)], Means(2, 0.5, 0.5, 0.5), id="nothing predicted in one"),
        pytest.param([Counts(2, 0, 0), Counts(0, 5, 0)], Means(2, 0.5, 0.5, 0.5), id="nothing expected in one"),
        pytest.param([Counts(3, 1, 3), Counts(1, 0, 0)], Means(2, 7 / 8, 3 / 4, 4 / 5), id="some"),
    ],
)
def test_means_over_documents(counts: list[Counts], means: Means) -> None:
    assert macro(counts) == means


def test_confusion() -> None:
    beside = predict(SPEED, span=span_of("Overall"))
    table = scores((predict(SPEEDUP, kind="speed"), predict(ACCURACY), beside)).confusion
    assert table["speedup"] == {"speedup": 0, "speed": 1, "accuracy": 0, "resource": 0, "missed": 0}
    assert table["speed"] == {"speedup": 0, "speed": 0, "accuracy": 0, "resource": 0, "missed": 1}
    assert table["accuracy"] == {"speedup": 0, "speed": 0, "accuracy": 1, "resource": 0, "missed": 0}
    assert table["spurious"] == {"speedup": 0, "speed": 1, "accuracy": 0, "resource": 0}
    assert list(table) == [*KINDS, "spurious"]
    assert sum(scores().confusion["spurious"].values()) == 0


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        *((unit, "time") for unit in ("s", "ms", "us", "min", "h", "days", "s/frame", "ms/token")),
        *((unit, "rate") for unit in ("FPS", "tokens/s", "Hz", "images/s", "grasps per second")),
        ("x", "ratio"),
        ("%", "percent"),
        *((unit, "cost") for unit in ("KB", "params", "MACs", "mJ", "mJ/inference", "tokens", "GB/s", "W")),
        *((unit, "other") for unit in (None, "dB", "mN", "cars' lifetime", "")),
    ],
)
def test_unit_groups(unit: str | None, expected: UnitGroup) -> None:
    assert unit_group(unit) == expected


def test_fields_count_matched_claims_alone() -> None:
    beside = predict(SPEED, span=(SPEED.span[1], SPEED.span[1] + 4), metric="Overall")
    found = scores(
        (predict(ACCURACY, metric="scores 71% accuracy", dataset=None), predict(SPEEDUP, low=2.0, subject=None), beside)
    )
    assert set(found.fields) == set(CLAIM_FIELDS)
    assert {name for name, field in found.fields.items() if field.exact != Share(2, 2)} == {"value", "metric", "dataset"}
    assert {name: found.fields[name].exact for name in ("value", "metric", "dataset")} == dict.fromkeys(
        ("value", "metric", "dataset"), Share(1, 2)
    )
    # metric is null on both sides of the speedup, dataset too; baseline and hardware are null on both sides of the accuracy
    assert {name: field.named for name, field in found.fields.items() if field.named} == {
        "metric": Share(0, 1),
        "subject": Share(2, 2),
        "baseline": Share(1, 1),
        "dataset": Share(0, 1),
        "hardware": Share(1, 1),
    }
    assert {name: field.soft for name, field in found.fields.items() if field.soft} == dict.fromkeys(
        PHRASE_FIELDS, Share(2, 2)
    ) | {"dataset": Share(1, 2)}


@pytest.mark.parametrize(
    ("hardware", "products", "classes", "role", "category"),
    [
        pytest.param((target(NANO), target(PHONES)), Counts(1, 0, 0), Counts(1, 0, 0), Share(2, 2), Share(1, 1), id="perfect"),
        pytest.param((), Counts(0, 0, 1), Counts(0, 0, 1), Share(0, 0), Share(0, 0), id="empty"),
        pytest.param(
            (target(NANO, role="intended", category="gpu"),),
            Counts(1, 0, 0),
            Counts(0, 0, 1),
            Share(0, 1),
            Share(0, 1),
            id="role and category",
        ),
        pytest.param((target(NANO),) * 2, Counts(1, 1, 0), Counts(0, 0, 1), Share(1, 1), Share(1, 1), id="duplicated"),
        pytest.param(
            (target(NANO, specific=False), target(PHONES)),
            Counts(0, 0, 1),
            Counts(1, 1, 0),
            Share(1, 1),
            Share(0, 0),
            id="a product said to be a class",
        ),
        pytest.param(
            (target(PHONES, category="edge"),), Counts(0, 0, 1), Counts(0, 1, 1), Share(0, 0), Share(0, 0), id="a class amiss"
        ),
    ],
)
def test_hardware(
    hardware: tuple[HardwareTarget, ...], products: Counts, classes: Counts, role: Share, category: Share
) -> None:
    found = scores(hardware=hardware)
    assert (found.hardware.products, found.hardware.classes) == (products, classes)
    assert found.hardware.all == Counts(
        products.found + classes.found, products.spurious + classes.spurious, products.missed + classes.missed
    )
    assert (found.hardware.role, found.hardware.category) == (role, category)


@pytest.mark.parametrize(
    ("system", "exact", "soft"),
    [("Kraken", 1, 1), (None, 0, 0), ("Kraken: fast inference", 0, 1), ("Squid", 0, 0)],
    ids=["equal", "null", "around", "another"],
)
def test_system(system: str | None, exact: int, soft: int) -> None:
    found = scores(system=system)
    assert found.system == SystemScores(Share(exact, 1), Share(soft, 1))


def test_documents_are_pooled() -> None:
    bare = replace(GOLD, claims=(SPEED,), hardware=())
    found = score([align(GOLD, extraction(THREE)), align(bare, extraction())])
    assert found.documents == 2
    assert found.claims.detection == Counts(3, 0, 1)
    assert found.system.exact == Share(2, 2)


def test_no_document_has_no_figures() -> None:
    nothing = score([])
    assert nothing.documents == 0
    assert nothing.claims.detection.f1 is nothing.system.exact.value is nothing.fields["kind"].exact.value is None
    assert nothing.macro.strict.f1 is nothing.documents_right.value is None
    assert nothing.calibration is None


def ratios(figures: Any) -> list[float | None]:
    """Every precision, recall, F1 and share in the JSON form."""
    if not isinstance(figures, dict):
        return []
    own = [
        value for key, value in figures.items() if key in {"precision", "recall", "f1", "value"} and not isinstance(value, dict)
    ]
    return own + [ratio for value in figures.values() for ratio in ratios(value)]


def test_perfect_predictions_reach_one_everywhere_on_the_real_gold() -> None:
    found = score(align(gold, perfect(gold)) for gold in read_gold(SEEDS))
    figures = ratios(found.as_dict())
    # with 3 ratios each: counts of all claims, 4 kinds, 3 comparisons and 6 unit groups, in 3 ways, their 3 means, and 3 counts
    # of hardware; 11 fields, 5 of them phrases with 2 figures more; role, category; system twice; documents twice
    assert figures == [1.0] * ((3 * (1 + 4 + 3 + 6) + 3 + 3) * 3 + 11 + 2 * 5 + 2 + 2 + 2)
    assert found.claims.detection == Counts(185, 0, 0)
    assert found.hardware.all == Counts(132, 0, 0)


def test_empty_predictions_find_nothing_on_the_real_gold() -> None:
    documents = read_gold(SEEDS)
    found = score(align(gold, extraction(system=None, document=gold.document)) for gold in documents)
    assert found.claims.detection == found.claims.strict == Counts(0, 0, 185)
    assert found.hardware.all == Counts(0, 0, 132)
    assert found.claims.detection.f1 == found.hardware.all.f1 == 0.0
    assert all(field.exact == Share(0, 0) for field in found.fields.values())


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
    assert [(each.low, each.claims, each.right) for each in found.bins] == [
        (0.75, 1, 1),
        (0.78, 1, 0),
        (0.85, 1, 0),
        (0.95, 1, 1),
    ]
    assert found.error == pytest.approx((0.25 + 0.78 + 0.85 + 0.05) / 4)
    assert found.brier == pytest.approx((0.05**2 + 0.85**2 + 0.25**2 + 0.78**2) / 4)


@pytest.mark.parametrize(
    ("confidence", "error", "brier"), [(1.0, 0.0, 0.0), (0.0, 1.0, 1.0), (0.5, 0.5, 0.25)], ids=["sure", "unsure", "even"]
)
def test_ends(confidence: float, error: float, brier: float) -> None:
    found = calibrate([align(GOLD, extraction((sure(predict(SPEED), confidence),)))])
    assert found is not None
    assert (found.error, found.brier) == (error, brier)
    assert found.bins == (Bin(confidence, confidence, 1, confidence, 1),)


def test_each_bin_has_as_many_claims_and_claims_of_one_confidence_share_theirs() -> None:
    said = [0.9] * 4 + [0.1, 0.2, 0.3, 0.5, 0.6, 0.7]
    found = calibration([Foretold(tuple((each, True) for each in said), None)])
    assert found is not None
    assert [(each.low, each.high, each.claims) for each in found.bins] == [
        (0.1, 0.2, 2), (0.3, 0.5, 2), (0.6, 0.7, 2), (0.9, 0.9, 4),
    ]  # fmt: skip


def test_auroc_is_how_often_a_right_record_is_surer_than_a_wrong_one() -> None:
    records = [(0.9, True), (0.5, True), (0.5, False), (0.2, False)]
    found = calibration([Foretold(((0.9, True),), record) for record in records])
    assert found is not None
    assert (found.records, found.auroc, found.sure) == (4, 3.5 / 4, Share(1, 1))
    alone = calibration([Foretold(((0.9, True),), (0.9, True))])
    assert alone is not None
    assert alone.auroc is None


@pytest.mark.parametrize("claims", [(), (predict(SPEED), predict(ACCURACY))], ids=["no claims", "no confidence"])
def test_without_confidence_there_is_nothing_to_calibrate(claims: tuple[Claim, ...]) -> None:
    alignments = [align(GOLD, extraction(claims))]
    assert calibrate(alignments) is calibrate([]) is None
    assert score(alignments).as_dict()["calibration"] is None


def test_the_json_form_holds_the_accuracy_of_each_bin() -> None:
    figures = score([align(GOLD, extraction((sure(predict(SPEED), 0.9),)))]).as_dict()["calibration"]
    assert figures["claims"] == 1
    assert figures["bins"][-1] == {"low": 0.9, "high": 0.9, "claims": 1, "confidence": 0.9, "right": 1, "accuracy": 1.0}
    assert figures["error"] == pytest.approx(0.1)
