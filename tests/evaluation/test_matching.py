"""Matching pairs by place, one to one; fields compare exactly and softly."""

import itertools
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor.documents import Document, Span
from extractor.errors import DataError, UsageError
from extractor.evaluation.gold import GoldHardware
from extractor.evaluation.matching import (
    Agreement,
    agreement,
    align,
    claim_overlap,
    compare_phrases,
    hardware_likeness,
    is_complete,
    is_strict,
    match,
    normalise,
    overlap,
    same_number,
    word_f1,
)
from tests.evaluation.planted import ACCURACY, GOLD, NANO, PHONES, SPEED, SPEEDUP, extraction, predict, replace, span_of, target

SPANS = st.tuples(st.integers(0, 12), st.integers(1, 6)).map(lambda pair: (pair[0], sum(pair)))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        pytest.param((3, 7), (3, 7), 1.0, id="equal"),
        pytest.param((3, 7), (4, 8), 3 / 5, id="shifted by one"),
        pytest.param((3, 7), (3, 5), 1 / 2, id="inside"),
        pytest.param((3, 7), (7, 9), 0.0, id="touching"),
        pytest.param((3, 7), (9, 12), 0.0, id="apart"),
    ],
)
def test_overlap_is_intersection_over_union(a: Span, b: Span, expected: float) -> None:
    assert overlap(a, b) == overlap(b, a) == pytest.approx(expected)


@settings(deadline=None)  # the first call imports scipy
@given(st.lists(SPANS, max_size=4), st.lists(SPANS, max_size=4))
def test_the_pairing_has_the_largest_total_overlap(gold: list[Span], predicted: list[Span]) -> None:
    matching = match(gold, predicted, overlap)
    small, large = sorted([range(len(gold)), range(len(predicted))], key=len)
    swap = len(gold) > len(predicted)
    totals = [
        sum(overlap(gold[b if swap else a], predicted[a if swap else b]) for a, b in zip(small, order, strict=True))
        for order in itertools.permutations(large, len(small))
    ]
    assert sum(overlap(g, p) for g, p in matching.pairs) == pytest.approx(max(totals))
    assert all(overlap(g, p) > 0 for g, p in matching.pairs)
    assert sorted([*(g for g, _ in matching.pairs), *matching.missed]) == sorted(gold)
    assert sorted([*(p for _, p in matching.pairs), *matching.spurious]) == sorted(predicted)


def test_the_greedy_pairing_is_not_taken() -> None:
    # (0, 10) overlaps both; taking its best partner first would leave (0, 4) alone.
    assert match([(0, 10), (8, 12)], [(0, 10), (0, 4)], overlap).pairs == (((0, 10), (0, 10)),)
    assert match([(0, 6), (4, 10)], [(3, 7), (4, 6)], overlap).missed == ()


def test_a_prediction_on_a_restatement_finds_the_claim() -> None:
    again = predict(SPEEDUP, span=SPEEDUP.restated[0])
    matching = align(GOLD, extraction((again,))).claims
    assert matching.pairs == ((SPEEDUP, again),)
    assert matching.spurious == ()


@pytest.mark.parametrize("order", [1, -1], ids=["as in the text", "reversed"])
def test_of_two_predictions_of_one_claim_the_main_statement_is_taken(order: int) -> None:
    main, again = predict(SPEEDUP), predict(SPEEDUP, span=SPEEDUP.restated[0])
    matching = align(GOLD, extraction((main, again)[::order])).claims
    assert matching.pairs == ((SPEEDUP, main),)
    assert matching.spurious == (again,)


def test_a_restatement_weighs_less_than_the_statement_by_a_hair() -> None:
    assert claim_overlap(SPEEDUP, predict(SPEEDUP)) == 1
    assert 0.99 < claim_overlap(SPEEDUP, predict(SPEEDUP, span=SPEEDUP.restated[0])) < 1
    assert claim_overlap(SPEEDUP, predict(SPEED)) == 0


def test_wrong_fields_do_not_cost_a_partner() -> None:
    wrong = predict(ACCURACY, kind="resource", low=1.0, high=1.0, unit=None, metric=None)
    assert align(GOLD, extraction((wrong,))).claims.pairs == ((ACCURACY, wrong),)


CHIP = GoldHardware("Snapdragon 865", True, "mobile", "evaluated", (100, 114))
GPUS = GoldHardware("GPUs", False, "gpu", "evaluated", (50, 54))


