import hashlib
import io
import os
import random
import subprocess
import sys
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from PIL import Image

from stages.sources.sample import recipes, vocabulary
from stages.sources.sample.codes import LISTINGS
from stages.sources.sample.listings import MINIMUM_PRODUCTS, class_sizes, generate
from stages.sources.sample.pictures import SIDE, Picture, draw
from stages.sources.transfer import SourceError
from tests.support.rakuten import CODES
from tests.support.repository import ROOT

FILES = ["X_test_update.csv", "X_train_update.csv", "Y_train_CVw08PX.csv", "images.zip"]
PRODUCTS, UNLABELLED = 600, 60


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    destination = tmp_path_factory.mktemp("sample")
    generate(destination, products=PRODUCTS, unlabelled=UNLABELLED, seed=7)
    return destination


@pytest.fixture(scope="module")
def labelled(catalogue: Path) -> pd.DataFrame:
    return _read(catalogue / "X_train_update.csv")


@pytest.fixture(scope="module")
def unlabelled(catalogue: Path) -> pd.DataFrame:
    return _read(catalogue / "X_test_update.csv")


@pytest.fixture(scope="module")
def labels(catalogue: Path) -> "pd.Series[int]":
    return pd.read_csv(catalogue / "Y_train_CVw08PX.csv", index_col=0)["prdtypecode"]


