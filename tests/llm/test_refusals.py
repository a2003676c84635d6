"""What the words of a refusal mean, and what is read to the user."""

import json
from typing import Any

import pytest
from openai import APIStatusError

from extractor.llm.endpoints import resolve
from extractor.llm.refusals import Refusal
from extractor.llm.retries import Verdict, judge
from extractor.llm.transports import raise_status

ENDPOINT = resolve("openai/m", "http://127.0.0.1:1/v1", environ={})


def verdict(status: int, body: object) -> Verdict:
    """The judgement of an answer of that status and body."""
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    with pytest.raises(APIStatusError) as caught:
        raise_status("http://127.0.0.1:1/v1", status, {}, content)
    judged = judge(caught.value, ENDPOINT, 0.0)
    assert judged is not None
    return judged


def says(message: str, **more: Any) -> dict[str, Any]:
    """An error as OpenAI writes it."""
    return {"error": {"message": message, **more}}


KEY, CREDIT, MODEL = "OPENAI_API_KEY", "Add credit", "has the model"
STOPS: list[tuple[int, Any, str]] = [
    (400, {"fault": {"faultstring": "Invalid ApiKey", "detail": {"errorcode": "oauth.v2.InvalidApiKey"}}}, KEY),
    (400, says("Missing API key"), KEY),
    (400, says("You didn't provide an API key."), KEY),
    (400, {"message": "The security token included in the request is invalid."}, KEY),
    (422, says("x-api-key header is required"), KEY),
    (401, says("Missing Authentication header"), KEY),
    (500, says("no valid API key was passed"), KEY),
    (403, says("Access denied: the token has been revoked"), "Use a key"),
    (429, {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}, CREDIT),
    (429, says("You have run out of credits."), CREDIT),
    (429, says("Your account has reached its spending limit"), CREDIT),
    (403, says("Your account has no remaining balance"), CREDIT),
    (403, {"error": "Your usage limit has been reached, please top up"}, CREDIT),
    (400, says("Your free trial has expired. Please upgrade your plan"), CREDIT),
    (402, says("This request requires more credits, or fewer max_tokens."), CREDIT),
    (503, says("insufficient funds"), CREDIT),
    (404, says("The model `x` does not exist or you do not have access to it.", code="model_not_found"), MODEL),
    (400, says("model 'x' not found"), MODEL),
]
LIMITED = [
    says("Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day"),
    says("Quota exceeded for quota metric 'Generate Content API requests per minute'", status="RESOURCE_EXHAUSTED"),
    says("Rate limit reached for this API key"),
    says("Too many requests for your credit tier: 20 a minute"),
]
OF_THE_DOCUMENT = [
    (403, says("This input was flagged by moderation", code=403)),
    (400, says("The response was filtered due to Azure OpenAI's content management policy.", code="content_filter")),
    (400, says("Input is too long for requested model.")),
    (500, says("Requested token count exceeds the model's maximum context length of 131072 tokens.")),
    (400, says("roles must alternate")),
]


@pytest.mark.parametrize(("status", "body", "fix"), STOPS)
def test_what_every_later_document_would_meet_stops_the_job(status: int, body: Any, fix: str) -> None:
    judged = verdict(status, body)
    assert judged.outcome == "stops job"
    assert fix in judged.fix
    assert judged.free


@pytest.mark.parametrize("body", LIMITED)
def test_a_limit_on_the_rate_passes_whatever_it_speaks_of(body: Any) -> None:
    assert verdict(429, body).outcome == "rate limited"


@pytest.mark.parametrize(("status", "body"), OF_THE_DOCUMENT)
def test_what_is_about_one_text_fails_one_document(status: int, body: Any) -> None:
    assert verdict(status, body).outcome == "fails document"


SAID = {
    "xml": ("<Error><Code>NoKey</Code><Message>no such thing</Message></Error>", "no such thing"),
    "an event": ('data: {"error": {"message": "no events here"}}', "no events here"),
    "the place of a fault": ('{"detail": [{"loc": ["body", "seed"], "msg": "is not permitted"}]}', "seed: is not permitted"),
    "what another said": (
        '{"error": {"message": "Provider returned error", "metadata": {"raw": "out of luck"}}}',
        "out of luck",
    ),
    "other names": ('{"Response": {"Error": {"ErrorMessage": "out of luck", "ErrorCode": 7}}}', "out of luck"),
    "status above reason": ('{"title": "Bad Request", "detail": "out of luck", "status": 400}', "out of luck"),
}


@pytest.mark.parametrize("case", SAID)
def test_what_is_read_to_the_user(case: str) -> None:
    body, words = SAID[case]
    assert words in Refusal.of(body).said


@pytest.mark.parametrize("field", ["input", "ctx", "debug", "request", "messages", "prompt", "failed_generation", "headers"])
def test_what_only_repeats_the_request_is_not_read(field: str) -> None:
    refusal = Refusal.of({"detail": [{"msg": "too long", field: {"temperature": 1, "content": "an API key of no credit"}}]})
    assert refusal.said == "too long"
    assert refusal.words == "too long"
