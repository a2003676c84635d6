"""Which quantity mentions are claims, and what they claim."""

from extractor.documents import Document
from extractor.labelling.base import ClaimLabel
from extractor.spotting import Mentions


def label_claims(document: Document, mentions: Mentions, system: str | None) -> tuple[ClaimLabel, ...]:
    """Label the quantity mentions that are claims, in reading order."""
    return ()
