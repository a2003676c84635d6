"""A property of `--max-cost`: a server's bill never passes the cap, and `spent_usd` is never less than the bill.

Each seed is a server with prices, lengths and manners of its own, and a job of several runs against it. The server bills what it
read and wrote also when the answer never arrives, and whatever usage it tells. Where it writes more than it was asked to, or
than anybody could know, the bill passes the cap by no more than docs/models.md says.
"""

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from aiohttp import web

from extractor.llm.parameters import LENGTHS
from tests.cli.jobs import job, real
from tests.labelling.model_server import ModelServer, right_labels, shown
from tests.llm.server import Act, Request, breaks_off, fails, hangs, resets
from tests.servers.dialects import CLAUDE, DEEPSEEK, GEMINI, MISTRAL, TOGETHER, Dialect
from tests.servers.house import KEY, run, write
from tests.servers.shapes import fastapi, in_kind, openai, refuses

SEEDS = range(12)
DOCUMENTS = sorted(real(60), key=lambda paper: len(paper["abstract"]))[:10]
MILLIONTH = 1e-6
UNKNOWN = 32_768
"""Tokens that are set aside for an answer where nothing bounds it."""
LOCAL = 4096
"""Tokens that a server on this machine is asked for unless told."""
MANNERS = (
    "answers",
    "no usage",
    "impossible",
    "breaks off",
    "resets",
    "fails",
    "hangs",
    "faulty",
    "empty",
    "ends in error",
    "slow",
)


def impossible(read: int, written: int) -> dict[str, Any]:
    """Usages that nobody can have had, or that are none, by what is wrong with them."""
    return {
        "negative": {"prompt_tokens": -read, "completion_tokens": -written},
        "very negative": {"prompt_tokens": read, "completion_tokens": -(2**70)},
        "zero": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        "nothing written": {"prompt_tokens": read, "completion_tokens": 0},
        "large": {"prompt_tokens": 2**70, "completion_tokens": 2**70},
        "long, read": {"prompt_tokens": 10**4000, "completion_tokens": written},
        "long, written": {"prompt_tokens": read, "completion_tokens": 10**4000},
        "strings": {"prompt_tokens": str(read), "completion_tokens": f"{written}"},
        "fractions": {"prompt_tokens": read + 0.5, "completion_tokens": 1e300},
        "truths": {"prompt_tokens": True, "completion_tokens": False},
        "null": {"prompt_tokens": None, "completion_tokens": None},
        "cached": {"prompt_tokens": read, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 2**70}},
        "less than nothing cached": {
            "prompt_tokens": read,
            "completion_tokens": 1,
            "prompt_tokens_details": {"cached_tokens": -(2**40)},
        },
        "total alone": {"total_tokens": read + written},
        "object": {},
        "list": [],
        "word": "free",
        "number": 7,
    }


