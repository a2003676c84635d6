"""What is looked at: pages that need no other server, and what watches the service."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.service.serving import DOCUMENT, Running


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/start.js", "/docs/swagger-ui.css", "/v1/jobs/JOB/explore"])
def test_pages_ask_no_other_server_and_run_nothing_of_it(rules: Running, path: str) -> None:
    if "JOB" in path:
        id = rules.submit([DOCUMENT])
        rules.wait(id, "finished")
        path = path.replace("JOB", id)
    answer = rules.ask("GET", path)
    assert answer.status_code == 200
    assert re.findall(r"""(?:src|href|url|@import)\s*[=(:]?\s*["'(]?(?:https?:)?//""", answer.text) == []
    policy = answer.headers["content-security-policy"] + answer.text
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy


def test_the_page_runs_its_own_script_alone(rules: Running) -> None:
    answer = rules.ask("GET", "/")
    assert "$$" not in answer.text.replace("$${", "")
    assert answer.headers["content-security-policy"].count("'sha256-") == 2
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert re.search(r"\son\w+=|\sstyle=", answer.text.partition("<script>")[0]) is None


def test_every_file_of_swagger_ui_that_the_page_names_is_there(rules: Running) -> None:
    named = re.findall(r'(?:src|href)="([^"]+)"', rules.ask("GET", "/docs").text)
    assert len(named) == 4
    assert [rules.ask("GET", f"/{name}").status_code for name in named] == [200] * 4
    assert rules.ask("GET", "/docs/redoc.standalone.js").status_code == 404
    assert rules.ask("GET", "/docs/..%2f__init__.py").status_code == 404


def test_the_explorer_of_a_job_is_answered_and_tells_no_path(rules: Running) -> None:
    id = rules.submit([DOCUMENT, {"id": "bad"}])
    rules.wait(id, "finished")
    base = f"/v1/jobs/{id}/explore"
    assert rules.ask("GET", f"{base}/counts").json()["claims"] == 1
    rows = rules.ask("GET", f"{base}/rows", params={"kind": "speedup"}).json()["rows"]
    assert [(row["job"], row["quantity"]) for row in rows] == [(id, "2.3x")]
    failures = rules.ask("GET", f"{base}/failures").json()["rows"]
    assert [row["cause"] for row in failures] == ["no abstract"]
    assert str(rules.settings.jobs) not in repr([rows, failures])
    assert rules.ask("GET", f"{base}/document", params={"job": id, "document": "a"}).json()["document"]["document"] == "a"
    assert rules.ask("GET", f"{base}/document", params={"document": "none"}).status_code == 404
    assert rules.ask("GET", f"{base}/secrets").status_code == 422
    assert rules.ask("GET", f"{base}/rows", params={"sort": "password"}).status_code == 422


def test_what_was_done_is_counted_for_prometheus(rules: Running) -> None:
    def numbers() -> dict[tuple[str, ...], float]:
        families = text_string_to_metric_families(rules.ask("GET", "/metrics").text)
        return {(s.name, *sorted(s.labels.values())): s.value for family in families for s in family.samples}

    before = numbers()
    rules.ask("POST", "/v1/extract", json=[DOCUMENT, {"id": "bad"}])
    id = rules.submit([DOCUMENT, {"id": "bad"}, {**DOCUMENT, "id": "b"}])
    rules.wait(id, "finished")
    after = numbers()

    def more(name: str, *labels: str) -> float:
        sample = (name, *sorted(labels))
        return after[sample] - before.get(sample, 0.0)

    assert more("extractor_documents_total", "extract") == 2
    assert more("extractor_documents_total", "job") == 3
    assert more("extractor_failures_total", "extract", "no abstract") == 1
    assert more("extractor_failures_total", "job", "no abstract") == 1
    assert more("extractor_extract_seconds_count") == 1
    assert after["extractor_waiting", "extracts"] == 0
    assert after["extractor_jobs", "over"] >= 1
