"""The schema-constrained labeller: one model call for one abstract, and none where nothing was spotted."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from extractor._version import __version__
from extractor.documents import Document
from extractor.grounding import faults_told
from extractor.labelling.prompts import Prompt
from extractor.labelling.senses import senses
from extractor.labels import Labelled, Labels
from extractor.llm.client import ModelClient
from extractor.records import Comparison, Kind, Provenance
from extractor.spotting.mentions import Mentions

if TYPE_CHECKING:
    from extractor.labelling.rules import RulesLabeller


class ModelLabeller:
    """Labels with a model. `narrow` sends each document's ids in the schema, for engines that constrain decoding themselves."""

    name = "llm"

    def __init__(self, client: ModelClient[Labels], prompt: Prompt, *, narrow: bool = False) -> None:
        self._client = client
        self._prompt = prompt
        self._narrow = narrow

    async def label(self, document: Document, mentions: Mentions) -> Labelled:
        """Label the mentions of one document. Raises `ProviderError` when the model gives no usable answer.

        Where there are none, the rules answer, and provenance says so: they find the system's name at no cost.
        """
        if not mentions.quantities and not mentions.hardware:
            return await _rules().label(document, mentions)
        messages, schema = self.question(document, mentions)
        reply = await self._client.ask(messages, check=lambda labels: faults_told(meant(labels), mentions), schema=schema)
        spent = reply.spent
        made = self._provenance(
            calls=spent.calls,
            attempts=spent.attempts,
            cached=reply.cached,
            input_tokens=spent.input_tokens,
            output_tokens=spent.output_tokens,
            cost_usd=spent.cost_usd,
        )
        return Labelled(meant(reply.value), made)

    def is_answered(self, document: Document, mentions: Mentions) -> bool:
        """Whether a document costs no call: it has no mention, or the cache holds its reply."""
        if not mentions.quantities and not mentions.hardware:
            return True
        messages, schema = self.question(document, mentions)
        return self._client.kept(messages, check=lambda labels: faults_told(meant(labels), mentions), schema=schema) is not None

    def expected_input(self, document: Document, mentions: Mentions) -> int:
        """About how many tokens a call about a document sends."""
        return self._client.expected(self._prompt.messages(document, mentions)).input_tokens

    @property
    def fixed_input(self) -> int:
        """About how many of them are the same for every document. They stand first, so that a provider can cache them."""
        return self._client.expected(self._prompt.opening).input_tokens

    def question(self, document: Document, mentions: Mentions) -> tuple[Sequence[Mapping[str, Any]], dict[str, Any] | None]:
        """The messages about a document, and the schema of the reply if it is the document's own."""
        return self._prompt.messages(document, mentions), narrowed(mentions) if self._narrow else None

    def _provenance(self, **spent: Any) -> Provenance:
        return Provenance(
            extractor=__version__,
            labeller=self.name,
            model=self._client.endpoint.model,
            prompt=self._prompt.label,
            prompt_sha256=self._prompt.sha256,
            **spent,
        )


def meant(labels: Labels) -> Labels:
    """Labels with null where a small model writes "null" and means it."""
    claims = tuple(claim.model_copy(update=nulls) if (nulls := _nulls(claim)) else claim for claim in labels.claims)
    return labels.model_copy(update={"claims": claims, **_nulls(labels)})


def _nulls(said: BaseModel) -> dict[str, None]:
    return {name: None for name, value in said if value == "null"}


def narrowed(mentions: Mentions) -> dict[str, Any]:
    """The JSON Schema of `Labels` cut down to one document.

    Only its mention ids are possible, each list has room for no more, and a claim can only be what `senses` leaves its
    quantity: effect and baseline stand where the comparison has them.
    """
    schema: dict[str, Any] = json.loads(_schema())
    quantities = [m.id for m in mentions.quantities]
    hardware = [m.id for m in mentions.hardware]
    properties, definitions = schema["properties"], schema["$defs"]
    claims, claimable = _claims(mentions, definitions["ClaimLabel"])
    for name, ids in (("claims", claimable), ("not_claims", quantities), ("hardware", hardware), ("not_hardware", hardware)):
        properties[name]["maxItems"] = len(ids)
        if name.startswith("not_") and ids:
            properties[name]["items"] = {"enum": ids}
    if claims:
        properties["claims"]["items"] = {"anyOf": claims}
        del definitions["ClaimLabel"]
    if hardware:
        definitions["HardwareLabel"]["properties"]["mention"] = {"enum": hardware}
    return schema


def _claims(mentions: Mentions, claim: Mapping[str, Any]) -> tuple[list[dict[str, Any]], set[int]]:
    """The schema of a claim, once for each comparison that some of the mentions can have, and the ids of those mentions."""
    alike: dict[tuple[Comparison, tuple[Kind, ...]], list[int]] = {}
    for mention in mentions.quantities:
        for comparison, kinds in senses(mention, mentions).items():
            alike.setdefault((comparison, kinds), []).append(mention.id)
    return [_claim(claim, *sense, ids) for sense, ids in alike.items()], {number for ids in alike.values() for number in ids}


def _claim(claim: Mapping[str, Any], comparison: Comparison, kinds: tuple[Kind, ...], ids: list[int]) -> dict[str, Any]:
    cut: dict[str, Any] = {
        "mention": {"enum": ids},
        "kind": {"enum": list(kinds)},
        "comparison": {"const": comparison},
        "effect": {"enum": ["better", "worse"]} if comparison == "change" else {"type": "null"},
    }
    if comparison == "absolute":
        cut["baseline"] = {"type": "null"}
    return {**claim, "properties": claim["properties"] | cut}


@cache
def _rules() -> "RulesLabeller":
    from extractor.labelling.rules import RulesLabeller  # loads the lexicons, which a job may not need

    return RulesLabeller()


@cache
def _schema() -> str:
    """Building it costs a millisecond, reading it a hundredth."""
    return json.dumps(Labels.model_json_schema())
