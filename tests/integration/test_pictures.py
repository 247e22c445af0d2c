"""Pictures on a real S3 server: what is absent or empty there is a bad picture, all else is not."""

from __future__ import annotations

import io
import zipfile

import fsspec
import pandas as pd
import pytest

from stages.commands.batch.answer_rows import Picture
from stages.commands.batch.distributed.pictures import Addressed, RemoteArchive
from stages.common.output import StageError
from tests.support.servers import BUCKET, Store

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def keys(store_at: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The server, as the storage of this process."""
    for name, value in store_at.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", store_at.server.address)
    fsspec.filesystem("s3").clear_instance_cache()
    return store_at


def test_pictures_by_address(keys: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in (("a", b"a"), ("empty", b"")):
        keys.client().put_object(Bucket=BUCKET, Key=f"pictures/{name}.jpg", Body=content)
    folder = f"s3://{BUCKET}/pictures/"
    rows = pd.DataFrame({"picture": ["a.jpg", f"{folder}a.jpg", "empty.jpg", "gone.jpg", ""]})
    assert Addressed(folder).of(rows) == [
        *([Picture(True, b"a")] * 2),
        *(Picture(True, b""), Picture(True, None), Picture(False, None)),
    ]
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wr0ng")
    fsspec.filesystem("s3").clear_instance_cache()
    with pytest.raises(StageError, match=rf"PICTURES: {folder}a\.jpg: ") as told:
        Addressed(folder).of(rows)
    assert "wr0ng" not in str(told.value)


def test_pictures_in_an_archive(keys: Store) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("image_test/image_1_product_3.jpg", b"one" * 10**6)
        archive.writestr("image_train/image_2_product_4.jpg", b"two")
    keys.client().put_object(Bucket=BUCKET, Key="p.zip", Body=content.getvalue())
    remote = RemoteArchive(f"s3://{BUCKET}/p.zip")
    rows = pd.DataFrame({"imageid": [2, 1, 5], "productid": [4, 3, 5]})
    assert remote.of(rows) == [
        *(Picture(True, b"two"), Picture(True, b"one" * 10**6), Picture(False, None)),
    ]
    remote.close()
