"""The page needs nothing but itself, shows all without a script, takes no abstract for mark-up, and can be read by everyone."""

import asyncio
import re
from collections import Counter
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise

import pytest

from extractor.evaluation import align_all
from extractor.evaluation.metrics import WAYS
from extractor.evaluation.report import assemble, charts
from extractor.evaluation.report import page as pages
from extractor.evaluation.sets import read_sets
from extractor.evaluation.statistics import HEADLINE
from extractor.evaluation.systems import LeftOut, System
from extractor.labelling.rules import RulesLabeller
from tests.evaluation.report.reports import DOCUMENTS, HOSTILE, OTHER, evaluated, flawed, report, right
from tests.gold import ARXIV
from tests.outputs.contrast import colours, contrast

VOID = {"meta", "input", "br", "link", "img"}
CSS = (files("extractor.outputs") / "templates" / "base.css").read_text(encoding="utf-8")


class Page(HTMLParser):
    """Elements in order with their attributes; raises if one is not closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), tag
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open[-1] if self._open else "", data))

    def every(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, *without: str) -> str:
        return "".join(data for tag, data in self.texts if tag not in {"script", "style", *without})


@pytest.fixture(scope="module")
def html() -> str:
    left_out = LeftOut("openai/<i>gone</i>", f"it said {HOSTILE}")
    return pages.page(report(right(), flawed(), flawed("openai/other"), left_out=(left_out,)))


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_ids_are_unique_and_every_reference_leads_somewhere(page: Page) -> None:
    ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    assert [id for id, times in ids.items() if times > 1 or not id or re.search(r"\s", id)] == []
    referred = [
        target
        for _, attributes in page.elements
        for name in ("aria-labelledby", "for", "aria-describedby")
        for target in (attributes.get(name) or "").split()
    ]
    links = [attributes["href"] or "" for _, attributes in page.elements if "href" in attributes]
    clips = re.findall(r"url\(#([^)]*)\)", " ".join(attributes.get("clip-path") or "" for _, attributes in page.elements))
    assert links
    assert all(link.startswith("#") for link in links)
    assert {*referred, *clips, *(link[1:] for link in links)} - set(ids) == set()


def test_nothing_comes_from_outside(html: str, page: Page) -> None:
    assert [
        attributes for _, attributes in page.elements if {"src", "srcset", "action", "data", "xmlns"} & set(attributes)
    ] == []
    assert [tag for tag, _ in page.elements if tag in {"link", "img", "iframe", "object", "embed", "base"}] == []
    styles = " ".join(data for tag, data in page.texts if tag == "style")
    assert not re.search(r"@import|url\(", styles)
    scripts = "".join(data for tag, data in page.texts if tag == "script")
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|\.src\b", scripts)
    assert set(re.findall(r"\w+://[^\s<&\"]*", html)) <= {"https://elsewhere.example/x"}  # the words of an abstract


def test_an_abstract_is_shown_and_never_obeyed(html: str, page: Page) -> None:
    assert html.count("<script>") == 1
    assert len(page.every("article")) == len(DOCUMENTS)
    assert page.every("b")
    assert "bold" not in [data for tag, data in page.texts if tag == "b"]
    assert page.text().count(HOSTILE) >= 3  # heading, text, rejected value
    assert "49" not in page.text().replace("49.", "")


def test_all_is_there_without_a_script(page: Page) -> None:
    shown = page.text()
    for gold in DOCUMENTS:
        assert gold.document.title in shown
    for said in ("missed", "spurious", "wrong field", "other words, softly the same", "annotated 'speedup', predicted 'speed'"):
        assert said in shown
    [form] = page.every("form")
    assert "hidden" in form
    assert [attributes for tag, attributes in page.elements if "hidden" in attributes and tag != "form"] == []


def test_spans_are_marked_in_both_texts(html: str) -> None:
    first = html[html.index('<article id="planted"') : html.index('<article id="other-2"')]
    gold, perfect, said, _ = re.split(r"<section", first)[1:]
    assert re.findall(r'<mark class="q">([^<]*)', gold) == ["2.5x", "40 ms", "71%"]
    assert re.findall(r'<mark class="h">([^<]*)', gold) == ["Jetson Nano", "mobile phones"]
    assert re.findall(r'<mark class="r">([^<]*)', gold) == ["2.5x"]
    assert "The same in every field." in perfect
    assert re.findall(r'<mark class="(q[^"]*)">([^<]*)', said) == [
        ("q wrong", "2.5x"),
        ("q spurious", "2.5x"),
        ("q softly", "71%"),
    ]
    assert re.findall(r'<mark class="gap">([^<]*)', said) == ["40 ms", "mobile phones"]


def test_every_error_can_be_filtered_by_what_it_is(page: Page) -> None:
    options = {attributes.get("value") for attributes in page.every("option")}
    errors = [attributes for attributes in page.every("li") if "data-e" in attributes]
    assert Counter(error["data-e"] for error in errors) == {"missed": 4, "spurious": 2, "wrong": 6, "softly": 2}
    assert {error["data-e"] for error in errors} <= options
    kinds = {data for tag, data in page.texts if tag == "option"}
    assert {error["data-k"] for error in errors} == {"speedup", "speed", "accuracy", "hardware", "system"}
    assert {error["data-k"] for error in errors} <= kinds
    assert {name for error in errors for name in (error.get("data-f") or "").split()} <= kinds


def test_headings_go_down_step_by_step(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))


def test_controls_have_labels_and_charts_have_words(page: Page) -> None:
    labelled = {attributes["for"] for attributes in page.every("label")}
    assert {attributes["id"] for attributes in page.every("select")} == labelled
    charts = [attributes for attributes in page.every("svg") if attributes.get("aria-hidden") != "true"]
    assert len(charts) == 3
    assert all(chart["role"] == "img" and chart["aria-labelledby"] for chart in charts)
    assert "claims right: rules 100.0%, openai/flawed_1b 66.7%" in page.text()
    assert page.every("html") == [{"lang": "en"}]


def test_what_scrolls_can_be_reached_with_the_keyboard(page: Page) -> None:
    regions = [attributes for attributes in page.every("div") if attributes.get("class") == "wide"]
    assert regions
    assert all(region["tabindex"] == "0" and region["role"] == "region" for region in regions)
    assert [attributes for _, attributes in page.elements if int(attributes.get("tabindex") or 0) > 0] == []


def test_cells_have_headers(page: Page) -> None:
    assert all(header.get("scope") in {"col", "row", "rowgroup"} for header in page.every("th"))


def test_one_system_alone_has_no_differences() -> None:
    alone = Page(pages.page(report(right())))
    assert "Where the systems differ" not in alone.text()
    assert "the system takes no tokens and no money" in alone.text()


def test_abstracts_without_a_claim_make_a_page_too() -> None:
    nothing = System("rules", "rules", None, None, (right().alignments[1],))
    bare = Page(pages.page(assemble([evaluated(nothing, documents=[OTHER])])))
    assert "There is no annotated claim." in bare.text()
    assert "finds 0 of 0 claims" in bare.text()


def test_a_seventh_system_looks_like_no_other() -> None:
    assert len({charts.mark(n) for n in range(36)}) == 36


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_can_be_told_apart(scheme: str) -> None:
    """WCAG 2.2: 4.5 to 1 for text, 3 to 1 for shapes."""
    colour = colours(CSS, scheme)
    grounds = ("paper", "panel", "quantity", "wrong", "spurious", "restated")
    low = [(ground, ratio) for ground in grounds if (ratio := contrast(colour["ink"], colour[ground])) < 4.5]
    low += [
        (text, ratio)
        for text in ("soft", "link")
        for on in ("paper", "panel")
        if (ratio := contrast(colour[text], colour[on])) < 4.5
    ]
    low += [
        (name, ratio) for name in colour if name.startswith("series") and (ratio := contrast(colour[name], colour["paper"])) < 3
    ]
    assert low == []


@pytest.mark.parametrize(
    ("ids", "anchors"),
    [
        pytest.param(["s049"], ["s049"], id="as it is"),
        pytest.param(["abstracts#49", "a b"], ["abstracts-49", "a-b"], id="not in an address"),
        pytest.param(["a b", "a/b"], ["a-b", "a-b-2"], id="two alike"),
        pytest.param(["é", "ü"], ["-", "--2"], id="beyond ASCII"),
        pytest.param(["charts"], ["charts-2"], id="a section's"),
    ],
)
def test_each_abstract_has_an_address_of_its_own(ids: list[str], anchors: list[str]) -> None:
    assert [*pages.anchors(ids).values()] == anchors


def test_a_figure_leads_to_the_errors_that_count_against_it() -> None:
    """As many errors as the figures count, of real abstracts: a reader who follows a figure sees all of it and nothing else."""
    [gold] = [each.documents for each in read_sets(ARXIV) if each.name == "arxiv-open"]
    rules = System("rules", "rules", None, None, asyncio.run(align_all(gold, RulesLabeller())))
    [made] = assemble([evaluated(rules, documents=gold)]).sets
    each = [[pages.against(error) for error in document.predictions[0].errors] for document in made.documents]
    counted = Counter(figure for errors in each for against in errors for figure in against)
    scores = made.systems[0].figures
    found, strict, complete = (getattr(scores.claims, way) for way in WAYS)
    apart = found.missed + found.spurious
    expected = {
        "detection_f1": apart,
        "strict_f1": apart + found.found - strict.found,
        "complete_f1": apart + found.found - complete.found,
        "hardware_f1": scores.hardware.all.missed + scores.hardware.all.spurious,
        "system": scores.system.exact.total - scores.system.exact.right,
    }
    for name in ("metric", "subject", "baseline", "dataset"):
        soft = scores.fields[name].soft
        assert soft is not None
        expected[name] = soft.total - soft.right
    assert {name: counted[name] for name in expected} == expected
    assert all(expected.values())
    for name, share in (("documents_right", scores.documents_right), ("documents_complete", scores.documents_complete)):
        assert sum(any(name in against for against in errors) for errors in each) == share.total - share.right


def test_figures_of_abstracts_that_are_listed_are_links_and_others_say_why_not() -> None:
    sets = [evaluated(right(), flawed(), name="near"), evaluated(flawed(), name="far", held_out=True)]
    made = assemble(sets)
    shown = Page(pages.page(made))
    links = [attributes for attributes in shown.every("a") if "data-figure" in attributes]
    assert {(link["href"], link["data-set"], link["data-system"]) for link in links} == {("#abstracts", "0", "1")}
    flaws = [name for name, each in made.sets[0].systems[1].headline.items() if each.value != 1]
    assert [link["data-figure"] for link in links] == flaws
    assert {"detection_f1", "subject", "documents_complete"} < set(flaws) < set(HEADLINE)
    assert "far has no links, and its abstracts are not listed below: it is held out" in " ".join(shown.text().split())
    options = {attributes.get("value") for attributes in shown.every("option")}
    assert set(HEADLINE) <= options
    assert [attributes["data-s"] for attributes in shown.every("article")] == ["0"] * len(DOCUMENTS)


def test_a_system_that_is_not_recorded_is_shown_so_and_not_as_zeros() -> None:
    unrecorded = LeftOut("openai/flawed_1b", "nothing is recorded of it on these abstracts", recorded=False)
    sets = [evaluated(right(), left_out=(unrecorded,), name="a"), evaluated(right(), flawed(), name="b")]
    shown = Page(pages.page(assemble(sets)))
    assert "not scored: nothing is recorded of it on these abstracts" in shown.text()
    assert "Left out" not in shown.text()
    marks = [attributes["style"] for attributes in shown.every("svg") if attributes.get("class") == "mark"]
    assert set(marks) == {"fill:var(--series-1)", "fill:var(--series-2)"}
