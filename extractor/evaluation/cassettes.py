"""Recorded HTTP of a model, one cassette for each abstract: an evaluation plays it again, without a server and without a key.

    evals/cassettes/openai/some-model/label@1/recording.json   what was asked, so that a replay asks the same
                                              s049.json        the requests about s049 with their responses
    evals/cassettes/openai/some-model/label@1+votes5/...       the same of five votes

vcrpy records and plays; a request is matched by method, path and JSON body. Cassettes hold what an allow-list lets in: no
header but the content type, no query, bodies decoded. vcrpy patches the process and cassettes must not overlap, so
abstracts go one after the other.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from extractor.documents import Document
from extractor.errors import DataError, JobError

RECORDING = "recording.json"
_HEADERS = frozenset({"content-type"})
_FINAL = frozenset({200, 400, 404, 422, 501})
"""Answers that are final or make the client ask otherwise; what a retry gets over is not recorded, or a replay would wait."""
_SECRETS = re.compile(
    r"\b(?:sk|pk|gsk|xai)-\w[\w-]{7,}|\bAIza[\w-]{20,}|\bBearer\s+\S|\b(?:org|proj|asst)-\w{12,}|(?<![\w.])/(?:home|root|Users|work|tmp)/\w"
)
_SHOWN = 30
"""Characters of each side that are shown around the first difference."""


@dataclass(slots=True)
class Cassettes:
    """The cassettes of one model and prompt. `again` is the command that records them anew.

    `unplayed` gets the path of each cassette that holds more than a replay asked for.
    """

    folder: Path
    again: str
    record: bool = False
    unplayed: list[Path] = field(default_factory=list)

    def path(self, document: Document) -> Path:
        """Where the cassette of a document is."""
        return self.folder / f"{safe_name(document.id)}.json"

    @contextmanager
    def around(self, document: Document) -> Iterator[None]:
        """Record or replay what is asked about a document. Raises `DataError` for a request that is not recorded.

        Recording plays what the cassette holds already and sends the rest; nothing is kept of a document that an error ends.
        """
        import vcr  # type: ignore[import-untyped] # ships no types

        from extractor.llm.retries import cassette_miss

        path = self.path(document)
        cassette = vcr.use_cassette(
            str(path),
            record_mode="new_episodes" if self.record else "none",
            match_on=["method", "path", "body"],
            persister=_Files,
            before_record_request=_scrubbed,
            before_record_response=_final,
            decode_compressed_response=True,
            drop_unused_requests=self.record,  # a replay never writes
            record_on_exception=False,
        )
        with cassette as played:
            try:
                yield
            except JobError as error:
                if miss := cassette_miss(error):
                    raise DataError(f"{document.id}: {self._missing(path, miss)} To record: {self.again}") from None
                raise
            if not self.record and not played.all_played:
                self.unplayed.append(path)

    def _missing(self, path: Path, miss: Any) -> str:
        """What a replay asked for in vain, beside the nearest request that is recorded."""
        recorded = [_body(request) for request in miss.cassette.requests]
        if not recorded:
            return f"there is no cassette {path}."
        asked = _body(miss.failed_request)
        differences = [[*_differences(asked, body)] for body in recorded]
        nearest = min(range(len(recorded)), key=lambda n: len(differences[n]))
        if not differences[nearest]:
            return f"a request is made more often than {path} holds it."
        where, was, now = differences[nearest][0]
        place = f"request {nearest + 1} in {path}"
        return f"no recorded request is like this one; the nearest, {place}, has {was} at {where}, not {now}."


def faults(path: Path) -> Iterator[str]:
    """What a cassette file holds that it should not: headers and queries that no allow-list knows, and what looks secret."""
    text = path.read_text(encoding="utf-8")
    yield from (f"{path}: {found[0][:6]}... looks like a secret or a path" for found in _SECRETS.finditer(text))
    if path.name == RECORDING:
        return
    for number, interaction in enumerate(json.loads(text)["interactions"], start=1):
        for side in ("request", "response"):
            yield from (
                f"{path}: interaction {number} has the {side} header {name!r}"
                for name in interaction[side]["headers"]
                if name.lower() not in _HEADERS
            )
        if "?" in interaction["request"]["uri"] or "@" in urlsplit(interaction["request"]["uri"]).netloc:
            yield f"{path}: interaction {number} has a query or a user in its address"


def safe_name(name: str) -> str:
    """A name as one part of a path on any system."""
    return re.sub(r"[^\w.@#+-]", "_", name).lstrip(".") or "_"


class _Files:
    """Keeps a cassette as JSON in which bodies are JSON too: a diff shows what changed in a request."""

    @staticmethod
    def load_cassette(path: str, serializer: object) -> tuple[list[Any], list[dict[str, Any]]]:  # noqa: ARG004 (vcrpy's)
        from vcr.persisters.filesystem import CassetteNotFoundError  # type: ignore[import-untyped]
        from vcr.request import Request  # type: ignore[import-untyped]

        try:
            interactions = json.loads(Path(path).read_text(encoding="utf-8"))["interactions"]
            requests = [
                Request(each["method"], each["uri"], _packed(each), each["headers"])
                for each in (interaction["request"] for interaction in interactions)
            ]
            responses = [
                {
                    "status": each["status"],
                    "headers": {name: [value] for name, value in each["headers"].items()},
                    "body": {"string": _packed(each)},
                }
                for each in (interaction["response"] for interaction in interactions)
            ]
        except FileNotFoundError:
            raise CassetteNotFoundError from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path} is not a cassette ({type(error).__name__}). Remove it and record it again.") from None
        return requests, responses

    @staticmethod
    def save_cassette(path: str, cassette: Mapping[str, Any], serializer: object) -> None:  # noqa: ARG004 (vcrpy's)
        interactions = [
            {
                "request": {
                    "method": request.method,
                    "uri": request.uri,
                    "headers": dict(request.headers),
                    **_unpacked(request.body),
                },
                "response": {
                    "status": response["status"],
                    "headers": {name: values[0] for name, values in response["headers"].items()},
                    **_unpacked(response["body"].get("string")),
                },
            }
            for request, response in zip(cassette["requests"], cassette["responses"], strict=True)
        ]
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(f"{file.name}.new")
        new.write_text(json.dumps({"interactions": interactions}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        new.replace(file)


def _unpacked(body: bytes | str | None) -> dict[str, Any]:
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body or ""
    try:
        return {"json": json.loads(text)}
    except ValueError:
        return {"text": text}


def _packed(side: Mapping[str, Any]) -> bytes:
    return (json.dumps(side["json"], ensure_ascii=False) if "json" in side else str(side["text"])).encode()


def _scrubbed(request: Any) -> Any:
    """A request as it is recorded and matched."""
    address = urlsplit(request.uri)
    request.uri = urlunsplit((address.scheme, address.netloc.rpartition("@")[2], address.path, "", ""))
    for name in [name for name in request.headers if name.lower() not in _HEADERS]:
        del request.headers[name]
    return request


def _final(response: dict[str, Any]) -> dict[str, Any] | None:
    """A response as it is recorded, None for one that is not."""
    if response["status"]["code"] not in _FINAL:
        return None
    headers = {name.lower(): values for name, values in response["headers"].items() if name.lower() in _HEADERS}
    return {**response, "headers": headers}


def _body(request: Any) -> object:
    unpacked = _unpacked(request.body)
    return unpacked.get("json", unpacked.get("text"))


_NOTHING = object()


def _differences(asked: object, recorded: object, where: str = "") -> Iterator[tuple[str, str, str]]:
    """Each place where two JSON values differ: where, what is recorded, what was asked."""
    if isinstance(asked, dict) and isinstance(recorded, dict):
        for name in {**recorded, **asked}:
            inner = f"{where}.{name}" if where else str(name)
            yield from _differences(asked.get(name, _NOTHING), recorded.get(name, _NOTHING), inner)
    elif isinstance(asked, list) and isinstance(recorded, list):
        for n, (one, other) in enumerate(zip_longest(asked, recorded, fillvalue=_NOTHING)):
            yield from _differences(one, other, f"{where}[{n}]")
    elif asked != recorded:
        start = 0
        if isinstance(asked, str) and isinstance(recorded, str):
            same = next((n for n, (a, b) in enumerate(zip(asked, recorded, strict=False)) if a != b), None)
            start = max(0, (min(len(asked), len(recorded)) if same is None else same) - _SHOWN // 2)
        yield where or "its body", _excerpt(recorded, start), _excerpt(asked, start)


def _excerpt(value: object, start: int) -> str:
    if value is _NOTHING:
        return "nothing"
    text = value[start:] if isinstance(value, str) else json.dumps(value)
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
