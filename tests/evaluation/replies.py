"""What readers of any skill add to the rules with `--when-unsure 0.9`, and who is right where rules and a model differ.

    python -m tests.evaluation.replies

1. A reader who replies with the annotation, and others of whose decisions a share, drawn at random, is the recorded model's, on
   the sets that are not held out: about how many abstracts they are asked, in how many they agree with the rules well enough to
   be heard, and how many records are better and worse for it, as `tests.benchmarks.ablation` counts; means of ten draws.
2. Where the rules and the recorded model differ in these sets, asked or not: how often the annotation agrees with either.
3. The recorded models on each set: the headline figures of the rules, how far these move, and the records better and worse.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random

from extractor.documents import Span
from extractor.evaluation.gold import GoldClaim, GoldDocument
from extractor.evaluation.matching import Alignment, align, compare_phrases, overlap
from extractor.evaluation.sets import GoldSet, read_sets
from extractor.evaluation.statistics import values
from extractor.evaluation.systems import align_recorded, evaluate, recorded
from extractor.grounding import ground
from extractor.labelling.fallback import is_settled, reconciled
from extractor.labelling.models import RULES, ModelOptions
from extractor.labelling.rules import RulesLabeller
from extractor.labels import ClaimLabel, Labelled, Labels
from extractor.records import PHRASE_FIELDS, Claim, Provenance
from extractor.spotting import Mentions, spot
from tests.benchmarks.ablation import points_of
from tests.gold import GOLD

SURE = 0.9
SHARES = (0.0, 0.1, 0.2, 0.35, 0.5, 1.0)
DRAWS = 10
CASSETTES = GOLD.parent / "cassettes"

_RULES = RulesLabeller()
_ASKED = Provenance(extractor="0", labeller="reader", model="reader")

Reply = dict[int, ClaimLabel]
"""The claims of a reply, by their mentions."""


@dataclass(frozen=True, slots=True)
class Case:
    """An abstract about which a reader is asked, with the claims of the annotation, and those of the recorded model."""

    gold: GoldDocument
    mentions: Mentions
    draft: Labelled
    right: Reply
    wrong: Reply


def main() -> None:
    """Print the three tables, the first two as docs/evaluation.md has them."""
    sets = read_sets(GOLD)
    models = recorded(sets, CASSETTES)
    for each in models:
        played = {gold.name: _cases(gold, each.options) for gold in sets if not gold.held_out}
        print(f"{each.options.model} {each.label}\n")
        print(f"| set | the model's share | asked | heard | better | worse |\n{'| --- ' * 6}|")
        for name, cases in played.items():
            unsettled = [case for case in cases if not is_settled(case.draft, SURE)]
            for share in SHARES:
                sums = zip(*(_try(unsettled, share, Random(draw)) for draw in range(DRAWS)), strict=True)
                means = " | ".join(f"{sum(column) / DRAWS:.1f}" for column in sums)
                print(f"| {name} | {share:.0%} | {len(unsettled)} | {means} |")
        print(f"\n| set | what differs | times | rules | model |\n{'| --- ' * 5}|")
        for name, cases in played.items():
            for what, outcomes in _differences(cases).items():
                print(f"| {name} | {what} | {len(outcomes)} | {sum(a for a, _ in outcomes)} | {sum(b for _, b in outcomes)} |")
    for gold in sets:
        rules = evaluate(gold.documents, ModelOptions(RULES), CASSETTES).alignments
        for each in models:
            added = cascade(gold, each.options)
            ours, theirs = values(rules), values(added)
            print(f"\n{gold.name}: {RULES}, and how far {each.options.model} moves them")
            for figure, before in ours.items():
                print(f"  {figure:<20}{100 * (before or 0):>7.2f}{100 * ((theirs[figure] or 0) - (before or 0)):>+7.2f}")
            gains = [points_of(new) - points_of(old) for old, new in zip(rules, added, strict=True)]
            asked = sum(record.extraction.provenance.model != RULES for record in added)
            print(
                f"  asked about {asked} of {len(added)}: {sum(g > 0 for g in gains)} better, {sum(g < 0 for g in gains)} worse"
            )


def cascade(gold: GoldSet, options: ModelOptions) -> tuple[Alignment, ...]:
    """The records of a set where a recorded model is asked when the rules are unsure."""
    return asyncio.run(align_recorded(gold.documents, replace(options, when_unsure=SURE), CASSETTES))


def _cases(gold: GoldSet, options: ModelOptions) -> list[Case]:
    cases = []
    model = evaluate(gold.documents, options, CASSETTES)
    for document, alignment in zip(gold.documents, model.alignments, strict=True):
        mentions = spot(document.document.text)
        draft = asyncio.run(_RULES.label(document.document, mentions))
        right = reply([(claim.span, claim) for claim in document.claims], mentions)
        wrong = reply([(claim.spans.quantity, claim) for claim in alignment.extraction.claims], mentions)
        cases.append(Case(document, mentions, draft, right, wrong))
    return cases


def _try(cases: Iterable[Case], share: float, draw: Random) -> tuple[int, int, int]:
    """Of a reader: heard, better, worse."""
    heard = better = worse = 0
    for case in cases:
        claims = tuple(_between(case.right, case.wrong, share, draw).values())
        labels = Labels(system=None, claims=claims, not_claims=(), hardware=(), not_hardware=())
        found = reconciled(case.draft, Labelled(labels, _ASKED))
        gain = _points(case, found) - _points(case, case.draft)
        heard += found.labels is not case.draft.labels
        better += gain > 0
        worse += gain < 0
    return heard, better, worse


def _differences(cases: Iterable[Case]) -> dict[str, list[tuple[bool, bool]]]:
    """What the rules and the model say differently, and whether either is right: numbers, what a claim is, its phrases."""
    found: dict[str, list[tuple[bool, bool]]] = {
        name: [] for name in ("only the rules", "only the model", "sense", *PHRASE_FIELDS)
    }
    for case in cases:
        ours = {claim.mention: claim for claim in case.draft.labels.claims}
        for mention in {*ours} ^ {*case.wrong}:
            rules = mention in ours
            right = mention in case.right
            found["only the rules" if rules else "only the model"].append((right is rules, right is not rules))
        for mention in {*ours} & {*case.wrong} & {*case.right}:
            a, b, gold = (claims[mention] for claims in (ours, case.wrong, case.right))
            if _sense(a) != _sense(b):
                found["sense"].append((_sense(a) == _sense(gold), _sense(b) == _sense(gold)))
            for name in PHRASE_FIELDS:
                own = case.gold.system if name == "subject" else None
                x, y, true = (getattr(claim, name) or own for claim in (a, b, gold))
                if not compare_phrases(x, y).exact:
                    found[name].append((compare_phrases(true, x).soft, compare_phrases(true, y).soft))
    return found


def _sense(claim: ClaimLabel) -> tuple[str, str]:
    return claim.kind, claim.comparison


def reply(claims: Iterable[tuple[Span, GoldClaim | Claim]], mentions: Mentions) -> Reply:
    """Claims as a reply has them: each of the mention that covers its number best, the first of several of one mention."""
    found: Reply = {}
    for span, claim in claims:
        mention = max(mentions.quantities, key=lambda mention: overlap(mention.span, span), default=None)
        if mention is not None and overlap(mention.span, span):
            fields = {name: getattr(claim, name) for name in ("kind", "comparison", "effect", *PHRASE_FIELDS)}
            found.setdefault(mention.id, ClaimLabel(mention=mention.id, **fields))
    return found


def _between(right: Reply, wrong: Reply, share: float, draw: Random) -> Reply:
    """A reply of which about a share is wrong: whether a number is a claim, what the claim says, each of its phrases."""
    found: Reply = {}
    for mention in sorted({*right, *wrong}):
        one, other = right.get(mention), wrong.get(mention)
        claim = other if draw.random() < share else one
        if one and other and claim:
            said = other if draw.random() < share else one
            phrases: dict[str, str | None] = {
                name: getattr(other if draw.random() < share else one, name) for name in PHRASE_FIELDS
            }
            claim = said.model_copy(update=phrases)
        if claim:
            found[mention] = claim
    return found


def _points(case: Case, labelled: Labelled) -> int:
    return points_of(align(case.gold, ground(case.gold.document, case.mentions, labelled)))


if __name__ == "__main__":
    main()
