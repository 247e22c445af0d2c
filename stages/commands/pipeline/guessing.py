"""Guess how a shop's tables and pictures are read: encodings, columns, what is whose picture."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import urlsplit

import pandas as pd

from serving.listing.text import fold
from stages.common.settings import SEPARATORS, Encoding, Separator, table_kind
from stages.pictures.archive import EXTENSIONS
from stages.preparation.taxonomy import CODE_COLUMN, NAME_COLUMN
from stages.sources.tables import files, reading
from stages.sources.tables.addresses import is_address
from stages.sources.transfer import SourceError

_NAMES = {
    "title": "designation titre title nom name libelle intitule nomproduit productname",
    "description": "description descriptif texte desc text body details",
    "code": "prdtypecode code categorie category type classe class label rayon",
    "index": "index id ref reference sku identifiant identifier unnamed0 indexlevel0",
    "product_id": "productid produit idproduit sku ean gtin ref reference id",
    "picture": "image images photo photos picture pictures img imageurl imagelink fichier file",
    "picture_sha256": "sha256 hash imagesha256 photosha256 picturesha256 imagehash hashimage",
}
"""What shops call a column, letters and digits alone, the likeliest first."""

_ROWS = 5000
_HALF = 0.5
_MOST = 0.8
"""Share of files or rows that must agree before anything is guessed of them."""

_SEVERAL = 2  # rows that have a code, in the middle, where a column is one of codes
_TOKEN = re.compile(r"([0-9A-Za-z]+)")
_PICTURE = re.compile(rf"\.(?:{'|'.join(EXTENSIONS)})$", re.I)


class Table(NamedTuple):
    """A table as it seems to be: how it is read, its columns and its rows, all texts."""

    path: Path
    found: str
    encoding: Encoding
    separator: Separator
    rows: pd.DataFrame

    @property
    def columns(self) -> list[str]:
        """Their names."""
        return [str(name) for name in self.rows.columns]


@dataclass
class Guess:
    """The overrides by which a catalogue would be read, by their keys below `data`, and those of
    its `taxonomy`; what is said of each table; `lacking`, what could not be guessed, by the setting
    that says it; the `hosts` at which pictures lie, and how many do."""

    overrides: dict[str, str] = field(default_factory=dict)
    taxonomy: dict[str, str] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    lacking: dict[str, str] = field(default_factory=dict)
    hosts: Counter[str] = field(default_factory=Counter)


def guess(place: Path, known: Collection[str]) -> Guess:
    """How the tables in a folder, or one table, are read, where the codes of the default taxonomy
    are `known`. Raises SourceError: there is none, or it cannot be read at all."""
    paths = [place] if place.is_file() else sorted(place.iterdir())
    tables = [_look(path) for path in paths if path.is_file() and table_kind(path.name)]
    if not tables:
        raise SourceError(
            f"{place} holds neither the challenge's four files nor a table "
            "(.csv, .tsv, .txt, .parquet, .jsonl, .ndjson, also in .gz or .zip)"
        )
    found = Guess()
    for table in tables:
        found.tables[table.path.name] = (
            f"{len(table.rows):,} rows, {table.found}: {', '.join(table.columns)}"
        )
    tables, taxonomy = _without_taxonomy(tables)
    products, codes, asked = _parts(tables, known)
    for key, part in (("products", products), ("codes", codes), ("asked", asked)):
        if part is not None:
            found.overrides[key] = str(part.path)
    read_alike = [table for table in (products, codes, asked) if table is not None]
    _forms(read_alike, found)
    _columns(products, codes, known, found)
    if taxonomy is not None:
        found.taxonomy = {"taxonomy": "file", "taxonomy.path": str(taxonomy.path)}
    elif column := found.overrides.get("columns.code"):
        of_default = _known((codes or products).rows[column], known) >= _HALF
        found.taxonomy = {} if of_default else {"taxonomy": "labels"}
    _pictures(products, place if place.is_dir() else place.parent, found)
    return found


def _look(path: Path) -> Table:
    name = str(path)
    encoding: Encoding = "utf-8"
    separator: Separator = "comma"
    found = "Parquet"
    if table_kind(path.name) != "parquet":
        detected = reading.detected(path, name)
        encoding = reading.ADVISED.get(detected, "utf-8")
        found = "UTF-8" if detected == "ASCII" else detected
    if table_kind(path.name) == "csv":
        widths = {of: len(reading.header(path, name, encoding, of)) for of in SEPARATORS}
        separator = max(widths, key=lambda of: widths[of])
        found += f", separated by {separator}s" if widths[separator] > 1 else ""
    columns = reading.header(path, name, encoding, separator)
    once = [column for column, times in Counter(columns).items() if times == 1]
    rows = reading.read(path, name, once, encoding, separator).iloc[:, :-1]
    return Table(path, found, encoding, separator, rows)


def _without_taxonomy(tables: Sequence[Table]) -> tuple[list[Table], Table | None]:
    """The tables but one of codes and what they are called, and that one."""
    named = [table for table in tables if {CODE_COLUMN, NAME_COLUMN} <= set(table.columns)]
    if len(named) == 1 and len(tables) > 1:
        return [table for table in tables if table is not named[0]], named[0]
    return list(tables), None


def _parts(
    tables: Sequence[Table], known: Collection[str]
) -> tuple[Table, Table | None, Table | None]:
    """The tables of products, of their codes and of products to be answered, by their columns."""
    titled = [table for table in tables if _named(table, "title")]
    coded = [table for table in tables if _code(table, known)]
    products = max(
        [table for table in titled if table in coded] or titled or tables,
        key=lambda table: len(table.rows),
    )
    codes = None
    if products not in coded:
        codes = max(
            (table for table in coded if table is not products),
            key=lambda table: len(table.rows),
            default=None,
        )
        if codes:  # of several tables with titles, the one that the codes are of
            products = max(titled or tables, key=lambda table: _join(table, codes).shared)
    asked = [table for table in titled if table not in (products, codes) and table not in coded]
    return products, codes, max(asked, key=lambda table: len(table.rows), default=None)


class _Join(NamedTuple):
    """How many rows two tables share by a column of each."""

    shared: int
    alike: bool
    column: str
    other: str


def _join(table: Table, codes: Table) -> _Join:
    """The columns by which most codes find a product, of the same name if there is a choice."""
    ids = {name: set(values) for name, values in codes.rows.items()}
    joins = [
        _Join(len(set(table.rows[name]) & of), name == other, name, str(other))
        for name in _unique(table)
        for other, of in ids.items()
    ]
    return max(joins, default=_Join(0, False, "", ""))


def _unique(table: Table) -> list[str]:
    """Columns that tell the rows apart."""
    return [
        name
        for name in table.columns
        if table.rows[name].is_unique and (table.rows[name] != "").all()
    ]


def _forms(tables: Sequence[Table], found: Guess) -> None:
    for key, default, of in (
        ("encoding", "utf-8", {table.encoding for table in tables}),
        ("separator", "comma", {t.separator for t in tables if table_kind(t.path.name) == "csv"}),
    ):
        if len(of) > 1:
            told = " and ".join(sorted(of))
            found.lacking[key] = f"the tables differ in their {key} ({told}): save them alike"
        found.overrides |= {key: next(iter(of))} if of and of != {default} else {}


def _columns(products: Table, codes: Table | None, known: Collection[str], found: Guess) -> None:
    taken: set[str] = set()

    def take(role: str, column: str | None) -> None:
        if column is not None:
            found.overrides[f"columns.{role}"] = column
            taken.add(column)

    take("code", _code(codes or products, known))
    for role in ("title", "description", "picture", "picture_sha256"):
        take(role, _named(products, role, taken))
    if codes is None:
        repeated = set(products.columns) - set(_unique(products))
        take("index", _named(products, "index", taken | repeated))
    elif (join := _join(products, codes)).shared:
        take("index", join.column)
        found.overrides |= {} if join.alike else {"columns.codes_index": join.other}
    take("product_id", _named(products, "product_id", taken))
    for role, words in (("title", "a title"), ("code", "codes")):
        if f"columns.{role}" not in found.overrides:
            shown = ", ".join((codes or products if role == "code" else products).columns)
            found.lacking[f"columns.{role}"] = (
                f"no column looks like {words} (found {shown}): name it with "
                f"OPTIONS='-S data.columns.{role}=…'"
            )


def _code(table: Table, known: Collection[str]) -> str | None:
    """The column in which most values are codes that are `known`; else one that is called so, and
    whose values repeat."""
    rows = table.rows.head(_ROWS)
    shares = {str(name): _known(values, known) for name, values in rows.items()}
    best = max(shares, key=lambda name: shares[name], default=None)
    if best is not None and shares[best] >= _HALF:
        return best
    none = {str(name) for name, values in rows.items() if not _repeats(values[values != ""])}
    return _named(table, "code", none)


def _repeats(values: pd.Series) -> bool:
    return len(values) > 0 and values.value_counts().median() >= _SEVERAL


def _known(values: pd.Series, known: Collection[str]) -> float:
    """Share of the values there are that are codes."""
    filled = values[values != ""].str.strip()
    return float(reading.whole(filled).isin(known).mean()) if len(filled) else 0.0


def _named(table: Table, role: str, taken: Iterable[str] = ()) -> str | None:
    """The column that has one of a role's names."""
    plain = {re.sub(r"[^0-9a-z]", "", fold(name)): name for name in reversed(table.columns)}
    if role == "index" and "" in table.columns and "" not in taken:
        return ""
    names = (plain.get(name) for name in _NAMES[role].split())
    return next((name for name in names if name is not None and name not in taken), None)


