"""Tests that share what takes long to make run in one process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.repository import ENVIRONMENT, ROOT, run

MODULE = "import pytest\n@pytest.mark.parametrize('n', range(6))\ndef test(n, worker_id):{}\n"
SAYS = "\n    open(f'{__file__}.{worker_id}', 'a').close()"


@pytest.mark.slow
def test_a_module_and_all_that_use_the_small_run_stay_together(tmp_path: Path) -> None:
    text = (ROOT / "tests/conftest.py").read_text("utf-8")
    (tmp_path / "conftest.py").write_text(text, "utf-8")
    for name, more in {"a": "", "b": "  # small_run", "c": "  # small_run", "d": ""}.items():
        (tmp_path / f"test_{name}.py").write_text(MODULE.format(more + SAYS), "utf-8")
    env = {**ENVIRONMENT, "PYTHONPATH": str(ROOT)}
    run(tmp_path, "pytest", "-n", "2", "--no-loadscope-reorder", env=env)
    ran = {path.stem: path.suffix for path in tmp_path.glob("test_*.py.gw?")}
    assert len(list(tmp_path.glob("test_*.py.gw?"))) == len(ran) == 4
    assert ran["test_b.py"] == ran["test_c.py"]
