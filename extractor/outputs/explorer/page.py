"""The page on which the claims of jobs are looked at: one file that needs nothing but itself.

Its rows stand in it, or it fetches them from a server. Words of abstracts are data in it, and never mark-up.
"""

import base64
import hashlib
import json
import math
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from extractor._version import __version__
from extractor.errors import DataError, UsageError
from extractor.outputs.columns import TABLES, Cell
from extractor.outputs.explorer.answers import METRICS, MOST_DOTS, MOST_KEYS, PANELS, keys
from extractor.outputs.explorer.facets import COMPARED, FACETS, SEARCHED, SHOWN
from extractor.outputs.explorer.index import CLAIM_COLUMNS, TARGET_COLUMNS, Index
from extractor.outputs.explorer.question import Question, read

MOST_CLAIMS: Final = 50_000
"""Claims that a page can hold and stay quick."""

_STYLES: Final = ("base.css", "explorer.css")
_SCRIPTS: Final = ("words.js", "rows.js", "copy.js", "table.js", "facets.js", "abstract.js", "charts.js", "page.js")
"""One scope in this order: a file uses what stands in those before it."""


def page_of_jobs(paths: Sequence[str | Path], where: str = "") -> str:
    """The page of jobs with their rows in it, those that pass a filter: `where` is the query string of an address.

    Raises `UsageError` where there are more than `MOST_CLAIMS`, for a filter that does not exist or that nothing passes,
    `DataError` for a file of records that is cut off, and what `read_extractions` raises.
    """
    question = read(where)
    with tempfile.TemporaryDirectory(prefix="extractor-") as scratch:
        index = Index(paths, Path(scratch) / "index.sqlite")
        if index.refresh() < 1:
            raise DataError("The last record is cut off. Run the same command again: it repairs the file and does the rest.")
        held = _held(index, question)
    if not held["claim_documents"] and not question.takes_all:
        raise UsageError(f"No claim passes {where}.")
    return _page(", ".join([*map(str, paths), *([where] if where else [])]), {"rows": held})


def fetched_page(name: str, base: str) -> str:
    """The page of a job that fetches what it shows from a server: the questions of `Explorer.answer` are paths below `base`."""
    return _page(name, {"base": base}, connect="connect-src 'self'; ")


def _page(name: str, data: dict[str, Any], connect: str = "") -> str:
    style = "".join(map(_template, _STYLES))
    script = '"use strict";\n(() => {\n' + "".join(map(_template, _SCRIPTS)) + "})();\n"
    about = {
        "columns": {table: [[c.name, c.type, c.about] for c in columns] for table, columns in TABLES.items()},
        "facets": [[facet.name, facet.label, facet.column] for facet in FACETS],
        "shown": SHOWN,
        "searched": SEARCHED,
        "compared": COMPARED,
        "most": {"keys": MOST_KEYS, "dots": MOST_DOTS, "panels": PANELS, "metrics": METRICS},
    }
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; {connect}"
        "base-uri 'none'; form-action 'none'"
    )
    given = {
        "policy": policy,
        "name": name.translate(_ESCAPED),
        "version": __version__,
        "style": style,
        "about": in_script(about),
        "data": in_script(data),
        "script": script,
    }
    parts = _template("explorer.html").split("$$")
    return "".join(part if place % 2 == 0 else given[part] for place, part in enumerate(parts))


_ESCAPED: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


def in_script(data: object) -> str:
    """JSON that cannot leave the element that it stands in, whatever it says."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _template(name: str) -> str:
    return (files("extractor.outputs") / "templates" / name).read_text(encoding="utf-8")


def _held(index: Index, question: Question) -> dict[str, Any]:
    """What the jobs hold of what passes a filter, a column at a time."""
    condition, values = question.where()
    with closing(index.connect()) as connection:
        question.find(connection)
        [(number,)] = connection.execute(f"SELECT count(*) FROM claims WHERE {condition}", values)
        if number > MOST_CLAIMS:
            raise UsageError(
                f"There are {number:,} claims, and a page stays quick up to {MOST_CLAIMS:,}. Take a part of them with --where, "
                "such as --where kind=speedup, or look at all with `extractor serve`."
            )
        passed = "1" if question.takes_all else f"key IN (SELECT document_key FROM claims WHERE {condition})"
        documents = connection.execute(f"SELECT * FROM documents WHERE {passed} ORDER BY key", values).fetchall()
        claims = connection.execute(f"SELECT * FROM claims WHERE {condition} ORDER BY key", values).fetchall()
        places = {key: place for place, (key, *_) in enumerate(documents)}
        targets = [row for row in connection.execute("SELECT * FROM hardware ORDER BY rowid") if row[0] in places]
        failures = connection.execute("SELECT * FROM failures ORDER BY part, rowid").fetchall()
        own = [column.name for column in CLAIM_COLUMNS]
        columns = _columns(own, (row[2:] for row in claims))
        return {
            "documents": _columns([c.name for c in TABLES["documents"]], (row[1:-1] for row in documents)),
            "rejected": [json.loads(row[-1]) for row in documents],
            "claims": columns,
            "claim_documents": [places[row[1]] for row in claims],
            "hardware": _columns([c.name for c in TARGET_COLUMNS], (row[1:] for row in targets)),
            "hardware_documents": [places[row[0]] for row in targets],
            "failures": _columns([c.name for c in TABLES["failures"]], (row[1:] for row in failures)),
            "keys": {
                facet.name: [
                    [key, label, _places(words, columns[facet.column]["words"])]
                    for key, label, words in keys(connection, facet)
                ]
                for facet in FACETS
            },
        }


def _columns(names: Sequence[str], rows: Iterable[Sequence[Cell]]) -> dict[str, Any]:
    """Each column as the cells that occur in it, in the order in which they are sorted, and the place of each row's cell there.

    -1 stands for null.
    """
    made: dict[str, Any] = {}
    for name, cells in zip(names, list(zip(*rows, strict=True)) or [()] * len(names), strict=True):
        known = [None if isinstance(cell, float) and not math.isfinite(cell) else cell for cell in cells]
        words = sorted({cell for cell in known if cell is not None}, key=_order)
        places = {word: place for place, word in enumerate(words)} | {None: -1}
        made[name] = {"words": words, "rows": [places[cell] for cell in known]}
    return made


def _order(cell: Any) -> Any:
    """As SQLite sorts: numbers by size, texts without the case of ASCII and then with it."""
    return (cell.encode().lower(), cell.encode()) if isinstance(cell, str) else cell


def _places(words: Iterable[Cell], of: Sequence[Cell]) -> list[int]:
    found = {word: place for place, word in enumerate(of)}
    return sorted(found[word] for word in words if word in found)


def write_page(file: Path, page: str) -> Path:
    """Write a page, whole or not at all. Raises `UsageError` where a folder stands in its place."""
    if file.is_dir():
        raise UsageError(f"{file} is a folder. Name the file to write: -o {file / 'explorer.html'}.")
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}.new")
    try:
        new.write_text(page, encoding="utf-8")
        return new.replace(file)
    finally:
        new.unlink(missing_ok=True)
