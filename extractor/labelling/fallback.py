"""Labellers in a row: one that stands in for another that fails, and one that is asked where another is unsure."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

from extractor.documents import Document
from extractor.errors import BudgetError, CallError, JobError, Spent, StoppedError
from extractor.labels import ClaimLabel, Labelled, Labeller, Labels
from extractor.records import Rejection
from extractor.spotting import Mentions

_SURE = 0.8
"""From this confidence on a claim of the draft stands."""
_TESTS = 3
"""So many decisions of which the draft is sure a reply has to agree with, and with all that there are."""


class FallbackLabeller:
    """Asks one labeller after the other, until one answers; provenance says which it was, and holds what all have cost.

    A `draft` answers where it is `sure` of its record, to a probability from 0 to 1, or where nothing is to be asked, and
    `reconciled` says what becomes of its labels elsewhere.

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
        if is_settled(draft, mentions, self._sure):
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
    return replace(labelled, provenance=made, rejected=(*rejected, *labelled.rejected))


def is_settled(draft: Labelled, mentions: Mentions, sure: float) -> bool:
    """Whether a draft is the answer: it is sure, or there is nothing to ask about."""
    return not (mentions.quantities or mentions.hardware) or (draft.of_record or 0.0) >= sure


def reconciled(draft: Labelled, reply: Labelled) -> Labelled:
    """A draft with what a reply says of the numbers of which the draft is not sure.

    What the draft is sure of stands, and is the test of the reply: its claims from a confidence of 0.8 on, and the numbers of
    which something said that they are no claims. A reply that contradicts one of these, or of which too little can be tested,
    changes nothing, and is noted under `rejected`. System, hardware, and claims in which both agree stay the draft's.
    """
    if reply.provenance.labeller == draft.provenance.labeller:  # the rules stood in for a model that failed
        return replace(draft, provenance=reply.provenance, rejected=reply.rejected)
    ours, theirs = {claim.mention: claim for claim in draft.labels.claims}, dict[int, ClaimLabel]()
    for claim in reply.labels.claims:
        theirs.setdefault(claim.mention, claim)
    sure = {mention for mention in ours if draft.confidence.get(mention, 0.0) >= _SURE}
    sure |= {*draft.labels.not_claims} - draft.by_default
    sense = {mention: (claim.kind, claim.comparison) for mention, claim in ours.items()}
    agreed = {mention for mention in sure if sense.get(mention) == _sense(theirs.get(mention))}
    if agreed != sure or len(sure) < _TESTS:
        why = "too little to test it by" if agreed == sure else "contradicts what the rules are sure of"
        noted = Rejection(field="labeller", value=reply.provenance.model, reason=why)
        return replace(draft, provenance=reply.provenance, rejected=(*reply.rejected, noted))
    kept = {
        mention: ours[mention] if sense.get(mention) == _sense(theirs.get(mention)) else theirs[mention]
        for mention in sorted({*theirs} | (sure & {*ours}))
    }
    labels = Labels(
        system=draft.labels.system,
        claims=tuple(kept.values()),
        not_claims=tuple(sorted({*ours, *draft.labels.not_claims} - {*kept})),
        hardware=draft.labels.hardware,
        not_hardware=draft.labels.not_hardware,
        missed=reply.labels.missed,
    )
    confidence = {mention: each for mention, each in draft.confidence.items() if kept.get(mention) == ours[mention]}
    return Labelled(labels, reply.provenance, confidence, reply.rejected)


def _sense(claim: ClaimLabel | None) -> tuple[str, str] | None:
    return (claim.kind, claim.comparison) if claim else None
