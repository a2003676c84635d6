"""The built-in labeller: lexicons and ordered, named rules. No key, no network, no model."""

from extractor.labelling.rules.labeller import RulesLabeller

__all__ = ["RulesLabeller"]
