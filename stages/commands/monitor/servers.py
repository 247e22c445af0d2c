"""Prometheus, Alertmanager and node exporter on the loopback, until Ctrl-C: `make monitor`.

Exit code: 0 stopped, 1 a program is missing or failed, 2 settings are wrong.
"""

from __future__ import annotations

import os

from serving.settings import read_env_file
from stages.commands.monitor import local_servers, service_address
from stages.commands.monitor.local_servers import CONF, FOLDER, PORTS, RECEIVER, TOKEN
from stages.commands.supervisor import is_listening, supervise


def servers() -> None:
    """Prometheus, Alertmanager and node exporter on the loopback, until Ctrl-C."""
    settings = service_address.settings()
    targets = {part: f"{service_address.LOOPBACK}:{port}" for part, port in PORTS.items()}
    targets["serving"] = service_address.address(settings, settings.port)
    auth = service_address.address(settings, settings.auth_port)
    if is_listening(auth):  # most people run it within the service
        targets["auth"] = auth
    secrets = {TOKEN: service_address.token(settings)}
    if receiver := os.environ.get("ALERTS_URL") or dict(read_env_file()).get("ALERTS_URL"):
        secrets[RECEIVER] = receiver
    else:
        print("ALERTS_URL is not set: alerts are shown and not sent")
    local_servers.lay_out(FOLDER, CONF, targets, secrets)
    supervise(local_servers.programs(FOLDER, targets), f"http://{targets['prometheus']}")
