"""Real servers on the loopback: MLflow with basic authentication, and S3 (moto)."""

from __future__ import annotations

import configparser
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx

from tests.support.process import free_port
from tests.support.waiting import PATIENCE, wait_answered

USER, PASSWORD = "admin", "correct-horse-battery"

QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}


@dataclass
class Server:
    """A process that answers at `address`; it can be stopped, and started again on its port."""

    command: list[str]
    address: str
    environment: dict[str, str]
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self, ready: str) -> None:
        """Start it and wait until `ready`, a path, is answered."""
        self.process = subprocess.Popen(  # noqa: S603
            self.command,
            cwd=self.folder,
            env={**os.environ, **QUIET, **self.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_answered(self.process, f"{self.address}{ready}")

    def stop(self) -> None:
        """End it with its workers: they are a group of processes of their own."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, 15)
            self.process.wait(PATIENCE)


@contextmanager
def mlflow_server(folder: Path) -> Iterator[Server]:
    """MLflow on sqlite with the user USER; artifacts go through it."""
    port = free_port()
    auth = configparser.ConfigParser()
    auth["mlflow"] = {
        "default_permission": "READ",
        "database_uri": f"sqlite:///{folder / 'auth.db'}",
        "admin_username": USER,
        "admin_password": PASSWORD,
    }
    with (folder / "auth.ini").open("w", encoding="utf-8") as file:
        auth.write(file)
    server = Server(
        [
            *(sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth"),
            *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
            *("--artifacts-destination", str(folder / "artifacts")),
        ],
        f"http://127.0.0.1:{port}",
        {
            "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "of the tests",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        },
        folder,
    )
    try:
        server.start("/health")
        yield server
    finally:
        server.stop()


BUCKET = "product-codes"


@dataclass
class Store:
    """An S3 server that checks keys, and the keys of one who may write to BUCKET."""

    server: Server
    key: str
    secret: str

    @property
    def variables(self) -> dict[str, str]:
        """What a person writes into `.env`."""
        return {
            "REMOTE_URL": f"s3://{BUCKET}/dvc",
            "REMOTE_ENDPOINT_URL": self.server.address,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def client(self, service: str = "s3") -> Any:
        """boto3's client with these keys."""
        return boto3.client(
            service,
            endpoint_url=self.server.address,
            region_name="us-east-1",
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
        )

    def objects(self) -> dict[str, int]:
        """Size of each object in the bucket, by key."""
        found = self.client().list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return {each["Key"]: each["Size"] for each in found}


@contextmanager
def s3_server(folder: Path) -> Iterator[Store]:
    """moto, which refuses wrong keys once a user is there and it has been told to."""
    port = free_port()
    server = Server(
        [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)],
        f"http://127.0.0.1:{port}",
        {"INITIAL_NO_AUTH_ACTION_COUNT": "1000000"},
        folder,
    )
    try:
        server.start("/moto-api/")
        store = Store(server, "first", "first")
        users = store.client("iam")
        users.create_user(UserName="alice")
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
        users.put_user_policy(UserName="alice", PolicyName="all", PolicyDocument=policy)
        made = users.create_access_key(UserName="alice")["AccessKey"]
        httpx.post(
            f"{server.address}/moto-api/reset-auth", content=b"0", timeout=PATIENCE
        ).raise_for_status()
        store = Store(server, made["AccessKeyId"], made["SecretAccessKey"])
        store.client().create_bucket(Bucket=BUCKET)
        yield store
    finally:
        server.stop()
