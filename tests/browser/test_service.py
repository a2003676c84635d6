"""The page of a service: an abstract is pasted, a file is handed in, what was found is looked at; all with the keyboard too."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe

from extractor.service.settings import Settings
from tests.browser.conftest import Opened
from tests.service.serving import DOCUMENT, Running, serving


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(Settings(tmp_path_factory.mktemp("service") / "jobs")) as running:
        yield running


def test_an_abstract_is_pasted_with_the_keyboard_alone(service: Running, opened: Opened) -> None:
    page = opened(f"{service.url}/", wait=False)
    page.locator("#text").focus()
    page.keyboard.insert_text(f"{DOCUMENT['title']} 𝒳\n{DOCUMENT['abstract']} <b>bold</b>")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#claims tr").first.wait_for()
    assert page.locator("#claims td").all_inner_texts() == ["speedup", "2.3x", "", "FastNet", "SlowNet", "", "Jetson Nano"]
    assert page.locator("#reading mark").all_inner_texts() == ["FastNet", "2.3x", "SlowNet", "Jetson Nano"]
    assert "<b>bold</b>" in page.locator("#reading").inner_text()


def test_a_file_is_followed_to_its_explorer(service: Running, opened: Opened) -> None:
    page = opened(f"{service.url}/", wait=False)
    rows = f"title,abstract\n{DOCUMENT['title']},{DOCUMENT['abstract']}\n".encode()
    page.locator("#file").set_input_files({"name": "my papers (2).csv", "mimeType": "text/csv", "buffer": rows})
    page.get_by_text("finished: 1 done").wait_for()
    assert page.locator("#jobs strong").inner_text() == "my-papers-2-.csv"
    page.get_by_role("link", name="explore").click()
    page.get_by_text("1 claim in 1 abstract").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(service: Running, opened: Opened, width: int, scheme: str) -> None:
    page = opened(f"{service.url}/", width=width, scheme=scheme, wait=False)
    page.locator("#example").click()
    page.locator("#claims tr").first.wait_for()
    assert Axe().run(page).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_addresses_are_shown_without_another_server(service: Running, opened: Opened) -> None:
    page = opened(f"{service.url}/", wait=False)
    page.goto(f"{service.url}/docs")
    page.locator(".opblock").first.wait_for()
    assert page.locator(".opblock").count() >= 14
