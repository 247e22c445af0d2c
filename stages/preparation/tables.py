"""The challenge's CSV files, read as text and validated: bad rows are set apart with their reason.

A file whose structure is wrong (a column missing, labels that do not match the products, more than
half of the rows bad) stops with a CatalogueError naming file, column, first offending rows and the
likely cause. A file is called by its `name`, which is the person's own: what is read may be a copy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from serving.listing.labels import CODES
from stages.common.output import StageError
from stages.preparation.diagnosis import decimal_cause, likely_cause

_SHOWN = 5
PRODUCT_COLUMNS = ["designation", "description", "productid", "imageid"]
"""Columns of a table of products, after the index."""

_INTEGER = r"[0-9]{1,18}"
_CODES = [str(code) for code in CODES]


class CatalogueError(StageError):
    """A raw file that cannot be worked with."""


def _identifier(unique: bool = False) -> pa.Column:
    integer = pa.Check.str_matches(f"^{_INTEGER}$", error="not a non-negative integer")
    return pa.Column(str, integer, unique=unique, report_duplicates="exclude_first")


PRODUCTS = pa.DataFrameSchema(
    {
        "id": _identifier(unique=True),
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
    """Columns id, designation, description, productid, imageid, all str; "" where empty."""
    return _read(path, name, PRODUCT_COLUMNS)


def read_labels(path: Path, name: str) -> pd.DataFrame:
    """Columns id, prdtypecode, both str."""
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
    differing = products["id"].to_numpy() != labels["id"].to_numpy()
    if differing.any():
        rows = [
            f"row {row}: product {products['id'][row]!r}, label {labels['id'][row]!r}"
            for row in differing.nonzero()[0][:_SHOWN]
        ]
        raise CatalogueError(
            f"{name}: the index column differs from the products' in {differing.sum()} rows; "
            f"expected the same ids in the same order ({'; '.join(rows)})"
        )
    return products.assign(prdtypecode=labels["prdtypecode"])


def reject_bad_rows(labelled: pd.DataFrame, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split into good rows, identifiers and codes as integers, and bad rows with a `reason`.

    Raises CatalogueError when more than half of the rows are bad: then the file `name` is.
    """
    failures = _failures(labelled, LABELLED)
    reasons = failures.groupby("index")["reason"].agg("; ".join)
    if len(reasons) > len(labelled) / 2:
        raise CatalogueError(
            f"{name}: {len(reasons)} of {len(labelled)} rows are bad: {_first(failures)}"
        )
    bad = labelled.index.isin(reasons.index)
    rejected = labelled[bad].assign(reason=reasons)
    good = labelled[~bad].reset_index(drop=True)
    integers = ["id", "productid", "imageid", "prdtypecode"]
    return good.astype(dict.fromkeys(integers, "int64")), rejected


def require_good_rows(products: pd.DataFrame, name: str) -> pd.DataFrame:
    """Identifiers as integers. Every row of `name` must be answered, so one bad row stops it.

    Raises CatalogueError naming column and first offending rows.
    """
    failures = _failures(products, PRODUCTS)
    if len(failures):
        raise CatalogueError(f"{name}: {_first(failures)}")
    return products.astype(dict.fromkeys(["id", "productid", "imageid"], "int64"))


def product_chunks(
    path: Path, name: str, size: int, also: Sequence[str] = ()
) -> Iterator[pd.DataFrame]:
    """The products of a table that must all be answered, `size` rows at a time, as
    `require_good_rows` gives them; with the columns `also`, str.

    Raises CatalogueError, of an index that occurs twice within a chunk alone.
    """
    for table in _parts(path, name, [*PRODUCT_COLUMNS, *also], size):
        yield require_good_rows(table, name)


def _read(path: Path, name: str, columns: list[str]) -> pd.DataFrame:
    return next(_parts(path, name, columns, None))


def _parts(path: Path, name: str, columns: list[str], size: int | None) -> Iterator[pd.DataFrame]:
    """The table, whole or in parts of `size` rows, its first column called id."""
    try:
        with pd.read_csv(
            path,
            dtype=str,
            keep_default_na=False,
            na_filter=False,
            encoding="utf-8-sig",
            iterator=True,
            chunksize=size,
        ) as reader:
            for table in [reader.read()] if size is None else reader:
                yield _with_id(table, columns)
    except (OSError, ValueError, CatalogueError) as error:
        words = str(error) if isinstance(error, CatalogueError) else f"no table in CSV: {error}"
        cause = likely_cause(path)
        raise CatalogueError(f"{name}: {cause or words.strip()}") from error


def _with_id(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    if missing := [column for column in columns if column not in table.columns]:
        found = ", ".join(table.columns)
        raise CatalogueError(f"column {', '.join(missing)} is missing; found {found}")
    if table.columns[0] in columns or not isinstance(table.index, pd.RangeIndex):
        raise CatalogueError(
            f"expected an index column before {', '.join(columns)} and as many values in each "
            f"row as the header has; found {', '.join(table.columns)}"
        )
    return table.rename(columns={table.columns[0]: "id"})[["id", *columns]]


def _failures(table: pd.DataFrame, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """One line a fault: index (of the row), column, value, reason."""
    try:
        schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
        reason = cases["check"].replace("field_uniqueness", "duplicate id")
        return pd.DataFrame(
            {
                "index": cases["index"].astype(int),
                "column": cases["column"],
                "value": cases["failure_case"].astype(str),
                "reason": cases["column"] + " " + cases["failure_case"].astype(str) + ": " + reason,
            }
        ).sort_values(["index", "column"], ignore_index=True, kind="stable")
    return pd.DataFrame(columns=["index", "column", "value", "reason"])


def _first(failures: pd.DataFrame) -> str:
    shown = [
        f"row {case.index_}: {case.reason}"
        for case in failures.rename(columns={"index": "index_"}).head(_SHOWN).itertuples()
    ]
    cause = decimal_cause(failures["value"])
    return "; ".join(shown) + (f". {cause}" if cause else "")
