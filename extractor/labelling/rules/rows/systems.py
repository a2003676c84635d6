"""Where a paper names its own system: in its title, or where the abstract introduces it."""

from extractor.labelling.rules.system import SystemRow

_NAMED = r"(?:The |Introducing )?(?P<name>[^:?]{2,48}?)(?![^\s(:-])"
_TITLE = rf"{_NAMED}(?:\s+<suffixes>)?\s*(?:\([^)]*\))?\s*(?:$|:|\s[-–—]+\s|--)\s*"

# fmt: off
SYSTEMS: tuple[SystemRow, ...] = (
    SystemRow("X: a title", "title", _TITLE, ("Kraken: Inherently Parallel Transformers", "Kraken is fast."), "Kraken"),
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
        ("Small maps", "Our framework KrakenNet wins."), "KrakenNet", ("our", "Our", "the proposed", "The proposed")),
    SystemRow("our method, a long name (LN)", "acronym",
        r"(?:\s+(?:[\w-]+\s+){0,4}?<things>,\s+|\s+(?:[a-z-]+\s+)?(?=[A-Z]))(?P<words>[^.;:,()]{0,140}?)\(NAME(?<![A-Z]s)\)",
        ("Small maps", "Our method, wide view encoding (WVE), is fast."), "WVE", ("our", "Our", "novel", "introduces")),
    SystemRow("X Y: a title", "plain title", _TITLE, ("Project Kraken: A New Tool", "We built a tool."), "Project Kraken"),
)
