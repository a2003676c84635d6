"""Which hardware mentions are targets of the paper's own contribution, and in which role."""

from extractor.documents import Document
from extractor.labelling.base import HardwareLabel
from extractor.spotting import Mentions


def label_hardware(document: Document, mentions: Mentions) -> tuple[HardwareLabel, ...]:
    """Label the hardware mentions that are targets, in reading order."""
    return ()
