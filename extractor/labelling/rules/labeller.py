"""Labels a document by rules: one pass per kind of label."""

from collections.abc import Sequence
from typing import NamedTuple

from extractor._version import __version__
from extractor.documents import Document
from extractor.labelling.confidence import assess
from extractor.labelling.rules.claims import Attached, once, read_claims
from extractor.labelling.rules.hardware import HardwareRow, decide, label_hardware
from extractor.labelling.rules.hardware_places import Place, read_cues
from extractor.labelling.rules.judging import Judged
from extractor.labelling.rules.lexicon import Lexicon, lexicon
from extractor.labelling.rules.rows import Rules
from extractor.labelling.rules.system import find_system
from extractor.labels import Labelled, Labels
from extractor.records import Provenance
from extractor.spotting.mentions import Mentions

_PROVENANCE = Provenance(extractor=__version__, labeller="rules", model="rules")


class Decided(NamedTuple):
    """What the rules decided, with the rows that did: the system's name, each number, the claims, each name of hardware."""

    system: tuple[str, str] | None
    numbers: Sequence[tuple[Judged, Attached | None]]
    claims: Sequence[Attached]
    hardware: Sequence[tuple[Place, HardwareRow | None]]
    labels: Labels


class RulesLabeller:
    """The `Labeller` behind `--model rules`."""

    name = "rules"

    def __init__(self, rules: Rules | None = None, words: Lexicon | None = None) -> None:
        self.rules = rules or Rules()
        self.lexicon = words or lexicon()
        self.cues = read_cues(self.lexicon)

    async def label(self, document: Document, mentions: Mentions) -> Labelled:
        """Label the mentions of one document without any call."""
        decided = self.decide(document, mentions)
        of_claims, of_record, left = assess(decided)
        return Labelled(decided.labels, _PROVENANCE, of_claims, of_record=of_record, by_default=left)

    def labels(self, document: Document, mentions: Mentions) -> Labels:
        """The labels alone."""
        return self.decide(document, mentions).labels

    def decide(self, document: Document, mentions: Mentions) -> Decided:
        """The labels, and what decided."""
        mentions = mentions.as_read
        title, _, abstract = mentions.text.partition("\n")
        document = Document(document.id, title, abstract)
        system = find_system(document, mentions, self.rules.systems, self.lexicon)
        numbers = [*read_claims(mentions, system[0] if system else None, self.rules, self.lexicon)]
        claims = once([claim for _, claim in numbers if claim])
        hardware = decide(document, mentions, self.rules.hardware, self.cues)
        targets = label_hardware(hardware)
        labelled = tuple(claim.label() for claim in claims)
        claimed = {claim.mention for claim in labelled}
        targeted = {target.mention for target in targets}
        labels = Labels(
            system=system[0] if system else None,
            claims=labelled,
            not_claims=tuple(m.id for m in mentions.quantities if m.id not in claimed),
            hardware=targets,
            not_hardware=tuple(m.id for m in mentions.hardware if m.id not in targeted),
        )
        return Decided(system, numbers, claims, hardware, labels)
