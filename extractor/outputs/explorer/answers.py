"""The answers that a page gets about the claims of jobs: how many there are, their rows, dots of charts, one document.

A page that holds its rows answers the same questions itself (`templates/rows.js`); a browser test compares the two.
"""

import json
import math
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from extractor.documents import joined
from extractor.errors import UsageError
from extractor.outputs.columns import TABLES
from extractor.outputs.explorer.facets import FACETS, IN_ORDER, NOT_STATED, Facet
from extractor.outputs.explorer.index import CLAIM_COLUMNS, TARGET_COLUMNS, Index
from extractor.outputs.explorer.question import Question, read

Answer = dict[str, Any]
"""JSON, with finite numbers only."""

MOST_KEYS: Final = 200
"""Keys of a facet that are listed."""
MOST_DOTS: Final = 2000
"""Dots of a chart; of more claims, as many are chosen evenly."""
PANELS: Final = 6
"""Pairs of a kind and a unit whose values are drawn, those with the most claims."""
METRICS: Final = 12
"""Metrics that are set out against hardware, those with the most claims."""

_CLAIMS: Final = [column.name for column in CLAIM_COLUMNS]
_OF_CLAIM: Final = [column.name for column in TABLES["claims"]]
_DOCUMENTS: Final = [column.name for column in TABLES["documents"]]
_FAILURES: Final = [column.name for column in TABLES["failures"]]
_JOINED: Final = "claims JOIN documents ON documents.key = claims.document_key"
_DOT: Final = "claims.job, documents.document, claims.claim, claims.quantity"


class NotThereError(UsageError):
    """A document that no job has."""


class Explorer:
    """Answers questions about jobs out of an index in a file. A connection for each answer: any thread may ask."""

    def __init__(self, paths: Sequence[str | Path], index: Path) -> None:
        self._index = Index(paths, index)
        self._answers: dict[str, Callable[[sqlite3.Connection, Question], Answer]] = {
            "counts": _counts,
            "rows": _rows,
            "charts": _charts,
            "document": _document,
            "failures": _failures,
        }

    def answer(self, name: str, query: str) -> Answer:
        """The answer to one of the five questions, with the query string of its address.

        What was appended to the jobs since is read first, for a second at most; `read` of the counts is the share of the jobs
        that the index knows. Raises `UsageError` for what cannot be asked, `NotThereError` for a document that is not there.
        """
        if name not in self._answers:
            raise UsageError(f"There is no question {name!r}. Ask one of {', '.join(self._answers)}.")
        question = read(query)
        share = self._index.refresh(seconds=1)
        with closing(self._index.connect()) as connection:
            question.find(connection)
            answer = self._answers[name](connection, question)
        return answer | {"read": share} if name == "counts" else answer


def _counts(connection: sqlite3.Connection, question: Question) -> Answer:
    where, values = question.where()
    [(shown, documents)] = connection.execute(
        f"SELECT count(*), count(DISTINCT document_key) FROM claims WHERE {where}", values
    )
    return {
        **{table: _one(connection, f"SELECT count(*) FROM {table}") for table in ("claims", "documents", "failures")},
        "shown": shown,
        "shown_documents": documents,
        "facets": {facet.name: _facet(connection, question, facet) for facet in FACETS},
        "empty": [facet.column for facet in FACETS if not _holds(connection, facet)],
    }


def _holds(connection: sqlite3.Connection, facet: Facet) -> bool:
    """Whether a claim of the jobs has the facet's column, whatever the filter."""
    return _one(connection, "SELECT EXISTS (SELECT 1 FROM words WHERE facet = ?)", (facet.name,)) == 1


def _facet(connection: sqlite3.Connection, question: Question, facet: Facet) -> list[tuple[str, str, int]]:
    """The keys of a facet with their labels and how many claims have them that pass the other facets.

    The keys with the most claims in all come first, or those of the lowest cells; "not stated" comes last.
    """
    counts = _cells(connection, question, facet)
    parts = keys(connection, facet)
    found = {key: 0 for key, _, _ in parts} | {NOT_STATED[0]: counts.get(None, 0)}
    for key, _, words in parts:
        found[key] += sum(counts.get(word, 0) for word in words)
    chosen = dict(question.facets).get(facet.name, ())
    labels = {key: label for key, label, _ in parts} | dict([NOT_STATED])
    listed = [(key, labels[key], found[key]) for key in found if key and (found[key] or key in chosen)][:MOST_KEYS]
    return listed + ([(*NOT_STATED, found[""])] if found[""] or "" in chosen else [])


