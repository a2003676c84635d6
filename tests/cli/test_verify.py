"""`extractor verify`: what is wrong is on standard output with its place, and the exit code says that there is something."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Command


@pytest.fixture
def source(tmp_path: Path) -> None:
    (tmp_path / "source.txt").write_text("It is 9.1x faster, with up to 35.6% less memory.\n", encoding="utf-8")


@pytest.mark.usefixtures("source")
def test_a_text_with_the_same_numbers_is_silent(extractor: "Command") -> None:
    done = extractor("verify", "source.txt", "-", stdin=b"Up to 35.6% less memory at 9.1 times the speed.")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"2 numbers, 0 of them not as in the source\n")


@pytest.mark.usefixtures("source")
def test_what_is_wrong_is_told_with_its_place(extractor: "Command", tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text("It is 91x faster,\nwith 35.6% less memory.\n", encoding="utf-8")
    done = extractor("verify", "source.txt", "mine.md")
    assert done.returncode == 4
    assert done.stdout.decode().splitlines() == [
        "mine.md:1:7: 91x does not stand in the source (the nearest is 9.1x)",
        "mine.md:2:6: 35.6% stands there with another bound (as up to 35.6%)",
    ]
    rows = [json.loads(line) for line in extractor("verify", "source.txt", "mine.md", "--json").stdout.splitlines()]
    assert rows[0] == {"place": "1:7", "text": "91x", "problem": "missing", "stands": "9.1x"}


@pytest.mark.usefixtures("source")
def test_files_that_cannot_be_read_are_told_in_one_line(extractor: "Command", tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9 9.1x")
    for name, code, message in (("nothing.md", 2, "nothing.md does not exist"), ("latin.txt", 1, "latin.txt: not UTF-8")):
        done = extractor("verify", "source.txt", name)
        [line] = done.stderr.decode().splitlines()
        assert (done.returncode, done.stdout, message in line) == (code, b"", True)


@pytest.mark.usefixtures("source")
def test_what_a_text_holds_does_not_reach_the_terminal_as_a_command(extractor: "Command") -> None:
    done = extractor("verify", "source.txt", "-", stdin=b"\x1b[31m 5\x1b[0m 7 glimmers")
    assert done.returncode == 4
    assert b"\x1b" not in done.stdout
