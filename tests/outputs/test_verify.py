"""Verification: each way in which a number can be wrong is found where it stands, and what is right is left alone."""

import json
from typing import Any

import pytest

from extractor import extract
from extractor.errors import DataError
from extractor.outputs.jsonl import to_line
from extractor.outputs.verify import pieces, verify
from extractor.spotting import spot

SOURCE = (
    "OmniVLM: Fast\nOn a laptop it shows 9.1x faster time-to-first-token (0.75s vs 6.82s) and up to 35.6% less memory in 2024 "
    "than GPT-4 on a Raspberry Pi 4. It needs 50%-56% of 1,000 images, about 3 GB, 24% and 23% less, an F1 of 0.89, 8 W."
)


def found(claimed: str, name: str = "claimed.md", source: str = SOURCE) -> list[tuple[str, str, str, str | None]]:
    _, findings = verify(pieces(source, name="source.txt"), pieces(claimed, name=name))
    return [(finding.place, finding.text, finding.problem, finding.stands) for finding in findings]


RIGHT = [
    SOURCE,
    "It is 9.1 times faster.",
    "It takes 750 ms and not 6,820 ms.",
    "It saves up to 35.6% of memory.",
    "It needs about 3000 MB.",
    "50 to 56%.",
    "At least 50% and up to 56%.",
    "23-24% less.",
    "The Pi has a 4.",
    "It uses 1000 images, in 2024, on a Raspberry Pi 4.",
    "1. It beats GPT-4.\n2. F1 is 0.89 [12, 13], see https://x.org/77 and [a link](page-88.html).",
    "## 3. Results\n\n9.1x faster.",
    "It draws 8000 mW.",
    "No number at all.",
    "",
]


@pytest.mark.parametrize("claimed", RIGHT)
def test_what_stands_in_the_source_is_left_alone(claimed: str) -> None:
    assert found(claimed) == []


WRONG = [
    ("It is 91x faster.", ("1:7", "91x", "missing", "9.1x")),
    ("It is\n  9.2x faster.", ("2:3", "9.2x", "missing", "9.1x")),
    ("It takes 6.82 ms.", ("1:10", "6.82 ms", "unit", "6.82s")),
    ("It takes 0.75 minutes.", ("1:10", "0.75 minutes", "unit", "0.75s")),
    ("It needs 3 MB.", ("1:10", "3 MB", "unit", "about 3 GB")),
    ("It saves 35.6%.", ("1:10", "35.6%", "bound", "up to 35.6%")),
    ("It saves at least 35.6%.", ("1:19", "at least 35.6%", "bound", "up to 35.6%")),
    ("Up to 9.1x faster.", ("1:7", "up to 9.1x", "bound", "9.1x")),
    ("It needs 56%.", ("1:10", "56%", "bound", "50%-56%")),
    ("It needs at least 56%.", ("1:19", "at least 56%", "bound", "50%-56%")),
    ("It needs 50%-57%.", ("1:10", "50%-57%", "missing", "50%-56%")),
    ("F1 of 0.98.", ("1:7", "0.98", "missing", "0.89")),
    ("In 2025.", ("1:4", "2025", "missing", None)),
    ("It beats GPT-5.", ("1:14", "5", "missing", None)),
    ("It runs on a Raspberry Pi 5.", ("1:27", "5", "missing", None)),
    ("Memory falls by 30 mJ.", ("1:17", "30 mJ", "missing", None)),
    ("It draws 8 MW.", ("1:10", "8 MW", "unit", "8 W")),
]


@pytest.mark.parametrize(("claimed", "finding"), WRONG, ids=[row[0] for row in WRONG])
def test_what_does_not_is_found_with_its_place(claimed: str, finding: tuple[str, str, str, str | None]) -> None:
    assert found(claimed) == [finding]


def test_the_cells_of_a_table_need_no_unit_and_no_bound() -> None:
    table = "| model | s | saved |\n| --- | --- | --- |\n| OmniVLM | 0.75 | 35.6% |\n| other | 6.28 | 36.5% |\n"
    assert found(table) == [("4:11", "6.28", "missing", "0.89"), ("4:18", "36.5%", "missing", "up to 35.6%")]


JSON: list[tuple[Any, list[tuple[str, str, str, str | None]]]] = [
    ({"speedup": 9.1, "note": "It is 9.1x faster.", "rows": [{"f1": 0.89}]}, []),
    ({"speedup": "9.1x", "memory": "35.6%"}, []),
    ({"speedup": 9.2}, [("speedup", "9.2", "missing", "0.89")]),
    ({"rows": [{"f1": 0.89}, {"f1": 0.98}]}, [("rows[1].f1", "0.98", "missing", "0.89")]),
    ({"value": 6.82, "unit": "s"}, []),
    ({"value": 6820, "unit": "ms"}, []),
    ({"value": 6.82, "unit": "ms"}, [("value", "6.82 ms", "unit", "6.82s")]),
    ({"value": 35.6, "unit": "%", "bound": "up_to"}, []),
    ({"value": 35.6, "unit": "%", "bound": "exact"}, [("value", "35.6 %", "bound", "up to 35.6%")]),
    ({"low": 50, "high": 56, "unit": "%"}, []),
    ({"note": "It saves fully 35.6% of its memory."}, [("note", "35.6%", "bound", "up to 35.6%")]),
    ([9.1, 10.1], [("[1]", "10.1", "missing", "0.89")]),
    ({"fine": True, "nothing": None}, []),
]


@pytest.mark.parametrize(("claimed", "findings"), JSON, ids=[json.dumps(row[0]) for row in JSON])
def test_json_is_read_with_its_units_and_bounds(claimed: Any, findings: list[tuple[str, str, str, str | None]]) -> None:
    text = json.dumps(claimed)
    found_whole = found(text, "claimed.json")
    assert [(place, said, problem) for place, said, problem, _ in found_whole] == [row[:3] for row in findings]
    assert [row for row in found_whole if row[2] != "missing"] == [row for row in findings if row[2] != "missing"]
    lines = found(f"\n{text}\n", "claimed.jsonl")
    assert [row[0].split(":", 1)[0] for row in lines] == ["2"] * len(findings)


def test_a_record_of_this_program_stands_in_its_text() -> None:
    record = extract("FastNet: Quick", "FastNet is up to 2.3x faster than SlowNet-4 on a Jetson Nano, with 18-25% less memory.")
    assert len(record.claims) == 2
    assert found(to_line(record).decode(), "claimed.jsonl", record.text) == []
    wrong = to_line(record).replace(b'"high":2.3', b'"high":3.2').decode()
    assert [row[0] for row in found(wrong, "claimed.jsonl", record.text)] == ["1:claims[0].quantity.high"]


def test_numbers_are_counted() -> None:
    count, findings = verify(pieces(SOURCE, name="a.txt"), pieces(SOURCE, name="a.txt"))
    assert (count >= len(spot(SOURCE).quantities) > 8, findings) == (True, [])


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_json_that_is_broken_is_told(name: str) -> None:
    with pytest.raises(DataError, match=r"a.json.*not JSON"):
        pieces("{", name=name)
