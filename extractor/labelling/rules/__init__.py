"""The built-in rules: rows in the order in which they are tried, and what applies them."""

from extractor.labelling.rules.labeller import RulesLabeller
from extractor.labelling.rules.parts import Part, parts

__all__ = ["Part", "RulesLabeller", "parts"]
