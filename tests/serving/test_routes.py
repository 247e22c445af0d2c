"""Every route's answer and every error's form, through Litestar's own client."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from litestar.exceptions import HTTPException

from serving.access.users.store import Users
from serving.routes import about
from tests.support import tiny
from tests.support.answers import is_problem, multipart
from tests.support.service import PASSWORD, SECRET, USER, Client, bearer
from tests.support.waiting import PATIENCE

Auth = dict[str, str]

PUBLIC_ROUTES = {
    "/",
    "/status",
    "/health/live",
    "/health/ready",
    "/token",
    "/login",
    "/metrics",
    "/schema",
    "/schema/openapi.json",
    "/schema/{name:str}",
    "/page/{name:str}",
}
"""With SERVING_METRICS=open; every other route must be closed."""


def test_status_is_exact(client: Client) -> None:
    assert client.get("/status").json() == {"status": "L'API fonctionne correctement"}


def test_home_welcomes_programs_and_people(client: Client) -> None:
    body = client.get("/").json()
    assert body["message"].startswith("Bienvenue")
    assert all(client.get(link).status_code != 404 for link in body["links"].values())
    assert body["links"].keys() >= {"documentation", "predict"}
    page = client.get("/", headers={"Accept": "text/html,*/*"})
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["vary"] == client.get("/").headers["vary"] == "Accept"


def test_every_route_is_closed_unless_listed(client: Client) -> None:
    for route in client.watched.app.routes:
        for method in route.methods - {"OPTIONS", "HEAD"}:
            response = client.request(method, re.sub(r"\{\w+:str\}", "x", route.path))
            if route.path in PUBLIC_ROUTES:
                assert response.status_code not in (401, 403), route.path
            else:
                is_problem(response, 401)
                assert response.headers["www-authenticate"].startswith("Bearer")


def test_unmatched_requests_are_problems(client: Client, auth: Auth) -> None:
    is_problem(client.get("/nothing"), 404)
    is_problem(client.get("/schema/../secret"), 404)
    is_problem(client.get("/api/health/live"), 404)
    response = client.delete("/predict", headers=auth)
    is_problem(response, 405)
    assert "POST" in response.headers["allow"]
    is_problem(client.get("/token"), 405)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError("secret inside"), 500),
        *((HTTPException(detail="secret inside", status_code=n), n) for n in (418, 403)),
        (HTTPException(detail="secret inside", status_code=502), 500),
    ],
)
def test_an_unforeseen_error_tells_its_status_at_most(
    client: Client, auth: Auth, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def broken(_: object) -> None:
        raise error

    monkeypatch.setattr(client.watched.service.model.current.classifier, "predict", broken)
    response = client.post("/predict", headers=auth, json={"designation": "livre"})
    is_problem(response, status)
    assert "secret" not in response.text


def test_the_request_id_is_kept_or_made(client: Client) -> None:
    given = client.get("/status", headers={"X-Request-ID": "abc-1.2_3"})
    assert given.headers["x-request-id"] == "abc-1.2_3"
    for bad in ("a b", "x" * 65, "é", 'x"y'):
        made = client.get("/status", headers=[(b"X-Request-ID", bad.encode())])
        assert re.fullmatch("[0-9a-f]{32}", made.headers["x-request-id"])


def test_model(client: Client, auth: Auth) -> None:
    body = client.get("/model", headers=auth).json()
    assert body["model"] == client.watched.service.model.hash
    assert body["codes"] == list(tiny.CODES)
    assert body["labels"]["2583"] == "Piscine"
    assert body["parameters"] == {"text": {"model": "tiny"}}
    assert "text.onnx" in body["manifest"]["files"]


def test_rare_codes_are_counted_together(
    start: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """2905 is the rarest of three in training."""
    monkeypatch.setattr("serving.inference.loading.MOST_CODES", 2)
    client = start()
    auth = bearer(client)
    for word in ("livre", "jeu"):
        assert client.post("/predict", headers=auth, json={"designation": word}).status_code == 200
    text = client.get("/metrics").text
    assert 'classifier_predictions_total{accepted="true",code="10"} 1.0' in text
    assert 'classifier_predictions_total{accepted="true",code="other"} 1.0' in text
    assert 'code="2905"' not in text


def test_metrics(client: Client, auth: Auth) -> None:
    client.post("/predict", headers=auth, data={"designation": "piscine"}, files=_picture())
    text = client.get("/metrics").text
    for line in (
        'http_requests_total{method="POST",route="/predict",status="200"}',
        'classifier_branch_seconds_count{branch="image",step="decode"}',
        'classifier_branch_seconds_count{branch="text",step="inference"}',
        'classifier_predictions_total{accepted="true",code="2583"}',
        "classifier_confidence_bucket",
        "classifier_queue_depth 0.0",
        "service_ready 1.0",
        "classifier_accepted_share_measured 0.0",  # nothing is measured of the tiny classifier
        f'classifier_model_info{{model="{client.watched.service.model.hash}"}} 1.0',
        "process_resident_memory_bytes",
    ):
        assert line in text
    client.get("/nothing/at/all")
    assert 'route="unmatched"' in client.get("/metrics").text


def test_metrics_may_need_a_scope(start: Callable[..., Client]) -> None:
    client = start(metrics="scope")
    is_problem(client.get("/metrics"), 401)
    response = client.get("/metrics", headers=bearer(client))
    is_problem(response, 403)
    assert 'scope="metrics"' in response.headers["www-authenticate"]
    client.watched.service.users.add("prometheus", "", ("metrics",), PASSWORD)
    headers = bearer(client, ("metrics",), "prometheus")
    assert client.get("/metrics", headers=headers).status_code == 200
    is_problem(client.post("/predict", headers=headers, json={"designation": "x"}), 403)


def test_the_token_of_the_settings_reads_metrics_and_nothing_else(
    start: Callable[..., Client],
) -> None:
    given = {"Authorization": f"Bearer {SECRET[:40]}"}
    is_problem(start(metrics="scope").get("/metrics", headers=given), 401)
    client = start(metrics="scope", metrics_token=SECRET[:40])
    assert client.get("/metrics", headers=given).status_code == 200
    is_problem(client.post("/predict", headers=given, json={"designation": "x"}), 403)
    is_problem(client.get("/metrics", headers={"Authorization": f"Bearer {SECRET[:39]}"}), 401)
    assert client.get("/metrics", headers=bearer(client)).status_code == 403


def test_failures_are_counted_from_nought(start: Callable[..., Client]) -> None:
    """Prometheus sees no increase in a series whose first value is a failure."""
    text = start(ready=False).get("/metrics").text
    for path in ("/predict", "/predict_code", "/predict/batch", "/explain", "/token"):
        assert f'http_requests_total{{method="POST",route="{path}",status="503"}} 0.0' in text


def test_a_scope_the_user_no_longer_has_is_worth_nothing(client: Client) -> None:
    client.watched.service.users.add("reader", "", ("metrics",), PASSWORD)
    headers = bearer(client, ("predict",), "reader")
    is_problem(client.post("/predict", headers=headers, json={"designation": "x"}), 403)


# Tokens


def login(client: Client, **form: str) -> Any:
    return client.post("/token", data=form)


def test_login(client: Client) -> None:
    response = login(client, grant_type="password", username=USER, password=PASSWORD)
    body = response.json()
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert body.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("bearer", 1800, "predict")
    headers = {"Authorization": f"bearer {body['access_token']}"}
    assert client.get("/verify-token", headers=headers).json() == {
        "username": USER,
        "full_name": "Alice Martin",
        "scopes": ["predict"],
    }


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"username": USER, "password": "wrong"}, "invalid_grant"),
        ({"username": "nobody", "password": "wrong"}, "invalid_grant"),
        ({"username": USER}, "invalid_request"),
        ({"password": PASSWORD}, "invalid_request"),
        ({}, "invalid_request"),
        ({"username": "x" * 300, "password": "x"}, "invalid_request"),
        ({"username": USER, "password": PASSWORD, "grant_type": "code"}, "unsupported_grant_type"),
        ({"username": USER, "password": PASSWORD, "scope": "metrics"}, "invalid_scope"),
    ],
)
def test_a_refused_login_is_as_rfc_6749_says(
    client: Client, form: dict[str, str], error: str
) -> None:
    response = login(client, **form)
    assert response.status_code == 400
    assert response.headers["cache-control"] == "no-store"
    assert response.json().keys() == {"error", "error_description"}
    assert response.json()["error"] == error


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("application/json", b'{"username":"alice"}', f"must be {FORM}"),
        (FORM, b"username=alice&username=bob&password=x", "a field is given twice"),
        (FORM, b"username=%ff&password=x", "can't decode byte 0xff"),
        (FORM, b"username=\xe9&password=x", "can't decode byte 0xe9 in position 9"),
        (FORM, b"&".join(b"a%d=1" % i for i in range(99)), "Max number of fields"),
        ("", b"username=alice&password=x", f"must be {FORM}"),
    ],
)
def test_a_malformed_login_is_refused(client: Client, kind: str, body: bytes, reason: str) -> None:
    response = client.post("/token", content=body, headers={"Content-Type": kind})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert reason in response.json()["error_description"]


def test_a_long_login_is_refused(client: Client) -> None:
    is_problem(login(client, username=USER, password="x" * 9000), 413)


def test_a_disabled_user_is_told_nothing_more(client: Client) -> None:
    client.watched.service.users.add("gone", "", ("predict",), PASSWORD)
    client.watched.service.users.set_disabled("gone", True)
    wrong = login(client, username=USER, password="wrong").json()
    assert login(client, username="gone", password=PASSWORD).json() == wrong
    headers = bearer(client, username="gone")
    is_problem(client.get("/verify-token", headers=headers), 401)


def stored(users: Users, name: str) -> str:
    """The hash of a user's password."""
    found = users.find(name)
    assert found is not None
    return found[1]