def _pictures(products: Table, folder: Path, found: Guess) -> None:
    column = found.overrides.get("columns.picture")
    if column is not None:
        values = [value for value in products.rows[column].str.strip() if value]
        found.hosts = Counter(urlsplit(value).netloc for value in values if is_address(value))
        if found.hosts:
            listed = ",".join(sorted(found.hosts))
            found.overrides["pictures.hosts"] = f"[{listed}]"
        between = _between(values)
        found.overrides |= {"pictures.between": between} if between else {}
        if found.hosts and sum(found.hosts.values()) == len(values):
            return
    place = max(_places(folder), key=lambda each: each[1], default=None)
    if place is None:
        return
    path, _, stems = place
    if column is None:
        pattern = _pattern(stems, products.rows)
        if pattern is None:
            found.lacking["pictures.pattern"] = (
                f"{path} has {len(stems):,} pictures, such as {stems[0]}, and no column of the "
                "table is part of their names: say which with "
                "OPTIONS=\"-S data.pictures.pattern='{…}'\""
            )
            return
        found.overrides["pictures.pattern"] = pattern
    found.overrides["pictures.path"] = str(path)


def _between(values: Sequence[str]) -> Separator | None:
    """What separates several pictures in most of the values that have several."""
    several = [value for value in values if len(_ENDS.findall(value)) > 1]
    counts = {of: sum(sign in value for value in several) for of, sign in SEPARATORS.items()}
    best = max(counts, key=lambda of: counts[of])
    return best if several and counts[best] >= _MOST * len(several) else None


