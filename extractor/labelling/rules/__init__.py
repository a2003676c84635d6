"""The built-in rules: rows in the order in which they are tried, and what applies them."""

from extractor.labelling.rules.labeller import RulesLabeller

__all__ = ["RulesLabeller"]
