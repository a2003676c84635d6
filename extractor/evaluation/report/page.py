"""`report.html`: the report as one page that needs nothing but itself. The words of abstracts are escaped, never mark-up."""

import re
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from extractor.errors import UsageError
from extractor.evaluation.metrics import CLAIM_FIELDS, KINDS
from extractor.evaluation.report import browser, charts, words
from extractor.evaluation.report.format import Report

_SECTIONS = ("figures", "charts", "differences", "confusion", "every-figure", "abstracts", "filter", "shown")


def page(report: Report) -> str:
    """The whole page. Raises `UsageError` if jinja2 or matplotlib is not installed."""
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
        from markupsafe import Markup
    except ImportError:
        raise UsageError("a report needs jinja2; install it with: pip install 'claim-extractor[eval]'") from None
    environment = Environment(
        loader=PackageLoader("extractor.evaluation.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    own = Markup  # what is made here and not out of an abstract
    names = [system.name for system in report.systems]
    given: dict[str, Any] = {
        "report": report,
        "words": words,
        "browser": browser,
        "style": own(_resource("report.css")),
        "script": own(_resource("report.js")),
        "marks": [own(charts.mark(n)) for n in range(len(names))],
        "forest": own(charts.forest(report, words.LABELS)),
        "kinds": own(charts.kinds(report) or ""),
        "cost": own(charts.cost(report) or ""),
        "pairs": [(each, names.index(each.ours), names.index(each.theirs)) for each in report.comparisons],
        "anchors": anchors(document.id for document in report.documents),
        "kind_names": [*KINDS, "hardware", "system"],
        "field_names": [*CLAIM_FIELDS, "category", "role", "system"],
    }
    return environment.get_template("report.html.j2").render(given)


def anchors(ids: Iterable[str]) -> dict[str, str]:
    """A link target for each document id: the id itself, unless it holds what a target may not or is taken."""
    taken = set(_SECTIONS)
    found = {}
    for id in ids:
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", id)
        number = 1
        while (anchor := plain if number == 1 else f"{plain}-{number}") in taken or not anchor:
            number += 1
        taken.add(anchor)
        found[id] = anchor
    return found


def _resource(name: str) -> str:
    return (files("extractor.evaluation.report") / "templates" / name).read_text(encoding="utf-8")
