"""What the tests of whole jobs share: papers to extract from, and what a job's folder holds."""

import json
from pathlib import Path
from typing import Any

from extractor import read_extractions

GOLD = Path(__file__).parents[2] / "evals" / "gold" / "seeds"
KEY = "sk-loopback-0123456789abcdef"


def real(count: int) -> list[dict[str, str]]:
    """The first real abstracts that hold something to label."""
    papers = [json.loads(path.read_bytes()) for path in sorted(GOLD.glob("*.json"))]
    return [{name: paper[name] for name in ("id", "title", "abstract")} for paper in papers if paper["claims"]][:count]


PAPERS = real(8)
NOTHING = {"id": "nothing", "title": "On Reading", "abstract": "We say what reading is."}


def write(papers: list[dict[str, str]]) -> None:
    Path("papers.jsonl").write_text("".join(json.dumps(paper) + "\n" for paper in papers), encoding="utf-8")


def ids(folder: str = "job") -> list[str]:
    return [record.id for record in read_extractions(folder)]


def failures(folder: str = "job") -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(folder, "failures.jsonl").read_bytes().splitlines()]


def job(folder: str = "job") -> dict[str, Any]:
    description: dict[str, Any] = json.loads(Path(folder, "job.json").read_bytes())
    return description