def _cells(connection: sqlite3.Connection, question: Question, facet: Facet) -> dict[Any, int]:
    """How many claims have each cell of a facet's column; they are known already where every claim passes."""
    if question.takes_all:
        counts = dict(connection.execute("SELECT word, claims FROM words WHERE facet = ?", (facet.name,)))
        return counts | {None: _one(connection, "SELECT count(*) FROM claims") - sum(counts.values())}
    where, values = question.where(without=facet.name)
    return dict(
        connection.execute(f"SELECT {facet.column}, count(*) FROM claims WHERE {where} GROUP BY {facet.column}", values)
    )


def keys(connection: sqlite3.Connection, facet: Facet) -> list[tuple[str, str, list[Any]]]:
    """Each key of a facet in order, with the label of its commonest cell, and its cells."""
    rows = connection.execute(
        "SELECT part, label, word, claims FROM words WHERE facet = ? ORDER BY claims DESC, label", (facet.name,)
    )
    labels: dict[str, str] = {}
    cells: dict[str, list[Any]] = {}
    totals: dict[str, int] = {}
    for part, label, word, claims in rows:
        labels.setdefault(part, label)
        cells.setdefault(part, []).append(word)
        totals[part] = totals.get(part, 0) + claims
    order: Callable[[str], Any] = (lambda key: min(cells[key])) if facet.name in IN_ORDER else (lambda key: (-totals[key], key))
    return [(key, labels[key], cells[key]) for key in sorted(labels, key=order)]


def _rows(connection: sqlite3.Connection, question: Question) -> Answer:
    where, values = question.where()
    found = connection.execute(
        f"SELECT {_named('claims', _CLAIMS)}, {_named('documents', _DOCUMENTS)} FROM {_JOINED} "
        f"WHERE {where} ORDER BY {question.order()} LIMIT ? OFFSET ?",
        [*values, question.limit, question.offset],
    )
    return {"rows": [claim_row(row) for row in found]}


def claim_row(cells: Sequence[Any]) -> dict[str, Any]:
    """The row of a claim as its table has it, from the columns of its own and those of its document."""
    own, of_document = cells[: len(_CLAIMS)], cells[len(_CLAIMS) :]
    known = dict(zip(_DOCUMENTS, of_document, strict=True)) | dict(zip(_CLAIMS, own, strict=True))
    text = joined(known["title"], known["abstract"])
    known["sentence"] = text[known["sentence_start"] : known["sentence_end"]]
    return _finite({name: known[name] for name in _OF_CLAIM})


def _charts(connection: sqlite3.Connection, question: Question) -> Answer:
    where, values = question.where()
    return {
        "factors": _factors(connection, where, values),
        "values": _values(connection, where, values),
        "measured": _measured(connection, where, values),
    }


def _factors(connection: sqlite3.Connection, where: str, values: list[Any]) -> Answer:
    """Each factor above 0 with its category, as dots. A dot is (category, factor, job, document, claim, quantity)."""
    some = f"FROM {_JOINED} WHERE {where} AND factor > 0"
    of = _one(connection, f"SELECT count(*) {some}", values)
    rows = connection.execute(
        f"SELECT claims.hardware_category, claims.factor, {_DOT} {some} "
        "ORDER BY hardware_category IS NULL, hardware_category, factor, claims.key",
        values,
    )
    return {"of": of, "dots": _evenly(rows, of)}


