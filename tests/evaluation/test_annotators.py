"""Two annotations of the same documents: what agrees, whoever comes first, and what has no counterpart."""

from dataclasses import astuple
from typing import Any

import pytest

from extractor.cli.table import page
from extractor.documents import Document
from extractor.errors import DataError
from extractor.evaluation.annotators import align_annotators, as_extraction
from extractor.evaluation.gold import GoldClaim, GoldDocument
from extractor.evaluation.metrics import Counts, score
from tests.evaluation.planted import ACCURACY, DOCUMENT, GOLD, NANO, PHONES, SPEED, SPEEDUP, replace, span_of


def changed(**changes: Any) -> GoldDocument:
    return replace(GOLD, **changes)


def valued(number: float) -> GoldClaim:
    return replace(SPEEDUP, quantity=SPEEDUP.quantity.model_copy(update={"low": number, "high": number}))


# Quotes the second statement of the speedup, and says nothing of the first.
ELSEWHERE = replace(SPEEDUP, span=span_of("2.5x", 1), restated=())
OTHERS = [
    pytest.param(GOLD, (3, 0, 0), 3, (2, 0, 0), id="the same"),
    pytest.param(changed(claims=(SPEED, ACCURACY)), (2, 0, 1), 2, (2, 0, 0), id="a claim fewer"),
    pytest.param(changed(claims=(), hardware=()), (0, 0, 3), 0, (0, 0, 2), id="nothing"),
    pytest.param(changed(claims=(ELSEWHERE, SPEED, ACCURACY)), (3, 0, 0), 3, (2, 0, 0), id="quoted at its restatement"),
    pytest.param(
        changed(claims=(SPEEDUP, replace(SPEED, kind="speedup"), ACCURACY)), (3, 0, 0), 2, (2, 0, 0), id="another kind"
    ),
    pytest.param(changed(claims=(valued(1 / 19), SPEED, ACCURACY)), (3, 0, 0), 2, (2, 0, 0), id="another value"),
    pytest.param(changed(system="Squid"), (3, 0, 0), 3, (2, 0, 0), id="another system"),
    pytest.param(
        changed(system=None, claims=(SPEEDUP, replace(SPEED, subject="Squid"))), (2, 0, 1), 2, (2, 0, 0), id="no system"
    ),
    pytest.param(changed(hardware=(NANO, replace(PHONES, category="edge"))), (3, 0, 0), 3, (1, 1, 1), id="another category"),
]


@pytest.mark.parametrize(("other", "claims", "strict", "hardware"), OTHERS)
def test_what_agrees_is_counted_as_in_an_evaluation(
    other: GoldDocument, claims: tuple[int, ...], strict: int, hardware: tuple[int, ...]
) -> None:
    scores = score(align_annotators([GOLD], [other]).alignments)
    assert astuple(scores.claims.detection) == claims
    assert scores.claims.strict.found == strict
    assert astuple(scores.hardware.all) == hardware


@pytest.mark.parametrize(("other", "claims", "strict", "hardware"), OTHERS)
def test_it_does_not_matter_who_comes_first(
    other: GoldDocument, claims: tuple[int, ...], strict: int, hardware: tuple[int, ...]
) -> None:
    there, back = (score(align_annotators([a], [b]).alignments) for a, b in ((GOLD, other), (other, GOLD)))
    for ours, theirs in ((there.claims.detection, back.claims.detection), (there.hardware.all, back.hardware.all)):
        assert ours == Counts(theirs.found, theirs.missed, theirs.spurious)
    assert there.claims.strict.f1 == back.claims.strict.f1
    assert (there.fields, there.hardware.role) == (back.fields, back.hardware.role)
    assert (there.system.soft, there.documents_right) == (back.system.soft, back.documents_right)


@pytest.mark.parametrize(
    ("ours", "theirs", "systems", "same"),
    [
        pytest.param(None, "Kraken", ("Kraken", "Kraken"), True, id="null for the name"),
        pytest.param(None, "Squid", ("Kraken", "Kraken"), False, id="null for another name"),
        pytest.param(None, None, ("Kraken", "Squid"), True, id="null twice"),
        pytest.param(None, "Kraken", (None, "Kraken"), True, id="null without a system"),
        pytest.param(None, "Kraken", (None, None), False, id="null where no one names a system"),
    ],
)
def test_a_null_subject_is_the_system_from_either_side(
    ours: str | None, theirs: str | None, systems: tuple[str | None, str | None], same: bool
) -> None:
    a, b = (
        changed(system=system, claims=(replace(SPEED, subject=name),))
        for name, system in zip((ours, theirs), systems, strict=True)
    )
    for pair in ((a, b), (b, a)):
        assert score(align_annotators([pair[0]], [pair[1]]).alignments).fields["subject"].exact.right == same


def test_either_may_have_rounded_a_value() -> None:
    a, b = changed(claims=(valued(0.05263),)), changed(claims=(valued(1 / 19),))
    for pair in ((a, b), (b, a)):
        assert score(align_annotators([pair[0]], [pair[1]]).alignments).claims.strict.f1 == 1.0


def test_documents_of_one_alone_are_named_and_left_out() -> None:
    own = [changed(document=Document(name, DOCUMENT.title, DOCUMENT.abstract)) for name in ("a", "b")]
    both = align_annotators([own[0], GOLD], [GOLD, own[1]])
    assert [alignment.gold for alignment in both.alignments] == [GOLD]
    assert (both.only_first, both.only_second) == (("a",), ("b",))


def test_one_id_with_two_texts_is_refused() -> None:
    other = changed(document=Document("planted", DOCUMENT.title, DOCUMENT.abstract + " "))
    with pytest.raises(DataError, match=r"of planted are of different texts; give both the same"):
        align_annotators([GOLD], [other])


def test_an_annotation_as_a_record_says_the_same() -> None:
    record = as_extraction(GOLD)
    assert (record.system, record.text) == (GOLD.system, DOCUMENT.text)
    assert [claim.spans.quantity for claim in record.claims] == [claim.span for claim in GOLD.claims]
    assert [claim.hardware for claim in record.claims] == ["Jetson Nano", "mobile phones", None]
    assert [(each.name, each.span) for each in record.hardware] == [(each.name, each.span) for each in GOLD.hardware]


def test_the_table_shows_what_is_alike_and_of_how_many() -> None:
    other = changed(claims=(SPEEDUP, replace(SPEED, kind="speedup"), ACCURACY), system=None)
    shown = page(align_annotators([GOLD], [other]).table(), 80)
    lines = [line.rsplit(maxsplit=2) for line in shown]
    assert lines[0] == ["1 abstract annotated", "by", "both"]
    assert ["claims found: F1", "1.000", "3"] in lines
    assert ["claims alike: F1", "0.667", "4"] in lines
    assert ["claim: kind", "0.667", "3"] in lines
    assert ["system", "0.000", "1"] in lines
