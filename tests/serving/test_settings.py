"""Settings: read from the environment and .env, documented, never shown when secret."""

from __future__ import annotations

from dataclasses import fields
from ipaddress import ip_network
from pathlib import Path

import pytest

from serving.settings import Settings, SettingsError, documentation, example

ROOT = Path(__file__).parents[2]


def test_environment_goes_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(
        '# comment\n\nSERVING_PORT=9000\nexport TEST_USER="bob"\nSERVING_HOST=::1\n', "utf-8"
    )
    settings = Settings.load({"SERVING_PORT": "9001", "SERVING_HOST": "::1"}, file)
    assert (settings.port, settings.test_user, settings.host) == (9001, "bob", "::1")


def test_an_empty_variable_takes_the_default() -> None:
    assert Settings.load({"SERVING_PORT": "", "SECRET_KEY": ""}, Path("none")) == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SERVING_PORT", "many"),
        ("SERVING_PORT", "70000"),
        ("SERVING_TOP", "0"),
        ("SERVING_QUEUE", "-1"),
        ("ALGORITHM", "none"),
        ("SERVING_METRICS", "yes"),
        ("SERVING_TRUSTED_PROXIES", "10.0.0.0/99"),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.load({name: value}, Path("none"))


def test_a_line_without_equals_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SECRET_KEY\n", "utf-8")
    with pytest.raises(SettingsError, match="line 1"):
        Settings.load({}, tmp_path / ".env")


def test_proxies_are_networks() -> None:
    settings = Settings.load({"SERVING_TRUSTED_PROXIES": "10.0.0.0/8, ::1"}, Path("none"))
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1"))


def test_secrets_are_not_shown() -> None:
    settings = Settings(
        secret_key="s3cr3t", test_user_password="s3cr3t", limits_storage="redis://:s3cr3t@h/0"
    )
    assert "s3cr3t" not in repr(settings)


def test_no_secret_has_a_default() -> None:
    assert (Settings().secret_key, Settings().test_user_password) == (None, None)


def test_every_setting_is_documented() -> None:
    names = {field.metadata["name"] for field in fields(Settings)}
    assert documentation().keys() == names
    assert all(documentation().values())


def test_the_example_file_is_current() -> None:
    assert (ROOT / ".env.example").read_text("utf-8") == example()


def test_the_example_file_holds_the_defaults(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(example(), "utf-8")
    assert Settings.load({}, tmp_path / ".env") == Settings()
