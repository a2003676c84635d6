"""Labellers in a row: one that stands in for another that fails, and one that is asked where another is unsure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict

from extractor.documents import Document
from extractor.errors import BudgetError, CallError, JobError, Spent, StoppedError
from extractor.labels import ClaimLabel, Labelled, Labeller
from extractor.records import Rejection
from extractor.spotting.mentions import Mentions
from extractor.text import folded

_CLAIMS = 2
"""So many claims of a draft are enough to test a reply by."""
_AGREED = 7 / 8
"""With this share of what a draft decided a reply has to agree before it adds anything."""
_SENSE = ("kind", "comparison", "effect")
_TESTED = ("metric", "baseline", "hardware")
"""The phrases of a claim that the rules find most reliably. The others are no test, and are not taken over."""


class FallbackLabeller:
    """Asks one labeller after the other, until one answers; provenance says which it was, and holds what all have cost.

    A `draft` answers where it is settled, for one if it is `sure` of its record, to a probability from 0 to 1; elsewhere
    `reconciled` says what a reply adds to it.

    What stops a job (a wrong key, no credit, no such model, the cap on cost) stops it here as well when the first labeller
    meets it: nobody would notice that all the rest was labelled by another than asked for, and what is done is not asked
    again. A stand-in that meets it is left out from then on, with one line to `notice`: a job never fares worse for having one.
    """

    def __init__(
        self,
        labellers: Sequence[Labeller],
        notice: Callable[[str], None] = lambda _line: None,
        draft: Labeller | None = None,
        sure: float = 0.0,
    ) -> None:
        self.name = labellers[0].name
        self._draft, self._sure = draft, sure
        self._labellers = tuple(labellers)
        self._notice = notice
        self._out: dict[int, CallError] = {}

    async def label(self, document: Document, mentions: Mentions) -> Labelled:
        """Label with the first labeller that answers. Raises `CallError` with the causes of all when none does."""
        draft = await self._draft.label(document, mentions) if self._draft else None
        if draft is None:
            return await self._first(document, mentions)
        if is_settled(draft, self._sure):
            return draft
        return reconciled(draft, await self._first(document, mentions))

    async def _first(self, document: Document, mentions: Mentions) -> Labelled:
        failed: list[CallError] = []
        for n, labeller in enumerate(self._labellers):
            if n in self._out:
                failed.append(self._out[n])
                continue
            try:
                return _after(failed, await labeller.label(document, mentions))
            except JobError as error:
                if n == 0 or isinstance(error, BudgetError | StoppedError):
                    error.spent = Spent.together([*(each.spent for each in failed), error.spent])
                    raise
                failed.append(error)
                if n not in self._out:  # else another document has met the same meanwhile
                    self._out[n] = CallError(error.cause, error.fix)
                    self._notice(f"A fallback is left out from here on: {error}")
            except CallError as error:
                failed.append(error)
        causes = "; then ".join(error.cause for error in failed)
        raise CallError(causes, failed[-1].fix, Spent.together(error.spent for error in failed))


def _after(failed: Sequence[CallError], labelled: Labelled) -> Labelled:
    """An answer with what was spent on those that failed before it."""
    if not failed:
        return labelled
    spent = Spent.together([*(error.spent for error in failed), Spent.of(labelled.provenance)])
    made = labelled.provenance.model_copy(update={**asdict(spent), "cached": labelled.provenance.cached and not spent.calls})
    rejected = (Rejection(field="labeller", value=error.cause, reason="gave no answer") for error in failed)
    return labelled._replace(provenance=made, rejected=(*rejected, *labelled.rejected))


def is_settled(draft: Labelled, sure: float) -> bool:
    """Whether a draft is the answer: it is sure, leaves no number open, or has too few claims to test a reply by."""
    return (draft.of_record or 0.0) >= sure or not draft.by_default or len(draft.labels.claims) < _CLAIMS


def reconciled(draft: Labelled, reply: Labelled) -> Labelled:
    """A draft with the claims that a reply adds, of numbers that are none by default.

    What the draft decided stands, and is the test of the reply: what each claim says, with its metric, baseline and hardware,
    and which numbers something said to be none. A reply that agrees with too little of it adds nothing, and is noted under
    `rejected`: so a weak model adds next to nothing. Of an added claim only what was tested is taken over; without a subject
    it is of the paper's own system.
    """
    if reply.provenance.labeller == draft.provenance.labeller:  # the rules stood in for a model that failed
        return draft._replace(provenance=reply.provenance, rejected=reply.rejected)
    theirs: dict[int, ClaimLabel] = {}
    for claim in reply.labels.claims:
        theirs.setdefault(claim.mention, claim)
    agreements = [*_agreements(draft, theirs)]
    if sum(agreements) < _AGREED * len(agreements):
        noted = Rejection(field="labeller", value=reply.provenance.model, reason="agrees too little with the rules")
        return draft._replace(provenance=reply.provenance, rejected=(*reply.rejected, noted))
    added = {
        mention: claim.model_copy(update={"subject": None, "dataset": None})
        for mention, claim in theirs.items()
        if mention in draft.by_default
    }
    claims = sorted((*draft.labels.claims, *added.values()), key=lambda claim: claim.mention)
    others = tuple(mention for mention in draft.labels.not_claims if mention not in added)
    labels = draft.labels.model_copy(update={"claims": tuple(claims), "not_claims": others, "missed": reply.labels.missed})
    return Labelled(labels, reply.provenance, draft.confidence, reply.rejected)


def _agreements(draft: Labelled, theirs: Mapping[int, ClaimLabel]) -> Iterator[bool]:
    """Whether a reply agrees with a draft, decision by decision; a claim is one decision, and each of its tested phrases."""
    for ours in draft.labels.claims:
        claim = theirs.get(ours.mention)
        yield claim is not None and all(getattr(claim, name) == getattr(ours, name) for name in _SENSE)
        for name in _TESTED:
            yield claim is not None and _alike(getattr(ours, name), getattr(claim, name))
    for mention in {*draft.labels.not_claims} - draft.by_default:
        yield mention not in theirs


def _alike(ours: str | None, theirs: str | None) -> bool:
    """Whether one of two phrases holds the other, or both are missing."""
    if ours is None or theirs is None:
        return ours is theirs
    a, b = folded(ours), folded(theirs)
    return b != "" and (a in b or b in a)
