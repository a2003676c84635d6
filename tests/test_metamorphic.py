"""What does not change the meaning of an abstract does not change its record: line breaks, markup, notation."""

import asyncio
import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from extractor.documents import Document
from extractor.labelling.rules import RulesLabeller
from extractor.records import PHRASE_FIELDS, Extraction
from extractor.spotting import spot
from extractor.worker import extract_document
from tests.rewritten import CAPITALS, EN_DASH, REWRITINGS, Rewritten, rewrite, with_capitals, with_en_dashes

GOLD = Path(__file__).parents[1] / "evals" / "gold"
TOLERATED = 0.01
"""Share of the claims that a rewriting may change."""

DIFFERENT: dict[tuple[str, str, str], str] = {
    (CAPITALS, "a006", "20 percentage points"): "its subject is the system, then found in the abstract and not in the title",
    (CAPITALS, "a007", "1000-fold"): "the claim stands in the title, and FOLD is no unit",
}
"""By rewriting, document and quantity, or "hardware", or "system": why the record differs. Every difference stands here."""

Fact = tuple[object, ...]


@cache
def documents() -> list[Document]:
    """The annotated abstracts of all sets."""
    pages: list[dict[str, Any]] = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(GOLD.rglob("*.json"))]
    return [Document(page["id"], page["title"], page["abstract"]) for page in pages]


def extract(documents: Iterable[Document]) -> list[Extraction]:
    """The records of documents by the rules, in their order."""

    async def each() -> list[Extraction]:
        return [await extract_document(document, RulesLabeller()) for document in documents]

    return asyncio.run(each())


@cache
def records() -> list[Extraction]:
    """The record of each abstract as it stands."""
    return extract(documents())


def rewritten(name: str, document: Document) -> Rewritten:
    if name == CAPITALS:
        return with_capitals(document)
    if name == EN_DASH:
        return with_en_dashes(document, spot(document.text).quantities)
    return rewrite(document, REWRITINGS[name](document))


def facts(record: Extraction, place: Rewritten) -> Iterator[tuple[str, Fact]]:
    """All that a record says, its spans where `place` puts them; each with the quantity or field that it belongs to."""
    for claim in record.claims:
        q, spans = claim.quantity, claim.spans
        phrases = [place.span(getattr(spans, name)) for name in PHRASE_FIELDS]
        labels = (claim.kind, claim.comparison, claim.effect, q.low, q.high, q.unit, q.bound)
        yield q.text, ("claim", place.span(spans.quantity), *labels, *phrases, place.span(claim.sentence))
    for target in record.hardware:
        yield "hardware", ("hardware", place.span(target.span), target.specific, target.category, target.role)


def system(record: Extraction) -> str | None:
    return record.system and " ".join(record.system.split())


def differences(name: str) -> Iterator[tuple[str, str, str]]:
    """What differs after a rewriting: its name, the document, and the quantity, "hardware" or "system"."""
    places = [(rewritten(name, document), before) for document, before in zip(documents(), records(), strict=True)]
    places = [(place, before) for place, before in places if place.document.text != before.text]
    for (place, before), after in zip(places, extract(place.document for place, _ in places), strict=True):
        expected = [*facts(before, place)]
        found = [*facts(after, rewrite(place.document, ()))]
        changed = [what for what, fact in expected if fact not in [other for _, other in found]]
        changed += [what for what, fact in found if fact not in [other for _, other in expected]]
        if name != CAPITALS and system(before) != system(after):
            changed.append("system")
        for what in dict.fromkeys(" ".join(one.split()) for one in changed):
            yield name, before.id, what


@pytest.mark.parametrize("name", [*REWRITINGS, EN_DASH, CAPITALS])
def test_a_rewriting_changes_no_record(name: str) -> None:
    found = {*differences(name)}
    assert found == {difference for difference in DIFFERENT if difference[0] == name}
    claims = [what for _, _, what in found if what not in ("hardware", "system")]
    assert len(claims) <= TOLERATED * sum(len(record.claims) for record in records())


SAMPLE = Document("d", "A 3x Title", "It is 8$\\times$ fast, or 5-6x, at 9\\% in all. We saw CIFAR-10-2.")


@pytest.mark.parametrize(
    ("name", "abstract"),
    [
        ("doubled spaces", "It  is  8$\\times$  fast,  or  5-6x,  at  9\\%  in  all.  We  saw  CIFAR-10-2."),
        ("no-break spaces", SAMPLE.abstract.replace(" ", "\u00a0")),
        ("CRLF", "It is 8$\\times$ fast, or 5-6x, at 9\\% in all. We saw CIFAR-10-2."),
        ("×", "It is 8× fast, or 5-6×, at 9\\% in all. We saw CIFAR-10-2."),
        ("x", "It is 8x fast, or 5-6x, at 9\\% in all. We saw CIFAR-10-2."),
        ("&times;", "It is 8&times; fast, or 5-6&times;, at 9\\% in all. We saw CIFAR-10-2."),
        ("%", "It is 8$\\times$ fast, or 5-6x, at 9% in all. We saw CIFAR-10-2."),
        ("JATS paragraphs", f"<jats:p>{SAMPLE.abstract}</jats:p>".replace("all. We", "all.</jats:p>\n<jats:p>We")),
        ("trailing newline", SAMPLE.abstract + "\n"),
        (EN_DASH, "It is 8$\\times$ fast, or 5–6x, at 9\\% in all. We saw CIFAR-10-2."),
        (CAPITALS, SAMPLE.abstract),
    ],
)
def test_a_rewriting_rewrites(name: str, abstract: str) -> None:
    place = rewritten(name, SAMPLE)
    assert place.document.abstract == abstract
    assert place.document.title == ("A 3X TITLE" if name == CAPITALS else SAMPLE.title)


@pytest.mark.parametrize("name", [*REWRITINGS, EN_DASH, CAPITALS])
def test_a_span_of_words_holds_the_same_words_after_it(name: str) -> None:
    """Of words that no rewriting touches, and of the characters at the ends of one that it does."""
    document = next(each for each in documents() if each.id == "s001")
    place = rewritten(name, document)
    new = place.document.text.upper() if name == CAPITALS else place.document.text
    for word in re.finditer(r"[A-Za-z]+(?=[\s.,])", document.text):
        span = place.span(word.span())
        assert span is not None
        assert new[slice(*span)] == (word[0].upper() if name == CAPITALS else word[0])
    sample = rewritten(name, SAMPLE)
    start = SAMPLE.text.index("8$")
    times = sample.span((start, start + len("8$\\times$")))
    assert times is not None
    assert sample.document.text[slice(*times)] in ("8$\\times$", "8×", "8x", "8&times;")


def test_a_macro_keeps_its_case() -> None:
    title = with_capitals(Document("d", "\\textsc{Tern}: $\\alpha$ of ßkills", "It")).document.title
    assert title == "\\textsc{TERN}: $\\alpha$ OF ßKILLS"


def test_lines_are_as_long_as_asked() -> None:
    document = Document("d", "T", "aaa bb cccc dd eeeeeeee f " + "word " * 40 + "end")
    text = rewrite(document, REWRITINGS["wrapped at 60"](document)).document.abstract
    assert {len(line) <= 60 for line in text.split("\n")} == {True}
    assert text.replace("\n", " ") == document.abstract
