"""What one does with the explorer, by pointer and by keyboard, with rows in the page and fetched from a server."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from extractor.outputs.columns import TABLES
from extractor.outputs.explorer import page_of_jobs, write_page
from extractor.outputs.export import guarded
from extractor.outputs.jsonl import to_line
from extractor.outputs.tables import read_rows
from extractor.records import Extraction
from tests.browser.conftest import Opened, Serve, go
from tests.outputs.explorer.jobs import FAST, LONG, NONE, ODD, RIGHT_TO_LEFT, SLOW, job

ALL = ["2.5x", "40 ms", "12 MB", "4x", "71%", "71%"]


def quantities(page: Page) -> list[str]:
    """The quantities in the rows, from the top."""
    found: list[str] = page.locator("#grid tbody td.quantity").all_text_contents()  # untyped where Playwright is not installed
    return found


def shown(page: Page, *expected: str) -> None:
    """Wait until just these quantities are in the rows."""
    expect(page.locator("#grid tbody td.quantity")).to_have_text(list(expected))


def fragment(page: Page) -> str:
    return page.evaluate("location.hash")  # type: ignore[no-any-return]


def test_a_click_on_a_heading_sorts(opened: Opened, address: str) -> None:
    page = opened(address)
    shown(page, *ALL)
    page.get_by_role("button", name="Times better").click()
    shown(page, "2.5x", "4x", "40 ms", "12 MB", "71%", "71%")
    expect(page.locator("th.factor")).to_have_attribute("aria-sort", "descending")
    page.get_by_role("button", name="Times better").click()
    shown(page, "4x", "2.5x", "40 ms", "12 MB", "71%", "71%")
    assert fragment(page) == "#sort=factor"
    page.get_by_role("button", name="Times better").click()
    shown(page, *ALL)


def test_filters_narrow_and_count_each_other(opened: Opened, address: str) -> None:
    page = opened(address)
    page.locator("#facets").get_by_text("speedup").click()
    shown(page, "2.5x", "4x")
    expect(page.locator("#count")).to_have_text("2 of 6 claims in 2 abstracts")
    facet = page.locator("#facets details").filter(has_text="Hardware")
    assert facet.locator("li").all_inner_texts() == ["mobile\n1", "edge\n1", "server\n1"]
    facet.get_by_text("server").click()
    shown(page, "4x")
    page.get_by_role("button", name="Remove the filter Kind: speedup").click()
    page.get_by_label("Search the claims").fill("gull year<2022")
    shown(page, "4x")
    page.get_by_label("Search the claims").fill("nowhere")
    expect(page.get_by_text("No claim passes these filters.")).to_be_visible()


STATES = [
    "kind=speedup&kind=accuracy&sort=-subject",
    "hardware_category=mobile",
    "hardware_category=&sort=title",
    "q=tern+%22gull%22&sort=-year",
    "q=value%3E%3D12&dataset=cifar10&dataset=",
    "q=%F0%9F%90%A6&factor=2-5",
    "unit=nowhere",
    "part=charts",
    "part=charts&kind=speedup",
    "part=failures",
    "document=odd+%231%2F2&claim=0",
]


def test_a_server_and_the_page_itself_answer_alike(opened: Opened, held: str, fetched: str) -> None:
    pages = opened(held), opened(fetched)
    parts = ["#count", "#grid tbody tr", "#facets li", "#chips", "#charts figure", "#failures", "#abstract .reading"]
    seen: list[dict[str, list[str]]] = []
    for state in STATES:
        seen = []
        for page in pages:
            go(page, state)
            seen.append({part: page.locator(part).all_inner_texts() for part in parts})
            seen[-1]["dots"] = page.eval_on_selector_all("#charts a", "all => all.map((dot) => dot.dataset.said)")
        assert seen[0] == seen[1], state
        assert seen[0]["#facets li"], state
    assert seen[0]["#abstract .reading"] != [""]


def test_an_abstract_shows_every_span(opened: Opened, address: str) -> None:
    page = opened(address)
    page.locator("#grid tbody td", has_text="2.5x").first.click()
    marks = page.locator("#abstract mark[data-field]").evaluate_all("all => all.map((m) => [m.dataset.field, m.textContent])")
    assert marks == [
        ["subject", "Tern"],
        ["hardware", "a "],
        ["hardware", "Jetson board"],
        ["hardware", " and a "],
        ["hardware", "phone"],
        ["quantity", "2.5x"],
        ["baseline", "Gull"],
    ]
    legend = page.locator("#abstract .field").all_inner_texts()
    assert [line.replace("\n", " ") for line in legend] == [
        "quantity 2.5x",
        "metric not stated",
        "subject Tern",
        "baseline Gull",
        "dataset not stated",
        "hardware a Jetson board and a phone",
    ]
    colour = "(all) => new Set(all.map((each) => getComputedStyle(each).backgroundColor)).size"
    assert page.locator("#abstract .swatch.baseline, #abstract mark.baseline").evaluate_all(colour) == 1
    assert page.locator("#abstract mark[data-field]").evaluate_all(colour) == 4
    page.locator("mark.baseline").hover()
    expect(page.locator("#tip")).to_have_text("baseline of this claim")
    expect(page.locator(".field.baseline")).to_have_class(re.compile("lit"))
    assert page.locator("#abstract .text").inner_text() == FAST.abstract
    page.get_by_text("Rejected: 1").click()
    expect(page.locator("#abstract")).to_contain_text("GPT-4 claims[3].baseline: not found in the text")
    page.get_by_text("Provenance").click()
    expect(page.locator("#abstract dl")).to_contain_text("rules")
    expect(page.get_by_role("link", name="doi.org/10.1/fast")).to_have_attribute("href", "https://doi.org/10.1/fast")
    page.get_by_role("button", name="40 ms: open this claim").click()
    expect(page.locator("mark.quantity")).to_have_text("40 ms")
    expect(page.locator("mark.dataset")).to_have_text("CIFAR-10")
    page.get_by_role("button", name="The next claim").click()
    expect(page.locator("mark.quantity")).to_have_text("12 MB")


def test_a_view_can_be_sent_to_others(opened: Opened, address: str) -> None:
    page = opened(address)
    page.locator("#facets").get_by_text("speedup").click()
    page.get_by_role("button", name="Times better").click()
    page.get_by_label("Search the claims").fill("tern")
    page.locator("#grid tbody td", has_text="4x").first.click()
    expect(page.locator("#abstract h2")).to_have_text(SLOW.title)
    other = opened(page.url)
    shown(other, "2.5x", "4x")
    expect(other.locator("#abstract h2")).to_have_text(SLOW.title)
    expect(other.locator("tr.open td.quantity")).to_have_text("4x")
    expect(other.get_by_label("Search the claims")).to_have_value("tern")
    other.get_by_role("button", name="Charts").click()
    expect(other.locator("#charts figure")).to_have_count(3)
    other.go_back()
    expect(other.locator("#charts")).to_be_hidden()
    page.go_back()
    expect(page.locator("#abstract")).to_be_hidden()
    shown(page, "2.5x", "4x")


def test_the_keyboard_is_enough(opened: Opened, address: str) -> None:
    page = opened(address)
    press = page.keyboard.press
    press("Tab")
    press("Enter")
    press("ArrowDown")
    press("ArrowRight")
    press("Home")
    press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent") == "12 MB"
    press("Enter")
    expect(page.locator("#abstract h2")).to_be_focused()
    press("Shift+Tab")
    assert page.evaluate("document.activeElement.className") == "field subject lit"
    press("Enter")
    expect(page.locator("mark.subject")).to_be_focused()
    expect(page.locator("#tip")).to_contain_text("subject of this claim")
    press("Escape")
    expect(page.locator("#abstract")).to_be_hidden()
    assert page.evaluate("document.activeElement.textContent") == "12 MB"
    press("Space")
    expect(page.get_by_role("button", name="Unselect 1 claim")).to_be_visible()
    press("ArrowUp")
    press("ArrowUp")
    press("ArrowUp")
    assert page.evaluate("document.activeElement.textContent") == "2.5x"
    press("Control+End")
    assert page.evaluate("document.activeElement.className").startswith("title")
    press("/")
    page.keyboard.type("rests")
    press("Backspace")
    shown(page, "4x", "71%")
    press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "4x"
    page.locator("#facets summary").first.focus()
    press("Tab")
    press("ArrowDown")
    press("Space")
    shown(page, "4x")
    assert "kind=" in fragment(page)


def table(folder: Path) -> list[dict[str, Any]]:
    names = [column.name for column in TABLES["claims"]]
    return [dict(zip(names, row, strict=True)) for _, rows in read_rows([folder], ["claims"]) for row in rows]


def number(cell: Any) -> Any:
    """A cell as a program reads it."""
    try:
        return float(cell)
    except ValueError:
        return cell


def test_claims_are_copied_as_what_is_pasted_best(opened: Opened, address: str, folder: Path) -> None:
    page = opened(address)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    rows = table(folder)

    def copied(how: str, within: str = "#copy") -> str:
        page.locator(f"{within} button").first.click()
        page.locator(within).get_by_role("button", name=how, exact=True).click()
        expect(page.locator("#said")).to_contain_text(f"as {how}")
        return page.evaluate("navigator.clipboard.readText()")  # type: ignore[no-any-return]

    assert json.loads(copied("JSON")) == rows
    read = list(csv.reader(io.StringIO(copied("CSV"), newline="")))
    assert read[0] == list(rows[0])
    assert [[*map(number, row)] for row in read[1:]] == [
        [number("" if cell is None else guarded(cell)) for cell in row.values()] for row in rows
    ]
    assert read[-1][read[0].index("baseline")] == "'=1+1"
    page.locator("#grid tbody input").nth(1).check()
    page.locator("#grid tbody input").nth(3).check()
    expect(page.locator("#copy button").first).to_have_text("Copy 2 selected")
    assert [row["quantity"] for row in json.loads(copied("JSON"))] == ["40 ms", "4x"]
    assert [line.split("\t")[0] for line in copied("Text").splitlines()] == ["quantity", "40 ms", "4x"]
    assert copied("Citation").splitlines()[0] == (
        f'Ada B., Cy D. "{FAST.title}". Birds, 2023. https://doi.org/10.1/fast. Claim: "{FAST.abstract}"'
    )
    page.get_by_role("button", name="Unselect 2 claims").click()
    page.locator("#grid tbody td.subject").nth(3).click()
    assert json.loads(copied("JSON", "#abstract .menu")) == rows[3]
    page.keyboard.press("Escape")
    page.locator("#grid tbody td.subject").nth(3).focus()
    page.keyboard.press("Control+C")
    expect(page.locator("#said")).to_have_text("Copied the cell")
    assert page.evaluate("navigator.clipboard.readText()") == "gull"


def test_dots_lead_to_claims(opened: Opened, address: str) -> None:
    page = opened(f"{address}#part=charts")
    first = page.locator("#charts svg").first
    expect(first.locator("text.row")).to_have_text(["edge 1", "mobile 1", "server 1"])
    dots = first.locator("a")
    assert dots.evaluate_all("all => all.map((dot) => dot.dataset.said.split(',')[0] + dot.classList)") == [
        "2.5x",
        "2.5x",
        "4xworse",
    ]
    places = dots.evaluate_all("all => all.map((dot) => Number(dot.firstChild.getAttribute('cx')))")
    one = float(first.locator("line.one").get_attribute("x1") or 0)
    assert places[2] < one < places[0] == places[1]
    dots.nth(2).click()
    expect(page.locator("#abstract h2")).to_have_text(SLOW.title)
    page.keyboard.press("Escape")
    dots.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tip")).to_contain_text("4x, 0.25x, server")
    page.get_by_role("button", name="slower on server: 1 claim").click()
    shown(page, "4x")


def test_words_of_an_abstract_are_never_obeyed(opened: Opened, address: str) -> None:
    page = opened(f"{address}#document=odd+%231%2F2&claim=0")
    expect(page.locator("mark.subject")).to_have_text(RIGHT_TO_LEFT)
    expect(page.locator("mark.dataset")).to_have_text(LONG)
    assert page.locator("script").count() == 2
    assert page.locator("#abstract b, #grid b").count() == page.locator("#abstract .others b, #abstract .plain b").count()
    assert page.locator("#abstract .text").evaluate("(text) => text.textContent") == ODD.abstract.replace("\x00", "\x00")
    page.locator("#grid tbody td.quantity", has_text="4x").click()
    expect(page.locator("#abstract h2")).to_have_text(SLOW.title)
    assert page.locator("#abstract a[href^=javascript]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_an_address_that_is_wrong_harms_nothing(opened: Opened, address: str) -> None:
    page = opened(f"{address}#kind=%3Cb%3E&sort=nothing&part=else&document=gone&claim=x&colour=red")
    expect(page.get_by_text("No claim passes these filters.")).to_be_visible()
    expect(page.locator("#abstract")).to_be_hidden()
    page.get_by_role("button", name="Remove the filter").click()
    shown(page, *ALL)


def test_a_narrow_screen_shows_what_matters_and_says_that_there_is_more(opened: Opened, held: str) -> None:
    page = opened(held, width=390, height=844)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    expect(page.locator("#more")).to_have_text("8 more columns →")
    for name in ("quantity", "metric", "factor"):
        box = page.locator(f"th.{name}").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 391
    page.get_by_role("button", name="Filters").click()
    page.locator("#facets").get_by_text("speedup").click()
    page.get_by_role("button", name="Show 2 claims").click()
    shown(page, "2.5x", "4x")
    page.locator("#grid tbody td.quantity").first.click()
    box = page.locator("#abstract").bounding_box()
    assert box == {"x": 0, "y": 0, "width": 390, "height": 844}


def test_what_a_running_job_adds_is_offered(opened: Opened, serve: Serve, tmp_path: Path) -> None:
    folder = job(tmp_path / "job", [])
    page = opened(serve(folder), clock=True)
    expect(page.get_by_text("This job has no claims.")).to_be_visible()
    with (folder / "extractions.jsonl").open("ab") as lines:
        lines.write(to_line(FAST))
    page.clock.run_for(5000)
    shown(page, *ALL[:3])
    with (folder / "extractions.jsonl").open("ab") as lines:
        lines.write(to_line(SLOW))
    page.locator("#main[aria-busy=false]").wait_for()
    page.clock.run_for(5000)
    shown(page, *ALL[:3])
    page.get_by_role("button", name="Show 2 more").click()
    shown(page, *ALL[:5])
    expect(page.locator("#fresh")).to_be_hidden()


def test_a_column_that_no_claim_has_is_left_out(opened: Opened, tmp_path: Path) -> None:
    folder = job(tmp_path / "job", [ODD])
    page = opened(write_page(tmp_path / "page.html", page_of_jobs([folder])).as_uri())
    assert page.locator("#grid thead th").all_inner_texts() == [
        "", "Quantity", "Metric", "Subject", "Baseline", "Dataset", "Hardware", "Kind", "Comparison", "Title",
    ]  # fmt: skip


@pytest.mark.parametrize("records", [[], [NONE]], ids=["no abstract", "no claim"])
def test_a_job_without_claims_says_so(records: list[Extraction], opened: Opened, tmp_path: Path) -> None:
    folder = job(tmp_path / "job", records)
    page = opened(write_page(tmp_path / "page.html", page_of_jobs([folder])).as_uri())
    expect(page.get_by_text("This job has no claims.")).to_be_visible()
    expect(page.locator("#count")).to_have_text(f"0 claims in {len(records)} abstract{'s' if len(records) != 1 else ''}")
    go(page, "part=charts")
    expect(page.locator("#charts figure")).to_have_count(3)
    go(page, "part=failures")
    expect(page.locator("#failures td").filter(has_text="has no title")).to_be_visible()


def test_print_has_the_rows_that_are_out_of_view(opened: Opened, held: str) -> None:
    page = opened(held, height=300)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator("#grid tbody tr[data-at]")).to_have_count(6)
    expect(page.locator("#facets")).to_be_hidden()
    assert page.locator("#scroller").evaluate("(view) => view.scrollHeight <= view.clientHeight + 1")
