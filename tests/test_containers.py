"""docker-compose.yml and the Dockerfiles: whole, hardened, private, and without a secret."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from stages.commands.remote import secrets
from tests.support.repository import ROOT, called

COMPOSE = ROOT / "docker-compose.yml"
PAGES = ROOT / "conf" / "compose" / "pages.yml"
DOCKERFILES = sorted(ROOT.glob("*/Dockerfile"))
HEALTHLESS = {"store-folder", "train"}
"""What works and ends."""


def services() -> dict[str, dict[str, Any]]:
    """What each service comes to, anchors resolved."""
    return yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]


SERVICES = services()


@pytest.mark.parametrize("path", [COMPOSE, PAGES], ids=lambda path: path.name)
def test_it_is_a_compose_file(path: Path) -> None:
    done = called(ROOT, "check-jsonschema", "--builtin-schema", "vendor.compose-spec", path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_dockerfiles_have_no_complaint(path: Path) -> None:
    done = called(ROOT, "hadolint", path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")
    limits = service["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory"}
    assert service["pids_limit"]
    assert re.search(r":v?\d+\.\d+\.\d+|@sha256:|^product-codes/", service["image"]), "no version"
    if name == "store-folder":
        assert service["network_mode"] == "none"
        return
    user = service.get("user") or dockerfile_user(service["build"]["dockerfile"])
    assert not re.match(r"(root|0)(:|$)", user)


def dockerfile_user(path: str) -> str:
    """The last USER of a Dockerfile."""
    return re.findall(r"^USER (.+)$", (ROOT / path).read_text("utf-8"), re.MULTILINE)[-1]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_tells_its_health_and_waits_for_that_of_others(name: str) -> None:
    service = SERVICES[name]
    if name in HEALTHLESS:
        assert service["healthcheck"] == {"disable": True}
    elif service["image"] != "product-codes/serving" or service.get("command"):
        assert service["healthcheck"]["test"][0].startswith("CMD")
    else:
        assert "HEALTHCHECK" in (ROOT / service["build"]["dockerfile"]).read_text("utf-8")
    for other, needed in service.get("depends_on", {}).items():
        ends = other in HEALTHLESS
        expected = "service_completed_successfully" if ends else "service_healthy"
        assert needed == {"condition": expected}


def test_only_the_service_is_published_and_stores_are_private() -> None:
    networks = yaml.safe_load(COMPOSE.read_text("utf-8"))["networks"]
    published = {name for name, service in SERVICES.items() if service.get("ports")}
    assert published == {"proxy"}
    assert {name for name, about in networks.items() if not about.get("internal")} == {"front"}
    for store in ("redis", "store", "mlflow"):
        assert "front" not in SERVICES[store]["networks"]
    for name, page in yaml.safe_load(PAGES.read_text("utf-8"))["services"].items():
        assert name in SERVICES
        assert all(port.startswith("127.0.0.1:") for port in page["ports"])


def test_no_secret_has_a_value_in_the_file() -> None:
    text = COMPOSE.read_text("utf-8")
    values = re.findall(r"(?:KEY|PASSWORD|TOKEN|SECRET)(?:_[A-Z]+)?: (.+)$", text, re.MULTILINE)
    assert len(values) > 8
    assert all(re.match(r'"?\$\{[A-Z_]+:(\?make secrets|-)\}', value) for value in values)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("podman") is None, reason="podman is not installed")
def test_an_empty_secret_is_refused_by_name(tmp_path: Path) -> None:
    names = secrets.required(COMPOSE.read_text("utf-8"))
    assert len(names) == 9

    def config(variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
        plain = {k: v for k, v in os.environ.items() if k not in names}
        command = ("podman-compose", "--file", COMPOSE, "--env-file", os.devnull, "config")
        return called(tmp_path, *command, env=plain | variables)

    filled = dict.fromkeys(names, "x" * 64)
    whole = config(filled)
    assert whole.returncode == 0, whole.stderr
    assert "172.30.250.2" in whole.stdout
    for name in names:
        refused = config({**filled, name: ""})
        assert refused.returncode != 0
        assert name in refused.stderr


def test_missing_secrets_are_made_and_present_ones_stay(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("SECRET_KEY=of-mine", "utf-8")
    assert secrets.fill(env, ["SECRET_KEY", "REDIS_PASSWORD"]) == ["REDIS_PASSWORD"]
    first, second = env.read_text("utf-8").splitlines()
    assert first == "SECRET_KEY=of-mine"
    assert re.fullmatch(r"REDIS_PASSWORD=[\w-]{86}", second)
    assert env.stat().st_mode & 0o777 == 0o600
    assert secrets.fill(env, ["SECRET_KEY", "REDIS_PASSWORD"]) == []
    env.write_text("# the key\nSECRET_KEY=\n# more\n", "utf-8")
    assert secrets.fill(env, ["SECRET_KEY"]) == ["SECRET_KEY"]
    assert re.fullmatch(r"# the key\nSECRET_KEY=[\w-]{86}\n# more\n", env.read_text("utf-8"))
    assert env.stat().st_mode & 0o777 == 0o600


def test_prometheus_looks_for_services_that_there_are() -> None:
    """Names and ports of conf/prometheus, in containers."""
    watched = yaml.safe_load((ROOT / "conf" / "prometheus" / "prometheus.yml").read_text("utf-8"))
    places = [*watched["scrape_configs"], *watched["alerting"]["alertmanagers"]]
    asked = [place for each in places for place in each["dns_sd_configs"]]
    assert len(asked) == len(places)
    for place in asked:
        [name] = place["names"]
        assert "watch" in SERVICES[name.rstrip(".")]["networks"]


def test_a_file_with_a_secret_is_made_in_its_container() -> None:
    """Compose hands no text of the file over to a container whose root is read-only."""
    compose = yaml.safe_load(COMPOSE.read_text("utf-8"))
    assert "configs" not in compose
    assert "secrets" not in compose
