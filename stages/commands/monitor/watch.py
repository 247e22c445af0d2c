"""The figures of the dashboards in a terminal, for people without Grafana.

    python -m stages.commands.monitor.watch [--seconds 5]

On a terminal they are shown anew until Ctrl-C, elsewhere once.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import shutil
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import httpx
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from serving.settings import Settings, SettingsError
from stages.commands.monitor import service_address
from stages.commands.monitor.scrape import PRODUCT, PROMISED, Between, Look

SLOW_SECONDS = 0.25
"""p99 of a product's answer that is promised (conf/prometheus/rules/slo.yml)."""

MOST_CODES = 10
"""Codes listed, the most frequent first."""

TIMEOUT_SECONDS = 5


class UnreachableError(RuntimeError):
    """/metrics cannot be read; the message says what to do."""


def look(address: str, token: str) -> Look:
    """Read the metrics now. Raises UnreachableError."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"http://{address}/metrics"
    try:
        answer = httpx.get(url, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False)
    except httpx.TransportError as error:
        raise UnreachableError(f"{url}: {error}; start the service: make serve") from error
    if answer.status_code in (401, 403):
        raise UnreachableError(f"{url}: the service has another SERVING_METRICS_TOKEN")
    if answer.status_code != 200:
        raise UnreachableError(f"{url}: answered {answer.status_code}")
    try:
        return Look.read(answer.text, time.monotonic())
    except ValueError as error:
        raise UnreachableError(f"{url}: expected Prometheus' text format: {error}") from error


def tables(between: Between) -> list[Table]:
    """Service, model, products by code, drift where it is measured, process and machine."""
    found = [_service(between), _model(between), _codes(between)]
    if any(between.after.of("drift_distance")):
        found.append(_drift(between.after))
    return [*found, _process(between), _machine()]


def _service(between: Between) -> Table:
    after, products = between.after, {"route": PRODUCT, "status": "200"}
    seconds = "http_request_duration_seconds"
    failed = between.share("http_requests_total", of={"route": PROMISED}, status="5..")
    p99 = between.quantile(0.99, seconds, **products)
    return _table(
        "service",
        ("ready", Text("yes") if after.value("service_ready") else _bad("no")),
        ("requests a second", f"{between.rate('http_requests_total', route=PROMISED):.1f}"),
        ("failed (5xx)", _marked(_percent(failed), failed > 0)),
        ("over a limit (429)", f"{between.increase('http_requests_total', status='429'):.0f}"),
        ("answers p50", _milliseconds(between.quantile(0.5, seconds, **products))),
        ("answers p99", _marked(_milliseconds(p99), p99 > SLOW_SECONDS)),
        ("in flight", f"{after.value('http_requests_in_flight'):.0f}"),
        ("waiting", f"{after.value('classifier_queue_depth'):.0f}"),
        ("failed logins", f"{between.increase('login_failures_total'):.0f}"),
    )


def _model(between: Between) -> Table:
    after, name = between.after, "classifier_predictions_total"
    loaded = [labels["model"] for labels, value in after.of("classifier_model_info") if value]
    measured = after.value("classifier_accepted_share_measured")
    return _table(
        "model",
        ("hash", ", ".join(model[:12] for model in loaded) or "none"),
        ("products a second", f"{between.rate(name):.1f}"),
        ("accepted", _percent(between.share(name, of={}, accepted="true"))),
        ("accepted of the test products", _percent(measured or math.nan)),
        ("mean confidence", _percent(between.mean("classifier_confidence"))),
        ("reloads refused", f"{_sum(after, 'model_reloads_total', outcome='refused'):.0f}"),
    )


def _codes(between: Between) -> Table:
    counts = between.by("classifier_predictions_total", "code")
    whole = sum(counts.values()) or math.nan
    most = sorted((code for code in counts if counts[code]), key=lambda code: -counts[code])
    rows = [(code, _percent(counts[code] / whole)) for code in most[:MOST_CODES]]
    return _table("codes", *(rows or [("none", "")]))


def _drift(after: Look) -> Table:
    thresholds = {labels["feature"]: value for labels, value in after.of("drift_threshold")}
    rows = []
    for labels, distance in after.of("drift_distance"):
        threshold = thresholds.get(labels["feature"], math.nan)
        told = _marked(f"{distance:.3f} of {threshold:.3f}", distance > threshold)
        rows.append((labels["feature"], told))
    return _table(f"drift of {after.value('drift_window_products'):.0f} products", *sorted(rows))


def _process(between: Between) -> Table:
    after = between.after
    up = time.time() - after.value("process_start_time_seconds")
    return _table(
        "process",
        ("processors", f"{between.rate('process_cpu_seconds_total'):.2f}"),
        ("memory", _bytes(after.value("process_resident_memory_bytes"))),
        ("open files", f"{after.value('process_open_fds'):.0f}"),
        ("up", str(timedelta(seconds=round(up)))),
    )


def _machine() -> Table:
    disk = shutil.disk_usage(Path.cwd())
    meminfo = Path("/proc/meminfo").read_text("ascii")
    [available] = re.findall(r"^MemAvailable: +(\d+) kB$", meminfo, re.M)
    return _table(
        "this machine",
        ("load", f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"),
        ("memory left", _bytes(1024 * int(available))),
        ("disk left", f"{_bytes(disk.free)}, {_percent(disk.free / disk.total)}"),
    )


def _table(title: str, *rows: tuple[str, str | Text]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False, min_width=30)
    table.add_column()
    table.add_column(justify="right")
    for row in rows:
        table.add_row(*row)
    return table


def _sum(at: Look, name: str, **wanted: str) -> float:
    return sum(
        value
        for labels, value in at.of(name)
        if all(labels[label] == given for label, given in wanted.items())
    )


def _marked(text: str, bad: bool) -> Text:
    return _bad(text) if bad else Text(text)


def _bad(text: str) -> Text:
    return Text(f"{text} !", style="bold red")


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{share:.1%}"


def _milliseconds(seconds: float) -> str:
    return "–" if math.isnan(seconds) else f"{seconds * 1000:.1f} ms"


def _bytes(size: float) -> str:
    return f"{size / 2**20:,.0f} MiB" if size < 2**33 else f"{size / 2**30:,.1f} GiB"


def _show(address: str, token: str, seconds: float) -> None:
    """Show the figures. Raises UnreachableError when the first look fails."""
    console = Console()
    first = look(address, token)
    if not console.is_terminal:
        time.sleep(seconds)
        console.print(Columns(tables(Between(first, look(address, token)))))
        return
    before: Look | None = first
    head = Text(f"http://{address}, every {seconds:g} s; Ctrl-C ends")
    with Live(head, console=console, screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(seconds)
            shown: list[RenderableType] = [head]
            try:
                after = look(address, token)
            except UnreachableError as error:
                after = None
                shown.append(_bad(str(error)))
            if before and after:
                shown.append(Columns(tables(Between(before, after))))
            before = after
            live.update(Group(*shown), refresh=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the figures; returns the exit code: 0 shown, 1 cannot be read, 2 settings wrong."""
    parser = argparse.ArgumentParser(prog="python -m stages.commands.monitor.watch")
    parser.add_argument("--seconds", type=float, default=5, help="time between two looks")
    seconds = parser.parse_args(arguments).seconds
    try:
        settings = Settings.load()
        address = service_address.address(settings, settings.port)
        _show(address, service_address.token(settings), seconds)
    except KeyboardInterrupt:
        return 0
    except (SettingsError, UnreachableError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, SettingsError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
