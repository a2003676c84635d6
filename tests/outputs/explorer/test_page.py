"""The page needs nothing but itself, and what an abstract says stays data. What it does is tried in tests/browser."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from extractor.errors import DataError, UsageError
from extractor.outputs.explorer import fetched_page, page, page_of_jobs, write_page
from tests.outputs.contrast import colours, contrast
from tests.outputs.explorer.jobs import HOSTILE, NONE, ODD, RECORDS, job

CSS = (Path(page.__file__).parents[1] / "templates" / "base.css").read_text(encoding="utf-8")
FIELDS = ("quantity", "metric", "subject", "baseline", "dataset", "hardware")


class Page(HTMLParser):
    """The elements of a page with their attributes, and the text of its scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style", "title"):
            self._inside = dict(attrs).get("id") or tag
            self.texts.append((self._inside, ""))

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[-1] = (self._inside, self.texts[-1][1] + data)

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 (of HTMLParser)
        self._inside = ""

    def text(self, name: str) -> str:
        [found] = [text for inside, text in self.texts if inside == name]
        return found


@pytest.fixture
def html(tmp_path: Path) -> str:
    return page_of_jobs([job(tmp_path / "<b>job</b>")])


def test_an_abstract_is_data(html: str) -> None:
    found = Page(html)
    assert [tag for tag, _ in found.elements].count("script") == 3
    assert not [tag for tag, _ in found.elements if tag == "b"]
    rows = json.loads(found.text("data"))["rows"]
    abstracts = rows["documents"]["abstract"]
    assert [abstracts["words"][place] for place in abstracts["rows"]] == [record.abstract for record in RECORDS]
    assert HOSTILE in rows["documents"]["title"]["words"]
    assert "<" not in found.text("data") + found.text("about")


@pytest.mark.parametrize("rows", ["held", "fetched"])
def test_nothing_comes_from_outside(rows: str, tmp_path: Path) -> None:
    text = page_of_jobs([job(tmp_path / "job")]) if rows == "held" else fetched_page("job", "explore/")
    found = Page(text)
    named = {name for _, attributes in found.elements for name in attributes}
    assert named & {"src", "srcset", "action", "data", "style", "onclick", "onload"} == set()
    assert not re.search(r"@import|url\(", found.text("style"))
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|import\(", found.text("script")
    )
    [policy] = [each["content"] for tag, each in found.elements if each.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    digests = {
        name: base64.b64encode(hashlib.sha256(found.text(name).encode()).digest()).decode() for name in ("script", "style")
    }
    assert rules == {
        "default-src": "'none'",
        "script-src": f"'sha256-{digests['script']}'",
        "style-src": f"'sha256-{digests['style']}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    } | ({"connect-src": "'self'"} if rows == "fetched" else {})


def test_a_column_holds_each_cell_once_in_the_order_of_sorting(html: str) -> None:
    rows: dict[str, Any] = json.loads(Page(html).text("data"))["rows"]
    assert rows["claims"]["kind"] == {"words": ["accuracy", "resource", "speed", "speedup"], "rows": [3, 2, 1, 3, 0, 0]}
    assert rows["claims"]["subject"]["words"][:2] == ["gull", "Tern"]
    assert rows["claims"]["confidence"] == {"words": [], "rows": [-1] * 6}
    assert rows["claim_documents"] == [0, 0, 0, 1, 1, 2]
    [hardware] = [keys for name, keys in rows["keys"].items() if name == "hardware_category"]
    words = rows["claims"]["hardware_category"]["words"]
    assert {key: [words[place] for place in places] for key, _, places in hardware} == {
        "edge": ["edge; mobile"],
        "mobile": ["edge; mobile", "mobile"],
        "server": ["server"],
    }


def test_a_filter_takes_a_part(tmp_path: Path) -> None:
    part = Page(page_of_jobs([job(tmp_path / "job")], "kind=accuracy&year="))
    assert part.text("title").endswith("job, kind=accuracy&year=")
    rows = json.loads(part.text("data"))["rows"]
    assert [len(rows[name]) for name in ("claim_documents", "rejected")] == [1, 1]
    assert rows["documents"]["document"]["words"] == [ODD.id]
    assert rows["hardware_documents"] == []


def test_a_part_without_a_claim_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No claim passes kind=none"):
        page_of_jobs([job(tmp_path / "job")], "kind=none")


def test_a_job_without_claims_makes_a_page_too(tmp_path: Path) -> None:
    rows = json.loads(Page(page_of_jobs([job(tmp_path / "job", [NONE])])).text("data"))["rows"]
    assert (rows["claim_documents"], len(rows["rejected"])) == ([], 1)
    assert json.loads(Page(page_of_jobs([job(tmp_path / "empty", [])])).text("data"))["rows"]["rejected"] == []


def test_more_than_a_page_bears_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "MOST_CLAIMS", 5)
    with pytest.raises(UsageError, match=r"6 claims.*--where kind=speedup.*extractor serve"):
        page_of_jobs([job(tmp_path / "job")])
    assert page_of_jobs([tmp_path / "job"], "kind=speedup")


def test_a_record_that_is_cut_off_is_told(tmp_path: Path) -> None:
    file = job(tmp_path / "job") / "extractions.jsonl"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(DataError, match="cut off"):
        page_of_jobs([tmp_path / "job"])


def test_a_page_is_whole_or_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "new" / "page.html"
    write_page(file, "one")
    with pytest.raises(UnicodeEncodeError):
        write_page(file, "two \ud800")
    assert [(each.name, each.read_text()) for each in file.parent.iterdir()] == [("page.html", "one")]
    with pytest.raises(UsageError, match="is a folder"):
        write_page(tmp_path, "one")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_can_be_told_apart(scheme: str) -> None:
    """WCAG 2.2: 4.5 to 1 for text, 3 to 1 for shapes."""
    found = colours(CSS, scheme)
    pairs = [("ink", ground, 4.5) for ground in ("paper", "panel", *FIELDS)]
    pairs += [(text, ground, 4.5) for text in ("soft", "link") for ground in ("paper", "panel")]
    pairs += [("paper", "link", 4.5), ("paper", "ink", 4.5), ("series-2", "panel", 4.5)]
    pairs += [(name, "paper", 3) for name in found if name.startswith("series")]
    assert [(one, other) for one, other, least in pairs if contrast(found[one], found[other]) < least] == []
    assert len({found[name] for name in FIELDS}) == len(FIELDS)
