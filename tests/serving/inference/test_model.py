"""The model in the service: a batch in parts, and a classifier that takes another's place."""

from __future__ import annotations

import asyncio
import gc
import json
import shutil
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from serving.classifier import manifest
from serving.classifier.prediction import Prediction, Product
from serving.errors import ClientDisconnected, Unavailable
from serving.inference import lock
from serving.inference.model import Model, _parts
from serving.metrics import Metrics
from serving.settings import Settings
from tests.support import tiny
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.anyio

Load = Callable[..., Awaitable[Model]]


async def never() -> None:
    await asyncio.Event().wait()


def test_a_part_is_one_picture_or_many_texts() -> None:
    text, picture = Product("livre"), Product("livre", image=b"x")
    products = [text] * 40 + [picture, picture, text, picture]
    assert [len(part) for part in _parts(products)] == [32, 8, 1, 1, 1, 1]
    assert [product for part in _parts(products) for product in part] == products
    assert not list(_parts([]))


def hash_of(root: Path) -> str:
    return lock.directory_hash(lock.md5_of_files(root / "models" / "classifier"))


@pytest.fixture
def load(root: Path) -> Iterator[Load]:
    """Gives models that have loaded `root`."""
    models: list[Model] = []

    async def loaded(**changes: Any) -> Model:
        given = {"model": root / "models" / "classifier", "lock": root / "dvc.lock", **changes}
        models.append(Model(Settings(**given), Metrics()))
        await models[-1].start()
        return models[-1]

    yield loaded
    for model in models:
        model.close()


def reloads(model: Model) -> dict[str, float]:
    """How often what became of a reload."""
    [family] = model._metrics.reloads.collect()
    return {s.labels["outcome"]: s.value for s in family.samples if s.name.endswith("_total")}


async def test_a_batch_is_answered_in_order_and_not_for_who_has_left(load: Load) -> None:
    model = await load()
    colours = ("green", "red", "blue") * 4
    products = [Product(image=tiny.picture(colour)) for colour in colours]
    asked = 0
    answers = await model.predict(model.current, products, never, "alice")
    assert [answer.code for answer in answers] == [2583, 10, 2905] * 4

    async def at_once() -> None: ...

    original = model.ask

    async def counted(*arguments: object, **named: object) -> object:
        nonlocal asked
        asked += 1
        return await original(*arguments, **named)  # type: ignore[arg-type]

    model.ask = counted  # type: ignore[method-assign, assignment]
    with pytest.raises(ClientDisconnected):
        await model.predict(model.current, products * 5, at_once, "alice")
    assert asked < len(products)


async def test_a_batch_ends_as_a_whole_with_its_client(load: Load) -> None:
    """The parts that wait are not answered, and what a thread has begun is waited for."""
    model = await load(threads=2)
    begun, go_on, calls = threading.Semaphore(0), threading.Event(), 0
    answer = model.current.classifier.predict

    def held(products: Sequence[Product]) -> list[Prediction]:
        nonlocal calls
        calls += 1
        begun.release()
        assert go_on.wait(PATIENCE)
        return answer(products)

    model.current.classifier.predict = held  # type: ignore[method-assign]
    pictures = [Product(image=tiny.picture("red"))] * 2
    first = asyncio.create_task(model.predict(model.current, pictures[:1], None, "bob"))
    await asyncio.to_thread(begun.acquire)

    gone = asyncio.Event()

    async def disconnected() -> None:
        await gone.wait()

    batch = asyncio.create_task(model.predict(model.current, pictures, disconnected, "alice"))
    while model._workers.waiting != 1:
        await asyncio.sleep(0)
    gone.set()
    while model._workers.waiting:
        await asyncio.sleep(0)
    assert not batch.done(), "a thread is at work on its first part"
    go_on.set()
    with pytest.raises(ClientDisconnected):
        await batch
    await first
    assert (calls, model._workers.running) == (2, 0)


