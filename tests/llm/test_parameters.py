"""What of a request a server takes, learned from its refusals."""

from typing import Any

import pytest

from extractor.llm.parameters import Parameters
from extractor.llm.refusals import Refusal
from extractor.llm.structured import Mode, Template
from tests.llm.support import Pet


def learned(status: int | None, refusal: Refusal, given: dict[str, Any] | None = None, **more: Any) -> tuple[Parameters, bool]:
    """What a refusal of one request leaves, and whether it is worth another."""
    parameters = Parameters("m", given or {"model": "m", "temperature": 0.0, "seed": 1}, lambda _line: None)
    template = Template(parameters.mode, Pet, dict(parameters.given))
    return parameters, parameters.adapt(template, status, refusal, **{"keep_length": False, **more})


def words(message: str, **more: str) -> Refusal:
    """A refusal in those words."""
    return Refusal.of({"error": {"message": message, **more}})


REFUSALS = {
    "openai": (400, "Invalid schema for response_format 'Labels': ...", True),
    "vllm": (400, "guided decoding backend does not support this grammar", True),
    "unprocessable": (422, "response_format: extra inputs are not permitted", True),
    "openrouter": (404, "No endpoints found that support tool use", True),
    "length": (400, "This model's maximum length is 8192 tokens", False),
    "error of the server": (500, "response_format crashed", True),
    "other status": (503, "response_format crashed", False),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_which_refusals_are_of_the_structure(case: str) -> None:
    status, message, refused = REFUSALS[case]
    parameters, again = learned(status, words(message))
    assert again is refused
    assert (parameters.mode is Mode.TOOLS) is refused


def test_a_text_that_is_too_long_is_no_refusal_of_the_schema() -> None:
    message = "9000 tokens (8000 in the messages, 1000 in the schema)"
    assert not learned(400, words(message, code="context_length_exceeded"))[1]


PARAMETERS = {
    "unsupported": (400, words("Unsupported parameter: 'seed' is not supported with this model."), "seed"),
    "deprecated": (400, words("`temperature` is deprecated for this model."), "temperature"),
    "place alone": (422, Refusal.of({"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}), "seed"),
    "of the text": (400, words("The text speaks of temperature", code="content_filter"), None),
    "of another name": (400, words("temperatures are wrong"), None),
    "error of the server": (503, words("temperature unsupported"), None),
    "wrong key": (401, words("temperature unsupported"), None),
}


@pytest.mark.parametrize("case", PARAMETERS)
def test_which_parameter_was_refused(case: str) -> None:
    status, refusal, name = PARAMETERS[case]
    parameters, again = learned(status, refusal)
    assert again is (name is not None)
    assert {"temperature", "seed"} - set(parameters.given) == ({name} - {None})


def test_a_length_is_lowered_to_what_the_server_says_or_halved_and_left_out_in_the_end() -> None:
    given = {"model": "m", "max_tokens": 4096}
    assert learned(400, words("max_tokens may be at most 1,500, not 4096"), given)[0].length == 1500
    assert learned(400, words("max_tokens is too large"), given)[0].length == 2048
    assert learned(400, words("max_tokens is too large for claude-3-5 and llama-3.3-70b"), given)[0].length == 2048
    assert learned(400, words("max_tokens: 4096 > 2000, the maximum of claude-3-5-2024"), given)[0].length == 2000
    assert learned(400, words("context_length_exceeded"), given)[0].length == 2048
    assert learned(400, words("context_length_exceeded"), given, keep_length=True)[0].length == 4096
    assert learned(400, words("context_length_exceeded"), {"model": "m", "max_tokens": 1500})[0].length is None


def test_what_another_call_has_met_meanwhile_changes_nothing() -> None:
    lines: list[str] = []
    parameters = Parameters("m", {"model": "m", "temperature": 0.0}, lines.append)
    template = Template(parameters.mode, Pet, dict(parameters.given))
    refusal = words("no temperature, please")
    assert [parameters.adapt(template, 400, refusal, keep_length=False) for _ in range(2)] == [True, True]
    assert lines == ["m does not take 'temperature'; going on without it."]
    assert not parameters.adapt(Template(parameters.mode, Pet, dict(parameters.given)), 400, refusal, keep_length=False)
