"""What stops a job in one line, what is waited for, what ends one document; and the words of it, wherever the server puts them."""

import json
import re
from typing import Any

import pytest
from aiohttp import web

from tests.labelling.model_server import ModelServer, shown
from tests.llm.server import Request, completion
from tests.servers.house import FEW, KEY, PAPERS, echoing, run
from tests.servers.shapes import at_first, fastapi, for_one, google, once, openai, page, refuses, replies, right

# status, body, words that the user reads

WRONG_KEY: dict[str, tuple[int, Any, str]] = {
    "cut off": (401, openai(f"Incorrect API key provided: {KEY[:9]}****{KEY[-4:]}. You can find yours at the console."), "Incorrect API key"),
    "list": (400, google("API key not valid. Please pass a valid API key."), "API key not valid"),
    "expired": (400, google("API key expired. Please renew the API key."), "API key expired"),
    "list 401": (401, google("Request had invalid authentication credentials.", 401, "UNAUTHENTICATED"), "invalid authentication"),
    "list 403": (403, google("Permission denied: the consumer has been suspended.", 403, "PERMISSION_DENIED"), "has been suspended"),
    "detail": (401, {"detail": "Invalid token"}, "Invalid token"),
    "message": (401, {"message": "Unauthorized", "request_id": "4f"}, "Unauthorized"),
    "string": (401, {"error": "invalid_api_key"}, "invalid_api_key"),
    "a code in a 400": (400, openai("We do not know who you are.", code="invalid_api_key"), "We do not know who you are"),
    "a type in a 400": (400, openai("Nobody is called that.", type="authentication_error"), "Nobody is called that"),
    "proxy": (400, openai(f"Authentication Error, Invalid proxy server token passed. Received API Key = {KEY}", type="auth_error"), "Invalid proxy server token"),
    "fails": (401, openai(f"Authentication Fails, Your api key: ****{KEY[-4:]} is invalid", type="authentication_error"), "Authentication Fails"),
    "422": (422, {"error": "the api key is invalid", "error_type": "auth"}, "the api key is invalid"),
    "500": (500, {"message": f"invalid api key: {KEY}"}, "invalid api key"),
    "text": (401, "no valid bearer token\n", "no valid bearer token"),
    "page": (401, page("401 Authorization Required"), "Authorization Required"),
    "inside a 200": (200, {"error": {"code": 401, "message": "No auth credentials found"}}, "No auth credentials found"),
    "a string in a 200": (200, {"error": "Not for you", "status": 401}, "Not for you"),
    "a header": (422, fastapi(["header", "x-api-key"], "Field required", "missing"), "Field required"),
    "no header": (400, openai("Unauthorized: No Authorization header"), "No Authorization header"),
    "login": (400, {"base_resp": {"status_code": 1004, "status_msg": "login fail: carry the API secret key"}}, "login fail"),
    "another language": (400, openai("无效的令牌", type="new_api_error"), "无效的令牌"),
    "the proxy's": (407, "Proxy Authentication Required", "Proxy Authentication Required"),
}  # fmt: skip

NO_CREDIT: dict[str, tuple[int, Any, str]] = {
    "balance in a 400": (400, openai("Your credit balance is too low to access the API. Please go to Plans & Billing.", type="invalid_request_error"), "credit balance is too low"),
    "list": (429, google("You exceeded your current quota, please check your plan and billing details.", 429, "RESOURCE_EXHAUSTED"), "exceeded your current quota"),
    "quota": (429, openai("You exceeded your current quota.", type="insufficient_quota", code="insufficient_quota"), "exceeded your current quota"),
    "recharge": (429, openai("Error: account has insufficient balance, please recharge"), "insufficient balance"),
    "suspended": (429, openai("Your account org-1 is suspended due to insufficient balance, please check your plan.", type="exceeded_current_quota_error"), "insufficient balance"),
    "not active": (429, openai("Your account is not active, please check the details on our website.", code="billing_not_active"), "account is not active"),
    "hard limit": (400, openai("Billing hard limit has been reached", code="billing_hard_limit_reached"), "Billing hard limit"),
    "402": (402, {"error": "You have exceeded your monthly included credits. Subscribe to get 20x more."}, "monthly included credits"),
    "402 balance": (402, openai("Insufficient Balance", type="unknown_error"), "Insufficient Balance"),
    "403": (403, {"code": "The account has no credits left", "error": "Purchase credits on the console to go on."}, "credits"),
    "code alone": (403, openai("The call was refused.", code="insufficient_user_quota"), "The call was refused"),
    "arrearage": (400, {"code": "Arrearage", "message": "Access denied, please make sure your account is in good standing."}, "good standing"),
    "resource package": (429, openai("Insufficient balance or no resource package. Please recharge.", code="1113"), "no resource package"),
    "503": (503, {"message": "insufficient credits: add more to use this model"}, "insufficient credits"),
    "detail": (429, {"detail": "Your prepaid credits are used up."}, "credits are used up"),
    "inside a 200": (200, {"error": {"code": 402, "message": "This request requires more credits. Add them."}}, "more credits"),
    "usage limit": (400, openai("You have reached your specified API usage limits. You will regain access on 2026-12-01."), "usage limits"),
    "no billing": (403, google("Billing is not enabled for this project", 403), "Billing is not enabled"),
    "another language": (403, openai("用户额度不足"), "用户额度不足"),
    "no free account": (429, google("You exceeded your current quota. Quota exceeded for metric: free_tier_requests, limit: 0. Please retry in 5s.", 429), "exceeded your current quota"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "case"), [*(("key", case) for case in WRONG_KEY), *(("credit", case) for case in NO_CREDIT)])
