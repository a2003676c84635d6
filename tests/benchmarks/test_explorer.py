"""The benchmark of the explorer asks each question and prints what it takes."""

import re

import pytest

from tests.benchmarks.explorer import QUESTIONS, main


def test_it_prints_the_time_of_each_question(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--claims", "40"]) == 0
    heading, *lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"40 claims read in [\d.]+ s", heading)
    assert [re.sub(r" +\d+ ms$", "", line) for line in lines] == [f"{name}?{query}" for name, query in QUESTIONS]
