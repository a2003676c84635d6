"""The benchmark of jobs runs the command and prints a rate and ten samples of memory for each kind of job."""

import re

import pytest

from tests.benchmarks.jobs import main


def test_it_prints_rate_and_memory(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--documents", "60", "--workers", "1", "--model"]) == 0
    heading, rules, model = capsys.readouterr().out.splitlines()
    assert heading.startswith("60 documents a job, from 143 abstracts repeated")
    assert re.fullmatch(r"--workers 1: 1\.00 times the first; +[\d,]+ abstracts/s; (\d+ ?){10}", rules)
    assert re.fullmatch(r"--model: +[\d,]+ abstracts/s \([\d,]+ calls a minute\); (\d+ ?){10}", model)
