"""The samples: the two papers of `papers.jsonl` as the makers of each format write them, in files and as binary tables."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import openpyxl
import pyarrow as pa
from pyarrow import feather, parquet

SAMPLES: Final = Path(__file__).parent / "samples"
PAPERS: Final[list[dict[str, Any]]] = [
    json.loads(line) for line in (SAMPLES / "papers.jsonl").read_text(encoding="utf-8").splitlines()
]
KNOWN: Final = ("doi", "year", "authors", "venue")

IDS: Final = {
    "papers": ["tern", "gull"],
    "arXiv": ["2402.00001", "2105.00002"],
    "PubMed": ["PMID:38000001", "PMID:38000002"],
    "OpenAlex": ["https://openalex.org/W1", "https://openalex.org/W2"],
    "Semantic Scholar": ["1" * 40, "2" * 40],
    "DOI": [str(paper["doi"]) for paper in PAPERS],
}
WRITTEN: Final[Mapping[str, tuple[str, list[str], tuple[str, ...]]]] = {
    "papers.jsonl": ("JSON Lines", IDS["papers"], KNOWN),
    "papers.csv": ("CSV", IDS["papers"], KNOWN),
    "papers.tsv": ("TSV", IDS["papers"], KNOWN),
    "papers.bib": ("BibTeX", IDS["papers"], KNOWN),
    "papers.ris": ("RIS", IDS["papers"], KNOWN),
    "papers.enw": ("EndNote", IDS["papers"], KNOWN),
    "papers.wos.txt": ("Web of Science", IDS["papers"], KNOWN),
    "papers.nbib": ("PubMed", IDS["PubMed"], KNOWN),
    "pubmed.xml": ("PubMed XML", IDS["PubMed"], KNOWN),
    "arxiv.atom": ("arXiv Atom", ["2402.00001v2", "2105.00002v1"], KNOWN),
    "jats.xml": ("JATS", IDS["DOI"], KNOWN),
    "endnote.xml": ("EndNote XML", IDS["DOI"], KNOWN),
    "wos_table.txt": ("TSV", IDS["papers"], KNOWN),
    "openalex.json": ("JSON", IDS["OpenAlex"], KNOWN),
    "crossref.json": ("JSON", IDS["DOI"], KNOWN),
    "semantic_scholar.json": ("JSON", IDS["Semantic Scholar"], KNOWN),
    "daily_papers.json": ("JSON", IDS["arXiv"], ("year", "authors")),
    "arxiv_snapshot.jsonl": ("JSON Lines", IDS["arXiv"], KNOWN),
    "scrape.txt": ("plain text", ["scrape#1", "scrape#2"], ()),
}
"""The format of each file, the ids of its papers, and what is known of each. A damaged twin is called `.malformed`."""

TABLE: Final = pa.Table.from_pylist([{**paper, "extra": [{"a": 1}]} for paper in PAPERS])


def as_stream(table: pa.Table, path: Path) -> None:
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table)


def as_xlsx(table: pa.Table, path: Path) -> None:
    book = openpyxl.Workbook()
    rows = table.to_pylist()
    book.active.append(["Exported from a database"])
    book.active.append(["ID", "Article Title", "Abstract", "DOI", "Publication Year", "Authors", "Source Title"])
    for row in rows:
        book.active.append(
            [row["id"], row["title"], row["abstract"], row["doi"], row["year"], "; ".join(row["authors"]), row["venue"]]
        )
    book.save(path)


BINARY: Final[Mapping[str, Callable[[pa.Table, Path], None]]] = {
    "Parquet": parquet.write_table,
    "Arrow": feather.write_feather,
    "Arrow stream": as_stream,
    "XLSX": as_xlsx,
}
