"""The split of the arXiv gold: 40 abstracts whose errors may be looked at, and 60 that are held out.

    python -m tests.evaluation.split FOLDER

writes the `set.toml` of a folder of gold files. It was run once, and is kept to say how: by number, and the numbers follow
neither topic nor date.
"""

import sys
from pathlib import Path

LAST_OPEN = "a040"
ABOUT = "robotics, vision, language and more, from arXiv; "


def main(folder: Path) -> None:
    """Write which abstracts of a folder are in which set."""
    ids = sorted(path.stem for path in folder.glob("*.json"))
    first, rest = [id for id in ids if id <= LAST_OPEN], [id for id in ids if id > LAST_OPEN]
    written = [
        *_written("arxiv-open", ABOUT + "errors in these may be looked at", first),
        "",
        "# Nobody reads these while rules and prompts change: their figures say what to expect of text that nobody tuned on.",
        *_written("arxiv-held-out", ABOUT + "nobody reads these while rules and prompts change", rest, "held_out = true"),
    ]
    (folder / "set.toml").write_text("\n".join(written) + "\n", encoding="utf-8")


def _written(name: str, about: str, ids: list[str], *more: str) -> list[str]:
    rows = [", ".join(f'"{id}"' for id in ids[n : n + 10]) for n in range(0, len(ids), 10)]
    return ["[[set]]", f'name = "{name}"', f'about = "{about}"', *more, "ids = [", *(f"  {row}," for row in rows), "]"]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
