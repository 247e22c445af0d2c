"""One line of the log for each change of a user: what was done to whom, and who did it."""

from __future__ import annotations

import getpass
import logging
import os

DONE = {
    "add": "added",
    "passwd": "changed the password and ended the tokens of",
    "disable": "disabled",
    "enable": "enabled",
    "revoke": "ended the tokens of",
    "delete": "deleted",
    "scopes": "set the scopes of",
}
"""What each verb of the command did, in words."""

logger = logging.getLogger("serving.audit")


def record(verb: str, name: str, source: str) -> None:
    """Note that `verb` was done to the user `name`, by settings or by the command line."""
    about = {"event": f"user-{verb}", "user": name, "by": _operator(), "client": source}
    logger.info(DONE[verb], extra=about)


def _operator() -> str:
    """Who runs this process; in a container it may be a number without a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # the latter from Python 3.13 on
        return str(os.getuid())
