"""A small job that holds what tables have to bear: several devices, a range, nothing named, markup, a source, a failure."""

from pathlib import Path

from extractor import Extraction, extract
from extractor.outputs.jsonl import to_line
from extractor.records import Failure

TWO_DEVICES = extract(
    "FastNet: Quick Networks",
    "FastNet is 2.3x faster than SlowNet on a Jetson Nano and a Raspberry Pi 4. It runs in 40 ms to 0.2 s and needs 8 MB. "
    "It reduces energy by 18-25%.",
    id="10.1/ab",
).model_copy(
    update={
        "source": {
            "doi": "10.1/ab",
            "pmid": "38000001",
            "url": "https://example.org/a?b=1&c=2",
            "year": 2024,
            "authors": ["Ada B.", "Cy D."],
            "note": "=1+1",
        }
    }
)
NASTY = extract('=HYPERLINK("x")', '@Sum gains +14.0 mAP, "quoted",\nin 日本 \x0b\x01 with 0.5 \\% of the parameters.', id="-2")
EMPTY = extract("", "", id="empty")
RECORDS = [TWO_DEVICES, NASTY, EMPTY]
FAILURE = Failure(id=None, source="in.jsonl", line=7, cause="has no title", fix="Add one.")


def write_job(folder: Path, records: list[Extraction] = RECORDS, *, failures: tuple[Failure, ...] = (FAILURE,)) -> Path:
    """Write a job's folder."""
    folder.mkdir(parents=True)
    (folder / "extractions.jsonl").write_bytes(b"".join(map(to_line, records)))
    (folder / "failures.jsonl").write_bytes(b"".join(map(to_line, failures)))
    return folder
