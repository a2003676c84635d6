"""The benchmark of jobs runs the command and prints a rate and ten samples of memory for each number of processes."""

import re

import pytest

from tests.benchmarks.jobs import main


def test_it_prints_rate_and_memory(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--documents", "60", "--workers", "1"]) == 0
    heading, row = capsys.readouterr().out.splitlines()
    assert heading.startswith("60 documents a job, from 143 abstracts repeated")
    assert re.fullmatch(r"--workers 1: +[\d,]+ abstracts/s, 1\.00 times the first; (\d+ ?){10}", row)
