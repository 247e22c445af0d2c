"""The challenge's CSV files, read as text and validated: bad rows are set apart with their reason.

A file whose structure is wrong (a column missing, labels that do not match the products, a
quotation mark that stays open, more than half of the rows bad) stops with a CatalogueError naming
file, column, first offending lines and the likely cause. A file is called by its `name`, which is
the person's own: what is read may be a copy. Lines are counted from 1, the header's, as editors do.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import pandera.pandas as pa

from stages.common.paths import PRODUCT_COLUMNS, TRANSLATED_COLUMNS
from stages.preparation.csv_table import CatalogueError, CsvTable, Row
from stages.preparation.diagnosis import decimal_cause, likely_cause
from stages.preparation.repeats import Indices
from stages.preparation.taxonomy import CODE, Names, written_as

_SHOWN = 5
_AT_ONCE = 8192
"""Rows that are held as Python's own strings at once."""

IDENTIFIERS = ["id", "productid", "imageid"]
_INTEGER = r"[0-9]{1,18}"


def _identifier() -> pa.Column:
    integer = pa.Check.str_matches(f"^{_INTEGER}$", error="not a non-negative integer")
    return pa.Column(str, integer)


PRODUCTS = pa.DataFrameSchema(
    {
        "id": _identifier(),
        "designation": pa.Column(str),
        "description": pa.Column(str),
        "productid": _identifier(),
        "imageid": _identifier(),
    }
)
TRANSLATED = PRODUCTS.update_columns(
    {
        "id": {"checks": pa.Check.str_length(min_value=1, error="no index")},
        "productid": {"checks": None},
    }
)
"""Of a table that names its pictures, none is built from identifiers: these are any text."""


def _code(names: Names | None) -> pa.Column:
    if names is None:
        return pa.Column(str, pa.Check.str_matches(f"^{CODE.pattern}$", error="no code"))
    return pa.Column(str, pa.Check.isin(list(names), error="unknown code"))


def read_products(path: Path, name: str) -> pd.DataFrame:
    """Columns id, designation, description, productid, imageid and, of a row with too few or too
    many values, the `fault`; all str, "" where empty. The index is the `line` of a row.

    A table that `ingest` made of another has the column `picture` as well.
    """
    if not _is_translated(path):
        return _read(path, name, PRODUCT_COLUMNS)
    table = _read(path, name, TRANSLATED_COLUMNS)
    told = table.pop("reason")
    return table.assign(fault=table["fault"].where(table["fault"] != "", told))


def read_labels(path: Path, name: str) -> pd.DataFrame:
    """Columns id, prdtypecode and fault, as `read_products` gives them."""
    return _read(path, name, ["prdtypecode"])


def join_labels(products: pd.DataFrame, labels: pd.DataFrame, name: str) -> pd.DataFrame:
    """Products with their code, by the index, in the order of the products; the labels come from
    the file `name`. A product without a label, or with several that differ, has a fault.

    Raises CatalogueError when more than half of the products have no label, or of the labels no
    product: then the files do not belong together.
    """
    place = _places(products, labels)
    lonely = labels_without_product(products, labels)
    missing = products["id"][place < 0]
    if max(2 * len(missing) - len(products), 2 * len(lonely) - len(labels)) > 0:
        shown = [
            f"{what} {identifier!r}"
            for what, ids in (("product", missing), ("label", lonely["id"]))
            for identifier in ids.head(_SHOWN)
        ]
        cause = decimal_cause([*products["id"].head(1), *labels["id"].head(1)])
        raise CatalogueError(
            f"{name}: {len(missing):,} of {len(products):,} products have no label, and "
            f"{len(lonely):,} of {len(labels):,} labels no product ({', '.join(shown)}); expected "
            f"the same index in both, in any order{f'. {cause}' if cause else ''}"
        )
    codes = labels["prdtypecode"].to_numpy()[place]
    differing = lonely.merge(pd.DataFrame({"id": products["id"].array, "code": codes}), on="id")
    several = differing["id"][differing["prdtypecode"] != differing["code"]]
    fault = products["fault"].mask(products["fault"] == "", labels["fault"].to_numpy()[place])
    fault = fault.mask(products["id"].isin(several), "has several labels that differ")
    return products.assign(
        prdtypecode=pd.Series(codes, products.index).mask(place < 0, ""),
        fault=fault.mask(place < 0, "has no label"),
    )


