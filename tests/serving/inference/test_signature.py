"""Signatures: a service that demands one loads what the key's owner signed, and nothing else."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from serving.errors import LockError, SettingsError, SignatureError
from serving.inference import lock, signature
from serving.inference.model import Model
from serving.metrics import Metrics
from serving.settings import Settings
from tests.serving.key_pairs import write_pair
from tests.support import tiny
from tests.support.process import Process, running
from tests.support.repository import ROOT
from tests.support.service import SECRET, changed


@pytest.fixture
def root(classifier_root: Path, tmp_path: Path) -> Path:
    """A classifier with its lock, and the owner's keys."""
    root = Path(shutil.copytree(classifier_root, tmp_path / "root"))
    write_pair(root, "owner", ec.generate_private_key(ec.SECP256R1()))
    return root


@pytest.fixture
def settings(root: Path) -> Settings:
    """Settings that demand the owner's signature, which is there."""
    settings = Settings(
        model=root / "models" / "classifier",
        lock=root / "dvc.lock",
        public_key=root / "owner-public.pem",
    )
    signature.sign(settings, root / "owner.pem", None)
    return settings


def loaded(settings: Settings) -> str:
    """The hash of what is loaded."""
    model = Model(settings, Metrics())
    try:
        asyncio.run(model.start())
        return model.hash
    finally:
        model.close()


def refusal(settings: Settings) -> str:
    with pytest.raises(SignatureError) as refused:
        loaded(settings)
    return str(refused.value)


def test_what_the_owner_signed_is_loaded_and_still_locked(settings: Settings) -> None:
    assert signature.path_for(settings) == settings.model.with_name("classifier.sig")
    assert loaded(settings) == lock.verify(settings.model, settings.lock).hash


def test_it_may_lie_elsewhere(root: Path, settings: Settings) -> None:
    elsewhere = signature.path_for(settings).rename(root / "elsewhere.sig")
    assert "classifier.sig is missing" in refusal(settings)
    loaded(changed(settings, signature=elsewhere))


def change(folder: Path) -> None:
    labels = folder / "labels.json"
    labels.write_text(labels.read_text("utf-8") + " ", "utf-8")


def add(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).touch()


def remove(folder: Path) -> None:
    (folder / "labels.json").unlink()


@pytest.mark.parametrize(
    ("forge", "named"),
    [
        (change, "Hash mismatch for 'labels.json'"),
        (remove, "Missing files in model 'classifier': labels.json"),
        (add("extra.py"), "Extra files found in model 'classifier': extra.py"),
        (add(".gitignore"), "Extra files found in model 'classifier': .gitignore"),
        (add("classifier.sig"), "Extra files found in model 'classifier': classifier.sig"),
    ],
    ids=["changed", "missing", "extra", "hidden", "named as the signature"],
)
def test_other_files_are_refused_by_name_though_a_forged_lock_has_them(
    root: Path, settings: Settings, forge: Callable[[Path], None], named: str
) -> None:
    forge(settings.model)
    tiny.write_lock(root)
    assert named in refusal(settings)


def test_a_signature_of_another_key_is_refused(root: Path, settings: Settings) -> None:
    private, public = write_pair(root, "other", ec.generate_private_key(ec.SECP384R1()))
    signature.sign(settings, private, None)
    assert "Key mismatch" in refusal(settings)
    loaded(changed(settings, public_key=public))


def test_a_hint_to_the_right_key_makes_no_signature_right(root: Path, settings: Settings) -> None:
    path = signature.path_for(settings)
    good = json.loads(path.read_text("utf-8"))
    private, _ = write_pair(root, "other", ec.generate_private_key(ec.SECP256R1()))
    signature.sign(settings, private, None)
    forged = json.loads(path.read_text("utf-8"))
    forged["verificationMaterial"] = good["verificationMaterial"]
    path.write_text(json.dumps(forged), "utf-8")
    assert "InvalidSignature" in refusal(settings)


def test_a_signature_of_other_content_is_refused(
    root: Path, settings: Settings, tmp_path: Path
) -> None:
    good = json.loads(signature.path_for(settings).read_text("utf-8"))
    change(settings.model)
    tiny.write_lock(root)
    signature.sign(settings, root / "owner.pem", None)
    other = json.loads(signature.path_for(settings).read_text("utf-8"))
    mixed = {**other, "dsseEnvelope": {**other["dsseEnvelope"]}}
    mixed["dsseEnvelope"]["signatures"] = good["dsseEnvelope"]["signatures"]
    signature.path_for(settings).write_text(json.dumps(mixed), "utf-8")
    assert "InvalidSignature" in refusal(settings)
    signature.path_for(settings).write_text(json.dumps(good), "utf-8")
    assert "Hash mismatch for 'labels.json'" in refusal(settings)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "1", "[" * 100_000, '{"verificationMaterial": 1}']
)
def test_what_is_no_signature_is_refused(settings: Settings, text: str) -> None:
    signature.path_for(settings).write_text(text, "utf-8")
    assert "classifier.sig" in refusal(settings)


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_file_is_not_waited_for(settings: Settings, kind: str) -> None:
    path = signature.path_for(settings)
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    with pytest.raises((LockError, IsADirectoryError)):
        loaded(settings)


