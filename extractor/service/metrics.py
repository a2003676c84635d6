"""What a service has done, for Prometheus: documents, calls, tokens, dollars, failures by cause, who waits."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from extractor.jobs.job import Counts
from extractor.jobs.state import kind_of

_CAUSES = 100
"""Causes that are told apart; those that come later are one."""
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Metrics:
    """Counters since the service began, by the way that documents came: `extract` or `job`. Any thread may count."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._documents = Counter("extractor_documents", "Documents worked off.", ["via"], registry=registry)
        self._failures = Counter("extractor_failures", "Documents without a record.", ["via", "cause"], registry=registry)
        self._calls = Counter("extractor_calls", "Calls of a model.", ["via"], registry=registry)
        self._tokens = Counter("extractor_tokens", "Tokens of calls.", ["via", "direction"], registry=registry)
        self._dollars = Counter("extractor_dollars", "US dollars of calls with a known price.", ["via"], registry=registry)
        self._seconds = Histogram(
            "extractor_extract_seconds", "Seconds from a request to its records.", buckets=_SECONDS, registry=registry
        )
        self._causes: set[str] = set()

    def watch(self, name: str, about: str, values: Callable[[], Mapping[str, float]], label: str) -> None:
        """Show numbers that are asked for when somebody looks, each with its value of a label."""
        self._registry.register(_Watched(name, about, values, label))

    def answered(self, counts: Counts, causes: Iterable[str], seconds: float) -> None:
        """Count what a request for records has come to."""
        self.count(counts, Counts(), via="extract")
        self.failed(causes, via="extract")
        self._seconds.observe(seconds)

    def count(self, now: Counts, before: Counts, via: str = "job") -> None:
        """Count what has been done since `before`. A job that drops what it had counted does not count back."""
        for counter, new, old in (
            (self._documents.labels(via), now.documents, before.documents),
            (self._calls.labels(via), now.calls, before.calls),
            (self._tokens.labels(via, "in"), now.input_tokens, before.input_tokens),
            (self._tokens.labels(via, "out"), now.output_tokens, before.output_tokens),
            (self._dollars.labels(via), now.cost_usd or 0.0, before.cost_usd or 0.0),
        ):
            counter.inc(max(0.0, new - old))

    def failed(self, causes: Iterable[str], via: str = "job") -> None:
        """Count failures by their cause, without the names and numbers in it."""
        for cause in causes:
            kind = kind_of(cause)
            if kind not in self._causes and len(self._causes) >= _CAUSES:
                kind = "other"
            self._causes.add(kind)
            self._failures.labels(via, kind).inc()

    def page(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self._registry)


class _Watched(Collector):
    def __init__(self, name: str, about: str, values: Callable[[], Mapping[str, float]], label: str) -> None:
        self._about, self._values = (name, about, [label]), values

    def collect(self) -> Iterator[Metric]:
        name, about, labels = self._about
        gauge = GaugeMetricFamily(name, about, labels=labels)
        for label, value in self._values().items():
            gauge.add_metric([label], value)
        yield gauge
