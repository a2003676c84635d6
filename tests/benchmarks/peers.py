"""Claims of abstracts by langextract, or by instructor with a plain schema. Started by `tokens` in the library's environment.

    python -P peers.py NAME < TASK.json    a JSON object: claims by the id of the document

Both have the same instructions (peers.md) and examples, and make a call an abstract at temperature 0. A document without a
usable reply has no claims.
"""

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

Task = dict[str, Any]
"""`url`, `model`, `instructions`, `max_tokens`; `examples` with `text` and `claims`, `documents` with `id` and `text`."""
Claims = dict[str, list[dict[str, Any]]]
"""By document: `quantity` and the fields of a claim, with `start` where the library says where the quantity stands."""


def langextract(task: Task) -> Claims:
    """A class a kind, the other fields as attributes; the schema follows from the examples."""
    import langextract as lx
    from langextract.factory import ModelConfig

    def extraction(claim: dict[str, Any]) -> Any:
        attributes = {name: value for name, value in claim.items() if value is not None and name not in ("kind", "quantity")}
        return lx.data.Extraction(claim["kind"], claim["quantity"], attributes=attributes)

    examples = [lx.data.ExampleData(each["text"], [*map(extraction, each["claims"])]) for each in task["examples"]]
    keys = {"api_key": "none", "base_url": task["url"], "max_output_tokens": task["max_tokens"], "temperature": 0.0}

    def ask(text: str) -> list[dict[str, Any]]:
        result: Any = lx.extract(
            text,
            prompt_description=task["instructions"],
            examples=examples,
            config=ModelConfig(model_id=task["model"], provider="openai", provider_kwargs=keys),
            max_char_buffer=10_000,  # a chunk a document: fewer calls, and each sees the whole abstract
            max_workers=1,
            show_progress=False,
        )
        return [
            {
                **(each.attributes or {}),
                "kind": each.extraction_class,
                "quantity": each.extraction_text,
                "start": each.char_interval.start_pos if each.char_interval else None,
            }
            for each in result.extractions or []
        ]

    return of_each(task, ask)


def instructor(task: Task) -> Claims:
    """A pydantic model a claim, the examples as turns of the conversation."""
    import instructor as library
    from instructor.core.exceptions import InstructorError
    from openai import OpenAI
    from pydantic import BaseModel

    class Claim(BaseModel):
        quantity: str
        metric: str | None
        subject: str | None
        kind: Literal["speedup", "speed", "accuracy", "resource"]
        comparison: Literal["absolute", "change", "fraction"]
        effect: Literal["better", "worse"] | None
        baseline: str | None
        dataset: str | None
        hardware: str | None

    class Abstract(BaseModel):
        claims: list[Claim]

    opening = [{"role": "system", "content": task["instructions"]}]
    for each in task["examples"]:
        reply = Abstract(claims=each["claims"]).model_dump_json()
        opening += [{"role": "user", "content": each["text"]}, {"role": "assistant", "content": reply}]
    client = library.from_openai(OpenAI(base_url=task["url"], api_key="none", max_retries=0), mode=library.Mode.JSON_SCHEMA)

    def ask(text: str) -> list[dict[str, Any]]:
        messages: Any = [*opening, {"role": "user", "content": text}]
        asked: dict[str, Any] = {"model": task["model"], "temperature": 0.0, "max_tokens": task["max_tokens"]}
        try:
            found = client.chat.completions.create(response_model=Abstract, messages=messages, max_retries=2, **asked)
        except InstructorError as error:
            print(f"{text.splitlines()[0]}: {type(error.__cause__ or error).__name__}", file=sys.stderr)
            return []
        return [claim.model_dump() for claim in found.claims]

    return of_each(task, ask)


def of_each(task: Task, ask: Callable[[str], list[dict[str, Any]]]) -> Claims:
    """What a library says of each document, three at once."""
    documents = task["documents"]
    with ThreadPoolExecutor(3) as pool:
        said = pool.map(ask, [document["text"] for document in documents])
        return {document["id"]: claims for document, claims in zip(documents, said, strict=True)}


PEERS: dict[str, Callable[[Task], Claims]] = {"langextract": langextract, "instructor": instructor}

if __name__ == "__main__":
    answers, sys.stdout = sys.stdout, sys.stderr  # libraries print
    print(json.dumps(PEERS[sys.argv[1]](json.load(sys.stdin))), file=answers)
