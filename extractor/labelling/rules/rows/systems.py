"""Where a paper names its own system: in its title, or where the abstract introduces it."""

from extractor.labelling.rules.system import SystemRow

# fmt: off
SYSTEMS: tuple[SystemRow, ...] = (
    SystemRow("X: a title", "title",
        r"(?:The |Introducing )?(?P<name>[^:?]{2,48}?)(?![^\s(:-])"
        r"(?:\s+<suffixes>)?\s*(?:\([^)]*\))?\s*(?:$|:|\s[-–—]+\s|--)\s*",
        ("Kraken: Inherently Parallel Transformers", "Kraken is fast."), "Kraken"),
    SystemRow("called X", "name", r"\s+(?:as\s+)?ARTICLENAMES(?![\w-])",
        ("Parallel transformers", "We present a framework dubbed Kraken."), "Kraken", ("calls",)),
    SystemRow("we introduce X", "name", r"\s+ARTICLENAMESENDS",
        ("Parallel transformers", "This paper introduces Kraken, a parallel transformer."), "Kraken", ("introduces",)),
    SystemRow("we introduce a long name (LN)", "acronym",
        r"\s+ARTICLE(?P<words>[^.;:,()]{0,140}?)\(\s*NAME(?<![A-Z]s)CLOSE\s*\)"  # "whole slide images (WSIs)" are a class
        r"(?=[,.;:]|\s(?:GOES_ON|through|via|using|from|at|has|can|of)\b)",
        ("Parallel transformers", "We propose a wide attention autoencoder (WAAE), which is fast."), "WAAE",
        ("introduces", "calls", "proposal of", "development of")),
    SystemRow("we introduce a thing, X", "coined",
        r"\b[^.;]{0,90}?\b(?:<things>|<bodies>)s?\s*(?:[,:–—]|--)\s*(?:(?:namely|i\.e\.),?\s*)?NAMEENDS",
        ("Parallel transformers", "We build a new dataset: AttnNet, which is open."), "AttnNet", ("introduces", "presents")),
    SystemRow("we release X", "name", r"\s+ARTICLENAMESENDS",
        ("Parallel transformers", "We release Kraken, a parallel transformer."), "Kraken", ("presents",)),
    SystemRow("our method X", "coined",
        r"\s+(?:[\w-]+\s+){0,2}?<things>,?\s*NAME(?=[\s,)}'])",
        ("Parallel transformers", "Experiments show that our framework KrakenNet wins."), "KrakenNet",
        ("our", "Our", "the proposed", "The proposed")),
)
