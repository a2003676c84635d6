"""Output tokens that a model writes for each claim that is right, asked by the package and by others.

Twelve abstracts of the open arXiv set, every third. A loopback server stands between the clients and the model's: it counts the
tokens and keeps each reply in replies.json, from which it answers the same request again, as it does from the cassettes of the
evaluation, so that the figures can be had without the model. Every system's claims are scored as an evaluation scores a record:
the quantity is looked up among those that spotting finds, which also reads its value and unit, and a claim is right if it
agrees with the annotation in kind, comparison, value and unit.
"""

import asyncio
import hashlib
import json
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from aiohttp import ClientSession, ClientTimeout, web
from pydantic import SecretStr

from extractor._version import __version__
from extractor.documents import Document, Span
from extractor.errors import CallError
from extractor.evaluation.gold import GoldDocument
from extractor.evaluation.matching import agreement, align, is_strict, overlap
from extractor.evaluation.sets import read_sets
from extractor.grounding import ground
from extractor.labelling.models import ModelOptions, choose
from extractor.labelling.prompts import load_prompt
from extractor.labels import ClaimLabel, Labelled, Labels
from extractor.records import PHRASE_FIELDS, Comparison, Extraction, Kind, Provenance
from extractor.spotting import QuantityMention, spot
from extractor.worker import extract_document
from tests.benchmarks import peers
from tests.benchmarks.environments import UnavailableError, interpreter, version
from tests.benchmarks.figures import Result, Row, Skipped, rounds
from tests.labelling.model_server import ModelServer
from tests.llm.server import Request, completion, fails

ROOT = Path(__file__).parents[2]
GOLD = ROOT / "evals" / "gold" / "arxiv"
IDS = tuple(f"a{number:03}" for number in range(1, 37, 3))
CASSETTES = ROOT / "evals" / "cassettes"
REPLIES = Path(__file__).with_name("replies.json")
MOST_TOKENS = 1200
EXTRACTOR = "extractor"
NOT_RECORDED = "what it asks is not what was recorded; with a server it is asked again (make bench BASE_URL=...)"


@dataclass
class Replies:
    """What a model has replied to whom: system -> request -> content and tokens; the others are of this run."""

    path: Path
    base_url: str | None = None
    model: str = ""
    kept: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    cassettes: dict[str, dict[str, Any]] = field(default_factory=dict)
    served: dict[str, list[str]] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    cut_off: Counter[str] = field(default_factory=Counter)
    missing: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.path.exists():
            told = json.loads(self.path.read_text(encoding="utf-8"))
            self.model, self.kept = told["model"], told["replies"]

    async def act(self, request: Request) -> web.StreamResponse:
        """Answer as it was recorded, or ask the model's server and record that."""
        system = request.path.split("/")[1]
        name = _name(request.body)
        replies = self.kept.setdefault(system, {})
        if (reply := self.cassettes.get(name) or replies.get(name)) is None:
            if self.base_url is None:
                self.missing.add(system)
                return await fails(400, "not recorded")(request)
            reply = replies[name] = await self._asked(request.body)
            self.save()
        self.served.setdefault(system, []).append(name)
        self.tokens[system] = self.tokens.get(system, 0) + reply["output_tokens"]
        self.cut_off[system] += reply.get("finish") == "length"
        if "refused" in reply:
            return web.json_response(reply["refused"], status=400)
        usage = {"prompt_tokens": reply["input_tokens"], "completion_tokens": reply["output_tokens"]}
        usage["total_tokens"] = sum(usage.values())
        return web.json_response(completion(reply["content"], finish=reply["finish"]) | {"usage": usage})

    async def _asked(self, body: Any) -> dict[str, Any]:
        to = f"{self.base_url}/chat/completions"
        async with ClientSession(timeout=ClientTimeout(None)) as session, session.post(to, json=body) as response:
            if response.status not in (200, 400):
                raise web.HTTPBadGateway(text=await response.text())
            return _reply(await response.json())

    def save(self) -> None:
        """Keep what was answered in this run or before."""
        text = json.dumps({"model": self.model, "replies": self.kept}, indent=1, ensure_ascii=False)
        self.path.write_text(text + "\n", encoding="utf-8")

    def forget_others(self, system: str) -> None:
        """Drop the replies of a system that were not served in this run."""
        self.kept[system] = {name: reply for name, reply in self.kept[system].items() if name in self.served[system]}
        self.save()