def test_what_was_verified_is_loaded_though_the_folder_is_swapped(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = signature.verify

    def verify_and_swap(copy: Path, given: Settings) -> None:
        verify(copy, given)
        change(settings.model)

    monkeypatch.setattr(signature, "verify", verify_and_swap)
    loaded(settings)


def test_the_lock_is_held_to_as_well(settings: Settings) -> None:
    settings.lock.write_text(settings.lock.read_text("utf-8").replace("md5: ", "md5: 0"), "utf-8")
    with pytest.raises(LockError):
        loaded(settings)


@pytest.mark.anyio
async def test_a_reload_demands_the_signature_too(root: Path, settings: Settings) -> None:
    model = Model(settings, Metrics())
    await model.start()
    first = model.hash
    change(settings.model)
    tiny.relock(root)
    refused = await model.reload()
    assert refused.outcome == "refused"
    assert model.hash == first
    signature.sign(settings, root / "owner.pem", None)
    assert (await model.reload()).outcome == "loaded"
    assert model.hash != first
    model.close()


def test_what_is_not_as_locked_is_not_signed(root: Path, settings: Settings) -> None:
    path = signature.path_for(settings)
    before = path.read_bytes()
    change(settings.model)
    with pytest.raises(LockError):
        signature.sign(settings, root / "owner.pem", None)
    assert path.read_bytes() == before
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["classifier", "classifier.sig"]


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: path.unlink(), "no readable public key"),
        (lambda path: path.write_text("no key", "utf-8"), "no readable public key"),
        (lambda path: shutil.copy(path.with_name("owner.pem"), path), "no readable public key"),
        (
            lambda path: write_pair(path.parent, "owner", ed25519.Ed25519PrivateKey.generate()),
            "expected the public half of a P-256",
        ),
        (
            lambda path: write_pair(path.parent, "owner", ec.generate_private_key(ec.SECP256K1())),
            "expected the public half of a P-256",
        ),
    ],
    ids=["missing", "text", "private", "Ed25519", "another curve"],
)
def test_a_wrong_public_key_is_refused_before_the_start(
    settings: Settings, write: Callable[[Path], object], said: str
) -> None:
    write(settings.public_key)  # type: ignore[arg-type]  # there is one
    with pytest.raises(SettingsError, match=f"SERVING_PUBLIC_KEY: .*{said}"):
        Model(settings, Metrics())


def test_without_the_library_it_says_what_to_install(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signature, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"not installed.*requirements/signing\.txt"):
        Model(settings, Metrics())
    Model(changed(settings, public_key=None), Metrics()).close()


@pytest.mark.slow
def test_the_service_loads_the_library_only_where_it_is_asked_to() -> None:
    code = "import sys, serving.app; print('model_signing' in sys.modules)"
    run = [sys.executable, "-c", code]
    assert subprocess.check_output(run, cwd=ROOT, text=True) == "False\n"  # noqa: S603


@pytest.fixture
def signing(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command's own folder."""
    monkeypatch.chdir(root)
    return root / "models" / "classifier.sig"


def test_the_command_signs_with_a_key_that_has_a_password(
    root: Path, signing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = ec.generate_private_key(ec.SECP521R1())
    private, public = write_pair(root, "locked", key, password="not to be seen")
    monkeypatch.setattr(sys, "stdin", io.StringIO("not to be seen\n"))
    assert signature.main([str(private)]) == 0
    loaded(Settings(public_key=public))


def test_the_command_refuses_a_wrong_password_and_a_wrong_key(
    root: Path, signing: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secured, public = write_pair(
        root, "locked", ec.generate_private_key(ec.SECP256R1()), password="not to be seen"
    )
    ed, _ = write_pair(root, "ed", ed25519.Ed25519PrivateKey.generate())
    for key in (secured, public, ed, root / "dvc.lock", root / "none.pem"):
        monkeypatch.setattr(sys, "stdin", io.StringIO("another\n"))
        assert signature.main([str(key)]) == 1
        said = capsys.readouterr().err
        assert said.startswith("error: ")
        assert key.name in said
        assert not signing.exists()


def test_without_a_key_the_command_says_how_one_is_made(
    signing: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `make sign` calls it where KEY was forgotten."""
    assert signature.main([""]) == 1
    said = capsys.readouterr().err
    assert "no private key is named: make sign KEY=" in said
    assert "openssl genpkey" in said
    assert not signing.exists()


def started(root: Path, variables: dict[str, str]) -> tuple[int, str]:
    process = Process(root, variables)
    try:
        return process.process.wait(20), process.output()
    finally:
        process.close()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_as_documented_from_the_keys_to_the_answer(root: Path) -> None:
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    block = re.search(r"## Sign the classifier\n.*?```sh\n(.*?)```", page, re.S)
    assert block
    lines = [line for line in block[1].splitlines() if line.startswith("openssl")]
    assert len(lines) == 2
    for line in lines:
        subprocess.run(shlex.split(line), cwd=root, check=True, capture_output=True)  # noqa: S603
    run = [sys.executable, "-m", "serving.inference.signature", "model-key.pem"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    subprocess.run(run, cwd=root, env=environment, check=True)  # noqa: S603
    variables = {"SECRET_KEY": SECRET, "SERVING_PUBLIC_KEY": "model-public.pem"}
    with running(root, variables) as process:
        assert process.client.get("/health/ready").status_code == 200
        assert process.stop() == 0
    change(root / "models" / "classifier")
    tiny.write_lock(root)
    code, said = started(root, variables)
    assert code == 1
    assert "Hash mismatch for 'labels.json'" in said
    (root / "models" / "classifier.sig").unlink()
    code, said = started(root, variables)
    assert code == 1
    assert "classifier.sig is missing" in said
    code, said = started(root, {**variables, "SERVING_PUBLIC_KEY": "model-key.pem"})
    assert code == 2
    assert "SERVING_PUBLIC_KEY: model-key.pem is no readable public key" in said
    assert "Traceback" not in said
