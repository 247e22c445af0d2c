"""Late labels of reviewers: only a sample that was drawn by chance measures what was accepted."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from serving.review.corrections import Reason
from stages.commands.drift.report import report
from stages.commands.drift.reviewed_quality import Reviewed, reviewed
from tests.stages.commands.drift.test_report import log, model, record
from tests.support.entries import MODEL, Review, answered, waiting

__all__ = ["model"]  # a fixture


@pytest.fixture
def review(tmp_path: Path) -> Review:
    return Review(tmp_path / "reviewed.sqlite3")


def sample(
    review: Review,
    right: int,
    wrong: int,
    *,
    of: str = MODEL,
    code: int = 10,
    reason: Reason = "sample",
    accepted: bool = True,
) -> None:
    """Answers of a classifier that a reviewer found to be right or wrong."""
    for number in range(right + wrong):
        name = f"{code} {reason} {accepted} {number}"
        product = answered(name, code=code, accepted=accepted, reason=reason, model=of)
        review.say(code if number < right else 2583, product)


def measured(review: Review, promised: float = 0.95) -> Reviewed | None:
    return reviewed(list(review.corrections.entries()), MODEL, promised)


def test_only_the_sample_of_accepted_answers_counts(review: Review) -> None:
    sample(review, 9, 1)
    sample(review, 0, 20, reason="uncertain", accepted=False)
    sample(review, 0, 20, reason="asked")
    sample(review, 0, 20, of="f" * 32 + ".dir", code=60)
    found = measured(review)
    assert found
    assert (found.accepted.right, found.accepted.products) == (9, 10)
    assert found.accepted.interval == pytest.approx((0.5958, 0.9821), abs=1e-4)


def test_without_a_reviewed_sample_nothing_is_told(review: Review) -> None:
    sample(review, 5, 5, reason="uncertain", accepted=False)
    assert measured(review) is None


def test_every_code_has_its_share_the_worst_first(review: Review) -> None:
    sample(review, 8, 2, code=10)
    sample(review, 3, 0, code=60)
    found = measured(review)
    assert found
    rows = [row[:4] for row in found.code_rows]
    assert rows == [("10", "8", "10", "0.800"), ("60", "3", "3", "1.000")]


def test_what_was_taken_back_or_is_disputed_does_not_count(review: Review) -> None:
    sample(review, 3, 0)
    first, second = (
        answered(f"10 sample True {n}", accepted=True, reason="sample") for n in range(2)
    )
    review.say(None, first)
    review.say(2583, second, by="bob")
    found = measured(review)
    assert found
    assert (found.accepted.products, found.disputed) == (1, 1)
    review.say(2705, second, by="carol", settles=True)
    found = measured(review)
    assert found
    assert (found.accepted.right, found.accepted.products, found.disputed) == (1, 2, 0)


@pytest.mark.parametrize(
    ("right", "wrong", "status", "verdict"),
    [(200, 0, 0, "holds"), (160, 40, 1, "is broken"), (19, 1, 0, "is open")],
)
def test_the_report_tells_them_and_a_broken_promise_fails(
    model: str,
    review: Review,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    right: int,
    wrong: int,
    status: int,
    verdict: str,
) -> None:
    monkeypatch.setenv("CORRECTIONS_DATABASE", review.address)
    sample(review, right, wrong, of=model)
    drawn = answered("wartet", accepted=True, reason="sample", model=model)
    review.queue.put([waiting(drawn)])
    path = Path(log([record(number, model) for number in range(300)]))
    ended = 0
    try:
        report(log=path)
    except typer.Exit as exited:
        ended = exited.exit_code
    assert ended == status
    printed = capsys.readouterr().out
    assert f"promised precision of 0.95: {verdict}" in printed
    assert f"{right} of {right + wrong}" in printed
    assert "drawn and not decided: 1 wait" in printed
    page = Path("drift.md").read_text("utf-8")
    assert "by a reviewed sample" in page
    assert f"| 10 | {right} | {right + wrong} |" in page


def test_without_a_database_the_report_is_as_it_was(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CORRECTIONS_DATABASE", "sqlite:///absent.sqlite3")
    report(log=Path(log([record(number, model) for number in range(300)])))
    assert "reviewed" not in capsys.readouterr().out
    assert not Path("absent.sqlite3").exists()
