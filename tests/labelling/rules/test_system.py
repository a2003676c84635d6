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


SURVEYS = ["survey", "review", "tutorial", "overview", "perspective article", "position paper"]


@pytest.mark.parametrize("sort", SURVEYS)
def test_a_survey_presents_no_system(sort: str) -> None:
    assert system_of(f"Kraken: a {sort} of transformers", "Kraken is fast.") is None


@pytest.mark.parametrize("sort", [*SURVEYS[:4], "review article", "position paper"])
def test_an_abstract_of_a_survey_presents_no_system(sort: str) -> None:
    assert system_of("Kraken: transformers", f"This {sort} describes Kraken.") is None


@pytest.mark.parametrize("verb", ["propose", "introduce", "present", "develop"])
@pytest.mark.parametrize("article", ["", "a ", "an ", "the "])
def test_a_common_noun_in_the_title_is_a_system_where_it_is_introduced(verb: str, article: str) -> None:
    assert system_of("Kraken: transformers", f"We {verb} {article}kraken today.") == "kraken"


@pytest.mark.parametrize("article", ["the", "a", "an", "our", "two", "three", "new", "novel"])
def test_an_article_stands_before_a_name(article: str) -> None:
    assert system_of("Learning at home", f"We introduce {article} Kraken, which is fast.") == "Kraken"


@pytest.mark.parametrize("lead", ["dubbed", "we call", "call it", "codenamed"])
def test_a_lead_is_whole_words(lead: str) -> None:
    assert system_of("Learning at home", f"A net, {lead} Kraken, wins.") == "Kraken"
    assert system_of("Learning at home", f"A net, un{lead} Kraken, wins.") is None


def test_the_longest_lead_counts_and_so_does_one_within_it() -> None:
    assert system_of("Learning at home", "In the proposed Kraken, a net wins.") == "Kraken"


@pytest.mark.parametrize("lead", [":", ", namely", ", i.e.,"])
def test_a_new_thing_is_named_behind_it(lead: str) -> None:
    assert system_of("Learning at home", f"We propose a new driver model{lead} KrakNet, which is fast.") == "KrakNet"
    assert system_of("Learning at home", f"We compare two driver models{lead} KrakNet and HydraNet.") is None


@pytest.mark.parametrize("name", ["slide images (SLIMs)", "least squares error (LSE)"])
def test_a_class_in_the_plural_is_no_name(name: str) -> None:
    assert system_of("Learning at home", f"We present a way to compress {name}.") == (None if "s)" in name else "LSE")


@pytest.mark.parametrize("term", ["PSNR", "LMMs", "YOLO", "ViT-based", "AI-assisted"])
def test_a_term_of_the_field_is_no_name(term: str) -> None:
    assert system_of("Learning at home", f"We introduce {term}, which is known.") is None
