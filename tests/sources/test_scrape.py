"""A raw scrape gives the titles and abstracts of its papers, whatever stands around them and however the lines are broken."""

import io
import json
import textwrap
from pathlib import Path

import pytest

from extractor.sources import BadRecord, Sourced, read

ROOT = Path(__file__).parents[2]
GOLD = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "evals/gold/seeds").glob("*.json"))]

TITLE_A = "Tern: Fast Matching of Bird Calls on Small Devices"
ABSTRACT_A = (
    "Recognising birds by their calls needs models that fit on a small recorder. We present Tern, which compares a call with a "
    "library of templates in one pass. On a Cortex-M4 it needs 41 ms and 96 KB for each call, 3.2x less time than a network of "
    "the same accuracy, and it runs for two seasons on one battery. The code and the library are free to use."
)
TITLE_B = "Do Shorter Prompts Cost Accuracy?"
ABSTRACT_B = (
    "Long prompts are slow and dear. We ask how much of a prompt a model needs, and cut prompts of five tasks by up to 60% "
    "with a classifier that scores each sentence. Accuracy falls by 0.4 points on average, while the time to the first token "
    "falls by half on a laptop and by a third on a phone. Prompts of mathematics suffer most; those "
    "of summaries do not suffer at all."
)
BOTH = [(TITLE_A, ABSTRACT_A), (TITLE_B, ABSTRACT_B)]


def scrape(text: str | bytes) -> list[Sourced | BadRecord]:
    return list(read(["-"], stdin=io.BytesIO(text if isinstance(text, bytes) else text.encode())))


def papers(found: list[Sourced | BadRecord]) -> list[tuple[str, str]]:
    return [(one.document.title, one.document.abstract) for one in found if isinstance(one, Sourced)]


def wrap(text: str, width: int) -> str:
    return textwrap.fill(text, width, break_on_hyphens=False, break_long_words=False)


def test_the_real_scrape_gives_the_annotated_abstracts() -> None:
    found = list(read([str(ROOT / "evals/corpus/abstracts.txt")]))
    assert papers(found) == [(gold["title"], gold["abstract"]) for gold in GOLD]
    assert len(found) == len(GOLD) == 143
    assert [one.document.id for one in found if isinstance(one, Sourced)] == [f"abstracts#{n}" for n in range(1, 144)]


A, B = f"{TITLE_A}\n{ABSTRACT_A}", f"{TITLE_B}\n{ABSTRACT_B}"
LAYOUTS = {
    "alternating": f"{A}\n{B}\n",
    "no line end at the end": f"{A}\n{B}",
    "crlf": f"{A}\n{B}\n".replace("\n", "\r\n"),
    "byte order mark": f"\ufeff{A}\n{B}",
    "blank lines": f"\n\n{TITLE_A}\n\n{ABSTRACT_A}\n\n\n{TITLE_B}\n   \n{ABSTRACT_B}\n\n",
    "white space around lines": f"  {TITLE_A}\t\n {ABSTRACT_A} \n{B}",
    "newsletter above": f"Get trending papers in your inbox once a day!\nGet trending papers in your email inbox!\n{A}\n{B}",
    "button fused to a title": f"Subscribe{A}\n{B}",
    "buttons fused to both ends": f"Sign up{A}Read more\n{TITLE_B}Subscribe\n{ABSTRACT_B}",
    "call fused to a title": f"Join our newsletter to receive updates!{A}\n{B}",
    "furniture between": f"{TITLE_A}\nUpvote 42\nView PDF\n{ABSTRACT_A}\n17\nShare\n{TITLE_B}\n|\n{ABSTRACT_B}",
    "furniture below": f"{A}\n{B}\nLoad more\n1 2 3 Next\nWe use cookies to improve this page.\n© 2024 A Site",
    "wrapped at 60": f"{TITLE_A}\n{wrap(ABSTRACT_A, 60)}\n{TITLE_B}\n{wrap(ABSTRACT_B, 60)}\n",
    "wrapped at 80, blank lines": f"{TITLE_A}\n\n{wrap(ABSTRACT_A, 80)}\n\n{TITLE_B}\n\n{wrap(ABSTRACT_B, 80)}\n",
    "one of two wrapped": f"{TITLE_A}\n{wrap(ABSTRACT_A, 72)}\n{B}",
    "wrapped with its title": f"{wrap(TITLE_A, 40)}\n{wrap(ABSTRACT_A, 40)}\n\n{wrap(TITLE_B, 40)}\n{wrap(ABSTRACT_B, 40)}",
    "broken in the middle of a sentence": A.replace(" needs 41", "\nneeds 41") + f"\n{B}",
    "a sentence a line": f"{A}\n{B}".replace(". ", ".\n"),
}


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_layouts(text: str) -> None:
    found = scrape(text)
    assert papers(found) == BOTH
    assert len(found) == 2


