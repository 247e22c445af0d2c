"""Examples in the documentation are what the commands print: made again, from like results.

In an example … stands for anything.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from stages.commands.proofs import reruns, verify
from stages.commands.quality.gate_table import Row
from stages.commands.quality.paired_tests import Interval
from stages.commands.results import compare, dvc_lock, experiment_list, metrics
from stages.common import guard
from stages.common.settings import SampleData, load
from tests.support.repository import PIPELINE, ROOT, clone, run

README, EXPERIMENTS, REPRODUCIBILITY = (
    (ROOT / name).read_text(encoding="utf-8")
    for name in ("README.md", "docs/experiments.md", "docs/reproducibility.md")
)


def example(page: str, first: str) -> str:
    """The block of the page that has a line beginning with `first`, from that line on."""
    for block in re.findall(r"^```\w*\n(.*?)^```$", page, re.S | re.M):
        found = re.search(rf"^{re.escape(first)}.*", block, re.S | re.M)
        if found:
            return found[0].rstrip("\n")
    raise AssertionError(f"no example with {first}")


def is_as_shown(printed: str, shown: str) -> bool:
    pattern = re.escape(shown).replace("…", ".*")
    return bool(re.fullmatch(pattern, printed.strip("\n"), re.S))


@pytest.mark.slow
def test_lineage_tells_what_is_shown(tmp_path: Path) -> None:
    repository = clone(tmp_path)
    model = dvc_lock.outputs(dvc_lock.read(repository))[dvc_lock.CLASSIFIER].hash
    shown = example(REPRODUCIBILITY, "$ make lineage").partition("\n")[2]
    assert is_as_shown(run(repository, "stages.commands", "results", "lineage", model), shown)


def test_no_example_holds_a_hash_that_goes_stale() -> None:
    """Each commit of a result has another."""
    for page in (README, EXPERIMENTS, REPRODUCIBILITY):
        assert not re.findall(r"\b[0-9a-f]{8,}\.dir|\bHASH=[0-9a-f]+", page)


def test_verify_tells_the_runs_and_outputs_that_are_shown() -> None:
    shown = example(REPRODUCIBILITY, "  380 s").splitlines()
    for run_, line in zip(verify.RUNS, shown, strict=False):
        assert is_as_shown(str(run_), line.partition(" s  ")[2])
    outputs = sum(len(stage["outs"]) for stage in PIPELINE.values())
    assert shown[2] == f"EQUAL: dvc.lock, metrics and {outputs} outputs"
    assert shown[3] in (ROOT / "stages/commands/proofs/verify.py").read_text(encoding="utf-8")


def locked(folder: Path, stages: dict[str, list[str]]) -> Path:
    """`folder` with a dvc.lock of what is in it."""
    lock = {
        name: {
            "cmd": name,
            "outs": [
                {
                    "path": path,
                    "size": 1,
                    "md5": dvc_lock.content_hash(dvc_lock.files_below(folder / path)),
                }
                for path in paths
            ],
        }
        for name, paths in stages.items()
    }
    text = yaml.safe_dump({"schema": "2.0", "stages": lock}, sort_keys=False)
    (folder / dvc_lock.LOCK).write_text(text, encoding="utf-8")
    return folder


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def split_apart(folder: Path, products: int, idf: np.ndarray) -> Path:
    """A result like those of two splits: other test products, other weights of words."""
    test = pd.DataFrame({f"c{number}": range(products) for number in range(9)})
    (folder / "data/prepared").mkdir(parents=True)
    (folder / "models/text").mkdir(parents=True)
    (folder / "metrics").mkdir()
    test.insert(0, "id", range(products))
    test.to_parquet(folder / "data/prepared/test.parquet", index=False)
    np.save(folder / "models/text/idf.npy", idf)
    return locked(folder, {"prepare": ["data/prepared"], "train_text": ["models/text"]})


def test_verify_tells_what_inside_differs(tmp_path: Path) -> None:
    one = np.zeros(262144)
    one[32] = 4.425150394439697
    other = one.copy()
    other[32:21505] += 1
    other[32], other[100] = 4.5234150886535645, 5.7
    lines = reruns.differences(
        split_apart(tmp_path / "one", 45, one), split_apart(tmp_path / "other", 44, other)
    )
    shown = example(REPRODUCIBILITY, "DIFFERENT:").splitlines()
    assert f"  {lines[0]}" == shown[1]
    assert f"  {lines[1]}" == shown[3]


def compared(folder: Path, weight: float, epochs: int, error: float) -> Path:
    """A result with metrics, of which seven and six figures differ with `weight` and `error`."""
    fusion = {"image_weight": weight, **{f"w{number}": weight for number in range(6)}}
    write_json(folder / "metrics/fusion.json", {"both": fusion})
    scores = {"calibration_error": error, **{f"e{number}": error for number in range(5)}}
    write_json(folder / "metrics/evaluation.json", {"both": scores})
    curve = folder / "metrics/train_image/plots/metrics/eval/accuracy.tsv"
    curve.parent.mkdir(parents=True)
    steps = pd.DataFrame({"step": range(epochs), "accuracy": 0.5})
    steps.to_csv(curve, sep="\t", index=False)
    (folder / "data/prepared").mkdir(parents=True)
    (folder / "data/prepared/rejected.csv").write_text("id\n", encoding="utf-8")
    return locked(
        folder,
        {
            "prepare": ["data/prepared"],
            "fuse": ["metrics/fusion.json"],
            "train_image": ["metrics/train_image"],
            "evaluate": ["metrics/evaluation.json"],
        },
    )


def test_compare_lock_tells_what_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = compared(tmp_path / "one", 0.776938, 13, 0.0598859)
    other = compared(tmp_path / "other", 0.776921, 20, 0.0625813)
    compare.print_findings(compare.compare_outputs(one, other, load().compare, "other"))
    printed = capsys.readouterr().out
    shown = example(REPRODUCIBILITY, "equal    data/prepared").splitlines()
    assert [line.rstrip() for line in printed.splitlines()[1:]] == shown[:4]


def test_the_guard_says_what_is_shown() -> None:
    path = Path("stages/text/model.py")
    before, after = (guard.Snapshot({path: (1, 1, time)}, {}) for time in (1, 2))
    with pytest.raises(guard.ChangedError) as refusal:
        guard.require_same("train_text", before, after)
    assert f"train_text: {refusal.value}" == example(REPRODUCIBILITY, "train_text:")


def test_experiments_look_like_what_is_shown() -> None:
    shown = example(EXPERIMENTS, "on the same 282")
    scores = {
        line.split()[0]: list(map(float, line.split()[1:]))
        for line in shown.splitlines()
        if re.search(r"(\d\.\d{4} *){4}$", line)
    }
    names = ("weighted_f1", "macro_f1", "calibration_error", "coverage_at.95")
    base = {
        **{"data.products": 2800, "text.model": "ngrams", "image.model": "cnn"},
        "train.epochs": 40,
    }
    small = {**base, "data.products": 800, "train.epochs": 2}
    of = {
        "main": {**base, "image.model": "efficientnet"},
        "fired-snap": {**small, "image.model": "none"},
        "burly-heir": small,
        "beery-pump": {**small, "text.model": "lstm"},
        "sonic-tilt": {**small, "text.model": "lstm", "image.model": "none"},
    }
    rows = [
        experiment_list.Experiment(
            name,
            parameters,
            dict(zip(names, scores[name], strict=True)),
            "17a24de1" if name == "main" else "db33ed72",
            282 if name == "main" else 81,
        )
        for name, parameters in of.items()
    ]
    assert "\n".join(experiment_list.lines(rows)) == shown


def test_metrics_look_like_what_is_shown() -> None:
    shown = example(EXPERIMENTS, "$ make metrics BASE=HEAD").splitlines()
    head, *rows = [line for line in shown[1:] if line != "…" and not line.startswith("$")]
    file = head.split()[0]
    figures: dict[str, dict[str, float]] = {"HEAD": {}, "workspace": {}}
    for row in rows[:3]:
        name, before, now, *_ = row.split()
        for revision, figure in zip(figures, (before, now), strict=True):
            figures[revision][name] = float(figure) if "." in figure else int(figure)
    printed = metrics.lines({revision: {file: of} for revision, of in figures.items()})
    assert printed == [head, *rows[:3]]


def rows_of_the_gate() -> list[str]:
    page = (ROOT / "docs/gate.md").read_text(encoding="utf-8")
    lines = page.partition("| | HEAD | this |")[2].partition("\n\n")[0].splitlines()
    return lines[2:]


@pytest.mark.parametrize("line", rows_of_the_gate())
def test_the_gate_judges_its_rows_as_is_shown(line: str) -> None:
    name, old, new, change, interval, allowed, _ = (
        cell.strip() for cell in line.strip("|").split("|")
    )
    before, now = (float(figure.replace(",", "")) for figure in (old, new))
    by, most = (float(figure.rstrip("%")) for figure in (change, allowed))
    if interval:
        low, high = map(float, interval.split(" to "))
        sign = 1 if name == "calibration error" else -1
        row = Row(name, before, now, sign * by, most, ".4f", Interval(now - by, now, low, high))
        shown = str(row)
    else:
        form = ",d" if "," in old else ".5f"
        whole = int if form == ",d" else float
        shown = str(Row(name, whole(before), whole(now), by / 100, most / 100, form))
    assert shown == line


def test_the_readme_counts_what_is_committed() -> None:
    data = load(ROOT / "params.yaml").data
    assert isinstance(data, SampleData)
    assert f"{data.products:,} labelled and {data.unlabelled:,} unlabelled products" in README
    size = dvc_lock.outputs(dvc_lock.read(ROOT))[dvc_lock.CLASSIFIER].size / 1e6
    assert f"the classifier ({size:.0f} MB)" in README
    assert f"(about {round(size, -1):.0f} MB)" in README
