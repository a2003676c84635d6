"""Clients of a model, each as its own documentation uses it: how much a call costs them. Started by `llm_client`.

    python -P clients.py NAME URL    then one JSON line a turn: {"documents": N, "in_flight": N} -> [CPU, wall] seconds of all

This file is run by the interpreters of other libraries' environments, so it imports each client's packages where that client is
used, and of the package only what its own clients need. All send the same instructions, documents and schema, langextract its
own; each reads the reply as far as it can, and a turn fails if the reply is not what the server has said.
"""

import asyncio
import contextlib
import json
import logging
import os
import resource
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Literal

Ask = Callable[[str], Awaitable[int]]
"""Sends one abstract; gives the number of claims in the reply."""
Opened = AbstractAsyncContextManager[Ask]

RULES = "Label each numbered mention of the abstract. " * 60
TITLE = "Planning Memory Before Work"
ABSTRACT = """Large models are often limited by the memory that they move, and not by the work that they do. We \
present {name}, a runtime that plans both together: it reads the graph of a model once, finds which tensors are alive \
at the same time, and lays them out so that most of the traffic stays on the chip. In contrast to earlier work it \
needs neither a profile of the workload nor changes to the model, and it falls back to the usual allocator where a \
plan would not pay. We collect 1,200 traces from 35 users to see which plans matter in practice. On an NVIDIA A100 \
GPU, {name} is 2.3x faster than the baseline and needs 40% less memory. It reaches 91.2% accuracy on ImageNet and \
answers in 12 ms. An ablation shows that the order in which tensors are placed matters more than where they are \
placed, and that a greedy order is good enough in most cases. We discuss what this means for runtimes that serve \
several models at once, where plans have to be made again whenever a model comes or goes, and release our code \
together with the traces."""
"""Holds six quantities, of which the last four are claims, and one device."""

CLAIM = {"subject": None, "effect": "better", "baseline": "the baseline", "dataset": None, "hardware": "NVIDIA A100"}
VALUE = {"subject": None, "effect": None, "baseline": None, "dataset": None, "hardware": "NVIDIA A100"}
CLAIMS: list[dict[str, Any]] = [
    {"mention": 3, "metric": None, "kind": "speedup", "comparison": "change", **CLAIM},
    {"mention": 4, "metric": "memory", "kind": "resource", "comparison": "change", **CLAIM},
    {"mention": 5, "metric": "accuracy", "kind": "accuracy", "comparison": "absolute", **VALUE, "dataset": "ImageNet"},
    {"mention": 6, "metric": None, "kind": "speed", "comparison": "absolute", **VALUE},
]
LABELS = {
    "system": None,
    "claims": CLAIMS,
    "not_claims": [1, 2],
    "hardware": [{"mention": 7, "role": "evaluated"}],
    "not_hardware": [],
    "missed": [],
}
QUANTITIES = ["2.3x", "40%", "91.2%", "12 ms"]
EXTRACTIONS = {
    "extractions": [
        {claim["kind"]: text, f"{claim['kind']}_attributes": {k: v for k, v in claim.items() if k not in ("kind", "mention")}}
        for claim, text in zip(CLAIMS, QUANTITIES, strict=True)
    ]
}
"""What langextract takes for the same reply."""


def abstract(number: int) -> str:
    """One of as many different abstracts as are asked for. Digits would be quantities, so letters count."""
    letters = "".join(chr(ord("a") + int(digit)) for digit in str(number))
    return ABSTRACT.replace("{name}", f"Plan{letters}")


def messages(text: str) -> list[dict[str, str]]:
    return [{"role": "system", "content": RULES}, {"role": "user", "content": f"{TITLE}\n{text}"}]


