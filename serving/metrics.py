"""What Prometheus reads: every metric of the service, in a registry of its own."""

from __future__ import annotations

from functools import partial

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
MOST_CODES = 100
"""Codes that are counted each by itself: every one is two series to whoever stores them. Rarer ones
are counted together."""
OTHER_CODES = "other"

_CONFIDENCES = tuple(step / 20 for step in range(1, 21))


class Metrics:
    """One set of metrics for one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        counter = partial(Counter, registry=self.registry)
        gauge = partial(Gauge, registry=self.registry)
        histogram = partial(Histogram, registry=self.registry)
        answers = ("route", "method", "status")
        self.requests = counter("http_requests_total", "Requests answered.", answers)
        self.request_seconds = histogram(
            "http_request_duration_seconds",
            "Seconds from the head of the request to the last byte of its answer.",
            answers,
            buckets=_REQUEST_SECONDS,
        )
        self.in_flight = gauge("http_requests_in_flight", "Requests being answered.")
        self.branch_seconds = histogram(
            "classifier_branch_seconds",
            "Seconds a branch (text, image) took to decode its input and to infer.",
            ("branch", "step"),
            buckets=_BRANCH_SECONDS,
        )
        self.predictions = counter(
            "classifier_predictions_total",
            "Products answered; codes beyond the 100 most frequent of training are `other`.",
            ("code", "accepted"),
        )
        self.confidence = histogram(
            "classifier_confidence", "Confidence of the answers.", buckets=_CONFIDENCES
        )
        self.accepted_share = gauge(
            "classifier_accepted_share_measured",
            "Share of the test products that the loaded classifier accepted; 0 if not known.",
        )
        self.drift_distance = gauge(
            "drift_distance",
            "Distance of the latest products from those of training (PSI; codes: Jensen-Shannon).",
            ("feature",),
        )
        self.drift_threshold = gauge(
            "drift_threshold",
            "Distance that chance and the drift that is tolerated explain.",
            ("feature",),
        )
        self.drift_products = gauge("drift_window_products", "Products that drift is told by.")
        self.waiting = gauge("review_waiting", "Answers that wait for a reviewer.")
        self.reviewed = gauge(
            "review_sample_products",
            "Accepted answers of the loaded classifier, drawn by chance, that reviewers decided.",
        )
        self.precision = gauge(
            "review_accepted_precision",
            "Share of right answers among them: low and high end of its 95 % interval, and what "
            "was promised.",
            ("bound",),
        )
        for bound in ("low", "high", "promised"):
            self.precision.labels(bound)
        self.queue = gauge("classifier_queue_depth", "Requests waiting for an inference.")
        self.running = gauge("classifier_running", "Requests whose inference runs.")
        self.ready = gauge("service_ready", "1 when requests are answered.")
        self.model = gauge(
            "classifier_model_info",
            "1; the lock hash of the loaded classifier is the label.",
            ("model",),
        )
        self.reloads = counter(
            "model_reloads_total",
            "Reloads of the classifier asked for: loaded, unchanged or refused.",
            ("outcome",),
        )
        for outcome in ("loaded", "unchanged", "refused"):
            self.reloads.labels(outcome)
        self.refusals = counter("limit_refusals_total", "Requests over a limit.", ("limit",))
        self.limit_failures = counter(
            "limit_storage_failures_total", "Requests whose limit could not be counted."
        )
        self.login_failures = counter(
            "login_failures_total", "Logins with a wrong name or password."
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
