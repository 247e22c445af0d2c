"""The serving image, built for real by buildah, and run as a container engine would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.support.repository import ROOT, called

NEEDED = ("buildah", "debootstrap", "unshare", "setpriv")
"""Programs; the packages of the first two have their names, the others are in util-linux."""

BASE = "localhost/base"
"""A Debian with Python, in the place of the Dockerfile's base image, which is on a hub."""

IMAGE = "localhost/product-codes/serving"

RELEASE = "bookworm"
_TRIES = 3
_WHOLE_PATH = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
"""With the programs of root, which debootstrap calls by name."""

_HOST = {"BUILDAH_ISOLATION": "chroot", "BUILDAH_FORMAT": "docker"}
_CERTIFICATES = Path("/etc/ssl/certs")
_SHOWN = ("proc", "sys", "dev")
_SCRATCH = "tmp"


def missing() -> list[str]:
    """What this machine lacks to build and to run an image."""
    lacking = [name for name in NEEDED if _found(name) is None]
    return lacking if os.geteuid() == 0 else [*lacking, "root"]


def _found(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def _mirror() -> list[str]:
    """apt's own address of RELEASE; none where this is another system, as debootstrap has one."""
    if _found("apt-get") is None:
        return []
    only = (f"Codename: {RELEASE}", "Component: main", "Created-By: Packages")
    told = called(ROOT, "apt-get", "indextargets", "--format", "$(REPO_URI)", *only).stdout
    return [address for address in told.split() if address.startswith("http")][:1]


def _log(root: Path) -> str:
    """The last lines of debootstrap's own log, which has the reason that it does not print."""
    path = root / "debootstrap" / "debootstrap.log"
    return path.read_text("utf-8", "replace")[-2000:] if path.is_file() else ""


@dataclass(frozen=True)
class Builder:
    """buildah with its storage in `folder`."""

    folder: Path

    def __call__(self, *arguments: str) -> str:
        """What the command prints."""
        storage = ("--root", str(self.folder / "storage"), "--runroot", str(self.folder / "run"))
        done = called(
            ROOT, str(_found("buildah")), *storage, *arguments, env={**os.environ, **_HOST}
        )
        assert done.returncode == 0, f"{arguments[0]}: {done.stdout[-4000:]}{done.stderr[-4000:]}"
        return done.stdout.strip()

    def make_base(self) -> None:
        """A release of Debian with its Python, as BASE, from the mirror that apt has here.

        Each try begins anew: mirrors break off, and debootstrap fails where a system is already, as
        one that was not committed. What a try mounts goes with its namespace, however it ends.
        """
        root = self.folder / "base"
        options = ("--variant=minbase", "--include=python3,python3-venv,ca-certificates")
        command = ("unshare", "--mount", str(_found("debootstrap")), *options, RELEASE, root)
        for _ in range(_TRIES):
            shutil.rmtree(root, ignore_errors=True)
            done = called(ROOT, *command, *_mirror(), env=_WHOLE_PATH)
            if done.returncode == 0:
                break
        assert done.returncode == 0, f"debootstrap: {done.stdout}{done.stderr}{_log(root)}"
        for packages in ("var/cache/apt/archives", "var/lib/apt/lists"):
            shutil.rmtree(root / packages)
        container = self("from", "scratch")
        self("add", "--quiet", container, str(root), "/")
        self("commit", "--quiet", container, BASE)
        self("rm", container)
        shutil.rmtree(root)

    def build(self) -> None:
        """serving/Dockerfile, as IMAGE; pip trusts the authorities that this machine trusts."""
        self(
            *("bud", "--quiet", "--pull-never", "--layers=false"),
            *("--volume", f"{_CERTIFICATES}:{_CERTIFICATES}:ro", "--build-arg", f"BASE={BASE}"),
            *("--file", "serving/Dockerfile", "--tag", IMAGE, "."),
        )

    def about(self) -> tuple[dict[str, Any], int]:
        """How the image is run (its `Config`), and its bytes, unpacked."""
        told = json.loads(self("inspect", "--type", "image", IMAGE))
        layers = json.loads(told["Manifest"])["layers"]
        return told["Docker"]["config"], sum(layer["size"] for layer in layers)


@dataclass(frozen=True)
class Container:
    """An unpacked image, and what it says of how it is run."""

    root: Path
    config: dict[str, Any]

    @property
    def user(self) -> tuple[int, int]:
        """Number of the user and of the group."""
        user, _, group = self.config["User"].partition(":")
        return int(user), int(group)

    def start(
        self,
        arguments: list[str],
        variables: Mapping[str, str],
        mounts: Mapping[str, Path],
        output: IO[str] | int,
        *,
        entry: list[str] | None = None,
    ) -> subprocess.Popen[str]:
        """Its entry point (or `entry`) as its user, without capabilities, on a read-only root.

        `mounts` are folders by their place in the container. Network and processes are the host's.
        """
        root = self.root
        steps = [f"mkdir -p {root}{place}" for place in mounts]
        steps += [f"mount --bind {root} {root}", f"mount -o remount,ro,bind {root}"]
        steps += [f"mount --rbind /{name} {root}/{name}" for name in _SHOWN]
        steps += [f"mount -t tmpfs tmpfs {root}/{_SCRATCH}"]
        steps += [f"mount --bind {folder} {root}{place}" for place, folder in mounts.items()]
        user, group = self.user
        become = [
            *("setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"),
            *("--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"),
        ]
        environment = dict(pair.split("=", 1) for pair in self.config["Env"]) | dict(variables)
        inside = [
            *("env", "--ignore-environment", f"--chdir={self.config['WorkingDir']}"),
            *(f"{name}={value}" for name, value in environment.items()),
            *(entry or self.config["Entrypoint"]),
            *arguments,
        ]
        script = " && ".join([*steps, f'exec chroot {root} "$@"'])
        return subprocess.Popen(  # noqa: S603
            [
                *("unshare", "--mount", "sh", "-c", script, "sh", *become, *inside),
            ],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )


@contextmanager
def unpacked(builder: Builder) -> Iterator[Container]:
    """A container of IMAGE."""
    with ExitStack() as stack:
        name = builder("from", "--pull-never", IMAGE)
        stack.callback(builder, "rm", name)
        root = Path(builder("mount", name))
        stack.callback(builder, "umount", name)
        yield Container(root, builder.about()[0])