def _values(connection: sqlite3.Connection, where: str, values: list[Any]) -> list[Answer]:
    """The values above 0 of the commonest kinds and units. A dot is (year, value, job, document, claim, quantity)."""
    panels = connection.execute(
        f"SELECT claims.kind, claims.base_unit, count(*) FROM claims WHERE {where} AND value > 0 AND comparison = 'absolute' "
        "GROUP BY kind, base_unit ORDER BY count(*) DESC, kind, base_unit COLLATE NOCASE, base_unit LIMIT ?",
        [*values, PANELS],
    ).fetchall()
    return [
        {
            "kind": kind,
            "unit": unit,
            "of": of,
            "dots": _evenly(
                connection.execute(
                    f"SELECT claims.year, claims.value, {_DOT} FROM {_JOINED} WHERE {where} AND value > 0 "
                    "AND comparison = 'absolute' AND kind = ? AND base_unit IS ? ORDER BY value, claims.key",
                    [*values, kind, unit],
                ),
                of,
            ),
        }
        for kind, unit, of in panels
    ]


def _measured(connection: sqlite3.Connection, where: str, values: list[Any]) -> Answer:
    """How many claims each metric has on each category of hardware: (category, metric's key, claims)."""
    facets = {facet.name: facet for facet in FACETS}
    counts = connection.execute(
        f"SELECT hardware_category, metric_key, count(*) FROM claims WHERE {where} "
        "AND hardware_category IS NOT NULL AND metric_key IS NOT NULL GROUP BY hardware_category, metric_key",
        values,
    ).fetchall()
    labels = {key: label for key, label, _ in keys(connection, facets["metric"])}
    totals: dict[str, int] = {}
    for _, metric, number in counts:
        totals[metric] = totals.get(metric, 0) + number
    metrics = sorted(totals, key=lambda metric: (-totals[metric], metric))[:METRICS]
    cells = dict[tuple[str, str], int]()
    for category, metric, number in counts:
        for part, _ in facets["hardware_category"].parts_of(category):
            cells[part, metric] = cells.get((part, metric), 0) + number
    return {
        "metrics": [(metric, labels[metric]) for metric in metrics],
        "cells": [(part, metric, number) for (part, metric), number in sorted(cells.items()) if metric in metrics],
    }


def _evenly(rows: Iterable[Any], of: int) -> list[list[Any]]:
    step = max(1, math.ceil(of / MOST_DOTS))
    return [list(row) for place, row in enumerate(rows) if place % step == 0 and math.isfinite(row[1])]


def _document(connection: sqlite3.Connection, question: Question) -> Answer:
    named = [question.document] + ([] if question.job is None else [question.job])
    found = connection.execute(
        f"SELECT key, rejected, {_named('documents', _DOCUMENTS)} FROM documents WHERE document = ? "
        f"{'' if question.job is None else 'AND job = ?'} ORDER BY key LIMIT 1",
        named,
    ).fetchone()
    if found is None:
        raise NotThereError(f"There is no document {question.document!r}.")
    key, rejected, *cells = found
    claims = connection.execute(
        f"SELECT {_named('claims', _CLAIMS)}, {_named('documents', _DOCUMENTS)} FROM {_JOINED} "
        "WHERE document_key = ? ORDER BY claims.key",
        (key,),
    )
    names = [column.name for column in TARGET_COLUMNS]
    targets = connection.execute(f"SELECT {', '.join(names)} FROM hardware WHERE document_key = ? ORDER BY target", (key,))
    return {
        "document": _finite(dict(zip(_DOCUMENTS, cells, strict=True))),
        "claims": [claim_row(row) for row in claims],
        "hardware": [dict(zip(names, row, strict=True)) for row in targets],
        "rejected": json.loads(rejected),
    }


def _failures(connection: sqlite3.Connection, question: Question) -> Answer:
    found = connection.execute(
        f"SELECT {', '.join(_FAILURES)} FROM failures ORDER BY part, rowid LIMIT ? OFFSET ?", (question.limit, question.offset)
    )
    return {"rows": [dict(zip(_FAILURES, row, strict=True)) for row in found]}


def _named(table: str, names: Iterable[str]) -> str:
    return ", ".join(f"{table}.{name}" for name in names)


def _one(connection: sqlite3.Connection, statement: str, values: Sequence[Any] = ()) -> int:
    [(number,)] = connection.execute(statement, values)
    return int(number)


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    """A row without the infinities that a huge number in a small unit may become."""
    return {name: None if isinstance(cell, float) and not math.isfinite(cell) else cell for name, cell in row.items()}