async def test_an_explanation_ends_with_its_client(load: Load) -> None:
    """What a thread has begun is waited for, what waits is not made."""
    model = await load(threads=1)
    begun, go_on, gone = threading.Event(), threading.Event(), asyncio.Event()
    logits = model.current.classifier.logits

    def held(products: Sequence[Product]) -> Any:
        begun.set()
        assert go_on.wait(PATIENCE)
        return logits(products)

    model.current.classifier.logits = held  # type: ignore[method-assign]

    async def disconnected() -> None:
        await gone.wait()

    first, second = (
        asyncio.create_task(model.explain(model.current, Product("livre"), disconnected, "alice"))
        for _ in range(2)
    )
    await asyncio.to_thread(begun.wait)
    gone.set()
    with pytest.raises(ClientDisconnected):
        await second
    assert (first.done(), model._workers.running, model._workers.waiting) == (False, 1, 0)
    go_on.set()
    with pytest.raises(ClientDisconnected):
        await first
    assert model._workers.running == 0


async def test_closing_does_not_stop_the_event_loop(load: Load) -> None:
    """Though what was answered is still being recorded."""
    model = await load()
    at_work, go_on = threading.Event(), threading.Event()
    count = model.current.window.add

    def slowly(answers: Sequence[Prediction]) -> None:
        at_work.set()
        assert go_on.wait(PATIENCE)
        count(answers)

    model.current.window.add = slowly  # type: ignore[method-assign]
    window = model.current.window
    await model.predict(model.current, [Product("livre")], None, "alice")
    await asyncio.to_thread(at_work.wait)
    model.close()
    recorded = asyncio.create_task(model.recorded())
    await asyncio.sleep(0)
    assert not recorded.done()
    go_on.set()
    await recorded
    assert len(window) == 1


async def test_another_takes_its_place_and_it_is_freed(load: Load, root: Path) -> None:
    model = await load()
    first = model.current
    await model.predict(first, [Product("livre"), Product("jeu")], never, "alice")
    tiny.relabel(root, "Livre ancien")
    result = await model.reload()
    assert (result.outcome, result.model, result.reason) == ("loaded", hash_of(root), "")
    assert result.model == model.hash != first.hash

    # What was begun with the former one ends with it.
    [before] = await model.predict(first, [Product("livre")], never, "alice")
    [after] = await model.predict(model.current, [Product("livre")], never, "alice")
    assert (before.label, after.label) == ("Livres d'occasion", "Livre ancien")
    text = model._metrics.render().decode()
    assert f'classifier_model_info{{model="{result.model}"}} 1.0' in text
    assert first.hash not in text

    gone = weakref.ref(first.classifier)
    del first
    deadline = time.monotonic() + 10
    while gone() is not None:  # a thread may still be on its way out of the last answer
        assert time.monotonic() < deadline, "not freed"
        await asyncio.sleep(0.01)
        gc.collect()


async def test_nothing_is_loaded_twice_but_what_was_measured_since_is_known(
    load: Load, root: Path
) -> None:
    model = await load()
    first = model.current
    assert first.measured is None
    tiny.measure(root, {"weighted_f1": 0.5})
    result = await model.reload()
    assert (result.outcome, result.model) == ("unchanged", first.hash)
    assert model.current.classifier is first.classifier
    assert model.current.measured == {"weighted_f1": 0.5}


def break_file(root: Path) -> None:
    path = root / "models" / "classifier" / "fusion.json"
    path.write_bytes(path.read_bytes() + b"\n")
    tiny.write_lock(root)
    path.write_bytes(path.read_bytes() + b"\n")


def break_graph(root: Path) -> None:
    """Locked, and as its manifest says, but no graph."""
    classifier = root / "models" / "classifier"
    (classifier / "text.onnx").write_bytes(b"no graph")
    manifest.write(classifier, {"parameters": {}})
    tiny.write_lock(root)


