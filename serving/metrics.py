"""What Prometheus reads: every metric of the service, in a registry of its own."""

from __future__ import annotations

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST

_REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_BRANCH_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_CONFIDENCES = tuple(step / 20 for step in range(1, 21))


class Metrics:
    """One set of metrics for one application."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Counter(
            "http_requests_total",
            "Requests answered.",
            ("route", "method", "status"),
            registry=registry,
        )
        self.request_seconds = Histogram(
            "http_request_duration_seconds",
            "Seconds from the head of the request to the last byte of its answer.",
            ("route", "method", "status"),
            registry=registry,
            buckets=_REQUEST_SECONDS,
        )
        self.in_flight = Gauge(
            "http_requests_in_flight", "Requests being answered.", registry=registry
        )
        self.branch_seconds = Histogram(
            "classifier_branch_seconds",
            "Seconds a branch (text, image) took to decode its input and to infer.",
            ("branch", "step"),
            registry=registry,
            buckets=_BRANCH_SECONDS,
        )
        self.predictions = Counter(
            "classifier_predictions_total",
            "Products answered.",
            ("code", "accepted"),
            registry=registry,
        )
        self.confidence = Histogram(
            "classifier_confidence",
            "Confidence of the answers.",
            registry=registry,
            buckets=_CONFIDENCES,
        )
        self.accepted_share = Gauge(
            "classifier_accepted_share_measured",
            "Share of the test products that the loaded classifier accepted; 0 if not known.",
            registry=registry,
        )
        self.drift_distance = Gauge(
            "drift_distance",
            "Distance of the latest products from those of training (PSI; codes: Jensen-Shannon).",
            ("feature",),
            registry=registry,
        )
        self.drift_threshold = Gauge(
            "drift_threshold",
            "Distance that chance and the drift that is tolerated explain.",
            ("feature",),
            registry=registry,
        )
        self.drift_products = Gauge(
            "drift_window_products", "Products that drift is told by.", registry=registry
        )
        self.queue = Gauge(
            "classifier_queue_depth", "Requests waiting for an inference.", registry=registry
        )
        self.running = Gauge(
            "classifier_running", "Requests whose inference runs.", registry=registry
        )
        self.ready = Gauge("service_ready", "1 when requests are answered.", registry=registry)
        self.model = Gauge(
            "classifier_model_info",
            "1; the lock hash of the loaded classifier is the label.",
            ("model",),
            registry=registry,
        )
        self.reloads = Counter(
            "model_reloads_total",
            "Reloads of the classifier asked for: loaded, unchanged or refused.",
            ("outcome",),
            registry=registry,
        )
        for outcome in ("loaded", "unchanged", "refused"):
            self.reloads.labels(outcome)
        self.refusals = Counter(
            "limit_refusals_total", "Requests over a limit.", ("limit",), registry=registry
        )
        self.limit_failures = Counter(
            "limit_storage_failures_total",
            "Requests whose limit could not be counted.",
            registry=registry,
        )
        self.login_failures = Counter(
            "login_failures_total", "Logins with a wrong name or password.", registry=registry
        )

    def expect(self, route: str) -> None:
        """Count the answers of a POST route from 0: Prometheus sees no increase in a series that
        begins with its first failures."""
        for status in ("200", "500", "503"):
            self.requests.labels(route, "POST", status)
        self.request_seconds.labels(route, "POST", "200")

    def render(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)