def _name(body: Any) -> str:
    """What a request is called: the same for the same JSON."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


def _reply(told: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a completion, or of a refusal, as of a conversation that has become too long."""
    if "error" in told:
        return {"refused": told, "output_tokens": 0}
    [choice], usage = told["choices"], told["usage"]
    counts = {"input_tokens": usage["prompt_tokens"], "output_tokens": usage["completion_tokens"]}
    return {"content": choice["message"]["content"], "finish": choice["finish_reason"], **counts}


def _recorded(home: Path) -> dict[str, dict[str, Any]]:
    """What the evaluation has recorded of the abstracts: replies by the names of their requests."""
    told = [json.loads(path.read_text(encoding="utf-8")) for path in home.rglob("a*.json") if path.stem in IDS]
    spoken = [each for one in told for each in one["interactions"]]
    return {_name(each["request"]["json"]): _reply(each["response"]["json"]) for each in spoken}


def measure(base_url: str | None = None, model: str | None = None, path: Path = REPLIES) -> Result:
    """Ask for what is not recorded if there is a server, by the name that it gives its model unless `model` is another; without
    a server, what is not recorded is skipped."""
    replies = Replies(path, base_url, cassettes=_recorded(CASSETTES))
    if base_url and (asked := model or asyncio.run(_served_model(base_url))) != replies.model:
        replies.model, replies.kept = asked, {}
    title = f"Output tokens of {replies.model} for a right claim, {len(IDS)} abstracts"
    if not replies.model:
        why = "no replies are recorded, and no server was named (make bench BASE_URL=http://127.0.0.1:8080/v1)"
        return Result("Output tokens for a right claim", (), (Skipped("the tokens of a model", why),))
    gold = [document for each in read_sets(GOLD) for document in each.documents if document.document.id in IDS]
    rows: list[Row] = []
    skipped: list[Skipped] = []
    with ModelServer(replies.act) as server:
        for system in (EXTRACTOR, *peers.PEERS):
            try:
                said, records = _records(system, gold, server.server.root, replies.model)
            except UnavailableError as error:
                skipped.append(Skipped(system, NOT_RECORDED if system in replies.missing else error.why))
                continue
            if system in replies.missing:
                skipped.append(Skipped(system, NOT_RECORDED))
                continue
            if base_url:
                replies.forget_others(system)
            rows += _rows(system, said, gold, records, replies)
    versions = {system: version(system) if system in peers.PEERS else __version__ for system in (EXTRACTOR, *peers.PEERS)}
    return Result(title, tuple(rows), tuple(skipped), EXTRACTOR, versions)


def _rows(
    system: str, said: int, gold: Sequence[GoldDocument], records: Sequence[Extraction], replies: Replies
) -> Iterator[Row]:
    tokens = replies.tokens.get(system, 0)
    right = sum(map(right_claims, gold, records))
    total = sum(len(document.claims) for document in gold)
    yield Row(system, f"claims right, of {total}", "", rounds([right]))
    yield Row(system, "claims written", "", rounds([said]))
    yield Row(system, "replies cut off", "", rounds([replies.cut_off[system]]))
    yield Row(system, "output tokens", "", rounds([tokens]))
    if right:
        yield Row(system, "output tokens a right claim", "", rounds([tokens / right]))


def right_claims(gold: GoldDocument, record: Extraction) -> int:
    """How many claims agree with the annotation in kind, comparison, value and unit."""
    pairs = align(gold, record).claims.pairs
    return sum(is_strict(agreement(gold, expected, claim)) for expected, claim in pairs)


