"""The figures of the dashboards in a terminal, for people without Grafana: `make watch`.

On a terminal they are shown anew until Ctrl-C, elsewhere once. Exit code: 1 the metrics cannot be
read, 2 settings are wrong.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from stages.commands.exit_codes import CommandError
from stages.commands.monitor import service_address
from stages.commands.monitor.scrape import PRODUCT, PROMISED, Scrape, ScrapeDelta

SLOW_SECONDS = 0.25
"""p99 of a product's answer that is promised (conf/prometheus/rules/slo.yml)."""

MOST_CODES = 10
"""Codes listed, the most frequent first."""

TIMEOUT_SECONDS = 5


class UnreachableError(CommandError):
    """/metrics cannot be read; the message says what to do."""


def read(address: str, token: str) -> Scrape:
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
        return Scrape.read(answer.text, time.monotonic())
    except ValueError as error:
        raise UnreachableError(f"{url}: expected Prometheus' text format: {error}") from error


def tables(delta: ScrapeDelta) -> list[Table]:
    """Service, model, products by code, drift where it is measured, process and machine."""
    shown = [_service(delta), _model(delta), _codes(delta)]
    if any(delta.after.series("drift_distance")):
        shown.append(_drift(delta.after))
    return [*shown, _process(delta), _machine()]


def _service(delta: ScrapeDelta) -> Table:
    after, products = delta.after, {"route": PRODUCT, "status": "200"}
    seconds = "http_request_duration_seconds"
    failed = delta.share("http_requests_total", within={"route": PROMISED}, status="5..")
    p99 = delta.quantile(0.99, seconds, **products)
    return _table(
        "service",
        ("ready", Text("yes") if after.value("service_ready") else _bad("no")),
        ("requests a second", f"{delta.rate('http_requests_total', route=PROMISED):.1f}"),
        ("failed (5xx)", _marked(_percent(failed), failed > 0)),
        ("over a limit (429)", f"{delta.increase('http_requests_total', status='429'):.0f}"),
        ("answers p50", _milliseconds(delta.quantile(0.5, seconds, **products))),
        ("answers p99", _marked(_milliseconds(p99), p99 > SLOW_SECONDS)),
        ("in flight", f"{after.value('http_requests_in_flight'):.0f}"),
        ("waiting", f"{after.value('classifier_queue_depth'):.0f}"),
        ("failed logins", f"{delta.increase('login_failures_total'):.0f}"),
    )


def _model(delta: ScrapeDelta) -> Table:
    after, name = delta.after, "classifier_predictions_total"
    loaded = [labels["model"] for labels, value in after.series("classifier_model_info") if value]
    measured = after.value("classifier_accepted_share_measured")
    return _table(
        "model",
        ("hash", ", ".join(model[:12] for model in loaded) or "none"),
        ("products a second", f"{delta.rate(name):.1f}"),
        ("accepted", _percent(delta.share(name, within={}, accepted="true"))),
        ("accepted of the test products", _percent(measured or math.nan)),
        ("mean confidence", _percent(delta.mean("classifier_confidence"))),
        ("reloads refused", f"{_sum(after, 'model_reloads_total', outcome='refused'):.0f}"),
    )


def _codes(delta: ScrapeDelta) -> Table:
    counts = delta.by("classifier_predictions_total", "code")
    whole = sum(counts.values()) or math.nan
    most = sorted((code for code in counts if counts[code]), key=lambda code: -counts[code])
    rows = [(code, _percent(counts[code] / whole)) for code in most[:MOST_CODES]]
    return _table("codes", *(rows or [("none", "")]))


def _drift(after: Scrape) -> Table:
    thresholds = {labels["feature"]: value for labels, value in after.series("drift_threshold")}
    rows = []
    for labels, distance in after.series("drift_distance"):
        threshold = thresholds.get(labels["feature"], math.nan)
        distance_text = _marked(f"{distance:.3f} of {threshold:.3f}", distance > threshold)
        rows.append((labels["feature"], distance_text))
    return _table(f"drift of {after.value('drift_window_products'):.0f} products", *sorted(rows))


def _process(delta: ScrapeDelta) -> Table:
    after = delta.after
    up = time.time() - after.value("process_start_time_seconds")
    return _table(
        "process",
        ("processors", f"{delta.rate('process_cpu_seconds_total'):.2f}"),
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


def _sum(at: Scrape, name: str, **wanted: str) -> float:
    return sum(
        value
        for labels, value in at.series(name)
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
    """Show the figures. Raises UnreachableError when the first reading fails."""
    console = Console()
    first = read(address, token)
    if not console.is_terminal:
        time.sleep(seconds)
        console.print(Columns(tables(ScrapeDelta(first, read(address, token)))))
        return
    before: Scrape | None = first
    head = Text(f"http://{address}, every {seconds:g} s; Ctrl-C ends")
    with Live(head, console=console, screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(seconds)
            shown: list[RenderableType] = [head]
            try:
                after = read(address, token)
            except UnreachableError as error:
                after = None
                shown.append(_bad(str(error)))
            if before and after:
                shown.append(Columns(tables(ScrapeDelta(before, after))))
            before = after
            live.update(Group(*shown), refresh=True)


def watch(
    seconds: Annotated[float, typer.Option(help="Time between two readings.")] = 5,
) -> None:
    """Show the figures of the running service in the terminal."""
    settings = service_address.settings()
    address = service_address.address(settings, settings.port)
    with suppress(KeyboardInterrupt):
        _show(address, service_address.token(settings), seconds)
