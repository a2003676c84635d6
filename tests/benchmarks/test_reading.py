"""The command that measures reading reads what it wrote, and knows a bad figure."""

from pathlib import Path

import pytest

from tests.benchmarks.reading import Reading, main, measure


def test_small_files_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--megabytes", "2", "--rows", "2000"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["in.jsonl", "in.jsonl.gz", "in.parquet"]
    assert "2,000 records" in lines[2]


@pytest.mark.parametrize(("first", "last", "memory"), [(100, 49, 100), (100, 100, 301)], ids=["slower", "too large"])
def test_a_bad_figure_is_known(first: float, last: float, memory: float) -> None:
    assert not Reading(first, last, memory).good
    assert Reading(100, 50, 300).good


def test_a_lost_record_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"id": "a", "abstract": "A."}\n' * 2)
    with pytest.raises(SystemExit, match="AssertionError"):
        measure(tmp_path / "in.jsonl", 2)