_ENDS = re.compile(rf"\.(?:{'|'.join(EXTENSIONS)})\b", re.I)


def _places(folder: Path) -> list[tuple[Path, int, list[str]]]:
    """Folders and archives with pictures, their number, and what the first are called."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.is_dir() or (path.suffix.lower() == ".zip" and not table_kind(path.name)):
            names = [name for name in files.opened(path).names if _PICTURE.search(name)]
            stems = [_PICTURE.sub("", PurePosixPath(name).name) for name in names]
            found += [(path, len(stems), stems)] if stems else []
    here = [path.name for path in folder.iterdir() if _PICTURE.search(path.name)]
    stems = [_PICTURE.sub("", name) for name in sorted(here)]
    return [*found, (folder, len(stems), stems)] if stems else found


def _pattern(stems: Sequence[str], rows: pd.DataFrame) -> str | None:
    """How pictures are called: words that all share, values of columns, and * for anything else."""
    values = {str(name): set(column) - {""} for name, column in rows.items()}
    sample = stems[:: max(1, len(stems) // 500)]

    def holding(words: Sequence[str]) -> str | None:
        shares = {name: sum(word in of for word in words) for name, of in values.items()}
        best = max(shares, key=lambda name: (shares[name], len(values[name])), default=None)
        return best if best is not None and shares[best] >= _MOST * len(words) else None

    if column := holding(sample):
        return f"{{{column}}}"
    split = [_TOKEN.split(stem) for stem in sample]
    width, _ = Counter(len(parts) for parts in split).most_common(1)[0]
    split = [parts for parts in split if len(parts) == width]
    if len(split) < _MOST * len(sample):
        return None
    pieces = []
    for number, words in enumerate(zip(*split, strict=True)):
        if len(set(words)) == 1:
            pieces.append(words[0])
        elif number % 2 and (column := holding(words)):
            pieces.append(f"{{{column}}}")
        else:
            pieces.append("*")
    pattern = "".join(pieces)
    return pattern if "{" in pattern else None
