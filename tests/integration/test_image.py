"""The serving image: built from its Dockerfile, started as an engine would start it, and asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from serving.inference import lock
from tests.integration.conftest import give_up
from tests.support import image, tiny
from tests.support.image import Builder, Container
from tests.support.process import free_port
from tests.support.service import PASSWORD, SECRET, USER
from tests.support.waiting import PATIENCE, wait_answered

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.exhaustive]

LARGEST = 500_000_000
MODELS, USERS = "/models", "/var/lib/product-codes"


@pytest.fixture(scope="module")
def builder(request: pytest.FixtureRequest) -> Builder:
    """buildah; its storage with the base image is kept from run to run."""
    if missing := image.missing():
        give_up(f"not there: {', '.join(missing)} (apt-get install buildah debootstrap; as root)")
    builder = Builder(Path(request.config.cache.mkdir("image")))
    if image.BASE not in builder("images", "--format", "{{.Name}}"):
        builder.make_base()
    builder.build()
    return builder


@pytest.fixture(scope="module")
def container(builder: Builder) -> Iterator[Container]:
    with image.unpacked(builder) as container:
        yield container


@pytest.fixture
def folders(container: Container, classifier_root: Path, tmp_path: Path) -> dict[str, Path]:
    """What compose mounts: the models with the excerpt of their lock, and the users' folder."""
    root = Path(shutil.copytree(classifier_root, tmp_path / "root"))
    classifier = root / "models" / "classifier"
    lock.write_excerpt(classifier, root / "dvc.lock")
    users = tmp_path / "users"
    users.mkdir()
    os.chown(users, *container.user)
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o011)  # pytest's folders are its user's alone
    return {MODELS: root / "models", USERS: users}


def said(container: Container, *command: str) -> str:
    """What a command in the container prints; its failure is in it."""
    process = container.start([], {}, {}, subprocess.PIPE, entry=list(command))
    return process.communicate(timeout=PATIENCE)[0]


def test_it_holds_what_answers_and_nothing_that_trains(
    builder: Builder, container: Container
) -> None:
    config, size = builder.about()
    assert size < LARGEST
    assert min(container.user) >= 1000
    assert not any("KEY" in pair or "PASSWORD" in pair for pair in config["Env"])
    found = said(container, "python", "-c", "import sys, tensorflow")
    assert "No module named 'tensorflow'" in found
    loaded = said(container, "python", "-c", "import tokenizers; print(tokenizers.__name__)")
    assert loaded.strip() == "tokenizers"
    found = said(container, "python", "-c", "import huggingface_hub")
    assert "No module named 'huggingface_hub'" in found
    assert "No module named pip" in said(container, "python", "-m", "pip")
    assert "Read-only file system" in said(container, "touch", "/opt/product-codes/x")
    assert said(container, "id", "-u").strip() == str(container.user[0])
    owner = said(container, "stat", "--format", "%u", USERS).strip()
    assert owner == str(container.user[0]), "a new volume gets the folder's owner"
    effective = said(container, "grep", "CapEff", "/proc/self/status").split()[1]
    assert int(effective, 16) == 0


def test_its_entry_point_answers(container: Container, folders: dict[str, Path]) -> None:
    port = free_port()
    variables = {
        "SECRET_KEY": SECRET,
        "TEST_USER": USER,
        "TEST_USER_PASSWORD": PASSWORD,
        "SERVING_HOST": "127.0.0.1",
        "SERVING_PORT": str(port),
    }
    process = container.start([], variables, folders, subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
            wait_answered(process, f"{client.base_url}/health/ready")
            form = {"username": USER, "password": PASSWORD}
            token = client.post("/token", data=form).json()["access_token"]
            answer = client.post(
                "/predict",
                headers={"Authorization": f"Bearer {token}"},
                files={"image": tiny.picture()},
            ).json()
        assert answer["predicted"] == 2583
        [kind, *check] = container.config["Healthcheck"]["Test"]
        assert kind == "CMD"
        here = [part.replace(":8000", f":{port}") for part in check]
        healthy = container.start([], {}, {}, subprocess.PIPE, entry=here)
        output = healthy.communicate(timeout=PATIENCE)[0]
        assert healthy.returncode == 0, output
    finally:
        process.terminate()
        process.wait(PATIENCE)


def test_without_a_key_it_says_which_one(container: Container, folders: dict[str, Path]) -> None:
    process = container.start([], {}, folders, subprocess.PIPE)
    output = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 2
    assert "SECRET_KEY" in output
