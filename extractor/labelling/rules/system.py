"""The name that a paper gives to its own system."""

from extractor.documents import Document
from extractor.spotting import Mentions


def find_system(document: Document, mentions: Mentions) -> str | None:
    """The system's name as written in the text; None if the paper names none."""
    return None
