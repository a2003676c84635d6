"""Batches: many requests handed to a provider at once, answered within a day at half the price.

A provider is a module: its `BatchService`, and how a line of its results is read.
"""

import json

from pydantic import SecretStr

from extractor.errors import JobError, UsageError
from extractor.llm import keys
from extractor.llm.batch.anthropic import AnthropicBatches
from extractor.llm.batch.openai import OpenAIBatches
from extractor.llm.batch.service import (
    ENDED,
    PRICE,
    Batch,
    BatchHandle,
    BatchService,
    Capacity,
    Full,
    QueueFullError,
    Result,
    State,
)
from extractor.llm.endpoints import Endpoint
from extractor.llm.limits import Clock

__all__ = [
    "ENDED",
    "PRICE",
    "Batch",
    "BatchHandle",
    "BatchService",
    "Capacity",
    "Full",
    "QueueFullError",
    "Result",
    "State",
    "read_result",
    "service_for",
]

_SERVICES: tuple[type[BatchService], ...] = (OpenAIBatches, AnthropicBatches)


def service_for(endpoint: Endpoint, key: SecretStr | None = None, clock: Clock | None = None) -> BatchService:
    """The batches of a model's provider. The key is looked for when none is given.

    Raises `UsageError` for a provider without batches, `JobError` where a key is needed and missing.
    """
    service = next((each for each in _SERVICES if each.serves(endpoint)), None)
    if service is None:
        fix = "Use a model of openai, azure or anthropic, a server that speaks OpenAI's batches, or run without --batch."
        raise UsageError(f"extractor knows no batches of {endpoint.provider}. {fix}")
    key = key or keys.get(endpoint.key_variable)
    if key is None and (endpoint.key_required or endpoint.base_url is None):
        fix = f"Set {endpoint.key_variable}, or store one with `extractor keys set`."
        raise JobError(f"no key for {endpoint.model}", fix)
    return service(endpoint, key, clock)


def read_result(line: bytes, key: SecretStr | None = None) -> Result | None:
    """A line of a provider's results file; None for anything else, and for a line that was cut off."""
    try:
        raw = json.loads(line)
    except ValueError:
        return None
    if not isinstance(raw, dict) or not isinstance(question := raw.get("custom_id"), str):
        return None
    results = (service.read_result(question, raw, key) for service in _SERVICES)
    return next((result for result in results if result is not None), None)
