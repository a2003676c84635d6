"""API keys: from the environment, else from a key file that nobody else can read.

A key is known by the name of its environment variable (`OPENAI_API_KEY`), which is also its name in the file. Keys travel as
`SecretStr`, whose `repr` and `str` are stars; only the transports unwrap them.
"""

import json
import os
import stat
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pydantic import SecretStr

from extractor.errors import UsageError


def path(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the key file is: `EXTRACTOR_KEYS`, else `extractor/keys.toml` in the user's configuration folder."""
    if named := environ.get("EXTRACTOR_KEYS"):
        return Path(named)
    home = environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "extractor" / "keys.toml"


def variable(provider: str) -> str:
    """The environment variable that holds a provider's key, as the providers and litellm name it."""
    return f"{provider.upper().replace('-', '_')}_API_KEY"


def get(name: str, *, file: Path | None = None, environ: Mapping[str, str] = os.environ) -> SecretStr | None:
    """The key of that name, the environment before the file; None if it is in neither. Raises `UsageError` as `stored` does."""
    value = environ.get(name, "").strip()
    key = SecretStr(value) if value else stored(file).get(name)
    if key is not None and not _fits_a_header(key.get_secret_value()):
        cause = f"the key {name} holds a line end, or another character that no request can carry"
        raise UsageError(f"{cause}. Set it to the key alone.")
    return key


def refuse_impossible(provider: str, environ: Mapping[str, str] = os.environ) -> None:
    """Raise `UsageError` for a key of a provider's that no request can carry, under whichever name litellm looks for it."""
    start = provider.upper().replace("_", "").replace("-", "")
    for name in environ:
        if name.endswith(("KEY", "TOKEN")) and name.upper().replace("_", "").startswith(start):
            get(name, environ=environ)


def _fits_a_header(value: str) -> bool:
    return value.isprintable() and all(ord(char) < 256 for char in value)


def stored(file: Path | None = None) -> dict[str, SecretStr]:
    """The keys in the file, by name. Raises `UsageError` when the file is broken or others can read it."""
    file = file or path()
    values: dict[str, object] | None = None
    try:
        with file.open("rb") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            if os.name == "posix" and mode & 0o077:
                raise UsageError(f"the key file {file} can be read by others (mode {mode:03o}). Run: chmod 600 {file}")
            with suppress(tomllib.TOMLDecodeError, UnicodeDecodeError):  # their messages can quote the file
                values = tomllib.load(stream)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"cannot read the key file {file}: {error.strerror}. Mend its permissions, or remove it.") from None
    found = {name: SecretStr(value) for name, value in (values or {}).items() if isinstance(value, str)}
    if values is None or len(found) != len(values):
        raise UsageError(f'the key file {file} is not lines of NAME = "key". Mend it, or remove it and set the keys again.')
    return found


def put(name: str, key: SecretStr, *, file: Path | None = None) -> Path:
    """Store a key and return the file, which is made readable by its owner alone. Raises `UsageError` for an impossible key."""
    value = key.get_secret_value().strip()
    if not value or not value.isprintable() or not name.replace("_", "").isalnum() or not name.isascii():
        raise UsageError(f"not a key for {name!r}: it is empty or holds unprintable characters. Paste the key alone.")
    file = file or path()
    return _write(file, {**stored(file), name: SecretStr(value)})


def remove(name: str, *, file: Path | None = None) -> bool:
    """Forget a stored key; whether there was one."""
    file = file or path()
    keys = stored(file)
    if name not in keys:
        return False
    _write(file, {other: key for other, key in keys.items() if other != name})
    return True


def known(*, file: Path | None = None, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Where each key that can be used comes from: name to "environment" or "file". Values are never listed."""
    from_file = dict.fromkeys(stored(file), "file")
    from_environment = {name: "environment" for name, value in environ.items() if name.endswith("_API_KEY") and value.strip()}
    return dict(sorted((from_file | from_environment).items()))


def _write(file: Path, keys: Mapping[str, SecretStr]) -> Path:
    """Replace the file in one step; it is never readable by others, not even while it is written."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    # A JSON string is a TOML basic string.
    lines = [f"{name} = {json.dumps(key.get_secret_value(), ensure_ascii=False)}\n" for name, key in sorted(keys.items())]
    partial.touch(mode=0o600, exist_ok=False)
    partial.write_text("".join(lines), encoding="utf-8")
    partial.replace(file)
    return file
