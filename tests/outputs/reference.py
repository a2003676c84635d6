"""The columns and the rules of factors as a page: `python -m tests.outputs.reference > docs/tables.md`."""

from collections.abc import Mapping
from typing import Any

from extractor.outputs.columns import TABLES
from extractor.outputs.factors import rules


def reference() -> str:
    """`docs/tables.md`."""
    lines = [_HEAD]
    for table, columns in TABLES.items():
        lines += [
            f"\n## {table}\n",
            f"{_ABOUT[table]}\n",
            "| column | type | meaning | null where |",
            "| --- | --- | --- | --- |",
        ]
        lines += [f"| `{c.name}` | {c.type} | {c.about} | {c.null} |" for c in columns]
    lines += ["\n## Rules of `factor`\n", f"{_FACTORS}\n", "| rule | factor | example |", "| --- | --- | --- |"]
    for rule in rules():
        lines.append(f"| {rule.name} | {rule.gives or f'null: {rule.because}'} | {_example(rule.example)} |")
    return "\n".join(lines) + "\n"


def _example(example: Mapping[str, Any]) -> str:
    text = example["text"].replace("[", "**").replace("]", "**")
    return f"{text} {example['factor']:.4g}" if "factor" in example else text


_HEAD = """\
# Tables

`extractor export`, `extractor query` and `extractor.read_claims` show the records of a job as four tables, with the same
columns and types everywhere.

Generated from the code; a test compares. To write it anew: `python -m tests.outputs.reference > docs/tables.md`

- Types: text is UTF-8; integer has 64 bits; number is a double; boolean is 0 or 1 in SQLite. A column without an entry under
  "null where" is never null. In CSV and TSV null is an empty field.
- A cell that holds several things (authors, categories) has `; ` between them.
- Positions count Unicode code points of `title + "\\n" + abstract`; the end is exclusive.
- A key is the normal form of a name: names that differ in case, hyphens or plural have one key. Join and group by keys,
  show names.
- A sheet of a workbook holds 1,048,575 rows; further ones stand in `claims 2` and so on. A cell holds 32,767 characters; a
  longer text is cut and ends in "…". The first 65,530 addresses of a sheet are links, the others texts.
- In SQLite `documents` has a column `key` more, and the other tables a `document_key` that refers to it."""
_ABOUT = {
    "documents": "One row a record: the document, who made the record at what cost, and what the input knew of it.",
    "claims": "One row a claim.",
    "hardware": "One row a hardware target of a document.",
    "failures": "One row an input record that gave no extraction.",
}
_FACTORS = """\
The first rule that fits decides. v is the number, a percentage as a share (40% is 0.4). The lexicon of metrics says whether
more or less of one is better; the word of change that governs the number says whether the value rose or fell."""


if __name__ == "__main__":
    print(reference(), end="")
