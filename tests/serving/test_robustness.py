"""Whatever is sent, the service answers: never 5xx, always in a documented form."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from argon2 import PasswordHasher, extract_parameters
from hypothesis import HealthCheck, given, settings, strategies

from serving.http.problems import MEDIA_TYPE
from tests.support import tiny
from tests.support.answers import multipart
from tests.support.service import USER, Client

many = settings(
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

KINDS = (
    "application/json",
    "application/x-ndjson",
    "multipart/form-data; boundary=b",
    "multipart/form-data; boundary=",
    "application/x-www-form-urlencoded",
    "text/plain",
    "",
    ";;;",
)
INFERENCE = "/v2/models/product-classifier/infer"
PATHS = ("/predict", "/predict_code", "/predict/batch", INFERENCE, "/token")
PICTURES = (
    *(tiny.picture("red", kind, exif=tiny.ROTATED) for kind in ("JPEG", "PNG", "WEBP")),
    *(tiny.picture("red", kind) for kind in ("GIF", "BMP", "TIFF", "AVIF")),
    tiny.picture("red", "TIFF", compression="tiff_lzw"),
    *(tiny.animation(kind) for kind in ("PNG", "WEBP", "GIF")),
)


def answered(response: Any) -> None:
    assert response.status_code < 500, response.text
    if response.status_code >= 400 and "error_description" not in response.text:
        assert response.headers["content-type"].startswith(MEDIA_TYPE)


@many
@given(
    path=strategies.sampled_from(PATHS),
    kind=strategies.sampled_from(KINDS),
    body=strategies.binary(max_size=400),
)
def test_random_bodies(
    client: Client, auth: dict[str, str], path: str, kind: str, body: bytes
) -> None:
    if path == "/token" and b"password" in body:
        return
    answered(client.post(path, content=body, headers={**auth, "Content-Type": kind}))


values = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers()
    | strategies.floats()
    | strategies.text(alphabet=strategies.characters(), max_size=30),
    lambda inner: strategies.lists(inner, max_size=3),
    max_leaves=4,
)
products = strategies.dictionaries(
    strategies.sampled_from(
        ["designation", "description", "image", "product_identifier", "product_id", "imageid", "x"]
    ),
    values,
)


@many
@given(product=products, batch=strategies.booleans())
def test_random_products(
    client: Client, auth: dict[str, str], product: dict[str, Any], batch: bool
) -> None:
    body = json.dumps([product] if batch else product).encode()
    path = "/predict/batch" if batch else "/predict"
    answered(client.post(path, content=body, headers={**auth, "Content-Type": "application/json"}))


@many
@given(text=strategies.text(max_size=300))
def test_any_text_is_read_or_refused(client: Client, auth: dict[str, str], text: str) -> None:
    body = multipart(("designation", text.encode("utf-8", "surrogatepass")))
    headers = {**auth, "Content-Type": "multipart/form-data; boundary=b"}
    answered(client.post("/predict", content=body, headers=headers))


@many
@given(
    picture=strategies.sampled_from(PICTURES),
    start=strategies.integers(0, 700),
    removed=strategies.integers(0, 40),
    noise=strategies.binary(max_size=40),
)
def test_damaged_pictures(
    client: Client, auth: dict[str, str], picture: bytes, start: int, removed: int, noise: bytes
) -> None:
    damaged = picture[:start] + noise + picture[start + removed :]
    image = base64.b64encode(damaged).decode()
    answered(client.post("/predict", headers=auth, json={"image": image}))


def test_an_unknown_user_takes_as_long_as_a_known_one(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the work that takes the time: hashes of the same parameters."""
    verify, verified = PasswordHasher.verify, []

    def noting(self: PasswordHasher, encoded: str, password: str) -> bool:
        verified.append(extract_parameters(encoded))
        return verify(self, encoded, password)

    monkeypatch.setattr(PasswordHasher, "verify", noting)
    for username in (USER, "nobody"):
        client.post("/token", data={"username": username, "password": "wrong password"})
    known, unknown = verified
    assert known == unknown
