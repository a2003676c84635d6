"""A labeller that asks several times and keeps what most answers say: the share that agrees is a claim's confidence.

Sampling and a majority vote are self-consistency (Wang et al. 2022, arXiv:2203.11171); the share of samples that agree with the
outcome is the agreement-based confidence of Lyu et al. 2024 (arXiv:2402.13904), better calibrated than what models say of
themselves. Here the vote is taken claim by claim and field by field, since an abstract has many answers.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from statistics import mode
from typing import TypeVar

from extractor.documents import Document
from extractor.errors import BudgetError, CallError, JobError, Spent, StoppedError
from extractor.labels import ClaimLabel, HardwareLabel, Labelled, Labeller, Labels
from extractor.records import PHRASE_FIELDS, Rejection
from extractor.spotting.mentions import Mentions
from extractor.text import folded

TEMPERATURE = 0.7
"""What Wang et al. sample GPT-3 and PaLM with; they find the gain robust to it."""

L = TypeVar("L", ClaimLabel, HardwareLabel)


class VotingLabeller:
    """Asks each of its labellers, all at once: the same model with one seed each. Samples that fail are left out."""

    def __init__(self, samples: Sequence[Labeller]) -> None:
        self.name = samples[0].name
        self._samples = tuple(samples)

    async def label(self, document: Document, mentions: Mentions) -> Labelled:
        """Label by majority. Raises `CallError` when no sample answers, `JobError` when one says that none will.

        The confidence of a claim is the share of the samples that answered which agree with its kind and comparison; it is not
        known where only one answered. Provenance holds what all samples have cost.
        """
        tasks = [asyncio.create_task(_answer(sample, document, mentions)) for sample in self._samples]
        try:
            outcomes = await asyncio.gather(*tasks)
        finally:
            for task in tasks:  # a job that stops waits for none
                task.cancel()
        answered = [outcome for outcome in outcomes if isinstance(outcome, Labelled)]
        failed = [(n, outcome) for n, outcome in enumerate(outcomes) if isinstance(outcome, CallError)]
        spent = Spent.together(
            outcome.spent if isinstance(outcome, CallError) else Spent.of(outcome.provenance) for outcome in outcomes
        )
        for _, error in failed:
            if isinstance(error, BudgetError | StoppedError):
                error.spent = spent
                raise error
        if not answered:
            [*_, (_, last)] = failed
            causes = "; ".join(dict.fromkeys(error.cause for _, error in failed))
            raise CallError(f"no answer in {len(outcomes)} samples: {causes}", last.fix, spent)
        labels, confidence = merge([labelled.labels for labelled in answered])
        cached = not spent.calls and any(labelled.provenance.cached for labelled in answered)
        made = answered[0].provenance.model_copy(update={**asdict(spent), "cached": cached})
        rejected = tuple(Rejection(field=f"samples[{n}]", value=error.cause, reason="gave no answer") for n, error in failed)
        return Labelled(labels, made, confidence if len(answered) > 1 else {}, rejected)


async def _answer(labeller: Labeller, document: Document, mentions: Mentions) -> Labelled | CallError:
    """A sample, or why it failed. Raises what stops a job, but for the cap and a stop: other samples are paid for already."""
    try:
        return await labeller.label(document, mentions)
    except (BudgetError, StoppedError) as error:
        return error
    except JobError:
        raise
    except CallError as error:
        return error


def merge(samples: Sequence[Labels]) -> tuple[Labels, dict[int, float]]:
    """The labels that most samples agree on, and the confidence of each claim by its mention.

    A mention is a claim if most samples say so. Its kind and comparison are the pair that most of those say, and its other
    fields are voted among the samples that agree with the pair, so that an effect or a baseline fits its comparison. Phrases
    are compared as they are looked for in the text, null among them; hardware, system and missed quotes go likewise. Between
    equally many votes the first sample's counts. A mention that no sample labels stays without a label.
    """
    claims, confidence = [], {}
    for labels in _elected([sample.claims for sample in samples]):
        kind, comparison = mode((label.kind, label.comparison) for label in labels)
        agreeing = [label for label in labels if (label.kind, label.comparison) == (kind, comparison)]
        # A change without an effect is not a claim: one sample that names it is worth more than two that forgot it.
        effects = [label.effect for label in agreeing if label.effect or comparison != "change"] or [None]
        phrases: dict[str, str | None] = {name: _phrase([getattr(label, name) for label in agreeing]) for name in PHRASE_FIELDS}
        claims.append(agreeing[0].model_copy(update={"effect": mode(effects), **phrases}))
        confidence[agreeing[0].mention] = len(agreeing) / len(samples)
    targets = [
        labels[0].model_copy(update={"role": mode(label.role for label in labels)})
        for labels in _elected([sample.hardware for sample in samples])
    ]
    merged = Labels(
        system=_phrase([sample.system for sample in samples]),
        claims=tuple(claims),
        not_claims=_dismissed((sample.not_claims for sample in samples), claims),
        hardware=tuple(targets),
        not_hardware=_dismissed((sample.not_hardware for sample in samples), targets),
        missed=_missed([sample.missed for sample in samples]),
    )
    return merged, confidence


def _elected(samples: Sequence[Sequence[L]]) -> list[list[L]]:
    """For each mention that most samples label so, in the order of the text, its labels in the order of the samples."""
    by_mention = [{label.mention: label for label in reversed(sample)} for sample in samples]  # said twice: the first counts
    mentions = sorted({mention for sample in by_mention for mention in sample})
    return [
        [sample[mention] for sample in by_mention if mention in sample]
        for mention in mentions
        if mode(mention in sample for sample in by_mention)
    ]


def _dismissed(samples: Iterable[Sequence[int]], kept: Iterable[ClaimLabel | HardwareLabel]) -> tuple[int, ...]:
    labelled = {label.mention for label in kept}
    return tuple(sorted({mention for sample in samples for mention in sample} - labelled))


def _phrase(votes: Sequence[str | None]) -> str | None:
    """The phrase that most say, as the first of them writes it."""
    alike = [None if vote is None else folded(vote) for vote in votes]
    return votes[alike.index(mode(alike))]


def _missed(samples: Sequence[Sequence[str]]) -> tuple[str, ...]:
    alike = [{folded(quote) for quote in sample} for sample in samples]
    written = {folded(quote): quote for sample in reversed(samples) for quote in reversed(sample)}
    return tuple(quote for key, quote in sorted(written.items()) if mode(key in sample for sample in alike))
