"""Replies that are kept: found again, shared by processes, and never in the way."""

import asyncio
import hashlib
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from extractor.errors import UsageError
from extractor.llm.cache import Kept, ReplyCache, Shape, clear, default_path, info
from tests.llm.support import MESSAGES, run

SHAPE = Shape("openai/m", None, {}, {})
KEY = SHAPE.key_of(MESSAGES)
KEPT = Kept('{"name": "Rex \u00e9"}', settled=False)


async def put(path: Path, *keys: bytes, kept: Kept = KEPT, model: str = "openai/m", notice: list[str] | None = None) -> None:
    """Keep a reply under each key."""
    cache = ReplyCache(path, (notice if notice is not None else []).append)
    for key in keys:
        cache.put(key, model, kept)
    await cache.close()


async def get(path: Path, key: bytes, notice: list[str] | None = None) -> Kept | None:
    """The reply under a key, by a cache that is opened anew."""
    cache = ReplyCache(path, (notice if notice is not None else []).append)
    found = cache.get(key)
    await cache.close()
    return found


def test_a_reply_is_found_again_by_another_process(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "replies.sqlite3"
    assert run(get(path, KEY)) is None
    run(put(path, KEY))
    assert run(get(path, KEY)) == KEPT
    run(put(path, KEY, kept=Kept("{}", settled=True)))
    assert run(get(path, KEY)) == Kept("{}", settled=True)


def test_a_reply_is_found_before_it_is_written(tmp_path: Path) -> None:
    async def scene() -> None:
        cache = ReplyCache(tmp_path / "replies.sqlite3")
        cache.put(KEY, "openai/m", KEPT)
        assert cache.get(KEY) == KEPT
        await cache.close()

    run(scene())


def test_a_reply_that_replaces_one_while_it_is_written_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite3"
    later = Kept("{}", settled=True)

    async def scene() -> None:
        cache = ReplyCache(path)
        cache.put(KEY, "openai/m", KEPT)
        await asyncio.sleep(0)  # the writer has taken the first
        cache.put(KEY, "openai/m", later)
        await cache.close()

    run(scene())
    assert run(get(path, KEY)) == later


def test_everything_that_shapes_a_reply_is_in_its_key() -> None:
    other = [*MESSAGES[:1], {"role": "user", "content": "Another text."}]
    keys = [
        KEY,
        Shape("openai/n", None, {}, {}).key_of(MESSAGES),
        Shape("openai/m", "http://127.0.0.1/v1", {}, {}).key_of(MESSAGES),
        Shape("openai/m", None, {"type": "object"}, {}).key_of(MESSAGES),
        Shape("openai/m", None, {}, {"temperature": 1.0}).key_of(MESSAGES),
        SHAPE.key_of(other),
        SHAPE.key_of([{"role": "user", "content": "\ud800"}]),
        SHAPE.key_of([{**MESSAGES[0], "content": "Another prompt."}, *MESSAGES[1:]]),
    ]
    assert len(set(keys)) == len(keys)
    assert {len(key) for key in keys} == {32}
    assert SHAPE.key_of([dict(reversed(message.items())) for message in MESSAGES]) == KEY
    changing, shape = [dict(message) for message in MESSAGES], Shape("openai/m", None, {}, {})
    assert shape.key_of(changing) == KEY
    changing[0]["content"] = "Another prompt."
    assert shape.key_of(changing) == keys[-1]


def test_a_reply_is_found_in_a_file_that_an_earlier_version_wrote(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE replies (key BLOB PRIMARY KEY, model TEXT NOT NULL, reply TEXT NOT NULL,"
            " settled INTEGER NOT NULL, stored REAL NOT NULL) WITHOUT ROWID"
        )
        name = json.dumps(["openai/m", None, {}, {}], sort_keys=True) + "\n" + json.dumps(MESSAGES, sort_keys=True)
        key = hashlib.sha256(name.encode()).digest()
        connection.execute("INSERT INTO replies VALUES (?, 'openai/m', ?, 0, 1.0)", (key, KEPT.text))
        connection.execute("PRAGMA user_version = 1")
    assert run(get(path, KEY)) == KEPT
    run(put(path, KEY, b"another", kept=Kept("{}", settled=True)))
    assert run(get(path, KEY)) == Kept("{}", settled=True)
    assert info(path).replies == {"openai/m": 2}


def test_info_and_clear(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite3"
    assert info(path).replies == {}
    assert clear(path) == 0
    assert not path.exists()
    run(put(path, b"a", b"b"))
    run(put(path, b"c", model="gemini/g"))
    known = info(path)
    assert known.replies == {"gemini/g": 1, "openai/m": 2}
    assert known.oldest
    assert known.newest
    assert known.newest >= known.oldest
    assert known.bytes > 0
    assert clear(path) == 3
    assert info(path).replies == {}
    assert run(get(path, b"a")) is None


def test_a_running_job_outlives_a_clearing(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite3"

    async def scene() -> None:
        cache = ReplyCache(path)
        cache.put(b"a", "m", KEPT)
        assert cache._writer is not None
        await cache._writer
        assert cache.get(b"a") == KEPT
        clear(path)
        assert cache.get(b"a") is None
        cache.put(b"b", "m", KEPT)
        await cache.close()

    run(scene())
    assert info(path).replies == {"m": 1}


WRITER = """
import asyncio, sys
from pathlib import Path
from extractor.llm.cache import Kept, ReplyCache

async def write():
    cache = ReplyCache(Path(sys.argv[1]), print)
    for number in range(200):
        cache.put(f"{sys.argv[2]}-{number}".encode(), "m", Kept("{}", False))
        await asyncio.sleep(0)
    await cache.close()

asyncio.run(write())
"""


def test_several_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite3"
    root = Path(__file__).parents[2]
    commands = [[sys.executable, "-c", WRITER, str(path), name] for name in "abc"]
    writers = [subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) for command in commands]
    assert [writer.communicate(timeout=60)[0] for writer in writers] == ["", "", ""]
    assert info(path).replies == {"m": 600}


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough to be taken for one" * 40, b"SQLite format 3\0" * 80]
)
def test_a_damaged_file_is_set_aside_with_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "replies.sqlite3"
    path.write_bytes(content)
    lines: list[str] = []

    async def scene() -> None:
        cache = ReplyCache(path, lines.append)
        assert cache.get(KEY) is None
        cache.put(KEY, "openai/m", KEPT)
        await cache.close()

    run(scene())
    assert len(lines) == 1
    assert lines[0].startswith("The reply cache was damaged; it is now replies.sqlite3.damaged-")
    assert run(get(path, KEY)) == KEPT
    (aside,) = tmp_path.glob("*.damaged-*")
    assert aside.read_bytes() == content


def test_damage_that_writing_finds_loses_nothing_of_the_batch(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite3"
    path.write_bytes(b"not a database" * 100)
    lines: list[str] = []
    run(put(path, KEY, notice=lines))
    assert len(lines) == 1
    assert run(get(path, KEY)) == KEPT


def test_a_file_that_is_locked_is_a_miss_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite3"
    run(put(path, KEY))
    lines: list[str] = []

    async def scene() -> None:
        cache = ReplyCache(path, lines.append)
        holder = sqlite3.connect(path)
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        assert cache.get(KEY) is None
        holder.close()
        assert cache.get(KEY) == KEPT
        await cache.close()

    run(scene())
    assert lines == []


def test_a_place_that_cannot_be_written_costs_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    lines: list[str] = []

    async def scene() -> None:
        cache = ReplyCache(tmp_path / "file" / "replies.sqlite3", lines.append)
        assert cache.get(KEY) is None
        cache.put(KEY, "openai/m", KEPT)
        assert cache.get(KEY) is None
        await cache.close()

    run(scene())
    assert len(lines) == 1
    assert "going on without it" in lines[0]


def test_a_file_of_another_version_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite3"
    run(put(path, KEY))
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    lines: list[str] = []
    assert run(get(path, KEY, notice=lines)) is None
    run(put(path, KEY, notice=lines))
    assert run(get(path, KEY, notice=lines)) == KEPT
    assert lines == []


def test_commands_name_the_fix_for_a_file_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite3"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(UsageError, match="Remove the file"):
        info(path)
    with pytest.raises(UsageError, match="Remove the file"):
        clear(path)


def test_where_it_is_by_default(tmp_path: Path) -> None:
    assert default_path({"EXTRACTOR_CACHE": "/x/y"}) == Path("/x/y")
    assert default_path({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "extractor" / "replies.sqlite3"
    assert default_path({}) == Path.home() / ".cache" / "extractor" / "replies.sqlite3"
