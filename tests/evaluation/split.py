"""The split of the arXiv gold: 40 abstracts whose errors may be looked at, and 60 that are held out.

    python -m tests.evaluation.split FOLDER

moves the gold files of a folder into `open` and `held-out` in it. It was run once, and is kept to say how: by number, and the
numbers follow neither topic nor date.
"""

import sys
from pathlib import Path

OPEN, HELD_OUT = "open", "held-out"
LAST_OPEN = "a040"
PARTS = {f"a{number:03}": OPEN if f"a{number:03}" <= LAST_OPEN else HELD_OUT for number in range(1, 101)}
"""The part that each abstract belongs to, by its id."""


def main(folder: Path) -> None:
    """Move each file into its part."""
    for part in (OPEN, HELD_OUT):
        (folder / part).mkdir(exist_ok=True)
    for path in sorted(folder.glob("*.json")):
        path.rename(folder / PARTS[path.stem] / path.name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
