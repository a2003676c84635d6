"""Each broken rule is told in words that name the mention and the remedy."""

from typing import Any

import pytest

from extractor.grounding import faults_told
from extractor.labels import Labels
from extractor.spotting import spot

MENTIONS = spot("FastNet\nFastNet cuts latency by 2.5x over SlowNet on a Jetson Nano. It has 5M parameters.")
CLAIM: dict[str, Any] = {
    "mention": 1,
    "kind": "speedup",
    "comparison": "change",
    "effect": "better",
    "metric": "latency",
    "subject": "FastNet",
    "baseline": "SlowNet",
    "dataset": None,
    "hardware": "Jetson Nano",
}
RIGHT: dict[str, Any] = {"system": "FastNet", "not_claims": [2], "claims": [CLAIM], "not_hardware": [3], "hardware": []}


def test_right_labels_have_no_fault() -> None:
    assert faults_told(Labels.model_validate(RIGHT), MENTIONS) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"not_claims": []}, "quantity 2 (5M parameters) is missing. Put it into claims or not_claims."),
        ({"not_claims": [2, 9]}, "There is no quantity with id 9. Remove it."),
        ({"not_claims": [2, 3]}, "There is no quantity with id 3. Remove it."),
        ({"not_hardware": []}, "hardware 3 (Jetson Nano) is missing. Put it into hardware or not_hardware."),
        ({"system": "SlothNet"}, "system 'SlothNet' is not in the abstract. Copy it exactly, or null."),
        ({"claims": [CLAIM | {"metric": "3.5x"}]}, "claim 1: metric '3.5x' is not in the abstract. Copy it exactly, or null."),
        ({"claims": [CLAIM | {"effect": None}]}, 'claim 1 is a change: its effect is "better" or "worse".'),
    ],
)
def test_each_fault_is_told_once(change: dict[str, Any], fault: str) -> None:
    assert faults_told(Labels.model_validate(RIGHT | change), MENTIONS) == [fault]


def test_an_id_that_stands_twice_is_told_beside_other_faults_and_is_none_alone() -> None:
    twice = RIGHT | {"not_claims": [1, 2], "hardware": [{"mention": 3, "role": "evaluated"}]}
    assert faults_told(Labels.model_validate(twice), MENTIONS) == []
    told = faults_told(Labels.model_validate(twice | {"not_claims": [1]}), MENTIONS)
    assert told == [
        "quantity 1 (2.5x) stands 2 times. Keep it once, in claims or not_claims.",
        "quantity 2 (5M parameters) is missing. Put it into claims or not_claims.",
        "hardware 3 (Jetson Nano) stands 2 times. Keep it once, in hardware or not_hardware.",
    ]


def test_a_hopeless_reply_is_told_its_first_dozen_faults() -> None:
    labels = Labels.model_validate(RIGHT | {"not_claims": list(range(50, 90))})
    assert len(faults_told(labels, MENTIONS)) == 12