def labels_without_product(products: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Rows of the labels whose index no product has, with the `reason`."""
    taken = np.zeros(len(labels), bool)
    place = _places(products, labels)
    taken[place[place >= 0]] = True
    return labels[~taken].assign(reason="is a label without a product")


def _places(products: pd.DataFrame, labels: pd.DataFrame) -> np.ndarray:
    """The row in the labels of each product, -1 if none. Of an index that repeats in both, the
    first belongs to the first: all but the first are told to be duplicates."""
    keys = (
        pd.MultiIndex.from_arrays([table["id"], table.groupby("id").cumcount()])
        for table in (labels, products)
    )
    of_labels, of_products = keys
    return of_labels.get_indexer(of_products)


def reject_bad_rows(
    labelled: pd.DataFrame, name: str, names: Names | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split into good rows, the index as integers and codes as they are kept, and bad rows with a
    `reason`; a code of which a taxonomy has no name is one.

    Raises CatalogueError when more than half of the rows are bad, or there is none: then the file
    `name` is.
    """
    if labelled.empty:
        raise CatalogueError(f"{name}: there is no row below the header")
    translated = "picture" in labelled
    schema = schema_of(labelled).add_columns({"prdtypecode": _code(names)})
    # Held-out answers are kept by number: an index is the same with and without leading zeros.
    keys = labelled["id"] if translated else labelled["id"].str.lstrip("0")
    failures = _failures(labelled, schema, keys)
    reasons = failures.groupby("index")["reason"].agg("; ".join)
    if len(reasons) > len(labelled) / 2:
        raise CatalogueError(
            f"{name}: {len(reasons)} of {len(labelled)} rows are bad: {_first(failures)}"
        )
    bad = labelled.index.isin(reasons.index)
    rejected = labelled[bad].assign(reason=reasons)
    good = labelled[~bad].reset_index(drop=True).drop(columns="fault")
    kept = written_as(good["prdtypecode"], names)
    good["prdtypecode"] = good["prdtypecode"].map(kept)
    return with_numbers(good if translated else good.astype({"id": "int64"})), rejected


def schema_of(products: pd.DataFrame) -> pa.DataFrameSchema:
    """What the rows of a table that `read_products` gave are held to."""
    return TRANSLATED if "picture" in products else PRODUCTS


def require_good_rows(
    products: pd.DataFrame, name: str, schema: pa.DataFrameSchema = PRODUCTS
) -> pd.DataFrame:
    """The rows, identifiers as they came. All of `name` must be answered, so one bad row stops it.

    Raises CatalogueError naming column and first offending lines.
    """
    failures = _failures(products, schema, products["id"])
    if len(failures):
        raise CatalogueError(f"{name}: {_first(failures)}")
    return products.drop(columns="fault")


def with_numbers(products: pd.DataFrame) -> pd.DataFrame:
    """Identifiers as integers, but for a column in which one begins with a zero or is none: str."""
    texts = products[IDENTIFIERS].astype("str")
    plain = [
        name
        for name, values in texts.items()
        if values.str.fullmatch(_INTEGER).all() and not leading_zeros(values)
    ]
    return products.astype(dict.fromkeys(plain, "int64"))


def leading_zeros(identifiers: Iterable[object]) -> bool:
    """Whether one of them is not what a number would be written as."""
    return any(len(text) > 1 and text[0] == "0" for text in map(str, identifiers))


def product_chunks(
    file: BinaryIO, name: str, size: int, also: Sequence[str] = (), start: int = 0
) -> Iterator[pd.DataFrame]:
    """The products of a table that must all be answered, `size` rows at a time, as
    `require_good_rows` gives them; with the columns `also`, str, those of a table that `ingest`
    would make of another among them. `start` is that of a CsvTable.

    Raises CatalogueError, of an index that occurs twice within a chunk alone.
    """
    for table in _parts(file, name, [*PRODUCT_COLUMNS, *also], size, start):
        if "reason" in table:
            told = table.pop("reason")
            table["fault"] = table["fault"].where(table["fault"] != "", told)
            yield require_good_rows(table, name, TRANSLATED)
        else:
            yield require_good_rows(table, name)


def count_products(path: Path, name: str, size: int, also: Sequence[str] = ()) -> int:
    """The products of a table, once every row of it can be answered. Raises CatalogueError."""
    indices = Indices()
    with path.open("rb") as file:
        for products in product_chunks(file, name, size, also):
            indices.add(products["id"])
        again = (rows["id"] for rows in product_chunks(file, name, size, also))
        indices.require_unique(again, name)
    return len(indices)


def columns_beyond(path: Path) -> Sequence[str]:
    """Those that a table has beyond the challenge's, if `ingest` would have made it of another."""
    return TRANSLATED_COLUMNS[len(PRODUCT_COLUMNS) :] if _is_translated(path) else ()


def is_of_challenge(path: Path) -> bool:
    """Whether a table has the challenge's columns."""
    return set(PRODUCT_COLUMNS) <= set(_header(path))


def _is_translated(path: Path) -> bool:
    return _header(path) == ["", *TRANSLATED_COLUMNS]


def _header(path: Path) -> list[str]:
    if not path.is_file():
        return []  # which is told when it is read
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            return next(csv.reader(file), [])
    except csv.Error:  # of another format
        return []


def _read(path: Path, name: str, columns: Sequence[str]) -> pd.DataFrame:
    try:
        with path.open("rb") as file:
            return pd.concat([_frame([], columns), *_parts(file, name, columns, _AT_ONCE)])
    except OSError as error:
        raise CatalogueError(f"{name}: no table in CSV: {error}") from error


def _parts(
    file: BinaryIO, name: str, columns: Sequence[str], size: int, start: int = 0
) -> Iterator[pd.DataFrame]:
    """The table in parts of `size` rows, its first column called id."""
    file.seek(0)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        rows = iter(CsvTable(text, columns, start))
        while part := list(islice(rows, size)):
            yield _frame(part, columns)
    except (CatalogueError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{name}: {likely_cause(file) or error}") from error
    finally:
        text.detach()


def _frame(rows: Sequence[Row], columns: Sequence[str]) -> pd.DataFrame:
    lines = pd.Index([row.line for row in rows], dtype="int64", name="line")
    values = [[*row.values, row.fault] for row in rows]
    return pd.DataFrame(values, lines, ["id", *columns, "fault"], dtype="str")


def _failures(table: pd.DataFrame, schema: pa.DataFrameSchema, keys: pd.Series) -> pd.DataFrame:
    """One row a fault: index (of its row), value and reason, with `whole` for one of the row as a
    whole, of which nothing else is told. No two rows may have the same of `keys`."""
    whole = table["fault"][table["fault"] != ""]
    told = pd.DataFrame({"index": whole.index, "value": "", "reason": whole, "whole": True})
    repeated = table["id"][keys.duplicated() & (table["fault"] == "")]
    reason = "id " + repeated + ": duplicate id"
    twice = pd.DataFrame({"index": repeated.index, "value": "", "reason": reason, "whole": False})
    frames = [told, twice]
    try:
        schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases.sort_values(["index", "column"], kind="stable")
        cases = cases[~cases["index"].astype(int).isin(whole.index)]
        value = cases["failure_case"].astype(str)
        reason = cases["column"] + " " + value + ": " + cases["check"]
        index = cases["index"].astype(int)
        frames.append(
            pd.DataFrame({"index": index, "value": value, "reason": reason, "whole": False})
        )
    unit = table.index.name
    return (
        pd.concat(frames).sort_values("index", kind="stable", ignore_index=True).assign(unit=unit)
    )


def _first(failures: pd.DataFrame) -> str:
    """The first faults, rows that follow each other and lack the same told as one."""
    shown: list[str] = []
    rows = failures.itertuples(index=False, name=None)
    numbered = ((number, *row) for number, row in enumerate(rows))

    def alike(row: tuple[int, int, str, str, bool, str]) -> object:
        number, index, _, reason, whole, _ = row
        return (index - number, reason) if whole else number

    for _, run in groupby(numbered, alike):
        (_, first, _, reason, whole, unit), *more = run
        if more:
            plural = reason.replace("is ", "are ").replace("has ", "have ")
            shown.append(f"{unit}s {first} to {more[-1][1]} {plural}")
        else:
            shown.append(f"{unit} {first}{' ' if whole else ': '}{reason}")
        if len(shown) == _SHOWN:
            break
    cause = decimal_cause(failures["value"])
    return "; ".join(shown) + (f". {cause}" if cause else "")
