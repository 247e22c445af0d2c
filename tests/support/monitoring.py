"""What conf/ says of rules and dashboards, and the servers that read it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import promql_parser
import yaml

from stages.commands.monitor import local_servers as servers
from stages.commands.supervisor import running
from tests.support.process import Process, answering, free_port
from tests.support.repository import ROOT
from tests.support.waiting import WITHOUT_TLS

CONF = ROOT / "conf"
RULES = sorted((CONF / "prometheus/rules").glob("*.yml"))
DASHBOARDS = sorted((CONF / "grafana/dashboards").glob("*.json"))

WINDOWS = {"$__rate_interval": "15s", "$__range": "1m"}
"""What Grafana puts in their place, for servers that run for a minute."""

PATIENCE = 90
"""Seconds that something may take before it is given up."""


@cache
def rules() -> list[dict[str, Any]]:
    """Every rule that records or alerts."""
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    """Every rule that alerts, by its name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def panels() -> Iterator[tuple[str, str]]:
    """The dashboard with the panel, and each expression of it as Prometheus takes it."""
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            for target in panel.get("targets", ()):
                expression = target["expr"]
                for name, window in WINDOWS.items():
                    expression = expression.replace(name, window)
                yield f"{path.stem}: {panel['title']}", expression


def selectors(expression: str) -> list[promql_parser.VectorSelector]:
    """The series that an expression asks for. Raises ValueError where it cannot be parsed."""
    found: list[promql_parser.VectorSelector] = []

    def visit(node: Any) -> bool:
        if isinstance(node, promql_parser.MatrixSelector):
            node = node.vector_selector
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


def wait_for(condition: Callable[[], Any], what: Callable[[], object]) -> Any:
    """What `condition` returns once that is true; `what` tells why it was given up."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with suppress(httpx.TransportError):
            if found := condition():
                return found
        assert time.monotonic() < deadline, what()
        time.sleep(0.2)


@dataclass(frozen=True)
class Prometheus:
    """The API of a running Prometheus."""

    address: str

    def get(self, path: str, **query: Any) -> Any:
        """The data of an answer. Raises httpx.TransportError before it can be asked."""
        address = f"http://{self.address}/api/v1/{path}"
        answer = httpx.get(address, params=query, timeout=10, verify=WITHOUT_TLS)
        if answer.status_code == 503:
            raise httpx.ConnectError("it is starting")
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def now(self, expression: str) -> list[dict[str, Any]]:
        """The series that an expression has at the moment, those that are no number left out."""
        found = self.get("query", query=expression)["result"]
        return [series for series in found if series["value"][1] != "NaN"]

    def wait_for(self, expressions: dict[str, str]) -> None:
        """Until each expression has had a series; its value says whose it is."""
        missing = dict(expressions)

        def found() -> bool:
            for expression in tuple(missing):
                if self.now(expression):
                    del missing[expression]
            return not missing

        wait_for(found, lambda: missing)

    def targets(self) -> dict[str, str]:
        """The health of each job's one target."""
        found = self.get("targets", state="active")["activeTargets"]
        return {target["labels"]["job"]: target["health"] for target in found}

    def firing(self) -> set[str]:
        """The alerts that fire."""
        return {series["metric"]["alertname"] for series in self.now('ALERTS{alertstate="firing"}')}


@dataclass
class Receiver:
    """An incoming webhook, and the messages that came in."""

    address: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list)

    def titles(self) -> list[str]:
        """The titles of all messages."""
        return [message["attachments"][0]["title"] for message in self.messages]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on the loopback."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.messages.append(json.loads(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with answering(Handler) as address:
        receiver.address = f"{address}/hook"
        yield receiver


@dataclass
class MonitoredServices:
    """Services, the servers that watch them, and where messages of alerts come in."""

    services: dict[str, Process]
    prometheus: Prometheus
    alertmanager: str
    receiver: Receiver

    def alerts(self) -> dict[str, dict[str, Any]]:
        """What Alertmanager knows, by the alert's name."""
        answer = httpx.get(f"http://{self.alertmanager}/api/v2/alerts", verify=WITHOUT_TLS)
        return {each["labels"]["alertname"]: each for each in answer.json()}


@contextmanager
def watching(folder: Path, token: str, **services: Process) -> Iterator[MonitoredServices]:
    """Prometheus, Alertmanager and node exporter on free ports, with the files of conf/, hastened.

    `services` are by the name of their job, and `token` is what reads their metrics.
    """
    targets = {part: f"127.0.0.1:{free_port()}" for part in servers.PROGRAMS}
    targets |= {job: f"127.0.0.1:{service.port}" for job, service in services.items()}
    with receiving() as receiver:
        secrets = {servers.TOKEN: token, servers.RECEIVER: receiver.address}
        servers.lay_out(folder, CONF, targets, secrets)
        hasten(folder)
        with running(servers.programs(folder, targets)):
            prometheus = Prometheus(targets["prometheus"])
            yield MonitoredServices(services, prometheus, targets["alertmanager"], receiver)


def hasten(folder: Path) -> None:
    """In place of the links in `folder`, the same with intervals of a second.

    What must last for minutes before it is told must last for as many seconds.
    """
    prometheus = folder / "prometheus/prometheus.yml"
    config = yaml.safe_load(prometheus.read_text("utf-8"))
    config["global"] = dict.fromkeys(config["global"], "1s")
    _replace(prometheus, config)
    alertmanager = folder / "alertmanager/alertmanager.yml"
    text = alertmanager.read_text("utf-8")
    _replace(
        alertmanager, yaml.safe_load(re.sub(r"(group_\w+al|group_wait): \w+", r"\1: 1s", text))
    )
    (folder / "prometheus/rules").unlink()
    (folder / "prometheus/rules").mkdir()
    for path in RULES:
        text = re.sub(r"^( +for: \d+)m$", r"\1s", path.read_text("utf-8"), flags=re.M)
        (folder / "prometheus/rules" / path.name).write_text(text, "utf-8")


def _replace(link: Path, content: Any) -> None:
    link.unlink()
    link.write_text(yaml.safe_dump(content), "utf-8")
