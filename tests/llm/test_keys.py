"""Keys: where they come from, who may read them, and that they are never shown."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from extractor.errors import UsageError
from extractor.llm import keys

KEY = "sk-aB3\"\\'#= ü"


def test_a_key_is_stored_found_listed_and_removed(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "keys.toml"
    assert keys.stored(file) == {}
    assert keys.get("OPENAI_API_KEY", file=file, environ={}) is None
    keys.put("OPENAI_API_KEY", SecretStr(f"  {KEY}\n"), file=file)
    keys.put("GEMINI_API_KEY", SecretStr("g"), file=file)
    assert keys.get("OPENAI_API_KEY", file=file, environ={}) == SecretStr(KEY)
    environ = {"ANTHROPIC_API_KEY": "a", "GEMINI_API_KEY": "other", "EMPTY_API_KEY": " ", "HOME": "/"}
    assert keys.get("GEMINI_API_KEY", file=file, environ=environ) == SecretStr("other")
    listed = {"ANTHROPIC_API_KEY": "environment", "GEMINI_API_KEY": "environment", "OPENAI_API_KEY": "file"}
    assert keys.known(file=file, environ=environ) == listed
    assert keys.remove("OPENAI_API_KEY", file=file)
    assert not keys.remove("OPENAI_API_KEY", file=file)
    assert set(keys.stored(file)) == {"GEMINI_API_KEY"}


def test_the_file_is_its_owners_alone_also_when_it_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "keys.toml"
    previous = os.umask(0)
    try:
        for number in range(2):
            keys.put("OPENAI_API_KEY", SecretStr(f"k{number}"), file=file)
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
    finally:
        os.umask(previous)
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604])
def test_a_file_that_others_can_read_is_refused_with_the_fix(tmp_path: Path, mode: int) -> None:
    file = keys.put("OPENAI_API_KEY", SecretStr(KEY), file=tmp_path / "keys.toml")
    file.chmod(mode)
    with pytest.raises(UsageError, match=rf"can be read by others \(mode {mode:03o}\)\. Run: chmod 600 {file}") as caught:
        keys.get("OPENAI_API_KEY", file=file, environ={})
    assert KEY not in str(caught.value)
    with pytest.raises(UsageError):
        keys.put("GEMINI_API_KEY", SecretStr("g"), file=file)
    assert keys.get("OPENAI_API_KEY", file=file, environ={"OPENAI_API_KEY": "e"}) == SecretStr("e")


@pytest.mark.parametrize("content", [f"OPENAI_API_KEY={KEY}", "[a]\nb = 1", "A = 1", "\xff"])
def test_a_broken_file_is_refused_without_being_quoted(tmp_path: Path, content: str) -> None:
    file = tmp_path / "keys.toml"
    file.write_bytes(content.encode("latin-1"))
    file.chmod(0o600)
    with pytest.raises(UsageError, match="is not lines of NAME") as caught:
        keys.stored(file)
    assert content not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("value", ["", "  ", "a\nb", "a\x00"])
def test_what_is_no_key_is_not_stored(tmp_path: Path, value: str) -> None:
    with pytest.raises(UsageError, match="Paste the key alone"):
        keys.put("OPENAI_API_KEY", SecretStr(value), file=tmp_path / "keys.toml")
    assert not (tmp_path / "keys.toml").exists()


@pytest.mark.parametrize("name", ["", "A B", "A=B", "ä"])
def test_what_is_no_name_is_not_stored(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        keys.put(name, SecretStr("k"), file=tmp_path / "keys.toml")


@given(value=st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1))
def test_any_printable_key_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    file = tmp_path_factory.mktemp("keys") / "keys.toml"
    keys.put("OPENAI_API_KEY", SecretStr(value), file=file)
    assert keys.stored(file)["OPENAI_API_KEY"].get_secret_value() == value


def test_where_it_is_and_what_keys_are_called(tmp_path: Path) -> None:
    assert keys.path({"EXTRACTOR_KEYS": "/x/y"}) == Path("/x/y")
    assert keys.path({"XDG_CONFIG_HOME": str(tmp_path)}) == tmp_path / "extractor" / "keys.toml"
    assert keys.path({}) == Path.home() / ".config" / "extractor" / "keys.toml"
    assert keys.variable("openai") == "OPENAI_API_KEY"
    assert keys.variable("together-ai") == "TOGETHER_AI_API_KEY"
