"""A team's variables: documented, typed, refused without showing a secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import AliasChoices

from stages.commands.remote import environment
from stages.commands.remote.environment import Environment, EnvironmentFault
from tests.support.repository import ROOT


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CI", "GITHUB_EVENT_NAME", *variables()):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(environment, "ENV_FILE", tmp_path / ".env")


def variables() -> set[str]:
    found: set[str] = set()
    for field in Environment.model_fields.values():
        alias = field.validation_alias
        found |= set(map(str, alias.choices if isinstance(alias, AliasChoices) else [alias]))
    return found


def test_every_variable_is_in_the_table() -> None:
    page = (ROOT / "docs" / "team.md").read_text("utf-8")
    section = page.partition("\n## Variables\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("|")]
    assert {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)} == variables()


@pytest.mark.parametrize(
    ("given", "starter"),
    [
        ({}, "person"),
        ({"CI": "true"}, "ci"),
        ({"CI": "true", "GITHUB_EVENT_NAME": "schedule"}, "schedule"),
        ({"CI": "true", "RUN_STARTED_BY": "person"}, "person"),
    ],
)
def test_who_starts_runs(
    given: dict[str, str], starter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert environment.load().started_by == starter


def test_the_environment_goes_before_the_file_whose_values_stay_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "MLFLOW_TRACKING_PASSWORD='a${b}'\nMLFLOW_EXPERIMENT_NAME=file\n"
    environment.ENV_FILE.write_text(text, encoding="utf-8")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "variable")
    loaded = environment.load()
    assert (loaded.revealed_password, loaded.experiment) == ("a${b}", "variable")


def test_dagshub_stands_in_for_user_password_and_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSHUB_USERNAME", "alice")
    monkeypatch.setenv("DAGSHUB_TOKEN", "t0ken")
    loaded = environment.load()
    assert (loaded.username, loaded.revealed_password) == ("alice", "t0ken")
    assert loaded.access_key == loaded.secret_key == loaded.password


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MLFLOW_TRACKING_URI", "https://alice:s3cr3t@example.org"),
        ("REMOTE_URL", "https://example.org/s3cr3t"),
        ("REMOTE_ENDPOINT_URL", "s3cr3t"),
        ("RUN_STARTED_BY", "s3cr3t"),
    ],
)
def test_a_wrong_value_is_named_and_not_shown(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(EnvironmentFault, match=name) as raised:
        environment.load()
    assert "s3cr3t" not in str(raised.value)
