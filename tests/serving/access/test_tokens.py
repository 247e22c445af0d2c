"""Keys and tokens: none weak, none forged."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from serving.access.keys import Keys
from serving.access.tokens import CLAIMS, LEEWAY_SECONDS, MAX_CHARACTERS, Tokens
from serving.errors import SettingsError, TokenError
from serving.settings import Settings
from tests.serving.key_pairs import write_pair
from tests.support.service import SECRET, changed

OTHER = SECRET[::-1]
PLAIN = Settings(secret_key=SECRET)


def make(settings: Settings = PLAIN) -> Tokens:
    return Tokens(Keys.load(settings), settings)


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    good = {
        "iss": "product-codes",
        "aud": "product-codes",
        "sub": "alice",
        "iat": now,
        "exp": now + 3600,
        "jti": "1",
        "scope": "predict",
        "typ": "access",
        "ver": "v",
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(
    payload: dict[str, Any], key: str = SECRET, algorithm: str = "HS256", **header: Any
) -> str:
    return jwt.encode(payload, key, algorithm=algorithm, headers=header or None)


def by_hand(header: dict[str, Any], payload: dict[str, Any], key: bytes | None) -> str:
    parts = [json.dumps(part).encode() for part in (header, payload)]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    mac = hmac.digest(key, text, hashlib.sha256) if key else b""
    return (text + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


def refused(tokens: Tokens, token: str) -> None:
    with pytest.raises(TokenError):
        tokens.check(token)


def test_a_token_says_who_and_what_for() -> None:
    tokens = make()
    found = tokens.check(tokens.issue("alice", ["predict", "metrics"], "v"))
    assert (found.subject, found.scopes) == ("alice", frozenset({"predict", "metrics"}))
    assert tokens.check(signed(claims())).subject == "alice"


def test_a_token_carries_every_claim() -> None:
    payload = jwt.decode(make().issue("a", [], "v"), options={"verify_signature": False})
    assert payload.keys() == set(CLAIMS)


@pytest.mark.parametrize("claim", CLAIMS)
def test_every_claim_is_required(claim: str) -> None:
    refused(make(), signed(claims(**{claim: None})))


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": int(time.time()) - 60},
        {"iat": int(time.time()) + 86_400},
        {"nbf": int(time.time()) + 86_400},
        {"aud": "another"},
        {"aud": ["product-codes", "another"]},
        {"iss": "another"},
        {"typ": "refresh"},
        {"scope": ["predict"]},
        {"sub": 7},
        {"jti": 7},
        {"exp": "soon"},
    ],
)
def test_a_wrong_claim_is_refused(changes: dict[str, Any]) -> None:
    refused(make(), signed(claims(**changes)))


def test_only_the_configured_algorithm_is_accepted() -> None:
    refused(make(), signed(claims(), algorithm="HS512"))
    refused(make(), signed(claims(), algorithm="HS384"))
    for none in ("none", "None", "NONE", ""):
        refused(make(), by_hand({"alg": none, "typ": "JWT"}, claims(), None))
    for name in ("HS384", "RS256", "ES256", "EdDSA", ["HS256"], None):
        refused(make(), by_hand({"alg": name, "typ": "JWT"}, claims(), SECRET.encode()))
    refused(make(), by_hand({"typ": "JWT"}, claims(), SECRET.encode()))
    refused(make(), signed(claims()).rpartition(".")[0] + ".")


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"kid": "../../dev/null"},
        {"kid": "' UNION SELECT 'x"},
        {"jku": "https://example.org/keys"},
        {"jwk": {"kty": "oct", "k": base64.urlsafe_b64encode(OTHER.encode()).decode()}},
        {"x5u": "https://example.org/cert"},
    ],
)
def test_a_token_does_not_choose_its_key(header: dict[str, Any]) -> None:
    refused(make(), signed(claims(), key=OTHER, **header))
    refused(make(), by_hand({"alg": "HS256", **header}, claims(), b"\0"))


def test_an_unknown_critical_header_is_refused() -> None:
    refused(make(), signed(claims(), crit=["x"], x=1))


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "é.é.é", "\0", "a" * (MAX_CHARACTERS + 1)]
)
def test_rubbish_is_refused(token: str) -> None:
    refused(make(), token)


def test_every_changed_character_is_noticed() -> None:
    tokens = make()
    token = tokens.issue("alice", ["predict"], "v")
    # The last character of each part carries unused bits: the ones before it are all significant.
    ends = {index - 1 for index, character in enumerate(token + ".") if character == "."}
    for index in set(range(0, len(token), 5)) - ends:
        if token[index] != ".":
            other = "A" if token[index] != "A" else "B"
            refused(tokens, token[:index] + other + token[index + 1 :])


def test_a_token_once_believed_still_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = make()
    token = tokens.issue("alice", ["predict"], "v")
    assert tokens.check(token) == tokens.check(token)
    expires = tokens.check(token).expires
    monkeypatch.setattr(time, "time", lambda: expires + LEEWAY_SECONDS - 1)
    assert tokens.check(token).subject == "alice"
    monkeypatch.setattr(time, "time", lambda: expires + LEEWAY_SECONDS + 1)
    with pytest.raises(TokenError, match="expired"):
        tokens.check(token)


def test_rotation_accepts_the_previous_key() -> None:
    before = make().issue("alice", ["predict"], "v")
    rotated = changed(PLAIN, secret_key=OTHER, previous_secret_key=SECRET)
    assert make(rotated).check(before).subject == "alice"
    after = make(rotated).issue("alice", [], "v")
    refused(make(), after)
    refused(make(changed(PLAIN, secret_key=OTHER)), before)


@pytest.mark.parametrize(
    ("algorithm", "secret"),
    [
        ("HS256", None),
        ("HS256", "short"),
        ("HS256", "a" * 64),
        ("HS256", "abcabcab" * 8),
        ("HS384", SECRET[:47]),
        ("HS512", SECRET[:63]),
    ],
)
def test_a_missing_or_weak_secret_is_refused(algorithm: str, secret: str | None) -> None:
    with pytest.raises(SettingsError, match=r"SECRET_KEY.*secrets\.token_urlsafe"):
        Keys.load(Settings(secret_key=secret, algorithm=algorithm))
    if secret:
        with pytest.raises(SettingsError, match="PREVIOUS_SECRET_KEY"):
            Keys.load(changed(PLAIN, previous_secret_key=secret, algorithm=algorithm))


def test_keys_are_not_shown() -> None:
    assert SECRET not in repr(Keys.load(PLAIN))


def test_key_files_sign_and_rotate(tmp_path: Path) -> None:
    old, old_public = write_pair(tmp_path, "old", Ed25519PrivateKey.generate())
    new, _ = write_pair(tmp_path, "new", Ed25519PrivateKey.generate())
    first = Settings(algorithm="EdDSA", private_key_file=old)
    token = make(first).issue("alice", ["predict"], "v")
    assert make(first).check(token).subject == "alice"
    second = Settings(algorithm="EdDSA", private_key_file=new, previous_public_key_file=old_public)
    assert make(second).check(token).subject == "alice"
    refused(make(changed(second, previous_public_key_file=None)), token)
    # The public key is known to all: it must not do as an HMAC secret.
    header = {"alg": "HS256", "typ": "JWT"}
    refused(make(second), by_hand(header, claims(), old_public.read_bytes()))


def test_a_wrong_key_file_is_refused(tmp_path: Path) -> None:
    private, public = write_pair(tmp_path, "key", Ed25519PrivateKey.generate())
    for file in (None, tmp_path / "none", public):
        with pytest.raises(SettingsError, match="PRIVATE_KEY_FILE"):
            Keys.load(Settings(algorithm="EdDSA", private_key_file=file))
    with pytest.raises(SettingsError, match="PREVIOUS_PUBLIC_KEY_FILE"):
        Keys.load(
            Settings(algorithm="EdDSA", private_key_file=private, previous_public_key_file=private)
        )
