"""A model's name -> the labeller behind it."""

from extractor.errors import UsageError
from extractor.labelling.base import Labeller

RULES = "rules"


def labeller_for(model: str) -> Labeller:
    """The labeller that a model's name stands for. Raises `UsageError` for a name that means none."""
    if model == RULES:
        from extractor.labelling.rules import RulesLabeller  # loads the lexicons, which only a run needs

        return RulesLabeller()
    raise UsageError(f"There is no model {model!r}. Use {RULES!r}, the built-in labeller.")
