"""What is put aside is found again, in bounded memory, and a full disk is one line."""

import sqlite3

import pytest

from extractor.scratch import Scratch, digest


def test_rows_are_changed_and_read() -> None:
    rows = Scratch("numbers (key INTEGER PRIMARY KEY, square INTEGER)")
    assert [rows.change("INSERT OR IGNORE INTO numbers VALUES (?, ?)", (n, n * n)) for n in (3, 1, 3)] == [1, 1, 0]
    assert rows.row("SELECT square FROM numbers WHERE key = ?", (3,)) == (9,)
    assert rows.row("SELECT square FROM numbers WHERE key = ?", (4,)) is None
    assert list(rows.rows("SELECT key FROM numbers ORDER BY key")) == [(1,), (3,)]
    rows.close()


def test_no_room_is_an_error_of_the_system_with_the_fix() -> None:
    rows = Scratch("numbers (key INTEGER PRIMARY KEY, square INTEGER)")
    rows.change("PRAGMA max_page_count = 10")

    def fill() -> None:
        for n in range(10_000):
            rows.change("INSERT INTO numbers VALUES (?, ?)", (n, n))

    with pytest.raises(OSError, match="is full; free some room there or set TMPDIR") as caught:
        fill()
    assert caught.value.filename == "the temporary folder"
    rows.close()


def test_digests_fit_a_row_and_differ() -> None:
    names = [f"2301.{n:05}" for n in range(1000)] + ["", "größe", "half \ud800"]
    assert len({digest(name) for name in names}) == len(names)
    assert all(-(1 << 63) <= digest(name) < 1 << 63 for name in names)


def test_one_that_nobody_holds_is_closed() -> None:
    scratch = Scratch("t (id INTEGER PRIMARY KEY)")
    database = scratch._database
    del scratch
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        database.execute("SELECT 1")
