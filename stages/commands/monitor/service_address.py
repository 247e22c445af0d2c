"""Where the service of these settings is reached from this machine, and with which token."""

from __future__ import annotations

from ipaddress import ip_address

from serving.settings import Settings, SettingsError
from stages.commands.exit_codes import CommandError, ExitCode

LOOPBACK = "127.0.0.1"

HOW_TO = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'


class ServiceSettingsError(CommandError):
    """The service's settings are wrong, or do not say how its metrics are read."""

    code = ExitCode.UNUSABLE


def settings() -> Settings:
    """The service's settings. Raises ServiceSettingsError naming the one that is wrong."""
    try:
        return Settings.load()
    except SettingsError as error:
        raise ServiceSettingsError(str(error)) from error


def address(settings: Settings, port: int) -> str:
    """host:port, on the loopback where the service listens everywhere."""
    try:
        listens = ip_address(settings.host)
    except ValueError:  # a name
        return f"{settings.host}:{port}"
    if listens.is_unspecified:
        return f"{LOOPBACK}:{port}"
    return f"[{listens}]:{port}" if listens.version == 6 else f"{listens}:{port}"


def token(settings: Settings) -> str:
    """The token that reads /metrics; "" where anyone may. Raises ServiceSettingsError."""
    if settings.metrics_token:
        return settings.metrics_token.get_secret_value()
    if settings.metrics == "open":
        return ""
    raise ServiceSettingsError(f"SERVING_METRICS_TOKEN is not set, so /metrics is closed; {HOW_TO}")
