"""Settings: read from the environment and .env, documented, never shown when secret."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import ValidationError

from serving.settings import Settings, SettingsError, documentation, example
from tests.support.repository import ROOT

SECRET = "s3cr3t"

Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Loads settings from variables and the text of `.env`, and from nothing else."""
    monkeypatch.chdir(tmp_path)
    for name, *_ in documentation():
        monkeypatch.delenv(name, raising=False)

    def loaded(variables: dict[str, str] | None = None, file: str | bytes = "") -> Settings:
        for name, value in (variables or {}).items():
            monkeypatch.setenv(name, value)
        Path(".env").write_bytes(file if isinstance(file, bytes) else file.encode())
        return Settings.load()

    return loaded


def test_environment_goes_over_the_file(load: Load) -> None:
    file = '# comment\n\nSERVING_PORT=9000\nexport TEST_USER="bob"\nSERVING_HOST=::2\n'
    settings = load({"SERVING_PORT": "9001", "SERVING_HOST": "::1"}, file)
    assert (settings.port, settings.test_user, settings.host) == (9001, "bob", "::1")


def test_without_anything_set_there_are_the_defaults(load: Load) -> None:
    assert load() == Settings()
    Path(".env").unlink()
    assert Settings.load() == Settings()


def test_an_empty_variable_is_not_set(load: Load) -> None:
    empty = {"SERVING_PORT": "", "SECRET_KEY": "", "SERVING_TOP": ""}
    assert load(empty, "SERVING_QUEUE=\nSERVING_TOP=7\n") == Settings(top=7)


def test_what_other_tools_keep_there_is_none_of_ours(load: Load) -> None:
    others = {"host": "there", "secret_key": SECRET, "serving_port": "9000", "port": "9000"}
    file = "".join(f"{name}={value}\n" for name, value in others.items())
    assert load(others, f"{file}COMPOSE_PROJECT_NAME=shop\n_env_file=x\n") == Settings()


def test_only_load_reads_what_is_set(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load({"SERVING_PORT": "9001"}, "SERVING_TOP=7\n") != Settings()
    assert (Settings().port, Settings().top) == (8000, 5)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SERVING_PORT", "many", "valid integer"),
        ("SERVING_PORT", "70000", "less than or equal to 65535"),
        ("SERVING_TOP", "0", "greater than 0"),
        ("SERVING_QUEUE", "-1", "greater than or equal to 0"),
        ("ALGORITHM", "none", "'HS256', 'HS384', 'HS512' or 'EdDSA'"),
        ("SERVING_METRICS", "yes", "'scope' or 'open'"),
        ("SERVING_METRICS_TOKEN", "short", "at least 32"),
        ("SERVING_TRUSTED_PROXIES", "10.0.0.0/99", "'10.0.0.0/99' does not appear to be an IPv4"),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: str, expected: str, load: Load) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: .*{expected}"):
        load({name: value})
    with pytest.raises(SettingsError, match=f"^{name}: .*{expected}"):
        load(file=f"{name}={value}\n")


def test_every_wrong_value_is_named(load: Load) -> None:
    with pytest.raises(SettingsError, match=r"^SERVING_PORT: [^;]+; SERVING_TOP: [^;]+$"):
        load({"SERVING_TOP": "0"}, "SERVING_PORT=many\n")


def test_a_field_that_is_none_is_refused_without_its_value() -> None:
    with pytest.raises(ValidationError, match="secret_kye") as refusal:
        Settings(secret_kye=SECRET)  # type: ignore[call-arg]  # that is what is refused
    assert SECRET not in str(refusal.value)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 9000  # type: ignore[misc]  # that is what is refused


@pytest.mark.parametrize(
    ("file", "line"),
    [
        (f"{SECRET}\n", 1),
        (f"# comment\n\n\n  {SECRET}\nSERVING_TOP=7\n", 4),
        (f'SERVING_TOP=7\nSECRET_KEY="{SECRET}\nSERVING_PORT=9000\n', 2),
        (f"SECRET_KEY='{SECRET}'{SECRET}\n", 1),
        (f"={SECRET}", 1),
    ],
)
def test_a_line_that_sets_nothing_is_refused(file: str, line: int, load: Load) -> None:
    with pytest.raises(SettingsError, match=f"^.env, line {line}: expected NAME=value$"):
        load(file=file)


@pytest.mark.parametrize(
    ("written", "secret"),
    [
        ("a$b${PATH}c${absent}d${absent:-e}", "a$b${PATH}c${absent}d${absent:-e}"),
        ("a#b'c\"d\\n", "a#b'c\"d\\n"),
        ("a b # comment", "a b"),
        ("""'a b # "c" ${PATH} $d \\n '""", 'a b # "c" ${PATH} $d \\n '),
        ("""'it\\'s' # comment""", "it's"),
        ('''"a b # 'c' ${PATH} \\"d\\" $e"''', "a b # 'c' ${PATH} \"d\" $e"),
        ("'two\nlines'", "two\nlines"),
        ("é", "é"),
    ],
)
def test_a_secret_is_what_is_written(written: str, secret: str, load: Load) -> None:
    key = load(file=f"SECRET_KEY={written}\nSERVING_TOP=7\n").secret_key
    assert key.get_secret_value() == secret


def test_a_secret_in_the_environment_is_as_it_stands(load: Load) -> None:
    secret = "'a' b # \"c\" ${PATH} $d \\n "
    key = load({"SECRET_KEY": secret}).secret_key
    assert key.get_secret_value() == secret


def test_proxies_are_networks(load: Load) -> None:
    settings = load({"SERVING_TRUSTED_PROXIES": "10.0.0.0/8, ::1"})
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1"))


def test_secrets_are_not_shown() -> None:
    settings = Settings(
        secret_key=SECRET,
        previous_secret_key=SECRET,
        test_user_password=SECRET,
        metrics_token=SECRET * 6,
        limits_storage=f"redis://:{SECRET}@h/0",
    )
    shown = f"{settings!r} {settings} {settings.secret_key} {dict(settings)}"
    assert SECRET not in shown + settings.model_dump_json()


@pytest.mark.parametrize(
    ("variables", "file", "refused"),
    [
        ({}, f"SECRET_KEY={SECRET}".encode() + b"\xff\n", "expected UTF-8"),
        ({"SERVING_PORT": "many"}, f"SECRET_KEY={SECRET}\n", "SERVING_PORT"),
        ({}, f"SECRET_KEY={SECRET}\nSECRET_KEY:{SECRET}\n", "line 2"),
    ],
)
def test_secrets_are_not_in_a_refusal(
    variables: dict[str, str], file: str | bytes, refused: str, load: Load
) -> None:
    with pytest.raises(SettingsError, match=refused) as refusal:
        load(variables, file)
    assert SECRET not in "".join(traceback.format_exception(refusal.value))


def test_no_secret_has_a_default() -> None:
    settings = Settings()
    assert not {settings.secret_key, settings.test_user_password, settings.metrics_token} - {None}


def test_every_setting_is_documented() -> None:
    names, _, meanings = zip(*documentation(), strict=True)
    assert len(set(names)) == len(Settings.model_fields)
    assert all(meanings)


def test_the_example_file_is_current() -> None:
    assert (ROOT / ".env.example").read_text("utf-8") == example()


def test_the_example_file_holds_the_defaults(load: Load) -> None:
    assert load(file=example()) == Settings()
    assert load(file=example().replace("\n# SERVING_", "\nSERVING_")) == Settings()
