"""Grounding keeps what the text says and rejects the rest, with its reason; it never raises on what a labeller said."""

from typing import Any

import pytest

from extractor.documents import Document
from extractor.grounding import ground
from extractor.labels import ClaimLabel, HardwareLabel, Labelled, Labels
from extractor.records import Extraction, Provenance
from extractor.spotting import spot

DOCUMENT = Document(
    "d1", "FastNet: quick nets", "FastNet cuts latency by 2.5x over SlowNet on a Jetson Nano. It has 5M parameters."
)
QUANTITIES = {m.text: m.id for m in spot(DOCUMENT.text).quantities}
SPEEDUP, SIZE = QUANTITIES["2.5x"], QUANTITIES["5M parameters"]
BOARD = spot(DOCUMENT.text).hardware[0].id


def claim(mention: int = SPEEDUP, **changes: Any) -> ClaimLabel:
    fields: dict[str, Any] = {
        "kind": "speedup",
        "comparison": "change",
        "effect": "better",
        "metric": "latency",
        "subject": "FastNet",
    }
    fields |= {"baseline": "SlowNet", "dataset": None, "hardware": "Jetson Nano"}
    return ClaimLabel.model_validate({"mention": mention, **fields, **changes})


def grounded(*claims: ClaimLabel, **changes: Any) -> Extraction:
    fields = {"system": "FastNet", "claims": claims, "not_claims": (SIZE,), "hardware": (), "not_hardware": (BOARD,)}
    labels = Labels.model_validate(fields | changes)
    mentions = spot(DOCUMENT.text)
    return ground(DOCUMENT, mentions, Labelled(labels, Provenance(extractor="0", labeller="test", model="test")))


def rejections(extraction: Extraction) -> list[tuple[str, str, str]]:
    return [(r.field, r.value, r.reason) for r in extraction.rejected]


def test_a_right_label_becomes_a_claim_with_its_spans() -> None:
    extraction = grounded(claim())
    (found,) = extraction.claims
    text = DOCUMENT.text
    assert extraction.rejected == ()
    assert (found.quantity.text, found.quantity.low, found.quantity.unit) == ("2.5x", 2.5, "x")
    assert {name: text[slice(*span)] for name, span in found.spans.model_dump(exclude_none=True).items()} == {
        "quantity": "2.5x",
        "metric": "latency",
        "subject": "FastNet",
        "baseline": "SlowNet",
        "hardware": "Jetson Nano",
    }
    assert text[slice(*found.sentence)] == "FastNet cuts latency by 2.5x over SlowNet on a Jetson Nano."


def test_the_subject_is_the_occurrence_in_the_sentence_of_the_number() -> None:
    (found,) = grounded(claim()).claims
    assert found.spans.subject == (20, 27)


def test_hardware_targets_carry_the_mention() -> None:
    extraction = grounded(claim(), hardware=(HardwareLabel(mention=BOARD, role="evaluated"),), not_hardware=())
    (target,) = extraction.hardware
    assert (target.name, target.specific, target.category, target.role) == ("Jetson Nano", True, "edge", "evaluated")


@pytest.mark.parametrize(
    ("changes", "rejection"),
    [
        ({"baseline": "GPT-4"}, ("claims[0].baseline", "GPT-4", "not found in the text")),
        ({"metric": "12x latency"}, ("claims[0].metric", "12x latency", "not found in the text")),
        ({"comparison": "fraction"}, ("claims[0].effect", "better", "fraction has no effect")),
    ],
)
def test_a_wrong_field_is_rejected_and_the_claim_kept(changes: dict[str, Any], rejection: tuple[str, str, str]) -> None:
    extraction = grounded(claim(**changes))
    assert rejections(extraction) == [rejection]
    assert len(extraction.claims) == 1


def test_an_absolute_value_has_no_baseline() -> None:
    extraction = grounded(claim(comparison="absolute", effect=None))
    assert rejections(extraction) == [("claims[0].baseline", "SlowNet", "absolute has no baseline")]
    assert extraction.claims[0].baseline is None


def test_a_change_without_an_effect_is_no_claim() -> None:
    extraction = grounded(claim(effect=None))
    assert rejections(extraction) == [("claims[0]", "2.5x", "a change without an effect")]
    assert extraction.claims == ()


@pytest.mark.parametrize(
    ("changes", "rejection"),
    [
        ({"not_claims": (SIZE, 99)}, ("not_claims[1]", "99", "no such mention")),
        ({"not_claims": (SIZE, SPEEDUP)}, ("not_claims[1]", str(SPEEDUP), "labelled twice")),
        ({"not_claims": ()}, (f"mentions[{SIZE}]", "5M parameters", "has no label")),
        ({"not_claims": (SIZE, BOARD)}, ("not_claims[1]", str(BOARD), "no such mention")),
        ({"system": "SlothNet"}, ("system", "SlothNet", "not found in the text")),
        ({"missed": ("3.7x",)}, ("missed[0]", "3.7x", "not found in the text")),
        ({"missed": ("by 2.5x over",)}, ("missed[0]", "by 2.5x over", "overlaps a listed mention")),
        ({"missed": ("quick nets",)}, ("missed[0]", "quick nets", "no number was spotted there")),
    ],
)
def test_labels_that_do_not_fit_the_mentions_are_rejected(changes: dict[str, Any], rejection: tuple[str, str, str]) -> None:
    assert rejections(grounded(claim(), **changes)) == [rejection]


def test_a_mention_that_does_not_exist_gives_no_claim() -> None:
    extraction = grounded(claim(), claim(mention=99))
    assert rejections(extraction) == [("claims[1].mention", "99", "no such mention")]
    assert len(extraction.claims) == 1


def test_claims_stand_in_the_order_of_the_text() -> None:
    size = claim(SIZE, kind="resource", comparison="absolute", effect=None, metric="parameters", baseline=None, hardware=None)
    extraction = grounded(size, claim(), not_claims=())
    assert [c.quantity.text for c in extraction.claims] == ["2.5x", "5M parameters"]
    assert extraction.rejected == ()


@pytest.mark.parametrize(
    ("text", "roles", "kept"),
    [
        ("It runs on phones, and on tablets.", ("intended", "intended"), ["phones"]),
        ("It runs on phones, and on tablets.", ("intended", "evaluated"), ["tablets"]),
        ("It runs on phones and servers.", ("intended", "intended"), ["phones", "servers"]),
        ("A Jetson Nano, and the Jetson Nano again.", ("evaluated", "evaluated"), ["Jetson Nano"]),
        ("A Jetson Nano, and an edge device.", ("evaluated", "intended"), ["Jetson Nano", "edge device"]),
    ],
    ids=["class twice", "evaluated first", "two classes", "product twice", "product and class"],
)
def test_a_product_and_a_class_are_each_listed_once(text: str, roles: tuple[str, ...], kept: list[str]) -> None:
    document = Document("d", "T", text)
    mentions = spot(document.text)
    hardware = [{"mention": m.id, "role": role} for m, role in zip(mentions.hardware, roles, strict=True)]
    labels = Labels.model_validate({"system": None, "claims": (), "not_claims": (), "hardware": hardware, "not_hardware": ()})
    extraction = ground(document, mentions, Labelled(labels, Provenance(extractor="0", labeller="test", model="test")))
    assert [target.name for target in extraction.hardware] == kept
    assert [r.reason for r in extraction.rejected] == ["listed already"] * (len(roles) - len(kept))