def test_login_renews_an_old_hash(client: Client) -> None:
    from argon2 import PasswordHasher

    users = client.watched.service.users
    users.add("old", "", ("predict",), PASSWORD)
    users.renew_hash("old", stored(users, "old"), PasswordHasher(1, 8192, 1).hash(PASSWORD))
    assert login(client, username="old", password=PASSWORD).status_code == 200
    assert "m=65536,t=3,p=4" in stored(users, "old")


@pytest.mark.parametrize("header", ["", "Basic x", "Bearer", "Bearer ", "Bearer x y", "bearer é"])
def test_other_authorizations_are_refused(client: Client, header: str) -> None:
    headers = [(b"Authorization", header.encode("latin-1"))]
    response = client.get("/verify-token", headers=headers)
    is_problem(response, 401)
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_a_token_in_the_query_is_worth_nothing(client: Client, auth: Auth) -> None:
    token = auth["Authorization"].split()[1]
    is_problem(client.get("/verify-token", params={"token": token, "access_token": token}), 401)


# Predictions


def _picture(data: bytes | None = None) -> dict[str, Any]:
    return {"image": ("p.jpg", tiny.picture() if data is None else data, "image/jpeg")}


def test_predict_from_a_form(client: Client, auth: Auth) -> None:
    fields = {
        "designation": "Piscine",
        "description": "<p>Une piscine</p>",
        "product_identifier": "12-a",
        "product_id": "3804725264",
        "imageid": "007",
    }
    response = client.post("/predict", headers=auth, data=fields, files=_picture())
    body = response.json()
    assert response.status_code == 200
    assert (body["predicted"], body["label"], body["evidence"]) == (2583, "Piscine", "both")
    assert body["accepted"] is True
    assert body["confidence"] == body["predictions"][0]["confidence"] > 0.9
    assert body["predictions"][0].keys() == {"prediction", "label", "confidence"}
    ranked = [entry["confidence"] for entry in body["predictions"]]
    assert ranked == sorted(ranked, reverse=True)
    assert sum(ranked) == pytest.approx(1)
    assert [body[name] for name in ("product_identifier", "product_id", "imageid")] == [
        "12-a",
        "3804725264",
        "007",
    ]
    assert body["model"] == client.watched.service.model.hash
    assert body["message"] == "Produit classé : Piscine (2583)"


