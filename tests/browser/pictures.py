"""The pictures of the explorer in docs/, of what `make run` wrote: `python -m tests.browser.pictures` after `make browser`."""

import io
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import sync_playwright

from extractor.outputs.explorer import page_of_jobs, write_page
from tests.browser.conftest import QUIET, chromium

JOB: Final = Path("build/claims")
OPEN: Final = "document=abstracts%2349&claim=3"
PICTURES: Final[dict[str, tuple[str, int, int, Any]]] = {
    "explorer": (f"sort=-factor&kind=speedup&{OPEN}", 1440, 860, "light"),
    "explorer-charts": ("part=charts", 1280, 900, "light"),
    "explorer-dark": (OPEN, 1280, 800, "dark"),
    "explorer-narrow": ("kind=speedup", 390, 760, "light"),
}
"""Name, address, width, height and colours."""


def main() -> None:
    docs = Path(__file__).parents[2] / "docs"
    page_file = write_page(JOB / "explorer.html", page_of_jobs([JOB]))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        for name, (state, width, height, scheme) in PICTURES.items():
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            page.goto(f"{page_file.resolve().as_uri()}#{state}")
            page.locator("#main[aria-busy=false]").wait_for()
            page.wait_for_timeout(300)
            file = docs / f"{name}.png"
            with Image.open(io.BytesIO(page.screenshot(animations="disabled"))) as picture:
                picture.convert("RGB").quantize(128).save(file, optimize=True)
            print(f"{file.name}: {file.stat().st_size:,} bytes")
        browser.close()


if __name__ == "__main__":
    main()