@pytest.mark.parametrize(
    ("gold", "changes", "alike"),
    [
        pytest.param(CHIP, {}, True, id="the same"),
        pytest.param(CHIP, {"span": (10, 24), "name": "snapdragon  865."}, True, id="the same name elsewhere"),
        pytest.param(CHIP, {"span": (96, 114), "name": "the Snapdragon 865"}, True, id="another name, overlapping"),
        pytest.param(CHIP, {"span": (10, 20), "name": "Snapdragon"}, False, id="another name elsewhere"),
        pytest.param(CHIP, {"category": "npu", "role": "intended"}, True, id="wrong category and role"),
        pytest.param(CHIP, {"specific": False}, False, id="said to be a class"),
        pytest.param(GPUS, {"span": (0, 7), "name": "a GPU"}, True, id="class: same category elsewhere"),
        pytest.param(GPUS, {"category": "server"}, False, id="class: other category, same place"),
        pytest.param(GPUS, {"specific": True}, False, id="class: said to be a product"),
    ],
)
def test_products_match_by_place_or_name_and_classes_by_category(
    gold: GoldHardware, changes: dict[str, Any], alike: bool
) -> None:
    assert (hardware_likeness(gold, target(gold, **changes)) > 0) is alike


@pytest.mark.parametrize("order", [1, -1], ids=["elsewhere first", "here first"])
def test_of_two_alike_targets_the_overlapping_one_is_taken(order: int) -> None:
    here, elsewhere = target(PHONES), target(PHONES, name="Kraken", span=span_of("Kraken"))
    matching = align(GOLD, extraction(hardware=(elsewhere, here)[::order])).hardware
    assert matching.pairs == ((PHONES, here),)
    assert matching.missed == (NANO,)
    assert matching.spurious == (elsewhere,)


SAME, SOFT, OTHER, NULL = Agreement(True, True), Agreement(False, True), Agreement(False, False), Agreement(True, True, False)


@pytest.mark.parametrize(
    ("gold", "predicted", "expected"),
    [
        pytest.param(None, None, NULL, id="both null"),
        pytest.param("COCO", None, OTHER, id="missing"),
        pytest.param(None, "COCO", OTHER, id="made up"),
        pytest.param("COCO", "coco", SAME, id="case"),
        pytest.param("top-1  accuracy", "Top-1\naccuracy,", SAME, id="white space and punctuation at the end"),
        pytest.param("$F_1$ score", "F_1 score", SAME, id="LaTeX"),
        pytest.param("R² score", "R2 score", SAME, id="superscript"),
        pytest.param("top-1 accuracy", "accuracy", SOFT, id="within"),
        pytest.param("accuracy", "top-1 accuracy", SOFT, id="around"),
        pytest.param("time-to-first-token", "Time To First Token", SOFT, id="the same words"),
        pytest.param("mean energy use", "peak energy use", SOFT, id="two of three words"),
        pytest.param("word error", "word rate", SOFT, id="half of the words"),
        pytest.param("inference latency", "end-to-end latency", OTHER, id="a third of the words"),
        pytest.param("age", "image", OTHER, id="a part of a word"),
        pytest.param("AP", "AR", OTHER, id="another word"),
        pytest.param("-", "COCO", OTHER, id="punctuation alone"),
    ],
)
def test_phrases(gold: str | None, predicted: str | None, expected: Agreement) -> None:
    assert compare_phrases(gold, predicted) == compare_phrases(predicted, gold) == expected


@given(st.text(), st.text())
def test_exact_agreement_is_soft_agreement(a: str, b: str) -> None:
    assert compare_phrases(a, a) == SAME
    found = compare_phrases(a, b)
    assert found == compare_phrases(b, a)
    assert found.soft or not found.exact
    assert normalise(normalise(a)) == normalise(a)


@given(st.lists(st.sampled_from("abc"), max_size=5), st.lists(st.sampled_from("abc"), max_size=5))
def test_word_f1(a: list[str], b: list[str]) -> None:
    assert 0 <= word_f1(a, b) == word_f1(b, a) <= 1
    assert (word_f1(a, b) == 1) is (sorted(a) == sorted(b) != [])


@pytest.mark.parametrize(
    ("gold_subject", "system", "subject", "agrees"),
    [
        pytest.param("Kraken", "Kraken", None, True, id="null for the system's name"),
        pytest.param(None, "Kraken", "Kraken", True, id="the system's name for null"),
        pytest.param(None, None, None, True, id="both null, no system"),
        pytest.param(None, "Kraken", "Squid", False, id="another for null"),
        pytest.param("Squid", "Kraken", None, False, id="null for another"),
        pytest.param("Kraken", None, None, False, id="null for a name that is not the system's"),
    ],
)
def test_a_null_subject_is_the_system(gold_subject: str | None, system: str | None, subject: str | None, agrees: bool) -> None:
    gold = replace(GOLD, system=system)
    fields = agreement(gold, replace(SPEEDUP, subject=gold_subject), predict(SPEEDUP, subject=subject))
    assert fields["subject"] == Agreement(agrees, agrees, named=system is not None or gold_subject is not None)