def test_predict_from_json_gives_the_same(client: Client, auth: Auth) -> None:
    import base64

    fields = {"designation": "piscine", "imageid": 7}
    form = client.post("/predict", headers=auth, data=fields, files=_picture()).json()
    image = base64.b64encode(tiny.picture()).decode()
    json = client.post("/predict_code", headers=auth, json={**fields, "image": image}).json()
    assert json.pop("imageid") == 7
    assert form.pop("imageid") == "7"
    assert json == form


def test_text_or_picture_may_be_missing(client: Client, auth: Auth) -> None:
    text = client.post("/predict", headers=auth, data={"description": "livre"}, files=_no_files())
    picture = client.post("/predict", headers=auth, files=_picture(tiny.picture("blue")))
    assert (text.json()["predicted"], text.json()["evidence"]) == (10, "text")
    assert (picture.json()["predicted"], picture.json()["evidence"]) == (2905, "image")


def _no_files() -> dict[str, Any]:
    """Makes the client send a multipart form; browsers send an empty part for no file."""
    return {"image": ("", b"", "application/octet-stream")}


@pytest.mark.parametrize("fields", [{}, {"designation": ""}, {"designation": "<br>\0 \u200b"}])
def test_not_both_may_be_missing(client: Client, auth: Auth, fields: dict[str, str]) -> None:
    is_problem(client.post("/predict", headers=auth, json=fields), 422)
    is_problem(client.post("/predict", headers=auth, data=fields, files=_no_files()), 422)


