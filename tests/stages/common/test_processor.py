"""A processor that cannot give the promised bits is refused by name, another kind is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from stages.common.processor import CPUINFO, ProcessorError, require_processor


def processor(path: Path, flags: str) -> Path:
    path.write_text(f"processor\t: 0\nflags\t\t: {flags}\n\nprocessor\t: 1\nflags\t\t: {flags}\n")
    return path


@pytest.mark.parametrize(
    ("flags", "named", "unnamed"),
    [
        ("sse4_2 avx", ("AVX2", "FMA"), ()),
        ("avx avx2 fma4", ("FMA",), ("AVX2",)),
        ("avx fma", ("AVX2",), ("FMA",)),
    ],
)
def test_what_is_missing_is_named_with_the_way_out(
    flags: str, named: tuple[str, ...], unnamed: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(ProcessorError, match="make results") as error:
        require_processor("x86_64", processor(tmp_path / "cpuinfo", flags))
    assert all(f"no {name}" in str(error.value) for name in named)
    assert not any(f"no {name}" in str(error.value) for name in unnamed)


def test_what_is_enough_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require_processor("x86_64", processor(tmp_path / "cpuinfo", "sse2 avx2 fma"))
    require_processor("x86_64", tmp_path / "not there")
    assert capsys.readouterr() == ("", "")


def test_another_architecture_runs_and_is_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require_processor("aarch64", processor(tmp_path / "cpuinfo", "neon"))
    assert capsys.readouterr().err.count("bytes may differ") == 1


@pytest.mark.skipif(not CPUINFO.exists(), reason="no /proc/cpuinfo")
def test_this_processor_is_the_default() -> None:
    require_processor()