@asynccontextmanager
async def bare_aiohttp(url: str, form: dict[str, Any], in_flight: int) -> AsyncIterator[Ask]:
    """The least there is: encode, post, decode."""
    from aiohttp import ClientSession, TCPConnector

    async with ClientSession(connector=TCPConnector(limit=0)) as session:

        async def ask(text: str) -> int:
            body = {"model": "m", "temperature": 0.0, "response_format": form, "messages": messages(text)}
            async with session.post(f"{url}/chat/completions", json=body) as response:
                return len(json.loads(json.loads(await response.read())["choices"][0]["message"]["content"])["claims"])

        yield ask


@asynccontextmanager
async def openai(url: str, form: Any, in_flight: int) -> AsyncIterator[Ask]:
    """AsyncOpenAI, without retries."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:

        async def ask(text: str) -> int:
            said: Any = messages(text)
            reply = await client.chat.completions.create(model="m", temperature=0.0, response_format=form, messages=said)
            return len(json.loads(reply.choices[0].message.content or "")["claims"])

        yield ask


@asynccontextmanager
async def instructor(url: str, form: Any, in_flight: int) -> AsyncIterator[Ask]:
    """instructor over AsyncOpenAI, with the labels as its response model."""
    import instructor as library
    from openai import AsyncOpenAI
    from pydantic import BaseModel

    class ClaimLabel(BaseModel):
        mention: int
        metric: str | None
        subject: str | None
        kind: Literal["speedup", "speed", "accuracy", "resource"]
        comparison: Literal["absolute", "change", "fraction"]
        effect: Literal["better", "worse"] | None
        baseline: str | None
        dataset: str | None
        hardware: str | None

    class HardwareLabel(BaseModel):
        mention: int
        role: Literal["evaluated", "intended"]

    class Labels(BaseModel):
        system: str | None
        claims: list[ClaimLabel]
        not_claims: list[int]
        hardware: list[HardwareLabel]
        not_hardware: list[int]
        missed: list[str]

    async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as alone:
        client = library.from_openai(alone, mode=library.Mode.JSON_SCHEMA)

        async def ask(text: str) -> int:
            said: Any = messages(text)
            reply = await client.chat.completions.create(model="m", temperature=0.0, response_model=Labels, messages=said)
            return len(reply.claims)

        yield ask


@asynccontextmanager
async def litellm(url: str, form: Any, in_flight: int) -> AsyncIterator[Ask]:
    """litellm's acompletion, without retries."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else its import asks the network for prices
    from litellm import acompletion

    async def ask(text: str) -> int:
        to: dict[str, Any] = {"model": "openai/m", "api_base": url, "api_key": "none", "num_retries": 0, "max_retries": 0}
        reply = await acompletion(temperature=0.0, response_format=form, messages=messages(text), **to)
        return len(json.loads(reply.choices[0].message.content)["claims"])

    yield ask


@asynccontextmanager
async def extractor(url: str, form: Any, in_flight: int, *, caching: bool = False) -> AsyncIterator[Ask]:
    """The package's client: limits, retries, prices, validation and checks; if need be with a cache that knows nothing yet."""
    from tempfile import TemporaryDirectory

    from pydantic import SecretStr

    from extractor.labels import Labels
    from extractor.llm.cache import ReplyCache
    from extractor.llm.client import ModelClient, Settings
    from extractor.llm.limits import Limits

    settings = Settings(limits=Limits(concurrency=in_flight))
    with TemporaryDirectory() as folder:
        cache = ReplyCache(Path(folder) / "replies.sqlite3") if caching else None
        async with ModelClient(
            "openai/m", Labels, base_url=url, key=SecretStr("none"), settings=settings, cache=cache
        ) as client:

            def check(labels: Labels) -> list[str]:
                labelled = [claim.mention for claim in labels.claims] + list(labels.not_claims)
                return [f"mention {number} has no label" for number in range(1, 7) if number not in labelled]

            async def ask(text: str) -> int:
                return len((await client.ask(messages(text), check=check)).value.claims)

            yield ask


