"""What a failure of MLflow's server is called: away, or a refusal."""

from __future__ import annotations

import pytest
from mlflow.exceptions import MlflowException, RestException
from requests import Response
from requests.exceptions import ConnectionError, HTTPError

from stages.commands.exit_codes import ExitCode
from stages.commands.registry.server import TrackingError, session


def refused(status: int) -> HTTPError:
    response = Response()
    response.status_code = status
    return HTTPError(f"{status} Client Error: no", response=response)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionError("Max retries exceeded: host=h, port=4010"), "cannot be reached"),
        (MlflowException("API request to http://h:4010/api: Connection refused"), "cannot be"),
        (MlflowException("API request to http://h:4030/api: Connection refused"), "cannot be"),
        (MlflowException("run 14019 is broken"), "MlflowException: run 14019"),
        (MlflowException("API request to endpoint /a failed with error code 401 != 200"), "pass"),
        (
            RestException({"error_code": "UNAUTHENTICATED", "message": "no"}),
            "refuses the user or the password",
        ),
        (MlflowException("API request failed with error code 403 != 200"), "may not do this"),
        (refused(401), "refuses the user or the password"),
        (refused(403), "may not do this"),
    ],
)
def test_only_a_status_is_a_refusal(
    error: Exception, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("URI", "USERNAME", "PASSWORD"):  # a session sets them
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", "")
    with (
        pytest.raises(TrackingError, match=words) as raised,
        session("http://127.0.0.1:4010", None, None),
    ):
        raise error
    assert raised.value.code == ExitCode.FAILED
