"""What a server says when it refuses: one reader for error bodies of any shape, and what their words mean.

Servers agree on nothing: the message is a string, an object, a list, JSON in a string, or an HTML page, under a dozen names.
The reader walks through all of them but those that send the request back, whose text is the user's and not the server's.
"""

import html
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal

_DEEPEST, _MOST_TEXTS, _LONGEST_TEXT = 20, 50, 2000

# What the names of fields mean, the most telling first: what another server has said, the message, its details, ...
_TELLING = tuple(
    re.compile(pattern)
    for pattern in (
        r"metadata|raw",
        r"(?:.*_)?(?:message|msg)|errormessage|faultstring",
        r"details?|(?:.*_)?(?:description|reason)|cause|hint|explanation",
        r"(?:.*_)?errors?|err|faults?",
        r"title|text",
    )
)
_CODES = re.compile(r"(?:.*_)?(?:code|type|status|kind|reason)|errorcode|errortype")
_NAMING = re.compile(r"param(?:eter)?s?|fields?|arguments?|property|loc|path|pointer|instancepath")
_SENT_BACK = re.compile(
    r"inputs?|ctx|context|debug|requests?|headers?|messages|prompts?|body|failed_generation|url|id|.*_id|usage"
)
_PHRASES = frozenset([each.phrase.lower() for each in HTTPStatus] + ["error", "provider returned error", "about:blank"])


Meaning = Literal[
    "no credit",
    "surely no credit",
    "rate",
    "soon",
    "wrong key",
    "of a key",
    "no model",
    "declines text",
    "too long",
    "failed generation",
    "lacks structure",
    "too large",
]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the body of an error says.

    `said` is its first useful sentence, for the user; `words` all that it says, `codes` its codes, types and statuses, both in
    lower case; `names` are the parameters that it names apart from its words.
    """

    said: str = ""
    words: str = ""
    codes: str = ""
    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, body: object) -> "Refusal":
        """Read a body: bytes, text, or JSON that was read already."""
        if isinstance(body, bytes):
            body = body.decode("utf-8", "replace")
        body = _as_json(body) if isinstance(body, str) else body
        texts: list[str] = []
        codes: list[str] = []
        names: list[str] = []
        for name, value in _leaves(body):
            if name is not None and _NAMING.fullmatch(name):
                names += re.findall(r"[a-z_]\w*", value.lower())
                continue
            if name is not None and _CODES.fullmatch(name):
                codes.append(value)
            if name is None or not _CODES.fullmatch(name) or " " in value:
                texts += _plain(value)
            if len(texts) >= _MOST_TEXTS:
                break
        said = next((text for text in texts if text.lower().rstrip(".") not in _PHRASES), texts[0] if texts else "")
        if said and names and names[-1] not in said.lower():
            said = f"{names[-1]}: {said}"
        return cls(said, " ".join(texts).lower(), " ".join(codes).lower(), frozenset(names))

    def names_parameter(self, name: str) -> bool:
        """Whether a parameter is what it speaks of."""
        written = name.lower().replace("_", "[ _-]?")  # max_tokens, maxTokens, max tokens
        return name in self.names or re.search(rf"(?<![a-z0-9_]){written}(?![a-z0-9_])", self.words) is not None

    def means(self, meaning: Meaning) -> bool:
        """Whether its codes or words have that meaning, as `refusals.toml` knows them."""
        return _meanings()[meaning].search(f"{self.codes}\n{self.words}") is not None


def _as_json(text: str) -> Any:
    """JSON as what it says; text that only begins like JSON says nothing."""
    text = text.lstrip().removeprefix("data:").lstrip()  # an event of a stream
    if text[:1] not in {"{", "[", '"'}:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _leaves(body: Any, name: str | None = None, depth: int = 0) -> Iterator[tuple[str | None, str]]:
    """The texts and numbers of a body, each with the name of the field that it is in, the most telling first."""
    if depth > _DEEPEST:
        return
    if isinstance(body, dict):
        fields = [(str(key).lower(), value) for key, value in list(body.items())[:_MOST_TEXTS]]
        for key, value in sorted(fields, key=lambda field: _rank(*field)):
            if _rank(key, value) <= len(_TELLING):
                yield from _leaves(value, key, depth + 1)
    elif isinstance(body, list):
        for each in body[:_MOST_TEXTS]:
            yield from _leaves(each, name, depth + 1)
    elif isinstance(body, str) and body.strip():
        inner = _as_json(body) if depth < _DEEPEST and body.lstrip()[:1] in {"{", "["} else body
        if isinstance(inner, dict | list):
            yield from _leaves(inner, name, depth + 1)
        else:
            yield name, body[: _LONGEST_TEXT * 4]
    elif isinstance(body, int | float) and name is not None and (_CODES.fullmatch(name) or _NAMING.fullmatch(name)):
        yield name, f"{body:.9g}" if abs(body) < 10**9 else ""


def _rank(name: str, value: object) -> int:
    """How telling a field is, from 0 on; more than the number of ranks is for those that are not read."""
    if _SENT_BACK.fullmatch(name):
        return len(_TELLING) + 1
    for rank, pattern in enumerate(_TELLING):
        if pattern.fullmatch(name):
            return rank
    known = _CODES.fullmatch(name) or _NAMING.fullmatch(name) or isinstance(value, dict | list)
    return len(_TELLING) + (not known)


def _plain(text: str) -> list[str]:
    """The text without markup and characters that no terminal shows: the title of a page, then what stands in it."""
    if re.match(r"\s*<[!?a-z]", text, re.IGNORECASE):
        title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        text = re.sub(r"<(style|script|title|head)\b.*?</\1\s*>|<[^>]*>", " ", text, flags=re.IGNORECASE | re.DOTALL)
        shown = [html.unescape(each) for each in (title[1] if title else "", text)]
    else:
        shown = [text]
    clean = ("".join(char if char.isprintable() else " " for char in each[:_LONGEST_TEXT]) for each in shown)
    # A page's title repeats the status: "400 Bad Request".
    return [line for each in clean if (line := re.sub(r"^\d{3} ", "", " ".join(each.split())).rstrip("."))]


@cache
def _meanings() -> dict[str, re.Pattern[str]]:
    rows = tomllib.loads(Path(__file__).with_name("refusals.toml").read_text(encoding="utf-8"))
    return {name: re.compile("|".join(f"(?:{pattern})" for pattern in row["patterns"])) for name, row in rows.items()}


def refusal_of(error: BaseException) -> Refusal:
    """What an exception of a client says of its server's refusal."""
    body = getattr(error, "body", None)
    if isinstance(body, Refusal):
        return body
    message = str(getattr(error, "message", "") or error)
    read = Refusal.of(body if isinstance(body, Mapping) else message)
    codes = " ".join(str(getattr(error, name, None) or "") for name in ("code", "type")).lower()
    param = getattr(error, "param", None)
    names = read.names | ({param} if isinstance(param, str) else frozenset[str]())
    return Refusal(read.said or message, f"{read.words} {message.lower()}", f"{read.codes} {codes}", names)
