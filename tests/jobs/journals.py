"""What tests of a job's folder write into it, and how they read it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from extractor.documents import Document
from extractor.jobs.job import Job
from extractor.jobs.journal import Journal
from extractor.labelling.models import ModelOptions
from extractor.outputs.jsonl import read_extractions
from extractor.records import Extraction, Failure, Provenance

JOB = Job(inputs=("input.jsonl",))
MODEL = replace(JOB, model=ModelOptions("openai/m"))


def document(name: str, abstract: str = "An abstract.") -> Document:
    return Document(name, "A title", abstract)


def record(source: Document) -> Extraction:
    return Extraction(
        id=source.id,
        title=source.title,
        abstract=source.abstract,
        system=None,
        claims=(),
        hardware=(),
        provenance=Provenance(extractor="0.1.0", labeller="rules", model="rules"),
    )


def failure(name: str) -> Failure:
    return Failure(id=name, source="input.jsonl", line=1, cause="no answer", fix="Try again.")


def run(
    folder: Path,
    documents: Iterable[Document],
    *,
    job: Job = JOB,
    settings: Mapping[str, Any] | None = None,
    fresh: bool = False,
    fails: str = "",
    stop: bool = False,
) -> list[str]:
    """One run over the documents; those in `fails` fail; without its end if it is to `stop`. Returns the ids that it did."""
    did = []
    with Journal(folder, job, settings or {}, fresh=fresh) as journal:
        for source in documents:
            if journal.is_done(source):
                continue
            did.append(source.id)
            if source.id in fails:
                journal.fail(failure(source.id))
            else:
                journal.add(record(source))
        if not stop:
            journal.finish()
    return did


def ids(folder: Path) -> list[str]:
    return [extraction.id for extraction in read_extractions(folder)]


def failed(folder: Path) -> list[str]:
    return [json.loads(line)["id"] for line in (folder / "failures.jsonl").read_bytes().splitlines()]


def described(folder: Path) -> dict[str, Any]:
    description: dict[str, Any] = json.loads((folder / "job.json").read_bytes())
    return description


ABC = [document("a"), document("b"), document("c")]
