"""Which server a model's name means."""

import pytest

from extractor.errors import UsageError
from extractor.llm.endpoints import resolve

# model, base URL, environment -> address, name on the wire, direct, decoding constrained per request, prices hold
CASES = {
    "openai": ("openai/gpt-4o", None, {}, "https://api.openai.com/v1", "gpt-4o", True, False, True),
    "variable": ("openai/m", None, {"OPENAI_BASE_URL": "https://h.ai/v1/"}, "https://h.ai/v1", "m", True, False, False),
    "flag first": ("openai/m", "http://h:1/v1", {"OPENAI_BASE_URL": "http://x"}, "http://h:1/v1", "m", True, False, False),
    "loopback": ("openai/m", "http://127.0.0.1:8080", {}, "http://127.0.0.1:8080/v1", "m", True, True, False),
    "localhost": ("openai/m", "http://localhost:1234/v1", {}, "http://localhost:1234/v1", "m", True, True, False),
    "network": ("openai/m", "http://192.168.1.5:8000/v1/", {}, "http://192.168.1.5:8000/v1", "m", True, True, False),
    "whole": ("openai/m", "http://h/v1/chat/completions", {}, "http://h/v1", "m", True, False, False),
    "slash": ("openai/org/name", "http://h/api", {}, "http://h/api", "org/name", True, False, False),
    "azure": ("azure/d", "https://r.openai.azure.com", {}, "https://r.openai.azure.com/openai/v1", "d", True, False, True),
    "azure v1": ("azure/d", "https://r.x.com/openai/v1/", {}, "https://r.x.com/openai/v1", "d", True, False, True),
    "azure variable": ("azure/d", None, {"AZURE_API_BASE": "https://r/openai"}, "https://r/openai/v1", "d", True, False, True),
    "ollama": ("ollama/llama3", None, {}, "http://127.0.0.1:11434/v1", "llama3", True, True, True),
    "ollama elsewhere": ("ollama_chat/q", None, {"OLLAMA_API_BASE": "http://gpu:1"}, "http://gpu:1/v1", "q", True, True, False),
    "vllm": ("hosted_vllm/q", "http://gpu.lab.org:8000/v1", {}, "http://gpu.lab.org:8000/v1", "q", True, True, False),
    "lm studio": ("lm_studio/q", None, {}, "http://127.0.0.1:1234/v1", "q", True, True, True),
    "anthropic": ("anthropic/claude", None, {}, None, "anthropic/claude", False, False, True),
    "gemini": ("gemini/g", "http://127.0.0.1:9", {}, "http://127.0.0.1:9", "gemini/g", False, False, False),
}


@pytest.mark.parametrize("case", CASES)
def test_names_and_addresses(case: str) -> None:
    model, base_url, environ, address, served_as, direct, constrains, priced = CASES[case]
    found = resolve(model, base_url, environ)
    assert (found.base_url, found.served_as, found.direct) == (address, served_as, direct)
    assert (found.constrains_decoding, found.priced) == (constrains, priced)
    assert found.where == (address or found.provider)


def test_a_key_is_required_where_nothing_answers_without() -> None:
    assert resolve("openai/m", environ={}).key_required
    assert resolve("azure/m", "https://r.openai.azure.com", environ={}).key_required
    assert not resolve("openai/m", "http://127.0.0.1:8080/v1", environ={}).key_required
    assert not resolve("openai/m", "https://models.lab.org/v1", environ={}).key_required
    assert not resolve("ollama/m", environ={}).key_required


BAD = {
    "no provider": ("gpt-4o", None, r"'gpt-4o' names no provider\. .* openai/gpt-4o"),
    "no name": ("openai/", None, "names no provider"),
    "no address": ("azure/d", None, "no address for azure/d"),
    "no scheme": ("openai/m", "127.0.0.1:8080", "is not an http address"),
    "other scheme": ("openai/m", "file:///etc/passwd", "is not an http address"),
    "no host": ("openai/m", "http:///v1", "is not an http address"),
    "password": ("openai/m", "http://me:hunter2@h/v1", "holds more than an address"),
    "key in the query": ("openai/m", "http://h/v1?key=hunter2", "holds more than an address"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_model_or_no_address(case: str) -> None:
    model, base_url, words = BAD[case]
    with pytest.raises(UsageError, match=words) as caught:
        resolve(model, base_url, environ={})
    assert "hunter2" not in str(caught.value)
