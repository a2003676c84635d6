"""The rules that find the paper's own system."""

import json
from pathlib import Path
from typing import Any

import pytest

from extractor.documents import Document
from extractor.labelling.rules.lexicon import lexicon
from extractor.labelling.rules.rows import Rules
from extractor.labelling.rules.system import find_system
from extractor.spotting import spot

CASES: list[Any] = json.loads((Path(__file__).parent / "system.json").read_text(encoding="utf-8"))


def system_of(title: str, abstract: str) -> str | None:
    document = Document("d", title, abstract)
    found = find_system(document, spot(document.text), Rules().systems, lexicon())
    return found[0] if found else None


@pytest.mark.parametrize("case", [pytest.param(case, id=case["title"][:30]) for case in CASES])
def test_the_system_of_a_paper(case: dict[str, Any]) -> None:
    assert system_of(case["title"], case["abstract"]) == case["system"]


def test_a_device_is_no_system() -> None:
    assert system_of("Learning at home", "We introduce Raspberry Pi 4, a board.") is None
