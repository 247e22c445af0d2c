"""DVC's options of the remote: what is named and no more."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from stages.commands.remote import configure
from stages.commands.remote.environment import Environment, EnvironmentFault

BUCKET = {"REMOTE_URL": "s3://bucket/folder"}
KEYS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({}, {}),
        (KEYS, {"access_key_id": "a", "secret_access_key": "b"}),
        ({"DAGSHUB_TOKEN": "t"}, {"access_key_id": "t", "secret_access_key": "t"}),
        ({"REMOTE_ANONYMOUS": "true"}, {"allow_anonymous_login": True}),
        ({"REMOTE_ENDPOINT_URL": "http://b:9000"}, {"endpointurl": "http://b:9000"}),
        ({"AWS_DEFAULT_REGION": "eu-west-3"}, {"region": "eu-west-3"}),
    ],
)
def test_options(given: dict[str, str], options: dict[str, object]) -> None:
    settings = Environment.model_validate({**BUCKET, **given})
    assert configure.options(settings) == {"url": "s3://bucket/folder", **options}


def test_one_key_is_refused() -> None:
    settings = Environment.model_validate({**BUCKET, "AWS_ACCESS_KEY_ID": SecretStr("a")})
    with pytest.raises(EnvironmentFault, match="both"):
        configure.options(settings)
