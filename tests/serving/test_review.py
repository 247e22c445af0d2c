"""Sessions, the review of answers, and corrections: over HTTP, by people and by who means harm."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from serving.access.users.store import Users
from serving.settings import Settings
from tests.support import tiny
from tests.support.answers import is_problem
from tests.support.service import PASSWORD, USER, Client, bearer
from tests.support.waiting import wait_until

ANN, BEN = "ann", "ben"
SCOPES = ("predict", "review")
TITLE = "quelque chose d'incertain"


@pytest.fixture
def reviewed(start: Callable[..., Client], settings: Settings, tmp_path: Any) -> Client:
    """An application of its own, with two reviewers, that keeps pictures."""
    client = start(
        corrections_database=f"sqlite:///{tmp_path / 'corrections.sqlite3'}",
        users_database=tmp_path / "users.sqlite3",
        review_pictures=True,
        review_sample=1.0,
    )
    client.watched.service.review.make_tables()
    users = Users(client.watched.service.settings.users_database)
    for name in (ANN, BEN):
        users.add(name, name.title(), SCOPES, PASSWORD)
    return client


@pytest.fixture
def ann(reviewed: Client) -> dict[str, str]:
    return bearer(reviewed, SCOPES, ANN)


@pytest.fixture
def ben(reviewed: Client) -> dict[str, str]:
    return bearer(reviewed, SCOPES, BEN)


@pytest.fixture
def session(reviewed: Client) -> dict[str, str]:
    """The CSRF header of a session of ANN, whose cookie the client keeps."""
    answer = log_in(reviewed, ANN)
    assert answer.status_code == 200
    return {"X-CSRF-Token": answer.json()["csrf"]}


def log_in(client: Client, username: str, password: str = PASSWORD) -> Any:
    return client.post("/login", json={"username": username, "password": password})


def asked(client: Client, auth: dict[str, str], **product: Any) -> dict[str, Any]:
    """An answer, once it waits for review."""
    service = client.watched.service
    answer = client.post("/predict", json={"designation": TITLE, **product}, headers=auth).json()
    wait_until(lambda: service.review.queue.find(answer["id"]) is not None, "not kept")
    return answer


def test_an_answer_names_its_product(reviewed: Client, ann: dict[str, str]) -> None:
    first, again = asked(reviewed, ann), asked(reviewed, ann, product_id=7)
    other = asked(reviewed, ann, designation="autre chose")
    assert first["id"] == again["id"] != other["id"]
    assert len(first["id"]) == 32
    batch = [{"designation": TITLE}, {"imageid": 3}, {"designation": "autre chose"}]
    results = reviewed.post("/predict/batch", json=batch, headers=ann).json()
    assert [result.get("id") for result in results] == [first["id"], None, other["id"]]
    explained = reviewed.post("/explain", json={"designation": TITLE}, headers=ann).json()
    assert explained["id"] == first["id"]


def test_from_answer_to_correction(reviewed: Client, ann: dict[str, str]) -> None:
    answer = asked(reviewed, ann, description="<b>texte</b>", imageid="12")
    state = reviewed.get("/review", headers=ann).json()
    assert state == {"waiting": 1, "mine": 0, "conflicts": []}
    item = reviewed.post("/review/next", headers=ann).json()
    assert item["id"] == answer["id"]
    assert (item["designation"], item["description"]) == (TITLE, "<b>texte</b>")
    assert (item["identifier"], item["predicted"]) == ("12", answer["predicted"])
    assert item["predictions"][0]["prediction"] == answer["predicted"]
    body = {"answer": item["id"], "code": tiny.CODES[1], "note": "vu"}
    said = reviewed.post("/corrections", json=body, headers=ann)
    assert said.status_code == 201
    assert said.json()["code"] == tiny.CODES[1]
    [entry] = reviewed.watched.service.review.corrections.entries()
    assert (entry.reviewer, entry.code, entry.note) == (ANN, tiny.CODES[1], "vu")
    assert (entry.answered, entry.model) == (answer["predicted"], answer["model"])
    assert reviewed.post("/review/next", headers=ann).status_code == 204
    assert reviewed.get("/review", headers=ann).json()["mine"] == 1
    # Taken back, it waits again.
    reviewed.post("/corrections", json={"answer": item["id"], "code": None}, headers=ann)
    assert reviewed.post("/review/next", headers=ann).json()["id"] == item["id"]
    assert reviewed.get("/review", headers=ann).json()["mine"] == 0


def test_a_product_that_nobody_kept_is_given_itself(reviewed: Client, ann: dict[str, str]) -> None:
    body = {"answer": "0" * 32, "code": tiny.CODES[0]}
    is_problem(reviewed.post("/corrections", json=body, headers=ann), 404)
    product = {"designation": "jamais demandé", "product_id": 5, "code": str(tiny.CODES[0])}
    said = reviewed.post("/corrections", json=product, headers=ann)
    assert said.status_code == 201
    [entry] = reviewed.watched.service.review.corrections.entries()
    assert (entry.reason, entry.identifier, entry.code) == ("asked", "5", tiny.CODES[0])


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"designation": "a"}, 422, None),
        ({"designation": "a", "code": 999_999}, 422, "code"),
        ({"designation": "a", "code": True}, 422, None),
        ({"designation": "a", "code": tiny.CODES[0], "note": "x" * 1001}, 422, "note"),
        ({"designation": "a", "code": tiny.CODES[0], "settles": "yes"}, 422, None),
        ({"code": tiny.CODES[0]}, 422, None),
        ({"answer": 5, "code": tiny.CODES[0]}, 422, None),
        ({"designation": "x" * 60_000, "code": tiny.CODES[0]}, 422, "designation"),
    ],
)
def test_what_is_no_correction_is_refused(
    reviewed: Client, ann: dict[str, str], body: dict[str, Any], status: int, field: str | None
) -> None:
    answer = reviewed.post("/corrections", json=body, headers=ann)
    is_problem(answer, status)
    if field:
        assert answer.json()["errors"][0]["field"] == field
    assert not list(reviewed.watched.service.review.corrections.entries())


def test_who_may_not_review_is_refused(reviewed: Client) -> None:
    asker = bearer(reviewed)
    for method, path in (
        ("GET", "/review"),
        ("POST", "/review/next"),
        ("POST", "/review/x/skip"),
        ("GET", "/review/x/picture"),
        ("POST", "/corrections"),
    ):
        is_problem(reviewed.request(method, path, headers=asker), 403)


def test_two_reviewers_get_different_products_and_disagree(
    reviewed: Client, ann: dict[str, str], ben: dict[str, str]
) -> None:
    ids = {asked(reviewed, ann, designation=f"titre {word}")["id"] for word in ("un", "deux")}
    given = [reviewed.post("/review/next", headers=who).json()["id"] for who in (ann, ben)]
    assert set(given) == ids
    for who, code in ((ann, tiny.CODES[0]), (ben, tiny.CODES[1])):
        body = {"answer": given[0], "code": code}
        assert reviewed.post("/corrections", json=body, headers=who).status_code == 201
    [conflict] = reviewed.get("/review", headers=ann).json()["conflicts"]
    assert [entry["reviewer"] for entry in conflict["entries"]] == [ANN, BEN]
    body = {"answer": given[0], "code": tiny.CODES[1], "settles": True}
    reviewed.post("/corrections", json=body, headers=ann)
    assert reviewed.get("/review", headers=ann).json()["conflicts"] == []


def test_skipping_leaves_a_product_to_others(
    reviewed: Client, ann: dict[str, str], ben: dict[str, str]
) -> None:
    answer = asked(reviewed, ann)
    reviewed.post("/review/next", headers=ann)
    assert reviewed.post(f"/review/{answer['id']}/skip", headers=ann).status_code == 204
    assert reviewed.post("/review/next", headers=ann).status_code == 204
    assert reviewed.post("/review/next", headers=ben).json()["id"] == answer["id"]


def test_a_kept_picture_can_be_looked_at_and_does_nothing(
    reviewed: Client, ann: dict[str, str]
) -> None:
    picture = tiny.picture()
    sent = reviewed.post(
        "/predict", data={"designation": TITLE}, files={"image": ("p", picture)}, headers=ann
    ).json()
    find = reviewed.watched.service.review.queue.find
    wait_until(lambda: find(sent["id"]) is not None, "not kept")
    answer = reviewed.get(f"/review/{sent['id']}/picture", headers=ann)
    assert answer.content == picture
    assert answer.headers["content-type"].startswith("image/")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    is_problem(reviewed.get("/review/none/picture", headers=ann), 404)


def test_nothing_is_kept_where_the_settings_say_so(start: Callable[..., Client]) -> None:
    client = start(review_queue=0)
    client.watched.service.review.make_tables()
    answer = client.post("/predict", json={"designation": TITLE}, headers=bearer(client)).json()
    assert client.watched.service.review.queue.find(answer["id"]) is None


def test_a_session_is_a_cookie_that_no_script_reads(reviewed: Client) -> None:
    answer = log_in(reviewed, ANN)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie  # by http
    assert answer.json()["scopes"] == sorted(SCOPES)
    assert answer.headers["cache-control"] == "no-store"
    assert reviewed.get("/verify-token").json()["username"] == ANN
    renewed = reviewed.get("/session")
    assert renewed.json()["csrf"] != answer.json()["csrf"]
    is_problem(reviewed.post("/logout"), 403)
    headers = {"X-CSRF-Token": renewed.json()["csrf"]}
    assert reviewed.post("/logout", headers=headers).status_code == 200
    is_problem(reviewed.get("/session"), 401)


def test_behind_https_the_cookie_goes_by_https(start: Callable[..., Client]) -> None:
    client = start()
    answer = client.post(
        "https://testserver.local/login", json={"username": USER, "password": PASSWORD}
    )
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"username": ANN, "password": "wrong horse battery"}, 401),
        ({"username": "nobody", "password": PASSWORD}, 401),
        ({"username": "", "password": PASSWORD}, 422),
        ({"username": ANN}, 422),
        ([ANN], 422),
        ({"username": "x" * 300, "password": PASSWORD}, 422),
    ],
)
def test_who_cannot_log_in_is_told(reviewed: Client, body: Any, status: int) -> None:
    answer = reviewed.post("/login", json=body)
    is_problem(answer, status)
    assert "set-cookie" not in answer.headers


def test_a_form_of_another_site_logs_nobody_in(reviewed: Client) -> None:
    form = {"username": ANN, "password": PASSWORD}
    is_problem(reviewed.post("/login", data=form), 415)


def test_logins_of_the_page_are_limited_as_those_of_tokens(start: Callable[..., Client]) -> None:
    client = start(token_account_limit=2)
    for _ in range(2):
        is_problem(log_in(client, USER, "wrong horse battery"), 401)
    is_problem(log_in(client, USER), 429)


def test_a_cookie_alone_changes_nothing(reviewed: Client, session: dict[str, str]) -> None:
    product = {"designation": TITLE}
    is_problem(reviewed.post("/predict", json=product), 403)
    for forged in (b"", b"0" * 32, "é".encode()):
        headers = {b"X-CSRF-Token": forged}
        is_problem(reviewed.post("/predict", json=product, headers=headers), 403)
    assert reviewed.post("/predict", json=product, headers=session).status_code == 200
    assert reviewed.get("/model").status_code == 200


def test_a_session_is_no_bearer_token_nor_the_reverse(reviewed: Client) -> None:
    log_in(reviewed, ANN)
    cookie = reviewed.cookies["session"]
    reviewed.cookies.clear()
    headers = {"Authorization": f"Bearer {cookie}"}
    is_problem(reviewed.get("/verify-token", headers=headers), 401)
    token = bearer(reviewed, SCOPES, ANN)["Authorization"].removeprefix("Bearer ")
    is_problem(reviewed.get("/session", headers={"Cookie": f"session={token}"}), 401)
    is_problem(reviewed.get("/session", headers={"Authorization": f"Bearer {token}"}), 401)


def test_a_session_ends_however_often_it_is_renewed(
    reviewed: Client, session: dict[str, str]
) -> None:
    service = reviewed.watched.service
    [user] = [user for user in service.users.list() if user.username == ANN]
    long_ago = time.time() - service.settings.session_hours * 3600 - 1
    old = service.tokens.issue(ANN, user.scopes, user.version, "session", long_ago)
    reviewed.cookies.clear()
    is_problem(reviewed.get("/session", headers={"Cookie": f"session={old}"}), 401)


def test_the_page_of_the_model_has_what_it_shows(reviewed: Client, ann: dict[str, str]) -> None:
    answer = asked(reviewed, ann)
    about = reviewed.get("/model/quality", headers=ann).json()
    assert about["model"] == answer["model"]
    assert about["since"] > 0
    assert {feature["feature"] for feature in about["drift"]}
    assert about["reviewed"] is None
    codes = reviewed.get("/codes", headers=ann).json()
    assert [row["code"] for row in codes] == list(tiny.CODES)


def test_the_precision_that_reviewers_measured_is_in_the_metrics(
    reviewed: Client, ann: dict[str, str]
) -> None:
    answer = asked(reviewed, ann, designation="livre")
    body = {"answer": answer["id"], "code": answer["predicted"]}
    reviewed.post("/corrections", json=body, headers=ann)
    entry = reviewed.watched.service.review.corrections.latest(answer["id"])
    assert entry.reason == ("sample" if entry.accepted else "uncertain")
    expected = 1.0 if entry.accepted else 0.0
    metrics = reviewed.get("/metrics").text
    assert f"review_sample_products {expected}" in metrics
    assert 'review_accepted_precision{bound="promised"}' in metrics


def test_answers_go_on_without_the_database(start: Callable[..., Client], tmp_path: Any) -> None:
    """A database that is gone is said so where it is needed, and without its address."""
    folder = tmp_path / "a file where a folder should be"
    folder.write_text("")
    client = start(corrections_database=f"sqlite:///{folder}/secret.sqlite3")
    client.watched.service.users.set_scopes(USER, SCOPES)
    auth = bearer(client, SCOPES)
    assert client.post("/predict", json={"designation": TITLE}, headers=auth).status_code == 200
    answer = client.post("/review/next", headers=auth)
    is_problem(answer, 503)
    assert "secret" not in answer.text
    client.watched.service.users.set_scopes(USER, ("predict",))