@pytest.mark.parametrize(
    "data",
    [
        tiny.picture("green", "PNG"),
        tiny.picture("green", "PNG", "P"),
        tiny.picture("green", "PNG", "RGBA"),
        tiny.picture("green", "JPEG", "CMYK"),
        tiny.picture("green", "JPEG", exif=tiny.ROTATED),
        tiny.picture("green", "WEBP"),
        tiny.picture("green", "WEBP", "RGBA", lossless=True),
        tiny.picture("green", "GIF"),
        tiny.picture("green", "BMP"),
        tiny.picture("green", "TIFF", compression="tiff_lzw"),
        tiny.picture("green", "AVIF"),
        tiny.animation("WEBP"),
        tiny.animation("PNG"),
        tiny.animation("GIF"),
    ],
)
def test_any_picture_is_recognised_by_its_content(client: Client, auth: Auth, data: bytes) -> None:
    response = client.post("/predict", headers=auth, files=_picture(data))
    assert response.status_code == 200
    assert (response.json()["predicted"], response.json()["evidence"]) == (2583, "image")


@pytest.mark.parametrize(
    "data", [tiny.picture("green", "PNG", mode) for mode in ("L", "1")] + [tiny.sixteen_bit()]
)
def test_a_picture_without_colours_is_answered(client: Client, auth: Auth, data: bytes) -> None:
    assert client.post("/predict", headers=auth, files=_picture(data)).status_code == 200