def test_null_in_another_phrase_is_no_name() -> None:
    fields = agreement(GOLD, replace(SPEED, dataset="Kraken"), predict(SPEED, metric="Kraken"))
    assert fields["metric"] == fields["dataset"] == OTHER


@pytest.mark.parametrize(
    ("changes", "wrong", "strict"),
    [
        pytest.param({}, set(), True, id="nothing"),
        pytest.param({"kind": "speed"}, {"kind"}, False, id="kind"),
        pytest.param({"comparison": "fraction", "effect": None}, {"comparison", "effect"}, False, id="comparison"),
        pytest.param({"effect": "worse"}, {"effect"}, True, id="effect"),
        pytest.param({"low": 2.0}, {"value"}, False, id="low"),
        pytest.param({"high": 3.0}, {"value"}, False, id="high"),
        pytest.param({"unit": "%"}, {"unit"}, False, id="unit"),
        pytest.param({"unit": None}, {"unit"}, False, id="no unit"),
        pytest.param({"bound": "up_to"}, {"bound"}, True, id="bound"),
        pytest.param({"baseline": None, "hardware": None}, {"baseline", "hardware"}, True, id="phrases"),
        pytest.param({"low": 2.5 * (1 + 1e-12)}, set(), True, id="floating point"),
    ],
)
def test_fields_of_a_pair(changes: dict[str, Any], wrong: set[str], strict: bool) -> None:
    fields = agreement(GOLD, SPEEDUP, predict(SPEEDUP, **changes))
    assert {name for name, agrees in fields.items() if not agrees.exact} == wrong
    assert is_strict(fields) is strict
    assert is_complete(fields) is (wrong == set())


@pytest.mark.parametrize(
    ("gold", "said", "same"),
    [
        pytest.param(968000000, 968 * 1e6, True, id="floating point"),
        pytest.param(1100000, 1.1 * 1e6, True, id="floating point below"),
        pytest.param(0, 0, True, id="zero"),
        pytest.param(0, 0.001, False, id="near zero"),
        pytest.param(0.05263, 1 / 19, True, id="1/19 in four digits"),
        pytest.param(0.6667, 2 / 3, True, id="2/3 rounded up"),
        pytest.param(0.6666, 2 / 3, False, id="2/3 cut off"),
        pytest.param(0.333, 1 / 3, False, id="three digits"),
        pytest.param(75.82, 75.8, False, id="a lost digit"),
        pytest.param(75.8, 75.82, False, id="a digit too many"),
        pytest.param(429078, 429079, False, id="the last of six digits"),
        pytest.param(90000, 90001, False, id="zeros at the end are no digits to round to"),
    ],
)
def test_numbers(gold: float, said: float, same: bool) -> None:
    assert same_number(gold, said) is same


def test_another_text_is_refused() -> None:
    other = extraction(system=None, document=Document("planted", "Kraken", "Another abstract."))
    with pytest.raises(DataError, match="another text"):
        align(GOLD, other)


def test_without_scipy_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(UsageError, match=r"needs scipy\. Install it with `pip install '\.\[eval\]'`"):
        match([(0, 1)], [(0, 1)], overlap)


@pytest.mark.parametrize(
    ("short", "long", "soft"),
    [
        pytest.param("accuracy", "accuracy of the model on the test set", True, id="at the start"),
        pytest.param("test set", "accuracy on the test set of the newer benchmark", True, id="in the middle"),
        pytest.param("test set", "accuracy of the model on the test set", True, id="at the end"),
        pytest.param("test accuracy", "accuracy of the model on the test set", False, id="in two pieces"),
        pytest.param("age", "mean image size in bytes", False, id="part of a word"),
        pytest.param("--", "accuracy of the model", False, id="no word"),
    ],
)
def test_a_short_phrase_agrees_softly_with_a_long_one_that_holds_it_in_one_piece(short: str, long: str, soft: bool) -> None:
    """The long ones are so long that the words shared alone would not do."""
    assert compare_phrases(short, long).soft is soft
    assert compare_phrases(long, short).soft is soft


def test_one_shared_character_is_an_overlap_and_a_shared_border_is_not() -> None:
    assert overlap((0, 4), (3, 7)) == pytest.approx(1 / 7)
    assert overlap((0, 4), (4, 8)) == 0
