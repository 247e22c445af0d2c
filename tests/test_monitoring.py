"""Rules, runbook, dashboards and metrics tell of each other what is there."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from serving.app import routes
from serving.metrics import Metrics
from serving.settings import Settings
from stages.commands.monitor import scrape, watch
from tests.support.monitoring import CONF, DASHBOARDS, WINDOWS, alerts, panels, rules, selectors
from tests.support.repository import ROOT, called

RUNBOOK = (ROOT / "docs/runbook.md").read_text("utf-8")
MONITORING = (ROOT / "docs/monitoring.md").read_text("utf-8")
ENTRIES = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", RUNBOOK, re.S | re.M))

FOREIGN = r"up|ALERTS|(node|prometheus|alertmanager|process)_\w+"
"""Metrics that others than the service have; whether they are there, the servers tell."""


def served() -> set[str]:
    """Names of the service's samples."""
    metrics = Metrics()
    metrics.expect("/predict")
    metrics.predictions.labels("10", "true")
    metrics.branch_seconds.labels("text", "decode")
    metrics.refusals.labels("predict")
    metrics.model.labels("m")
    metrics.drift_distance.labels("code")
    metrics.drift_threshold.labels("code")
    return {sample.name for family in metrics.registry.collect() for sample in family.samples}


def expressions() -> list[tuple[str, str]]:
    """Every expression of rules and panels, and where it stands."""
    named = [(str(rule.get("alert") or rule["record"]), str(rule["expr"])) for rule in rules()]
    return named + list(panels())


def test_every_alert_has_an_entry_and_every_entry_an_alert() -> None:
    assert set(ENTRIES) == set(alerts())


def test_an_entry_says_what_the_rule_says() -> None:
    for name, rule in alerts().items():
        entry, severity, duration = ENTRIES[name], rule["labels"]["severity"], rule.get("for")
        assert severity in ("page", "ticket"), name
        spoken = re.sub(r"(?<=\d)(?=[a-z])", " ", duration or "").replace("m", "min")
        begin = f"{severity.capitalize()}, after {spoken}" if duration else severity.capitalize()
        assert re.match(rf"\n{re.escape(begin)}[.;]", entry), (name, begin)
        for part in ("Look", "Do"):
            assert re.search(rf"^- \*\*{part}:\*\* .{{10}}", entry, re.M), (name, part)
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{name.lower()}"
        assert rule["annotations"]["summary"].endswith("."), name
        assert rule["labels"]["part"], name


def test_an_alert_is_tried_by_a_unit_test() -> None:
    tried: list[str] = []
    for path in (CONF / "prometheus/tests").glob("*.yml"):
        for test in yaml.safe_load(path.read_text("utf-8"))["tests"]:
            each = [*test.get("promql_expr_test", ()), *test.get("alert_rule_test", ())]
            tried += [str(of) for of in each if of.get("exp_samples") or of.get("exp_alerts")]
    fires = re.findall(r"alertname[\"']?[=:] ?[\"'](\w+)[\"']", " ".join(tried))
    assert set(fires) >= set(alerts())


def test_expressions_ask_for_metrics_that_are_there() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    there = re.compile("|".join((FOREIGN, *served(), *recorded)))
    for place, expression in expressions():
        for selector in selectors(expression):
            assert there.fullmatch(str(selector.name)), (place, expression)


def test_the_objectives_are_of_routes_that_exist_and_of_a_bound_that_is_counted() -> None:
    text = (CONF / "prometheus/rules/slo.yml").read_text("utf-8")
    [promised], [products] = (
        set(re.findall(rf'{metric}{{route=~"([^"]+)"', text))
        for metric in ("http_requests_total", "http_request_duration_seconds_count")
    )
    paths = {path for route in routes(Settings(), predicts=True) for path in route.paths}
    found = {path for path in paths if re.fullmatch(promised, path)}
    assert found >= {"/predict", "/predict/batch", "/explain", "/token", "/verify-token", "/model"}
    assert not {path for path in found if path.startswith(("/health", "/metrics", "/status"))}
    assert (promised, products) == (scrape.PROMISED, scrape.PRODUCT)
    assert {path for path in paths if re.fullmatch(products, path)} == {"/predict", "/predict_code"}
    [bound] = set(re.findall(r'le="([\d.]+)"', text))
    assert float(bound) == watch.SLOW_SECONDS
    metrics = Metrics()
    metrics.expect("/predict")
    assert f'le="{bound}"' in metrics.render().decode()


