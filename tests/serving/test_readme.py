"""The commands of the README and of the pages on the service give what is shown there.

They are typed into a shell beside a real process.
"""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from serving.settings import documentation
from tests.support import tiny
from tests.support.process import Process, running
from tests.support.repository import ROOT
from tests.support.service import PASSWORD, USER
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.slow

README = (ROOT / "README.md").read_text("utf-8")
SERVICE = (ROOT / "docs" / "service.md").read_text("utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")
SWIMMING_POOL = "2583"
PROTOCOL = "Open Inference Protocol"


def blocks(page: str, heading: str, language: str = "sh") -> list[str]:
    """The shell commands, or the programs, of a page below one of its headings."""
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found, heading
    return found


def commands(block: str) -> str:
    return "".join(line for line in block.splitlines(True) if not line.startswith("#"))


def shown(block: str) -> list[str]:
    """The lines of output a block shows; an indented one goes on from the one above."""
    lines = [line[1:] for line in block.splitlines() if line.startswith("#")]
    return re.sub(r"\n  +", "", "\n".join(lines)).replace("\n ", "\n").strip().splitlines()


def is_as_shown(line: str, pattern: str) -> bool:
    """Whether `line` is `pattern`, in which … stands for anything."""
    return bool(re.fullmatch(re.escape(pattern).replace("…", ".*"), line.rstrip()))


def shell(folder: Path, script: str, typed: str = "", **variables: str) -> str:
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    done = subprocess.run(  # noqa: S603
        ["/bin/bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={"PATH": path, "PYTHONPATH": str(ROOT), **variables},
        input=typed,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def picture_of_the_sample() -> bytes:
    """The picture of a swimming pool in data/raw; skips where the pipeline has not run."""
    raw = ROOT / "data" / "raw"
    if not (ROOT / "models" / "classifier").is_dir() or not (raw / "images.zip").is_file():
        pytest.skip("no trained classifier: run `dvc repro` or `dvc pull` first")
    with (
        (raw / "X_train_update.csv").open(encoding="utf-8", newline="") as x,
        (raw / "Y_train_CVw08PX.csv").open(encoding="utf-8", newline="") as y,
        zipfile.ZipFile(raw / "images.zip") as archive,
    ):
        there = set(archive.namelist())
        for product, code in zip(csv.DictReader(x), csv.DictReader(y), strict=True):
            name = f"image_{product['imageid']}_product_{product['productid']}.jpg"
            if code["prdtypecode"] == SWIMMING_POOL and f"images/image_train/{name}" in there:
                return archive.read(f"images/image_train/{name}")
    raise AssertionError("no picture of a swimming pool")


@pytest.fixture(params=["tiny", "trained"])
def root(request: pytest.FixtureRequest, classifier_root: Path, tmp_path: Path) -> Path:
    """A folder with a locked classifier and picture.jpg."""
    source, picture = classifier_root, tiny.picture()
    if request.param == "trained":
        source, picture = ROOT, picture_of_the_sample()
    classifier = Path("models") / "classifier"
    shutil.copytree(source / classifier, tmp_path / classifier)
    shutil.copyfile(source / "dvc.lock", tmp_path / "dvc.lock")
    (tmp_path / "picture.jpg").write_bytes(picture)
    return tmp_path


def set_up(folder: Path) -> None:
    """What the README does before the service starts: a secret and a user."""
    before, make_serve = commands(blocks(README, "Serve it")[0]).split("make serve")
    assert not make_serve.strip()
    shell(folder, before, f"{PASSWORD}\n")
    assert is_private(folder / ".env")


def is_private(file: Path) -> bool:
    return file.stat().st_mode & 0o077 == 0


def test_the_commands_give_what_is_shown(root: Path) -> None:
    set_up(root)
    process = Process(root, {}, quiet=True)
    try:
        process.wait_ready()
        [_, *first] = blocks(README, "Serve it")
        asking = [*first, *blocks(SERVICE, "Asking"), *blocks(SERVICE, "Why this code")]
        script = "\n".join(map(commands, asking)).replace(":8000", f":{process.port}")
        script = script.replace("curl -s ", "curl -s -w '\\n' ")  # answers end without a newline
        said = [line for line in shell(root, script, PASSWORD=PASSWORD).splitlines() if line]
        expected = [line for block in asking for line in shown(block)]
        assert len(said) == len(expected) == 7, said
        for line, pattern in zip(said, expected, strict=True):
            assert is_as_shown(line, pattern), f"{line}\n{pattern}"
        (root / "password.txt").write_text(PASSWORD, "utf-8")
        [users] = blocks(SERVICE, "Users and tokens")
        listed = shell(root, commands(users), f"{PASSWORD}\n").splitlines()
        assert [line.rstrip() for line in listed] == shown(users)
        assert process.client.post("/token", data={"username": USER, "password": PASSWORD}).is_error
        assert process.stop() == 0
    finally:
        process.close()


def test_the_inference_protocol_answers_as_shown(root: Path) -> None:
    set_up(root)
    with running(root, {}) as process:
        given = {"TOKEN": process.log_in()["Authorization"].removeprefix("Bearer ")}
        [curl] = blocks(SERVICE, PROTOCOL)
        [program] = blocks(SERVICE, PROTOCOL, "python")
        for block, command in ((curl, "{}"), (program, "python - <<'END'\n{}\nEND")):
            script = command.format(commands(block)).replace(":8000", f":{process.port}")
            [line] = shown(block)
            said = shell(root, script, **given)
            assert is_as_shown(said, line), f"{said}\n{line}"


def copy_of(classifier_root: Path, folder: Path) -> Path:
    return shutil.copytree(classifier_root, folder / "root")


def test_the_key_is_changed_without_logging_anyone_out(
    classifier_root: Path, tmp_path: Path
) -> None:
    root = copy_of(classifier_root, tmp_path)
    set_up(root)
    change, forget, _ = blocks(OPERATIONS, "Change the key")
    token = ""
    for step, accepted in (("", True), (change, True), (forget, False)):
        shell(root, step)
        assert is_private(root / ".env")
        with running(root, {}) as process:
            login = process.client.post("/token", data={"username": USER, "password": PASSWORD})
            token = token or login.json()["access_token"]
            bearer = {"Authorization": f"Bearer {token}"}
            answer = process.client.get("/verify-token", headers=bearer)
            assert (answer.status_code == 200) is accepted, step


def test_what_a_container_ships_is_enough_to_serve(classifier_root: Path, tmp_path: Path) -> None:
    root = copy_of(classifier_root, tmp_path)
    set_up(root)
    [excerpt] = blocks(SERVICE, "In a container")
    assert shell(root, excerpt).strip() == "models/classifier.lock.json"
    (root / "dvc.lock").unlink()
    with running(root, {"SERVING_LOCK": "models/classifier.lock.json"}) as process:
        assert process.stop() == 0


def test_every_setting_is_in_the_table() -> None:
    for name, default, meaning in documentation():
        value = f"`{default}`" if default else ""
        assert f"| `{name}` | {value} | {meaning} |" in SERVICE
