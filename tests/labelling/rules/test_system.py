"""The rules that find the paper's own system."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from extractor.documents import Document
from extractor.labelling.rules.lexicon import lexicon
from extractor.labelling.rules.rows import Rules
from extractor.labelling.rules.system import SystemRow, find_system, lead_places
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


def test_a_survey_is_named_by_whole_words() -> None:
    assert system_of("Kraken: transformers", "Isthis survey describes Kraken.") == "Kraken"


@pytest.mark.parametrize("verb", ["propose", "introduce", "present", "develop"])
@pytest.mark.parametrize("article", ["", "a ", "an ", "the "])
def test_a_common_noun_in_the_title_is_a_system_where_it_is_introduced(verb: str, article: str) -> None:
    assert system_of("Kraken: transformers", f"We {verb} {article}kraken today.") == "kraken"


@pytest.mark.parametrize("article", ["the", "a", "an", "our", "two", "three", "new", "novel"])
def test_an_article_stands_before_a_name(article: str) -> None:
    assert system_of("Learning at home", f"We introduce {article} Kraken, which is fast.") == "Kraken"


@pytest.mark.parametrize(
    "abstract",
    [
        "Our framework KrakenNet wins.",
        "introduces Kraken, a transformer",
        "It is fast (called Kraken), is\nnamed Eta, —dubbed Theta— and “known as” Zeta.",
        "A parallel transformer, i.e., Kraken, wins.",
        "The proposed proposal of a Net (NMAE), which we call Zeta, is short for Eta, shortened to Theta.",
        "Größe: we builds Kraken, offer Eta, and offers Theta.",
    ],
)
def test_no_row_matches_where_no_lead_is_found(abstract: str) -> None:
    places = lead_places(abstract, Rules().systems, lexicon())
    begins = {match.start() for row in Rules().systems if row.leads for match in re.finditer(pattern_of(row), abstract)}
    assert begins
    assert begins <= {*places}


def test_a_lead_may_have_an_ending_or_not() -> None:
    row = SystemRow("net X", "name", r"\s+NAMES", ("Nets", "We use the net Kraken."), "Kraken", ("nets?",))
    assert lead_places("The nets Eta and the net Kraken", (row,), lexicon()) == [4, 21]


def pattern_of(row: SystemRow) -> str:
    """The leads of a row, as they stand in the lexicon."""
    words = (word for lead in row.leads for word in lexicon().expressions.get(f"naming.{lead}", (lead,)))
    return rf"(?<!\w)(?:{'|'.join(words)})(?!\w)"
