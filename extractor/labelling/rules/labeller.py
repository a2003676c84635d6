"""Labels a document by rules: one pass per kind of label."""

from extractor._version import __version__
from extractor.documents import Document
from extractor.labelling.rules.claims import label_claims
from extractor.labelling.rules.hardware import label_hardware
from extractor.labelling.rules.hardware_places import read_cues
from extractor.labelling.rules.lexicon import lexicon, read_lexicon
from extractor.labelling.rules.rows import Rules
from extractor.labelling.rules.system import find_system
from extractor.labels import Labelled, Labels
from extractor.records import Provenance
from extractor.spotting import Mentions

_PROVENANCE = Provenance(extractor=__version__, labeller="rules", model="rules")


class RulesLabeller:
    """The `Labeller` behind `--model rules`; `without` leaves out some of the `parts` of the rules."""

    name = "rules"

    def __init__(self, without: frozenset[str] = frozenset()) -> None:
        self.rules = Rules().without(without)
        self.lexicon = read_lexicon(without) if without else lexicon()
        self.cues = read_cues(self.lexicon)

    async def label(self, document: Document, mentions: Mentions) -> Labelled:
        """Label the mentions of one document without any call."""
        return Labelled(self.labels(document, mentions), _PROVENANCE)

    def labels(self, document: Document, mentions: Mentions) -> Labels:
        """The labels alone."""
        mentions = mentions.as_read
        title, _, abstract = mentions.text.partition("\n")
        document = Document(document.id, title, abstract)
        found = find_system(document, mentions, self.rules.systems, self.lexicon)
        system = found[0] if found else None
        claims = label_claims(mentions, system, self.rules, self.lexicon)
        targets = label_hardware(document, mentions, self.rules.hardware, self.cues)
        claimed = {claim.mention for claim in claims}
        targeted = {target.mention for target in targets}
        return Labels(
            system=system,
            claims=claims,
            not_claims=tuple(m.id for m in mentions.quantities if m.id not in claimed),
            hardware=targets,
            not_hardware=tuple(m.id for m in mentions.hardware if m.id not in targeted),
        )
