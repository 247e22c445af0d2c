"""The bounded queue: full is refused, and who leaves makes room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Event

import pytest

from serving.errors import Unavailable
from serving.workers import Workers
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.anyio


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0)


async def occupied(workers: Workers, go: Event) -> asyncio.Task[bool]:
    """A task that keeps one thread busy until `go` is set."""
    busy = Event()

    def hold() -> bool:
        busy.set()
        return go.wait(PATIENCE)

    task = asyncio.create_task(workers.run(hold))
    await until(busy.is_set)
    return task


async def test_a_full_queue_is_refused_and_the_rest_is_answered() -> None:
    workers, go = Workers(2, 1, "test"), Event()
    running = [asyncio.create_task(workers.run(lambda: go.wait(PATIENCE))) for _ in range(3)]
    await until(lambda: workers.waiting == 1)
    with pytest.raises(Unavailable) as refusal:
        await workers.run(lambda: True)
    assert refusal.value.retry_after == 1
    go.set()
    assert await asyncio.gather(*running) == [True] * 3
    assert workers.waiting == 0
    workers.close()


async def test_who_leaves_frees_a_place() -> None:
    workers, go, calls = Workers(1, 1, "test"), Event(), []
    first = await occupied(workers, go)
    second = asyncio.create_task(workers.run(lambda: calls.append("second")))
    await until(lambda: workers.waiting == 1)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert workers.waiting == 0
    third = asyncio.create_task(workers.run(lambda: calls.append("third")))
    await until(lambda: workers.waiting == 1)
    go.set()
    await asyncio.gather(first, third)
    assert calls == ["third"]
    workers.close()


async def test_a_cancelled_wait_loses_no_thread() -> None:
    workers, go = Workers(1, 4, "test"), Event()
    first = await occupied(workers, go)
    waiting = [asyncio.create_task(workers.run(lambda: 1)) for _ in range(3)]
    await until(lambda: workers.waiting == 3)
    waiting[0].cancel()
    go.set()
    waiting[1].cancel()
    await asyncio.gather(first, *waiting, return_exceptions=True)
    assert await asyncio.wait_for(workers.run(lambda: 2), PATIENCE) == 2
    workers.close()


async def test_an_error_gives_the_thread_back() -> None:
    workers = Workers(1, 0, "test")
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await workers.run(lambda: 1 / 0)
    workers.close()


@pytest.mark.parametrize("steps", range(6))
async def test_a_wait_cancelled_as_its_turn_comes_gives_the_turn_back(steps: int) -> None:
    workers, go = Workers(1, 1, "test"), Event()
    first = await occupied(workers, go)
    second = asyncio.create_task(workers.run(lambda: 1))
    await until(lambda: workers.waiting == 1)
    go.set()
    await first
    for _ in range(steps):
        await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    assert await asyncio.wait_for(workers.run(lambda: 2), PATIENCE) == 2
    workers.close()


async def test_askers_take_turns_however_much_one_asks() -> None:
    workers, go, order = Workers(1, 8, "test"), Event(), []
    first = await occupied(workers, go)

    async def ask(asker: str) -> None:
        await workers.run(lambda: order.append(asker), asker=asker)

    tasks = [asyncio.create_task(ask(asker)) for asker in ("greedy",) * 4 + ("modest",)]
    await until(lambda: workers.waiting == 5)
    go.set()
    await asyncio.gather(first, *tasks)
    assert order == ["greedy", "modest", "greedy", "greedy", "greedy"]
    workers.close()


async def test_who_has_most_in_a_full_queue_gives_way() -> None:
    workers, go, order = Workers(1, 3, "test"), Event(), []
    first = await occupied(workers, go)

    async def ask(number: int, asker: str) -> None:
        await workers.run(lambda: order.append(number), asker=asker)

    greedy = [asyncio.create_task(ask(number, "greedy")) for number in range(3)]
    await until(lambda: workers.waiting == 3)
    with pytest.raises(Unavailable):
        await ask(3, "greedy")
    modest = [asyncio.create_task(ask(number, "modest")) for number in (4, 5)]
    results = await asyncio.gather(*greedy[2:], *modest[1:], return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable, Unavailable]
    assert workers.waiting == 3
    go.set()
    await asyncio.gather(first, *greedy[:2], modest[0])
    assert order == [0, 4, 1]
    workers.close()


async def test_what_a_thread_has_begun_is_waited_for() -> None:
    """Until then it holds what it works on, and whoever counts that must know."""
    workers, go = Workers(1, 1, "test"), Event()
    task = await occupied(workers, go)
    task.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    assert (task.done(), workers.running) == (False, 1)
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert workers.running == 0
    assert await workers.run(lambda: 1) == 1
    workers.close()


async def test_who_is_at_work_when_it_closes_is_refused_at_once_whatever_runs() -> None:
    workers, go = Workers(1, 1, "test"), Event()
    running = await occupied(workers, go)
    waiting = asyncio.create_task(workers.run(lambda: True))
    await until(lambda: workers.waiting == 1)
    workers.close()
    for task in (running, waiting):
        with pytest.raises(Unavailable):
            await asyncio.wait_for(task, PATIENCE)
    go.set()


async def test_who_comes_when_it_is_closed_is_refused() -> None:
    workers = Workers(1, 1, "test")
    workers.close()
    with pytest.raises(Unavailable):
        await workers.run(lambda: True)
    assert (workers.running, workers.waiting) == (0, 0)
