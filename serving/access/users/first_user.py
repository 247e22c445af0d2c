"""The first user, whom the settings name: made at a start that finds none of the name."""

from __future__ import annotations

from serving.access.users import audit
from serving.access.users.store import Users
from serving.errors import PasswordError, SettingsError, UserError
from serving.settings import Settings


def create_first_user(users: Users, settings: Settings) -> None:
    """Add TEST_USER when it is set and does not exist.

    Raises SettingsError: no password, or one that cannot be set.
    """
    name, password = settings.test_user, settings.test_user_password
    if name is None or users.find(name):
        return
    if password is None:
        raise SettingsError("TEST_USER is set without TEST_USER_PASSWORD")
    try:
        users.add(name, settings.test_user_full_name, ("predict",), password.get_secret_value())
    except (UserError, PasswordError) as error:
        if users.find(name):
            return  # a process that starts beside this one was faster
        raise SettingsError(f"TEST_USER, TEST_USER_PASSWORD: {error}") from error
    audit.record("add", name, "settings")
