"""The runtime of the graphs keeps to itself what it runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.repository import ROOT


def test_a_loaded_graph_leaves_no_identity_and_nothing_to_be_sent(
    classifier_root: Path, tmp_path: Path
) -> None:
    """What would be sent waits in a database in the home folder, beside an identity."""
    program = (
        "import sys; from pathlib import Path; from serving.classifier.classifier import session; "
        "session(Path(sys.argv[1]))"
    )
    graph = classifier_root / "models" / "classifier" / "text.onnx"
    places = ("HOME", "TMPDIR", "XDG_CACHE_HOME")
    # Nothing of the surroundings, which may silence it as well.
    environment = {"PATH": os.environ["PATH"], **dict.fromkeys(places, str(tmp_path))}
    subprocess.run(  # noqa: S603
        [sys.executable, "-c", program, str(graph)], cwd=ROOT, env=environment, check=True
    )
    assert not list(tmp_path.iterdir())


def test_it_is_imported_from_one_place() -> None:
    imported = re.compile(r"^\s*(import|from) onnxruntime\b", re.M)
    modules = (path for part in ("serving", "stages") for path in (ROOT / part).rglob("*.py"))
    found = [path.name for path in modules if imported.search(path.read_text("utf-8"))]
    assert found == ["runtime.py"]
