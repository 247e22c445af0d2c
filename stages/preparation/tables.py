"""The challenge's CSV files, read as text and validated: bad rows are set apart with their reason.

A file whose structure is wrong (a column missing, labels that do not match the products, a
quotation mark that stays open, more than half of the rows bad) stops with a CatalogueError naming
file, column, first offending lines and the likely cause. A file is called by its `name`, which is
the person's own: what is read may be a copy. Lines are counted from 1, the header's, as editors do.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import BinaryIO

import pandas as pd
import pandera.pandas as pa

from serving.listing.labels import CODES
from stages.preparation.csv_table import CatalogueError, CsvTable, Row
from stages.preparation.diagnosis import decimal_cause, likely_cause
from stages.preparation.repeats import Indices

_SHOWN = 5
_AT_ONCE = 8192
"""Rows that are held as Python's own strings at once."""

IDENTIFIERS = ["id", "productid", "imageid"]
PRODUCT_COLUMNS = ["designation", "description", "productid", "imageid"]
"""Columns of a table of products, after the index."""

_INTEGER = r"[0-9]{1,18}"
_CODES = [str(code) for code in CODES]


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
LABELLED = PRODUCTS.add_columns(
    {"prdtypecode": pa.Column(str, pa.Check.isin(_CODES, error="unknown code"))}
)


def read_products(path: Path, name: str) -> pd.DataFrame:
    """Columns id, designation, description, productid, imageid and, of a row with too few or too
    many values, the `fault`; all str, "" where empty. The index is the `line` of a row."""
    return _read(path, name, PRODUCT_COLUMNS)


def read_labels(path: Path, name: str) -> pd.DataFrame:
    """Columns id, prdtypecode and fault, as `read_products` gives them."""
    return _read(path, name, ["prdtypecode"])


def join_labels(products: pd.DataFrame, labels: pd.DataFrame, name: str) -> pd.DataFrame:
    """Products with their code, row by row; the labels come from the file `name`.

    Raises CatalogueError when the two files do not list the same ids in the same order.
    """
    if len(products) != len(labels):
        raise CatalogueError(
            f"{name}: column prdtypecode has {len(labels)} labels for {len(products)} products; "
            "expected one label for each product, in the same order"
        )
    product, label = products["id"].to_numpy(), labels["id"].to_numpy()
    differing = product != label
    if differing.any():
        lines = [
            f"line {labels.index[row]}: product {product[row]!r}, label {label[row]!r}"
            for row in differing.nonzero()[0][:_SHOWN]
        ]
        raise CatalogueError(
            f"{name}: the index column differs from the products' in {differing.sum()} rows; "
            f"expected the same ids in the same order ({'; '.join(lines)})"
        )
    fault = products["fault"].mask(products["fault"] == "", labels["fault"].to_numpy())
    return products.assign(prdtypecode=labels["prdtypecode"].to_numpy(), fault=fault)


def reject_bad_rows(labelled: pd.DataFrame, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split into good rows, index and codes as integers, and bad rows with a `reason`.

    Raises CatalogueError when more than half of the rows are bad, or there is none: then the file
    `name` is.
    """
    if labelled.empty:
        raise CatalogueError(f"{name}: there is no row below the header")
    # Held-out answers are kept by number: an index is the same with and without leading zeros.
    failures = _failures(labelled, LABELLED, labelled["id"].str.lstrip("0"))
    reasons = failures.groupby("index")["reason"].agg("; ".join)
    if len(reasons) > len(labelled) / 2:
        raise CatalogueError(
            f"{name}: {len(reasons)} of {len(labelled)} rows are bad: {_first(failures)}"
        )
    bad = labelled.index.isin(reasons.index)
    rejected = labelled[bad].assign(reason=reasons)
    good = labelled[~bad].reset_index(drop=True).drop(columns="fault")
    return with_numbers(good.astype({"id": "int64", "prdtypecode": "int64"})), rejected


def require_good_rows(products: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows, identifiers as they came. All of `name` must be answered, so one bad row stops it.

    Raises CatalogueError naming column and first offending lines.
    """
    failures = _failures(products, PRODUCTS, products["id"])
    if len(failures):
        raise CatalogueError(f"{name}: {_first(failures)}")
    return products.drop(columns="fault")


def with_numbers(products: pd.DataFrame) -> pd.DataFrame:
    """Identifiers as integers, but for a column in which one begins with a zero: str."""
    plain = [name for name in IDENTIFIERS if not leading_zeros(products[name])]
    return products.astype(dict.fromkeys(plain, "int64"))


def leading_zeros(identifiers: Iterable[object]) -> bool:
    """Whether one of them is not what a number would be written as."""
    return any(len(text) > 1 and text[0] == "0" for text in map(str, identifiers))


def product_chunks(
    file: BinaryIO, name: str, size: int, also: Sequence[str] = (), start: int = 0
) -> Iterator[pd.DataFrame]:
    """The products of a table that must all be answered, `size` rows at a time, as
    `require_good_rows` gives them; with the columns `also`, str. `start` is that of a CsvTable.

    Raises CatalogueError, of an index that occurs twice within a chunk alone.
    """
    for table in _parts(file, name, [*PRODUCT_COLUMNS, *also], size, start):
        yield require_good_rows(table, name)


def count_products(path: Path, name: str, size: int) -> int:
    """The products of a table, once every row of it can be answered. Raises CatalogueError."""
    indices = Indices()
    with path.open("rb") as file:
        for products in product_chunks(file, name, size):
            indices.add(products["id"])
        indices.require_unique((rows["id"] for rows in product_chunks(file, name, size)), name)
    return len(indices)


def _read(path: Path, name: str, columns: list[str]) -> pd.DataFrame:
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