def test_the_objectives_are_told_as_they_are() -> None:
    budgets = {
        rule["labels"]["slo"]: float(rule["expr"].removeprefix("vector(").removesuffix(")"))
        for rule in rules()
        if rule.get("record") == "slo:budget"
    }
    assert f"| availability | {100 - 100 * budgets['availability']:g} % " in MONITORING
    latency = f"p{100 - 100 * budgets['latency']:g} of a product's answer is at most"
    assert f"| latency | {latency} {1000 * watch.SLOW_SECONDS:g} ms |" in MONITORING
    for alert in alerts().values():
        if alert["labels"]["part"] == "slo":
            told = re.findall(r"ratio_rate(\w+)\S* > on \(slo\) ([\d.]+)", alert["expr"])
            for (long, rate), (short, again) in zip(told[::2], told[1::2], strict=True):
                assert rate == again
                windows = [f"{length[:-1]} {unit(length)}" for length in (long, short)]
                row = f"| {alert['labels']['severity']} | {rate} | {' | '.join(windows)} |"
                assert row in MONITORING


def unit(window: str) -> str:
    return {"m": "min"}.get(window[-1], window[-1])


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_one_that_grafana_takes(path: Path) -> None:
    dashboard = json.loads(path.read_text("utf-8"))
    source = yaml.safe_load((CONF / "grafana/provisioning/datasources/prometheus.yml").read_text())
    [uid] = [each["uid"] for each in source["datasources"]]
    named = {each["uid"] for each in found(dashboard, "datasource")}
    assert named == {uid}
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert not [pair for pair in combinations(places, 2) if overlap(*pair)]
    for panel in dashboard["panels"]:
        assert panel["type"] == "row" or (panel["description"] and panel["targets"])
        for target in panel.get("targets", ()):
            assert set(re.findall(r"\$\w+", target["expr"])) <= set(WINDOWS)
    text = " ".join(panel.get("description", "") for panel in dashboard["panels"])
    spoken = re.findall(r"[Ss]ee (\w+)(?: and (\w+))? in docs/runbook\.md", text)
    assert {name for pair in spoken for name in pair if name} <= set(ENTRIES)


def found(part: Any, key: str) -> list[Any]:
    """What stands under `key`, wherever in a document."""
    if isinstance(part, list):
        return [each for inner in part for each in found(inner, key)]
    if isinstance(part, dict):
        inner = [each for value in part.values() for each in found(value, key)]
        return [part[key], *inner] if key in part else inner
    return []


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return all(
        one[at] < other[at] + other[size] and other[at] < one[at] + one[size]
        for at, size in (("x", "w"), ("y", "h"))
    )


def test_dashboards_are_three_with_names_of_their_own() -> None:
    read = [json.loads(path.read_text("utf-8")) for path in DASHBOARDS]
    assert {dashboard["title"] for dashboard in read} == {"Service", "Model", "Host"}
    assert len({dashboard["uid"] for dashboard in read}) == 3


def test_secrets_beside_the_files_are_never_committed() -> None:
    secret = "conf/prometheus/secrets/metrics_token"
    assert called(ROOT, "git", "check-ignore", secret).returncode == 0


def test_no_receiver_stands_in_the_file() -> None:
    config = yaml.safe_load((CONF / "alertmanager/alertmanager.yml").read_text("utf-8"))
    assert config["global"] == {"slack_api_url_file": "secrets/alerts_url"}
    assert not re.search(r"https?:|password|token", str(config).replace("title_link", ""))