@pytest.mark.parametrize(
    "data",
    [
        tiny.picture("green", "GIF")[:-60],
        tiny.picture("green", "BMP")[:-60],
        tiny.picture("green", "TIFF")[:-200],
        tiny.picture("green", "AVIF")[:-20],
        tiny.picture("green", "PNG")[:-30],
        tiny.picture("green", "JPEG")[:200],
        tiny.picture("green", "JPEG")[:20],
        tiny.picture("green", "WEBP")[:-10],
        tiny.picture("black", "PNG", "1", size=8000),
        b"\0",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
)
def test_what_is_no_picture_is_refused(client: Client, auth: Auth, data: bytes) -> None:
    is_problem(client.post("/predict", headers=auth, files=_picture(data)), 422)
    with_text = client.post(
        "/predict", headers=auth, data={"designation": "livre"}, files=_picture(data)
    )
    assert with_text.status_code == 200
    assert with_text.json()["evidence"] == "text"
    assert with_text.json()["image_error"].startswith("picture ")


@pytest.mark.parametrize(
    ("status", "kind", "content"),
    [
        (415, "text/plain", b"x"),
        (415, "", b"x"),
        (415, "application/x-www-form-urlencoded", b"designation=x"),
        (400, "application/json", b"{"),
        (400, "application/json", b""),
        (400, "application/json", b'{"designation": "\xff"}'),
        (400, "application/json", b'{"designation": "\\ud800"}'),
        (400, "application/json", b'{"x":' + b"[" * 100_000),
        (422, "application/json", b"[]"),
        (422, "application/json", b"null"),
        (422, "application/json", b"{}"),
        (422, "application/json", b'{"designation": "<br>"}'),
        (422, "application/json", b'{"designation": 7}'),
        (422, "application/json", b'{"image": "AAAA"}'),
        (422, "application/json", b'{"image": "***"}'),
        (422, "application/json", b'{"designation": "x", "imageid": [1]}'),
        (422, "application/json", b'{"designation": "x", "imageid": "' + b"1" * 200 + b'"}'),
        (422, "application/json", b'{"designation": "' + b"x" * 60_000 + b'"}'),
        (400, "multipart/form-data", b"x"),
        (400, "multipart/form-data; boundary=b", b"x"),
        (400, "multipart/form-data; boundary=b", b"--b\r\n"),
        (400, "multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n--b--\r\n"),
        (400, "multipart/form-data; boundary=b", multipart(("imageid", b"1"), ("imageid", b"2"))),
        (413, "application/json", b" " * 200_001),
    ],
)
def test_malformed_bodies(
    client: Client, auth: Auth, status: int, kind: str, content: bytes
) -> None:
    headers = {**auth, "Content-Type": kind}
    predict, explain = (
        is_problem(client.post(path, headers=headers, content=content), status)
        for path in ("/predict", "/explain")
    )
    assert predict == {**explain, "request_id": predict["request_id"]}


@pytest.mark.parametrize(
    ("status", "parts"),
    [
        (400, [("designation", b"x"), ("designation", b"y")]),
        (400, [("designation", b"\xff")]),
        (413, [(f"f{number}", b"x") for number in range(100)]),
        (200, [("designation", b"livre"), ("unknown", b"\xff")]),
    ],
)
def test_forms(client: Client, auth: Auth, status: int, parts: list[tuple[str, bytes]]) -> None:
    headers = {**auth, "Content-Type": "multipart/form-data; boundary=b"}
    response = client.post("/predict", headers=headers, content=multipart(*parts))
    assert response.status_code == status


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/explain"])
def test_a_compressed_body_is_not_unpacked(client: Client, auth: dict[str, str], path: str) -> None:
    headers = {**auth, "Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = client.post(path, headers=headers, content=gzip.compress(b"[" * 1_000_000))
    assert "must not be compressed" in is_problem(answer, 415)["detail"]
    assert answer.headers["accept-encoding"] == "identity"
    plain = {**headers, "Content-Encoding": "identity"}
    assert client.post(path, headers=plain, content=b"[{}]").status_code != 415


def test_before_the_classifier_is_loaded_products_wait(
    start: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    from threading import Event

    from serving.inference import loading, model

    go = Event()
    monkeypatch.setattr(model, "load", lambda *given: go.wait(PATIENCE) and loading.load(*given))
    client = start(ready=False)
    try:
        assert client.get("/health/live").status_code == 200
        for path in ("/health/ready", "/status"):
            is_problem(client.get(path), 503)
        response = client.post("/predict", headers=bearer(client), json={"designation": "x"})
        is_problem(response, 503)
        assert response.headers["retry-after"] == "1"
    finally:
        go.set()


# Batches


def test_a_batch_is_answered_in_order(client: Client, auth: Auth) -> None:
    batch = [
        {"designation": "jeu", "imageid": 1},
        {"designation": 3, "imageid": 2},
        {},
        {"designation": "livre", "imageid": 4},
        7,
        {"designation": "x" * 60_000, "imageid": 6},
    ]
    response = client.post("/predict/batch", headers=auth, json=batch)
    assert response.status_code == 200
    assert [item.get("predicted") for item in response.json()] == [2905, None, None, 10, None, None]
    errors = [item["error"] for item in response.json() if "error" in item]
    assert [error["status"] for error in errors] == [422] * 4
    assert {error["request_id"] for error in errors} == {response.headers["x-request-id"]}
    assert [item["imageid"] for item in response.json()] == [1, 2, None, 4, None, 6]
    lines = b"\n".join(msgspec.json.encode(item) for item in batch) + b"\r\n\n"
    headers = {**auth, "Content-Type": "application/x-ndjson"}
    streamed = client.post("/predict/batch", headers=headers, content=lines)
    assert streamed.headers["content-type"].startswith("application/x-ndjson")
    answers = [msgspec.json.decode(line) for line in streamed.content.splitlines()]
    assert [item.get("predicted") for item in answers] == [2905, None, None, 10, None, None]
    single = client.post("/predict", headers=auth, json=batch[0]).json()
    assert answers[0] == single == response.json()[0]


@pytest.mark.parametrize(
    ("status", "kind", "content"),
    [
        (422, "application/json", b"[]"),
        (422, "application/json", b"{}"),
        (400, "application/json", b"[1"),
        (422, "application/x-ndjson", b"\n\n"),
        (413, "application/json", b"[" + b"1," * 6 + b"1]"),
        (413, "application/x-ndjson", b"1\n" * 7),
        (413, "application/json", b" " * 400_001),
        (415, "multipart/form-data; boundary=b", multipart(("designation", b"x"))),
    ],
)
def test_malformed_batches(
    client: Client, auth: Auth, status: int, kind: str, content: bytes
) -> None:
    headers = {**auth, "Content-Type": kind}
    is_problem(client.post("/predict/batch", headers=headers, content=content), status)


# Documentation


def test_the_document_describes_every_route(client: Client) -> None:
    document = client.get("/schema").json()
    assert document == client.get("/schema/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    served = {
        route.path.replace(":str}", "}") for route in client.watched.app.routes
    } - about_paths()
    assert document["paths"].keys() == served
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["description"]
            for media in operation.get("requestBody", {}).get("content", {}).values():
                assert media["examples"]


def about_paths() -> set[str]:
    paths = (path for handler in (about.schema, about.asset) for path in handler.paths)
    return {path.replace(":str}", "}") for path in paths}


class Sources(HTMLParser):
    """What a page loads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attribute = {"script": "src", "link": "href", "img": "src"}.get(tag)
        self.found += [value for name, value in attrs if name == attribute and value]


@pytest.mark.parametrize("path", ["/", "/schema"])
def test_pages_load_everything_from_here(client: Client, path: str) -> None:
    page = client.get(path, headers={"Accept": "text/html"})
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers.get_list("x-content-type-options") == ["nosniff"]
    for source in Sources(page.text).found:
        assert source.startswith("/")
        assert client.get(source).status_code == 200
    assert "http" not in client.get("/schema/schema.js").text.replace("https", "http")


def test_what_is_behind_a_token_is_kept_nowhere(client: Client, auth: dict[str, str]) -> None:
    product = {"designation": "livre"}
    for response in (
        client.post("/predict", headers=auth, json=product),
        client.post("/predict", headers=auth, json={}),
        client.get("/model", headers=auth),
        client.get("/verify-token"),
    ):
        assert response.headers.get_list("cache-control") == ["no-store"]
        assert response.headers.get_list("x-content-type-options") == ["nosniff"]
    assert "cache-control" not in client.get("/health/live").headers
    assert login(client, username=USER, password=PASSWORD).headers.get_list("cache-control") == [
        "no-store"
    ]