@pytest.fixture(scope="module")
def pictures(catalogue: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(catalogue / "images.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_files_are_those_of_the_challenge(catalogue: Path) -> None:
    assert sorted(path.name for path in catalogue.iterdir()) == FILES
    header = ",designation,description,productid,imageid"
    for name in ("X_train_update.csv", "X_test_update.csv"):
        assert (catalogue / name).read_text(encoding="utf-8").splitlines()[0] == header
    labels = (catalogue / "Y_train_CVw08PX.csv").read_text(encoding="utf-8").splitlines()
    assert labels[0] == ",prdtypecode"


def test_the_index_is_contiguous_over_both_parts(
    labelled: pd.DataFrame, unlabelled: pd.DataFrame, labels: "pd.Series[int]"
) -> None:
    assert list(labelled.index) == list(labels.index) == list(range(PRODUCTS))
    assert list(unlabelled.index) == list(range(PRODUCTS, PRODUCTS + UNLABELLED))


def test_identifiers_are_unique(labelled: pd.DataFrame, unlabelled: pd.DataFrame) -> None:
    everything = pd.concat([labelled, unlabelled])
    assert everything["productid"].is_unique
    assert everything["imageid"].is_unique


def test_every_code_has_a_vocabulary_a_look_and_products(labels: "pd.Series[int]") -> None:
    assert set(LISTINGS) == set(CODES) == set(labels)
    assert set(vocabulary.load().types) == set(recipes.load().types) == set(CODES)
    assert labels.value_counts().to_dict() == class_sizes(PRODUCTS)


def test_class_sizes_follow_the_public_set() -> None:
    sizes = class_sizes(2800)
    assert sum(sizes.values()) == 2800
    assert min(sizes.values()) >= 25
    assert max(sizes, key=lambda code: sizes[code]) == 2583
    assert 0.11 < sizes[2583] / 2800 < 0.13
    assert set(class_sizes(MINIMUM_PRODUCTS).values()) == {5}


def test_a_third_has_no_description(labelled: pd.DataFrame) -> None:
    assert 0.28 < (labelled["description"] == "").mean() < 0.42
    assert labelled["description"].str.contains("<br|<p>|<li>|<b>").mean() > 0.3
    assert labelled["description"].str.contains("&eacute;|&#39;|&nbsp;").mean() > 0.1


def test_some_products_have_no_title_and_mostly_a_picture(
    labelled: pd.DataFrame, pictures: dict[str, bytes]
) -> None:
    untitled = labelled[labelled["designation"] == ""]
    assert 0.04 < len(untitled) / PRODUCTS < 0.06
    assert (untitled["description"] == "").all()
    assert (~_has_picture(untitled, "image_train", pictures)).sum() == 1


def test_some_products_have_no_picture(
    labelled: pd.DataFrame, unlabelled: pd.DataFrame, pictures: dict[str, bytes]
) -> None:
    for rows, folder in ((labelled, "image_train"), (unlabelled, "image_test")):
        assert 0.06 < 1 - _has_picture(rows, folder, pictures).mean() < 0.11
    rows = _has_picture(labelled, "image_train", pictures).sum()
    assert rows + _has_picture(unlabelled, "image_test", pictures).sum() == len(pictures) - 1


def test_some_products_are_sold_twice(
    labelled: pd.DataFrame, pictures: dict[str, bytes], labels: "pd.Series[int]"
) -> None:
    titled = labelled[labelled["designation"] != ""]
    seen = titled[_has_picture(titled, "image_train", pictures)]
    digests = [hashlib.sha256(pictures[name]).hexdigest() for name in _entries(seen, "image_train")]
    exact = Counter(zip(seen["designation"], digests, labels[seen.index], strict=True))
    assert 8 <= sum(count - 1 for count in exact.values()) <= 14
    # The same picture under another title; the same title, spelled otherwise.
    assert len(set(zip(seen["designation"], digests, strict=True))) > len(set(digests))
    titles = set(titled["designation"])
    assert len({_normalised(title) for title in titles}) < len(titles)


def test_pictures_are_jpegs_but_for_the_defects(pictures: dict[str, bytes]) -> None:
    broken, stray = [], []
    for name, content in pictures.items():
        if not name.endswith(".jpg"):
            stray.append(name)
            continue
        try:
            with Image.open(io.BytesIO(content)) as picture:
                picture.load()
        except OSError:
            broken.append(content)
            continue
        assert (picture.format, picture.size, picture.mode) == ("JPEG", (SIDE, SIDE), "RGB")
    assert len(broken) == 4
    assert b"" in broken
    assert sum(content.startswith(b"\xff\xd8") for content in broken) == 1
    assert sum(content.startswith(b"<html>") for content in broken) == 1
    assert stray == ["images/image_train/Thumbs.db"]


def test_the_archive_is_stored_without_clock_or_platform(catalogue: Path) -> None:
    with zipfile.ZipFile(catalogue / "images.zip") as archive:
        for entry in archive.infolist():
            assert entry.compress_type == zipfile.ZIP_STORED
            assert entry.date_time == (2020, 1, 1, 0, 0, 0)
            assert entry.create_system == 3


@pytest.mark.parametrize("code", sorted(LISTINGS))
def test_a_picture_depends_on_its_code_and_seed_alone(code: int) -> None:
    assert draw(Picture(code, "a")) == draw(Picture(code, "a"))
    assert draw(Picture(code, "a")) != draw(Picture(code, "b"))


def test_types_that_sellers_mix_up_share_motifs() -> None:
    looks = recipes.load().types
    shared = [
        any(
            looks[code].motifs.keys() & looks[other].motifs.keys() for other in group.codes[i + 1 :]
        )
        for group in vocabulary.load().confusions
        for i, code in enumerate(group.codes[:-1])
    ]
    assert sum(shared) > len(shared) / 2


def test_every_motif_is_drawn() -> None:
    book = recipes.load()
    drawn = {motif for look in (*book.types.values(), book.nothing) for motif in look.motifs}
    drawn |= {step.motif for steps in book.motifs.values() for step in steps if step.motif}
    assert drawn == set(book.motifs)


def test_a_listing_keeps_the_words_of_lasting_slots_alone() -> None:
    speech = vocabulary.load()
    words = {"noun": ("{letter}{digits} {brand}",), "brand": ("Norvik", "Wexford")}
    told: dict[str, str] = {}
    rng = random.Random(0)
    first, again = (speech.fill("{noun} de {forename}", words, rng, told) for _ in range(2))
    noun, forename = first.split(" de ")
    assert told == {"noun": noun, "brand": noun.split()[1]}
    assert again.startswith(f"{noun} de ")
    assert not again.endswith(forename)
    assert told["brand"] in words["brand"]


Change = Callable[[Any], object]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda file: file["types"][10].update(titles="Livre {bindng}"),
            r"type 10 names an unknown slot \{bindng\} in 'Livre \{bindng\}'",
        ),
        (
            lambda file: file["types"][50]["words"].update(noun="Coque {nuon}"),
            r"type 50 names an unknown slot \{nuon\}",
        ),
        (
            lambda file: file.update(boilerplate="En {fabric}"),
            r"every listing names an unknown slot \{fabric\}",
        ),
        (
            lambda file: file["confusions"][0].update(titles="{binding}"),
            r"confusion \(10, 2705\) names an unknown slot \{binding\}",
        ),
        (
            lambda file: file["types"][50]["words"].update(
                noun="Coque {feature}", feature="{noun}"
            ),
            "type 50 has slots that hold each other: (noun in feature in noun|feature in noun in )",
        ),
        (lambda file: file["types"].pop(2583), "types: nothing for 2583; expected an entry"),
        (
            lambda file: file["types"].update({7: file["types"][10]}),
            "types: 7 is no product type; expected one of 10, 40, ",
        ),
        (
            lambda file: file["confusions"][3].update(codes=[40, 41]),
            r"confusions\.3\.codes\.1: 41 is no product type",
        ),
        (
            lambda file: file["confusions"][3].update(codes=[40]),
            r"confusions\.3\.codes: .* 2 items",
        ),
        (
            lambda file: file["types"][10].update(sentences="\n"),
            r"types\.10\.sentences: expected at least one phrase",
        ),
        (
            lambda file: file["words"].update(colour="noir | | blanc"),
            r"words\.colour: expected at least one phrase, and none that is empty",
        ),
        (
            lambda file: file["words"].update(day={"first": 1, "last": 28}),
            r"words\.day: expected phrases with bars between them, or the numbers first, last",
        ),
        (
            lambda file: file["types"][10].update(titles=["Livre"]),
            r"types\.10\.titles: expected a block of text with one pattern a line",
        ),
        (
            lambda file: file["types"][10].update(titles="Livre {work"),
            r"types\.10\.titles: the braces of 'Livre \{work' enclose no slot",
        ),
        (lambda file: file["types"][10].update(title="Livre"), r"types\.10\.title: "),
    ],
)
def test_a_wrong_vocabulary_is_refused(change: Change, message: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=rf"vocabulary\.yaml is refused:\n  .*{message}"):
        vocabulary.load(_changed(vocabulary.PATH, change, tmp_path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file: file["types"].pop(2583), "types: nothing for 2583; expected an entry"),
        (
            lambda file: file["types"][60]["motifs"].update(consle=1),
            r"type 60: unknown motifs \['consle'\]",
        ),
        (
            lambda file: file["motifs"]["book"].append({"motif": "notebook"}),
            "motif book draws 'notebook'; expected one of those above it",
        ),
        (
            lambda file: file["motifs"]["book"].append({"box": [0, 0, 1, 1], "motif": "text"}),
            r"motifs\.book\.5: expected exactly one of box, oval, polygon, line, motif",
        ),
        (
            lambda file: file["motifs"]["book"][0].update(fill="bodi"),
            r"motifs\.book\.0: unknown color specifier: 'bodi'",
        ),
        (
            lambda file: file["motifs"]["book"][0].update(count=[0, 2]),
            r"motifs\.book\.0: count \(0, 2\): expected 0 <= least <= most <= spots",
        ),
        (lambda file: file["motifs"].update(book=[]), r"motifs\.book: .* at least 1 item"),
        (
            lambda file: file["types"][10]["palette"].append("brwn"),
            r"types\.10\.palette\.\d: unknown color specifier: 'brwn'",
        ),
        (lambda file: file["types"][10].update(palette=["tan"]), r"types\.10\.palette: .* 2 items"),
        (lambda file: file["nothing"].update(motifs={"parcel": 0}), r"nothing\.motifs\.parcel: "),
    ],
)
def test_wrong_recipes_are_refused(change: Change, message: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=rf"pictures\.yaml is refused:\n  .*{message}"):
        recipes.load(_changed(recipes.PATH, change, tmp_path))


