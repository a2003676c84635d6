"""Where the annotated abstracts of the repository are."""

from pathlib import Path

GOLD = Path(__file__).parents[1] / "evals" / "gold"
SEEDS = GOLD / "seeds"
ARXIV = GOLD / "arxiv"