@pytest.mark.parametrize("width", [72, 80, 100])
def test_wrapped_abstracts_are_whole_again(width: int) -> None:
    """The annotated abstracts, wrapped: at least 95% come back to the letter (98%, 98% and 99% when measured)."""
    pairs = [(gold["title"].strip(), gold["abstract"].strip()) for gold in GOLD]
    found = papers(scrape("\n\n".join(f"{wrap(title, width)}\n\n{wrap(abstract, width)}" for title, abstract in pairs)))
    assert len(set(pairs) & set(found)) >= 0.95 * len(pairs)


KEPT = {
    "a title about cookies": "Cookie Banners and Privacy Policy: A Study of Consent",
    "a title that begins with a button": "Subscribe or Leave: Modelling Churn",
    "a name that begins with a button": "SignIT: A Corpus of Sign Language",
    "a name that shares a word": "ShareGPT4V: Better Captions",
    "a title that begins with a call": "Get in the Loop: Feedback for Robots",
    "a title in lower case": "pi-flow: sampling in few steps",
}


@pytest.mark.parametrize("title", KEPT.values(), ids=KEPT.keys())
def test_titles_that_look_like_furniture_are_kept(title: str) -> None:
    assert papers(scrape(f"{title}\n{ABSTRACT_A}\n{B}")) == [(title, ABSTRACT_A), BOTH[1]]


@pytest.mark.parametrize("last", ["models.", "98.5%.", "code.", "7)."])
def test_the_last_word_of_a_wrapped_abstract_is_no_furniture(last: str) -> None:
    abstract = wrap(ABSTRACT_A, 60)
    width = len(abstract.splitlines()[1])
    body = f"{wrap(ABSTRACT_B[:240], width)}"
    body = body[: body.rindex("\n")] + "\n" + "w" * (width - 1) + f"\n{last}"
    (one,) = papers(scrape(f"{TITLE_A}\n\n{body}\n"))
    assert one == (TITLE_A, body.replace("\n", " "))


def test_inner_white_space_stays() -> None:
    odd = ABSTRACT_A.replace(" We", "  We", 1).replace("Tern", "Tern\u00a0$\\times$\u2028", 1)
    assert papers(scrape(f"{TITLE_A}\n{odd}\n")) == [(TITLE_A, odd)]


@pytest.mark.parametrize("text", [f"{ABSTRACT_A}\n{B}", f"{A}\n{ABSTRACT_B}"], ids=["first", "second"])
def test_an_abstract_without_title_is_a_document(text: str) -> None:
    missing = text.startswith(ABSTRACT_A)
    assert papers(scrape(text)) == [("" if missing else TITLE_A, ABSTRACT_A), (TITLE_B if missing else "", ABSTRACT_B)]


def test_a_title_without_abstract_is_reported_and_counted() -> None:
    first, second, third = scrape(f"A Title Alone\n{A}\nAnother Title Alone\n")
    assert isinstance(first, BadRecord)
    assert (str(first.location), first.cause) == ("stdin:1", "no abstract")
    assert isinstance(second, Sourced)
    assert (second.document.id, str(second.location)) == ("stdin#2", "stdin:2")
    assert isinstance(third, BadRecord)
    assert (str(third.location), third.cause) == ("stdin:4", "no abstract")


DAMAGED = {
    "latin-1": (ABSTRACT_A.replace("Recog", "Récog").encode("latin-1"), "not UTF-8: byte 0xe9 at offset 1"),
    "nul": (ABSTRACT_A.replace("birds", "bi\0rds").encode(), "NUL"),
    "5 MB": (b"words " * 900_000, "longer than 1,000,000 bytes"),
}


@pytest.mark.parametrize(("abstract", "cause"), DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_abstract_takes_its_title_with_it_and_nothing_else(abstract: bytes, cause: str) -> None:
    found = scrape(f"{A}\nThe Damaged One\n".encode() + abstract + f"\n{B}\n".encode())
    assert papers(found) == BOTH
    (bad,) = [one for one in found if isinstance(one, BadRecord)]
    assert str(bad.location) == "stdin:4"
    assert cause in bad.cause
    assert bad.fix


def test_a_damaged_title_takes_its_abstract_with_it() -> None:
    found = scrape(b"Caf\xe9 Robots\n" + f"{ABSTRACT_A}\n{B}\n".encode())
    assert papers(found) == [BOTH[1]]
    assert isinstance(found[0], BadRecord)
    assert str(found[0].location) == "stdin:1"


@pytest.mark.parametrize(
    "text", ["", "\n\n", "Subscribe\n© 2024 A Site\n", "\ufeff"], ids=["empty", "blank", "furniture", "mark"]
)
def test_nothing_inside_is_reported(text: str) -> None:
    (bad,) = scrape(text)
    assert isinstance(bad, BadRecord)
    assert bad.cause == "holds no record"