def test_a_wrong_key_and_an_empty_account_stop_the_job_in_one_line(kind: str, case: str) -> None:
    status, body, words = (WRONG_KEY if kind == "key" else NO_CREDIT)[case]
    with ModelServer(echoing(refuses(status, body))) as server:
        came = run(server)
    assert (came.code, came.done, came.failures, len(came.requests)) == (1, [], [], 1)
    [line] = came.stderr.splitlines()
    assert words in line
    assert re.search(r"Set OPENAI_API_KEY|Use a key" if kind == "key" else r"Add credit", line)


def test_what_is_done_before_the_credit_ends_is_kept() -> None:
    async def act(request: Request) -> web.StreamResponse:
        first = shown(request).title == PAPERS[0]["title"]
        return await (right() if first else refuses(400, openai("Your credit balance is too low")))(request)

    with ModelServer(echoing(act)) as server:
        came = run(server)
    assert (came.code, len(came.done), len(came.requests)) == (3, 1, 2)
    assert "the same command goes on from there" in came.said


# Limits on the rate: they pass, whatever else their words hold

RATE: dict[str, Any] = {
    "payment": openai("Rate limit reached for gpt-4o in organization org-1 on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 2s. You can increase your rate limit by adding a payment method to your account at https://platform.invalid/account/billing.", code="rate_limit_exceeded"),
    "list": google("Resource has been exhausted (e.g. check quota).", 429, "RESOURCE_EXHAUSTED"),
    "quota a minute": openai("Requests per minute quota reached for this model, slow down.", type="requests"),
    "detail": {"detail": "Too many requests"},
    "text": "Too Many Requests\n",
    "page": page("429 Too Many Requests"),
    "credits": openai("Too many requests for your credit tier: 20 a minute. Wait a little."),
    "balance": {"message": "The load balancer asks you to slow down."},
    "a free account's minute": google("You exceeded your current quota, please check your plan and billing details. Quota exceeded for metric: free_tier_requests, limit: 15\nPlease retry in 33.6s.", 429),
}  # fmt: skip


@pytest.mark.parametrize("case", RATE)
def test_a_limit_on_the_rate_is_waited_for_and_told_with_until_when(case: str) -> None:
    act = once(refuses(429, RATE[case], {"Retry-After": "90"}))
    with ModelServer(echoing(act())) as server:
        came = run(server)
    assert (came.code, len(came.done), len(came.requests)) == (0, FEW, FEW + 1)
    assert re.search(r"429.*until \d\d:\d\d", came.said)


def test_a_limit_that_is_met_often_is_told_once_while_it_lasts() -> None:
    with ModelServer(echoing(at_first(refuses(429, openai("slow down"), {"Retry-After": "60"}), times=3)())) as server:
        came = run(server)
    assert (came.code, len(came.done), len(came.requests)) == (0, FEW, 4 * FEW)
    assert 1 <= len(re.findall(r"until \d\d:\d\d", came.said)) <= FEW


def test_a_short_wait_is_not_worth_a_line() -> None:
    with ModelServer(echoing(once(refuses(429, openai("slow down"), {"Retry-After": "1"}))())) as server:
        came = run(server)
    assert (came.code, len(came.done)) == (0, FEW)
    assert "until" not in came.said


# What is tried again

