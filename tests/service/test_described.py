"""What the description of the addresses allows and forbids: no answer to it is a bug's, and each is a described one.

More of the same takes `schemathesis run http://127.0.0.1:8080/openapi.json --max-examples 500` against a service that runs.
"""

from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from tests.service.serving import DOCUMENT, Running

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 8


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["allowed", "forbidden"])
def test_every_answer_is_a_described_one(rules: Running, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_url(f"{rules.url}/openapi.json")
    id = rules.submit([DOCUMENT])
    rules.wait(id, "finished")
    asked = []
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    for operation in operations if mode is GenerationMode.POSITIVE else [each for each in operations if each.query]:

        @settings(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: "schemathesis.Case[Any]") -> None:
            if case.path_parameters and case.method != "DELETE" and len(repr(case.query)) % 2 == 0:
                case.path_parameters["id"] = id
            case.call_and_validate(checks=CHECKS, timeout=20)

        with suppress(Unsatisfiable):  # an address that takes nothing is never asked wrongly
            ask()
            asked.append(operation.label)
    assert len(asked) >= 3
