"""What is laid out for the monitoring servers of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from stages.commands.monitor import local_servers as servers
from stages.commands.supervisor import ProgramError
from tests.support.monitoring import CONF

TARGETS = {"serving": "127.0.0.1:8000", "prometheus": "127.0.0.1:9090"}


def test_the_very_files_are_read_and_only_addresses_and_secrets_are_added(tmp_path: Path) -> None:
    secrets = {servers.TOKEN: "s3cr3t", servers.RECEIVER: "http://127.0.0.1/hook"}
    servers.lay_out(tmp_path / "monitoring", CONF, TARGETS, secrets)
    for path in servers.LINKED:
        assert (tmp_path / "monitoring" / path).resolve() == CONF / path
    for path, secret in secrets.items():
        assert (tmp_path / "monitoring" / path).read_text("utf-8") == secret
        assert (tmp_path / "monitoring" / path).stat().st_mode & 0o777 == 0o600
    targets = tmp_path / "monitoring/prometheus/targets"
    told = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in targets.iterdir()}
    assert told == {job: [{"targets": [address]}] for job, address in TARGETS.items()}


def test_what_was_laid_out_before_does_not_stay(tmp_path: Path) -> None:
    servers.lay_out(tmp_path, CONF, TARGETS, {servers.TOKEN: "old", servers.RECEIVER: "old"})
    servers.lay_out(tmp_path, CONF, {"auth": "127.0.0.1:8011"}, {servers.TOKEN: "new"})
    assert (tmp_path / servers.TOKEN).read_text("utf-8") == "new"
    assert not (tmp_path / servers.RECEIVER).exists()
    targets = tmp_path / "prometheus/targets"
    assert [path.name for path in targets.iterdir()] == ["auth.yml"]


def test_a_job_is_found_by_its_file_and_by_its_name_alike() -> None:
    config = yaml.safe_load((CONF / "prometheus/prometheus.yml").read_text("utf-8"))
    names = {"node": "node-exporter."}
    for job in config["scrape_configs"]:
        [file], [name] = job["file_sd_configs"], job["dns_sd_configs"]
        assert file == {"files": [f"targets/{job['job_name']}.yml"]}
        assert name["names"] == [names.get(job["job_name"], f"{job['job_name']}.")]
    jobs = {job["job_name"] for job in config["scrape_configs"]}
    assert jobs == {"serving", "auth", *servers.PROGRAMS}


def test_missing_programs_are_named_with_their_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "prometheus").touch(mode=0o755)
    (tmp_path / "node_exporter").touch(mode=0o755)
    with pytest.raises(ProgramError, match=r"not installed: prometheus-alertmanager; .*apt"):
        servers.installed()
    (tmp_path / "alertmanager").touch(mode=0o755)
    assert servers.installed()["node"] == str(tmp_path / "node_exporter")
