"""The built-in rules: rows in the order in which they are tried, and what applies them.

The labeller is loaded when it is first used: the word lists serve others, too, who have no need of the rows.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extractor.labelling.rules.labeller import RulesLabeller

__all__ = ["RulesLabeller"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from extractor.labelling.rules.labeller import RulesLabeller

    return RulesLabeller