def _records(system: str, gold: Sequence[GoldDocument], root: str, model: str) -> tuple[int, list[Extraction]]:
    """How many claims a system has written, and a record for each document."""
    url = f"{root}/{system}/v1"
    if system == EXTRACTOR:
        records = asyncio.run(_ours([each.document for each in gold], url, model))
        return sum(len(record.claims) for record in records), records
    prompt = load_prompt()
    task = {
        "url": url,
        "model": model,
        "instructions": Path(peers.__file__).with_name("peers.md").read_text(encoding="utf-8"),
        "max_tokens": MOST_TOKENS,
        "examples": [_example(document, labels) for document, labels in prompt.examples],
        "documents": [{"id": each.document.id, "text": each.document.text} for each in gold],
    }
    command = [str(interpreter(system)), "-P", "-W", "ignore", peers.__file__, system]
    done = subprocess.run(command, input=json.dumps(task), capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnavailableError(system, (done.stderr.strip().splitlines() or ["it failed"])[-1])
    claims: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    return sum(map(len, claims.values())), [record_of(each.document, claims[each.document.id]) for each in gold]


async def _ours(documents: Sequence[Document], url: str, model: str) -> list[Extraction]:
    options = ModelOptions(f"openai/{model}", url, cache=False, concurrency=1)
    async with choose(options, key=SecretStr("none")).open() as labelling:
        records = []
        for document in documents:
            try:
                records.append(await extract_document(document, labelling.labeller))
            except CallError:
                records.append(record_of(document, []))
        return records


def _example(document: Document, labels: Labels) -> dict[str, Any]:
    """An example of the built-in prompt in words: quantities in place of their ids."""
    texts = {mention.id: mention.text for mention in spot(document.text).quantities}
    claims = [{"quantity": texts[claim.mention], **claim.model_dump(exclude={"mention"})} for claim in labels.claims]
    return {"text": document.text, "claims": claims}


def record_of(document: Document, claims: Sequence[Mapping[str, Any]]) -> Extraction:
    """The record of claims that quote their quantities: each is the mention at its place, and the next that is free at the
    places where it is written if the library does not say which it means. What stands nowhere, or is not of the schema, is
    left out, and a second claim about one mention with it. What does not count costs no claim: a change without an effect is
    taken for one for the better."""
    mentions = spot(document.text)
    labels: dict[int, ClaimLabel] = {}
    for claim in claims:
        mention = next((m for m in _meant(document.text, mentions.quantities, claim) if m.id not in labels), None)
        if mention and claim.get("kind") in get_args(Kind) and claim.get("comparison") in get_args(Comparison):
            effect = "worse" if claim.get("effect") == "worse" else "better"
            said = {name: claim.get(name) or None for name in (*PHRASE_FIELDS, "kind", "comparison")}
            said |= {"mention": mention.id, "effect": effect if said["comparison"] == "change" else None}
            labels[mention.id] = ClaimLabel.model_validate(said)
    provenance = Provenance(extractor=__version__, labeller="peer", model="peer")
    others = tuple(mention.id for mention in mentions.quantities if mention.id not in labels)
    devices = tuple(mention.id for mention in mentions.hardware)
    reply = Labels(system=None, claims=tuple(labels.values()), not_claims=others, hardware=(), not_hardware=devices)
    return ground(document, mentions, Labelled(reply, provenance))


def _meant(text: str, mentions: Sequence[QuantityMention], claim: Mapping[str, Any]) -> Iterator[QuantityMention]:
    """The mentions that a claim may mean: at each of its places the one that it covers best."""
    quantity, start = str(claim["quantity"]), claim.get("start")
    places: list[Span] = []
    if start is not None:
        places = [(start, start + len(quantity))]
    elif quantity.strip():
        found = text.find(quantity)
        while found != -1:
            places.append((found, found + len(quantity)))
            found = text.find(quantity, found + 1)
    for place in places:
        best = max(mentions, key=lambda mention: overlap(mention.span, place), default=None)
        if best and overlap(best.span, place):
            yield best


async def _served_model(base_url: str) -> str:
    async with ClientSession() as session, session.get(f"{base_url}/models") as response:
        return str((await response.json())["data"][0]["id"])
