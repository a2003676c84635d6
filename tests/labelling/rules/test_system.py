"""The rules that find the paper's own system: each has its case."""

import json
from pathlib import Path
from typing import Any

import pytest

from extractor.documents import Document
from extractor.labelling.rules import system
from extractor.labelling.rules.system import find_system
from extractor.spotting import spot

CASES: list[Any] = json.loads((Path(__file__).parent / "system.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case['rule']}: {case['title'][:30]}") for case in CASES])
def test_the_system_of_a_paper(case: dict[str, Any]) -> None:
    document = Document("d", case["title"], case["abstract"])
    assert find_system(document, spot(document.text)) == case["system"]
    first = next((rule.__name__ for rule in system.RULES if rule(document) is not None), None)
    assert case["rule"] is None or first == case["rule"]


def test_every_rule_has_a_case() -> None:
    assert {rule.__name__ for rule in system.RULES} == {case["rule"] for case in CASES if case["rule"]}


def test_a_device_is_no_system() -> None:
    document = Document("d", "Learning at home", "We introduce Raspberry Pi 4, a board.")
    assert find_system(document, spot(document.text)) is None
