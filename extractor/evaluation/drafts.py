"""Drafts: gold files that a person still has to review, empty or filled in by a labeller.

A draft is marked `unreviewed` as a whole, because a claim that is missing can bear no mark, and so is each claim and hardware
target that a labeller filled in. A mark stands beside what it is about: an item that is moved or taken out takes it along. As
long as one is left, `read_gold` refuses the file.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from extractor._version import __version__
from extractor.documents import Document, Span
from extractor.evaluation.cassettes import safe_name
from extractor.evaluation.gold import occurrences
from extractor.labels import Labelled, Labels
from extractor.records import PHRASE_FIELDS, Claim, Extraction, HardwareTarget, Provenance
from extractor.spotting import Mentions

_CONTEXT = 40
"""Characters of a context that are aimed at: the guidelines allow 10 to 100, and annotators chose 36 in the median."""

_REACH = 80
"""Characters on either side of a phrase among which a context is looked for."""


class NoLabeller:
    """Labels nothing as a claim: its drafts are empty."""

    name = "none"

    async def label(self, document: Document, mentions: Mentions) -> Labelled:  # noqa: ARG002 (the protocol's)
        """Labels without a claim, a target or a system."""
        labels = Labels(
            system=None,
            claims=(),
            not_claims=tuple(mention.id for mention in mentions.quantities),
            hardware=(),
            not_hardware=tuple(mention.id for mention in mentions.hardware),
        )
        return Labelled(labels, Provenance(extractor=__version__, labeller=self.name, model=self.name))


def draft_path(folder: Path, id: str) -> Path:
    """Where the draft of a document goes."""
    return folder / f"{safe_name(id)}.json"


def is_drafted(path: Path, id: str) -> bool:
    """Whether a document's file is there; one that can't be read just now is taken to be its."""
    try:
        file = json.loads(path.read_bytes())
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return True
    return not isinstance(file, dict) or file.get("id", id) == id


def write_draft(path: Path, extraction: Extraction) -> tuple[str, ...]:
    """Write the draft of an extraction where no file is, and return what had to be left out.

    Raises `FileExistsError` where a file is already, `OSError` if it can't be written.
    """
    file, left_out = draft(extraction)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as stream:
        stream.write(json.dumps(file, indent=1, ensure_ascii=False) + "\n")
    return left_out


def draft(extraction: Extraction) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The gold file of an extraction, marked unreviewed, and the phrases left out because no snippet singles them out."""
    text = extraction.text
    claims = [(claim.quantity.text, context_of(text, claim.spans.quantity), claim) for claim in extraction.claims]
    hardware = [(target.name, context_of(text, target.span), target) for target in _one_per_class(extraction.hardware)]
    file = {
        "unreviewed": True,
        "id": extraction.id,
        "title": extraction.title,
        "abstract": extraction.abstract,
        "system": extraction.system,
        "claims": [_claim(claim, context) for _, context, claim in claims if context],
        "hardware": [_hardware(target, context) for _, context, target in hardware if context],
    }
    return file, tuple(phrase for phrase, context, _ in [*claims, *hardware] if context is None)


def context_of(text: str, span: Span) -> str | None:
    """A snippet around a span that occurs once in the text and holds the span's phrase once; None if there is none.

    It is of whole words of one line if that is possible, about 40 characters long, with the phrase near its middle.
    """
    phrase = text[slice(*span)]
    starts = range(max(0, span[0] - _REACH), span[0] + 1)
    ends = range(span[1], min(len(text), span[1] + _REACH) + 1)
    whole = [n for n in starts if n == 0 or text[n - 1].isspace()], [n for n in ends if n == len(text) or text[n].isspace()]
    for first, last in (whole, (starts, ends)):
        for start, end in sorted(((start, end) for start in first for end in last), key=lambda place: _unlikeness(place, span)):
            snippet = text[start:end]
            alone = "\n" not in snippet or first is starts
            if alone and len([*occurrences(phrase, snippet)]) == 1 and len([*occurrences(snippet, text)]) == 1:
                return snippet
    return None


def _unlikeness(place: Span, span: Span) -> int:
    """How far a snippet is from the length that is aimed at, and how far the phrase is from its middle, in half characters."""
    return 2 * abs(place[1] - place[0] - _CONTEXT) + abs((span[0] - place[0]) - (place[1] - span[1]))


def _one_per_class(targets: Iterable[HardwareTarget]) -> list[HardwareTarget]:
    """Every product, and of the classes of a category one, rather `evaluated` than `intended`, as the guidelines say."""
    kept: dict[object, HardwareTarget] = {}
    for target in targets:
        key = target.span if target.specific else target.category
        if key not in kept or (target.role, kept[key].role) == ("evaluated", "intended"):
            kept[key] = target
    return sorted(kept.values(), key=lambda target: target.span)


def _claim(claim: Claim, context: str) -> dict[str, Any]:
    quantity = claim.quantity
    return {
        "unreviewed": True,
        "quantity": quantity.text,
        "context": context,
        "also": [],
        "kind": claim.kind,
        "comparison": claim.comparison,
        "effect": claim.effect,
        "low": _number(quantity.low),
        "high": _number(quantity.high),
        "unit": quantity.unit,
        "bound": quantity.bound,
        **{name: getattr(claim, name) for name in PHRASE_FIELDS},
    }


def _hardware(target: HardwareTarget, context: str) -> dict[str, Any]:
    return {
        "unreviewed": True,
        "name": target.name,
        "context": context,
        "specific": target.specific,
        "category": target.category,
        "role": target.role,
    }


def _number(value: float) -> float:
    """A whole number without its `.0`, as a person writes it."""
    return int(value) if value.is_integer() else value
