"""Each notation of a number is read to one value wherever it stands, and a fragment of a number is no quantity."""

import json
from pathlib import Path

import pytest

from extractor.spotting import spot
from tests.spotting.readings import reading

NOTATIONS: dict[str, list[tuple[str, list[str]]]] = json.loads(Path(__file__).with_name("notations.json").read_text("utf-8"))
CASES = [pytest.param(text, read, id=f"{kind}: {text}") for kind, cases in NOTATIONS.items() for text, read in cases]
PLACES = ["Zeta {}", "{}", "as we show ({}) here.", "we saw it, {}; the rest is ours.", "Ünïcode 😀, {}.", "it, {}\nand so on"]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_a_notation_is_read(text: str, expected: list[str]) -> None:
    read = {place: [reading(mention) for mention in spot(f"Zeta\n{place.format(text)}").quantities] for place in PLACES}
    assert read == dict.fromkeys(PLACES, expected)
