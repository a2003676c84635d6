"""The simulation of a cluster says what follows from its constants, and the document what it says."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.scaling import PLANS, Constants, Plan, main, simulate, table

DOCUMENT = Path(__file__).parents[2] / "docs" / "scaling.md"
FEW = 1_000_000
OF = Constants()
RULES, ONLINE, BATCHES, OWN = PLANS[0], PLANS[1], PLANS[3], PLANS[5]


def test_the_document_shows_the_table_of_the_constants() -> None:
    assert "\n".join(table(OF, 250_000_000, [1, 10, 100])) in DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("plan", "machines", "changed", "limit", "hours"),
    [
        pytest.param(RULES, 1, {}, "cores", FEW * OF.rules_s / (OF.cores - 1) / 3600, id="one machine"),
        pytest.param(RULES, 10, {"network_bytes": 1e15}, "driver", FEW * OF.read_s / 3600, id="ten machines"),
        pytest.param(RULES, 10, {"store_bytes": 1e6}, "file system", FEW * OF.record_bytes / 1e6 / 3600, id="slow file system"),
        pytest.param(ONLINE, 10, {}, "provider", FEW * 0.1 * OF.called / OF.calls_a_minute / 60, id="provider"),
        pytest.param(
            Plan("all", 1.0, "online"), 10, {"tokens_a_minute": 3e6}, "provider", FEW * OF.called * 3006 / 3e6 / 60, id="tokens"
        ),
        pytest.param(
            ONLINE, 1, {"concurrency": 4}, "latency", FEW * 0.1 * OF.called * OF.latency_s / 4 / 3600, id="few at once"
        ),
        pytest.param(OWN, 1, {}, "model's machines", FEW * 0.1 * OF.called / OF.gpu_calls / 3600, id="own model"),
        pytest.param(BATCHES, 1, {}, "provider", 24 * FEW * 0.1 * OF.called * 3006 / OF.batch_tokens_a_day, id="batches"),
    ],
)
def test_what_is_busy_longest_is_the_limit_and_makes_the_time(
    plan: Plan, machines: int, changed: dict[str, Any], limit: str, hours: float
) -> None:
    of = replace(OF, start_s=0.0, shard=1000, **changed)
    came = simulate(of, plan, FEW, machines)
    assert came.limit == limit
    assert hours <= came.hours * 1.0001 <= hours * 1.05


def test_what_it_costs_is_the_price_of_the_tokens_and_of_the_machines() -> None:
    online, batches = (simulate(OF, plan, FEW, 10) for plan in (ONLINE, BATCHES))
    tokens = FEW * 0.1 * OF.called * (OF.input_tokens * OF.input_usd + OF.output_tokens * OF.output_usd) / 1e6
    assert (online.model_usd, batches.model_usd) == pytest.approx((tokens, tokens / 2))
    assert online.machines_usd == pytest.approx(online.hours * 10 * OF.machine_usd)
    assert simulate(OF, RULES, FEW, 10).model_usd == 0.0


def test_another_constant_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--documents", "150000", "--machines", "1", "--set", "rules_s=3.6", "--set", "start_s=0"]) == 0
    assert "| rules | 1 | 10.0 h | cores | 100% |" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["--set", "nothing=1"])