@dataclass
class Till:
    """A server that bills. `read` and `written` are its prices for a million tokens, `longest` what it writes where nobody says.

    A `headstrong` one takes no limit: it refuses the parameters for it, or goes on writing.
    """

    dice: random.Random
    read: float
    written: float
    longest: int
    weights: list[float]
    headstrong: Literal["refuses", "goes on"] | None = None
    bill: float = 0.0
    hung: int = 0
    told: list[str] = field(default_factory=list)

    async def act(self, request: Request) -> web.StreamResponse:
        """Do something of what servers do, and bill it."""
        manner = self.dice.choices(MANNERS, self.weights)[0]
        if manner == "hangs":
            self.hung += 1
            manner = manner if self.hung <= 3 else "answers"  # each takes the job's time
        limit = next((name for name in LENGTHS if name in request.body), None)
        if limit and self.headstrong == "refuses":
            return await refuses(422, fastapi(["body", limit], "Extra inputs are not permitted"))(request)
        if manner == "fails" and self.dice.random() < 0.5:
            return await fails(self.dice.choice([429, 500, 503]))(request)  # at once, and free
        most = int(request.body[limit]) if limit and not self.headstrong else self.longest
        read = len(json.dumps(request.body)) // 5
        written = self.dice.choice([most, self.dice.randint(1, most)])
        self.bill += (read * self.read + written * self.written) * MILLIONTH
        self.told.append(manner)
        unanswered: dict[str, Act] = {"breaks off": breaks_off, "resets": resets, "hangs": hangs, "fails": fails(500)}
        if manner in unanswered:
            return await unanswered[manner](request)
        if manner == "slow":
            await asyncio.sleep(self.dice.uniform(0, 0.01))
        return await self.answer(request, manner, read, written)

    async def answer(self, request: Request, manner: str, read: int, written: int) -> web.StreamResponse:
        """An answer, good or bad, with the usage that its manner has."""
        labels = (await right_labels(shown(request))).model_dump_json()
        text = {"faulty": labels.replace('"system": ', '"system": "HAL 9000", "_": ')[: len(labels) // 2], "empty": ""}
        body = in_kind(request, text.get(manner, labels))
        body["usage"] = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
        if manner == "ends in error":
            body["choices"][0] |= {"finish_reason": "error", "error": {"code": 502, "message": "gone"}}
        if manner == "no usage" or (manner in {"faulty", "ends in error"} and self.dice.random() < 0.5):
            del body["usage"]
        if manner == "impossible":
            body["usage"] = self.dice.choice(list(impossible(read, written).values()))
        return web.json_response(body)


def till_of(seed: int) -> tuple[Till, random.Random]:
    """The server of a seed, and the dice that its job is thrown with."""
    dice = random.Random(seed)
    calm = seed % 3 == 0
    weights = [dice.uniform(0.2, 1) * (1 if not calm or manner in {"answers", "slow", "no usage"} else 0) for manner in MANNERS]
    weights[MANNERS.index("hangs")] *= 0.05
    read, written = dice.choice([0.0, 0.15, 3.0, 15.0]), dice.choice([0.6, 15.0, 75.0, 1000.0])
    return Till(random.Random(seed + 1000), read, written, dice.choice([1024, 2048]), weights), dice


@pytest.mark.parametrize("headstrong", ["refuses", "goes on"])
@pytest.mark.parametrize("seed", range(4))
def test_a_bill_passes_the_cap_by_what_calls_write_beyond_what_was_set_aside(
    seed: int, headstrong: Literal["refuses", "goes on"]
) -> None:
    till, dice = till_of(seed)
    till.headstrong, till.longest = headstrong, dice.choice([LOCAL // 2, UNKNOWN, UNKNOWN * 3])
    if seed % 2:
        till.weights = [float(manner in {"answers", "slow", "empty"}) for manner in MANNERS]  # those that tell
    calls, asked_for = dice.choice([1, 4, 8]), dice.choice([0, 500])
    known = UNKNOWN if headstrong == "refuses" else asked_for or LOCAL
    cap = (6000 * till.read + known * till.written) * MILLIONTH * dice.uniform(1, 6)
    options = ["--max-cost", f"{cap:.9f}", "--price", f"{till.read},{till.written}", "--concurrency", str(calls), "--no-cache"]
    options += ["--max-output-tokens", str(asked_for)] if asked_for else []
    write(DOCUMENTS)
    with ModelServer(till.act) as server:
        came = run(server, *options, "--timeout", "0.1")
    assert came.code in {0, 1, 3}, came.stderr
    untold = sum(manner not in {"answers", "slow", "empty"} for manner in till.told)
    beyond = max(0, till.longest - known) * till.written * MILLIONTH * (calls + untold)
    assert till.bill <= cap + beyond + MILLIONTH, f"${till.bill:.6f} billed at a cap of ${cap:.6f}"


def test_a_limit_that_a_server_does_not_take_is_counted_on_no_longer() -> None:
    """All eight calls under way learn it at the first: what each can cost now is more than is left."""
    till = Till(random.Random(1), read=0.0, written=1000.0, longest=20_000, weights=[1.0], headstrong="refuses")
    till.weights += [0.0] * (len(MANNERS) - 1)
    write(DOCUMENTS)
    options = ["--max-cost", "30", "--price", "0,1000", "--max-output-tokens", "1000", "--concurrency", "8"]
    with ModelServer(till.act) as server:
        came = run(server, *options)
    assert (came.code, till.bill) == (3, 0.0)
    assert "the next call may cost $32.7680" in came.said


@pytest.mark.parametrize("seed", SEEDS)
def test_no_bill_passes_the_cap(seed: int, environment: Callable[..., None]) -> None:
    till, dice = till_of(seed)
    most = dice.choice([300, 1000, 4000])
    write(DOCUMENTS)
    cap = (6000 * till.read + most * till.written) * MILLIONTH * dice.uniform(1, 12)
    options = ["--max-cost", f"{cap:.9f}", "--price", f"{till.read},{till.written}", "--max-output-tokens", str(most)]
    options += ["--concurrency", str(dice.choice([1, 4, 32])), "--timeout", "0.1", "--no-cache"]
    options += [[], ["--votes", "3"], ["--fallback", "openai/other"], ["--narrow-schema", "never"]][seed % 4]
    with ModelServer(till.act) as server:
        environment(OPENAI_API_KEY=KEY, OPENAI_BASE_URL=server.url)
        for _ in range(dice.choice([1, 2, 3])):
            came = run(server, *options)
            assert came.code in {0, 1, 3}, came.stderr
            assert till.bill <= cap * (1 + 1e-9), f"${till.bill:.6f} billed at a cap of ${cap:.6f}"
            spent = job()["spent_usd"]
            assert till.bill - MILLIONTH <= spent, f"${till.bill:.6f} billed, ${spent:.6f} counted"
            assert spent <= cap + MILLIONTH
    assert server.requests


def test_the_seeds_do_all_that_a_server_can_do(environment: Callable[..., None]) -> None:
    """What is tested above depends on the dice: each manner comes up, and each seed sends something."""
    seen: set[str] = set()
    for seed in SEEDS:
        till, _ = till_of(seed)
        seen |= {manner for manner, weight in zip(MANNERS, till.weights, strict=True) if weight > 0}
    assert seen == set(MANNERS)


def test_a_job_that_costs_less_than_its_cap_is_not_held_up_by_it() -> None:
    """A reservation is given back: ten answers of a tenth of the longest fit under a cap of three longest ones."""

    async def act(request: Request) -> web.StreamResponse:
        body = in_kind(request, (await right_labels(shown(request))).model_dump_json())
        body["usage"] = {"prompt_tokens": 100, "completion_tokens": 100, "total_tokens": 200}
        return web.json_response(body)

    write(DOCUMENTS)
    with ModelServer(act) as server:
        came = run(server, "--max-cost", "3", "--price", "0,1000", "--max-output-tokens", "1000", "--concurrency", "8")
    assert (came.code, len(came.done)) == (0, len(DOCUMENTS))
    assert job()["spent_usd"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    "dialect", [CLAUDE, GEMINI, MISTRAL, TOGETHER, DEEPSEEK], ids=lambda dialect: dialect.model.partition("/")[0]
)
@pytest.mark.parametrize("usage", [None, {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}], ids=["none", "zero"])
def test_a_reply_without_usage_is_counted_through_litellm_too(
    dialect: Dialect, usage: object, environment: Callable[..., None]
) -> None:
    environment(**{dialect.variable: KEY})
    bill = 0.0

    async def act(request: Request) -> web.StreamResponse:
        nonlocal bill
        bill += 0.8  # of the thousand that it may write
        body = in_kind(request, (await right_labels(shown(request))).model_dump_json())
        body |= {"usage": usage}
        return web.json_response(body)

    write(DOCUMENTS)
    with ModelServer(dialect.speaks(act)) as server:
        options = ["--max-cost", "2.5", "--price", "0,1000", "--max-output-tokens", "1000"]
        came = run(server, *options, model=dialect.model, path=dialect.path)
    assert (came.code, len(came.requests)) == (3, 2), came.stderr
    assert bill <= job()["spent_usd"] <= 2.5


@pytest.mark.parametrize(
    "act",
    [breaks_off, resets, fails(500), refuses(200, openai("gone", code=502))],
    ids=["breaks", "resets", "500", "502 in a 200"],
)
def test_a_call_that_left_costs_its_reservation(act: Act) -> None:
    with ModelServer(act) as server:
        came = run(server, "--max-cost", "3.5", "--price", "0,1000", "--max-output-tokens", "1000", "--no-cache")
        assert came.code == 3
        assert 1 <= len(came.requests) <= 3
        assert job()["spent_usd"] == pytest.approx(len(came.requests))
        again = run(server, "--max-cost", "3.5", "--price", "0,1000", "--max-output-tokens", "1000", "--no-cache")
        assert len(came.requests) + len(again.requests) <= 3
    assert "cap is spent" in again.said


@pytest.mark.parametrize("case", [case for case in impossible(1, 1) if "cached" not in case])
def test_a_usage_that_cannot_be_is_not_believed(case: str) -> None:
    bill = 0.0

    async def act(request: Request) -> web.StreamResponse:
        nonlocal bill
        bill += 0.8  # of the thousand that it may write
        body = in_kind(request, (await right_labels(shown(request))).model_dump_json())
        body["usage"] = impossible(1000, 800)[case]
        return web.json_response(body)

    write(DOCUMENTS)
    with ModelServer(act) as server:
        came = run(server, "--max-cost", "2.5", "--price", "0,1000", "--max-output-tokens", "1000")
    assert (came.code, len(came.requests)) == (3, 2), came.stderr
    assert bill <= job()["spent_usd"] <= 2.5


@pytest.mark.parametrize("case", ["cached", "less than nothing cached"])
def test_more_tokens_of_a_cache_than_were_read_make_nothing_cheaper(case: str, environment: Callable[..., None]) -> None:
    """With a published price, tokens of the provider's cache are cheaper: 2**70 of them would pay for all the others."""
    environment(AZURE_API_KEY=KEY)

    async def act(request: Request) -> web.StreamResponse:
        body = in_kind(request, (await right_labels(shown(request))).model_dump_json())
        body["usage"] = impossible(1000, 800)[case]
        return web.json_response(body)

    with ModelServer(act) as server:
        run(server, model="azure/gpt-4o-mini", path="")
    assert 0 < job()["spent_usd"] < 1


@pytest.mark.parametrize("status", [400, 429])
def test_a_call_that_was_turned_down_costs_nothing(status: int) -> None:
    with ModelServer(refuses(status, openai("no"))) as server:
        came = run(server, "--max-cost", "1.5", "--price", "0,1000", "--max-output-tokens", "1000", "--no-cache")
    assert (came.code, len(came.failures)) == (1, 3)
    assert job()["spent_usd"] == 0
