"""`extractor keys` and `extractor cache`: keys go in unseen and never come out, replies are counted and forgotten."""

import asyncio
import io
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from extractor.cli import app
from extractor.cli.keys import set_key
from extractor.llm import keys
from extractor.llm.cache import Kept, ReplyCache

KEY = "sk-a-key-that-is-nobodys-business"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EXTRACTOR_KEYS", str(tmp_path / "keys.toml"))
    monkeypatch.setenv("EXTRACTOR_CACHE", str(tmp_path / "replies.sqlite3"))
    return tmp_path


def run(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, arguments, input=typed)


@pytest.mark.parametrize("name", ["openai", "openai/gpt-4o-mini", "OPENAI_API_KEY"])
def test_a_key_is_stored_for_its_owner_alone_and_never_shown(name: str, home: Path) -> None:
    done = run("keys", "set", name, typed=KEY + "\n")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"OPENAI_API_KEY is stored in {home / 'keys.toml'}\n"
    assert stat.S_IMODE((home / "keys.toml").stat().st_mode) == 0o600
    found = keys.get("OPENAI_API_KEY")
    assert found is not None
    assert found.get_secret_value() == KEY
    listed = run("keys", "list")
    assert "OPENAI_API_KEY  file" in listed.stdout.splitlines()
    assert KEY not in done.output + listed.output


def test_at_a_terminal_the_key_is_asked_for_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    asked: list[str] = []

    def hidden(prompt: str) -> str:
        asked.append(prompt)
        return KEY

    monkeypatch.setattr("getpass.getpass", hidden)
    monkeypatch.setattr("sys.stdin", Terminal("typed where it shows\n"))
    set_key("openai")
    assert asked == ["OPENAI_API_KEY: "]
    assert keys.stored()["OPENAI_API_KEY"].get_secret_value() == KEY


def test_no_option_takes_a_key() -> None:
    assert run("keys", "set", "openai", "--key", KEY).exit_code == 2
    assert run("keys", "set", "openai", KEY).exit_code == 2


def test_an_empty_key_is_refused(home: Path) -> None:
    done = run("keys", "set", "openai", typed="\n")
    assert done.exit_code == 2
    assert "You gave no key for OPENAI_API_KEY" in done.stderr
    assert not (home / "keys.toml").exists()


def test_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("keys", "set", "anthropic", typed=KEY).exit_code == 0
    monkeypatch.setenv("ANTHROPIC_API_KEY", "another")
    assert "ANTHROPIC_API_KEY  environment" in run("keys", "list").stdout.splitlines()


def test_the_path_of_the_key_file(home: Path) -> None:
    assert run("keys", "path").stdout == f"{home / 'keys.toml'}\n"


def test_replies_are_counted_and_forgotten(home: Path) -> None:
    assert run("cache", "info").stdout.splitlines() == [str(home / "replies.sqlite3"), "0 replies, 0.0 MB"]
    assert not (home / "replies.sqlite3").exists()

    async def fill() -> None:
        cache = ReplyCache()
        for n in range(3):
            cache.put(bytes([n]) * 32, "openai/m" if n else "openai/other", Kept("{}", settled=False))
        await cache.close()

    asyncio.run(fill())
    lines = run("cache", "info").stdout.splitlines()
    assert lines[1].startswith("3 replies, ")
    assert lines[2:4] == ["       2  openai/m", "       1  openai/other"]
    assert run("cache", "clear").stdout == "3 replies forgotten\n"
    assert run("cache", "info").stdout.splitlines()[1].startswith("0 replies")
