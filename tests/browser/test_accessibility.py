"""axe-core finds nothing, on a wide and a narrow screen, light and dark, in each part."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Opened, go

PARTS = ["part=charts", "part=failures", "document=10.1%2Ffast&claim=0&kind=speedup", "unit=nowhere", "sort=title"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_found(width: int, scheme: str, opened: Opened, held: str) -> None:
    page = opened(held, width=width, scheme=scheme)
    rules = {} if scheme == "light" else {"runOnly": ["color-contrast"]}  # nothing but colours depends on the scheme
    found = []
    for part in [*PARTS, "filters"]:
        if part != "filters":
            go(page, part)
        elif width < 500:
            page.get_by_role("button", name="Filters").click()
        faults = Axe().run(page, options=rules).response["violations"]
        found += [(part, fault["id"], [node["html"][:120] for node in fault["nodes"]]) for fault in faults]
    assert found == [], "\n".join(map(str, found))