def test_a_data_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"absent\.yaml cannot be read"):
        vocabulary.load(tmp_path / "absent.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("types: [", encoding="utf-8")
    with pytest.raises(SourceError, match=r"broken\.yaml cannot be read: (?s:.*)line 1"):
        recipes.load(broken)
    broken.write_text("", encoding="utf-8")
    with pytest.raises(SourceError, match=r"broken\.yaml is refused:\n  the file: "):
        vocabulary.load(broken)


@pytest.mark.slow
def test_another_process_writes_the_same_bytes(tmp_path: Path) -> None:
    generate(tmp_path, products=MINIMUM_PRODUCTS, unlabelled=20, seed=3)
    hash_seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    assert _generated_elsewhere(tmp_path / "elsewhere", hash_seed) == _digests(tmp_path)


def test_another_seed_writes_another_catalogue(tmp_path: Path, catalogue: Path) -> None:
    generate(tmp_path, products=MINIMUM_PRODUCTS, unlabelled=0, seed=8)
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES
    assert _read(tmp_path / "X_test_update.csv").empty
    titles = set(_read(tmp_path / "X_train_update.csv")["designation"])
    others = set(_read(catalogue / "X_train_update.csv")["designation"])
    assert len(titles & others) < 0.1 * len(titles)


def test_too_small_a_sample_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"at least 135 products .* got 134"):
        generate(tmp_path, products=134, unlabelled=0, seed=7)
    with pytest.raises(ValueError, match="cannot be negative, got -1"):
        generate(tmp_path, products=135, unlabelled=-1, seed=7)
    assert not list(tmp_path.iterdir())


def _changed(source: Path, change: Change, folder: Path) -> Path:
    """A copy of the data file `source` in `folder`, with `change` made to it."""
    stored = yaml.load(source.read_text(encoding="utf-8"), yaml.CSafeLoader)
    change(stored)
    copy = folder / source.name
    written = yaml.dump(stored, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False)
    copy.write_text(written, encoding="utf-8")
    return copy


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, index_col=0, keep_default_na=False)


