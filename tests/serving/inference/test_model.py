"""The model in the service: a batch in parts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from serving.classifier.classifier import Product
from serving.http.problems import CLIENT_LEFT, Problem
from serving.inference.model import Model, _parts
from serving.metrics import Metrics
from serving.settings import Settings
from tests.support import tiny


def test_a_part_is_one_picture_or_many_texts() -> None:
    text, picture = Product("livre"), Product("livre", image=b"x")
    products = [text] * 40 + [picture, picture, text, picture]
    assert [len(part) for part in _parts(products)] == [32, 8, 1, 1, 1, 1]
    assert [product for part in _parts(products) for product in part] == products
    assert not list(_parts([]))


def test_a_batch_is_answered_in_order_and_not_for_who_has_left(classifier_root: Path) -> None:
    async def scenario() -> None:
        settings = Settings(
            model=classifier_root / "models" / "classifier", lock=classifier_root / "dvc.lock"
        )
        model = Model(settings, Metrics())
        model.load()
        colours = ("green", "red", "blue") * 4
        products = [Product(image=tiny.picture(colour)) for colour in colours]
        asked = 0

        async def never() -> None:
            await asyncio.Event().wait()

        answers = await model.predict(products, never, "alice")
        assert [answer.code for answer in answers] == [2583, 10, 2905] * 4

        async def at_once() -> None: ...

        original = model.ask

        async def counted(*arguments: object, **named: object) -> object:
            nonlocal asked
            asked += 1
            return await original(*arguments, **named)  # type: ignore[arg-type]

        model.ask = counted  # type: ignore[method-assign, assignment]
        with pytest.raises(Problem) as refusal:
            await model.predict(products * 5, at_once, "alice")
        assert refusal.value.status_code == CLIENT_LEFT
        assert asked < len(products)
        model.close()

    asyncio.run(scenario())