@asynccontextmanager
async def records(url: str, form: Any, in_flight: int) -> AsyncIterator[Ask]:
    """Whole records of the package: spotted, asked with the built-in prompt, and grounded."""
    from pydantic import SecretStr

    from extractor.documents import Document
    from extractor.labelling.models import ModelOptions, choose
    from extractor.worker import extract_document

    options = ModelOptions("openai/m", url, narrow="never", cache=False, concurrency=in_flight)
    async with choose(options, key=SecretStr("none")).open() as labelling:

        async def ask(text: str) -> int:
            return len((await extract_document(Document("d", TITLE, text), labelling.labeller)).claims)

        yield ask


def langextract(url: str, documents: int, in_flight: int) -> list[int]:
    """langextract's extract, in as many threads as calls are in flight, an abstract a chunk, its examples two of ours."""
    import langextract as lx
    from langextract.factory import ModelConfig

    names = [each["kind"] for each in CLAIMS]
    attributes = [
        {name: str(value) for name, value in each.items() if value and name not in ("kind", "mention")} for each in CLAIMS
    ]
    found = zip(names, QUANTITIES, attributes, strict=True)
    examples = [lx.data.ExampleData(abstract(0), [lx.data.Extraction(name, text, attributes=of) for name, text, of in found])]
    keys: dict[str, Any] = {"api_key": "none", "base_url": url, "max_workers": in_flight, "temperature": 0.0}
    results: Any = lx.extract(
        [lx.data.Document(abstract(number)) for number in range(documents)],
        prompt_description=RULES,
        examples=examples,
        config=ModelConfig(model_id="m", provider="openai", provider_kwargs=keys),
        max_char_buffer=4000,
        batch_length=in_flight,
        max_workers=in_flight,
        show_progress=False,
    )
    return [len(result.extractions) for result in results]


CLIENTS: dict[str, Callable[[str, Any, int], Opened]] = {
    "bare aiohttp": bare_aiohttp,
    "AsyncOpenAI": openai,
    "litellm": litellm,
    "instructor": instructor,
    "extractor": extractor,
    "extractor, caching": partial(extractor, caching=True),
    "extractor, records": records,
}


async def turn(
    client: Callable[[str, Any, int], Opened], url: str, form: Any, documents: int, in_flight: int
) -> tuple[float, float]:
    """CPU and wall seconds of so many documents, `in_flight` at once, the opening of the client left out."""
    numbers = iter(range(documents))

    async def worker(ask: Ask) -> None:
        for number in numbers:
            if (claims := await ask(abstract(number))) != len(CLAIMS):
                raise ValueError(f"the reply had {claims} claims instead of {len(CLAIMS)}")

    async with client(url, form, in_flight) as ask:
        cpu, wall = process_time(), perf_counter()
        await asyncio.gather(*(worker(ask) for _ in range(in_flight)))
        return process_time() - cpu, perf_counter() - wall


def blocking_turn(url: str, documents: int, in_flight: int) -> tuple[float, float]:
    """The same of langextract, which has no other way in."""
    cpu, wall = process_time(), perf_counter()
    if set(langextract(url, documents, in_flight)) != {len(CLAIMS)}:
        raise ValueError(f"a reply had not {len(CLAIMS)} extractions")
    return process_time() - cpu, perf_counter() - wall


def main() -> None:
    """Take the turns that standard input asks for."""
    name, url = sys.argv[1:]
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a connection for each call in flight
    logging.disable(logging.WARNING)  # some libraries say much where many calls wait
    form = json.loads(sys.stdin.readline())
    answers, sys.stdout = sys.stdout, sys.stderr  # libraries print
    with asyncio.Runner() as runner:
        for line in sys.stdin:
            asked = json.loads(line)
            threads = name == "langextract"
            taken = blocking_turn(url, **asked) if threads else runner.run(turn(CLIENTS[name], url, form, **asked))
            print(json.dumps(taken), file=answers, flush=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