def _entries(rows: pd.DataFrame, folder: str) -> list[str]:
    return [
        f"images/{folder}/image_{imageid}_product_{productid}.jpg"
        for imageid, productid in zip(rows["imageid"], rows["productid"], strict=True)
    ]


def _has_picture(rows: pd.DataFrame, folder: str, pictures: dict[str, bytes]) -> "pd.Series[bool]":
    return pd.Series([name in pictures for name in _entries(rows, folder)], index=rows.index)


def _normalised(title: str) -> str:
    letters = unicodedata.normalize("NFKD", unescape(title).casefold().replace("œ", "oe"))
    return " ".join("".join(c for c in letters if not unicodedata.combining(c)).split())


def _generated_elsewhere(destination: Path, hash_seed: str) -> list[str]:
    """The digests of a small sample's files, written by a process of its own."""
    destination.mkdir()
    script = (
        "import sys; from pathlib import Path; "
        "from stages.sources.sample.listings import generate; "
        f"generate(Path(sys.argv[1]), products={MINIMUM_PRODUCTS}, unlabelled=20, seed=3)"
    )
    subprocess.run(  # noqa: S603 - the command is this interpreter and the script above
        [sys.executable, "-c", script, str(destination)],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        check=True,
        capture_output=True,
    )
    return _digests(destination)


def _digests(folder: Path) -> list[str]:
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES]