def break_lock(root: Path) -> None:
    path = root / "dvc.lock"
    path.write_text(path.read_text("utf-8")[:40], "utf-8")


def take_away(root: Path) -> None:
    tiny.relabel(root, "Livre ancien")
    shutil.rmtree(root / "models" / "classifier")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (break_file, "fusion.json"),
        (break_graph, "text.onnx"),
        (break_lock, "dvc.lock"),
        (lambda root: (root / "dvc.lock").unlink(), "dvc.lock"),
        (take_away, "missing"),
    ],
)
async def test_what_cannot_be_served_is_refused_and_the_former_stays(
    load: Load,
    root: Path,
    spoil: Callable[[Path], None],
    said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    model = await load()
    first = model.current
    spoil(root)
    result = await model.reload()
    assert (result.outcome, result.model) == ("refused", first.hash)
    assert said in result.reason
    assert model.current is first
    [answer] = await model.predict(first, [Product("livre")], never, "alice")
    assert answer.code == 10
    assert reloads(model) == {"loaded": 0, "unchanged": 0, "refused": 1}
    [line] = [r for r in caplog.records if "not replaced" in r.getMessage()]
    assert line.levelname == "ERROR"
    assert result.reason in line.getMessage()


async def test_another_than_the_pinned_one_is_refused(load: Load, root: Path) -> None:
    model = await load(model_hash=hash_of(root))
    first = model.current
    tiny.relabel(root, "Livre ancien")
    result = await model.reload()
    assert result.outcome == "refused"
    assert "SERVING_MODEL_HASH" in result.reason
    assert model.current is first


async def test_a_reload_and_the_start_at_once(root: Path) -> None:
    settings = Settings(model=root / "models" / "classifier", lock=root / "dvc.lock")
    after, before = Model(settings, Metrics()), Model(settings, Metrics())
    _, result = await asyncio.gather(after.start(), after.reload())
    assert result.outcome == "unchanged"
    result, _ = await asyncio.gather(before.reload(), before.start())
    assert result.outcome == "refused"
    assert "starting" in result.reason
    assert after.hash == before.hash == hash_of(root)
    after.close()
    before.close()


async def test_one_reload_follows_the_other(
    load: Load, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = await load()
    at_work = most = 0
    original = model._load

    async def watched() -> Any:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        try:
            return await original()
        finally:
            at_work -= 1

    monkeypatch.setattr(model, "_load", watched)
    tiny.relabel(root, "Livre ancien")
    results = await asyncio.gather(*(model.reload() for _ in range(4)))
    assert [reload.outcome for reload in results] == ["loaded", *["unchanged"] * 3]
    assert most == 1
    assert reloads(model) == {"loaded": 1, "unchanged": 3, "refused": 0}


async def test_a_reload_that_ends_after_the_service_changes_nothing(load: Load, root: Path) -> None:
    model = await load()
    tiny.relabel(root, "Livre ancien")
    late = asyncio.create_task(model.reload())
    await asyncio.sleep(0)
    first = model.current
    model.close()
    assert (await late).outcome == "refused"
    assert not model.loaded
    with pytest.raises(Unavailable):
        await model.predict(first, [Product("livre")], never, "alice")


async def test_the_lock_is_read_as_json_too(load: Load, root: Path) -> None:
    """Where the excerpt alone was shipped, it is looked at again."""
    classifier = root / "models" / "classifier"
    excerpt = lock.write_excerpt(classifier, root / "dvc.lock")
    model = await load(lock=excerpt)
    tiny.relabel(root, "Livre ancien")
    result = await model.reload()
    assert result.outcome == "unchanged", "the excerpt still says so"
    lock.write_excerpt(classifier, root / "dvc.lock")
    assert json.loads(excerpt.read_text("utf-8"))["md5"] == hash_of(root)
    assert (await model.reload()).outcome == "loaded"