FAILED = {"failed_generation": '{"system": "Rex", "claims": [{'}
AGAIN: dict[str, Any] = {
    "json_validate_failed": refuses(400, openai("Failed to generate JSON. Please adjust your prompt. See 'failed_generation'.", code="json_validate_failed", **FAILED)),
    "tool_use_failed": refuses(400, openai("Failed to call a function. Please adjust your prompt.", code="tool_use_failed", **FAILED)),
    "a type": refuses(400, openai("The model's output is not valid JSON.", type="json_validate_failed")),
    "no match": refuses(400, openai("Generated JSON does not match the expected schema. Please adjust your prompt.", code="json_validate_failed", **FAILED)),
    "an error for an ending": replies(lambda _labels: {"content": ""}, finish="error", error={"code": 502, "message": "Upstream error"}),
    "an error without a number": replies(lambda _labels: {"content": '{"sys'}, finish="error", error={"message": "Provider disconnected"}),
    "an error for an ending alone": replies(lambda _labels: {"content": ""}, finish="error"),
    "error inside a 200": refuses(200, {"error": {"code": 502, "message": "Provider returned error"}}),
    "error in words inside a 200": refuses(200, {"error": {"code": "server_error", "message": "Try again"}}),
    "error in a string inside a 200": refuses(200, {"error": "the engine is starting"}),
    "no choice": refuses(200, completion(None) | {"choices": []}),
    "null": refuses(200, completion(None) | {"choices": None}),
    "loading": refuses(503, {"error": "Model is currently loading", "estimated_time": 20.0}),
    "too early": refuses(425, {"detail": "too early"}),
    "overloaded": refuses(529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    "page": refuses(502, page("502 Bad Gateway")),
}  # fmt: skip


@pytest.mark.parametrize("case", AGAIN)
def test_what_passes_is_asked_again(case: str) -> None:
    with ModelServer(echoing(at_first(AGAIN[case])())) as server:
        came = run(server)
    assert (came.code, len(came.done), len(came.requests)) == (0, FEW, 2 * FEW)
    assert "JSON Schema" not in came.said  # it has done nothing wrong


@pytest.mark.parametrize("case", ["json_validate_failed", "tool_use_failed", "an error for an ending"])
def test_what_does_not_pass_ends_its_document_alone(case: str) -> None:
    with ModelServer(echoing(for_one(AGAIN[case])())) as server:
        came = run(server)
    assert (came.code, len(came.done), len(came.failures)) == (3, FEW - 1, 1)
    assert FEW + 1 < len(came.requests) < FEW + 6
    assert "failed_generation" not in came.said
    assert '"claims"' not in json.dumps(came.failures)


# Where a server puts what it has to say

WORDS = "The verses of this text upset our filter"
BODIES: dict[str, Any] = {
    "openai": openai(WORDS),
    "string": {"error": WORDS},
    "message": {"message": WORDS, "code": 20015, "data": None},
    "detail": {"detail": WORDS},
    "list": google(WORDS),
    "nested detail": {"object": "error", "message": fastapi(["body", "messages"], WORDS)},
    "validation": fastapi(["body", "messages", 1, "content"], WORDS),
    "errors": {"errors": [{"message": WORDS}], "success": False},
    "errors in an error": {"error": {"errors": [{"message": WORDS, "domain": "global"}], "code": 400}},
    "errors as strings": {"errors": [WORDS]},
    "json in a string": openai(json.dumps(openai(WORDS))),
    "json in a string of a list": {"error": {"message": json.dumps(google(WORDS)), "code": 400}},
    "what another has said": openai("Provider returned error", metadata={"raw": json.dumps(openai(WORDS)), "provider_name": "X"}),
    "what another has said in text": openai("Provider returned error", metadata={"raw": WORDS}),
    "problem": {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": WORDS},
    "capitals": {"Message": WORDS},
    "msg": {"code": 400, "msg": WORDS},
    "reason": {"error": {"code": 400, "details": [{"reason": WORDS}]}},
    "string alone": json.dumps(WORDS),
    "text": WORDS + "\n",
    "page": page(WORDS),
    "page with a plain title": page("400 Bad Request", WORDS),
    "lines": openai(f"\n\n  {WORDS}\n"),
}  # fmt: skip


@pytest.mark.parametrize("case", BODIES)
def test_the_first_useful_sentence_of_an_error_is_read_to_the_user(case: str) -> None:
    with ModelServer(echoing(for_one(refuses(400, BODIES[case]))())) as server:
        came = run(server)
    assert (came.code, len(came.done), len(came.requests)) == (3, FEW - 1, FEW)
    [failure] = came.failures
    assert WORDS in failure["cause"]
    assert WORDS in came.said
    assert len(failure["cause"]) < 400
    assert "<" not in failure["cause"].replace("<model>", "")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="nothing"),
        pytest.param("\x00\x01\x02", id="bytes"),
        pytest.param("[]", id="empty list"),
        pytest.param("{}", id="empty object"),
        pytest.param("null", id="null"),
        pytest.param('{"error": null}', id="null error"),
        pytest.param('{"error": {"message": {"a": {"b": [1, 2, {"c": null}]}}}}', id="nothing in depth"),
        pytest.param('{"error": ' * 5000 + "1" + "}" * 5000, id="depth"),
        pytest.param("[" * 100_000, id="brackets"),
        pytest.param(json.dumps(openai("x" * 100_000)), id="length"),
        pytest.param('{"error": {"message": "\x1b[31mred\x1b[0m \\u001b]0;title\\u0007 \\ud800"}}', id="escapes"),
    ],
)
def test_an_error_that_says_nothing_is_a_line_all_the_same(body: str) -> None:
    async def act(request: Request) -> web.StreamResponse:
        return web.Response(text=body, status=400, content_type="application/json")

    with ModelServer(for_one(act)()) as server:
        came = run(server)
    assert (came.code, len(came.done), len(came.requests)) == (3, FEW - 1, FEW)
    [failure] = came.failures
    assert "answered 400" in failure["cause"]
    assert len(failure["cause"]) < 400
    assert "\x1b" not in came.stderr
