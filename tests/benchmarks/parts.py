"""The parts of the rules, the rows of the tables and the words of the lists, and the rules without some of them."""

import re
from collections.abc import Set
from dataclasses import dataclass, fields, replace
from functools import cache

from extractor.labelling.rules import RulesLabeller
from extractor.labelling.rules.lexicon import read_lexicon, word_lists
from extractor.labelling.rules.rows import Rules


@dataclass(frozen=True, slots=True)
class Part:
    """A row of a table, or a word of a list. `name` is `table:row` or `list:word`.

    `pattern` finds something in the lower-cased text of every abstract in which a word can matter; None for a row.
    """

    name: str
    table: str
    pattern: re.Pattern[str] | None


@cache
def parts() -> tuple[Part, ...]:
    """All parts: the rows in the order in which they are tried, then the words."""
    rules = Rules()
    rows = [Part(f"{table.name}:{row.name}", table.name, None) for table in fields(rules) for row in getattr(rules, table.name)]
    return (*rows, *(_word(group.list, word) for group in word_lists() for word in group.words))


def _word(group: str, word: str) -> Part:
    """A word, which finds itself; what is an expression, of hardware and of names, finds itself whatever the case."""
    expression = word if group.startswith(("hardware.", "naming.")) else re.escape(word).replace("\\ ", " ")
    return Part(f"{group}:{word}", group, re.compile(expression.replace(" ", r"\s+"), re.IGNORECASE))


def labeller_without(names: Set[str]) -> RulesLabeller:
    """The rules without the parts of these names."""
    rules = Rules()
    kept = {
        table.name: tuple(row for row in getattr(rules, table.name) if f"{table.name}:{row.name}" not in names)
        for table in fields(rules)
    }
    groups = [
        group._replace(words=tuple(word for word in group.words if f"{group.list}:{word}" not in names))
        for group in word_lists()
    ]
    return RulesLabeller(replace(rules, **kept), read_lexicon(groups))
