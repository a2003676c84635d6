"""LaTeX in BibTeX, and XML: what is text comes out as it is read, what is not safe does not come in."""

import io
from pathlib import Path

import pytest

from extractor.sources import BadRecord, Sourced, read
from extractor.sources.markup import from_latex, unwrapped

LATEX = {
    r"M{\"u}ller": "Müller",
    r"M\"{u}ller": "Müller",
    r"{M\"uller}": "Müller",
    r"Dvo{\v r}{\'a}k": "Dvořák",
    r"Dvo\v{r}\'ak": "Dvořák",
    r"\c{C}elik na{\"\i}ve": "Çelik naïve",
    r"Stra{\ss}e \O re \o{}re \AA ngstr\"om {\L}": "Straße Øre øre Ångström Ł",
    r"\v{S}koda": "Škoda",
    r"91.5\% \& \$5 \#1 a\_b \{x\}": "91.5% & $5 #1 a_b {x}",
    r"{BERT}: a {\emph{fast} model} \textbf{now}": "BERT: a fast model now",
    "1--2, a --- b, ``so''~x": "1–2, a — b, “so” x",
    r"10\textsuperscript{6} {\texttimes} 2": "10^6 × 2",
    r"$2.3\times$ and $\{a\}~b$ \& c": r"$2.3\times$ and $\{a\}~b$ & c",
    r"\unknown{x} stays": r"\unknownx stays",
    "plain text": "plain text",
}


@pytest.mark.parametrize(("written", "read"), LATEX.items())
def test_latex_reads_as_it_prints(written: str, read: str) -> None:
    assert from_latex(written) == read


def test_hard_line_breaks_go_and_paragraphs_stay() -> None:
    assert unwrapped(" a\nb\n\n c\n  d\n") == "a b\nc d"
    assert unwrapped("  a\nb\n  c\nd\n", indented=True) == "a b\nc d"


def read_bytes(data: bytes | str) -> list[Sourced | BadRecord]:
    return list(read(["-"], stdin=io.BytesIO(data.encode() if isinstance(data, str) else data)))


def abstracts(found: list[Sourced | BadRecord]) -> list[str]:
    return [one.document.abstract if isinstance(one, Sourced) else one.cause for one in found]


def atom(*entries: str, before: str = "") -> str:
    body = "".join(
        f"<entry><id>http://arxiv.org/abs/2402.0000{n}</id><summary>{entry}</summary></entry>"
        for n, entry in enumerate(entries)
    )
    return f'<?xml version="1.0"?>{before}<feed xmlns="http://www.w3.org/2005/Atom">{body}</feed>'


def test_entities_are_not_expanded_and_nothing_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the secret")
    laughs = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
    dtd = f'<!DOCTYPE feed SYSTEM "http://127.0.0.1:9/x.dtd" [<!ENTITY l0 "ha">{laughs}<!ENTITY f SYSTEM "file://{tmp_path}/secret">]>'
    found = read_bytes(atom("&l9;", "&f;", "fine &amp; well &eacute;&nbsp;&#233;", before=dtd))
    assert abstracts(found) == ["not XML: undefined entity (line 1)", "not XML: undefined entity (line 1)", "fine & well é é"]
    inner = atom("x").replace("<summary>", '<!DOCTYPE a [<!ENTITY a "b">]><summary>')
    assert abstracts(read_bytes(inner))[0].startswith("not XML: ")


XML = {
    "a comment and CDATA with tags": ("a <!-- </entry> --><![CDATA[</entry> & <b>]]> c", "a </entry> & <b> c"),
    "powers": ("10<sup>6</sup> m<sup>2</sup> A<sup>a</sup> CO<sub>2</sub>", "10^6 m^2 Aa CO2"),
    "a formula": (
        "of <inline-formula><alternatives><mml:math/><tex-math>$10^6$</tex-math></alternatives></inline-formula>",
        "of $10^6$",
    ),
    "MathML": ("<msup><mn>10</mn><mn>6</mn></msup> times", "10^6 times"),
}


@pytest.mark.parametrize(("inner", "text"), XML.values(), ids=XML.keys())
def test_what_xml_says(inner: str, text: str) -> None:
    assert abstracts(read_bytes(atom(inner, "B."))) == [text, "B."]


def test_an_encoding_that_xml_declares_is_used() -> None:
    data = atom("café").replace('version="1.0"', 'version="1.0" encoding="ISO-8859-1"')
    assert abstracts(read_bytes(data.encode("latin-1"))) == ["café"]
    assert abstracts(read_bytes(data.encode("utf-16"))) == ["café"]
    assert abstracts(read_bytes(data.replace("ISO-8859-1", "klingon").encode())) == ["encoded as klingon, which is not known"]


def test_sections_of_an_abstract_stand_with_their_titles() -> None:
    pubmed = (
        "<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>1</PMID><Article><Abstract>"
        '<AbstractText Label="METHODS">We ran.</AbstractText><AbstractText Label="RESULTS">2x.</AbstractText>'
        "</Abstract></Article></MedlineCitation></PubmedArticle></PubmedArticleSet>"
    )
    assert abstracts(read_bytes(pubmed)) == ["METHODS: We ran. RESULTS: 2x."]
    jats = (
        "<article><front><article-meta><abstract><sec><title>Methods</title><p>We ran.</p></sec>"
        "<sec><title>Results:</title><p>2x.</p><p>More.</p></sec></abstract></article-meta></front></article>"
    )
    assert abstracts(read_bytes(jats)) == ["Methods: We ran. Results: 2x. More."]


BIBTEX = {
    "parentheses": ("@article(a, abstract = {A (b).})", ["A (b)."]),
    "one line after another": ("@article{a, abstract={A.}}@article{b, abstract={B.}}", ["A.", "B."]),
    "a quotation mark in braces": ('@article{a, abstract = "A {"}b{"} c."}', ['A "b" c.']),
    "macros and joining": ('@string(x = "X ")\n@article{a, abstract = x # {and } # jan # 7}', ["X and Jan7"]),
    "an at sign inside": ("@article{a, abstract = {mail a@b.c\n@home}}", ["mail a@b.c @home"]),
    "no fields": ("@article{a}", ["no abstract"]),
    "a comment that is not closed": ("@comment{x\n@article{a, abstract={A.}}", ["A."]),
}


def test_a_name_in_parts_is_read_as_it_is_written_whole() -> None:
    names = 'family=Berg, given=Anna, prefix=van den, useprefix=true and family="King", given=Martin, suffix=Jr. and Tern, Ada'
    [found] = read_bytes(f"@article{{a, author = {{{names}}}, abstract = {{A.}}}}")
    assert isinstance(found, Sourced)
    assert found.document.source["authors"] == ["Anna van den Berg", "Martin King, Jr.", "Ada Tern"]


@pytest.mark.parametrize(("data", "expected"), BIBTEX.values(), ids=BIBTEX.keys())
def test_bibtex(data: str, expected: list[str]) -> None:
    assert abstracts(read_bytes(data)) == expected
