"""Figures with their rounds and ratios come out of a table, a file and a document as they went in."""

from pathlib import Path

import pytest

from tests.benchmarks.figures import Result, Row, Skipped, markdown, printed, read, replaced, write

RESULT = Result(
    "Calls",
    (Row("bare", "CPU", "ms", (1.0, 2.0)), Row("ours", "CPU", "ms", (3.0, 6.0)), Row("ours", "rate", "calls/s", (1234.5,))),
    (Skipped("theirs", "it is not installed"),),
    base="bare",
    versions={"ours": "0.1.0"},
)


def test_a_table_has_a_line_a_name_and_ratios_of_the_rounds() -> None:
    assert printed(RESULT).splitlines() == [
        "Calls",
        "            CPU               rate",
        "bare        1.5 ms (1–2)",
        "ours 0.1.0  4.5 ms (3–6), 3x  1,234 calls/s",
        "theirs was not measured: it is not installed",
    ]


def test_results_come_back_from_their_file(tmp_path: Path) -> None:
    write(tmp_path / "new" / "bench.json", {"calls": RESULT})
    assert read(tmp_path / "new" / "bench.json") == {"calls": RESULT}
    assert read(tmp_path / "none.json") == {}


def test_a_document_keeps_what_stands_around_its_blocks() -> None:
    text = "a\n<!-- bench: calls -->\nold\n<!-- end -->\nb\n<!-- bench: calls --><!-- end -->"
    once = replaced(text, {"calls": markdown(RESULT)})
    assert once.count("| ours 0.1.0 | 4.5 ms (3–6), 3x | 1,234 calls/s |") == 2
    assert [line for line in once.splitlines() if line in {"a", "b", "old"}] == ["a", "b"]
    assert replaced(once, {"calls": markdown(RESULT)}) == once
    with pytest.raises(KeyError, match="other"):
        replaced("<!-- bench: other --><!-- end -->", {})


def test_nothing_has_a_ratio_to_zero() -> None:
    rows = (Row("bare", "right", "", (0.0,)), Row("ours", "right", "", (3.0,)))
    assert Result("Claims", rows, base="bare").cells()[2] == ["ours", "3"]
