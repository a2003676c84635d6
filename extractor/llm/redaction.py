"""What may not be shown: keys, in whatever a server or a library says.

A server can send back any key that it was sent, and a gateway those of others: every value of the environment that looks like a
key by its variable's name is masked, all keys of the key file, and the key in hand; also where only their first or last eight
characters are left.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from pydantic import SecretStr

from extractor.errors import UsageError
from extractor.llm import keys

_SHORTEST = 8
"""Characters: what is shorter is a word that a text may hold, and no key."""
_LONGEST_CAUSE = 300  # characters; some providers send the whole request back
_SECRET = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSPHRASE|CREDENTIALS?|AUTH)S?(?:_?(?:ID|JSON|BEDROCK|B64|BASE64|\d+))?$")
"""The names of variables that hold keys; litellm alone asks for some 120 of them."""
_MASK = "[key]"


class Redaction:
    """Masks keys in texts and in the bytes of answers."""

    def __init__(self, secrets: Iterable[str]) -> None:
        values = {each for secret in secrets for each in (secret, secret.replace("/", "\\/")) if len(secret) >= _SHORTEST}
        self._values = sorted(values, key=len, reverse=True)
        edges = (edge for value in self._values for edge in (value[:_SHORTEST], value[-_SHORTEST:]))
        self._edges = [edge.encode("utf-8", "replace") for edge in edges]

    @classmethod
    def of(cls, key: SecretStr | None = None, environ: Mapping[str, str] = os.environ) -> "Redaction":
        """Mask a key, those of the environment and those of the key file."""
        found = [] if key is None else [key.get_secret_value()]
        for name, value in environ.items():
            if _SECRET.search(name.upper()):
                found += _keys_in(value.strip())
        with suppress(UsageError):  # a key file that cannot be read gives no key
            found += [each.get_secret_value() for each in keys.stored().values()]
        return cls(found)

    def text(self, text: str) -> str:
        """The text with each key masked, and each beginning or end of one."""
        for value in self._values:  # whole ones first: keys can end alike
            text = text.replace(value, _MASK)
        for value in self._values:
            text = _masked(text, value)
        return text

    def content(self, content: bytes) -> bytes:
        """The same for bytes; those without a key, which is nearly all, are not even copied."""
        if not any(edge in content for edge in self._edges):
            return content
        return self.text(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def line(self, text: str) -> str:
        """A provider's words on one line, without keys and of bearable length."""
        text = self.text(" ".join(text.split()))  # masked before it is cut: half a key would not be found
        return text if len(text) <= _LONGEST_CAUSE else text[: _LONGEST_CAUSE - 3] + "..."


def _keys_in(value: str) -> list[str]:
    """The keys in the value of a variable: the value, unless it is a path, an address or a word; those of a JSON object."""
    if value.startswith("{"):
        with suppress(ValueError, RecursionError):
            fields = json.loads(value)
            return [
                line
                for name, field in (fields.items() if isinstance(fields, dict) else ())
                if _SECRET.search(str(name).upper()) and isinstance(field, str)
                for line in field.splitlines()
                if not line.startswith("-----")
            ]
    is_word = value.isalpha() and value.islower() and len(value) < 2 * _SHORTEST
    return [] if is_word or "://" in value or _is_path(value) else value.splitlines()


def redacted(text: str, key: SecretStr | None = None) -> str:
    """A provider's words on one line, without keys and of bearable length."""
    return Redaction.of(key).line(text)


def _masked(text: str, value: str) -> str:
    """The text without the beginning and the end of a key, of eight characters or more."""
    head, tail = value[:_SHORTEST], value[-_SHORTEST:]
    parts: list[str] = []
    at = 0
    while (start := text.find(head, at)) >= 0:
        parts.append(text[at:start])
        at = start + _alike(text[start : start + len(value)], value)
    text = _MASK.join([*parts, text[at:]])
    parts, at = [], len(text)
    while (end := text.rfind(tail, 0, at)) >= 0:
        end += _SHORTEST
        parts.append(text[end:at])
        at = end - _alike(text[max(0, end - len(value)) : end][::-1], value[::-1])
    return _MASK.join(reversed([*parts, text[:at]]))


def _alike(one: str, other: str) -> int:
    """How many characters two texts have in common from their beginning on."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (left, right) in pairs if left != right), min(len(one), len(other)))


def _is_path(value: str) -> bool:
    try:
        return Path(value).exists()
    except (OSError, ValueError):
        return False
