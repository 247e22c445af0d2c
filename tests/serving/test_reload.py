"""A running service takes another classifier: by signal, by route, and under load."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from serving.inference import lock
from tests.support import tiny
from tests.support.answers import is_problem
from tests.support.operator import OPERATOR, with_operator
from tests.support.process import VARIABLES, Process, gauge, running, wait_in_flight
from tests.support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.slow

FIRST = "Livres d'occasion"


@pytest.fixture
def root(classifier_root: Path, tmp_path: Path) -> Path:
    """A copy of the classifier and its lock, with a user who may reload."""
    return with_operator(classifier_root, tmp_path)


@pytest.fixture
def process(root: Path) -> Iterator[Process]:
    with running(root, VARIABLES) as process:
        yield process


def hash_of(root: Path) -> str:
    return lock.directory_hash(lock.md5_of_files(root / "models" / "classifier"))


def count(process: Process, outcome: str) -> float:
    return gauge(process, f'model_reloads_total{{outcome="{outcome}"}}')


def hang_up(process: Process, outcome: str = "loaded") -> None:
    """SIGHUP, and wait for what becomes of it."""
    before = count(process, outcome)
    process.process.send_signal(signal.SIGHUP)
    wait_until(lambda: count(process, outcome) == before + 1)


def answered(process: Process, headers: dict[str, str]) -> tuple[str, str]:
    """Label and model of an answer about a book."""
    answer = process.client.post("/predict", headers=headers, json={"designation": "livre"}).json()
    return answer["label"], answer["model"]


def test_a_signal_brings_the_locked_one(process: Process, root: Path) -> None:
    headers = process.log_in()
    assert answered(process, headers) == (FIRST, hash_of(root))
    hang_up(process, "unchanged")
    tiny.relabel(root, "Livres anciens")
    hang_up(process)
    assert answered(process, headers) == ("Livres anciens", hash_of(root))
    about = process.client.get("/model", headers=headers).json()
    assert (about["model"], about["labels"]["10"]) == (hash_of(root), "Livres anciens")


def test_the_route_says_what_became_of_it(process: Process, root: Path) -> None:
    operator, asker = process.log_in(OPERATOR), process.log_in()
    reload = "/model/reload"
    assert is_problem(process.client.post(reload), 401)
    assert is_problem(process.client.post(reload, headers=asker), 403)
    first = hash_of(root)
    told = process.client.post(reload, headers=operator)
    assert (told.status_code, told.json()) == (200, {"outcome": "unchanged", "model": first})
    tiny.relabel(root, "Livres anciens")
    told = process.client.post(reload, headers=operator)
    assert told.json() == {"outcome": "loaded", "model": hash_of(root)}
    second = hash_of(root)
    tiny.relabel(root, "Vieux livres")
    (root / "models" / "classifier" / "labels.json").unlink()
    refused = process.client.post(reload, headers=operator)
    assert is_problem(refused, 409)
    assert "labels.json" in refused.json()["detail"]
    assert answered(process, asker) == ("Livres anciens", second)
    assert [count(process, outcome) for outcome in ("loaded", "unchanged", "refused")] == [1, 1, 1]


def test_under_full_load_nothing_fails_and_answers_name_who_gave_them(root: Path) -> None:
    known = {FIRST: hash_of(root)}
    found: Counter[tuple[str, str]] = Counter()
    failed: list[httpx.Response] = []
    enough = threading.Event()
    with running(root, VARIABLES) as process:
        headers, operator = process.log_in(), process.log_in(OPERATOR)

        def ask(number: int) -> None:
            product = {"designation": "livre"}
            with httpx.Client(base_url=process.client.base_url, timeout=PATIENCE) as client:
                while not enough.is_set():
                    route, body = [
                        ("/predict", product),
                        ("/explain", product),
                        ("/predict/batch", [product] * 40),
                    ][number % 3]
                    response = client.post(route, headers=headers, json=body)
                    if response.status_code != 200:
                        failed.append(response)
                        return
                    answers = response.json() if number % 3 == 2 else [response.json()]
                    found.update({(answer["label"], answer["model"]) for answer in answers})
                    assert len({answer["model"] for answer in answers}) == 1, "one of a batch"

        with ThreadPoolExecutor(9) as pool:
            asking = [pool.submit(ask, number) for number in range(9)]
            try:
                wait_until(lambda: bool(failed or found))
                for number in range(8):
                    label = f"Livres {number}"
                    tiny.relabel(root, label)
                    known[label] = hash_of(root)
                    if number % 2:
                        told = process.client.post("/model/reload", headers=operator).json()
                        assert told == {"outcome": "loaded", "model": known[label]}
                    else:
                        hang_up(process)
                    wait_until(lambda: bool(failed) or found[(label, known[label])] > 0)  # noqa: B023
            finally:
                enough.set()
            for each in asking:
                each.result()
        assert not [(response.status_code, response.text) for response in failed]
        assert {label: model for label, model in found} == known
        assert len(found) == len(known), "a label and its hash belong together"


def test_what_it_replaces_is_freed(root: Path) -> None:
    """12 classifiers of 12 MB would be 144."""
    with running(root, {**VARIABLES, "SERVING_THREADS": "2"}) as process:
        headers = process.log_in()

        def swap(number: int) -> None:
            tiny.enlarge(root, 1_000_000 + number)
            hang_up(process)
            batch = [{"designation": "livre"}] * 4
            process.client.post("/predict/batch", headers=headers, json=batch).raise_for_status()

        for number in range(2):
            swap(number)
        memory, threads = process.resident_megabytes(), process.threads()
        for number in range(2, 14):
            swap(number)
        assert process.resident_megabytes() < memory + 72
        wait_until(lambda: process.threads() <= threads)


def test_it_may_be_asked_for_while_it_starts(root: Path) -> None:
    process = Process(root, VARIABLES, quiet=True)
    try:
        wait_until(lambda: is_live(process))
        for _ in range(5):
            process.process.send_signal(signal.SIGHUP)
        process.wait_ready()
        assert answered(process, process.log_in()) == (FIRST, hash_of(root))
        assert process.stop() == 0
    finally:
        process.close()


def is_live(process: Process) -> bool:
    try:
        return process.client.get("/health/live").is_success
    except httpx.TransportError:
        return False


def test_it_may_be_asked_for_while_it_stops(root: Path, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with running(root, {**VARIABLES, "TMPDIR": str(temporary)}) as process:
        headers = process.log_in()
        begun, go_on = threading.Event(), threading.Event()

        def slowly() -> Iterator[bytes]:
            yield b'{"designation":'
            begun.set()
            go_on.wait(PATIENCE)
            yield b'"livre"}'

        def ask() -> httpx.Response:
            kind = {"Content-Type": "application/json"}
            return process.client.post("/predict", headers=headers | kind, content=slowly())

        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(ask)
            begun.wait(PATIENCE)
            wait_in_flight(process, 1)
            process.process.terminate()
            wait_until(lambda: process.client.get("/health/ready").status_code == 503)
            tiny.relabel(root, "Livres anciens")
            process.process.send_signal(signal.SIGHUP)
            refused = process.client.post("/model/reload", headers=process.log_in(OPERATOR))
            assert is_problem(refused, 503)
            process.process.send_signal(signal.SIGHUP)
            go_on.set()
            assert waiting.result().status_code == 200
        assert process.process.wait(PATIENCE) == 0
        assert not list(temporary.glob("classifier-*")), "no copy of a classifier is left"
